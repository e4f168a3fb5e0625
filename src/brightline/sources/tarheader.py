"""One tar header block, and the extended headers before it.

Read: v7, ustar, pax and old GNU headers (POSIX.1-2017, pax, "ustar Interchange Format" and "pax
Header Block"; GNU tar manual, "Basic Tar Format").
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

BLOCK = 512
ZERO_BLOCK = bytes(BLOCK)
#: no file is larger; a greater claim is damage
MOST = 1 << 62


@dataclass(frozen=True, slots=True)
class Header:
    """What one block says. `size` is None where it is no usable number."""

    name: bytes
    size: int | None
    type: bytes
    block: bytes


def number(field: bytes) -> int | None:
    """A numeric field, octal or GNU's base-256. None if it is neither, or negative or absurd."""
    if field[0] & 0x80:
        if field[0] == 0xFF:
            return None
        value = int.from_bytes(field, "big") & ((1 << (8 * len(field) - 1)) - 1)
        return value if value <= MOST else None
    text = field.split(b"\0", 1)[0].strip(b" ")
    if not text:
        return 0
    if not text.isdigit():
        return None
    try:
        return int(text, 8)
    except ValueError:
        return None


def is_header(block: bytes) -> bool:
    """Whether the checksum fits.

    Adler-32's low half is one more than the sum of the bytes, modulo 65521; over 256 bytes the
    sum cannot reach that, so two halves give the exact sum faster than a loop. Some old
    writers summed signed bytes.
    """
    stored = number(block[148:156])
    if not stored:
        return False
    field = sum(block[148:156]) - 8 * 32
    unsigned = (zlib.adler32(block[:256]) & 0xFFFF) + (zlib.adler32(block[256:]) & 0xFFFF) - 2
    if unsigned - field == stored:
        return True
    high = sum(byte >= 0x80 for byte in block[:148] + block[156:])
    return high > 0 and unsigned - field - 256 * high == stored


def parse(block: bytes) -> Header | None:
    """A header block, or None where the checksum says that it is none."""
    if len(block) < BLOCK or not is_header(block):
        return None
    name = block[:100].split(b"\0", 1)[0]
    if block[257:263] == b"ustar\0" and block[345]:
        name = block[345:500].split(b"\0", 1)[0] + b"/" + name
    return Header(name, number(block[124:136]), block[156:157], block)


def pax_records(data: bytes) -> list[tuple[bytes, bytes]] | None:
    """The (keyword, value) pairs of a pax extended header, or None if it is malformed."""
    pairs = []
    at = 0
    while at < len(data):
        space = data.find(b" ", at, at + 20)
        digits = data[at:space]
        if space < 0 or not digits.isdigit():
            return None
        end = at + int(digits)
        record = data[space + 1 : end]
        if end > len(data) or end <= space + 1 or not record.endswith(b"\n"):
            return None
        keyword, equals, value = record[:-1].partition(b"=")
        if not equals:
            return None
        pairs.append((keyword, value))
        at = end
    return pairs


@dataclass(frozen=True, slots=True)
class SparseMap:
    """Where the stored bytes of a sparse member belong: (offset, length) pieces.

    `pieces` is None where the map itself is stored before the data (pax format 1.0).
    """

    pieces: tuple[tuple[int, int], ...] | None
    real_size: int
