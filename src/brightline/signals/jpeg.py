"""The few facts of a JPEG that are needed before it is decoded.

ISO/IEC 10918-1 Annex B for the segments; Exif 2.32 section 4.6.4 A for the orientation.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class JpegHeader:
    """Size in pixels, components, bits a sample, and the EXIF orientation (1 to 8)."""

    width: int
    height: int
    components: int
    precision: int
    orientation: int


# start-of-frame markers; C4, C8 and CC between them mean something else
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_STANDALONE = frozenset((0x01, *range(0xD0, 0xD9)))


def _orientation(tiff: bytes) -> int:
    """Tag 0x0112 of IFD 0; 1 where it is missing or makes no sense."""
    order = {b"II": "little", b"MM": "big"}.get(tiff[:2])
    if order is None:
        return 1
    little = order == "little"

    def number(at: int, size: int) -> int:
        return int.from_bytes(tiff[at : at + size], "little" if little else "big")

    table = number(4, 4)
    for entry in range(min(number(table, 2), 512)):
        at = table + 2 + 12 * entry
        if at + 12 > len(tiff):
            break
        if number(at, 2) == 0x0112:
            value = number(at + 8, 2)
            return value if 1 <= value <= 8 else 1
    return 1


def jpeg_header(data: bytes) -> JpegHeader | None:
    """Walk the segments up to the first frame; None where there is none."""
    at = 2
    end = len(data)
    orientation = 1
    while at + 4 <= end:
        if data[at] != 0xFF:
            at = data.find(b"\xff", at)  # decoders skip stray bytes here, and so must we
            if at < 0:
                return None
            continue
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker in _STANDALONE or marker == 0:
            at += 2
            continue
        if marker in (0xD9, 0xDA):
            return None
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if marker in _FRAMES:
            if at + 10 > end:
                return None
            return JpegHeader(
                width=int.from_bytes(data[at + 7 : at + 9], "big"),
                height=int.from_bytes(data[at + 5 : at + 7], "big"),
                components=data[at + 9],
                precision=data[at + 4],
                orientation=orientation,
            )
        if marker == 0xE1 and data[at + 4 : at + 10] == b"Exif\x00\x00":
            orientation = _orientation(data[at + 10 : at + 2 + length])
        at += 2 + max(length, 2)
    return None
