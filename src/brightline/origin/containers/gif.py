"""GIF's extensions: comments, XMP, C2PA.

Sources: GIF89a specification; XMP specification part 3, 1.1.2; C2PA specification 2.x,
appendix A.
"""

from __future__ import annotations

import struct
from typing import Final

from brightline.origin.containers.found import VALUE_BYTES, Found, text_of
from brightline.origin.containers.xmp import read_xmp

#: XMP lies there as plain text and ends with bytes that lead any reader to a terminator
_XMP_TRAILER: Final = b"\x01\xff\xfe\xfd"
_BLOCKS: Final = 100_000
#: 255 bytes each: what may be looked at of one value
_BLOCKS_OF_ONE: Final = VALUE_BYTES // 255


def read_gif(data: bytes, found: Found) -> int:
    """Walk all blocks; returns where the walk ended."""
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    found.pixels(width, height)
    walk = _Walk(data, 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0))
    while walk.at < len(data) and walk.left > 0:
        introducer = data[walk.at]
        if introducer == 0x21:
            label = data[walk.at + 1]
            walk.at += 2
            _extension(label, walk, found)
        elif introducer == 0x2C:
            flags = data[walk.at + 9]
            walk.at += 11 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
            walk.skip()
        else:
            walk.at += introducer == 0x3B
            break
    if walk.left <= 0:
        found.note("metadata_limit")
    return min(walk.at, len(data))


class _Walk:
    """A place in the file, and how many sub-blocks may still be read."""

    __slots__ = ("at", "data", "left")

    def __init__(self, data: bytes, at: int) -> None:
        self.data, self.at, self.left = data, at, _BLOCKS

    def skip(self) -> None:
        """Go past sub-blocks and their terminator."""
        data, at, end = self.data, self.at, len(self.data)
        left = self.left
        while at < end and left > 0:
            size = data[at]
            if size == 255:  # pixels come in full blocks: many lengths are looked at in one go
                lengths = data[at : at + 128 * 256 : 256]
                full = len(lengths) - len(lengths.lstrip(b"\xff"))
                at += full * 256
                continue
            at += size + 1
            left -= 1
            if size == 0:
                break
        self.at, self.left = at, left

    def blocks(self) -> bytes:
        """The content of sub-blocks, up to the limit for a value."""
        parts: list[bytes] = []
        data, at, end, size = self.data, self.at, len(self.data), -1
        while at < end and size and len(parts) < min(_BLOCKS_OF_ONE, self.left):
            size = data[at]
            parts.append(data[at + 1 : at + 1 + size])
            at += size + 1
        self.at, self.left = at, self.left - len(parts)
        if size:
            self.skip()
        return b"".join(parts)


def _extension(label: int, walk: _Walk, found: Found) -> None:
    data = walk.data
    if label == 0xFE:
        found.add("comment", "comment", text_of(found.take(walk.blocks())), "gif comment")
        return
    if label == 0xFF and data[walk.at] == 11:
        name = data[walk.at + 1 : walk.at + 12]
        if name == b"XMP DataXMP":
            start = walk.at + 12
            end = data.find(_XMP_TRAILER, start)
            read_xmp(data[start : end if end > 0 else len(data)], found, "gif XMP")
            walk.at = end + 257 if end > 0 else start  # at the trailer's last but one NUL
        elif name[:8] == b"C2PA_GIF":
            found.manifest = True
    walk.skip()
