"""Signed notes, read strictly (c2sp.org/signed-note) and checked.

Nothing is stripped, every base64 is the canonical one, and a key is known by its name *and* its
id. Every refusal is a VerificationError, whatever the bytes were.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from brightline.errors import VerificationError

#: signature types of c2sp.org/signed-note and c2sp.org/tlog-cosignature
ED25519 = 0x01
COSIGNATURE = 0x04

_MAX_BYTES = 1_000_000
_MAX_SIGNATURES = 100
_DASH = "\u2014"


@dataclass(frozen=True, slots=True)
class Key:
    """A public key as a verifier key spells it: `id` is 4 bytes, `public` 32."""

    name: str
    id: bytes
    algorithm: int
    public: bytes


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature line: who is said to have signed, the key's 4-byte id, and what follows it."""

    name: str
    id: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A note that is well formed; its signatures are not checked yet. `text` ends in a newline."""

    text: str
    signatures: tuple[Signature, ...]


@dataclass(frozen=True, slots=True)
class Witnessed:
    """A cosignature that was verified: by whom, and when by their clock (seconds, POSIX)."""

    name: str
    time: int


def parse_key(text: str) -> Key:
    """A verifier key `name+id+base64`, of type Ed25519 or cosignature/v1."""
    parts = text.split("+", 2)
    if len(parts) != 3 or not _is_name(parts[0]):
        raise VerificationError("a verifier key is name+id+key, in one line")
    name, identifier, encoded = parts
    material = decode_base64(encoded)
    if material is None or len(material) != 33 or material[0] not in (ED25519, COSIGNATURE):
        raise VerificationError(f"the verifier key of {name} is not an Ed25519 key")
    digest = hashlib.sha256(name.encode() + b"\n" + material).digest()[:4]
    if identifier != digest.hex():
        raise VerificationError(f"the verifier key of {name} is damaged: its id is another's")
    return Key(name, digest, material[0], material[1:])


def parse_note(data: bytes) -> Note:
    """The text and the signature lines."""
    if len(data) > _MAX_BYTES:
        raise VerificationError("the note is too long to be one")
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError:
        raise VerificationError("the note is not UTF-8 text") from None
    if any(character < " " and character != "\n" for character in whole):
        raise VerificationError("the note holds a control character")
    end = whole.rfind("\n\n")
    if end < 0:
        raise VerificationError("the note has no blank line before its signatures")
    text, rest = whole[: end + 1], whole[end + 2 :]
    if not rest.endswith("\n"):
        raise VerificationError("the note's last line is cut off, or it has no signature")
    lines = rest[:-1].split("\n")
    if len(lines) > _MAX_SIGNATURES:
        raise VerificationError("the note has too many signatures")
    return Note(text, tuple(_signature(line) for line in lines))


def check_note(note: Note, keys: Iterable[Key]) -> tuple[Key, ...]:
    """The keys of type Ed25519 that signed the note.

    Raises VerificationError if no known key signed it, if a known key's signature does not
    verify, or if a known key signed twice. Signatures of unknown keys are left aside.
    """
    found = []
    for key in keys:
        if key.algorithm != ED25519:
            continue
        value = _only(note, key)
        if value is None:
            continue
        if not _verifies(key, value, note.text.encode()):
            raise VerificationError(f"the signature of {key.name} does not verify")
        found.append(key)
    if not found:
        raise VerificationError("the note is not signed by a known key")
    return tuple(found)


def check_witnesses(note: Note, keys: Sequence[Key]) -> tuple[Witnessed, ...]:
    """The cosignatures (c2sp.org/tlog-cosignature, v1) of these witnesses, in their order.

    Raises VerificationError if one of them is missing or does not verify.
    """
    found = []
    for key in keys:
        if key.algorithm != COSIGNATURE:
            raise VerificationError(f"the key of {key.name} is not a witness's (type 0x04)")
        value = _only(note, key)
        if value is None:
            raise VerificationError(f"the checkpoint is not cosigned by {key.name}")
        time = int.from_bytes(value[:8], "big")
        message = f"cosignature/v1\ntime {time}\n{note.text}".encode()
        if len(value) != 72 or time >= 1 << 63 or not _verifies(key, value[8:], message):
            raise VerificationError(f"the cosignature of {key.name} does not verify")
        found.append(Witnessed(key.name, time))
    return tuple(found)


def decode_base64(text: str) -> bytes | None:
    """What the text spells canonically (RFC 4648, section 4), or None."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError, ValueError):
        return None
    # bits that a lax decoder drops would let one value have several spellings
    return data if base64.b64encode(data).decode("ascii") == text else None


def _only(note: Note, key: Key) -> bytes | None:
    values = [s.value for s in note.signatures if (s.name, s.id) == (key.name, key.id)]
    if len(values) > 1:
        raise VerificationError(f"{key.name} signed the note twice")
    return values[0] if values else None


def _verifies(key: Key, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _signature(line: str) -> Signature:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != _DASH or not _is_name(parts[1]):
        raise VerificationError("a line of the note's signatures is not one")
    value = decode_base64(parts[2])
    if value is None or len(value) < 5:
        raise VerificationError(f"the signature of {parts[1]} is not in canonical base64")
    return Signature(parts[1], value[:4], value[4:])


def _is_name(text: str) -> bool:
    return bool(text) and "+" not in text and not any(c.isspace() or c < " " for c in text)
