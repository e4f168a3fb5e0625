"""WebP's RIFF chunks: EXIF, XMP, C2PA. Sources: RFC 9649; C2PA specification 2.x, appendix A."""

from __future__ import annotations

import struct
from typing import Final

from brightline.origin.containers.found import VALUE_BYTES, Found
from brightline.origin.containers.tiff import read_exif
from brightline.origin.containers.xmp import read_xmp

_CHUNKS: Final = 20_000
#: `XMP` with a NUL is what some writers put for `XMP` with a space
_WANTED: Final = frozenset((b"EXIF", b"XMP ", b"XMP\0", b"C2PA", b"VP8X", b"VP8 ", b"VP8L"))


def read_webp(data: bytes, found: Found) -> int:
    """Walk all chunks; the file's own length field is not relied on. Returns where it ended."""
    at = 12
    for _ in range(_CHUNKS):
        if at + 8 > len(data):
            break
        kind, size = struct.unpack_from("<4sI", data, at)
        if kind in _WANTED:
            _chunk(kind, data[at + 8 : at + 8 + min(size, VALUE_BYTES)], found)
        elif at + size > len(data):
            break  # no chunk, but what somebody put behind the picture
        at += 8 + size
        if size & 1 and data[at : at + 4] not in _WANTED:  # some writers forget to pad
            at += 1
    return min(at, len(data))


def _chunk(kind: bytes, body: bytes, found: Found) -> None:
    if kind == b"EXIF":
        read_exif(body, found, "webp EXIF")
    elif kind in (b"XMP ", b"XMP\0"):
        read_xmp(body, found, "webp XMP")
    elif kind == b"C2PA":
        found.manifest = True
    elif kind == b"VP8X" and len(body) >= 10:
        width = 1 + int.from_bytes(body[4:7], "little")
        found.pixels(width, 1 + int.from_bytes(body[7:10], "little"))
    elif kind == b"VP8 " and body[3:6] == b"\x9d\x01\x2a" and len(body) >= 10:
        width, height = struct.unpack_from("<HH", body, 6)
        found.pixels(width & 0x3FFF, height & 0x3FFF)
    elif kind == b"VP8L" and body[:1] == b"\x2f" and len(body) >= 5:
        bits = int.from_bytes(body[1:5], "little")
        found.pixels((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
