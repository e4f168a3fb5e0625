"""Identities: the private keys that open findings."""

from __future__ import annotations

import base64
import binascii
import os
import stat
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyrage

from brightline import storage
from brightline.errors import SealError

_AGE_KEY = "AGE-SECRET-KEY-1"
_SSH_HEADS = ("-----BEGIN OPENSSH PRIVATE KEY-----", "-----BEGIN RSA PRIVATE KEY-----")
_SEALED_HEADS = ("age-encryption.org/", "-----BEGIN AGE ENCRYPTED FILE-----")
_OPENSSH_MAGIC = b"openssh-key-v1\0"
_MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Identity:
    """Private keys read from one file.

    `recipients` are the public halves (empty where the file does not tell), so that the
    ledger can say which custodian opened something. `warning` is a sentence for the user if
    others on this machine can read the file. The keys never show in `repr`.
    """

    keys: tuple[Any, ...] = field(repr=False)
    recipients: tuple[str, ...]
    warning: str | None = None


def new_identity(path: Path) -> str:
    """Write a new age X25519 identity, readable by its owner only; returns its recipient.

    The text is age-keygen's: two comments and the key. Raises SealError if the name is
    taken or cannot be written: a key file is never replaced.
    """
    key = pyrage.x25519.Identity.generate()
    recipient = str(key.to_public())
    created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    text = f"# created: {created}\n# public key: {recipient}\n{key}\n"
    try:
        storage.make_directory(path.parent)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise SealError(f"{path} exists already; choose another name for the new key") from None
    except OSError as error:
        raise SealError(f"cannot write a key to {path}: {error.strerror}") from None
    try:
        with os.fdopen(fd, "w", encoding="ascii") as out:
            out.write(text)
        storage.fsync_file(path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    storage.fsync_directory(path.parent)
    return recipient


def load_identity(path: Path) -> Identity:
    """Read an age identity file, or an OpenSSH private key (ed25519 or RSA).

    The key must not be protected by a passphrase: Brightline never asks for one. A file that
    others may read is used, with `Identity.warning` set, because the harm is done and the
    findings may be urgent. Raises SealError for anything that is not such a key.
    """
    try:
        with path.open("rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            data = stream.read(_MAX_BYTES + 1)
    except OSError as error:
        raise SealError(f"cannot read the identity file {path}: {error.strerror}") from None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    warning = None
    if stat.S_IMODE(mode) & 0o077:
        warning = f"{path} holds a private key and others can read it; run: chmod 600 {path}"
    if text.startswith(_SEALED_HEADS):
        raise SealError(
            f"{path} is protected by a passphrase; decrypt it first (age -d) and give the result"
        )
    if text.startswith(_SSH_HEADS):
        return _ssh_identity(path, data, text, warning)
    return _age_identity(path, text if len(data) <= _MAX_BYTES else "", warning)


def _age_identity(path: Path, text: str, warning: str | None) -> Identity:
    lines = [line.strip() for line in text.splitlines()]
    secrets = [line for line in lines if line and not line.startswith("#")]
    if not secrets or not all(line.startswith(_AGE_KEY) for line in secrets):
        raise SealError(
            f"{path} is not an identity file; give one made by `brightline custodian new` or "
            "age-keygen, or an OpenSSH private key"
        )
    try:
        keys = tuple(pyrage.x25519.Identity.from_str(line) for line in secrets)
    except pyrage.IdentityError:
        raise SealError(f"{path} holds a damaged age key; use a copy of it") from None
    return Identity(keys, tuple(str(key.to_public()) for key in keys), warning)


def _ssh_identity(path: Path, data: bytes, text: str, warning: str | None) -> Identity:
    cipher, recipient = _openssh_public(text)
    # PEM RSA keys say it in a header line, OpenSSH's own format in its cipher name
    if cipher not in (None, "none") or "ENCRYPTED" in text:
        raise SealError(
            f"{path} is protected by a passphrase; make an unprotected copy (ssh-keygen -p) "
            "and give that"
        )
    try:
        key = pyrage.ssh.Identity.from_buffer(data)
    except pyrage.IdentityError:
        raise SealError(
            f"{path} is not an SSH key that age can use; it takes ed25519 and RSA keys"
        ) from None
    return Identity((key,), () if recipient is None else (recipient,), warning)


def _openssh_public(text: str) -> tuple[str | None, str | None]:
    """Cipher and public key of OpenSSH's private key format (openssh/PROTOCOL.key).

    Both stand in clear before the private part. (None, None) if the text is in another format.
    """
    body = "".join(line for line in text.splitlines() if not line.startswith("-----"))
    try:
        blob = base64.b64decode(body, validate=True)
    except binascii.Error:
        return None, None
    if not blob.startswith(_OPENSSH_MAGIC):
        return None, None
    rest = blob[len(_OPENSSH_MAGIC) :]
    cipher, rest = _string(rest)
    _kdf, rest = _string(rest)
    _options, rest = _string(rest)
    public, _private = _string(rest[4:])  # after the number of keys, which is one
    kind, _ = _string(public)
    recipient = f"{kind.decode('ascii', 'replace')} {base64.b64encode(public).decode('ascii')}"
    return cipher.decode("ascii", "replace"), recipient


def _string(data: bytes) -> tuple[bytes, bytes]:
    """An SSH wire string (RFC 4251, section 5) and what follows it."""
    end = 4 + int.from_bytes(data[:4], "big")
    return data[4:end], data[end:]
