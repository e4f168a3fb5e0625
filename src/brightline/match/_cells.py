"""A bucket directory of four bits a bucket: where in a sorted array each bucket begins and ends.

64 buckets share a *cell* of four 64-bit words, half a cache line:

    word 0    where the cell's first bucket begins
    word 1-3  bit planes: bit b of plane i is bit i of the size of bucket b (0 to 7)

so one line read tells which of 64 buckets are occupied (the planes' union), and three masked
popcounts tell where any of them begins. A cell with a bucket of 8 or more is *spilled*: word 0
has `SPILLED` set and points into a list of starts, one for each occupied bucket and one more
for the end; word 1 is the occupancy, words 2 and 3 are 0. A spilled cell with k occupied
buckets holds at least k + 7 items, so the spill never takes more than 4 bytes an item.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from brightline.kernels import leaf
from brightline.match._bits import popcount
from brightline.match._codes import U32, U64
from brightline.types import I64

#: log2 of the buckets in a cell
CELL_BITS = 6
SPILLED = np.uint64(1 << 63)
_ONE = np.uint64(1)
_LARGEST = 7


def cell_count(width: int) -> int:
    """Cells for 2**width buckets."""
    return 1 << max(0, width - CELL_BITS)


@leaf
def spill_size(starts: I64) -> int:
    """How many starts `fill_cells` will spill."""
    buckets = starts.size - 1
    total = 0
    for first in range(0, buckets, 64):
        largest = 0
        occupied = 0
        for b in range(first, min(first + 64, buckets)):
            size = starts[b + 1] - starts[b]
            largest = max(largest, size)
            if size > 0:
                occupied += 1
        if largest > _LARGEST:
            total += occupied + 1
    return total


@leaf
def fill_cells(starts: I64, cells: U64, spill: U32, spilled: int) -> None:
    """Write the directory for `starts`, which says where each bucket begins and the last ends.

    `cells` is flat, four words a cell. `spill`, of length `spill_size(starts)`, will stand at
    position `spilled` of the list of starts that the directory is read with.
    """
    used = 0
    buckets = starts.size - 1
    for first in range(0, buckets, 64):
        last = min(first + 64, buckets)
        at = (first >> CELL_BITS) * 4
        largest = 0
        for b in range(first, last):
            largest = max(largest, starts[b + 1] - starts[b])
        zero = np.uint64(0)
        p1, p2, p3 = zero, zero, zero
        if largest > _LARGEST:
            cells[at] = SPILLED | np.uint64(spilled + used)
            for b in range(first, last):
                if starts[b + 1] > starts[b]:
                    p1 |= _ONE << np.uint64(b - first)
                    spill[used] = starts[b]
                    used += 1
            spill[used] = starts[last]
            used += 1
        else:
            cells[at] = np.uint64(starts[first])
            for b in range(first, last):
                size = np.uint64(starts[b + 1] - starts[b])
                bit = np.uint64(b - first)
                p1 |= (size & _ONE) << bit
                p2 |= ((size >> _ONE) & _ONE) << bit
                p3 |= (size >> np.uint64(2)) << bit
        cells[at + 1] = p1
        cells[at + 2] = p2
        cells[at + 3] = p3


@leaf
def bucket_range(cells: U64, at: Any, bit: Any, spill: U32, items: int) -> tuple[Any, Any]:
    """Begin and end of the occupied bucket `bit` of the cell at word `at`.

    Returns (0, -1), which no occupied bucket has, if the cell points outside `items` or the
    spill: then the file is damaged.
    """
    head = cells[at]
    one = _ONE << np.uint64(bit)
    below = one - _ONE
    if head & SPILLED:
        place = np.int64(head ^ SPILLED) + popcount(cells[at + 1] & below)
        if place < 0 or place >= spill.size - 1:
            return 0, -1
        begin = np.int64(spill[place])
        end = np.int64(spill[place + 1])
    else:
        p1, p2, p3 = cells[at + 1], cells[at + 2], cells[at + 3]
        begin = (
            np.int64(head)
            + popcount(p1 & below)
            + 2 * popcount(p2 & below)
            + 4 * popcount(p3 & below)
        )
        bit_at = np.uint64(bit)
        end = begin + np.int64(
            ((p1 >> bit_at) & _ONE)
            | (((p2 >> bit_at) & _ONE) << _ONE)
            | (((p3 >> bit_at) & _ONE) << np.uint64(2))
        )
    if begin < 0 or end > items or end <= begin:
        return 0, -1
    return begin, end
