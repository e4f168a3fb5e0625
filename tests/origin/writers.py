"""Writes a value into every place of every container that can hold it, over drawn pictures.

EXIF blocks are written by Pillow, so that the reader is not tested against its own writer;
the containers' segments, chunks and boxes by hand, or by Pillow and pillow-heif where they can.
"""

from __future__ import annotations

import functools
import hashlib
import io
import struct
import zlib
from collections.abc import Callable, Iterator
from xml.sax.saxutils import escape, quoteattr

import numpy as np
import pillow_heif
from PIL import Image

from tests.pictures import drawn

WIDTH, HEIGHT = 96, 64

IFD0 = {
    "documentname": 0x010D,
    "imagedescription": 0x010E,
    "make": 0x010F,
    "model": 0x0110,
    "software": 0x0131,
    "artist": 0x013B,
    "hostcomputer": 0x013C,
    "copyright": 0x8298,
}
SUB = {"usercomment": 0x9286, "makernote": 0x927C, "imageeditingsoftware": 0xA43B}
XP = {"xptitle": 0x9C9B, "xpcomment": 0x9C9C, "xpauthor": 0x9C9D, "xpkeywords": 0x9C9E}
IPTC = {"credit": 110, "caption-abstract": 120, "originatingprogram": 65}
SPACES = {
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "stEvt": "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "TC260": "http://www.tc260.org.cn/ns/AIGC/1.0/",
    "plus": "http://ns.useplus.org/ldf/xmp/1.0/",
}
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"


@functools.cache
def picture() -> Image.Image:
    return Image.fromarray(drawn(7, WIDTH, HEIGHT))


@functools.cache
def plain(form: str) -> bytes:
    out = io.BytesIO()
    picture().save(out, form)
    return out.getvalue()


# --- blocks ---------------------------------------------------------------------------------


def exif_block(fields: dict[str, str | bytes], comment_charset: str = "unicode-be") -> bytes:
    """A TIFF block (without `Exif\\0\\0`) made by Pillow."""
    exif = Image.Exif()
    sub = exif.get_ifd(0x8769)
    for name, value in fields.items():
        if name in IFD0:
            exif[IFD0[name]] = value
        elif name in XP:
            exif[XP[name]] = str(value).encode("utf-16-le") + b"\0\0"
        elif name == "usercomment":
            sub[SUB[name]] = user_comment(str(value), comment_charset)
        else:
            sub[SUB[name]] = str(value).encode() if name == "makernote" else value
    return bytes(exif.tobytes()).removeprefix(b"Exif\0\0")


def user_comment(text: str, charset: str) -> bytes:
    match charset:
        case "unicode-be":
            return b"UNICODE\0" + text.encode("utf-16-be")
        case "unicode-le":
            return b"UNICODE\0" + text.encode("utf-16-le")
        case "unicode-bom":
            return b"UNICODE\0" + text.encode("utf-16")
        case "unicode-utf8":
            return b"UNICODE\0" + text.encode()
        case "undefined":
            return bytes(8) + text.encode()
        case "bare":
            return text.encode()
        case _:
            return b"ASCII\0\0\0" + text.encode()


def xmp_packet(key: str, value: str, spelling: str = "attribute", prefix: str = "") -> bytes:
    """A packet with one property, spelled in one of the ways that RDF allows."""
    space, _, name = key.rpartition(":")
    uri = SPACES[space]
    shown = f"{prefix or space}:{name}"
    ns = f'xmlns:{prefix or space}="{uri}"'
    match spelling:
        case "attribute":
            inner = f'<rdf:Description rdf:about="" {ns} {shown}={quoteattr(value)}/>'
        case "element":
            inner = f"<rdf:Description {ns}><{shown}>{escape(value)}</{shown}></rdf:Description>"
        case "resource":
            inner = (
                f"<rdf:Description {ns}><{shown} rdf:resource={quoteattr(value)}/>"
                "</rdf:Description>"
            )
        case "array":
            inner = (
                f"<rdf:Description {ns}><{shown}><rdf:Alt>"
                f'<rdf:li xml:lang="x-default">{escape(value)}</rdf:li></rdf:Alt></{shown}>'
                "</rdf:Description>"
            )
        case _:
            raise ValueError(spelling)
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}">{inner}</rdf:RDF>'
        '</x:xmpmeta>\n<?xpacket end="w"?>'
    ).encode()


def iptc_block(dataset: int, value: str) -> bytes:
    raw = value.encode()
    return (
        b"\x1c\x01\x5a\x00\x03\x1b%G"
        + b"\x1c\x02"
        + bytes([dataset])
        + struct.pack(">H", len(raw))
        + raw
    )


# --- containers -----------------------------------------------------------------------------


