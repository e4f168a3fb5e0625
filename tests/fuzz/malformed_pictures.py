"""Malformed pictures: cut, flipped, mislabelled, with absurd sizes and hostile structure."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator

from PIL import Image

from tests.fuzz.plants import NOT_WHOLE, SCREENED, Plant, cuts, flipped, picture, plant
from tests.pictures import drawn, encode

_EXTENSIONS = {
    "JPEG": "jpg",
    "PROGRESSIVE": "jpeg",
    "PNG": "png",
    "GIF": "gif",
    "WEBP": "webp",
    "TIFF": "tif",
    "BMP": "bmp",
    "AVIF": "avif",
    "HEIF": "heic",
}
_ABSURD = ("too_many_pixels", "undecodable", "truncated_image")


def pictures() -> Iterator[Plant]:
    """All of them, in `pictures/`."""
    for made in (_cut(), _flipped(), _mislabelled(), _png(), _jpeg(), _tiff(), _others()):
        for each in made:
            yield Plant(f"pictures/{each.name}", each.data, each.codes)


def _cut() -> Iterator[Plant]:
    for form, ending in _EXTENSIONS.items():
        for k, data in enumerate(cuts(picture(1, form), 10)):
            yield plant(f"cut-{form.lower()}-{k}.{ending}", data, NOT_WHOLE)
        last = picture(1, form)[:-1]
        yield plant(f"last-byte-{form.lower()}.{ending}", last)
    yield plant("empty.jpg", b"", "empty")
    yield plant("one-byte.png", b"\x89", "unrecognised")


def _flipped() -> Iterator[Plant]:
    for form, ending in _EXTENSIONS.items():
        whole = picture(2, form)
        for seed in range(6):
            head = flipped(whole, seed, 0, 40, 2)
            body = flipped(whole, seed, 40, len(whole), 6)
            yield plant(f"head-{form.lower()}-{seed}.{ending}", head)
            yield plant(f"body-{form.lower()}-{seed}.{ending}", body)


def _mislabelled() -> Iterator[Plant]:
    for form in _EXTENSIONS:
        yield plant(f"named-otherwise-{form.lower()}.txt", picture(3, form), SCREENED)
        rest = picture(3, form)[16:]
        yield plant(f"wrong-magic-{form.lower()}.png", b"\x89PNG\r\n\x1a\n" + rest, NOT_WHOLE)
    yield plant("text.jpg", b"no picture at all\n" * 40, "unrecognised")
    yield plant("zeros.jpg", bytes(4096), "unrecognised")
    yield plant("magic-only.jpg", b"\xff\xd8\xff", "undecodable")
    yield plant("page.jpg", b"<html><body>404</body></html>", "unrecognised")


def chunk(kind: bytes, data: bytes) -> bytes:
    """A PNG chunk (PNG specification, section 5.3)."""
    crc = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + crc


def png(width: int, height: int, idat: bytes, *before: bytes, depth: int = 8) -> bytes:
    """A PNG in true colour with the claimed size; `before` are chunks before the pixels."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, 2, 0, 0, 0))
    middle = b"".join(before)
    return b"\x89PNG\r\n\x1a\n" + header + middle + chunk(b"IDAT", idat) + chunk(b"IEND", b"")


def zeros(count: int) -> bytes:
    """A zlib stream of this many zeros."""
    engine = zlib.compressobj(1)
    block = bytes(1 << 20)
    pieces = [engine.compress(block[: min(1 << 20, count - k)]) for k in range(0, count, 1 << 20)]
    return b"".join(pieces) + engine.flush()


