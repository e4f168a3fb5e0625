"""Forms that standards allow or programs write, and that ordinary writers do not."""

from __future__ import annotations

import io
import struct

import pytest
from PIL import Image

from brightline.origin.containers import read_container
from brightline.origin.containers.charset import user_comment
from tests.origin import writers

SOURCE = "Iptc4xmpExt:DigitalSourceType"
TRAINED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
PACKET = writers.xmp_packet(SOURCE, TRAINED)


def sources(data: bytes) -> list[str]:
    return [field.text for field in read_container(data).fields if field.key == SOURCE]


def texts(data: bytes, key: str) -> list[str]:
    return [field.text for field in read_container(data).fields if field.key == key]


@pytest.mark.parametrize("name", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("head", ["", "\ufeff", '<?xml version="1.0" encoding="UTF-16"?>\n', "  "])
def test_wide_packets(name: str, head: str) -> None:
    text = head + PACKET.decode().replace("\ufeff", "") + " " * 100
    data = writers.jpeg_xmp(text.encode(name))
    assert sources(data) == [TRAINED]
    assert not read_container(data).notes


def _riff(*chunks: tuple[bytes, bytes], padded: bool = True) -> bytes:
    body = b"".join(
        kind + struct.pack("<I", len(raw)) + raw + b"\0" * (padded and len(raw) % 2)
        for kind, raw in chunks
    )
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


@pytest.mark.parametrize("padded", [True, False])
@pytest.mark.parametrize("kind", [b"XMP ", b"XMP\0"])
def test_webp_without_padding_and_with_a_misspelt_chunk(kind: bytes, padded: bool) -> None:
    odd = PACKET + b" " * (1 - len(PACKET) % 2)
    block = writers.exif_block({"software": "Example 1"})
    data = _riff((b"ICCP", b"abcd"), (kind, odd), (b"EXIF", block), padded=padded)
    assert sources(data) == [TRAINED]
    assert texts(data, "Software") == ["Example 1"]


def test_exif_over_several_segments() -> None:
    long = "a" * 100_000 + " the end"
    block = writers.exif_block({"usercomment": long}, "ascii")
    parts = [(0xE1, b"Exif\0\0" + block[at : at + 60_000]) for at in range(0, len(block), 60_000)]
    assert texts(writers.jpeg(*parts), "UserComment") == [long]
    twice = writers.exif_block({"software": "one"}), writers.exif_block({"software": "two"})
    data = writers.jpeg(*((0xE1, b"Exif\0\0" + one) for one in twice))
    assert texts(data, "Software") == ["one", "two"]


@pytest.mark.parametrize("order", ["<", ">"])
def test_further_pictures_of_mpf(order: str) -> None:
    first, second = writers.plain("JPEG"), writers.jpeg_xmp(PACKET)
    second = writers.jpeg_exif(_sized(4000, 3000))[:-2] if order == "<" else second

    def segment(size: int, at: int) -> bytes:
        head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "IH", 8, 1)
        head += struct.pack(order + "HHIII", 0xB002, 7, 32, 26, 0)
        head += struct.pack(order + "IIIHHIIIHH", 0x30000, size, 0, 0, 0, 0, len(second), at, 0, 0)
        return b"\xff\xe2" + struct.pack(">H", len(head) + 6) + b"MPF\0" + head

    length = len(segment(0, 0))
    whole = len(first) + length
    data = first[:2] + segment(whole, whole - 10) + first[2:] + second
    found = read_container(data)
    paths = [field.path for field in found.fields]
    assert paths and all(path.startswith("jpeg MPF picture 2") for path in paths)
    assert (found.width, found.height) == (writers.WIDTH, writers.HEIGHT)
    assert not found.sizes  # the further picture's size is no statement about the first


def _sized(width: int, height: int) -> bytes:
    exif = Image.Exif()
    exif[0x0131] = "Example 1"
    exif.get_ifd(0x8769).update({0xA002: width, 0xA003: height})
    return bytes(exif.tobytes()).removeprefix(b"Exif\0\0")


