"""Sorting rows by their first eight bytes, however many there are, a block in memory at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from brightline.lists.scratch import Scratch
from brightline.types import I64

U64 = npt.NDArray[np.uint64]


def in_order(
    first: Callable[[slice], U64], count: int, scratch: Scratch
) -> Iterator[tuple[I64, U64]]:
    """Row numbers in the order of the leading bits of a word of each row, block by block.

    first: the words of consecutive rows; count: of all rows, under 2**32. Yields the numbers and
    those bits (the rest 0). Rows that have all of them alike are never parted, and stand in the
    order of their numbers; of these alone a block may have more than `scratch.rows`.
    """
    # the leading bits and the row number share a word: sorting needs no more room than the words
    low = np.uint64((1 << max(1, (count - 1).bit_length())) - 1)
    keys: U64 = scratch.empty(count, np.uint64)
    for part in scratch.blocks(count):
        keys[part] = first(part) & ~low
        keys[part] |= np.arange(part.start, part.stop, dtype=np.uint64)
    keys.sort()
    start = 0
    while start < count:
        stop = min(start + scratch.rows, count)
        stop = int(np.searchsorted(keys, keys[stop - 1] | low, side="right"))
        yield (keys[start:stop] & low).astype(np.int64), keys[start:stop] & ~low
        start = stop
