"""Every mode of every format: compared with the reference over Pillow's pixels."""

from __future__ import annotations

import hashlib
import io
import struct
import warnings
import zlib

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from brightline.signals.jpeg import jpeg_header
from brightline.signals.media import Sort, sniff
from brightline.signals.pdq import pdq
from brightline.signals.perceive import screen_bytes
from brightline.signals.unpad import unpadded
from brightline.types import (
    Declared,
    ExactOnly,
    Failed,
    Limits,
    Outcome,
    Perceptual,
    Reason,
    Screened,
    Signals,
)
from tests.pictures import U8, encode, photo
from tests.signals.test_pdq import distance, reference

pillow_heif.register_heif_opener()


def signals(outcome: Outcome) -> Signals:
    assert isinstance(outcome, Screened), outcome
    return outcome.signals


def view(found: Signals, via: str) -> Perceptual:
    return next(v for v in found.views if v.via == via)


def via_pillow(data: bytes) -> tuple[bytes, int]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return reference(np.array(Image.open(io.BytesIO(data)).convert("RGB")))


PIXELS = photo(1, 320, 241)
GREY = PIXELS[..., 1].copy()

LOSSLESS = {
    "png rgb": encode(PIXELS, "PNG"),
    "png grey": encode(GREY, "PNG"),
    "bmp rgb": encode(PIXELS, "BMP"),
    "bmp grey": encode(GREY, "BMP"),
    "tiff rgb": encode(PIXELS, "TIFF"),
    "tiff lzw": encode(PIXELS, "TIFF", compression="tiff_lzw"),
    "webp lossless": encode(PIXELS, "WEBP", lossless=True),
    "webp lossy": encode(PIXELS, "WEBP", quality=80),
    "gif": encode(PIXELS, "GIF"),
    "avif": encode(PIXELS, "AVIF", quality=80),
    "heic": encode(PIXELS, "HEIF", quality=80),
}


@pytest.mark.parametrize("name", LOSSLESS)
def test_equals_the_reference_over_pillows_pixels(name: str) -> None:
    data = LOSSLESS[name]
    found = signals(screen_bytes(data))
    assert (found.pdq, found.pdq_quality) == via_pillow(data)
    assert found.pdq_pipeline == "full"
    assert (found.width, found.height) == (320, 241)
    assert found.md5 == hashlib.md5(data).digest()
    assert found.sha1 == hashlib.sha1(data).digest()
    assert found.sha256 == hashlib.sha256(data).digest()


@pytest.mark.parametrize("mode", ["P", "1", "L", "CMYK", "LA", "PA", "RGBA", "I;16", "I", "F"])
def test_modes(mode: str) -> None:
    form = "TIFF" if mode in ("CMYK", "I", "F") else "PNG"
    image = Image.fromarray(PIXELS)
    if mode == "PA":
        image = image.convert("P")
        image.info["transparency"] = bytes([0] * 20 + [255] * 236)
    elif mode == "I;16":
        image = Image.fromarray((GREY.astype(np.uint16) << 8) | 0x5A)
    elif mode == "I":
        image = Image.fromarray(GREY.astype(np.int32) * 256 + 77)
    elif mode == "F":
        image = Image.fromarray((GREY / 255.0).astype(np.float32))
    else:
        image = image.convert(mode)
    out = io.BytesIO()
    options = {"transparency": image.info["transparency"]} if mode == "PA" else {}
    image.save(out, form, **options)
    found = signals(screen_bytes(out.getvalue()))
    if mode in ("I;16", "I", "F"):
        assert distance(found.pdq or b"", reference(GREY)[0]) <= 2
    else:
        assert (found.pdq, found.pdq_quality) == via_pillow(out.getvalue())


def test_jpeg_is_the_luma_plane_and_near_the_rgb_route() -> None:
    for subsampling in ("4:4:4", "4:2:2", "4:2:0"):
        data = encode(PIXELS, "JPEG", quality=90, subsampling=subsampling)
        found = signals(screen_bytes(data))
        assert found.pdq_pipeline == "full+luma"
        assert distance(found.pdq or b"", via_pillow(data)[0]) <= 6


