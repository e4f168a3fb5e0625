"""256-bit codes as four 64-bit words: spreading their bits, cutting fields out of them, sorting.

A spread code's words are read most significant bit first: field (offset, width) is the `width`
bits that follow the first `offset` bits of word 0, 1, 2, 3. Kernels take codes as flat arrays.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from brightline.kernels import leaf
from brightline.match._bits import prefetch
from brightline.types import I64, U8

U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]

WORDS = 4
_LINE_BYTES = 64
#: rows that are fetched ahead of the one being copied
_AHEAD = 16

_BYTES = np.uint64(0x00FF00FF00FF00FF)
_NIBBLES = np.uint64(0x0F0F0F0F0F0F0F0F)
_PAIRS = np.uint64(0x0000000033333333)
_BITS = np.uint64(0x0000555500005555)
_LANE = np.uint64(0xFFFF)


def on_a_line(length: int, dtype: type[np.uint32] | type[np.uint64]) -> npt.NDArray[Any]:
    """An empty array that begins with a cache line, as those of a file do.

    What is fetched by the line and is half or a quarter of one long then lies in one.
    """
    size = np.dtype(dtype).itemsize
    raw = np.empty(length + _LINE_BYTES // size, dtype)
    first = -raw.ctypes.data % _LINE_BYTES // size
    return raw[first : first + length]


@leaf
def _spread_words(words: U64, out: U64) -> None:
    """See `spread`."""
    for i in range(0, words.size, WORDS):
        for part in range(WORDS):
            turned = np.uint64(0)
            for lane in range(4):
                at = np.uint64(16 * lane)
                row = (words[i + part] >> at) & _LANE
                by = np.uint64(5 * (4 * part + lane) & 15)
                turned |= (((row >> by) | (row << (np.uint64(16) - by))) & _LANE) << at
            out[i + part] = turned
        for low in range(2):
            swap = ((out[i + low] >> np.uint64(8)) ^ out[i + low + 2]) & _BYTES
            out[i + low + 2] ^= swap
            out[i + low] ^= swap << np.uint64(8)
        for low in range(0, WORDS, 2):
            swap = ((out[i + low] >> np.uint64(4)) ^ out[i + low + 1]) & _NIBBLES
            out[i + low + 1] ^= swap
            out[i + low] ^= swap << np.uint64(4)
        for part in range(WORDS):
            word = out[i + part]
            swap = ((word >> np.uint64(2)) ^ (word >> np.uint64(32))) & _PAIRS
            word ^= (swap << np.uint64(32)) | (swap << np.uint64(2))
            swap = ((word >> np.uint64(1)) ^ (word >> np.uint64(16))) & _BITS
            word ^= (swap << np.uint64(16)) | (swap << np.uint64(1))
            out[i + part] = word


def spread(codes: U8) -> U64:
    """Words (n · 4,) of codes (n, 32), with each code's bits rearranged.

    A PDQ code is a 16 × 16 matrix of frequencies, one bit each, and bits of neighbouring
    frequencies are correlated. Row r is turned by 5r columns and the matrix is transposed, so
    that any 16 bits in a row come from 16 rows and from columns 5 apart. On codes of crops
    of 15 photographs, pairs of different photographs then meet in a bucket as often as random
    codes do, to within 1 %; with the bits left as they are, 1.23 times as often (16 slots,
    threshold 1).
    Distances between codes do not change.
    """
    words = np.ascontiguousarray(codes).view("<u8").reshape(-1)
    # bytes cut out of a buffer may begin anywhere
    words = np.require(words, np.uint64, ["ALIGNED"])
    words.setflags(write=False)
    out = np.empty(words.size, np.uint64)
    _spread_words(words, out)
    return out


@leaf
def field(words: U64, code: int, offset: int, width: int) -> Any:
    """`width` (1 to 32) bits of a code from bit `offset` on, as int64."""
    # an unsigned index, which numba need not try for a count from the end
    at = np.uint64(code * WORDS + (offset >> 6))
    shift = offset & 63
    bits = words[at] << np.uint64(shift)
    if shift + width > 64:
        bits |= words[at + np.uint64(1)] >> np.uint64(64 - shift)
    return np.int64(bits >> np.uint64(64 - width))


@leaf
def _gather(words: U64, rows: I64, width: int, out: U64) -> None:
    for i in range(rows.size):
        if i + _AHEAD < rows.size:
            prefetch(words, rows[i + _AHEAD] * width)
        for word in range(width):
            out[i * width + word] = words[rows[i] * width + word]


def gather(rows: U64, chosen: I64) -> U64:
    """Rows (n, w) of words, flat, in the order of the row numbers `chosen`."""
    words = rows.reshape(-1)
    words.setflags(write=False)
    # made by NumPy, which asks the system for large pages; numba does not
    out: U64 = on_a_line(len(chosen) * rows.shape[1], np.uint64)
    _gather(words, chosen, rows.shape[1], out)
    return out


def sort_rows(rows: U64) -> tuple[I64, I64]:
    """The lexicographic order of rows (n, w) of words, equal rows in ascending row number.

    Returns the row numbers in that order and the positions in it where a new value begins.
    O(n log n) whatever the rows hold; fewer than 2**32 rows.
    """
    # the highest bits of the first word and the row number share a word, which is sorted several
    # times faster than row numbers are by their words
    low = np.uint64((1 << max(1, (len(rows) - 1).bit_length())) - 1)
    keys = rows[:, 0] & ~low
    keys |= np.arange(len(rows), dtype=np.uint64)
    keys.sort()
    order = (keys & low).astype(np.int64)
    tied = np.flatnonzero((keys[1:] ^ keys[:-1]) <= low)
    del keys
    same = np.all(rows[order[tied]] == rows[order[tied + 1]], axis=1)
    if not same.all():
        # not only copies share those bits: then the other bits have a say
        inside = np.zeros(len(rows), np.bool_)
        inside[tied] = True
        inside[tied + 1] = True
        places = np.flatnonzero(inside)
        subset = order[places]
        words = [rows[subset, word] for word in range(rows.shape[1] - 1, -1, -1)]
        order[places] = subset[np.lexsort([subset, *words])]
        same = np.all(rows[order[tied]] == rows[order[tied + 1]], axis=1)
    new = np.ones(len(rows), np.bool_)
    new[tied + 1] = ~same
    return order, np.flatnonzero(new)
