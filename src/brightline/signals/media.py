"""What some bytes are, from their first bytes alone; names and claims are never trusted.

Signatures: the formats' own specifications, as collected in the WHATWG MIME Sniffing Standard
and, for `ftyp` brands, the MP4 registration authority's list.
"""

from __future__ import annotations

import enum
from typing import Final

#: bytes that `sniff` looks at
HEAD: Final = 4096


class Sort(enum.Enum):
    """What can be done with a media type."""

    PICTURE = "picture"
    UNSUPPORTED_PICTURE = "unsupported picture"
    TIMED = "video or audio"
    CONTAINER = "container"
    OTHER = "other"


_MAGIC: Final[tuple[tuple[int, bytes, str, Sort], ...]] = (
    (0, b"\xff\xd8\xff", "image/jpeg", Sort.PICTURE),
    (0, b"\x89PNG\r\n\x1a\n", "image/png", Sort.PICTURE),
    (0, b"GIF87a", "image/gif", Sort.PICTURE),
    (0, b"GIF89a", "image/gif", Sort.PICTURE),
    (0, b"II*\x00", "image/tiff", Sort.PICTURE),
    (0, b"MM\x00*", "image/tiff", Sort.PICTURE),
    (0, b"II+\x00", "image/tiff", Sort.PICTURE),
    (0, b"MM\x00+", "image/tiff", Sort.PICTURE),
    (0, b"\xff\x0a", "image/jxl", Sort.UNSUPPORTED_PICTURE),
    (0, b"\x00\x00\x00\x0cJXL \r\n\x87\n", "image/jxl", Sort.UNSUPPORTED_PICTURE),
    (0, b"\x00\x00\x00\x0cjP  \r\n\x87\n", "image/jp2", Sort.UNSUPPORTED_PICTURE),
    (0, b"\xff\x4f\xff\x51", "image/jp2", Sort.UNSUPPORTED_PICTURE),
    (0, b"8BPS", "image/vnd.adobe.photoshop", Sort.UNSUPPORTED_PICTURE),
    (0, b"\x00\x00\x01\x00", "image/vnd.microsoft.icon", Sort.UNSUPPORTED_PICTURE),
    (0, b"qoif", "image/qoi", Sort.UNSUPPORTED_PICTURE),
    (0, b"\x76\x2f\x31\x01", "image/x-exr", Sort.UNSUPPORTED_PICTURE),
    (0, b"DDS ", "image/vnd-ms.dds", Sort.UNSUPPORTED_PICTURE),
    (0, b"FORM", "image/iff", Sort.UNSUPPORTED_PICTURE),
    (0, b"\x1aE\xdf\xa3", "video/webm", Sort.TIMED),
    (0, b"\x00\x00\x01\xba", "video/mpeg", Sort.TIMED),
    (0, b"\x00\x00\x01\xb3", "video/mpeg", Sort.TIMED),
    (0, b"FLV\x01", "video/x-flv", Sort.TIMED),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "video/x-ms-asf", Sort.TIMED),
    (0, b"OggS", "application/ogg", Sort.TIMED),
    (0, b"ID3", "audio/mpeg", Sort.TIMED),
    (0, b"fLaC", "audio/flac", Sort.TIMED),
    (0, b"PK\x03\x04", "application/zip", Sort.CONTAINER),
    (0, b"PK\x05\x06", "application/zip", Sort.CONTAINER),
    (0, b"\x1f\x8b", "application/gzip", Sort.CONTAINER),
    (0, b"BZh", "application/x-bzip2", Sort.CONTAINER),
    (0, b"\xfd7zXZ\x00", "application/x-xz", Sort.CONTAINER),
    (0, b"\x28\xb5\x2f\xfd", "application/zstd", Sort.CONTAINER),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed", Sort.CONTAINER),
    (0, b"Rar!\x1a\x07", "application/vnd.rar", Sort.CONTAINER),
    (0, b"PAR1", "application/vnd.apache.parquet", Sort.CONTAINER),
    (0, b"ARROW1", "application/vnd.apache.arrow.file", Sort.CONTAINER),
    (0, b"%PDF-", "application/pdf", Sort.CONTAINER),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage", Sort.CONTAINER),
    (0, b"SQLite format 3\x00", "application/vnd.sqlite3", Sort.CONTAINER),
    (0, b"\x89HDF\r\n\x1a\n", "application/x-hdf5", Sort.CONTAINER),
    (257, b"ustar", "application/x-tar", Sort.CONTAINER),
)

_RIFF: Final = {
    b"WEBP": ("image/webp", Sort.PICTURE),
    b"AVI ": ("video/x-msvideo", Sort.TIMED),
    b"WAVE": ("audio/wav", Sort.TIMED),
}

_HEIC_BRANDS: Final = frozenset(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")
)
_AVIF_BRANDS: Final = frozenset((b"avif", b"avis"))
# BMP's two letters are too few to go by: the size of its second header tells
_BMP_HEADERS: Final = frozenset((12, 16, 40, 52, 56, 64, 108, 124))


def _ftyp(head: bytes) -> tuple[str, Sort]:
    size = min(max(int.from_bytes(head[:4], "big"), 16), len(head))
    brands = {head[8:12]} | {head[k : k + 4] for k in range(16, size - 3, 4)}
    if brands & _AVIF_BRANDS:
        return "image/avif", Sort.PICTURE
    if brands & _HEIC_BRANDS:
        return "image/heic", Sort.PICTURE
    if b"jxl " in brands:
        return "image/jxl", Sort.UNSUPPORTED_PICTURE
    if head[8:11] == b"crx":
        return "image/x-canon-cr3", Sort.UNSUPPORTED_PICTURE
    return "video/mp4", Sort.TIMED


def sniff(data: bytes) -> tuple[str, Sort]:
    """Media type and sort of some bytes; `application/octet-stream` where nothing fits."""
    head = data[:HEAD]
    for offset, magic, media_type, sort in _MAGIC:
        if head.startswith(magic, offset):
            return media_type, sort
    if head[:4] == b"RIFF" and head[8:12] in _RIFF:
        return _RIFF[head[8:12]]
    if head[4:8] == b"ftyp":
        return _ftyp(head)
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return "image/bmp", Sort.PICTURE
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xE6 in (0xE2, 0xE4):
        return "audio/mpeg", Sort.TIMED
    if head[:2] in (b"P1", b"P2", b"P3", b"P4", b"P5", b"P6", b"P7") and head[2:3].isspace():
        return "image/x-portable-anymap", Sort.UNSUPPORTED_PICTURE
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:512].lower()
    if start.startswith(b"<svg") or (start.startswith(b"<?xml") and b"<svg" in head.lower()):
        return "image/svg+xml", Sort.UNSUPPORTED_PICTURE
    if start[:1] in (b"{", b"["):
        return "application/json", Sort.OTHER
    if head and b"\x00" not in head:
        try:
            head[: HEAD - 4].decode("utf-8")
        except UnicodeDecodeError as error:
            if error.start < len(head) - 8:
                return "application/octet-stream", Sort.OTHER
        return "text/plain", Sort.OTHER
    return "application/octet-stream", Sort.OTHER
