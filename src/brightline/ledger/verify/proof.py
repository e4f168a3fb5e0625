"""Inclusion and consistency, checked (RFC 9162, section 2.1), and portable proofs
(c2sp.org/tlog-proof), read strictly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from brightline.errors import VerificationError
from brightline.ledger.hashing import EMPTY_ROOT, leaf_hash, node_hash
from brightline.ledger.verify.checkpoint import open_checkpoint, parse_number
from brightline.ledger.verify.note import (
    Witnessed,
    check_witnesses,
    decode_base64,
    parse_key,
)

_HEAD = "c2sp.org/tlog-proof@v1"
_MAX_BYTES = 2_000_000
_MAX_PATH = 63


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof that is well formed: `extra` is opaque, `path` goes from the leaf to the root."""

    index: int
    extra: bytes | None
    path: tuple[bytes, ...]
    checkpoint: bytes


@dataclass(frozen=True, slots=True)
class CheckedProof:
    """What a proof proves: entry `index` of the log `origin` is `leaf`, in its tree of `size`
    leaves with this `root` (32 bytes). `witnesses` cosigned that tree."""

    index: int
    leaf: bytes
    origin: str
    size: int
    root: bytes
    witnesses: tuple[Witnessed, ...] = ()


def check_proof(
    proof: bytes,
    vkeys: Sequence[str],
    *,
    leaf: bytes | None = None,
    witnesses: Sequence[str] = (),
) -> CheckedProof:
    """Check a portable proof with nothing but the log's public keys, as verifier keys.

    The entry is `leaf`, or else the proof's extra data, which Brightline fills with it. Every
    one of `witnesses` (verifier keys of type 0x04) must have cosigned. Raises VerificationError
    if anything is not as it must be.
    """
    parsed = parse_proof(proof)
    entry = parsed.extra if leaf is None else leaf
    if entry is None:
        raise VerificationError("the proof does not hold its entry; give the entry beside it")
    head = open_checkpoint(parsed.checkpoint, [parse_key(text) for text in vkeys])
    check_inclusion(leaf_hash(entry), parsed.index, head.size, parsed.path, head.root)
    found = check_witnesses(head.note, [parse_key(text) for text in witnesses])
    return CheckedProof(parsed.index, entry, head.origin, head.size, head.root, found)


def parse_proof(data: bytes) -> Proof:
    """Read a `tlog-proof`; raises VerificationError if it is not well formed."""
    if len(data) > _MAX_BYTES:
        raise VerificationError("the proof is too long to be one")
    head, blank, checkpoint = data.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise VerificationError("the proof is not ASCII text before its checkpoint") from None
    if not blank or lines[0] != _HEAD:
        raise VerificationError("this is not a c2sp.org/tlog-proof@v1")
    rest = lines[1:]
    extra = None
    if rest and rest[0].startswith("extra "):
        extra = decode_base64(rest.pop(0).removeprefix("extra "))
        if extra is None:
            raise VerificationError("the proof's extra data is not in canonical base64")
    index = parse_number(rest[0].removeprefix("index ")) if rest else None
    if index is None or not rest[0].startswith("index "):
        raise VerificationError("the proof does not say the index of its entry")
    return Proof(index, extra, _path(rest[1:]), checkpoint)


@dataclass(frozen=True, slots=True)
class Growth:
    """A proof that is well formed: a tree of `old` leaves grew into the checkpoint's."""

    old: int
    path: tuple[bytes, ...]
    checkpoint: bytes


def parse_growth(data: bytes) -> Growth:
    """Read the body of an add-checkpoint request (c2sp.org/tlog-witness), strictly.

    Raises VerificationError if it is not well formed.
    """
    head, blank, checkpoint = data.partition(b"\n\n")
    try:
        first, *rest = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise VerificationError("the proof is not ASCII text before its checkpoint") from None
    old = parse_number(first.removeprefix("old "))
    if not blank or not first.startswith("old ") or old is None:
        raise VerificationError("this is not a proof that a log has grown")
    return Growth(old, _path(rest), checkpoint)


def check_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """Check that the leaf with this hash is number `index` of the tree (RFC 9162, 2.1.3.2).

    Raises VerificationError if it is not.
    """
    if not 0 <= index < size:
        raise VerificationError("the entry's index lies outside the tree")
    number, last, have = index, size - 1, leaf
    for value in path:
        if last == 0:
            raise VerificationError("the inclusion proof is too long")
        if number & 1 or number == last:
            have = node_hash(value, have)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            have = node_hash(have, value)
        number, last = number >> 1, last >> 1
    if last or have != root:
        raise VerificationError("the inclusion proof does not lead to the checkpoint's root")


def check_consistency(
    old_size: int, old_root: bytes, size: int, root: bytes, path: Sequence[bytes]
) -> None:
    """Check that the newer tree only adds leaves to the older one (RFC 9162, 2.1.4.2).

    Raises VerificationError if it does not, or cannot be shown to.
    """
    failed = VerificationError("the two trees are not consistent")
    if old_size > size:
        raise VerificationError("the older tree is larger than the newer one")
    if old_size in (0, size):
        if path or old_root != (root if old_size else EMPTY_ROOT):
            raise failed
        return
    hashes = list(path)
    if not old_size & (old_size - 1):
        hashes.insert(0, old_root)
    if not hashes:
        raise failed
    number, last = old_size - 1, size - 1
    while number & 1:
        number, last = number >> 1, last >> 1
    old = new = hashes[0]
    for value in hashes[1:]:
        if last == 0:
            raise failed
        if number & 1 or number == last:
            old, new = node_hash(value, old), node_hash(value, new)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            new = node_hash(new, value)
        number, last = number >> 1, last >> 1
    if last or old != old_root or new != root:
        raise failed


def _path(lines: Sequence[str]) -> tuple[bytes, ...]:
    """Hashes in canonical base64, a line each."""
    path: list[bytes] = []
    for line in lines:
        value = decode_base64(line)
        if value is None or len(value) != 32 or len(path) == _MAX_PATH:
            raise VerificationError("a hash of the proof is not one in canonical base64")
        path.append(value)
    return tuple(path)