def _png() -> Iterator[Plant]:
    row = bytes(1 + 3 * 64)
    good = zlib.compress(row * 64)
    yield plant("absurd.png", png(60_000, 60_000, zlib.compress(b"\0" * 100)), "too_many_pixels")
    yield plant("most.png", png(2**31 - 1, 2**31 - 1, good), _ABSURD)
    yield plant("zero-wide.png", png(0, 64, good), "undecodable")
    large = zeros(4_000 * (1 + 3 * 4_000))
    yield plant("large.png", png(4_000, 4_000, large), SCREENED)
    yield plant("deep.png", png(64, 64, good, depth=77), "undecodable")
    yield plant("too-much-data.png", png(64, 64, zeros(300 << 20)))
    bomb = zeros(200 << 20)
    yield plant("ztxt.png", png(64, 64, good, chunk(b"zTXt", b"Comment\0\0" + bomb)))
    yield plant("iccp.png", png(64, 64, good, chunk(b"iCCP", b"profile\0\0" + bomb)))
    text = b"Comment\0\1\0\0\0" + bomb
    yield plant("itxt.png", png(64, 64, good, chunk(b"iTXt", text)))
    wrong = bytearray(png(64, 64, good))
    wrong[-20] ^= 0xFF
    yield plant("crc.png", bytes(wrong), NOT_WHOLE)
    huge = png(64, 64, good).replace(b"IDAT", b"tEXt")
    yield plant("no-pixels.png", huge, "undecodable")
    claimed = bytearray(png(64, 64, good))
    claimed[33:37] = b"\xff\xff\xff\xff"
    yield plant("chunk-of-4-gb.png", bytes(claimed), NOT_WHOLE | {SCREENED})
    yield plant("many-chunks.png", png(64, 64, good, *[chunk(b"tEXt", b"a\0b")] * 20_000))


def _jpeg() -> Iterator[Plant]:
    whole = picture(4)
    frame = whole.index(b"\xff\xc0")
    for name, size in (("absurd", 65_500), ("most", 65_535)):
        claimed = bytearray(whole)
        claimed[frame + 5 : frame + 9] = struct.pack(">HH", size, size)
        yield plant(f"{name}.jpg", bytes(claimed), "too_many_pixels")
    claimed = bytearray(whole)
    claimed[frame + 5 : frame + 9] = struct.pack(">HH", 3_000, 3_000)
    yield plant("taller-than-its-data.jpg", bytes(claimed), NOT_WHOLE)
    claimed[frame + 5 : frame + 9] = bytes(4)
    yield plant("zero-size.jpg", bytes(claimed), "undecodable")
    claimed = bytearray(whole)
    claimed[frame + 9] = 255
    yield plant("255-components.jpg", bytes(claimed), NOT_WHOLE)
    scans = picture(4, "PROGRESSIVE")
    last = scans.rindex(b"\xff\xda")
    repeated = scans[:last] + scans[last:-2] * 3_000 + b"\xff\xd9"
    yield plant("thousands-of-scans.jpg", repeated)
    yield plant("no-end.jpg", whole[:-2])
    # what some downloaders make of a broken transfer
    yield plant("cut-and-ended.jpg", whole[: len(whole) * 2 // 3] + b"\xff\xd9", NOT_WHOLE)
    yield plant("rest.jpg", whole + bytes(100_000), SCREENED)
    application = b"\xff\xe1\xff\xff" + b"Exif\0\0MM\0*\xff\xff\xff\xff" + bytes(65_519)
    yield plant("exif-out-of-bounds.jpg", whole[:2] + application + whole[2:], SCREENED)
    yield plant("ff-only.jpg", b"\xff\xd8" + b"\xff" * 200_000, "undecodable")
    yield plant("two-starts.jpg", b"\xff\xd8" * 1000 + whole, NOT_WHOLE | {SCREENED})


def tiff(entries: list[tuple[int, int, int, int]], after: int = 0, tail: bytes = b"") -> bytes:
    """A little-endian TIFF with one directory at 8 (TIFF 6.0, section 2)."""
    table = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    head = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(entries))
    return head + table + struct.pack("<I", after) + tail


def _entries(
    width: int = 16, height: int = 16, offset: int = 200, count: int = 256
) -> list[tuple[int, int, int, int]]:
    plain = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 277: 1, 278: height}
    return sorted(
        [(tag, 4, 1, value) for tag, value in plain.items()]
        + [(273, 4, 1, offset), (279, 4, 1, count)]
    )


