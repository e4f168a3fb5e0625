"""AVIF's and HEIC's boxes: EXIF and XMP items, C2PA's and XMP's uuid boxes; JPEG XL's too.

Sources: ISO/IEC 14496-12, 8.11 (`meta`, `iloc`, `iinf`, `idat`); ISO/IEC 23008-12, annex A
(EXIF items start with an offset to the TIFF header); XMP specification part 3; C2PA
specification 2.x, appendix A; ISO/IEC 18181-2 (`Exif`, `xml `, `jumb` boxes).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from brightline.origin.containers.found import VALUE_BYTES, Found
from brightline.origin.containers.tiff import read_exif
from brightline.origin.containers.xmp import read_xmp

_C2PA: Final = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
_XMP: Final = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_BOXES: Final = 5000
_ITEMS: Final = 2000
_READ: Final = 8


def _boxes(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Boxes as (type, start of the content, end)."""
    for _ in range(_BOXES):
        if at + 8 > end:
            return
        size, kind = struct.unpack_from(">I4s", data, at)
        start = at + 8
        if size == 1:
            if at + 16 > end:
                return
            (size,) = struct.unpack_from(">Q", data, start)
            start += 8
        stop = min(at + size, end) if size else end
        if stop < start:
            return
        yield kind, start, stop
        at = stop


def read_bmff(data: bytes, found: Found) -> int:
    """Walk the file's boxes; returns where the walk ended."""
    at = 0
    for kind, start, stop in _boxes(data, 0, len(data)):
        at = stop
        body = data[start : min(stop, start + VALUE_BYTES)] if kind != b"mdat" else b""
        if kind == b"meta":
            _Meta(data, start + 4, stop, found).read()
        elif kind == b"uuid" and body[:16] == _C2PA:
            found.manifest = True
        elif kind == b"uuid" and body[:16] == _XMP:
            read_xmp(body[16:], found, "uuid XMP")
        elif kind == b"Exif":
            _exif(body, found)
        elif kind == b"xml ":
            read_xmp(body, found, "xml box")
        elif kind == b"jumb":
            found.manifest = True
    return at


def _exif(raw: bytes, found: Found) -> None:
    skip = int.from_bytes(raw[:4], "big")
    read_exif(raw[4 + skip :], found, "item EXIF")


class _Meta:
    """One `meta` box: which items there are, and where they lie."""

    __slots__ = ("data", "end", "found", "idat", "start")

    def __init__(self, data: bytes, start: int, end: int, found: Found) -> None:
        self.data, self.start, self.end, self.found = data, start, end, found
        self.idat = 0

    def read(self) -> None:
        kinds: dict[int, bytes] = {}
        places: list[tuple[int, int, list[tuple[int, int]]]] = []
        for kind, start, stop in _boxes(self.data, self.start, self.end):
            if kind == b"iinf":
                kinds = self._items(start, stop)
            elif kind == b"iloc":
                places = list(_locations(self.data[start:stop]))
            elif kind == b"idat":
                self.idat = start
            elif kind == b"iprp":
                self._size(start, stop)
        for item, method, extents in places:
            wanted = kinds.pop(item, None)
            if wanted is None:
                continue
            base = self.idat if method == 1 else 0
            raw = self._joined(base, extents)
            if wanted == b"Exif":
                _exif(raw, self.found)
            else:
                read_xmp(raw, self.found, "item XMP")

    def _joined(self, base: int, extents: list[tuple[int, int]]) -> bytes:
        """An item's parts up to the limit for a value; they may overlap, so each is counted."""
        parts, left = [], VALUE_BYTES
        for offset, length in extents:
            part = self.data[base + offset : base + offset + min(length, left)]
            parts.append(part)
            left -= len(part)
        return b"".join(parts)

    def _items(self, start: int, stop: int) -> dict[int, bytes]:
        """Item number → `Exif` or `mime`, of those whose type matters here."""
        version = self.data[start]
        found = {}
        for kind, at, end in _boxes(self.data, start + (6 if version == 0 else 8), stop):
            entry = self.data[at : min(end, at + 512)]
            if kind != b"infe" or len(entry) < 12 or entry[0] < 2:
                continue
            wide = 4 if entry[0] == 3 else 2
            number = int.from_bytes(entry[4 : 4 + wide], "big")
            rest = entry[4 + wide + 2 :]
            sort = rest[:4]
            content = rest[4:].split(b"\0")[1:2]
            if sort == b"Exif" or (sort == b"mime" and content == [b"application/rdf+xml"]):
                found[number] = sort
            if len(found) >= _READ:
                break
        return found

    def _size(self, start: int, stop: int) -> None:
        """The largest `ispe`: tiles and thumbnails are smaller than the picture."""
        best = (0, 0)
        for kind, at, end in _boxes(self.data, start, stop):
            if kind != b"ipco":
                continue
            for sort, inner, _ in _boxes(self.data, at, end):
                if sort == b"ispe" and inner + 12 <= end:
                    size = struct.unpack_from(">II", self.data, inner + 4)
                    best = max(best, (size[0], size[1]), key=lambda s: s[0] * s[1])
        self.found.pixels(*best)


def _locations(box: bytes) -> Iterator[tuple[int, int, list[tuple[int, int]]]]:
    """`iloc`'s items as (number, construction method, [(offset, length)])."""
    version = box[0]
    sizes = int.from_bytes(box[4:6], "big")
    offset_size, length_size = sizes >> 12, sizes >> 8 & 15
    base_size, index_size = sizes >> 4 & 15, sizes & 15 if version else 0
    at = 6

    def number(width: int) -> int:
        nonlocal at
        at += width
        if at > len(box):
            raise ValueError("the box ends early")
        return int.from_bytes(box[at - width : at], "big")

    for _ in range(min(number(2 if version < 2 else 4), _ITEMS)):
        item = number(2 if version < 2 else 4)
        method = number(2) & 15 if version else 0
        number(2)
        base = number(base_size)
        extents = []
        for _ in range(min(number(2), 64)):
            number(index_size)
            offset = number(offset_size)
            extents.append((base + offset, number(length_size)))
        yield item, method, extents
