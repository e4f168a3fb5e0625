"""Checkpoints (c2sp.org/tlog-checkpoint), read strictly and checked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from brightline.errors import VerificationError
from brightline.ledger.verify.note import (
    Key,
    Note,
    check_note,
    decode_base64,
    parse_note,
)

_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class Head:
    """A tree head that is well formed, whoever made it: `size` leaves, `root` 32 bytes."""

    origin: str
    size: int
    root: bytes
    note: Note


@dataclass(frozen=True, slots=True)
class Checkpoint(Head):
    """A tree head that its log signed, with these keys."""

    keys: tuple[Key, ...]


def parse_checkpoint(data: bytes) -> Head:
    """Read a checkpoint without checking its signatures; VerificationError if it is not one."""
    note = parse_note(data)
    lines = note.text.split("\n")[:-1]
    if len(lines) < 3 or not all(lines):
        raise VerificationError("a checkpoint has an origin, a size and a root, a line each")
    size, root = parse_number(lines[1]), decode_base64(lines[2])
    if size is None:
        raise VerificationError("the checkpoint's size is not a number")
    if root is None or len(root) != 32:
        raise VerificationError("the checkpoint's root is not a hash in canonical base64")
    return Head(lines[0], size, root, note)


def open_checkpoint(data: bytes, keys: Sequence[Key]) -> Checkpoint:
    """A checkpoint that one of the keys signed whose name is its origin.

    Raises VerificationError otherwise.
    """
    head = parse_checkpoint(data)
    signed = check_note(head.note, [key for key in keys if key.name == head.origin])
    return Checkpoint(head.origin, head.size, head.root, head.note, signed)


def parse_number(text: str) -> int | None:
    """A decimal number under 2^63 without leading zeros, or None."""
    if not _NUMBER.fullmatch(text) or int(text) >= 1 << 63:
        return None
    return int(text)
