"""Equality look-up of an archive's worth of digests in a list that is small beside it.

Nearly none of the digests are listed. One bit for each possible beginning of a value, set where
an entry begins so, dismisses them where they lie: no value is copied, and little memory is
touched but theirs. Digests are spread evenly, so with `_BITS_AN_ENTRY` bits for each entry all
but one in so many are dismissed; the rest are asked of the index. A list made so that its
beginnings are all alike costs no more than without.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from brightline.kernels import leaf
from brightline.match._codes import U64
from brightline.match.exact import ExactIndex
from brightline.types import I64, U8

#: with more entries the bits would take more than some cache holds
MOST = 1 << 17
_BITS_AN_ENTRY = 256
_FEWEST_BITS = 16
_MOST_BITS = 23
_WORD_BYTES = 8
_ONE = np.uint64(1)


@leaf
def _beginning_marked(values: U8, width: int, shift: int, marks: U64, rows: I64) -> int:
    """Note in `rows` which values may be listed; returns how many.

    values: flat, of `width` bytes each. marks: a bit for each number that the first eight bytes,
    read big-endian, can give when shifted right by `shift`.
    """
    used = 0
    by = np.uint64(shift)
    for i in range(rows.size):
        at = np.uint64(i * width)
        word = np.uint64(0)
        for k in range(_WORD_BYTES):
            word = word << np.uint64(8) | np.uint64(values[at + np.uint64(k)])
        key = word >> by
        rows[used] = i
        # not a branch: a few in a thousand are no pattern
        used += int((marks[key >> np.uint64(6)] >> (key & np.uint64(63))) & _ONE)
    return used


@dataclass(frozen=True, slots=True, eq=False)
class SiftedIndex:
    """An `ExactIndex`, ready for millions of values; made by `over`, never changed.

    Safe to use from several threads at once.
    """

    index: ExactIndex
    marks: U64
    shift: int

    @staticmethod
    def suits(index: ExactIndex) -> bool:
        """Whether a list is so small that this is worth its memory, a megabyte at most."""
        return 0 < len(index) <= MOST

    @classmethod
    def over(cls, index: ExactIndex) -> SiftedIndex:
        """Prepare a list; `suits` says for which that is worth it."""
        wanted = (len(index) * _BITS_AN_ENTRY - 1).bit_length()
        bits = min(_MOST_BITS, max(_FEWEST_BITS, wanted))
        words = -(-index.width // _WORD_BYTES)
        shift = 64 - bits
        marked = np.zeros(1 << bits, np.bool_)
        marked[index.rows[::words] >> np.uint64(shift)] = True
        marks: U64 = np.packbits(marked, bitorder="little").view("<u8").astype(np.uint64)
        marks.setflags(write=False)
        return cls(index, marks, shift)

    def search(self, values: U8) -> tuple[I64, I64]:
        """As `ExactIndex.search`; values may begin at any address."""
        if values.dtype != np.uint8 or values.ndim != 2 or values.shape[1] != self.index.width:
            return self.index.search(values)
        rows = np.empty(len(values), np.int64)
        # read-only like a mapped one, so that the kernel is compiled once
        flat = np.ascontiguousarray(values).reshape(-1)
        flat.setflags(write=False)
        used = _beginning_marked(flat, self.index.width, self.shift, self.marks, rows)
        maybe = rows[:used]
        query, entry = self.index.search(values[maybe])
        return maybe[query], entry
