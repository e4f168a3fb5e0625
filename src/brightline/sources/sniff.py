"""What some first bytes are: an archive, a compressed stream, a table, a picture.

By content only. Sources: APPNOTE.TXT 6.3.10 (zip), RFC 1952 (gzip), the bzip2 and xz format
notes, RFC 8878 (zstd), POSIX.1-2017 pax (tar), the Parquet format's README.
"""

from __future__ import annotations

import enum

from brightline.sources.tarheader import BLOCK, is_header


class Form(enum.Enum):
    """A form that holds items of its own, or something compressed."""

    TAR = "tar"
    ZIP = "zip"
    PARQUET = "parquet"
    GZ = "gz"
    BZ2 = "bz2"
    XZ = "xz"
    ZST = "zst"


#: forms that are one compressed stream
COMPRESSED = frozenset((Form.GZ, Form.BZ2, Form.XZ, Form.ZST))
#: forms that are read front to back, so that they need not be held
SEQUENTIAL = COMPRESSED | {Form.TAR}

_USTAR = (b"ustar\0", b"ustar ")
_BZ2_BLOCKS = (b"1AY&SY", b"\x17\x72\x45\x38\x50\x90")
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_END_OF_ZIP = b"PK\x05\x06"
_FIRST = frozenset(b"P\x1fB\xfd\x28")


def sniff(head: bytes) -> Form | None:
    """The form of what begins with `head` (512 bytes or more, unless it is shorter), or None."""
    if head[257:263] in _USTAR:
        return Form.TAR
    if head[:1] and head[0] in _FIRST:
        form = _by_magic(head)
        if form is not None:
            return form
    if len(head) >= BLOCK and head[148:153].strip(b" \0").isdigit() and is_header(head[:BLOCK]):
        return Form.TAR
    return None


def _by_magic(head: bytes) -> Form | None:
    if head[:4] in _ZIP:
        return Form.ZIP
    if head[:4] in (b"PAR1", b"PARE"):  # the second: with an encrypted footer
        return Form.PARQUET
    if head[:3] == b"\x1f\x8b\x08" and len(head) > 3 and not head[3] & 0xE0:
        return Form.GZ
    if head[:3] == b"BZh" and head[3:4] in b"123456789" and head[4:10] in _BZ2_BLOCKS:
        return Form.BZ2
    if head[:6] == b"\xfd7zXZ\0":
        return Form.XZ
    if head[:4] == b"\x28\xb5\x2f\xfd":
        return Form.ZST
    return None


def ends_as_zip(tail: bytes) -> bool:
    """Whether the last bytes are a zip's end record without comment.

    A picture with a zip behind it shows as the picture and opens as the zip.
    """
    return tail[-22:-18] == _END_OF_ZIP


def looks_like_image(head: bytes) -> bool:
    """Whether the first bytes are those of a common picture format."""
    return (
        head[:3] == b"\xff\xd8\xff"
        or head[:8] == b"\x89PNG\r\n\x1a\n"
        or head[:6] in (b"GIF87a", b"GIF89a")
        or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")
        or head[:4] in (b"II*\0", b"MM\0*")
        or (head[4:8] == b"ftyp" and head[8:12] in (b"heic", b"heix", b"mif1", b"avif", b"avis"))
        or head[:2] == b"\xff\x0a"
        or head[:12] == b"\0\0\0\x0cJXL \r\n\x87\n"
        or head[:2] == b"BM"
    )
