"""Containers: what a picture's file holds besides pixels, without decoding any of them.

One walker a format, in Python alone. A walker reads what it can of a damaged file and never
raises; what could not be read is in `Container.notes`.
"""

from __future__ import annotations

import struct
from typing import Final

from brightline.origin.containers.bmff import read_bmff
from brightline.origin.containers.found import Container, Found
from brightline.origin.containers.gif import read_gif
from brightline.origin.containers.jpeg import read_jpeg
from brightline.origin.containers.png import read_png
from brightline.origin.containers.tiff import read_tiff
from brightline.origin.containers.webp import read_webp
from brightline.origin.containers.xmp import read_xmp

__all__ = ["Container", "media_type_of", "read_container"]

#: bytes at the end of a file, or of an unknown one at its start too, searched for an XMP packet
_SEARCHED: Final = 512 << 10
#: bytes of a `ftyp` box in which a brand is looked for
_BRANDS: Final = 256
_TIFFS: Final = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_HEIC: Final = frozenset(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")
)


def media_type_of(data: bytes) -> str:
    """The container by its first bytes; `application/octet-stream` for any other."""
    head = data[:32]
    if head[:2] == b"\xff\xd8":
        return "image/jpeg"
    if head[:8] == b"\x89PNG\r\n\x1a\n":
        return "image/png"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return "image/gif"
    if head[:4] in _TIFFS:
        return "image/tiff"
    if head[4:8] == b"ftyp":
        return _of_brands(data[8 : min(int.from_bytes(head[:4], "big"), _BRANDS)])
    if head[:2] == b"BM" and head[6:10] == bytes(4):
        return "image/bmp"
    if head[:12] == b"\x00\x00\x00\x0cJXL \r\n\x87\n":
        return "image/jxl"
    return "application/octet-stream"


def _of_brands(box: bytes) -> str:
    brands = [box[k : k + 4] for k in range(0, len(box), 4) if k != 4]  # there: a version
    if b"avif" in brands or b"avis" in brands:
        return "image/avif"
    return "video/mp4" if _HEIC.isdisjoint(brands) else "image/heic"


def read_container(data: bytes) -> Container:
    """Everything that a file's container says; never raises on any bytes."""
    found = Found()
    media_type = media_type_of(data)
    try:
        _walk(media_type, data, found)
    except (struct.error, IndexError, ValueError, OverflowError):
        found.note("container_damaged")
    return found.container(media_type)


def _walk(media_type: str, data: bytes, found: Found) -> None:
    match media_type:
        case "image/jpeg":
            end = read_jpeg(data, found)
            if not data.endswith(b"\xff\xd9"):
                _search(data[max(end, len(data) - _SEARCHED) :], found)
        case "image/png":
            _search(data[read_png(data, found) :], found)
        case "image/webp":
            _search(data[read_webp(data, found) :], found)
        case "image/gif":
            _search(data[read_gif(data, found) :], found)
        case "image/tiff":
            read_tiff(data, found)
        case "image/avif" | "image/heic" | "image/jxl" | "video/mp4":
            _search(data[read_bmff(data, found) :], found)
        case "image/bmp":
            pass  # has no place for metadata
        case _:
            found.note("unknown_container")
            _search(data, found)


def _search(data: bytes, found: Found) -> None:
    """An XMP packet where no walker looks: behind the picture's end, or in an unknown format."""
    parts = [data] if len(data) <= 2 * _SEARCHED else [data[:_SEARCHED], data[-_SEARCHED:]]
    for part in parts:
        for name in (b"x:xmpmeta", b"rdf:RDF"):  # the outer element may be left out
            start = part.find(b"<" + name)
            if start >= 0:
                stop = part.find(b"</" + name + b">", start)
                end = stop + len(name) + 3 if stop > 0 else len(part)
                read_xmp(part[start:end], found, "loose XMP")
                break
