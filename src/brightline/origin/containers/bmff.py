"""AVIF's and HEIC's boxes: EXIF and XMP items, C2PA's and XMP's uuid boxes; JPEG XL's too.

Sources: ISO/IEC 14496-12, 8.11 (`meta`, `iloc`, `iinf`, `iref`, `idat`); ISO/IEC 23008-12,
annex A (EXIF items start with an offset to the TIFF header); XMP specification part 3; C2PA
specification 2.x, appendix A; ISO/IEC 18181-2 (`Exif`, `xml `, `jumb` boxes).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Collection, Iterator
from typing import Final, NamedTuple

from brightline.origin.containers.found import VALUE_BYTES, Found
from brightline.origin.containers.tiff import read_exif
from brightline.origin.containers.xmp import read_xmp

_C2PA: Final = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
_XMP: Final = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_EXTENTS: Final = 64
_READ: Final = 8
#: `meta` boxes of a file, and the bytes of one table that are searched
_METAS: Final = 9
_TABLE: Final = 512 << 10
_BOX: Final = struct.Struct(">I4s")
_LARGE: Final = struct.Struct(">Q")
_SIDES: Final = struct.Struct(">II")
#: `infe` of version 2 or 3: number, protection, type; a picture of tiles has hundreds of others
_ENTRY: Final = re.compile(
    rb"infe(?:\x02.{3}(?P<two>.{2})|\x03.{3}(?P<four>.{4})).{2}(?P<kind>Exif|mime)", re.DOTALL
)
_EXTENT: Final = re.compile(rb"ispe\0{4}(.{8})", re.DOTALL)
_TIFF: Final = re.compile(rb"II\*\0|MM\0\*")
_TIFF_WITHIN: Final = 64


def _boxes(data: bytes, at: int, end: int, found: Found) -> Iterator[tuple[bytes, int, int]]:
    """Boxes as (type, start of the content, end)."""
    while at + 8 <= end:
        found.boxes -= 1
        if found.boxes < 0:
            found.note("metadata_limit")
            return
        size, kind = _BOX.unpack_from(data, at)
        start = at + 8
        if size == 1:
            if at + 16 > end:
                return
            (size,) = _LARGE.unpack_from(data, start)
            start += 8
        stop = at + size if size else end
        if stop > end:
            stop = end
        if stop < start:
            return
        yield kind, start, stop
        at = stop


def read_bmff(data: bytes, found: Found) -> int:
    """Walk the file's boxes; returns where the walk ended."""
    at = 0
    metas: list[tuple[int, int]] = []
    for kind, start, stop in _boxes(data, 0, len(data), found):
        at = stop
        if kind == b"meta":
            metas.append((start, stop))
        elif kind == b"moov":  # a sequence's tracks have items of their own
            for sort, begin, end in _boxes(data, start, stop, found):
                if sort == b"trak":
                    inner = _boxes(data, begin, end, found)
                    metas += [(first, last) for name, first, last in inner if name == b"meta"]
        elif kind == b"uuid":
            name = data[start : start + 16]
            if name == _C2PA:
                found.manifest = True
            elif name == _XMP:
                read_xmp(data[start + 16 : min(stop, start + VALUE_BYTES)], found, "uuid XMP")
        elif kind == b"Exif":
            _exif(data[start : min(stop, start + VALUE_BYTES)], found)
        elif kind == b"xml ":
            read_xmp(data[start : min(stop, start + VALUE_BYTES)], found, "xml box")
        elif kind == b"jumb":
            found.manifest = True
    for start, stop in metas[:_METAS]:
        _Meta(data, start + 4, stop, found).read()
    if len(metas) > _METAS:
        found.note("metadata_limit")
    return at


def _exif(raw: bytes, found: Found) -> None:
    """An EXIF item: behind its offset, or where the TIFF header is if that leads nowhere."""
    body = raw[4 + int.from_bytes(raw[:4], "big") :]
    if body[:2] not in (b"II", b"MM") and body[:4] != b"Exif":
        header = _TIFF.search(raw, 0, _TIFF_WITHIN)
        body = raw[header.start() :] if header else body
    read_exif(body, found, "item EXIF")


class _Place(NamedTuple):
    """Where an item lies: `method` 0 in the file, 1 in `idat`, 2 within other items.

    `extents` are (index of the other item, offset, length); length 0 means up to the end.
    """

    method: int
    extents: tuple[tuple[int, int, int], ...]