def jpeg(*segments: tuple[int, bytes]) -> bytes:
    parts = [b"\xff\xd8"]
    for marker, body in segments:
        parts.append(bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body)
    return b"".join(parts) + plain("JPEG")[2:]


def jpeg_exif(block: bytes) -> bytes:
    return jpeg((0xE1, b"Exif\0\0" + block))


def jpeg_xmp(packet: bytes) -> bytes:
    return jpeg((0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet))


def jpeg_extended(packet: bytes, part: int = 200, backwards: bool = False) -> bytes:
    guid = hashlib.md5(packet).hexdigest().upper().encode()
    parts = [
        (
            0xE1,
            b"http://ns.adobe.com/xmp/extension/\0"
            + guid
            + struct.pack(">II", len(packet), at)
            + packet[at : at + part],
        )
        for at in range(0, len(packet), part)
    ]
    main = (
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}"><rdf:Description '
        f'xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="{guid.decode()}"/>'
        "</rdf:RDF></x:xmpmeta>"
    ).encode()
    first = (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + main)
    return jpeg(first, *(reversed(parts) if backwards else parts))


def jpeg_iptc(block: bytes) -> bytes:
    resource = (
        b"8BIM\x04\x04\0\0" + struct.pack(">I", len(block)) + block + b"\0" * (len(block) % 2)
    )
    return jpeg((0xED, b"Photoshop 3.0\0" + resource))


def png(chunk: bytes, kind: bytes, place: str = "before") -> bytes:
    whole = plain("PNG")
    made = struct.pack(">I", len(chunk)) + kind + chunk
    made += struct.pack(">I", zlib.crc32(kind + chunk))
    at = {"before": whole.index(b"IDAT") - 4, "after": len(whole) - 12, "behind": len(whole)}[place]
    return whole[:at] + made + whole[at:]


def png_text(key: str, value: str, way: str = "tEXt", place: str = "before") -> bytes:
    name = key.encode("latin-1") + b"\0"
    match way:
        case "tEXt":
            return png(name + value.encode(), b"tEXt", place)
        case "zTXt":
            return png(name + b"\0" + zlib.compress(value.encode()), b"zTXt", place)
        case "iTXt":
            return png(name + b"\0\0\0\0" + value.encode(), b"iTXt", place)
        case _:
            return png(name + b"\1\0en\0key\0" + zlib.compress(value.encode()), b"iTXt", place)


def png_profile(block: bytes, kind: str = "exif") -> bytes:
    """As ImageMagick wrote EXIF into PNG before there was a chunk for it."""
    raw = b"Exif\0\0" + block if kind == "exif" else block
    digits = raw.hex()
    lines = "\n".join(digits[k : k + 72] for k in range(0, len(digits), 72))
    return png_text(f"Raw profile type {kind}", f"\n{kind}\n{len(raw):8d}\n{lines}\n", "zTXt")


def webp(kind: bytes, body: bytes) -> bytes:
    inner = plain("WEBP")[12:]
    flags = {b"EXIF": 8, b"XMP ": 4}.get(kind, 0)
    head = bytes([flags, 0, 0, 0]) + (WIDTH - 1).to_bytes(3, "little")
    head += (HEIGHT - 1).to_bytes(3, "little")
    chunks = b"VP8X" + struct.pack("<I", 10) + head + inner
    chunks += kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WEBP" + chunks


def gif_comment(value: str) -> bytes:
    raw = value.encode()
    blocks = b"".join(
        bytes([len(raw[k : k + 255])]) + raw[k : k + 255] for k in range(0, len(raw), 255)
    )
    return _gif(b"\x21\xfe" + blocks + b"\0")


def gif_xmp(packet: bytes) -> bytes:
    trailer = b"\x01" + bytes(range(255, -1, -1)) + b"\0"
    return _gif(b"\x21\xff\x0bXMP DataXMP" + packet + trailer)


def _gif(extension: bytes) -> bytes:
    whole = b"GIF89a" + plain("GIF")[6:]
    table = 3 << (whole[10] & 7) + 1 if whole[10] & 0x80 else 0
    return whole[: 13 + table] + extension + whole[13 + table :]


def tiff(exif: bytes | None = None, tag: int = 0, value: bytes = b"") -> bytes:
    out = io.BytesIO()
    if exif is not None:
        info = Image.Exif()
        info.load(b"Exif\0\0" + exif)
        picture().save(out, "TIFF", exif=info)
    else:
        from PIL.TiffImagePlugin import ImageFileDirectory_v2

        info2 = ImageFileDirectory_v2()
        info2[tag] = value
        info2.tagtype[tag] = 7
        picture().save(out, "TIFF", tiffinfo=info2)
    return out.getvalue()


