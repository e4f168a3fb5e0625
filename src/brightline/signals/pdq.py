"""PDQ: a 256-bit perceptual hash of a picture, and how much there is in it to hash.

Source: "PDQ & TMK+PDQF", Facebook 2019, and the reference in ThreatExchange `pdq/cpp`. The
result is that of `pdqhash` for the same pixels, bit for bit, whichever path made it.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from brightline.signals import _pdq_kernels as kernels
from brightline.types import U8

F32 = npt.NDArray[np.float32]
I32 = npt.NDArray[np.int32]

#: below this side the reference gives the zero hash with quality 0
MIN_SIDE = 5

#: names of the turned variants, in the order that `Hashed.turned` holds them
ORIENTATIONS = (
    "rotated 90° counter-clockwise",
    "rotated 180°",
    "rotated 270° counter-clockwise",
    "flipped top to bottom",
    "flipped left to right",
    "mirrored on the main diagonal",
    "mirrored on the other diagonal",
)

# each turn as NumPy makes it, and whether it reverses the stored rows' and columns' order
_TURNS: tuple[tuple[Callable[[Any], Any], bool, bool], ...] = (
    (lambda x: np.rot90(x, 1), False, True),
    (lambda x: np.rot90(x, 2), True, True),
    (lambda x: np.rot90(x, 3), True, False),
    (lambda x: x[::-1], True, False),
    (lambda x: x[:, ::-1], False, True),
    (lambda x: np.swapaxes(x, 0, 1), False, False),
    (lambda x: np.swapaxes(np.rot90(x, 2), 0, 1), True, True),
)

# How far rounding can part the fast path from the reference grows about with the root of the
# number of running sums. Twice the largest seen over 3,040 pictures of all kinds
# (bench/pdq_rounding.py): 5.2e-4 for a coefficient, of which a gap has two, and 1.2e-4 for a
# difference of pixels, each times √(h + w).
_GAP = 2.1e-3
_PIXEL = 2.4e-4


def _dct_matrix() -> F32:
    scale = float(np.float32(math.sqrt(2.0 / 64.0)))
    rows = [
        [scale * math.cos(math.pi / 2.0 / 64.0 * (i + 1) * (2 * j + 1)) for j in range(64)]
        for i in range(16)
    ]
    return np.array(rows, dtype=np.float32)


_D = _dct_matrix()
_DT = np.ascontiguousarray(_D.T)


Band: TypeAlias = tuple[I32, I32, F32]


@functools.lru_cache(maxsize=4096)
def _band(n: int, reverse: bool) -> Band:
    """L for a side of n pixels, as (starts, counts, weights); reversed, that of the side
    read backwards, which differs since the reference's windows are not symmetric."""
    starts = np.zeros(64, np.int32)
    counts = np.zeros(64, np.int32)
    weights = np.zeros((64, 2 * ((n + 127) // 128) + 3), np.float64)
    kernels.band(n, starts, counts, weights)
    if reverse:
        starts, counts = (n - starts - counts)[::-1].copy(), counts[::-1].copy()
        for row, taps in enumerate(weights[::-1].copy()):
            weights[row, : counts[row]] = taps[: counts[row]][::-1]
            weights[row, counts[row] :] = 0.0
    return starts, counts, weights.astype(np.float32)


@dataclass(frozen=True, slots=True)
class Hashed:
    """`hash` is 32 bytes, bit 255 first; `quality` 0 to 100; `turned` seven hashes or none."""

    hash: bytes
    quality: int
    turned: tuple[bytes, ...] = ()


def _rows(X: U8, reverse: bool) -> F32:
    """The fast path's first half, L_h · X, (64, w)."""
    h, w = X.shape[:2]
    T = np.empty((64, w), np.float32)
    if X.ndim == 2:
        kernels.shrink_grey(X, *_band(h, reverse), T)
    else:
        kernels.shrink_rgb(X, *_band(h, reverse), np.empty(w * 3, np.float32), T)
    return T


def _columns(T: F32, reverse: bool) -> F32:
    """Its second half, T · L_wᵀ, (64, 64)."""
    A = np.empty((64, 64), np.float32)
    kernels.shrink_columns(T, *_band(T.shape[1], reverse), A)
    return A


def _reference(X: U8) -> F32:
    """The reference's own 64x64 picture, rounding included."""
    A = np.empty((64, 64), np.float32)
    planes = _frozen(X if X.ndim == 3 else X[..., None])
    if X.shape[:2] == (64, 64):
        kernels.luma(planes, A)
    else:
        kernels.reference_picture(planes, A)
    return A


def _frozen(X: U8) -> U8:
    """Contiguous and read-only: one compiled version, whoever owns the pixels."""
    X = np.ascontiguousarray(X).view()
    X.flags.writeable = False
    return X


def _bits(A: F32) -> tuple[bytes, float]:
    """The hash of a 64x64 picture and the gap at its median."""
    B = np.empty((16, 16), np.float32)
    kernels.dct(A, _D, _DT, np.empty((16, 64), np.float32), B)
    out = np.empty(32, np.uint8)
    gap = kernels.bits(B, out)
    return out.tobytes(), gap


def _turned(X: U8, rows: F32 | None, spread: float) -> tuple[bytes, ...]:
    """The seven turned pictures' hashes. A turn of X turns L_h · X · L_wᵀ too, with those
    sides' bands reversed whose order it reverses: four products serve all."""
    halves = {} if rows is None else {False: rows, True: _rows(X, True)}
    whole = {(a, b): _columns(half, b) for a, half in halves.items() for b in (False, True)}
    hashes = []
    for turn, upside_down, mirrored in _TURNS:
        if whole:
            hashed, gap = _bits(np.ascontiguousarray(turn(whole[upside_down, mirrored])))
            if gap > _GAP * spread:
                hashes.append(hashed)
                continue
        hashes.append(_bits(_reference(turn(X)))[0])
    return tuple(hashes)


def pdq(pixels: U8, *, turned: bool = False) -> Hashed:
    """Hash a picture of uint8, (h, w) grey or (h, w, 3) RGB.

    With `turned`, also the hashes of the seven turned pictures in the order of `ORIENTATIONS`,
    each equal to hashing the turned pixels (the reference's shortcut through the DCT is up to
    38 bits off, docs/adr/0004). Raises ValueError for another shape or type.
    """
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3):
        raise ValueError("pixels must be uint8 of shape (h, w) or (h, w, 3)")
    if pixels.ndim == 3 and pixels.shape[2] != 3:
        raise ValueError("a colour picture must have 3 channels")
    h, w = pixels.shape[:2]
    if h < MIN_SIDE or w < MIN_SIDE:
        return Hashed(bytes(32), 0, (bytes(32),) * 7 if turned else ())
    X = _frozen(pixels)
    spread = math.sqrt(h + w)
    rows = None if (h, w) == (64, 64) else _rows(X, False)
    others = _turned(X, rows, spread) if turned else ()
    if rows is not None:
        A = _columns(rows, False)
        low, high = kernels.quality_range(A, _PIXEL * spread)
        if low == high:
            hashed, gap = _bits(A)
            if gap > _GAP * spread:
                return Hashed(hashed, low, others)
    A = _reference(X)
    quality, _ = kernels.quality_range(A, 0.0)
    return Hashed(_bits(A)[0], quality, others)
