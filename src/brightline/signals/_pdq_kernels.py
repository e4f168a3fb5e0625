"""The arithmetic of PDQ, every sum in the reference's order.

Steps, numbers and names follow the PDQ hashing paper and ThreatExchange's
`pdq/cpp/{hashing,downscaling}`. The reference keeps running sums in single precision, so its
rounding depends on the order of its operations, and a hash bit may depend on the rounding. The
order is kept here, exactly, and the time that a running sum waits for itself is used for others:
down the columns a whole row of sums goes forward at once, along the rows `LANES` rows do, turned
so that they lie beside each other (docs/adr/0010).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from brightline.kernels import leaf
from brightline.signals._lanes import (
    BLOCK,
    LANES,
    WIDEST_FRESH,
    advance,
    advance_fresh,
    copy,
    divide,
    slide,
    transpose,
)

F32 = npt.NDArray[np.float32]
U8 = npt.NDArray[np.uint8]

SIDE = 64
#: columns that go through the first three sums together, to stay in the nearest cache
_TILE = 96


@leaf
def window_of(n: int) -> int:
    """The Jarosz window for a side of n pixels."""
    return (n + 127) // 128


@leaf
def reach_of(w: int) -> int:
    """How far a window of w pixels reaches past its place, that place counted."""
    return (w + 2) // 2


@leaf
def centre(j: int, n: int) -> int:
    """Which of n pixels the j-th of 64 is."""
    return int((j + 0.5) * n / SIDE)


@leaf
def _power_of_two(least: int) -> int:
    found = 1
    while found < least:
        found *= 2
    return found


@leaf
def _whole(count: int, of: int) -> int:
    """`count` rounded up to a multiple."""
    return -(-count // of) * of


@leaf
def _fill_sizes(n: int, w: int, sizes: F32, inverses: F32) -> None:
    """How many pixels the window w holds at each place of a side of n pixels; 1 beyond it."""
    reach = reach_of(w)
    for at in range(sizes.size):
        if reach <= at + 1 and at + reach <= n and at >= w - reach:
            sizes[at] = w
        elif at < n:
            sizes[at] = min(n, at + reach) - max(0, at - (w - reach))
        else:
            sizes[at] = 1
    for at in range(sizes.size):
        inverses[at] = np.float32(1.0) / sizes[at]


@leaf
def luma_row(source: U8, out: F32) -> None:
    """Luma as `pdqhash` makes it; source (w, c), out (w or more,).

    It sums in float64 and stores float32, which for a grey picture (c = 1) shown as three equal
    channels gives the grey value itself.
    """
    if source.shape[1] == 1:
        for c in range(source.shape[0]):
            out[c] = np.float32(source[c, 0])
    else:
        for c in range(source.shape[0]):
            out[c] = np.float32(source[c, 0] * 0.299 + source[c, 1] * 0.587 + source[c, 2] * 0.114)


@leaf
def luma(X: U8, out: F32) -> None:
    """Luma of a whole picture; X (h, w, c), out (h, w)."""
    for i in range(X.shape[0]):
        luma_row(X[i], out[i])


@leaf
def _zero(scratch: F32, first: int, count: int) -> None:
    scratch[first : first + count] = np.float32(0.0)


@leaf
def _turn_in(
    scratch: F32, strip: int, width: int, rows: int, n: int, column: int, slot: int
) -> None:
    """Columns `column` to `column` + 7 of a strip's rows become eight rows of LANES at `slot`.

    From column n on there are zeros, which a running sum may take in without changing.
    """
    if column < n:
        for lane in range(0, rows, 8):
            at = strip + lane * width + column
            transpose(scratch, at, width, scratch, slot + lane, LANES)
    beyond = max(0, min(8, n - column))
    if beyond < 8:
        _zero(scratch, slot + beyond * LANES, (8 - beyond) * LANES)


@leaf
def _sum_rows(
    scratch: F32, strip: int, width: int, rows: int, w: int, n: int, sizes: F32, inverses: F32,
    ring: int, totals: int, out: int,
) -> None:  # fmt: skip
    """Means along the rows of a strip (LANES, width) at every place; in place, by way of `out`."""
    mask = _power_of_two(w + 8) - 1
    _zero(scratch, ring, (mask + 1) * LANES)
    _zero(scratch, totals, LANES)
    delay = reach_of(w) - 1
    for step in range(n + delay):
        if step & 7 == 0:
            _turn_in(scratch, strip, width, rows, n, step, ring + (step & mask) * LANES)
        slide(scratch, totals, ring, step, step + 1, w, mask)
        if step >= delay:
            at = step - delay
            divide(scratch, totals, sizes[at], inverses[at], out + at * LANES)
    for column in range(0, n, 8):
        for lane in range(0, rows, 8):
            at = out + column * LANES + lane
            transpose(scratch, at, LANES, scratch, strip + lane * width + column, width)


@leaf
def _sum_to_centres(
    scratch: F32, tile: int, begin: int, end: int, rows: int, w: int, n: int, sizes: F32,
    inverses: F32, ring: int, totals: int, out: int, step: int, j: int,
) -> Any:  # fmt: skip
    """Means along the rows of a strip under the 64 centres, as far as its columns are there.

    The tile (LANES, _TILE) holds columns `begin` to `end`; out (64, LANES). Takes and returns the
    next column to be summed and the next centre.
    """
    mask = _power_of_two(w + 8) - 1
    delay = reach_of(w) - 1
    if end >= n:
        end = n + delay
    while j < SIDE:
        at = centre(j, n)
        while step < min(end, at + delay + 1):
            if step & 7 == 0:
                slot = ring + (step & mask) * LANES
                _turn_in(scratch, tile - begin, _TILE, rows, n, step, slot)
            last = min((step | 7) + 1, at + delay + 1, end)
            slide(scratch, totals, ring, step, last, w, mask)
            step = last
        if step <= at + delay:
            break
        divide(scratch, totals, sizes[at], inverses[at], out + j * LANES)
        j += 1
    return step, j


@leaf
def _sum_columns(
    scratch: F32, kept: int, h: int, w: int, sizes: F32, inverses: F32, totals: int, line: int,
    A: F32,
) -> None:  # fmt: skip
    """Means down the columns of `kept`, whose row 0 lies after w of zeros, under the centres."""
    _zero(scratch, totals, SIDE)
    delay = reach_of(w) - 1
    step = 0
    for i in range(SIDE):
        at = centre(i, h)
        while step <= at + delay:
            leaving = kept + step * SIDE
            entering = leaving + w * SIDE
            advance(scratch, totals, entering, leaving, sizes[at], inverses[at], line, SIDE)
            step += 1
        for j in range(SIDE):
            A[i, j] = scratch[np.uint64(line + j)]


@leaf
def _layout(h: int, n: int, channels: int) -> Any:
    """Where each part begins in the scratch, and how long it is: see `picture`."""
    along, down = window_of(n), window_of(h)
    fresh = channels == 1 and along <= WIDEST_FRESH
    width = _whole(n, 2 * BLOCK)
    held = _power_of_two(down + (1 if fresh else 2 * LANES))
    means = 0
    totals = means + held * width
    tile = totals + width
    given = tile + LANES * _TILE
    turned = given + (0 if fresh else LANES * width)
    ring = turned + (0 if fresh else LANES * width)
    lanes = ring + _power_of_two(along + 8) * LANES
    centres = lanes + LANES
    kept = centres + SIDE * LANES
    along_sizes = kept + (down + _whole(h, LANES) + down) * SIDE
    down_sizes = along_sizes + 2 * width
    end = down_sizes + 2 * _whole(h, BLOCK)
    return (
        fresh, width, held, means, totals, tile, given, turned, ring, lanes, centres, kept,
        along_sizes, down_sizes, end,
    )  # fmt: skip


@leaf
def scratch_size(h: int, n: int, channels: int) -> int:
    """Floats that `picture` needs for its work on a picture of h rows and n columns."""
    end: int = _layout(h, n, channels)[14]
    return end


@leaf
def padded_size(h: int, n: int) -> int:
    """Bytes that `picture` needs for a strip of whole numbers with room beside each row."""
    return (LANES + reach_of(window_of(h))) * (_whole(n, 2 * BLOCK) + window_of(n))


@leaf
def picture(X: U8, scratch: F32, padded: U8, A: F32) -> None:
    """The 64x64 picture that PDQ transforms.

    X: (h, w, 1 or 3) uint8; scratch: flat, at least `scratch_size` long, and padded, flat, at
    least `padded_size` long, whatever they hold; A: (64, 64). The work goes on by strips of
    LANES rows of the first two sums' results.
    """
    h, n, channels = X.shape
    along, down = window_of(n), window_of(h)
    (
        fresh, width, held, means, totals, tile, given, turned, ring, lanes, centres, kept,
        along_sizes, down_sizes, end,
    ) = _layout(h, n, channels)  # fmt: skip
    sizes = scratch[along_sizes : along_sizes + width]
    inverses = scratch[along_sizes + width : along_sizes + 2 * width]
    tall = _whole(h, BLOCK)
    rows_sizes = scratch[down_sizes : down_sizes + tall]
    rows_inverses = scratch[down_sizes + tall : end]
    _fill_sizes(n, along, sizes, inverses)
    _fill_sizes(h, down, rows_sizes, rows_inverses)
    # means along rows: as many as the window down the columns holds, zero before the first; of
    # those under the centres likewise
    _zero(scratch, means, held * width)
    _zero(scratch, totals, width)
    _zero(scratch, kept, down * SIDE)
    pixels = X.reshape(X.size)
    delay = reach_of(down) - 1
    reach = width + along
    if fresh:
        padded[: (LANES + delay) * reach] = 0
    ready = 0
    for first in range(0, h, LANES):
        rows = min(LANES, h - first)
        begin = first + delay if first else 0
        stop = first + rows + delay
        if fresh:
            for step in range(begin, stop):
                row = (step - begin) * reach
                if step < h:
                    copy(pixels, step * n, padded, row + along - reach_of(along), n)
                else:
                    padded[row : row + reach] = 0
        while not fresh and ready < stop:
            block = max(0, min(LANES, h - ready))
            for i in range(block):
                luma_row(X[ready + i], scratch[given + i * width : given + (i + 1) * width])
            if block:
                _sum_rows(
                    scratch, given, width, block, along, n, sizes, inverses, ring, lanes, turned
                )
            else:
                _zero(scratch, given, LANES * width)
            for i in range(LANES):
                to = means + ((ready + i) & (held - 1)) * width
                if i < block:
                    copy(scratch, given + i * width, scratch, to, width)
                else:
                    _zero(scratch, to, width)
            ready += LANES
        _zero(scratch, ring, _power_of_two(along + 8) * LANES)
        _zero(scratch, lanes, LANES)
        column = j = 0
        for left in range(0, width, _TILE):
            length = min(_TILE, width - left)
            for step in range(begin, stop):
                entering = means + (step & (held - 1)) * width + left
                leaving = means + ((step - down) & (held - 1)) * width + left
                at = max(step - delay, first)
                size, inverse = rows_sizes[at], rows_inverses[at]
                target = tile + (at - first) * _TILE
                if fresh:
                    advance_fresh(
                        padded, (step - begin) * reach + left, along, scratch,
                        along_sizes + left, along_sizes + width + left, totals + left,
                        entering, leaving, size, inverse, target, length,
                    )  # fmt: skip
                else:
                    advance(
                        scratch, totals + left, entering, leaving, size, inverse, target, length
                    )
            column, j = _sum_to_centres(
                scratch, tile, left, left + length, rows, along, n, sizes, inverses, ring, lanes,
                centres, column, j,
            )  # fmt: skip
        to = kept + (down + first) * SIDE
        for lane in range(0, LANES, 8):
            for j in range(0, SIDE, 8):
                square = centres + j * LANES + lane
                transpose(scratch, square, LANES, scratch, to + lane * SIDE + j, SIDE)
    _zero(scratch, kept + (down + h) * SIDE, delay * SIDE)
    _sum_columns(scratch, kept, h, down, rows_sizes, rows_inverses, lanes, centres, A)
