"""Ed25519 keys: made, read from the files that other programs write, and named.

A key has a name, since a signed note tells keys apart by name and key id (c2sp.org/signed-note).
Private keys are read from PKCS#8 PEM and OpenSSH files without a passphrase, public keys from a
verifier key, a PEM SubjectPublicKeyInfo or an `ssh-ed25519` line.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from brightline import storage
from brightline.errors import UsageError

#: signature types of c2sp.org/signed-note: a note's, and a witness's cosignature
NOTE = 0x01
COSIGNATURE = 0x04

_MAX_BYTES = 1 << 16
_RAW = serialization.Encoding.Raw, serialization.PublicFormat.Raw


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key with its name; `public` is 32 bytes. The key never shows in `repr`."""

    name: str
    public: bytes
    _key: Ed25519PrivateKey = field(repr=False)

    def sign(self, data: bytes) -> bytes:
        """An Ed25519 signature (RFC 8032) over `data`; 64 bytes."""
        return self._key.sign(data)

    @property
    def vkey(self) -> str:
        """The verifier key of its note signatures, as text."""
        return verifier_key(self.name, self.public)

    def private_pem(self) -> bytes:
        """The private key as PKCS#8 PEM, not encrypted. For a file that only its owner reads."""
        return self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )


def generate(name: str) -> Signer:
    """A new key in memory; UsageError if the name cannot be a key's."""
    return _signer(check_name(name), Ed25519PrivateKey.generate())


def new_signer(path: Path, name: str) -> Signer:
    """Make a key and write it to a new file, PKCS#8 PEM with mode 0600, durably.

    Raises UsageError if the name cannot be a key's, or if the file exists or cannot be written:
    a key file is never replaced.
    """
    signer = generate(name)
    try:
        storage.make_directory(path.parent)
        storage.write_new(path, signer.private_pem())
    except FileExistsError:
        raise UsageError(f"{path} exists already; choose another name for the new key") from None
    except OSError as error:
        raise UsageError(f"cannot write a key to {path}: {error.strerror}") from None
    return signer