class _Meta:
    """One `meta` box: which items there are, and where they lie."""

    __slots__ = ("data", "end", "found", "idat", "iloc", "iref", "start")

    def __init__(self, data: bytes, start: int, end: int, found: Found) -> None:
        self.data, self.start, self.end, self.found = data, start, end, found
        self.idat = self.iloc = self.iref = (0, 0)

    def read(self) -> None:
        kinds: dict[int, bytes] = {}
        for kind, start, stop in _boxes(self.data, self.start, self.end, self.found):
            if kind == b"iinf":
                kinds = self._items(start, stop)
            elif kind == b"iloc":
                self.iloc = start, stop
            elif kind == b"iref":
                self.iref = start, stop
            elif kind == b"idat":
                self.idat = start, stop
            elif kind == b"iprp":
                self._size(start, stop)
        for item, place in self._places(kinds).items():
            if self.found.blocks <= 0 or self.found.left <= 0:
                self.found.note("metadata_limit")
                break
            raw = self._within(item, place) if place.method == 2 else self._joined(place)
            if kinds[item] == b"Exif":
                _exif(raw, self.found)
            else:
                read_xmp(raw, self.found, "item XMP")

    def _places(self, wanted: Collection[int]) -> dict[int, _Place]:
        """Item number → place, of the wanted ones; the first that is stated of each."""
        places: dict[int, _Place] = {}
        if wanted:
            try:
                start, stop = self.iloc
                table = self.data[start : min(stop, start + _TABLE)]
                for item, place in _locations(table, wanted, self.found):
                    places.setdefault(item, place)
            except ValueError:
                self.found.note("container_damaged")
        return places

    def _joined(self, place: _Place) -> bytes:
        """An item's parts up to the limit for a value; they may overlap, so each is counted."""
        base, end = self.idat if place.method == 1 else (0, len(self.data))
        parts, left = [], VALUE_BYTES
        for _, offset, length in place.extents:
            most = min(length or left, left)
            part = self.data[base + offset : min(base + offset + most, end)]
            parts.append(part)
            left -= len(part)
        return b"".join(parts)

    def _within(self, item: int, place: _Place) -> bytes:
        """An item that consists of parts of others, which lie in the file or in `idat`."""
        others = self._references(item)
        places = self._places(others[:_READ])
        wholes = {number: self._joined(source) for number, source in places.items()}
        parts, left = [], VALUE_BYTES
        for index, offset, length in place.extents:
            number = others[max(index, 1) - 1] if max(index, 1) <= len(others) else -1
            source = places.get(number)
            if source is None or source.method == 2:
                self.found.note("container_damaged")
                continue
            part = wholes[number][offset : offset + min(length or left, left)]
            parts.append(part)
            left -= len(part)
        return b"".join(parts)

    def _references(self, item: int) -> list[int]:
        """Numbers of the items that an item is made of, in the order of `iref`."""
        start, stop = self.iref
        wide = 4 if self.data[start : start + 1] == b"\1" else 2
        for kind, at, end in _boxes(self.data, start + 4, stop, self.found):
            box = self.data[at : min(end, at + 2 * wide + 2 + _EXTENTS * wide)]
            if kind == b"iloc" and int.from_bytes(box[:wide], "big") == item:
                numbers = box[wide + 2 :]
                return [
                    int.from_bytes(numbers[k : k + wide], "big")
                    for k in range(0, len(numbers) // wide * wide, wide)
                ]
        return []

    def _each(self, pattern: re.Pattern[bytes], start: int, stop: int) -> Iterator[re.Match[bytes]]:
        """A table's entries of a form; each counts as a box does."""
        for entry in pattern.finditer(self.data, start, min(stop, start + _TABLE)):
            self.found.boxes -= 1
            if self.found.boxes < 0:
                self.found.note("metadata_limit")
                return
            yield entry

    def _items(self, start: int, stop: int) -> dict[int, bytes]:
        """Item number → `Exif` or `mime`, of those whose type matters here."""
        found = {}
        for entry in self._each(_ENTRY, start, stop):
            rest = self.data[entry.end() : min(stop, entry.end() + 512)]
            content = rest.split(b"\0", 2)[1:2]
            if entry["kind"] == b"Exif" or content == [b"application/rdf+xml"]:
                number = int.from_bytes(entry["two"] or entry["four"], "big")
                found[number] = entry["kind"]
            if len(found) >= _READ:
                break
        return found

    def _size(self, start: int, stop: int) -> None:
        """The largest `ispe`: tiles and thumbnails are smaller than the picture."""
        best, area = (0, 0), 0
        for extent in self._each(_EXTENT, start, stop):
            width, height = _SIDES.unpack(extent[1])
            if width * height > area:
                best, area = (width, height), width * height
        self.found.pixels(*best)


def _locations(box: bytes, wanted: Collection[int], found: Found) -> Iterator[tuple[int, _Place]]:
    """`iloc`'s wanted items. Raises ValueError where the box ends early, after those before."""
    version = box[0] if box else 0
    sizes = int.from_bytes(box[4:6], "big")
    offset_size, length_size = sizes >> 12, sizes >> 8 & 15
    base_size, index_size = sizes >> 4 & 15, sizes & 15 if version else 0
    wide, more = 2 if version < 2 else 4, 2 if version else 0
    at = 6 + wide
    head = wide + more + 2 + base_size + 2
    each = index_size + offset_size + length_size
    for _ in range(int.from_bytes(box[6:at], "big")):
        found.boxes -= 1
        if found.boxes < 0:
            found.note("metadata_limit")
            return
        count = int.from_bytes(box[at + head - 2 : at + head], "big")
        if at + head + count * each > len(box):
            raise ValueError("the box ends early")
        item = int.from_bytes(box[at : at + wide], "big")
        if item in wanted:
            method = box[at + wide + 1] & 15 if version else 0
            base = int.from_bytes(box[at + head - 2 - base_size : at + head - 2], "big")
            extents = []
            for k in range(min(count, _EXTENTS)):
                first = at + head + k * each
                second = first + index_size
                third = second + offset_size
                extents.append(
                    (
                        int.from_bytes(box[first:second], "big"),
                        base + int.from_bytes(box[second:third], "big"),
                        int.from_bytes(box[third : third + length_size], "big"),
                    )
                )
            yield item, _Place(method, tuple(extents))
        at += head + count * each
