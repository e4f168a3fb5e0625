"""The walkers: every place is read, whatever order, size or damage; nothing is ever raised."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brightline.origin.containers import media_type_of, read_container
from tests.origin import writers
from tests.origin.hostile import TRAINED, mutations
from tests.pictures import drawn, encode

SOURCE = "Iptc4xmpExt:DigitalSourceType"


def texts(data: bytes, where: str, key: str) -> list[str]:
    return [f.text for f in read_container(data).fields if (f.where, f.key) == (where, key)]


@pytest.mark.parametrize(
    ("form", "media_type"),
    [
        ("JPEG", "image/jpeg"),
        ("PNG", "image/png"),
        ("WEBP", "image/webp"),
        ("GIF", "image/gif"),
        ("TIFF", "image/tiff"),
        ("AVIF", "image/avif"),
        ("BMP", "image/bmp"),
    ],
)
def test_type_and_size(form: str, media_type: str) -> None:
    found = read_container(encode(drawn(1, 97, 61), form))
    assert found.media_type == media_type
    assert not found.notes
    if form != "BMP":
        assert (found.width, found.height) == (97, 61)


def test_heic_size_is_the_pictures_and_not_a_tiles() -> None:
    found = read_container(writers.heic())
    assert (found.media_type, found.width, found.height) == (
        "image/heic",
        writers.WIDTH,
        writers.HEIGHT,
    )


@pytest.mark.parametrize(
    "charset",
    ["unicode-be", "unicode-le", "unicode-bom", "unicode-utf8", "undefined", "bare", "ascii"],
)
@pytest.mark.parametrize(
    "text", ["Steps: 20, plain ascii", "灯台と海、夕暮れの空", "прибой — маяк"]
)
def test_user_comment(charset: str, text: str) -> None:
    data = writers.jpeg_exif(writers.exif_block({"usercomment": text}, charset))
    found = texts(data, "exif", "UserComment")
    assert found == [text]


def test_camera_fields_and_maker() -> None:
    found = read_container(
        writers.jpeg_exif(
            writers.exif_block({"make": "Canon", "model": "x", "makernote": "\1\2" * 40})
        )
    )
    assert found.make == "Canon"
    assert found.camera_fields == {"maker_note"}
    hidden = read_container(writers.jpeg_exif(writers.exif_block({"make": 'workflow:{"a":1}'})))
    assert hidden.make is None


def test_extended_xmp_in_any_order() -> None:
    packet = writers.xmp_packet(SOURCE, TRAINED, "element")
    for backwards in (False, True):
        data = writers.jpeg_extended(packet, 150, backwards)
        assert texts(data, "xmp", SOURCE) == [TRAINED]


def test_xmp_under_a_damaged_segment_name() -> None:
    packet = writers.xmp_packet(SOURCE, TRAINED)
    data = writers.jpeg((0xE1, b"XMP\0://ns.adobe.com/xap/1.0/\0" + packet))
    assert texts(data, "xmp", SOURCE) == [TRAINED]


@pytest.mark.parametrize("spelling", ["attribute", "element", "array", "resource"])
@pytest.mark.parametrize("prefix", ["", "foo", "dc"])
def test_xmp_spellings(spelling: str, prefix: str) -> None:
    data = writers.jpeg_xmp(writers.xmp_packet(SOURCE, TRAINED, spelling, prefix))
    assert texts(data, "xmp", SOURCE) == [TRAINED]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_xmp_encodings(encoding: str) -> None:
    packet = writers.xmp_packet(SOURCE, TRAINED).decode().replace("\ufeff", "")
    assert texts(writers.webp(b"XMP ", packet.encode(encoding)), "xmp", SOURCE) == [TRAINED]


def test_xmp_with_references_to_characters() -> None:
    packet = writers.xmp_packet(SOURCE, TRAINED).replace(b"trained", b"&#116;&#x72;ained")
    assert texts(writers.gif_xmp(packet), "xmp", SOURCE) == [TRAINED]


@pytest.mark.parametrize("spelling", ["attribute", "element", "array", "resource"])
def test_malformed_xmp_is_read_leniently(spelling: str) -> None:
    whole = writers.xmp_packet(SOURCE, TRAINED, spelling)
    undeclared = whole.replace(b'xmlns:Iptc4xmpExt="', b'ymlns="')
    cut = whole[: whole.index(b"</rdf:RDF>")]
    broken = whole.replace(b"<rdf:Description", b"<dc:a></dc:b> & <rdf:Description", 1)
    for packet in (undeclared, cut, broken):
        found = read_container(writers.jpeg_xmp(packet))
        assert TRAINED in [f.text for f in found.fields if f.key.endswith(":DigitalSourceType")]
        assert "xmp_malformed" in found.notes


def test_a_long_history_does_not_hide_what_stands_behind_it() -> None:
    packet = writers.xmp_packet(SOURCE, TRAINED, "element").decode()
    history = '<dc:a xmlns:dc="http://purl.org/dc/elements/1.1/">x</dc:a>' * 15_000
    data = writers.png_text(
        "XML:com.adobe.xmp", packet.replace("<Iptc", history + "<Iptc", 1), "iTXt compressed"
    )
    assert TRAINED in texts(data, "xmp", SOURCE)
    assert "xmp_limit" in read_container(data).notes


@pytest.mark.parametrize("way", ["tEXt", "zTXt", "iTXt", "iTXt compressed"])
@pytest.mark.parametrize("place", ["before", "after", "behind"])
def test_png_texts(way: str, place: str) -> None:
    assert texts(writers.png_text("parameters", "灯 text", way, place), "text", "parameters") == [
        "灯 text"
    ]


def test_png_text_in_latin1_and_with_a_wrong_checksum() -> None:
    data = writers.png(b"Comment\0caf\xe9", b"tEXt").replace(b"caf\xe9", b"CAF\xe9")
    assert texts(data, "text", "Comment") == ["CAFé"]


def test_inflation_stops_at_its_limit() -> None:
    bomb = zlib.compress(b"A" * (50 << 20), 9)
    assert len(bomb) < 60_000
    (text,) = texts(writers.png(b"Comment\0\0" + bomb, b"zTXt"), "text", "Comment")
    assert len(text) == 2 << 20
    assert "metadata_limit" in read_container(writers.png(b"a\0\0" + bomb, b"zTXt")).notes


def test_damaged_inflation_keeps_what_came_before() -> None:
    dice = random.Random(1)
    raw = zlib.compress(bytes(dice.randrange(32, 127) for _ in range(4000)))
    (text,) = texts(writers.png(b"Comment\0\0" + raw[:-900], b"zTXt"), "text", "Comment")
    assert len(text) > 1000


def test_loose_xmp_behind_the_end_and_in_other_formats() -> None:
    packet = writers.xmp_packet(SOURCE, TRAINED)
    for form in ("JPEG", "PNG", "WEBP", "GIF"):
        assert texts(writers.plain(form) + packet, "xmp", SOURCE) == [TRAINED], form
    other = read_container(b"8BPS" + bytes(300) + packet)
    assert [f.text for f in other.fields if f.key == SOURCE] == [TRAINED]
    assert "unknown_container" in other.notes


def _box(kind: bytes, body: bytes, large: bool = False) -> bytes:
    if large:
        return struct.pack(">I4sQ", 1, kind, len(body) + 16) + body
    return struct.pack(">I4s", len(body) + 8, kind) + body


@pytest.mark.parametrize(("version", "method"), [(0, 0), (1, 0), (1, 1), (2, 0), (2, 1)])
@pytest.mark.parametrize("large", [False, True])
def test_items_by_every_form_of_location(version: int, method: int, large: bool) -> None:
    packet = writers.xmp_packet(SOURCE, TRAINED)
    wide = ">I" if version == 2 else ">H"
    infe = _box(b"infe", b"\x02\0\0\0" + b"\0\x07\0\0mime\0application/rdf+xml\0")
    iinf = _box(b"iinf", bytes(4) + b"\0\x01" + infe)

    def meta(base: int) -> bytes:
        item = struct.pack(wide, 7) + (struct.pack(">H", method) if version else b"")
        half = len(packet) // 2
        item += b"\0\0" + struct.pack(">HIIII", 2, base, half, base + half, len(packet) - half)
        iloc = _box(
            b"iloc", bytes([version, 0, 0, 0]) + b"\x44\0" + struct.pack(wide, 1) + item, large
        )
        return _box(b"meta", bytes(4) + iinf + iloc + (_box(b"idat", packet) if method else b""))

    head = _box(b"ftyp", b"avif\0\0\0\0mif1avif")
    base = 0 if method else len(head) + len(meta(0)) + 8
    data = head + meta(base) + _box(b"mdat", packet)
    assert texts(data, "xmp", SOURCE) == [TRAINED]


def test_uuid_boxes_and_jpeg_xl() -> None:
    packet = writers.xmp_packet(SOURCE, TRAINED)
    heic = writers.heic() + _box(
        b"uuid", bytes.fromhex("be7acfcb97a942e89c71999491e3afac") + packet
    )
    assert texts(heic, "xmp", SOURCE) == [TRAINED]
    marked = writers.heic() + _box(b"uuid", bytes.fromhex("d8fec3d61b0e483c92975828877ec481"))
    assert read_container(marked).manifest
    assert not read_container(writers.heic()).manifest
    jxl = b"\0\0\0\x0cJXL \r\n\x87\n" + _box(b"xml ", packet) + _box(b"jumb", b"")
    assert texts(jxl, "xmp", SOURCE) == [TRAINED]
    assert read_container(jxl).manifest


@pytest.mark.parametrize("order", ["<", ">"])
def test_bigtiff(order: str) -> None:
    text = b"Fooocus v2.5.5\0"
    entries = struct.pack(order + "HHQHHI", 0x0100, 3, 1, 40, 0, 0) + struct.pack(
        order + "HHQHHI", 0x0101, 3, 1, 30, 0, 0
    )
    at = 16 + 8 + 3 * 20 + 8
    entries += struct.pack(order + "HHQQ", 0x0131, 2, len(text), at)
    head = {"<": b"II", ">": b"MM"}[order] + struct.pack(order + "HHHQ", 43, 8, 0, 16)
    data = head + struct.pack(order + "Q", 3) + entries + bytes(8) + text
    assert texts(data, "exif", "Software") == ["Fooocus v2.5.5"]
    found = read_container(data)
    assert (found.media_type, found.width, found.height) == ("image/tiff", 40, 30)


def test_every_page_of_a_tiff_is_read_and_a_loop_ends() -> None:
    first = struct.pack("<HHHII", 1, 0x0131, 2, 4, int.from_bytes(b"one\0", "little"))
    second = struct.pack("<HHHII", 1, 0x0131, 2, 4, int.from_bytes(b"two\0", "little"))
    data = b"II*\0" + struct.pack("<I", 8) + first + struct.pack("<I", 26) + second
    assert texts(data + struct.pack("<I", 8), "exif", "Software") == ["one", "two"]


@pytest.mark.parametrize(
    "data",
    [
        writers.jpeg((0xEB, b"JP\0\1\0\0\0\1\0\0\0\x20jumb")),
        writers.png(b"x", b"caBX"),
        writers.webp(b"C2PA", b"x"),
        writers._gif(b"\x21\xff\x0bC2PA_GIF\1\0\0\x01x\0"),
        writers.tiff(tag=0xCD41, value=b"jumb"),
    ],
    ids=["jpeg", "png", "webp", "gif", "tiff"],
)
def test_manifest_is_seen(data: bytes) -> None:
    assert read_container(data).manifest


def test_a_link_to_a_manifest_elsewhere_is_seen() -> None:
    packet = writers.xmp_packet("dc:description", "x").replace(
        b"<rdf:Description",
        b'<rdf:Description xmlns:t="http://purl.org/dc/terms/" t:provenance="http://a.invalid/"',
    )
    assert read_container(writers.jpeg_xmp(packet)).remote_manifest


SAMPLES: list[Callable[[], bytes]] = [
    lambda: writers.jpeg_exif(writers.exif_block({"usercomment": "abc", "make": "Canon"})),
    lambda: writers.jpeg_extended(writers.xmp_packet(SOURCE, TRAINED)),
    lambda: writers.jpeg_iptc(writers.iptc_block(110, "Example Press")),
    lambda: writers.png_text("Comment", "abc", "iTXt compressed"),
    lambda: writers.png_profile(writers.exif_block({"software": "abc"})),
    lambda: writers.webp(b"EXIF", writers.exif_block({"software": "abc"})),
    lambda: writers.gif_xmp(writers.xmp_packet(SOURCE, TRAINED)),
    lambda: writers.tiff(exif=writers.exif_block({"software": "abc"})),
    lambda: writers.avif(writers.exif_block({"software": "abc"}), writers.xmp_packet(SOURCE, "x")),
    lambda: writers.heic(writers.exif_block({"software": "abc"}), writers.xmp_packet(SOURCE, "x")),
]


@pytest.mark.parametrize("number", range(len(SAMPLES)))
def test_any_cut_is_survived(number: int) -> None:
    data = SAMPLES[number]()
    step = max(len(data) // 400, 1)
    for stop in range(0, len(data), step):
        read_container(data[:stop])


@settings(deadline=None, max_examples=100)
@given(st.sampled_from(range(len(SAMPLES))), st.integers(0, 2**32))
def test_any_mutation_is_survived(number: int, seed: int) -> None:
    read_container(mutations(SAMPLES[number](), random.Random(seed)))


@settings(deadline=None, max_examples=100)
@given(
    st.sampled_from(
        [b"", b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBP", b"GIF89a", b"II*\0", b"MM\0+"]
        + [b"\0\0\0\x14ftypavif\0\0\0\0mif1avif", b"BM", b"\x00\x00\x00\x0cJXL \r\n\x87\n"]
    ),
    st.binary(max_size=400),
)
def test_any_bytes_are_survived(head: bytes, tail: bytes) -> None:
    found = read_container(head + tail)
    assert found.media_type == media_type_of(head + tail)


@pytest.mark.parametrize("size", [0, 1, 254, 255, 256, 510, 32_640, 32_641, 100_000])
def test_a_gif_comment_behind_pixels_of_any_length(size: int) -> None:
    blocks = b"".join(
        bytes([min(255, size - at)]) + b"\xff" * min(255, size - at) for at in range(0, size, 255)
    )
    image = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02" + blocks + b"\0"
    comment = b"\x21\xfe\x03abc\0"
    data = b"GIF89a\x01\0\x01\0\0\0\0" + image + comment + b";"
    assert texts(data, "comment", "comment") == ["abc"]
    assert not read_container(data).notes
