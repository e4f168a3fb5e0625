"""Radius search with the neighbourhoods on the side of the list: building and probing.

`_probe` looks, for each slot, into every bucket within t_k of the query's key. Here every entry
stands in every bucket within t_k of its own key, so that a query looks into one bucket a slot.
That takes hundreds of records an entry, and is worth it for a list that is small beside the
number of queries. Why every match is found and why it is reported once is argued in `_probe`.

A bucket is a row of LANES records or a multiple, so that where it lies needs no directory, and is
tested without a branch. A record is 32 bits: the code's number in the low `number_bits`, above it
in three bits how many flips of its key led here (d_k), and above that a fragment of the next
slot's key. Seven flips, more than any threshold lets pass, mark an empty place, and in the first
place of a row that there were more records than it holds.
"""

from __future__ import annotations

import numpy as np

from brightline.kernels import kernel, leaf
from brightline.match._bits import lowest_bit, passing, popcount, prefetch
from brightline.match._codes import U32, U64, WORDS, field
from brightline.match._probe import ORIGIN_BITS, PAIR_LIMIT, compare
from brightline.match._scan import grown
from brightline.match._slots import FRAGMENT, NEXT, OFFSET, WIDTH
from brightline.types import I64

#: records that are tested at once; a row holds a multiple of them
LANES = 8
FLIP_BITS = 3
#: queries that are fetched ahead of the one being read; a power of two
_AHEAD = 4
_FIRST_ROOM = 1024
#: records in a cache line
_LINE = 16
_NO_FLIPS = (1 << FLIP_BITS) - 1
_ONE = np.uint64(1)

#: columns of a probing plan beside `_probe`'s LIMIT and PAIR_LIMIT: where a slot's rows begin; the
#: bits of the next slot's key below the fragment; and the fragment's mask
ROWS, SHIFT, MASK = range(1, 4)


def empty_record(number_bits: int) -> np.uint32:
    """What stands in a place without a record."""
    return np.uint32(_NO_FLIPS << number_bits)


@leaf
def place_records(
    words: U64, slot: I64, masks: U32, number_bits: int, row: int, base: int, rows: U32
) -> None:
    """Write one slot's records into its rows of `row` records, which begin at row `base`.

    masks: flips of the key. `rows` holds empty places from there on.
    """
    empty = np.uint32(_NO_FLIPS << number_bits)
    for i in range(words.size // WORDS):
        key = field(words, i, slot[OFFSET], slot[WIDTH])
        fragment = field(words, i, slot[NEXT], slot[FRAGMENT]) << (number_bits + FLIP_BITS)
        for j in range(masks.size):
            at = (base + (key ^ np.int64(masks[j]))) * row
            flips = popcount(np.uint64(masks[j])) << number_bits
            place = 0
            while place < row and rows[at + place] != empty:
                place += 1
            if place < row:
                rows[at + place] = np.uint32(i | flips | fragment)
            else:
                rows[at] = empty | np.uint32(1)


@leaf
def _fetch(
    queries: U64, query: int, slots: I64, plans: I64, rows: U32, row: int, keys: I64, at: int
) -> None:
    """Note a query's keys from `at` on, the first again after the last, and ask for its rows."""
    m = slots.shape[0]
    for k in range(m):
        key = field(queries, query, slots[k, OFFSET], slots[k, WIDTH])
        keys[at + k] = key
        place = (plans[k, ROWS] + key) * row
        for line in range(place, place + row, _LINE):
            prefetch(rows, line)
    keys[at + m] = keys[at]


@leaf
def _collect(
    query: int,
    plans: I64,
    rows: U32,
    row: int,
    keys: I64,
    at: int,
    number_bits: int,
    candidates: I64,
    origins: I64,
) -> int:
    """Collect a query's candidates, its keys being from `at` on; -1 if a row had too many."""
    numbers = np.uint32((1 << number_bits) - 1)
    too_many = np.uint32(_NO_FLIPS << number_bits | 1)
    count = 0
    for k in range(plans.shape[0]):
        place = (plans[k, ROWS] + keys[at + k]) * row
        fragment = keys[at + k + 1] >> plans[k, SHIFT]
        if rows[place] == too_many:
            return -1
        for lanes in range(place, place + row, LANES):
            hits = passing(rows, lanes, number_bits, fragment, plans[k, MASK], plans[k, PAIR_LIMIT])
            while hits != 0:
                candidates[count] = rows[lanes + lowest_bit(hits)] & numbers
                origins[count] = query << ORIGIN_BITS | k
                count += 1
                hits &= hits - _ONE
    return count


@kernel
def probe_rows(
    queries: U64,
    codes: U64,
    slots: I64,
    plans: I64,
    rows: U32,
    row: int,
    radius: int,
    number_bits: int,
) -> tuple[I64, int, I64, int]:
    """Find every code within the radius of every query.

    As `_probe.probe`, for rows as described above. Returns triples (query, code, distance),
    flat, and how many; and the queries that met a row with more records than it holds, of which
    there are no triples, and how many.
    """
    m = slots.shape[0]
    total = queries.size // WORDS
    out = np.empty(3 * _FIRST_ROOM, np.int64)
    left = np.empty(total, np.int64)
    used = left_count = 0
    keys = np.empty(_AHEAD << ORIGIN_BITS, np.int64)
    candidates = np.empty(m * row, np.int64)
    origins = np.empty(m * row, np.int64)
    difference = np.empty(WORDS, np.uint64)
    for ahead in range(total + _AHEAD):
        at = (ahead & (_AHEAD - 1)) << ORIGIN_BITS
        query = ahead - _AHEAD
        count = 0
        if query >= 0:
            count = _collect(query, plans, rows, row, keys, at, number_bits, candidates, origins)
        if ahead < total:
            _fetch(queries, ahead, slots, plans, rows, row, keys, at)
        if count < 0:
            left[left_count] = query
            left_count += 1
        elif count > 0:
            out = grown(out, used, count)
            used = compare(
                queries, codes, candidates, origins, count, slots, plans,
                radius, difference, out, used,
            )  # fmt: skip
    return out, used, left, left_count
