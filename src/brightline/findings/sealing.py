"""Sealing findings to custodians, and opening them.

One age file (age-encryption.org/v1) holds one shard's findings as JSON Lines. The plaintext
exists only in memory. age shows that a file was not altered, not who wrote it: its SHA-256 is
kept with the shard's counts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyrage

from brightline import storage
from brightline.errors import SealError
from brightline.findings.custodians import Custodian, recipient_key
from brightline.findings.identity import Identity

#: what pyrage says when a file's header is sound and none of its stanzas fits the key
_NO_KEY = "No matching keys found"


def seal(lines: Iterable[Mapping[str, Any]], recipients: Sequence[Custodian], path: Path) -> int:
    """Seal findings into one file that every custodian can open; returns how many there were.

    The file is written even for none, so that its absence always means that something is
    missing; it appears whole or not at all. Raises SealError without custodians, or naming
    the custodian whose recipient cannot be used.
    """
    if not recipients:
        raise SealError(
            "there is no custodian to seal findings to; add one with "
            "`brightline custodian add RECIPIENT --name NAME`"
        )
    keys = [recipient_key(custodian) for custodian in recipients]
    plaintext = bytearray()
    count = 0
    for line in lines:
        plaintext += json.dumps(line, separators=(",", ":"), allow_nan=False).encode("ascii")
        plaintext += b"\n"
        count += 1
    try:
        ciphertext = pyrage.encrypt(bytes(plaintext), keys)
    except pyrage.EncryptError:
        raise SealError(
            "the custodians' recipients cannot be used together; see `brightline custodian ls`"
        ) from None
    storage.write_atomic(path, ciphertext)
    return count


def open_sealed(path: Path, identity: Identity) -> list[dict[str, Any]]:
    """The findings of one sealed file, in the order in which they were sealed.

    The whole file is decrypted and parsed before anything is returned, because age lets the
    first part of a cut-off file through. Raises SealError if the file is missing, cut off or
    altered, or if the identity is not one of its custodians'.
    """
    try:
        ciphertext = path.read_bytes()
    except OSError as error:
        raise SealError(f"cannot read the findings in {path}: {error.strerror}") from None
    try:
        plaintext: bytes = pyrage.decrypt(ciphertext, list(identity.keys))
    except pyrage.DecryptError as error:
        if str(error) == _NO_KEY:
            raise SealError(
                f"this identity is not among the custodians that {path} was sealed to"
            ) from None
        raise SealError(
            f"{path} is cut off or was altered after it was sealed; nothing was opened"
        ) from None
    try:
        findings = [json.loads(line) for line in plaintext.splitlines()]
    except ValueError:
        findings = [None]
    if not all(isinstance(finding, dict) for finding in findings):
        raise SealError(f"{path} was not sealed by Brightline; nothing was opened")
    return findings