def _tiff() -> Iterator[Plant]:
    pixels = bytes(range(256)) * 4
    yield plant("good.tif", tiff(_entries(), 0, pixels), SCREENED)
    yield plant("loop.tif", tiff(_entries(), 8, pixels))
    two = tiff(_entries(), 500, pixels)[:500] + tiff(_entries(), 8)[8:] + pixels
    yield plant("loop-of-two.tif", two)
    many = b"".join(struct.pack("<HI", 0, 2000 + 6 * (k + 1)) for k in range(3_000))
    yield plant("empty-directories.tif", tiff(_entries(), 2000, pixels).ljust(2000, b"\0") + many)
    yield plant("strip-of-4-gb.tif", tiff(_entries(count=2**32 - 1), 0, pixels))
    yield plant("strip-elsewhere.tif", tiff(_entries(offset=2**32 - 9), 0, pixels), NOT_WHOLE)
    yield plant("absurd.tif", tiff(_entries(100_000, 100_000), 0, pixels), "too_many_pixels")
    yield plant("widest.tif", tiff(_entries(2**32 - 1, 2**32 - 1), 0, pixels), _ABSURD)
    yield plant("zero.tif", tiff(_entries(0, 0), 0, pixels), NOT_WHOLE)
    most = [(tag, 4, 2**30, 8) for tag in range(256, 300)]
    yield plant("counts-of-4-gb.tif", tiff(most, 0, pixels), NOT_WHOLE)
    sub = sorted([*_entries(), (330, 4, 1, 8), (34665, 4, 1, 8)])
    yield plant("own-child.tif", tiff(sub, 0, pixels))
    big = b"II+\0" + struct.pack("<HHQQ", 8, 0, 16, 2**60) + bytes(64)
    yield plant("big-count.tif", big, NOT_WHOLE)
    yield plant("no-directory.tif", b"II*\0" + struct.pack("<I", 2**32 - 1), NOT_WHOLE)


def _others() -> Iterator[Plant]:
    gif = bytearray(picture(5, "GIF"))
    gif[6:10] = struct.pack("<HH", 65_535, 65_535)
    yield plant("absurd.gif", bytes(gif), _ABSURD)
    frames = [Image.fromarray(drawn(k, 16, 16)) for k in range(12)]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    yield plant("second-frame-cut.gif", out.getvalue()[: out.tell() * 2 // 3])
    yield plant("tables-only.gif", b"GIF89a\1\0\1\0\xf7\0\0" + bytes(768) + b";", NOT_WHOLE)
    canvas = b"\0\0\0\0" + (2**14 - 1).to_bytes(3, "little") * 2
    webp = picture(5, "WEBP")
    extended = b"WEBPVP8X" + struct.pack("<I", 10) + canvas + webp[12:]
    yield plant("absurd.webp", b"RIFF" + struct.pack("<I", len(extended)) + extended, _ABSURD)
    yield plant(
        "riff-of-4-gb.webp", webp[:4] + b"\xff\xff\xff\xff" + webp[8:], NOT_WHOLE | {SCREENED}
    )
    for name, width, height in (
        ("absurd", 2**31 - 1, 2**31 - 1),
        ("negative", -100_000, -100_000),
        ("least", -(2**31), -(2**31)),
        ("zero", 0, 0),
    ):
        bmp = bytearray(picture(5, "BMP"))
        bmp[18:26] = struct.pack("<ii", width, height)
        yield plant(f"{name}.bmp", bytes(bmp), _ABSURD)
    run_length = bytearray(picture(5, "BMP"))
    run_length[28:34] = struct.pack("<HI", 8, 1)
    yield plant("run-length.bmp", bytes(run_length))
    for form, ending in (("AVIF", "avif"), ("HEIF", "heic")):
        whole = bytearray(picture(5, form))
        at = whole.index(b"ispe") + 8
        whole[at : at + 8] = struct.pack(">II", 60_000, 60_000)
        yield plant(f"absurd.{ending}", bytes(whole))
        whole[at : at + 8] = bytes(8)
        yield plant(f"zero.{ending}", bytes(whole))
        box = bytearray(picture(5, form))
        box[box.index(b"meta") - 4 : box.index(b"meta")] = b"\xff\xff\xff\xff"
        yield plant(f"box-of-4-gb.{ending}", bytes(box), NOT_WHOLE)
    yield plant("ftyp.mp4", b"\0\0\0\x18ftypisom" + bytes(400), "video_or_audio")
    yield plant("small.png", encode(drawn(6, 4, 4), "PNG"), "too_small")
