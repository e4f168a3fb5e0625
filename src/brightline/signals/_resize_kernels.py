"""Making pictures smaller: by nearest neighbour, and by bicubic resampling on to 64 × 64.

Reducing by whole numbers, bicubic resampling, PDQ's two means and its choice of 64 places are all
linear and work on rows and columns apart. Together they are one banded matrix for each axis that
depends on the side alone: A = L_h · X · L_wᵀ. What this leaves out is that Pillow rounds to 8
bits, and clips, twice on the way (docs/adr/0015 has how many bits of the hash that is).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from brightline.kernels import leaf
from brightline.signals._pdq_kernels import SIDE, centre, luma_row, reach_of, window_of

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]
U8 = npt.NDArray[np.uint8]


@leaf
def pick(X: U8, columns: U64, channels: int, out: U8) -> None:
    """Nearest neighbours: row i of out (m, n · channels) is row ⌊i · h / m⌋ of X (h, w · channels).

    columns: (n,) which column of X each column is.
    """
    h, m = X.shape[0], out.shape[0]
    for i in range(m):
        source, line = X[i * h // m], out[i]
        if channels == 1:
            for j in range(columns.size):
                line[j] = source[columns[j]]
        else:
            for j in range(columns.size):
                for c in range(channels):
                    line[j * channels + c] = source[columns[j] * np.uint64(channels) + np.uint64(c)]


@leaf
def _bicubic(x: float) -> Any:
    """Cubic convolution with a = -1/2 (Keys 1981, eq. 15)."""
    x = abs(x)
    if x < 1.0:
        return (1.5 * x - 2.5) * x * x + 1.0
    if x < 2.0:
        return ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    return 0.0


@leaf
def _add_place(
    place: int, share: float, n: int, side: int, factor: int, first: int, row: F64, work: F64
) -> Any:
    """Add to `row` what one of n places takes in of a side; returns where that ends.

    row[k] is pixel `first` + k. The side is reduced by `factor` and then resampled to n, with
    Pillow's windows: those reach two pixels of the result to each side, and are cut off at the
    edges.
    """
    reduced = -(-side // factor)
    scale = side / factor / n
    stretch = max(scale, 1.0)
    middle = (place + 0.5) * scale
    low = max(int(middle - 2.0 * stretch + 0.5), 0)
    high = min(int(middle + 2.0 * stretch + 0.5), reduced)
    total = 0.0
    for k in range(low, high):
        work[k - low] = _bicubic((k - middle + 0.5) / stretch)
        total += work[k - low]
    end = 0
    for k in range(low, high):
        end = min((k + 1) * factor, side)
        each = share * work[k - low] / total / (end - k * factor)
        for pixel in range(k * factor, end):
            row[pixel - first] += each
    return end


@leaf
def fill_bands(
    side: int, n: int, factor: int, firsts: I64, counts: I64, bands: F32, row: F64, work: F64
) -> None:
    """The matrix for a side: row j of L is bands[j] from column firsts[j] on.

    side: pixels; n: what it is resampled to, after having been reduced by `factor`; firsts,
    counts: (64,); bands: (64, t), row and work: (t,), with t at least `widest(side, n)`.
    """
    w = window_of(n)
    before = w - reach_of(w)
    scale = side / factor / n
    for j in range(SIDE):
        at = centre(j, n)
        low, high = max(0, at - before), min(n, at + reach_of(w))
        start, stop = max(0, low - before), min(n, high - 1 + reach_of(w))
        first = max(int((start + 0.5) * scale - 2.0 * max(scale, 1.0) + 0.5), 0) * factor
        for k in range(row.size):
            row[k] = 0.0
        end = first
        for place in range(start, stop):
            share = 0.0
            for i in range(low, high):
                left, right = max(0, i - before), min(n, i + reach_of(w))
                if left <= place < right:
                    share += 1.0 / ((high - low) * (right - left))
            end = max(end, _add_place(place, share, n, side, factor, first, row, work))
        firsts[j] = first
        counts[j] = end - first
        for k in range(end - first):
            bands[j, k] = np.float32(row[k])


def widest(side: int, n: int) -> int:
    """Pixels of a side that one of the 64 places takes in, at most."""
    return min(side, int((2 * ((n + 127) // 128) + 6) * max(side / n, 1.0)) + 8)


@leaf
def _add_row(row: F32, share: Any, out: F32) -> None:
    for column in range(out.size):
        out[column] += share * row[column]


@leaf
def down(X: U8, firsts: I64, counts: I64, bands: F32, line: F32, out: F32) -> None:
    """out = L · luma(X): X (h, w, 1 or 3), line (w,) to work in, out (64, w)."""
    for j in range(SIDE):
        out[j] = np.float32(0.0)
    low = 0
    for i in range(X.shape[0]):
        while low < SIDE and firsts[low] + counts[low] <= i:
            low += 1
        if low == SIDE or i < firsts[low]:
            continue
        luma_row(X[i], line)
        for j in range(low, SIDE):
            if firsts[j] > i:
                break
            if i < firsts[j] + counts[j]:
                _add_row(line, bands[j, i - firsts[j]], out[j])


@leaf
def along(T: F32, firsts: I64, counts: I64, bands: F32, out: F32) -> None:
    """out = L · T, both with 64 columns: T (w, 64), out (64, 64)."""
    for j in range(SIDE):
        out[j] = np.float32(0.0)
        for k in range(counts[j]):
            _add_row(T[firsts[j] + k], bands[j, k], out[j])
