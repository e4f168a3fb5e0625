"""File names and member names: bytes on disk, text in a manifest and in a locator.

A name on Linux, in a tar or in a zip is a string of bytes, not always UTF-8. A manifest is JSON
and Parquet, which hold only Unicode. So a path is stored as its UTF-8 text where it is UTF-8,
and as `bytes:` followed by percent-escaped bytes (RFC 3986) where it is not.
"""

from __future__ import annotations

from urllib.parse import quote_from_bytes, unquote_to_bytes

ESCAPED = "bytes:"


def encode_path(raw: bytes) -> str:
    """Text that survives JSON and Parquet and that `decode_path` turns back."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return ESCAPED + quote_from_bytes(raw)
    return ESCAPED + quote_from_bytes(raw) if text.startswith(ESCAPED) else text


def decode_path(text: str) -> bytes:
    """The path as the system calls want it."""
    if text.startswith(ESCAPED):
        return unquote_to_bytes(text.removeprefix(ESCAPED))
    return text.encode("utf-8")


def printable(raw: bytes) -> str:
    """A name as text: bytes that are not UTF-8 and control characters show as escapes."""
    text = raw.decode("utf-8", "surrogateescape")
    return text if text.isprintable() else _escaped(text)


def printable_text(text: str) -> str:
    """Like `printable` for a name that came as text."""
    return text if text.isprintable() else _escaped(text)


def _escaped(text: str) -> str:
    return "".join(
        c if c.isprintable() or c == "\u3000" else c.encode("unicode_escape").decode("ascii")
        for c in text
    )


def extension(name: str) -> str:
    """Lower-case letters after the last dot of the base name; "" if there is none."""
    base = name.rpartition("/")[2]
    stem, dot, last = base.rpartition(".")
    return last.lower() if dot and stem else ""


_IMAGES = """
    jpg jpeg jpe jfif png apng gif webp bmp dib tif tiff heic heif avif avifs jxl jp2 j2k jpx
    ppm pgm pbm pnm ico cur tga dds psd svg exr hdr qoi pcx
"""
#: extensions under which pictures are kept
IMAGE_EXTENSIONS = frozenset(_IMAGES.split())
#: extensions of the small texts that lie beside pictures in datasets
TEXT_EXTENSIONS = frozenset(("json", "txt", "cls", "caption", "html", "xml", "md", "yaml", "yml"))
