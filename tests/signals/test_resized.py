"""PDQ of pictures made smaller: against `pdqhash` over what the definition and Pillow make."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from brightline.signals import _resize_kernels as kernels
from brightline.signals.pdq import Hashed
from brightline.signals.perceive import screen_bytes
from brightline.signals.pipelines import FAMILIES, belongs, is_resized, named
from brightline.signals.resized import pdq_nearest, pdq_thumbnail, thumbnail_size
from brightline.types import Declared, Pipeline, Screened, Signals
from tests.pictures import U8, drawn, encode, photo
from tests.signals.test_pdq import distance, reference, turns

FULL, NEAREST, THUMBNAIL = FAMILIES

SIZES = [(768, 512), (513, 512), (512, 700), (1024, 1024), (1100, 37), (40, 2100), (2600, 1500)]
SIZES += [(1537, 1031), (520, 64), (2100, 2300)]


def by_definition(pixels: U8) -> U8:
    h, w = pixels.shape[:2]
    picked: U8 = pixels[np.arange(512) * h // 512][:, np.arange(512) * w // 512]
    return picked


def by_pillow(image: Image.Image) -> U8:
    image.thumbnail((512, 512))
    return np.array(image.convert("RGB"))


def hashed(made: Hashed) -> tuple[bytes, int]:
    return made.hash, made.quality


@pytest.mark.parametrize(("w", "h"), SIZES)
def test_nearest_512_equals_the_reference(w: int, h: int) -> None:
    for pixels in (photo(w + h, w, h), photo(h, w, h)[..., 0].copy(), drawn(h, w, h)[:, ::-1]):
        assert hashed(pdq_nearest(pixels)) == reference(by_definition(pixels))


@pytest.mark.parametrize(("w", "h"), SIZES)
def test_thumbnail_512_is_near_the_reference_over_pillows_thumbnail(w: int, h: int) -> None:
    noise = np.random.default_rng(w).integers(0, 256, (h, w, 3), dtype=np.uint8)
    for pixels, most in ((photo(w + h, w, h), 4), (drawn(h, w, h), 4), (noise, 8)):
        for shown in (pixels, pixels[..., 1].copy()):
            code, quality = reference(by_pillow(Image.fromarray(shown)))
            made = pdq_thumbnail(shown)
            assert distance(made.hash, code) <= most
            assert abs(made.quality - quality) <= 1


@pytest.mark.parametrize("seed", range(40))
def test_sizes_of_thumbnails_are_pillows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    w, h = (int(v) for v in np.exp(rng.uniform(0, np.log(9000), 2)))
    w += 512 if max(w, h) <= 512 else 0
    image = Image.new("L", (w, h))
    image.thumbnail((512, 512))
    assert thumbnail_size(w, h) == image.size


def test_a_thumbnail_too_small_to_hash_is_not_hashed() -> None:
    assert hashed(pdq_thumbnail(photo(1, 2000, 12))) == (bytes(32), 0)


@pytest.mark.parametrize("seed", range(30))
def test_every_band_is_a_weighted_mean_within_the_side(seed: int) -> None:
    rng = np.random.default_rng(seed)
    side = int(np.exp(rng.uniform(np.log(5), np.log(20_000))))
    n = int(np.clip(side * 512 / max(side, 513) / rng.uniform(1, 4), 5, 512))
    factor = max(int(side / n / 2.0), 1)
    most = kernels.widest(side, n)
    firsts, counts = np.zeros(64, np.int64), np.zeros(64, np.int64)
    bands = np.zeros((64, most), np.float32)
    room = np.empty(most)
    kernels.fill_bands(side, n, factor, firsts, counts, bands, room, room.copy())
    assert (counts <= most).all()
    assert (firsts >= 0).all() and (firsts + counts <= side).all()
    assert np.allclose(bands.sum(axis=1), 1, atol=1e-5)


def test_turned_variants_are_those_of_the_turned_picture() -> None:
    pixels = photo(3, 700, 601)
    made = pdq_nearest(pixels, turned=True)
    assert list(made.turned) == [reference(by_definition(t))[0] for t in turns(pixels)]
    made = pdq_thumbnail(pixels, turned=True)
    for code, turn in zip(made.turned, turns(pixels), strict=True):
        assert distance(code, reference(by_pillow(Image.fromarray(turn)))[0]) <= 4


# --- whole items ----------------------------------------------------------------------------


def seen(data: bytes, *declared: Declared, orientations: bool = False) -> Signals:
    outcome = screen_bytes(data, declared, orientations=orientations)
    assert isinstance(outcome, Screened), outcome
    return outcome.signals


def test_small_pictures_are_hashed_once() -> None:
    found = seen(encode(photo(1, 512, 512), "PNG"))
    assert [view.pipeline for view in found.views] == ["full"]


def test_large_pictures_are_hashed_by_every_pipeline_full_first() -> None:
    pixels = photo(1, 640, 400)
    found = seen(encode(pixels, "PNG"))
    assert [view.pipeline for view in found.views] == ["full", "nearest-512", "thumbnail-512"]
    assert {view.via for view in found.views} == {"stored bytes"}
    assert (found.pdq, found.pdq_quality) == reference(pixels)
    assert found.views[1].hash == reference(by_definition(pixels))[0]
    jpeg = seen(encode(pixels, "JPEG", quality=90))
    assert [view.pipeline for view in jpeg.views] == [
        "full+luma",
        "nearest-512+luma",
        "thumbnail-512+luma",
    ]


def test_only_what_is_asked_for_is_made() -> None:
    data = encode(photo(1, 640, 400), "PNG")
    outcome = screen_bytes(data, pipelines=(Pipeline.FULL,))
    assert outcome.signals is not None
    assert [view.pipeline for view in outcome.signals.views] == ["full"]


def test_every_view_is_hashed_by_every_pipeline() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = photo(2, 640, 400)
    found = seen(encode(pixels, "PNG", exif=exif.tobytes()))
    assert [(view.via, view.pipeline) for view in found.views] == [
        (via, str(family)) for family in FAMILIES for via in ("stored bytes", "exif orientation")
    ]
    upright = np.rot90(pixels, 3)
    assert found.views[3].hash == reference(by_definition(upright))[0]

    padded = np.full((600, 600, 3), 255, np.uint8)
    padded[150:450] = photo(5, 600, 300)
    cut = seen(encode(padded, "PNG"), Declared(width=1200, height=600))
    crops = {v.pipeline: v.hash for v in cut.views if v.via == "unpadded crop"}
    assert set(crops) == set(FAMILIES)
    assert crops["nearest-512"] == reference(by_definition(padded[150:450]))[0]


def test_pictures_that_pillow_shrinks_otherwise() -> None:
    alpha = np.zeros((500, 800), np.uint8) + np.linspace(20, 255, 800).astype(np.uint8)
    clear = np.dstack([photo(4, 800, 500), alpha])
    grey = np.dstack([clear[..., 1], alpha])
    indexed = Image.fromarray(photo(4, 800, 500)).quantize(40)
    single = Image.fromarray(photo(4, 800, 500)).convert("1")
    for image in (Image.fromarray(clear), Image.fromarray(grey), indexed, single):
        found = seen(encode_image(image))
        code, quality = reference(by_pillow(image.copy()))
        made = next(v for v in found.views if v.pipeline == THUMBNAIL)
        assert (made.hash, made.quality) == (code, quality)


def encode_image(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def test_turned_views_of_every_pipeline() -> None:
    found = seen(encode(photo(1, 600, 300), "PNG"), orientations=True)
    assert [len(view.turned) for view in found.views] == [7, 7, 7]


def test_which_hashes_a_list_is_compared_with() -> None:
    assert not is_resized(512, 512) and not is_resized(None, None)
    assert is_resized(513, 2) and is_resized(2, 513)
    for family in FAMILIES:
        for decoded in ("full", "full+luma"):
            name = named(family, decoded)
            assert name == f"{family}{decoded[4:]}"
            for to in FAMILIES:
                assert belongs(name, to, resized=True) == (to is family)
                assert belongs(name, to, resized=False)
            assert belongs(name, Pipeline.UNKNOWN, resized=True)
