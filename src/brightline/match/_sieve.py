"""Radius search of a list of thousands against millions of codes, nearly all of which match none.

The bits of a code, as they come, are cut into slots of WIDTH bits with a threshold t_k each, the
sum of t_k + 1 being radius + 1: of a match some slot has at most t_k bits that differ, and with
the next one at most t_k + t_{k+1} + 1 (why, says `_probe`). For each slot there is a bit for
every key, set where an entry's key is within t_k: most queries meet no set bit in most slots, and
that is all that they cost. Where one is set, the entries are looked at that are within t_k of the
key's first KEY bits; what lies beside each of them tells enough of the next slot to drop most.

Unlike in `_delta` and `_probe`, a pair may be found through several slots, and is given that often.
Bits are not spread: for the pairs that would save, spreading every query costs too much.
"""

from __future__ import annotations

import numpy as np

from brightline.kernels import kernel
from brightline.match._bits import lowest_bit, passing, popcount, prefetch
from brightline.match._codes import U32, U64, WORDS, field
from brightline.match._scan import grown
from brightline.types import I64

#: bits of a slot; of its key, by which entries are found
WIDTH = 23
KEY = 16
#: thresholds are at most this
MOST_FLIPS = 2
#: slots that fit into a code
MOST_SLOTS = 256 // WIDTH
#: records that are tested at once: what stands in one bucket is a multiple of them
LANES = 8
FLIP_BITS = 3
_NO_FLIPS = (1 << FLIP_BITS) - 1
_WORDS_A_SLOT = 1 << (WIDTH - 6)
#: queries whose bits are fetched together; of a hit, the slot is in the low bits
_TOGETHER = 32
_SLOT_BITS = 4
_FIRST_ROOM = 1024
_ONE = np.uint64(1)


def bitmap_words(slots: int) -> int:
    """64-bit words of the slots' bits."""
    return slots * _WORDS_A_SLOT