def test_grey_progressive_cmyk_and_rgb_jpegs() -> None:
    grey = encode(GREY, "JPEG")
    assert signals(screen_bytes(grey)).pdq_pipeline == "full"
    assert signals(screen_bytes(grey)).pdq == via_pillow(grey)[0]
    progressive = encode(PIXELS, "JPEG", progressive=True)
    assert distance(signals(screen_bytes(progressive)).pdq or b"", via_pillow(progressive)[0]) <= 6
    out = io.BytesIO()
    Image.fromarray(PIXELS).convert("CMYK").save(out, "JPEG")
    assert signals(screen_bytes(out.getvalue())).pdq == via_pillow(out.getvalue())[0]
    rgb = encode(PIXELS, "JPEG", keep_rgb=True)
    assert distance(signals(screen_bytes(rgb)).pdq or b"", via_pillow(rgb)[0]) <= 6


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(2, 9))
def test_exif_orientation_adds_the_upright_view(form: str, orientation: int) -> None:
    upright = photo(2, 300, 200)
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    stored = Image.fromarray(upright).transpose(undo)
    exif = Image.Exif()
    exif[0x0112] = orientation
    out = io.BytesIO()
    stored.save(out, form, exif=exif, quality=95, lossless=True)
    found = signals(screen_bytes(out.getvalue()))
    assert found.views[0].via == "stored bytes"
    assert distance(found.pdq or b"", reference(np.array(stored))[0]) <= 8
    assert distance(view(found, "exif orientation").hash, reference(upright)[0]) <= 8


def test_alpha_is_dropped_as_the_reference_does_and_also_seen_on_grounds() -> None:
    rgba = np.dstack([PIXELS, np.tile(np.linspace(0, 255, 320), (241, 1)).astype(np.uint8)])
    found = signals(screen_bytes(encode(rgba, "PNG")))
    assert found.pdq == reference(PIXELS)[0]
    assert "alpha" in found.notes
    for via, ground in (("on white", 255), ("on black", 0)):
        flat = Image.new("RGB", (320, 241), (ground,) * 3)
        flat.paste(Image.fromarray(rgba), mask=Image.fromarray(rgba[..., 3]))
        assert distance(view(found, via).hash, reference(np.array(flat))[0]) <= 4
    opaque = np.dstack([PIXELS, np.full((241, 320), 255, np.uint8)])
    assert len(signals(screen_bytes(encode(opaque, "PNG"))).views) == 1


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG", "TIFF", "AVIF"])
def test_several_frames_first_is_hashed_and_said(form: str) -> None:
    frames = [Image.fromarray(photo(k, 96, 80)) for k in range(3)]
    out = io.BytesIO()
    frames[0].save(out, form, save_all=True, append_images=frames[1:], lossless=True)
    found = signals(screen_bytes(out.getvalue()))
    assert "first_frame_only" in found.notes
    assert distance(found.pdq or b"", reference(np.array(frames[0]))[0]) <= 16


def test_border_is_undone() -> None:
    for width, height in ((300, 200), (200, 300), (640, 333), (1000, 50)):
        original = photo(5, width, height)
        side = 256
        scale = side / max(width, height)
        inner = Image.fromarray(original).resize((round(width * scale), round(height * scale)))
        square = Image.new("RGB", (side, side), (255, 255, 255))
        square.paste(inner, (int((side - inner.width) / 2), int((side - inner.height) / 2)))
        data = encode(np.array(square), "JPEG", quality=95)
        found = signals(screen_bytes(data, (Declared(width=width, height=height),)))
        crop = view(found, "unpadded crop")
        if min(inner.size) >= 64:
            assert distance(crop.hash, reference(original)[0]) <= 20
        assert len(signals(screen_bytes(data)).views) == 1


def test_border_needs_white_and_a_square() -> None:
    assert unpadded(photo(1, 256, 256), 300, 200) is None
    assert unpadded(np.full((256, 250), 255, np.uint8), 300, 200) is None
    assert unpadded(np.full((256, 256), 255, np.uint8), 300, 300) is None
    assert unpadded(np.full((256, 256), 255, np.uint8), 300, 0) is None


