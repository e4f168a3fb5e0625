"""IPTC's older record (IIM) and Photoshop's resource blocks that hold it.

Sources: IPTC-NAA Information Interchange Model 4.2, chapters 3 and 6; Adobe Photoshop File
Formats Specification, "Image Resource Blocks".
"""

from __future__ import annotations

import struct
from typing import Final

from brightline.origin.containers.found import Found, text_of
from brightline.origin.containers.xmp import read_xmp

_DATASETS: Final = {
    5: "ObjectName",
    40: "SpecialInstructions",
    65: "OriginatingProgram",
    80: "By-line",
    105: "Headline",
    110: "Credit",
    115: "Source",
    116: "CopyrightNotice",
    120: "Caption-Abstract",
}
_COUNT: Final = 1000
_IIM: Final = 0x0404
_XMP: Final = 0x0424


def read_iim(raw: bytes, found: Found, path: str) -> None:
    """The editorial texts of record 2. Datasets over 32 KiB (extended ones) end the reading."""
    at = 0
    for _ in range(_COUNT):
        if raw[at : at + 1] != b"\x1c" or at + 5 > len(raw):
            return
        record, dataset = raw[at + 1], raw[at + 2]
        size = int.from_bytes(raw[at + 3 : at + 5], "big")
        if size & 0x8000:
            return
        at += 5
        if record == 2 and dataset in _DATASETS:
            name = _DATASETS[dataset]
            found.add("iptc", name, text_of(raw[at : at + size]), f"{path} {name}")
        at += size


def read_resources(raw: bytes, found: Found, path: str) -> None:
    """Photoshop's resource blocks: IIM and XMP among them."""
    at = 0
    for _ in range(_COUNT):
        if raw[at : at + 4] != b"8BIM" or at + 7 > len(raw):
            return
        kind, name = struct.unpack_from(">HB", raw, at + 4)
        at += 6 + (name + 2 & ~1)
        size = int.from_bytes(raw[at : at + 4], "big")
        at += 4
        block = raw[at : at + size]
        if kind == _IIM:
            read_iim(block, found, f"{path} IPTC")
        elif kind == _XMP:
            read_xmp(block, found, f"{path} 8BIM XMP")
        at += size + (size & 1)
