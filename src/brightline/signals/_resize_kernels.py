"""Making pictures smaller on to the 64 × 64 that PDQ transforms, in one step.

Picking nearest pixels, reducing by whole numbers, bicubic resampling, PDQ's two means and its
choice of 64 places are all linear and work on rows and columns apart. Together they are one banded
matrix for each axis that depends on the side alone: A = L_h · X · L_wᵀ. What this leaves out is
that the tools round on the way (docs/adr/0015 has how many bits of the hash that is).

Every sum has one order, so that the result is the same on every processor.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from brightline.kernels import leaf
from brightline.signals._lanes import transpose
from brightline.signals._pdq_kernels import SIDE, centre, reach_of, window_of
from brightline.signals._weighing import WIDTH, weigh_64, weigh_wide

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]


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
    share /= total
    end = 0
    for k in range(low, high):
        end = min((k + 1) * factor, side)
        each = share * work[k - low] / (end - k * factor)
        for pixel in range(k * factor, end):
            row[pixel - first] += each
    return end


@leaf
def fill_bands(
    side: int, n: int, factor: int, places: I64, ends: I64, weights: F32, room: F64
) -> None:
    """The matrix for a side: row j of L holds weights[k] at places[k], ends[j] ≤ k < ends[j + 1].

    side: pixels; n: what it is resampled to, after having been reduced by `factor`; ends: (65,);
    places, weights: (64 · t,) and room: (3 · t,) with t at least `widest(side, n)`.
    """
    w = window_of(n)
    before = w - reach_of(w)
    scale = side / factor / n
    t = room.size // 3
    row, work, shares = room[:t], room[t : 2 * t], room[2 * t :]
    ends[0] = 0
    for j in range(SIDE):
        at = centre(j, n)
        low, high = max(0, at - before), min(n, at + reach_of(w))
        start, stop = max(0, low - before), min(n, high - 1 + reach_of(w))
        for k in range(t):
            row[k] = shares[k] = 0.0
        for i in range(low, high):
            left, right = max(0, i - before), min(n, i + reach_of(w))
            for place in range(left, right):
                shares[place - start] += 1.0 / ((high - low) * (right - left))
        first = max(int((start + 0.5) * scale - 2.0 * max(scale, 1.0) + 0.5), 0) * factor
        end = first
        for place in range(start, stop):
            share = shares[place - start]
            end = max(end, _add_place(place, share, n, side, factor, first, row, work))
        k = ends[j]
        for pixel in range(first, end):
            if row[pixel - first] != 0.0:
                places[k] = pixel
                weights[k] = np.float32(row[pixel - first])
                k += 1
        ends[j + 1] = k


def widest(side: int, n: int) -> int:
    """Pixels of a side that one of the 64 places takes in, at most."""
    return min(side, int((2 * ((n + 127) // 128) + 6) * max(side / n, 1.0)) + 8)


@leaf
def _turn(source: F32, at: int, stride: int, width: int, out: F32, to: int, step: int) -> None:
    """The SIDE rows of `width` numbers that begin at at + k · stride, turned."""
    for j in range(0, width, 8):
        for k in range(0, SIDE, 8):
            transpose(source, at + k * stride + j, stride, out, to + j * step + k, step)


@leaf
def shrink(
    pixels: U8, n: int, row_places: I64, row_ends: I64, row_weights: F32,
    column_places: I64, column_ends: I64, column_weights: F32, scratch: F32, A: F32,
) -> None:  # fmt: skip
    """A = L_h · X · L_wᵀ; matrices as `fill_bands` makes them.

    pixels: flat, rows of n numbers, at least WIDTH, of which L_w takes each for a column of its
    own; A: flat, (64, 64); scratch: flat, at least 128 · n long, whatever it holds.
    """
    turned = SIDE * n
    for j in range(SIDE):
        for column in range(0, n, WIDTH):
            at = min(column, n - WIDTH)
            weigh_wide(
                pixels, row_places, n, row_weights, row_ends[j], row_ends[j + 1], at,
                scratch, j * n + at,
            )  # fmt: skip
    for column in range(0, n, WIDTH):
        at = min(column, n - WIDTH)
        _turn(scratch, at, n, WIDTH, scratch, turned + at * SIDE, SIDE)
    for j in range(SIDE):
        weigh_64(
            scratch, column_places, SIDE, column_weights, column_ends[j], column_ends[j + 1],
            turned, scratch, j * SIDE,
        )  # fmt: skip
    _turn(scratch, 0, SIDE, SIDE, A, 0, SIDE)