def test_damaged_and_cut_pictures() -> None:
    for form in ("JPEG", "PNG", "WEBP", "BMP", "TIFF"):
        data = encode(photo(3, 400, 300), form)
        cut = screen_bytes(data[: len(data) * 2 // 3])
        assert isinstance(cut, Failed), form
        assert cut.reason in (Reason.TRUNCATED_IMAGE, Reason.UNDECODABLE)
        assert cut.signals is not None
        assert cut.signals.sha256 == hashlib.sha256(data[: len(data) * 2 // 3]).digest()
    jpeg = encode(photo(3, 400, 300), "JPEG")
    nearly = screen_bytes(jpeg[:-40])
    assert isinstance(nearly, Failed)
    assert nearly.signals is not None
    assert nearly.signals.views[0].via == "partial decode"
    assert distance(nearly.signals.pdq or b"", via_pillow(jpeg)[0]) <= 31
    assert screen_bytes(b"\xff\xd8\xff").__class__ is Failed
    assert isinstance(screen_bytes(b"\x89PNG\r\n\x1a\n" + b"\x00" * 40), Failed)


def test_jpegs_that_the_decoder_warns_of() -> None:
    whole = encode(photo(3, 300, 200), "JPEG")
    frame = whole.index(b"\xff\xc0")
    taller = whole[: frame + 5] + (400).to_bytes(2, "big") + whole[frame + 7 :]
    outcome = screen_bytes(taller)
    assert isinstance(outcome, Failed)
    assert outcome.reason is Reason.TRUNCATED_IMAGE
    inside = screen_bytes(whole[:frame] + b"\x00\x00" + whole[frame:])
    assert signals(inside).notes == ("decoder_warning",)
    assert signals(inside).pdq == signals(screen_bytes(whole)).pdq
    twelve = screen_bytes(whole[: frame + 4] + b"\x0c" + whole[frame + 5 :])
    assert isinstance(twelve, ExactOnly)
    assert twelve.reason is Reason.UNSUPPORTED_IMAGE


def bomb(width: int, height: int) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\x00" * 1000))
        + chunk(b"IEND", b"")
    )


def test_pixel_limit_comes_before_decoding() -> None:
    outcome = screen_bytes(bomb(60_000, 60_000))
    assert isinstance(outcome, Failed)
    assert outcome.reason is Reason.TOO_MANY_PIXELS
    assert outcome.signals is not None
    assert outcome.signals.width == 60_000
    small = screen_bytes(encode(PIXELS, "JPEG"), limits=Limits(max_pixels=1000))
    assert isinstance(small, Failed)
    assert small.reason is Reason.TOO_MANY_PIXELS


def test_tiny_pictures_have_digests_only() -> None:
    outcome = screen_bytes(encode(photo(1, 4, 400), "PNG"))
    assert isinstance(outcome, ExactOnly)
    assert outcome.reason is Reason.TOO_SMALL
    assert outcome.signals is not None
    assert outcome.signals.pdq_quality == 0


@pytest.mark.parametrize(
    ("data", "sort"),
    [
        (b"hello world, this is text", Sort.OTHER),
        (b'{"a": 1}', Sort.OTHER),
        (b"", Sort.OTHER),
        (b"\x00" * 64, Sort.OTHER),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", Sort.UNSUPPORTED_PICTURE),
        (b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2", Sort.TIMED),
        (b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1avif", Sort.PICTURE),
        (b"PK\x03\x04", Sort.CONTAINER),
        (b"BMW is a car and no bitmap", Sort.OTHER),
        (b"\xff\xfe\x00\x01", Sort.OTHER),
    ],
)
def test_sniffing(data: bytes, sort: Sort) -> None:
    assert sniff(data)[1] is sort


def test_media_type_comes_from_content() -> None:
    for form, media_type in (
        ("JPEG", "image/jpeg"),
        ("PNG", "image/png"),
        ("GIF", "image/gif"),
        ("WEBP", "image/webp"),
        ("TIFF", "image/tiff"),
        ("BMP", "image/bmp"),
        ("AVIF", "image/avif"),
        ("HEIF", "image/heic"),
    ):
        assert sniff(encode(PIXELS, form))[0] == media_type


def test_every_header_cut_is_survived() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    out = io.BytesIO()
    Image.fromarray(photo(1, 40, 30)).save(out, "JPEG", exif=exif)
    data = out.getvalue()
    whole = jpeg_header(data)
    assert whole is not None
    assert (whole.width, whole.height, whole.orientation) == (40, 30, 6)
    for end in range(len(data)):
        assert jpeg_header(data[:end]) in (None, whole) or end < 700
        assert not isinstance(screen_bytes(data[:end]), Screened) or end > len(data) - 3


def test_same_pixels_same_hash_whatever_the_memory_layout() -> None:
    strided: U8 = np.asfortranarray(PIXELS)
    assert pdq(strided) == pdq(PIXELS)
    assert pdq(PIXELS[::2, ::2]) == pdq(PIXELS[::2, ::2].copy())
