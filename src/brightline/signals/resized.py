"""PDQ of pictures that are made smaller first: `nearest-512` and `thumbnail-512` (docs/adr/0015).

The turned variants are those of the turned picture made smaller, not of the small one turned:
neither way of resizing is symmetric.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from brightline.signals import _resize_kernels as kernels
from brightline.signals._weighing import WIDTH
from brightline.signals.memory import kept
from brightline.signals.pdq import MIN_SIDE, Hashed, Turn, every_turn, hash_pixels, hash_small
from brightline.signals.pipelines import SIDE
from brightline.types import U8

F32 = npt.NDArray[np.float32]
I64 = npt.NDArray[np.int64]

#: how many times the final size Pillow keeps before it resamples (`reducing_gap`)
_GAP = 2.0
#: what luma takes of red, green and blue
_LUMA = np.array((0.299, 0.587, 0.114), np.float32)


def pdq_nearest(pixels: U8, *, turned: bool = False) -> Hashed:
    """PDQ of a picture with a side over 512, made 512 × 512 by nearest neighbour first.

    pixels: uint8, (h, w) or (h, w, 3). Pixel i of a side of N is pixel ⌊i · N / 512⌋, whatever
    the shape, as ThreatExchange `pdq/cpp/io` makes it with CImg's `resize`. PDQ's sums are made
    in another order than the reference's, which rarely turns a bit (docs/adr/0015).
    """

    def picked(turn: Turn) -> tuple[bytes, int]:
        shown = turn(pixels)
        h, w = shown.shape[:2]
        return _shrunk(shown, _picked(h), _picked(w))

    return every_turn(picked, turned=turned)


def pdq_thumbnail(
    pixels: U8, alpha: U8 | None = None, *, palette: bool = False, turned: bool = False
) -> Hashed:
    """PDQ of a picture with a side over 512, fitted into 512 × 512 first.

    pixels: uint8, (h, w) or (h, w, 3). ThreatExchange `pdq/python` does so with Pillow's
    `thumbnail`: bicubic, after a reduction by whole numbers. Two sorts of picture Pillow
    treats otherwise, and it is left to do so: alpha: (h, w), the weights of the pixels where a
    picture is not opaque; palette: the file holds a palette or single bits, which are taken by
    nearest neighbour.
    """

    def small(turn: Turn) -> tuple[bytes, int]:
        return _thumbnail(turn(pixels), None if alpha is None else turn(alpha), palette=palette)

    return every_turn(small, turned=turned)


def thumbnail_size(width: int, height: int) -> tuple[int, int]:
    """What a picture with a side over 512 measures when it is fitted into 512 × 512.

    The longer side becomes 512, the other one of the two whole numbers beside the exact one:
    that which changes the ratio of width to height less, and at least 1.
    """
    ratio = width / height
    if ratio <= 1:
        exact = SIDE * ratio
        around = (math.floor(exact), math.ceil(exact))
        return max(min(around, key=lambda n: abs(ratio - n / SIDE)), 1), SIDE
    exact = SIDE / ratio
    around = (math.floor(exact), math.ceil(exact))
    return SIDE, max(min(around, key=lambda n: abs(ratio - SIDE / n) if n else 0.0), 1)


def _thumbnail(pixels: U8, alpha: U8 | None, *, palette: bool) -> tuple[bytes, int]:
    h, w = pixels.shape[:2]
    size = thumbnail_size(w, h)
    if min(size) < MIN_SIDE:
        return bytes(32), 0
    if palette:
        fitted = Image.fromarray(pixels).resize(size, Image.Resampling.NEAREST)
        return hash_pixels(np.asarray(fitted))
    if alpha is not None:
        together = Image.fromarray(np.dstack([pixels, alpha]))
        fitted = together.resize(size, Image.Resampling.BICUBIC, reducing_gap=_GAP)
        opaque = np.asarray(fitted)[..., :-1]
        return hash_pixels(opaque[..., 0] if pixels.ndim == 2 else opaque)
    return _shrunk(pixels, _resampled(h, size[1]), _resampled(w, size[0]))


@dataclass(frozen=True, slots=True)
class _Bands:
    """A banded matrix of 64 rows: row j holds `weights[ends[j]:ends[j + 1]]`, at `places`."""

    places: I64
    ends: I64
    weights: F32


def _shrunk(pixels: U8, down: _Bands, along: _Bands) -> tuple[bytes, int]:
    """PDQ of pixels (h, w) or (h, w, 3) that are made 64 × 64 by a matrix for each axis."""
    h, w = pixels.shape[:2]
    channels = pixels.size // (h * w)
    flat = np.ascontiguousarray(pixels).reshape(h, w * channels)
    if flat.shape[1] < WIDTH:
        flat = np.pad(flat, ((0, 0), (0, WIDTH - flat.shape[1])))
    n = flat.shape[1]
    # flat and read-only: one compiled version, whoever owns the pixels
    line = flat.reshape(-1).view()
    line.flags.writeable = False
    if channels == 3:
        along = _with_luma(along)
    scratch = kept("shrunk", 4 * 128 * n)[: 4 * 128 * n].view(np.float32)
    A = np.empty(64 * 64, np.float32)
    kernels.shrink(
        line, n, down.places, down.ends, down.weights,
        along.places, along.ends, along.weights, scratch, A,
    )  # fmt: skip
    return hash_small(A.reshape(64, 64))


def _with_luma(bands: _Bands) -> _Bands:
    """The same for rows of RGB, of which luma is a weighted sum."""
    places = (3 * bands.places[:, None] + np.arange(3)).ravel()
    return _Bands(places, 3 * bands.ends, (bands.weights[:, None] * _LUMA).ravel())


def _bands(side: int, n: int, factor: int) -> _Bands:
    """The matrix of a side resampled to n pixels, after having been reduced by `factor`."""
    most = kernels.widest(side, n)
    places, ends = np.empty(64 * most, np.int64), np.empty(65, np.int64)
    weights = np.empty(64 * most, np.float32)
    kernels.fill_bands(side, n, factor, places, ends, weights, np.empty(3 * most))
    count = int(ends[64])
    return _Bands(places[:count], ends, weights[:count])


@functools.lru_cache(256)
def _resampled(side: int, n: int) -> _Bands:
    """Pillow's reduction and bicubic resampling of a side to n pixels, and PDQ."""
    return _bands(side, n, max(int(side / n / _GAP), 1))


@functools.cache
def _unresized() -> _Bands:
    """PDQ of 512 pixels as they are: resampled to as many, each is itself."""
    return _bands(SIDE, SIDE, 1)


@functools.lru_cache(256)
def _picked(side: int) -> _Bands:
    """512 pixels picked from a side by nearest neighbour, and PDQ."""
    bands = _unresized()
    return _Bands(bands.places * side // SIDE, bands.ends, bands.weights)
