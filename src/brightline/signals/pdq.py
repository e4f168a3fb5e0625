"""PDQ: a 256-bit perceptual hash of a picture, and how much there is in it to hash.

Source: "PDQ & TMK+PDQF", Facebook 2019, and the reference in ThreatExchange `pdq/cpp`. The
result is that of `pdqhash` for the same pixels, bit for bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from brightline.signals import _pdq_kernels as kernels
from brightline.signals._pdq_bits import hash_picture
from brightline.signals.memory import kept
from brightline.types import U8

F32 = npt.NDArray[np.float32]

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

#: a picture (h, w) or (h, w, 3) to the same picture, turned
Turn: TypeAlias = Callable[[U8], U8]

# each turn as NumPy makes it
_TURNS: tuple[Turn, ...] = (
    lambda x: np.rot90(x, 1),
    lambda x: np.rot90(x, 2),
    lambda x: np.rot90(x, 3),
    lambda x: x[::-1],
    lambda x: x[:, ::-1],
    lambda x: np.swapaxes(x, 0, 1),
    lambda x: np.swapaxes(np.rot90(x, 2), 0, 1),
)


def _dct_matrix() -> F32:
    scale = float(np.float32(math.sqrt(2.0 / 64.0)))
    rows = [
        [scale * math.cos(math.pi / 2.0 / 64.0 * (i + 1) * (2 * j + 1)) for j in range(64)]
        for i in range(16)
    ]
    return np.array(rows, dtype=np.float32)


_D = _dct_matrix()
_DT = np.ascontiguousarray(_D.T)


@dataclass(frozen=True, slots=True)
class Hashed:
    """`hash` is 32 bytes, bit 255 first; `quality` 0 to 100; `turned` seven hashes or none."""

    hash: bytes
    quality: int
    turned: tuple[bytes, ...] = ()


def hash_small(A: F32) -> tuple[bytes, int]:
    """The hash and quality of the (64, 64) picture that PDQ transforms."""
    out = np.empty(32, np.uint8)
    quality = hash_picture(A, _D, _DT, out)
    return out.tobytes(), quality


def hash_pixels(pixels: U8) -> tuple[bytes, int]:
    """The hash and quality of a picture of uint8, (h, w) or (h, w, 3), as it lies."""
    if min(pixels.shape[:2]) < MIN_SIDE:
        return bytes(32), 0
    planes = pixels if pixels.ndim == 3 else pixels[..., None]
    # contiguous and read-only: one compiled version, whoever owns the pixels
    X = np.ascontiguousarray(planes).view()
    X.flags.writeable = False
    A = np.empty((64, 64), np.float32)
    if X.shape[:2] == (64, 64):
        kernels.luma(X, A)
    else:
        scratch = kept("scratch", 4 * kernels.scratch_size(*X.shape))
        padded = kept("padded", kernels.padded_size(*X.shape[:2]))
        kernels.picture(X, scratch[: scratch.size & -4].view(np.float32), padded, A)
    return hash_small(A)


def every_turn(hash_turned: Callable[[Turn], tuple[bytes, int]], *, turned: bool) -> Hashed:
    """What a function makes of a picture as it lies and, with `turned`, of its seven turns."""
    others = tuple(hash_turned(turn)[0] for turn in _TURNS) if turned else ()
    return Hashed(*hash_turned(lambda pixels: pixels), others)


def pdq(pixels: U8, *, turned: bool = False) -> Hashed:
    """Hash a picture of uint8, (h, w) grey or (h, w, 3) RGB.

    With `turned`, also the hashes of the seven turned pictures in the order of `ORIENTATIONS`,
    each that of the turned pixels (the reference's shortcut through the DCT is up to 38 bits
    off, docs/adr/0004). Raises ValueError for another shape or type.
    """
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3):
        raise ValueError("pixels must be uint8 of shape (h, w) or (h, w, 3)")
    if pixels.ndim == 3 and pixels.shape[2] != 3:
        raise ValueError("a colour picture must have 3 channels")
    return every_turn(lambda turn: hash_pixels(turn(pixels)), turned=turned)