@pytest.mark.parametrize(
    "raw",
    [
        b"Unicode\0" + "a text".encode("utf-16-le"),
        b"UNICODE" + "a text".encode("utf-16-le"),
        b"unicode\0" + "a text".encode("utf-16-be"),
        b"JIS\0\0\0\0\0a text",
    ],
)
def test_names_of_character_sets_as_they_are_misspelt(raw: bytes) -> None:
    assert user_comment(raw, False) == "a text"


def _box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body) + 8, kind) + body


def _entry(number: int, kind: bytes, content: bytes = b"") -> bytes:
    return _box(b"infe", b"\2\0\0\0" + struct.pack(">HH", number, 0) + kind + b"\0" + content)


def _meta(kind: bytes, raw: bytes, method: int, length: int, count: int = 1) -> bytes:
    """A `meta` box with an item in `idat`, or (method 2) within an item that lies there."""
    content = b"application/rdf+xml\0" if kind == b"mime" else b""
    entries = _entry(1, kind, content) + _entry(2, b"part")
    items = struct.pack(">HHHHII", 1, method, 0, 1, 3 if method == 2 else 0, length)
    if method == 2:
        items += struct.pack(">HHHHII", 2, 1, 0, 1, 0, 0)
        raw = b"abc" + raw
    iloc = b"\1\0\0\0\x44\0" + struct.pack(">H", count + (method == 2)) + items
    refer = _box(b"iref", bytes(4) + _box(b"iloc", struct.pack(">HHH", 1, 1, 2)))
    iinf = _box(b"iinf", bytes(4) + struct.pack(">H", 2) + entries)
    return _box(b"meta", bytes(4) + iinf + refer + _box(b"iloc", iloc) + _box(b"idat", raw))


HEAD = _box(b"ftyp", b"avis\0\0\0\0msf1avis")
UUID = _box(b"uuid", bytes.fromhex("be7acfcb97a942e89c71999491e3afac") + PACKET)


@pytest.mark.parametrize("method", [1, 2])
@pytest.mark.parametrize("whole", [True, False])
def test_items_within_items_and_without_a_length(method: int, whole: bool) -> None:
    data = HEAD + _meta(b"mime", PACKET, method, 0 if whole else len(PACKET))
    assert sources(data) == [TRAINED]
    assert not read_container(data).notes


def test_items_of_a_track() -> None:
    track = _box(b"trak", _box(b"tkhd", bytes(84)) + _meta(b"mime", PACKET, 1, len(PACKET)))
    assert sources(HEAD + _box(b"moov", _box(b"mvhd", bytes(100)) + track)) == [TRAINED]


def test_a_damaged_location_hides_nothing_else() -> None:
    """Neither the items before it nor what stands behind the box."""
    data = HEAD + _meta(b"mime", PACKET, 1, len(PACKET), count=9) + UUID
    assert sources(data) == [TRAINED] * 2
    assert read_container(data).notes == ("container_damaged",)


@pytest.mark.parametrize("head", [bytes(4), b"\0\0\0\6Exif\0\0", bytes(4) + b"Exif\0\0", b""])
def test_exif_items_with_and_without_their_offset(head: bytes) -> None:
    raw = head + writers.exif_block({"software": "Example 1"})
    assert texts(HEAD + _meta(b"Exif", raw, 1, len(raw)), "Software") == ["Example 1"]


def test_an_animated_avif_as_pillow_writes_it() -> None:
    frames = [Image.new("RGB", (96, 64), (shade, 0, 0)) for shade in (0, 90, 180)]
    block = writers.exif_block({"software": "Example 1"})
    out = io.BytesIO()
    frames[0].save(out, "AVIF", save_all=True, append_images=frames[1:], exif=block, xmp=PACKET)
    assert sources(out.getvalue())[:1] == [TRAINED]
    assert texts(out.getvalue(), "Software")[:1] == ["Example 1"]


def test_loose_xmp_without_its_outer_element() -> None:
    inner = PACKET[PACKET.index(b"<rdf:RDF") : PACKET.index(b"</x:xmpmeta>")]
    assert sources(b"8BPS" + bytes(300) + inner) == [TRAINED]
