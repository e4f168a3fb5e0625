"""The package's form: a tar with a signed manifest, sealed with age.

    manifest.dsse.json     DSSE envelope (v1.0) whose payload names every other file with its
                           SHA-256 and size; signed with the workspace's Ed25519 key
    …                      the files that it names

The whole tar is one age file (age-encryption.org/v1). Who has no Brightline opens it with
`age -d -i KEY package | tar x` and checks the envelope with any DSSE library.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyrage

from brightline import storage
from brightline.errors import SealError, VerificationError
from brightline.findings import Custodian, Identity
from brightline.findings.custodians import recipient_key
from brightline.ledger.keys import Signer
from brightline.referral.errors import ReferralError
from brightline.release.dsse import accepted, encode, parse, sign

MANIFEST = "manifest.dsse.json"
PAYLOAD_TYPE = "application/vnd.brightline.package+json"
_FORMAT = "brightline-package/1"
_MOST_BYTES = 1 << 30
_MOST_FILES = 10_000
_MOST_NAME, _MOST_FOLDERS = 255, 16


def write_bundle(
    path: Path,
    about: Mapping[str, Any],
    files: Mapping[str, bytes],
    recipients: Sequence[Custodian],
    signer: Signer,
) -> str:
    """Seal files and their signed manifest into one file; returns its SHA-256 in hex.

    `about` goes into the manifest. The file must not exist: a package is never replaced.
    """
    if path.exists():
        raise ReferralError(f"{path} exists already; choose another name for the package")
    if not all(_is_plain(name) for name in files):
        raise ReferralError("a file has a name that no package can hold; rename it")
    manifest = {
        "format": _FORMAT,
        **about,
        "files": [
            {"path": name, "sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
            for name, data in sorted(files.items())
        ],
    }
    payload = json.dumps(manifest, sort_keys=True, ensure_ascii=False).encode("utf-8")
    envelope = encode(sign(PAYLOAD_TYPE, payload, [signer]))
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in [(MANIFEST, envelope), *sorted(files.items())]:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            member.mode = 0o600
            archive.addfile(member, io.BytesIO(data))
    try:
        sealed: bytes = pyrage.encrypt(out.getvalue(), [recipient_key(r) for r in recipients])
    except pyrage.EncryptError:
        raise SealError("these recipients cannot be used together; seal a package to each") from (
            None
        )
    storage.write_atomic(path, sealed)
    return hashlib.sha256(sealed).hexdigest()


def read_bundle(
    path: Path, identity: Identity, publics: Sequence[bytes]
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The manifest and the files of a package, after everything about it was checked.

    `publics`: Ed25519 keys of 32 bytes, one of which must have signed. Nothing is written.
    Raises SealError if it cannot be opened with this identity; VerificationError, naming the
    first file that fails, if it is not what the signer made.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ReferralError(f"{path} is larger than the {_MOST_BYTES} bytes that are opened")
        sealed = path.read_bytes()
    except OSError as error:
        raise ReferralError(f"cannot read {path}: {error.strerror}") from None
    try:
        plain: bytes = pyrage.decrypt(sealed, list(identity.keys))
    except pyrage.DecryptError:
        raise SealError(
            f"{path} was not sealed to this identity, or is cut off or altered; nothing was opened"
        ) from None
    members = _members(plain, path)
    envelope = parse(members.pop(MANIFEST, b""))
    if envelope.payload_type != PAYLOAD_TYPE:
        raise VerificationError(f"{path} is not a package: its envelope holds something else")
    if not accepted(envelope, publics):
        raise VerificationError(f"{path} is not signed with the key that was given")
    manifest = _manifest(envelope.payload, path)
    listed = {entry["path"]: entry for entry in manifest["files"]}
    for name in sorted(listed.keys() | members.keys()):
        if name not in members:
            raise VerificationError(f"{path}: {name} is missing")
        if name not in listed:
            raise VerificationError(f"{path}: {name} is not in the manifest")
        data = members[name]
        if hashlib.sha256(data).hexdigest() != listed[name]["sha256"]:
            raise VerificationError(f"{path}: {name} was changed")
    return manifest, members


def _members(plain: bytes, path: Path) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(plain), mode="r:") as archive:
            for member in archive:
                # before the signature is known: a sparse member would be read at any size
                whole = member.type == tarfile.REGTYPE and not member.issparse()
                fits = member.size <= len(plain) and _is_plain(member.name)
                if not whole or not fits or member.name in found:
                    raise VerificationError(f"{path} holds a member that no package has")
                stream = archive.extractfile(member)
                found[member.name] = stream.read() if stream is not None else b""
                if len(found) > _MOST_FILES:
                    raise VerificationError(f"{path} holds more files than a package has")
    except (tarfile.TarError, EOFError, ValueError, UnicodeError):
        raise VerificationError(f"{path} is not a package: it holds no whole tar") from None
    folders = {name[:k] for name in found for k, c in enumerate(name) if c == "/"}
    if folders & found.keys():
        raise VerificationError(f"{path} holds a file where it also holds a folder")
    return found


def _is_plain(name: str) -> bool:
    """Whether a name stays below the folder that it is written into, and can be written."""
    parts = name.split("/")
    return (
        name.isprintable()
        and len(parts) <= _MOST_FOLDERS
        and all(part not in ("", ".", "..") and len(part.encode()) <= _MOST_NAME for part in parts)
    )


def _manifest(payload: bytes, path: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads(payload)
        if manifest["format"] != _FORMAT:
            raise VerificationError(f"{path} is of a format that this version does not know")
        for entry in manifest["files"]:
            if not isinstance(entry["path"], str) or not isinstance(entry["sha256"], str):
                raise TypeError
    except (ValueError, LookupError, TypeError):
        raise VerificationError(f"the manifest in {path} cannot be understood") from None
    return manifest
