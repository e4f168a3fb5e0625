"""Files that are made to cost a reader time or memory, and mutations of ordinary ones."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable

from tests.origin import writers

_XMP_HEAD = (
    f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{writers.RDF}">'
    '<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:I="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">'
)
_XMP_TAIL = "</rdf:Description></rdf:RDF></x:xmpmeta>"
TRAINED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + bytes(4)


def _png_xmp(text: str) -> bytes:
    return writers.png_text("XML:com.adobe.xmp", text, "iTXt")


def _tiff_shared_values() -> bytes:
    """Many entries whose values are all the same megabytes."""
    count, size = 2000, 3 << 20
    entries = b"".join(
        struct.pack("<HHII", 0x010E if k % 2 else 0x9286, 7, size, 8 + 2 + count * 12)
        for k in range(count)
    )
    return b"II*\0" + struct.pack("<IH", 8, count) + entries + b"a" * size


def _tiff_loop() -> bytes:
    entry = struct.pack("<HHII", 0x8769, 4, 1, 8)
    return b"II*\0" + struct.pack("<IH", 8, 1) + entry + struct.pack("<I", 8)


def _gif_tiny_blocks() -> bytes:
    return b"GIF89a\x01\0\x01\0\0\0\0\x21\xfe" + b"\x01a" * 2_000_000 + b"\0;"


def _many_exif() -> bytes:
    block = b"II*\0" + struct.pack("<IH", 8, 65535) + struct.pack("<HHII", 0x829A, 5, 1, 8) * 4000
    return writers.jpeg(*[(0xE1, b"Exif\0\0" + block)] * 60)


def _iloc_many() -> bytes:
    def box(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body) + 8) + kind + body

    infe = box(b"infe", b"\x02\0\0\0\0\x01\0\0Exif\0")
    iinf = box(b"iinf", bytes(4) + b"\0\x01" + infe)
    item = struct.pack(">HHH", 1, 0, 64) + struct.pack(">II", 0, 1 << 21) * 64
    iloc = box(b"iloc", bytes(4) + b"\x44\0" + struct.pack(">H", 60) + item * 60)
    meta = box(b"meta", bytes(4) + iinf + iloc)
    return box(b"ftyp", b"avif\0\0\0\0avif") + meta + box(b"mdat", b"a" * (2 << 20))


def _box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body) + 8, kind) + body


def _bmff(boxes: bytes) -> bytes:
    return _box(b"ftyp", b"avif\0\0\0\0mif1avif") + boxes


def _nested_items() -> bytes:
    """Eight items, each of many parts of others that are as large as they can be."""
    kinds = b"mime\0application/rdf+xml\0"
    entries = b"".join(
        _box(b"infe", b"\2\0\0\0" + struct.pack(">HH", number, 0) + kinds) for number in range(8)
    )
    others = list(range(100, 164))
    items = b"".join(
        struct.pack(">HHHH", number, 2, 0, 64) + struct.pack(">III", 1, 0, 0) * 64
        for number in range(8)
    ) + b"".join(struct.pack(">HHHHIII", number, 0, 0, 1, 0, 0, 0) for number in others)
    iloc = b"\1\0\0\0\x44\4" + struct.pack(">H", 8 + len(others)) + items
    refer = b"".join(
        _box(b"iloc", struct.pack(f">HH{len(others)}H", number, len(others), *others))
        for number in range(8)
    )
    return _box(
        b"meta",
        bytes(4)
        + _box(b"iinf", bytes(6) + entries)
        + _box(b"iref", bytes(4) + refer)
        + _box(b"iloc", iloc)
        + _box(b"free", bytes(100_000)),
    )


def _many_pictures() -> bytes:
    entries = struct.pack("<IIIHH", 0, 1 << 30, 2, 0, 0) * 60
    head = b"MPF\0II*\0" + struct.pack("<IH", 8, 1)
    return head + struct.pack("<HHIII", 0xB002, 7, len(entries), 26, 0) + entries


def bombs() -> dict[str, bytes]:
    """By name."""
    inflating = zlib.compress(bytes(50 << 20), 9)
    quotes = '{"class_type":' + '"seed"' * 80_000
    words = "Steps: 1, " * 200_000
    return {
        "zTXt of 50 MB": writers.png(b"Comment\0\0" + inflating, b"zTXt"),
        "iTXt of 50 MB": writers.png(b"parameters\0\1\0\0\0" + inflating, b"iTXt"),
        "XMP zTXt of 50 MB": writers.png(b"XML:com.adobe.xmp\0\1\0\0\0" + inflating, b"iTXt"),
        "many inflating chunks": writers.plain("PNG")[:33]
        + _chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(2 << 20), 9)) * 200,
        "XMP elements": _png_xmp(_XMP_HEAD + "<dc:a/>" * 250_000 + _XMP_TAIL),
        "XMP depth": _png_xmp(_XMP_HEAD + "<dc:a>" * 300_000),
        "XMP attributes": _png_xmp(
            _XMP_HEAD + "<dc:a " + " ".join(f'dc:b{k}="1"' for k in range(100_000)) + "/>"
        ),
        "XMP unclosed": _png_xmp("<" * 1_000_000),
        "XMP words": _png_xmp("<a " + "a" * 1_900_000),
        "XMP names": _png_xmp("<a " + "a:b" * 600_000),
        "XMP half attributes": _png_xmp("<a " + 'a:b="' * 300_000),
        "XMP spaces": _png_xmp("<a " + ("a:b" + " " * 30) * 60_000),
        "XMP names looked for": _png_xmp("<" * 25_000 + ":DigitalSourceType" * 90_000),
        "XMP entities": _png_xmp(
            '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
            '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;">]><a>&c;&c;&c;</a>'
        ),
        "many XMP packets": writers.jpeg(
            *[(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + b"<x:xmpmeta " + b"<a:b/>" * 9000)] * 40
        ),
        "TIFF values that overlap": _tiff_shared_values(),
        "EXIF values that overlap": writers.png(_tiff_shared_values(), b"eXIf"),
        "TIFF loop": _tiff_loop(),
        "many EXIF blocks": _many_exif(),
        "JPEG empty segments": b"\xff\xd8" + b"\xff\xe0\x00\x02" * 500_000,
        "JPEG fill": b"\xff\xd8" + b"\xff" * 2_000_000,
        "JPEG markers without length": b"\xff\xd8" + b"\xff\xd0" * 1_000_000,
        "PNG empty chunks": writers.plain("PNG")[:33] + (bytes(4) + b"aaaa" + bytes(4)) * 200_000,
        "PNG empty texts": writers.plain("PNG")[:33] + (bytes(4) + b"tEXt" + bytes(4)) * 200_000,
        "WebP empty chunks": b"RIFF\0\0\0\0WEBP" + b"aaaa\0\0\0\0" * 300_000,
        "GIF tiny blocks": _gif_tiny_blocks(),
        "items that overlap": _iloc_many(),
        "boxes": b"\0\0\0\x0cftypavif" + b"\0\0\0\x08free" * 300_000,
        "meta boxes": _bmff(_box(b"meta", bytes(4) + _box(b"free", b"") * 50) * 5000),
        "item entries": _bmff(
            _box(b"meta", _box(b"iinf", _box(b"infe", b"\2" + bytes(7) + b"mimea\0b\0") * 90_000))
        ),
        "sizes of items": _bmff(
            _box(b"meta", bytes(4) + _box(b"iprp", b"ispe" + bytes(12)) * 90_000) * 3
        ),
        "tracks": _bmff(_box(b"moov", _box(b"trak", _box(b"meta", bytes(12))) * 50_000)),
        "items within items": _bmff(_nested_items() * 30),
        "further pictures": writers.jpeg(*[(0xE2, _many_pictures())] * 2000),
        "wide XMP": writers.jpeg(
            *[(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + "<a ".encode("utf-32-be") * 5000)] * 40
        ),
        "A1111 words": writers.png_text("parameters", words),
        "A1111 words and an end": writers.png_text("parameters", words + "Sampler: Seed: "),
        "spaces": writers.png_text("prompt", " " * 1_900_000),
        "quotes": writers.png_text("prompt", quotes),
        "AIGC words": writers.png_text("Comment", "AIGC" * 400_000),
        "AIGC labels": writers.png_text("Comment", 'AIGC "Label" ' * 100_000),
        "braces": writers.png_text("Comment", '{"signed_hash\\' * 100_000),
        "sizes": writers.png_text(
            "parameters", "Steps: 1, Sampler: Seed: 1 " + "Size: 1x1 Hires" * 60_000
        ),
        "dashes": writers.png_text("Description", "Job ID: 0123abcd-" * 100_000),
        "signature": writers.jpeg_exif(
            writers.exif_block({"imagedescription": "Signature: " + "A" * 60_000, "artist": "a"})
        ),
        "numbers": writers.gif_comment("Steps: " + "1" * 1_000_000),
        "needles": writers.png_text("Comment", 'iffusion sui_image_params" node ' * 60_000),
    }


def mutations(data: bytes, dice: random.Random) -> bytes:
    """One ordinary file, changed in one of the ways in which files break."""
    raw = bytearray(data)
    changes: tuple[Callable[[], None], ...] = (
        lambda: _flip(raw, dice),
        lambda: _cut(raw, dice),
        lambda: _number(raw, dice),
        lambda: _repeat(raw, dice),
        lambda: _drop(raw, dice),
    )
    for _ in range(dice.randint(1, 4)):
        if len(raw) > 8:
            dice.choice(changes)()
    return bytes(raw)


def _at(raw: bytearray, dice: random.Random) -> int:
    # headers matter most: half of the changes fall into the first kilobyte
    return dice.randrange(min(len(raw), 1024) if dice.random() < 0.5 else len(raw))


def _flip(raw: bytearray, dice: random.Random) -> None:
    for _ in range(dice.randint(1, 20)):
        raw[_at(raw, dice)] = dice.randrange(256)


def _cut(raw: bytearray, dice: random.Random) -> None:
    del raw[_at(raw, dice) + 1 :]


def _number(raw: bytearray, dice: random.Random) -> None:
    at = _at(raw, dice)
    value = dice.choice((0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 0x80000000, 0xFFFF, len(raw), 0x10000))
    raw[at : at + 4] = struct.pack(dice.choice("<>") + "I", value)


def _repeat(raw: bytearray, dice: random.Random) -> None:
    at, size = _at(raw, dice), dice.randrange(1, 400)
    raw[at:at] = raw[at : at + size] * dice.randint(1, 12)


def _drop(raw: bytearray, dice: random.Random) -> None:
    at = _at(raw, dice)
    del raw[at : at + dice.randrange(1, 200)]