def avif(exif: bytes | None = None, xmp: bytes | None = None) -> bytes:
    out = io.BytesIO()
    options: dict[str, bytes] = {}
    if exif is not None:
        options["exif"] = exif
    if xmp is not None:
        options["xmp"] = xmp
    picture().save(out, "AVIF", quality=40, speed=10, **options)
    return out.getvalue()


def heic(exif: bytes | None = None, xmp: bytes | None = None) -> bytes:
    image = pillow_heif.from_pillow(picture())
    out = io.BytesIO()
    options: dict[str, bytes] = {}
    if exif is not None:
        options["exif"] = b"Exif\0\0" + exif
    if xmp is not None:
        options["xmp"] = xmp
    image.save(out, quality=40, **options)
    return out.getvalue()


def stealth(key: str, value: str) -> bytes:
    """The text as JSON in the lowest bits of the alpha channel of a PNG."""
    import gzip
    import json

    packed = gzip.compress(json.dumps({key: value}).encode())
    raw = b"stealth_pngcomp" + struct.pack(">I", len(packed) * 8) + packed
    bits = np.unpackbits(np.frombuffer(raw, np.uint8))
    height = 96
    width = max(96, len(bits) // height + 1)
    pixels = np.dstack([drawn(3, width, height), np.full((height, width), 255, np.uint8)])
    alpha = pixels[..., 3].T.reshape(-1).copy()
    alpha[: len(bits)] = alpha[: len(bits)] & 0xFE | bits
    pixels[..., 3] = alpha.reshape(width, height).T
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


# --- every place ----------------------------------------------------------------------------

Maker = Callable[[str], bytes]


def places(kind: str, key: str, extra: dict[str, str]) -> Iterator[tuple[str, Maker]]:
    """Every container and way in which a field can be written, as (name, value → file).

    `extra` holds EXIF fields that have to stand beside it.
    """
    match kind:
        case "text":
            for way in ("tEXt", "zTXt", "iTXt", "iTXt compressed"):
                yield f"png {way}", lambda v, w=way: png_text(key, v, w)  # type: ignore[misc]
            yield "png tEXt after IDAT", lambda v: png_text(key, v, "tEXt", "after")
            yield "png iTXt after IEND", lambda v: png_text(key, v, "iTXt", "behind")
        case "comment":
            yield "jpeg COM", lambda v: jpeg((0xFE, v.encode()))
            yield "gif comment", gif_comment
        case "exif":
            charsets = ("unicode-be", "unicode-le", "ascii", "undefined")
            for charset in charsets if key == "usercomment" else ("",):

                def block(v: str, c: str = charset) -> bytes:
                    return exif_block({key: v, **extra}, c)

                tail = f" {charset}" if charset else ""
                yield f"jpeg EXIF{tail}", lambda v, b=block: jpeg_exif(b(v))  # type: ignore[misc]
            yield "png eXIf", lambda v: png(block(v), b"eXIf")
            yield "png raw profile", lambda v: png_profile(block(v))
            yield "webp EXIF", lambda v: webp(b"EXIF", block(v))
            yield "tiff", lambda v: tiff(exif=block(v))
            yield "avif item", lambda v: avif(exif=block(v))
            yield "heic item", lambda v: heic(exif=block(v))
        case "xmp":
            ways = ["attribute", "element", "array"]
            ways += ["resource"] if key.endswith("DigitalSourceType") else []
            for way in ways:
                yield f"jpeg XMP {way}", lambda v, w=way: jpeg_xmp(xmp_packet(key, v, w))  # type: ignore[misc]
            yield "jpeg XMP other prefix", lambda v: jpeg_xmp(xmp_packet(key, v, "element", "q"))
            yield "jpeg extended XMP", lambda v: jpeg_extended(xmp_packet(key, v, "element"))
            yield (
                "png XMP",
                lambda v: png_text("XML:com.adobe.xmp", xmp_packet(key, v).decode(), "iTXt"),
            )
            yield "webp XMP", lambda v: webp(b"XMP ", xmp_packet(key, v))
            yield "gif XMP", lambda v: gif_xmp(xmp_packet(key, v))
            yield "tiff tag 700", lambda v: tiff(tag=700, value=xmp_packet(key, v))
            yield "avif item", lambda v: avif(xmp=xmp_packet(key, v))
            yield "heic item", lambda v: heic(xmp=xmp_packet(key, v))
        case "iptc":
            number = IPTC[key]
            yield "jpeg APP13", lambda v: jpeg_iptc(iptc_block(number, v))
            yield "tiff tag 33723", lambda v: tiff(tag=33723, value=iptc_block(number, v))
        case "stealth":
            yield "png lowest bits", lambda v: stealth(key, v)
        case _:
            raise ValueError(kind)
