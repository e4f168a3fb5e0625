"""JPEG's segments: EXIF, XMP, extended XMP, Photoshop's blocks, comments, C2PA's JUMBF.

Sources: ITU-T T.81, annex B; EXIF 3.0, 4.7; XMP specification part 3, 1.1.3; C2PA
specification 2.x, appendix A (APP11, ISO/IEC 19566-5). EXIF over 64 KiB is written by some
programs into several segments, of which only the first has a TIFF header.
"""

from __future__ import annotations

import struct
from typing import Final

from brightline.origin.containers.found import FILE_BYTES, VALUE_BYTES, Found, text_of
from brightline.origin.containers.iptc import read_resources
from brightline.origin.containers.mpf import MARK, further_pictures
from brightline.origin.containers.tiff import read_exif
from brightline.origin.containers.xmp import read_xmp

_XMP: Final = b"http://ns.adobe.com/xap/1.0/\0"
_EXTENDED: Final = b"http://ns.adobe.com/xmp/extension/\0"
_PHOTOSHOP: Final = b"Photoshop 3.0\0"
_TIFF: Final = (b"II*\0", b"MM\0*")
_SEGMENTS: Final = 4096
_PACKETS: Final = 4
#: pictures besides the first whose headers are read
_FURTHER: Final = 4
#: SOF0 to SOF15 without DHT, JPG and DAC
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def read_jpeg(data: bytes, found: Found) -> int:
    """Walk to the first scan, then through the headers of further pictures that MPF lists.

    Returns where the first scan starts.
    """
    end, further = _read(data, found, "jpeg")
    sizes = len(found.sizes)
    for number, (start, stop) in enumerate(further[:_FURTHER], 2):
        if data[start : start + 2] == b"\xff\xd8":
            part = data[start : min(stop, start + FILE_BYTES)]
            _read(part, found, f"jpeg MPF picture {number}")
    del found.sizes[sizes:]  # what they say of their own sizes
    return end


def _read(data: bytes, found: Found, path: str) -> tuple[int, list[tuple[int, int]]]:
    at = 2
    exif: list[list[bytes]] = []
    extended: dict[bytes, dict[int, bytes]] = {}
    photoshop: list[bytes] = []
    further: list[tuple[int, int]] = []
    for _ in range(_SEGMENTS):
        at = data.find(b"\xff", at)
        if at < 0 or at + 4 > len(data):
            at = len(data)
            found.note("container_truncated")
            break
        marker = data[at + 1]
        if marker in (0xFF, 0x00, 0x01) or 0xD0 <= marker <= 0xD8:
            at += 1 if marker == 0xFF else 2
            continue
        if marker in (0xDA, 0xD9):
            break
        size = int.from_bytes(data[at + 2 : at + 4], "big")
        body = data[at + 4 : at + 2 + size]
        if len(body) < size - 2:
            found.note("container_truncated")
        if marker == 0xE1:
            _app1(body, found, path, exif, extended)
        elif marker == 0xE2:
            if body.startswith(MARK):
                further += further_pictures(body[len(MARK) :], at + 4 + len(MARK))
        elif marker == 0xEB:
            found.manifest |= body[:2] == b"JP" and b"jumb" in body[:24]
        elif marker == 0xED and body.startswith(_PHOTOSHOP):
            photoshop.append(body[len(_PHOTOSHOP) :])
        elif marker == 0xFE:
            found.add("comment", "comment", text_of(found.take(body)), f"{path} COM")
        elif marker in _FRAMES and len(body) >= 5:
            height, width = struct.unpack_from(">xHH", body)
            found.pixels(width, height)
        at += 2 + max(size, 2)
    for block in exif:
        read_exif(b"".join(block)[:VALUE_BYTES], found, f"{path} EXIF")
    if photoshop:  # a resource block may run over from one segment into the next
        read_resources(b"".join(photoshop)[:FILE_BYTES], found, f"{path} APP13")
    for parts in list(extended.values())[:_PACKETS]:
        packet = b"".join(part for _, part in sorted(parts.items()))
        read_xmp(packet, found, f"{path} extended XMP")
    return at, further


def _app1(
    body: bytes,
    found: Found,
    path: str,
    exif: list[list[bytes]],
    extended: dict[bytes, dict[int, bytes]],
) -> None:
    if body.startswith((b"Exif\0\0", b"Exif\0\xff")):
        if exif and body[6:10] not in _TIFF:
            exif[-1].append(body[6:])
        else:
            exif.append([body[6:]])
    elif body.startswith(_XMP):
        read_xmp(body[len(_XMP) :], found, f"{path} XMP")
    elif body.startswith(_EXTENDED) and len(body) > len(_EXTENDED) + 40:
        start = len(_EXTENDED)
        offset = int.from_bytes(body[start + 36 : start + 40], "big")
        extended.setdefault(body[start : start + 32], {})[offset] = body[start + 40 :]
    elif (start := max(body.find(b"<?xpacket", 0, 128), body.find(b"<x:xmpmeta", 0, 128))) >= 0:
        read_xmp(body[start:], found, f"{path} XMP")  # some editors damage the segment's name
