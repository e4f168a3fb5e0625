"""JPEG's segments: EXIF, XMP, extended XMP, Photoshop's blocks, comments, C2PA's JUMBF.

Sources: ITU-T T.81, annex B; EXIF 3.0, 4.7; XMP specification part 3, 1.1.3; C2PA
specification 2.x, appendix A (APP11, ISO/IEC 19566-5).
"""

from __future__ import annotations

import struct
from typing import Final

from brightline.origin.containers.found import FILE_BYTES, Found, text_of
from brightline.origin.containers.iptc import read_resources
from brightline.origin.containers.tiff import read_exif
from brightline.origin.containers.xmp import read_xmp

_XMP: Final = b"http://ns.adobe.com/xap/1.0/\0"
_EXTENDED: Final = b"http://ns.adobe.com/xmp/extension/\0"
_PHOTOSHOP: Final = b"Photoshop 3.0\0"
_SEGMENTS: Final = 4096
_PACKETS: Final = 4
#: SOF0 to SOF15 without DHT, JPG and DAC
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def read_jpeg(data: bytes, found: Found) -> int:
    """Walk to the first scan; returns where it starts."""
    at = 2
    extended: dict[bytes, dict[int, bytes]] = {}
    photoshop: list[bytes] = []
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
            _app1(body, found, extended)
        elif marker == 0xEB:
            found.manifest |= body[:2] == b"JP" and b"jumb" in body[:24]
        elif marker == 0xED and body.startswith(_PHOTOSHOP):
            photoshop.append(body[len(_PHOTOSHOP) :])
        elif marker == 0xFE:
            found.add("comment", "comment", text_of(found.take(body)), "jpeg COM")
        elif marker in _FRAMES and len(body) >= 5:
            height, width = struct.unpack_from(">xHH", body)
            found.pixels(width, height)
        at += 2 + max(size, 2)
    if photoshop:  # a resource block may run over from one segment into the next
        read_resources(b"".join(photoshop)[:FILE_BYTES], found, "jpeg APP13")
    for parts in list(extended.values())[:_PACKETS]:
        packet = b"".join(part for _, part in sorted(parts.items()))
        read_xmp(packet, found, "jpeg extended XMP")
    return at


def _app1(body: bytes, found: Found, extended: dict[bytes, dict[int, bytes]]) -> None:
    if body.startswith((b"Exif\0\0", b"Exif\0\xff")):
        read_exif(body, found, "jpeg EXIF")
    elif body.startswith(_XMP):
        read_xmp(body[len(_XMP) :], found, "jpeg XMP")
    elif body.startswith(_EXTENDED) and len(body) > len(_EXTENDED) + 40:
        start = len(_EXTENDED)
        offset = int.from_bytes(body[start + 36 : start + 40], "big")
        extended.setdefault(body[start : start + 32], {})[offset] = body[start + 40 :]
    elif (start := max(body.find(b"<?xpacket", 0, 128), body.find(b"<x:xmpmeta", 0, 128))) >= 0:
        read_xmp(body[start:], found, "jpeg XMP")  # some editors damage the segment's name
