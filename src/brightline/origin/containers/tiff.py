"""TIFF's directories: of TIFF and BigTIFF files, and of EXIF blocks in other containers.

Sources: TIFF 6.0, section 2; BigTIFF (Aware Systems' description); EXIF 3.0 (CIPA DC-008);
the XMP specification, part 3 (tag 700); C2PA specification 2.x, appendix A (tag 0xCD41).
"""

from __future__ import annotations

import struct
from typing import Final

from brightline.origin.containers.charset import user_comment
from brightline.origin.containers.found import VALUE_BYTES, Found, text_of
from brightline.origin.containers.iptc import read_iim, read_resources
from brightline.origin.containers.xmp import read_xmp

_DIRECTORIES: Final = 16

_SIZES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_SIZES_MORE: Final = {13: 4, 16: 8, 17: 8, 18: 8, 129: 1}
_SIZE_OF: Final = {**_SIZES, **_SIZES_MORE}

_TEXTS: Final = {
    0x010D: "DocumentName",
    0x010E: "ImageDescription",
    0x010F: "Make",
    0x0110: "Model",
    0x0131: "Software",
    0x013B: "Artist",
    0x013C: "HostComputer",
    0x8298: "Copyright",
    0x927C: "MakerNote",
    0x9286: "UserComment",
    0x9C9B: "XPTitle",
    0x9C9C: "XPComment",
    0x9C9D: "XPAuthor",
    0x9C9E: "XPKeywords",
    0x9C9F: "XPSubject",
    0xA436: "ImageTitle",
    0xA438: "ImageEditor",
    0xA439: "CameraFirmware",
    0xA43A: "RAWDevelopingSoftware",
    0xA43B: "ImageEditingSoftware",
    0xA43C: "MetadataEditingSoftware",
}
_WIDE: Final = frozenset(tag for tag, name in _TEXTS.items() if name.startswith("XP"))
_CAMERA: Final = {
    0x829A: "exposure",
    0x9201: "exposure",
    0x8827: "iso",
    0x8833: "iso",
    0x920A: "focal_length",
    0xA432: "lens",
    0xA434: "lens",
}
_EXIF_IFD: Final = 0x8769
_MAKER_NOTE: Final = 0x927C
_USER_COMMENT: Final = 0x9286
_XMP: Final = 0x02BC
_IPTC: Final = 0x83BB
_PHOTOSHOP: Final = 0x8649
_C2PA: Final = 0xCD41
_NUMBERS: Final = {0x0100: "width", 0x0101: "height", 0xA002: "exif width", 0xA003: "exif height"}
_WANTED: Final = frozenset(
    (*_TEXTS, *_CAMERA, *_NUMBERS, _EXIF_IFD, _XMP, _IPTC, _PHOTOSHOP, _C2PA)
)
#: by byte order and BigTIFF: the count of entries, an entry, an offset
_FORMS: Final = {
    (order, big): (
        struct.Struct(order + ("Q" if big else "H")),
        struct.Struct(order + ("HHQ8s" if big else "HHI4s")),
        struct.Struct(order + ("Q" if big else "I")),
    )
    for order in "<>"
    for big in (False, True)
}
_INTEGERS: Final = {
    (order, kind): struct.Struct(order + code)
    for order in "<>"
    for kind, code in {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}.items()
}
#: a maker's note is binary and long; a shorter or plain one was written by something else
_MAKER_NOTE_LEAST: Final = 32


def read_exif(raw: bytes, found: Found, path: str) -> None:
    """The fields of an EXIF block, with or without its `Exif\\0\\0`."""
    if raw[:6] in (b"Exif\0\0", b"Exif\0\xff"):
        raw = raw[6:]
    if not found.room():
        return
    try:
        _Reader(raw, found, path, whole=False).read()
    except (struct.error, IndexError, ValueError, OverflowError):
        found.note("metadata_damaged")  # the container goes on behind it


def read_tiff(data: bytes, found: Found) -> None:
    """The fields of a TIFF file: every page's directory, up to a limit."""
    _Reader(data, found, "tiff", whole=True).read()


