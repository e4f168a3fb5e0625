"""Radius search of a list of thousands against millions of codes, nearly all of which match none.

The bits of a code, as they come, are cut into slots of WIDTH bits with a threshold t_k each, the
sum of t_k + 1 being radius + 1: of a match some slot has at most t_k bits that differ, and with
the next one at most t_k + t_{k+1} + 1 (why, says `_probe`). For each slot there is a bit for
every key, set where an entry's key is within t_k: most queries meet no set bit in most slots, and
that is all that they cost. Where one is set, the entries are looked at that are within t_k of the
key's first KEY bits; what lies beside each of them tells enough of the next slot to drop most.

Many queries are asked of one slot before the next: the bits of one slot, a megabyte, then
stay in a core's second-level cache, and those of all would not. Sixteen keys are tested at
once, so the queries are first turned into planes: all first words, all second words, and so on.

Unlike in `_delta` and `_probe`, a pair may be found through several slots, and is given that often.
Bits are not spread: for the pairs that would save, spreading every query costs too much.
"""

from __future__ import annotations

import numpy as np

from brightline.kernels import kernel, leaf
from brightline.match._bits import lowest_bit, passing, popcount, prefetch
from brightline.match._codes import U32, U64, WORDS
from brightline.match._scan import grown
from brightline.match._sieve_lanes import LANES as SIDE_BY_SIDE
from brightline.match._sieve_lanes import marked
from brightline.types import I64

#: bits of a slot; of its key, by which entries are found
WIDTH = 23
KEY = 19
#: thresholds are at most this
MOST_FLIPS = 2
#: slots that fit into a code
MOST_SLOTS = 256 // WIDTH
#: records that are tested at once: with a bucket's last ones, the next bucket's first, which does
#: no harm, so that so many must follow the last bucket
LANES = 8
#: queries of one call at most
BLOCK = 1 << 17
FLIP_BITS = 3
_NO_FLIPS = (1 << FLIP_BITS) - 1
#: 32-bit words of a code, and of a slot's bits
_PARTS = 8
_WORDS_A_SLOT = 1 << (WIDTH - 5)
#: queries of which the hits in one slot are looked up together; a multiple of SIDE_BY_SIDE
_TOGETHER = 256
_FIRST_ROOM = 1024
_ONE = np.uint64(1)


def bitmap_words(slots: int) -> int:
    """32-bit words of the slots' bits."""
    return slots * _WORDS_A_SLOT


@leaf
def _first_bits(high: np.uint32, low: np.uint32, offset: int, count: int) -> np.int64:
    """`count` (1 to 32) bits of two words, from bit `offset` (0 to 31) on."""
    both = np.uint64(high) << np.uint64(32) | np.uint64(low)
    return np.int64((both << np.uint64(offset)) >> np.uint64(64 - count))


@leaf
def _of_code(parts: U32, code: int, offset: int, count: int) -> np.int64:
    """`count` bits of a code from bit `offset` on; parts: the 32-bit words of codes, flat."""
    at = offset >> 5
    row = code * _PARTS
    low = parts[row + min(at + 1, _PARTS - 1)]
    return _first_bits(parts[row + at], low, offset & 31, count)


@leaf
def _fragment_bits(number_bits: int) -> int:
    """How much of the next slot a record holds."""
    return min(32 - number_bits - FLIP_BITS, WIDTH)