def load_signer(path: Path, name: str | None = None) -> Signer:
    """Read an Ed25519 private key: PKCS#8 PEM or OpenSSH, without a passphrase.

    Without a name, one is made of the public key's digest. Raises UsageError if the file cannot
    be read, holds another kind of key, or can be read by others than its owner.
    """
    try:
        with path.open("rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            data = stream.read(_MAX_BYTES)
    except OSError as error:
        raise UsageError(f"cannot read the key {path}: {error.strerror}") from None
    if stat.S_IMODE(mode) & 0o077:
        raise UsageError(f"others can read the private key {path}; run: chmod 600 {path}")
    try:
        if b"OPENSSH PRIVATE KEY" in data:
            key: object = serialization.load_ssh_private_key(data, None)
        else:
            key = serialization.load_pem_private_key(data, None)
    except TypeError:
        raise UsageError(
            f"{path} is protected by a passphrase; make a copy without one and give that"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise UsageError(_not_a_key(path)) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(_not_a_key(path))
    if name is None:
        digest = hashlib.sha256(key.public_key().public_bytes(*_RAW)).hexdigest()
        name = f"key.invalid/{digest[:16]}"
    return _signer(check_name(name), key)


def read_public(source: Path | str) -> tuple[str | None, bytes]:
    """A public key's name, if it has one, and its 32 bytes.

    `source` is a file, or the text itself: a verifier key (`name+id+key`), a PEM
    SubjectPublicKeyInfo, or an `ssh-ed25519` line. Raises UsageError for anything else.
    """
    text, where = _text(source)
    if "-----BEGIN PUBLIC KEY-----" in text:
        return None, _pem(text, where)
    if text.startswith("ssh-ed25519 "):
        return None, _ssh(text, where)
    return parse_vkey(text, where)


def verifier_key(name: str, public: bytes, algorithm: int = NOTE) -> str:
    """`name+keyid+key`: the id in hex, the key (type byte, 32 bytes) in base64."""
    material = bytes([algorithm]) + public
    encoded = base64.b64encode(material).decode("ascii")
    return f"{name}+{key_id(name, public, algorithm).hex()}+{encoded}"


def key_id(name: str, public: bytes, algorithm: int = NOTE) -> bytes:
    """The first 4 bytes of SHA-256 of name, newline, type byte and key (c2sp.org/signed-note)."""
    return hashlib.sha256(name.encode() + b"\n" + bytes([algorithm]) + public).digest()[:4]


def public_pem(public: bytes) -> str:
    """The 32 bytes as PEM SubjectPublicKeyInfo (RFC 8410), with the last newline."""
    key = Ed25519PublicKey.from_public_bytes(public)
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode("ascii")


def public_ssh(public: bytes) -> str:
    """The 32 bytes as an OpenSSH public key line, without comment and newline."""
    key = Ed25519PublicKey.from_public_bytes(public)
    return key.public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    ).decode("ascii")


def check_name(name: str) -> str:
    """The name, if it can be a key's and a log's: one word without `+`; else UsageError."""
    if not name or "+" in name or not name.isprintable() or any(c.isspace() for c in name):
        raise UsageError("a key's name is one word without spaces and plus signs")
    return name


def _signer(name: str, key: Ed25519PrivateKey) -> Signer:
    return Signer(name, key.public_key().public_bytes(*_RAW), key)


def _text(source: Path | str) -> tuple[str, str]:
    """The text and what to call it in errors."""
    looks_like_key = isinstance(source, str) and (
        "\n" in source or "+" in source or source.startswith("ssh-ed25519 ")
    )
    if looks_like_key and not _is_file(str(source)):
        return str(source).strip(), "the public key given"
    try:
        with Path(source).open("rb") as stream:
            data = stream.read(_MAX_BYTES)
    except OSError as error:
        raise UsageError(f"cannot read the public key {source}: {error.strerror}") from None
    try:
        return data.decode("utf-8").strip(), str(source)
    except UnicodeDecodeError:
        raise UsageError(_not_public(str(source))) from None


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):
        return False


def _pem(text: str, where: str) -> bytes:
    try:
        key = serialization.load_pem_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise UsageError(_not_public(where)) from None
    if not isinstance(key, Ed25519PublicKey):
        raise UsageError(_not_public(where))
    return key.public_bytes(*_RAW)


def _ssh(text: str, where: str) -> bytes:
    try:
        key = serialization.load_ssh_public_key(text.splitlines()[0].encode())
    except (ValueError, UnsupportedAlgorithm):
        raise UsageError(_not_public(where)) from None
    if not isinstance(key, Ed25519PublicKey):
        raise UsageError(_not_public(where))
    return key.public_bytes(*_RAW)


def parse_vkey(text: str, where: str = "the verifier key") -> tuple[str, bytes]:
    """Name and 32 bytes of a verifier key's one spelling; UsageError for anything else."""
    parts = text.split("+", 2)
    if len(parts) != 3:
        raise UsageError(_not_public(where))
    name, identifier, encoded = parts
    try:
        material = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise UsageError(_not_public(where)) from None
    if len(material) != 33 or material[0] not in (NOTE, COSIGNATURE):
        raise UsageError(_not_public(where))
    if verifier_key(check_name(name), material[1:], material[0]) != text:
        raise UsageError(f"{where} is damaged: its id {identifier[:8]} is not that of its key")
    return name, material[1:]


def _not_a_key(path: Path) -> str:
    return f"{path} is not an Ed25519 private key in PKCS#8 PEM or OpenSSH form"


def _not_public(where: str) -> str:
    return (
        f"{where} is not an Ed25519 public key: give a verifier key (name+id+key), "
        "a PEM public key or an ssh-ed25519 line"
    )