class _Reader:
    """One TIFF structure. `whole` tells a file, whose pages and size count, from EXIF."""

    __slots__ = ("big", "data", "form", "found", "numbers", "order", "path", "whole")

    def __init__(self, data: bytes, found: Found, path: str, whole: bool) -> None:
        self.data, self.found, self.path, self.whole = data, found, path, whole
        self.order = {b"II": "<", b"MM": ">"}.get(data[:2], "")
        self.big = False
        self.form = _FORMS["<", False]
        self.numbers: dict[str, int] = {}

    def read(self) -> None:
        if not self.order or len(self.data) < 8:
            self.found.note("metadata_damaged")
            return
        self.big = self.data[2:4] in (b"+\0", b"\0+") and len(self.data) >= 16
        self.form = _FORMS[self.order, self.big]
        (first,) = self.form[2].unpack_from(self.data, 8 if self.big else 4)
        waiting, seen = [first], set[int]()
        while waiting and len(seen) < _DIRECTORIES:
            offset = waiting.pop(0)
            if offset and offset not in seen:
                seen.add(offset)
                self._directory(offset, waiting)
        self._sizes()

    def _directory(self, offset: int, waiting: list[int]) -> None:
        data = self.data
        head, entry, link = self.form
        start, width = offset + head.size, entry.size
        if start > len(data):
            self.found.note("metadata_damaged")
            return
        (count,) = head.unpack_from(data, offset)
        most = min(count, self.found.entries, (len(data) - start) // width)
        self.found.entries -= most
        if most < count:
            self.found.note("metadata_damaged")
        for tag, kind, number, inline in entry.iter_unpack(data[start : start + most * width]):
            if tag in _WANTED:
                self._entry(tag, kind, number, inline, waiting)
        after = start + count * width
        if self.whole and after + link.size <= len(data):
            waiting.append(link.unpack_from(data, after)[0])

    def _value(self, kind: int, number: int, inline: bytes) -> bytes:
        size = min(_SIZE_OF.get(kind, 1) * number, VALUE_BYTES + 1)
        if size <= len(inline):
            return inline[:size]
        (offset,) = self.form[2].unpack(inline)
        value = self.data[offset : offset + size]
        if len(value) < size:
            self.found.note("metadata_damaged")
        return value

    def _number(self, kind: int, number: int, inline: bytes) -> int:
        form = _INTEGERS.get((self.order, kind))
        return int(form.unpack_from(inline)[0]) if form is not None and number == 1 else 0

    def _entry(self, tag: int, kind: int, number: int, inline: bytes, waiting: list[int]) -> None:
        if tag in _NUMBERS:
            self.numbers.setdefault(_NUMBERS[tag], self._number(kind, number, inline))
        elif tag == _EXIF_IFD:
            waiting.insert(0, self._number(kind, number, inline))
        elif tag in _CAMERA:
            if any(self._value(kind, min(number, 64), inline)):
                self.found.camera.add(_CAMERA[tag])
        elif self.found.left <= 0:
            self.found.note("metadata_limit")
        elif tag in (_XMP, _IPTC, _PHOTOSHOP):
            if self.whole or tag == _XMP:
                self._block(tag, self._value(kind, number, inline))
        elif tag == _C2PA:
            self.found.manifest |= self.whole
        else:
            self._text(tag, self.found.take(self._value(kind, number, inline)))

    def _block(self, tag: int, raw: bytes) -> None:
        if tag == _XMP:
            read_xmp(raw, self.found, f"{self.path} tag 700")
        elif tag == _IPTC:
            read_iim(self.found.take(raw), self.found, f"{self.path} IPTC")
        else:
            read_resources(self.found.take(raw), self.found, self.path)

    def _text(self, tag: int, raw: bytes) -> None:
        name = _TEXTS[tag]
        if tag == _USER_COMMENT:
            text = user_comment(raw, self.order == ">")
        elif tag == _MAKER_NOTE:
            if len(raw.rstrip(b"\0")) >= _MAKER_NOTE_LEAST:
                self.found.camera.add("maker_note")
                return
            text = text_of(raw)
        elif tag in _WIDE:
            text = raw.decode("utf-16-le", "replace").rstrip("\0")
        else:
            text = text_of(raw)
        if tag == 0x010F and self.found.make is None and _plain_name(text):
            self.found.make = text.strip()
        self.found.add("exif", name, text, f"{self.path} {name}")

    def _sizes(self) -> None:
        get = self.numbers.get
        if self.whole:
            self.found.pixels(get("width", 0), get("height", 0))
        w, h = get("exif width", 0), get("exif height", 0)
        if w and h:
            self.found.sizes.append(("exif:PixelXDimension", w, h))


def _plain_name(text: str) -> bool:
    return 0 < len(text.strip()) <= 40 and text.isprintable() and "{" not in text
