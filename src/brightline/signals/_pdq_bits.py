"""The second half of PDQ: a 64x64 picture to its hash and quality.

The discrete cosine transform's sums are made in the reference's order too; see `_pdq_kernels`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from brightline.kernels import kernel, leaf
from brightline.signals._lanes import times_16, times_64

F32 = npt.NDArray[np.float32]
U8 = npt.NDArray[np.uint8]

_SIDE = 64


@leaf
def _quality(A: F32) -> Any:
    """How much there is in a 64x64 picture: the sum of its steps, in hundredths of the range."""
    total: Any = 0
    for i in range(_SIDE):
        for j in range(_SIDE - 1):
            step = ((A[i, j] - A[i, j + 1]) * np.float32(100.0)) / np.float32(255.0)
            total += abs(np.int32(step))
    for i in range(_SIDE - 1):
        above, below = A[i], A[i + 1]
        for j in range(_SIDE):
            step = ((above[j] - below[j]) * np.float32(100.0)) / np.float32(255.0)
            total += abs(np.int32(step))
    return min(100, total // 90)


@kernel
def _lower_median(values: F32) -> Any:
    """The 128th smallest of 256 values, found bit by bit of its pattern."""
    signed = np.empty(256, np.float32)
    for k in range(256):
        signed[k] = values[k] + np.float32(0.0)  # no negative zero, whose pattern is another
    patterns = signed.view(np.int32)
    # two's complement patterns of negative numbers ascend the wrong way
    ordered = np.empty(256, np.int32)
    for k in range(256):
        ordered[k] = patterns[k] ^ ((patterns[k] >> 31) & np.int32(0x7FFFFFFF))
    low, high = -(1 << 31), (1 << 31) - 1
    while low < high:
        middle = (low + high) >> 1
        bound = np.int32(middle)
        below = np.int32(0)
        for k in range(256):
            below += np.int32(ordered[k] <= bound)
        if below >= 128:
            high = middle
        else:
            low = middle + 1
    for k in range(256):
        if ordered[k] == low:
            return signed[k]
    return signed[0]


@kernel
def hash_picture(A: F32, D: F32, DT: F32, out: U8) -> int:
    """The hash of a 64x64 picture; returns its quality, 0 to 100.

    B = D · A · Dᵀ, D (16, 64) and DT its transpose; bit k = 16 i + j is B[i, j] > lower median;
    out (32,) uint8, bit 255 first.
    """
    T = np.empty(16 * _SIDE, np.float32)
    B = np.empty(256, np.float32)
    rows = D.reshape(D.size)
    for i in range(16):
        times_64(rows, i * _SIDE, A, T, i * _SIDE, _SIDE)
    for i in range(16):
        times_16(T, i * _SIDE, DT, B, i * 16, _SIDE)
    median = _lower_median(B)
    out[:] = 0
    for k in range(256):
        if B[k] > median:
            out[31 - (k >> 3)] |= np.uint8(1 << (k & 7))
    quality: int = _quality(A)
    return quality
