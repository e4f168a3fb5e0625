"""PDQ of pictures that are made smaller first: `nearest-512` and `thumbnail-512` (docs/adr/0015).

The turned variants are those of the turned picture made smaller, not of the small one turned:
neither way of resizing is symmetric.
"""

from __future__ import annotations

import functools
import math

import numpy as np
import numpy.typing as npt
from PIL import Image

from brightline.signals import _resize_kernels as kernels
from brightline.signals.memory import kept
from brightline.signals.pdq import MIN_SIDE, Hashed, Turn, every_turn, hash_pixels, hash_small
from brightline.signals.pipelines import SIDE
from brightline.types import U8

F32 = npt.NDArray[np.float32]
I64 = npt.NDArray[np.int64]

#: how many times the final size Pillow keeps before it resamples (`reducing_gap`)
_GAP = 2.0


def pdq_nearest(pixels: U8, *, turned: bool = False) -> Hashed:
    """PDQ of a picture with a side over 512, made 512 × 512 by nearest neighbour first.

    pixels: uint8, (h, w) or (h, w, 3). Pixel i of a side of N is pixel ⌊i · N / 512⌋, whatever
    the shape, as ThreatExchange `pdq/cpp/io` makes it with CImg's `resize`. Equal to the
    reference's to the bit.
    """
    return every_turn(lambda turn: hash_pixels(_nearest(turn(pixels))), turned=turned)


def _nearest(pixels: U8) -> U8:
    h, w = pixels.shape[:2]
    channels = pixels.size // (h * w)
    columns = (np.arange(SIDE) * w // SIDE).astype(np.uint64)
    out = np.empty((SIDE, SIDE * channels), np.uint8)
    kernels.pick(_read_only(pixels.reshape(h, w * channels)), columns, channels, out)
    return out.reshape(SIDE, SIDE, *pixels.shape[2:])


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
    planes = _read_only(pixels if pixels.ndim == 3 else pixels[..., None])
    down, along = _bands(h, size[1]), _bands(w, size[0])
    whole = kept("bands", 4 * 64 * w)[: 4 * 64 * w].view(np.float32).reshape(64, w)
    kernels.down(planes, *down, np.empty(w, np.float32), whole)
    turned = np.empty((64, 64), np.float32)
    kernels.along(np.ascontiguousarray(whole.T), *along, turned)
    return hash_small(np.ascontiguousarray(turned.T))


def _read_only(pixels: U8) -> U8:
    """Contiguous and read-only: one compiled version, whoever owns the pixels."""
    view = np.ascontiguousarray(pixels).view()
    view.flags.writeable = False
    return view


@functools.lru_cache(64)
def _bands(side: int, n: int) -> tuple[I64, I64, F32]:
    """The matrix of a side resampled to n pixels, as `fill_bands` makes it."""
    factor = max(int(side / n / _GAP), 1)
    most = kernels.widest(side, n)
    firsts, counts = np.empty(64, np.int64), np.empty(64, np.int64)
    bands = np.zeros((64, most), np.float32)
    kernels.fill_bands(side, n, factor, firsts, counts, bands, np.empty(most), np.empty(most))
    return firsts, counts, bands
