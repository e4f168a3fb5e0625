"""PDQ equals `pdqhash` for the same pixels: every bit and the quality."""

from __future__ import annotations

from typing import Any

import numpy as np
import pdqhash
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brightline.signals.pdq import ORIENTATIONS, pdq
from tests.pictures import U8, drawn, photo


def reference(pixels: U8) -> tuple[bytes, int]:
    rgb = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
    vector, quality = pdqhash.compute(np.ascontiguousarray(rgb))
    return np.packbits(vector.astype(np.uint8)).tobytes(), int(quality)


def distance(a: bytes, b: bytes) -> int:
    return (int.from_bytes(a, "big") ^ int.from_bytes(b, "big")).bit_count()


def picture(number: int) -> U8:
    """The n-th of a long row of pictures of all sorts and sizes."""
    rng = np.random.default_rng(number)
    high = (12, 70, 140, 300, 700, 1100)[number % 6]
    h, w = (int(v) for v in rng.integers(5, high, 2))
    sort = number % 11
    if sort < 4:
        pixels = photo(number, w, h)
    elif sort < 7:
        pixels = drawn(number, w, h)
    elif sort == 7:
        pixels = rng.integers(0, 256, (h, w, 3), dtype=np.uint8)
    elif sort == 8:
        pixels = np.full((h, w, 3), rng.integers(0, 256, 3), np.uint8)
    elif sort == 9:
        pixels = np.where(rng.random((h, w, 3)) < 0.01, 0, 255).astype(np.uint8)
    else:
        ramp = np.linspace(0, 255, w).astype(np.uint8)
        pixels = np.broadcast_to(ramp[None, :, None], (h, w, 3)).copy()
    return pixels[..., 1].copy() if number % 5 == 0 else pixels


@pytest.mark.parametrize("block", range(12))
def test_equals_the_reference_on_600_pictures(block: int) -> None:
    for number in range(block * 50, block * 50 + 50):
        pixels = picture(number)
        got = pdq(pixels)
        assert (got.hash, got.quality) == reference(pixels), (number, pixels.shape)


@pytest.mark.parametrize(
    ("h", "w"),
    [(1, 1), (1, 500), (500, 1), (4, 4), (4, 900), (5, 5), (5, 2000), (64, 64), (64, 65)]
    + [(63, 64), (127, 128), (128, 129), (129, 128), (3000, 17), (2600, 3900)],
)
def test_equals_the_reference_at_edges(h: int, w: int) -> None:
    for pixels in (photo(h + w, w, h), photo(h * w, w, h)[..., 0].copy()):
        got = pdq(pixels)
        if min(h, w) < 5:
            assert got.hash == bytes(32)
            assert got.quality == 0
        assert (got.hash, got.quality) == reference(pixels)


@given(st.integers(5, 300), st.integers(5, 300), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_equals_the_reference_on_noise(h: int, w: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    low = int(rng.integers(0, 255))
    pixels = rng.integers(low, 256, (h, w, 3), dtype=np.uint8)
    assert (pdq(pixels).hash, pdq(pixels).quality) == reference(pixels)


def turns(pixels: U8) -> list[U8]:
    return [
        np.rot90(pixels, 1),
        np.rot90(pixels, 2),
        np.rot90(pixels, 3),
        pixels[::-1],
        pixels[:, ::-1],
        np.swapaxes(pixels, 0, 1),
        np.swapaxes(np.rot90(pixels, 2), 0, 1),
    ]


@pytest.mark.parametrize(("h", "w"), [(427, 640), (64, 64), (200, 100), (131, 57), (9, 300)])
def test_turned_hashes_are_those_of_the_turned_picture(h: int, w: int) -> None:
    for number in range(8):
        pixels = photo(number, w, h)
        pixels = pixels[..., 0].copy() if number % 3 == 0 else pixels
        expected = [reference(np.ascontiguousarray(turned))[0] for turned in turns(pixels)]
        got = pdq(pixels, turned=True)
        assert len(ORIENTATIONS) == len(expected)
        assert list(got.turned) == expected
        assert got.hash == reference(pixels)[0]


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((10, 10), np.float32),
        np.zeros((10,), np.uint8),
        np.zeros((10, 10, 4), np.uint8),
        np.zeros((10, 10, 3), np.int64),
    ],
)
def test_refuses_other_shapes_and_types(pixels: Any) -> None:
    with pytest.raises(ValueError, match=r"picture|pixels"):
        pdq(pixels)