@kernel
def mark(words: U64, slot: int, masks: U32, bits: U64) -> None:
    """Set the bits of one slot: every entry's key, flipped by each of the masks."""
    base = slot * _WORDS_A_SLOT
    for i in range(words.size // WORDS):
        key = field(words, i, slot * WIDTH, WIDTH)
        for j in range(masks.size):
            near = key ^ np.int64(masks[j])
            bits[base + (near >> 6)] |= _ONE << np.uint64(near & 63)


@kernel
def count_records(words: U64, slot: int, masks: U32, starts: I64) -> None:
    """Add to `starts` ((1 << KEY) + 1,) how many records each bucket has, one place later."""
    for i in range(words.size // WORDS):
        key = field(words, i, slot * WIDTH, KEY)
        for j in range(masks.size):
            starts[(key ^ np.int64(masks[j])) + 1] += 1


@kernel
def place_records(
    words: U64, slot: int, after: int, masks: U32, number_bits: int, ends: I64, records: U32
) -> None:
    """Write a slot's records. `ends`: where each bucket begins, and afterwards ends.

    A record is as in `_delta`: a code's number in `number_bits`, the flips of its key in three
    bits, and above them the first bits of slot `after`.
    """
    room = 32 - number_bits - FLIP_BITS
    fragment_bits = min(room, WIDTH)
    for i in range(words.size // WORDS):
        key = field(words, i, slot * WIDTH, KEY)
        fragment = field(words, i, after * WIDTH, fragment_bits)
        for j in range(masks.size):
            bucket = key ^ np.int64(masks[j])
            flips = popcount(np.uint64(masks[j]))
            record = i | (flips << number_bits) | (fragment << (number_bits + FLIP_BITS))
            records[ends[bucket]] = np.uint32(record)
            ends[bucket] += 1


@kernel
def sift(
    queries: U64,
    codes: U64,
    bits: U64,
    starts: U32,
    records: U32,
    pair_limits: I64,
    radius: int,
    number_bits: int,
) -> tuple[I64, int]:
    """Find every code within the radius of every query, each pair once or more often.

    queries, codes: flat words of codes as they come. bits, starts, records: of all slots, one
    after the other; `starts` in LANES records. Returns triples (query, code, distance), flat, and
    how many.
    """
    m = pair_limits.size
    total = queries.size // WORDS
    fragment_bits = min(32 - number_bits - FLIP_BITS, WIDTH)
    fragment_mask = (1 << fragment_bits) - 1
    numbers = np.uint32((1 << number_bits) - 1)
    keys = np.empty(_TOGETHER << _SLOT_BITS, np.int64)
    hits = np.empty((_TOGETHER << _SLOT_BITS) + 1, np.int64)
    out = np.empty(3 * _FIRST_ROOM, np.int64)
    used = 0
    for first in range(0, total, _TOGETHER):
        some = min(_TOGETHER, total - first)
        for k in range(m):
            # as `field`, without its branch: the slot lies in one word or in two
            shift = np.uint64((k * WIDTH) & 63)
            word = np.uint64((k * WIDTH) >> 6)
            beside = min(word + _ONE, np.uint64(WORDS - 1))
            base = np.uint64(k * _WORDS_A_SLOT)
            for i in range(np.uint64(some)):
                row = (np.uint64(first) + i) * np.uint64(WORDS)
                high = queries[row + word] << shift
                low = (queries[row + beside] >> (np.uint64(63) - shift)) >> _ONE
                key = (high | low) >> np.uint64(64 - WIDTH)
                keys[i << np.uint64(_SLOT_BITS) | np.uint64(k)] = key
                prefetch(bits, np.int64(base + (key >> np.uint64(6))))
        count = np.int64(0)
        for k in range(m):
            base = np.uint64(k * _WORDS_A_SLOT)
            for i in range(np.uint64(some)):
                at = i << np.uint64(_SLOT_BITS) | np.uint64(k)
                key = np.uint64(keys[at])
                # not a branch: which bits are set cannot be predicted
                hits[np.uint64(count)] = at
                word = bits[base + (key >> np.uint64(6))]
                count += np.int64((word >> (key & np.uint64(63))) & _ONE)
        for h in range(count):
            at = hits[h]
            k = at & ((1 << _SLOT_BITS) - 1)
            prefetch(starts, (k << KEY) + (keys[at] >> (WIDTH - KEY)))
        for h in range(count):
            at = hits[h]
            k = at & ((1 << _SLOT_BITS) - 1)
            bucket = (k << KEY) + (keys[at] >> (WIDTH - KEY))
            prefetch(records, np.int64(starts[bucket]) * LANES)
            prefetch(records, np.int64(starts[bucket]) * LANES + 2 * LANES)
        for h in range(count):
            at = hits[h]
            k = at & ((1 << _SLOT_BITS) - 1)
            after = k + 1 if k + 1 < m else 0
            bucket = (k << KEY) + (keys[at] >> (WIDTH - KEY))
            fragment = keys[(at - k) | after] >> (WIDTH - fragment_bits)
            for lanes in range(starts[bucket], starts[bucket + 1]):
                place = np.int64(lanes) * LANES
                near = passing(records, place, number_bits, fragment, fragment_mask, pair_limits[k])
                while near != 0:
                    c = np.int64(records[place + lowest_bit(near)] & numbers)
                    near &= near - _ONE
                    q = first + (at >> _SLOT_BITS)
                    distance = 0
                    for part in range(WORDS):
                        distance += popcount(queries[q * WORDS + part] ^ codes[c * WORDS + part])
                    if distance <= radius:
                        out = grown(out, used, 1)
                        out[3 * used] = q
                        out[3 * used + 1] = c
                        out[3 * used + 2] = distance
                        used += 1
    return out, used


def empty_record(number_bits: int) -> np.uint32:
    """What fills a bucket up: more flips than any threshold lets pass."""
    return np.uint32(_NO_FLIPS << number_bits)
