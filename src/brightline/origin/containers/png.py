"""PNG's chunks: texts of all three kinds, EXIF, XMP, C2PA; before and after the pixels.

Sources: W3C PNG specification, third edition, 11.3; XMP specification part 3, 1.1.5; C2PA
specification 2.x, appendix A (`caBX`); ImageMagick's `Raw profile type` texts. Checksums are
not looked at: a text that a reader shows counts, whatever its CRC.
"""

from __future__ import annotations

import re
from typing import Final

from brightline.origin.containers.found import VALUE_BYTES, Found, text_of
from brightline.origin.containers.iptc import read_iim, read_resources
from brightline.origin.containers.tiff import read_exif
from brightline.origin.containers.xmp import read_xmp

_CHUNKS: Final = 20_000
_WANTED: Final = frozenset((b"IHDR", b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"caBX"))
_XMP_KEY: Final = "XML:com.adobe.xmp"
_PROFILE: Final = re.compile(r"raw profile type (\w{1,10})", re.IGNORECASE)
_NOT_HEX: Final = re.compile(r"[^0-9A-Fa-f]+")


def read_png(data: bytes, found: Found) -> int:
    """Walk all chunks, those after `IEND` too; returns where the walk ended."""
    at = 8
    for _ in range(_CHUNKS):
        if at + 8 > len(data):
            break
        size = int.from_bytes(data[at : at + 4], "big")
        kind = data[at + 4 : at + 8]
        if not kind.isalpha():
            break
        if kind in _WANTED and found.values >= 0:
            body = data[at + 8 : at + 8 + min(size, VALUE_BYTES)]
            if len(body) < size:
                found.note("container_truncated" if len(body) < VALUE_BYTES else "metadata_limit")
            _chunk(kind, body, found)
        elif at + size > len(data):
            break  # no chunk, but what somebody put behind the picture
        at += 12 + size
    return min(at, len(data))


def _chunk(kind: bytes, body: bytes, found: Found) -> None:
    if kind == b"tEXt":
        key, _, value = found.take(body).partition(b"\0")
        _text(key, text_of(value), found, "png tEXt")
    elif kind == b"zTXt":
        key, _, value = body.partition(b"\0")
        if value[:1] == b"\0":
            _text(key, text_of(found.inflate(value[1:])), found, "png zTXt")
    elif kind == b"iTXt":
        _international(body, found)
    elif kind == b"eXIf":
        read_exif(body, found, "png eXIf")
    elif kind == b"caBX":
        found.manifest = True
    elif kind == b"IHDR":
        found.pixels(int.from_bytes(body[:4], "big"), int.from_bytes(body[4:8], "big"))


def _international(body: bytes, found: Found) -> None:
    key, _, rest = body.partition(b"\0")
    compressed, method, rest = rest[:1], rest[1:2], rest[2:]
    _, _, rest = rest.partition(b"\0")  # language
    _, _, value = rest.partition(b"\0")  # translated keyword
    if compressed == b"\1":
        value = found.inflate(value) if method == b"\0" else b""
    elif key != b"XML:com.adobe.xmp":
        value = found.take(value)
    if key.decode("latin-1") == _XMP_KEY:
        read_xmp(value, found, "png XMP")
    else:
        _text(key, text_of(value), found, "png iTXt")


def _text(key: bytes, text: str, found: Found, path: str) -> None:
    name = key.decode("latin-1")
    profile = _PROFILE.fullmatch(name)
    if profile:
        _raw_profile(profile[1].lower(), text, found)
    elif name == _XMP_KEY:
        read_xmp(text.encode("utf-8", "replace"), found, "png XMP")
    else:
        found.add("text", name, text, f"{path} {_shown(name)}")


def _shown(name: str) -> str:
    # a key is short by the specification and becomes part of reports: only what is printable
    return "".join(c if c.isprintable() else "?" for c in name[:79])


def _raw_profile(kind: str, text: str, found: Found) -> None:
    """`\\n`, name, `\\n`, length, `\\n`, then hexadecimal digits in lines."""
    lines = text.lstrip("\n").split("\n", 2)
    digits = _NOT_HEX.sub("", lines[2]) if len(lines) == 3 else ""
    raw = bytes.fromhex(digits[: len(digits) & ~1])
    if kind in ("exif", "app1"):
        if raw[:4] in (b"II*\0", b"MM\0*", b"Exif"):
            read_exif(raw, found, "png raw profile EXIF")
        else:
            read_xmp(raw.partition(b"\0")[2] or raw, found, "png raw profile XMP")
    elif kind == "xmp":
        read_xmp(raw, found, "png raw profile XMP")
    elif kind in ("iptc", "8bim"):
        if raw[:4] == b"8BIM":
            read_resources(raw, found, "png raw profile")
        else:
            read_iim(raw, found, "png raw profile IPTC")