@kernel
def mark(parts: U32, slot: int, masks: U32, bits: U32) -> None:
    """Set the bits of one slot: every entry's key, flipped by each of the masks."""
    base = slot * _WORDS_A_SLOT
    for i in range(parts.size // _PARTS):
        key = _of_code(parts, i, slot * WIDTH, WIDTH)
        for j in range(masks.size):
            near = key ^ np.int64(masks[j])
            bits[base + (near >> 5)] |= np.uint32(1 << (near & 31))


@kernel
def count_records(parts: U32, slot: int, masks: U32, starts: I64) -> None:
    """Add to `starts` ((1 << KEY) + 1,) how many records each bucket has, one place later."""
    for i in range(parts.size // _PARTS):
        key = _of_code(parts, i, slot * WIDTH, KEY)
        for j in range(masks.size):
            starts[(key ^ np.int64(masks[j])) + 1] += 1


@kernel
def place_records(
    parts: U32, slot: int, after: int, masks: U32, number_bits: int,
    ends: I64, records: U32,
) -> None:  # fmt: skip
    """Write a slot's records. `ends`: where each bucket begins, and afterwards ends.

    A record is as in `_delta`: a code's number in `number_bits`, the flips of its key in three
    bits, and above them the first bits of slot `after`.
    """
    fragment_bits = _fragment_bits(number_bits)
    for i in range(parts.size // _PARTS):
        key = _of_code(parts, i, slot * WIDTH, KEY)
        fragment = _of_code(parts, i, after * WIDTH, fragment_bits)
        for j in range(masks.size):
            bucket = key ^ np.int64(masks[j])
            flips = popcount(np.uint64(masks[j]))
            record = i | (flips << number_bits) | (fragment << (number_bits + FLIP_BITS))
            records[ends[bucket]] = np.uint32(record)
            ends[bucket] += 1


@leaf
def _turn(parts: U32, planes: U32, plane: int) -> None:
    """Write queries as planes of `plane` words each; what is beyond the queries stays as it is."""
    for i in range(parts.size // _PARTS):
        for part in range(_PARTS):
            planes[np.uint64(part * plane + i)] = parts[np.uint64(i * _PARTS + part)]


@kernel
def sift(
    queries: U64,
    parts: U32,
    codes: U64,
    bits: U32,
    starts: U32,
    records: U32,
    pair_limits: I64,
    radius: int,
    number_bits: int,
) -> tuple[I64, int]:
    """Find every code within the radius of every query, each pair once or more often.

    queries, codes: flat words of codes as they come; parts: the queries' 32-bit words. bits,
    starts, records: of all slots, one after the other, and LANES records more. Returns triples
    (query, code, distance), flat, and how many. Takes 32 bytes of memory a query.
    """
    m = pair_limits.size
    total = queries.size // WORDS
    fragment_bits = _fragment_bits(number_bits)
    fragment_mask = (1 << fragment_bits) - 1
    numbers = np.uint32((1 << number_bits) - 1)
    beyond_key = np.uint32(WIDTH - KEY)
    plane = -(-total // SIDE_BY_SIDE) * SIDE_BY_SIDE
    planes = np.zeros(_PARTS * plane, np.uint32)
    _turn(parts, planes, plane)
    keys = np.empty(_TOGETHER + SIDE_BY_SIDE, np.uint32)
    hits = np.empty(_TOGETHER + SIDE_BY_SIDE, np.uint32)
    out = np.empty(3 * _FIRST_ROOM, np.int64)
    used = 0
    for k in range(m):
        offset = k * WIDTH
        high, low = (offset >> 5) * plane, min((offset >> 5) + 1, _PARTS - 1) * plane
        offset_after = offset + WIDTH if k + 1 < m else 0
        high_after = (offset_after >> 5) * plane
        low_after = min((offset_after >> 5) + 1, _PARTS - 1) * plane
        for first in range(0, plane, _TOGETHER):
            count = 0
            for q in range(first, min(first + _TOGETHER, plane), SIDE_BY_SIDE):
                count += marked(
                    planes, high + q, low + q, offset & 31, WIDTH,
                    bits, k * _WORDS_A_SLOT, keys, count, hits, q,
                )  # fmt: skip
            for h in range(count):
                prefetch(starts, (k << KEY) + np.int64(keys[h] >> beyond_key))
                prefetch(planes, high_after + np.int64(hits[h]))
                prefetch(planes, low_after + np.int64(hits[h]))
            for h in range(count):
                bucket = (k << KEY) + np.int64(keys[h] >> beyond_key)
                begin = np.int64(starts[bucket])
                prefetch(records, begin)
                prefetch(records, begin + LANES)
            for h in range(count):
                query = np.int64(hits[h])
                if query >= total:  # what fills the last plane up
                    continue
                bucket = (k << KEY) + np.int64(keys[h] >> beyond_key)
                fragment = _first_bits(
                    planes[high_after + query],
                    planes[low_after + query],
                    offset_after & 31,
                    fragment_bits,
                )
                for place in range(np.int64(starts[bucket]), np.int64(starts[bucket + 1]), LANES):
                    near = passing(
                        records, place, number_bits, fragment, fragment_mask, pair_limits[k]
                    )
                    while near != 0:
                        c = np.int64(records[place + lowest_bit(near)] & numbers)
                        near &= near - _ONE
                        distance = 0
                        for part in range(WORDS):
                            one, other = queries[query * WORDS + part], codes[c * WORDS + part]
                            distance += popcount(one ^ other)
                        if distance <= radius:
                            out = grown(out, used, 1)
                            out[3 * used] = query
                            out[3 * used + 1] = c
                            out[3 * used + 2] = distance
                            used += 1
    return out, used


def empty_record(number_bits: int) -> np.uint32:
    """A record of no code: more flips than any threshold lets pass."""
    return np.uint32(_NO_FLIPS << number_bits)
