"""PDQ of pictures made smaller: against `pdqhash` over what the definition and Pillow make."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from brightline.signals import _resize_kernels as kernels
from brightline.signals import resized
from brightline.signals.pdq import Hashed
from brightline.signals.perceive import screen_bytes
from brightline.signals.pipelines import FAMILIES, belongs, is_resized, named
from brightline.signals.resized import pdq_nearest, pdq_thumbnail, thumbnail_size
from brightline.types import Declared, Pipeline, Screened, Signals
from tests.pictures import U8, drawn, encode, photo
from tests.signals.test_pdq import distance, reference, turns

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

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
def test_nearest_512_is_the_references_but_for_rounding(w: int, h: int) -> None:
    noise = np.random.default_rng(w).integers(0, 256, (h, w, 3), dtype=np.uint8)
    shown = photo(w + h, w, h), photo(h, w, h)[..., 0].copy(), drawn(h, w, h)[:, ::-1], noise
    for pixels in shown:
        code, quality = reference(by_definition(pixels))
        made = pdq_nearest(pixels)
        assert distance(made.hash, code) <= 2
        assert abs(made.quality - quality) <= 1


def boxes(n: int) -> F64:
    """PDQ's two means over n pixels and its choice of 64 of them, by their definition."""
    w = (n + 127) // 128
    reach = (w + 2) // 2
    mean = np.zeros((n, n))
    for i in range(n):
        low, high = max(0, i - (w - reach)), min(n, i + reach)
        mean[i, low:high] = 1 / (high - low)
    return (mean @ mean)[[int((j + 0.5) * n / 64) for j in range(64)]]


def dense(bands: resized._Bands, side: int) -> F64:
    """A banded matrix in full."""
    L = np.zeros((64, side))
    for j in range(64):
        for k in range(bands.ends[j], bands.ends[j + 1]):
            L[j, bands.places[k]] += bands.weights[k]
    return L


@pytest.mark.parametrize("side", [513, 700, 1024, 3001, 40])
def test_picked_pixels_are_weighed_as_pdq_weighs_512(side: int) -> None:
    L, B = np.zeros((64, side)), boxes(512)
    for i in range(512):
        L[:, i * side // 512] += B[:, i]
    assert np.abs(dense(resized._picked(side), side) - L).max() < 1e-7


@pytest.mark.parametrize(("side", "n"), [(513, 512), (768, 512), (600, 300), (2300, 511)])
def test_bands_are_pillows_resampling_and_pdqs_means(side: int, n: int) -> None:
    line = np.random.default_rng(side).uniform(0, 255, side).astype(np.float32)
    image = Image.fromarray(np.broadcast_to(line, (8, side)).copy())
    small = np.asarray(image.resize((n, 8), Image.Resampling.BICUBIC, reducing_gap=2.0))[0]
    made = dense(resized._resampled(side, n), side) @ line
    assert np.abs(made - boxes(n) @ small).max() < 1e-3


def shrunk(pixels: U8, down: resized._Bands, along: resized._Bands) -> F32:
    """What the kernel makes, in memory full of what must not matter."""
    flat = pixels.reshape(-1)
    flat.flags.writeable = False
    n = flat.size // pixels.shape[0]
    scratch = np.full(128 * n + 100, np.nan, np.float32)
    scratch[128 * n :] = 7.0
    A = np.full(64 * 64 + 100, 7.0, np.float32)
    kernels.shrink(
        *(flat, n, down.places, down.ends, down.weights),
        *(along.places, along.ends, along.weights, scratch[: 128 * n], A[:4096]),
    )
    assert (scratch[128 * n :] == 7.0).all() and (A[4096:] == 7.0).all()
    return A[:4096].reshape(64, 64)


@given(st.integers(513, 1100), st.integers(128, 1100), st.booleans(), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_the_kernel_is_the_product_of_matrices(h: int, w: int, nearest: bool, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (h, w), dtype=np.uint8)
    if nearest:
        down, along = resized._picked(h), resized._picked(w)
    else:
        down, along = resized._resampled(h, 512), resized._resampled(w, max(w // 2, 5))
    expected = dense(down, h) @ pixels.astype(np.float64) @ dense(along, w).T
    assert np.abs(shrunk(pixels, down, along) - expected).max() < 2e-3


def answers() -> str:
    """A digest of what the kernels make, bands and pictures."""
    digest = hashlib.sha256()
    for number, (h, w) in enumerate([(700, 513), (513, 128), (1300, 900)]):
        pixels = np.random.default_rng(number).integers(0, 256, (h, w), dtype=np.uint8)
        for way in (resized._picked, lambda side: resized._resampled(side, side * 2 // 5)):
            down, along = way(h), way(w)
            digest.update(down.weights.tobytes())
            digest.update(shrunk(pixels, down, along).tobytes())
    return digest.hexdigest()


@pytest.mark.long
@pytest.mark.parametrize("features", ["", "+avx2"])
def test_other_processors_give_the_same(tmp_path: Path, features: str) -> None:
    environment = os.environ | {
        "NUMBA_CPU_NAME": "generic",
        "NUMBA_CPU_FEATURES": features,
        "NUMBA_CACHE_DIR": str(tmp_path),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    program = "from tests.signals.test_resized import answers; print(answers())"
    other = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert other.stdout.strip() == answers()


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
    bands = resized._resampled(side, n)
    assert bands.ends[0] == 0 and bands.ends[64] == len(bands.places) == len(bands.weights)
    assert (np.diff(bands.ends) > 0).all() and np.diff(bands.ends).max() <= kernels.widest(side, n)
    assert bands.places.min() >= 0 and bands.places.max() < side
    assert np.allclose(dense(bands, side).sum(axis=1), 1, atol=1e-5)


def test_turned_variants_are_those_of_the_turned_picture() -> None:
    pixels = photo(3, 700, 601)
    made = pdq_nearest(pixels, turned=True)
    for code, turn in zip(made.turned, turns(pixels), strict=True):
        assert distance(code, reference(by_definition(turn))[0]) <= 2
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
    assert distance(found.views[1].hash, reference(by_definition(pixels))[0]) <= 2
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
    assert distance(found.views[3].hash, reference(by_definition(upright))[0]) <= 2

    padded = np.full((600, 600, 3), 255, np.uint8)
    padded[150:450] = photo(5, 600, 300)
    cut = seen(encode(padded, "PNG"), Declared(width=1200, height=600))
    crops = {v.pipeline: v.hash for v in cut.views if v.via == "unpadded crop"}
    assert set(crops) == set(FAMILIES)
    cropped = reference(by_definition(padded[150:450]))[0]
    assert distance(crops["nearest-512"], cropped) <= 2


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
