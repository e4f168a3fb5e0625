"""Radius search through slots: multi-index hashing with two pigeonholes.

Norouzi, Punjani and Fleet, "Fast Exact Search in Hamming Space with Multi-Index Hashing" (CVPR
2012): give slot k the threshold t_k, with the sum of t_k + 1 over the slots equal to R + 1. Two
codes that differ in more than t_k bits of every slot differ in more than R bits; so a code
within R of the query has some slot k whose difference d_k is at most t_k.

Stronger (Qin and Xiao, "Pigeonring", VLDB 2018; the cycle lemma): put e_k = d_k - (t_k + 1).
Their sum is negative, so round the ring of slots there is a k from where every partial sum is
negative: not only e_k < 0 but e_k + e_(k+1) < 0 as well, that is
d_k + d_(k+1) <= t_k + t_(k+1) + 1. A record's fragment is part of slot k + 1 and can only
understate d_(k+1), so a record that breaks this can be dropped, unread otherwise.

A code may pass in several slots. It is reported by the first one, which is a property of the
difference alone and needs no memory of what was seen. Slot 0 has no fragments and tests d_0 only:
its plan allows d_0 + d_1 to be anything.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from brightline.kernels import kernel, leaf
from brightline.match._bits import load64, lowest_bit, popcount, prefetch
from brightline.match._cells import CELL_BITS, bucket_range
from brightline.match._codes import U32, U64, WORDS, field
from brightline.match._scan import grown
from brightline.match._slots import FRAGMENT, NEXT, OFFSET, WIDTH
from brightline.types import I64, U8

#: candidates that are fetched before the first of them is compared
_BATCH = 512
_FIRST_ROOM = 1024
_ONE = np.uint64(1)

#: bits for a slot's number beside a query's
ORIGIN_BITS = 6

#: columns of a probing plan: threshold, first cell, where its masks lie, and the most that
#: d_k + d_(k+1) may be
LIMIT, DENSE, DIRECTORY, MASKS_BEGIN, MASKS_END, PAIR_LIMIT = range(6)
PLAN_COLUMNS = 6

#: positions in the sizes that `probe` is given
RADIUS, ID_BITS, RECORD_BYTES, RUNS, ENTRIES = range(5)

#: what `probe` found the index to be
SOUND, DAMAGED = 0, 1


@leaf
def _prefetch_directory(cells: U64, starts: U32, plan: I64, key: int, masks: U32) -> None:
    """Ask for every part of a slot's directory that its probes will read."""
    if plan[DENSE]:
        for j in range(plan[MASKS_BEGIN], plan[MASKS_END]):
            prefetch(starts, plan[DIRECTORY] + (key ^ np.int64(masks[j])))
    else:
        upper = key >> CELL_BITS
        for j in range(plan[MASKS_BEGIN], plan[MASKS_END]):
            prefetch(cells, (plan[DIRECTORY] + (upper ^ np.int64(masks[j]))) * 4)


@leaf
def _dense_runs(
    starts: U32,
    plan: I64,
    key: int,
    masks: U32,
    begins: I64,
    ends: I64,
    allowances: I64,
    runs: int,
) -> int:
    """Append the buckets within the threshold, from a plain list of starts."""
    for j in range(plan[MASKS_BEGIN], plan[MASKS_END]):
        at = plan[DIRECTORY] + (key ^ np.int64(masks[j]))
        begins[runs] = starts[at]
        ends[runs] = starts[at + 1]
        allowances[runs] = plan[PAIR_LIMIT] - popcount(np.uint64(masks[j]))
        runs += 1
    return runs


@leaf
def _sparse_runs(
    cells: U64,
    spill: U32,
    codes: int,
    plan: I64,
    key: int,
    masks: U32,
    ball: U64,
    begins: I64,
    ends: I64,
    allowances: I64,
    runs: int,
) -> int:
    """Append the occupied buckets within the threshold, from cells."""
    upper = key >> CELL_BITS
    lower = key & 63
    for j in range(plan[MASKS_BEGIN], plan[MASKS_END]):
        flipped = popcount(np.uint64(masks[j]))
        at = (plan[DIRECTORY] + (upper ^ np.int64(masks[j]))) * 4
        reach = ball[(plan[LIMIT] - flipped) * 64 + lower]
        hits = (cells[at + 1] | cells[at + 2] | cells[at + 3]) & reach
        while hits != 0:
            bucket = lowest_bit(hits)
            hits &= hits - _ONE
            begins[runs], ends[runs] = bucket_range(cells, at, bucket, spill, codes)
            flips = flipped + popcount(np.uint64(lower ^ bucket))
            allowances[runs] = plan[PAIR_LIMIT] - flips
            runs += 1
    return runs


@leaf
def _filter(
    records: U8,
    byte: int,
    entries: int,
    record: int,
    id_bits: np.uint64,
    fragment: np.uint64,
    fragment_mask: np.uint64,
    allowance: int,
    candidates: I64,
    count: int,
) -> Any:
    """Append the codes of a bucket whose fragment differs in at most `allowance` bits."""
    id_mask = (_ONE << id_bits) - _ONE
    place = np.uint64(count)
    for _ in range(entries):
        word = load64(records, byte)
        byte += record
        candidates[place] = word & id_mask
        # not a branch: which records pass cannot be predicted
        place += np.uint64(popcount(((word >> id_bits) ^ fragment) & fragment_mask) <= allowance)
    return np.int64(place)


@leaf
def _passes(difference: U64, slots: I64, plans: I64, k: int) -> Any:
    """Whether slot k finds a code with this difference from the query."""
    own = popcount(np.uint64(field(difference, 0, slots[k, OFFSET], slots[k, WIDTH])))
    if own > plans[k, LIMIT]:
        return False
    after = popcount(np.uint64(field(difference, 0, slots[k, NEXT], slots[k, FRAGMENT])))
    return own + after <= plans[k, PAIR_LIMIT]


@leaf
def compare(
    queries: U64,
    codes: U64,
    candidates: I64,
    origins: I64,
    count: int,
    slots: I64,
    plans: I64,
    radius: int,
    difference: U64,
    out: I64,
    used: int,
) -> int:
    """Append the candidates that match and that no slot before their own finds.

    origins: of each candidate the query and the slot, as query << ORIGIN_BITS | slot.
    Returns the new length, or -1 if a candidate is not the number of a code.
    """
    n = codes.size // WORDS
    for i in range(count):
        q = WORDS * (origins[i] >> ORIGIN_BITS)
        if candidates[i] >= n:
            return -1
        c = WORDS * candidates[i]
        difference[0] = queries[q] ^ codes[c]
        difference[1] = queries[q + 1] ^ codes[c + 1]
        distance = popcount(difference[0]) + popcount(difference[1])
        if distance > radius:
            continue
        difference[2] = queries[q + 2] ^ codes[c + 2]
        difference[3] = queries[q + 3] ^ codes[c + 3]
        distance += popcount(difference[2]) + popcount(difference[3])
        if distance > radius:
            continue
        seen = False
        for earlier in range(origins[i] & ((1 << ORIGIN_BITS) - 1)):
            if _passes(difference, slots, plans, earlier):
                seen = True
                break
        if seen:
            continue
        out[3 * used] = origins[i] >> ORIGIN_BITS
        out[3 * used + 1] = candidates[i]
        out[3 * used + 2] = distance
        used += 1
    return used


@kernel
def probe(
    queries: U64,
    codes: U64,
    slots: I64,
    plans: I64,
    masks: U32,
    ball: U64,
    cells: U64,
    spill: U32,
    starts: U32,
    records: U8,
    sizes: I64,
) -> tuple[I64, int, I64, int, int]:
    """Find every code within the radius of every query, through the slots.

    queries, codes: permuted, flat. slots: `_slots.slot_table`. plans: (m, 6), the columns named
    above. masks: flips of the upper key bits (those that select a cell). ball: flat (t + 1, 64),
    ball[r, b] the buckets of a cell that are within r flips of bucket b. cells, spill, records:
    `_slots.Slots`. sizes: radius, bits of a code's number, bytes of a record, the most buckets
    that a query can probe, and the most entries that a query may cost.

    Returns triples (query, code, distance), flat, and how many; the queries that would have
    cost more than that and are left to the scan, and how many; and SOUND or DAMAGED.
    """
    n = codes.size // WORDS
    m = slots.shape[0]
    radius = sizes[RADIUS]
    record = sizes[RECORD_BYTES]
    id_bits = np.uint64(sizes[ID_BITS])
    out = np.empty(3 * _FIRST_ROOM, np.int64)
    left = np.empty(queries.size // WORDS, np.int64)
    used = left_count = 0
    begins = np.empty(sizes[RUNS], np.int64)
    ends = np.empty(sizes[RUNS], np.int64)
    allowances = np.empty(sizes[RUNS], np.int64)
    keys = np.empty(m + 1, np.int64)
    slot_runs = np.empty(m + 1, np.int64)
    candidates = np.empty(2 * _BATCH + 1, np.int64)
    origins = np.empty(2 * _BATCH + 1, np.int64)
    difference = np.empty(WORDS, np.uint64)
    for query in range(queries.size // WORDS):
        runs = 0
        entries = 0
        for k in range(m):
            keys[k] = field(queries, query, slots[k, OFFSET], slots[k, WIDTH])
        _prefetch_directory(cells, starts, plans[0], keys[0], masks)
        for k in range(m):
            slot_runs[k] = runs
            if k + 1 < m:
                _prefetch_directory(cells, starts, plans[k + 1], keys[k + 1], masks)
            first = runs
            if plans[k, DENSE]:
                runs = _dense_runs(starts, plans[k], keys[k], masks, begins, ends, allowances, runs)
            else:
                runs = _sparse_runs(
                    cells, spill, n, plans[k], keys[k], masks, ball, begins, ends, allowances, runs
                )
            for run in range(first, runs):
                begin = begins[run]
                end = ends[run]
                if begin < 0 or begin > end or end > n:
                    return out, 0, left, 0, DAMAGED
                entries += end - begin
                if k == 0:
                    for position in range(begin, end, 2):
                        prefetch(codes, position * WORDS)
                else:
                    byte = ((k - 1) * n + begin) * record
                    last = ((k - 1) * n + end) * record - 1
                    while byte < last:
                        prefetch(records, byte)
                        byte += 64
                    prefetch(records, last)
            if entries > sizes[ENTRIES]:
                break
        if entries > sizes[ENTRIES]:
            left[left_count] = query
            left_count += 1
            continue
        slot_runs[m] = runs
        count = 0
        for k in range(m):
            width = slots[k, FRAGMENT]
            fragment = np.uint64(field(queries, query, slots[k, NEXT], width))
            fragment_mask = (_ONE << np.uint64(width)) - _ONE
            base = (k - 1) * n
            for run in range(slot_runs[k], slot_runs[k + 1]):
                for begin in range(begins[run], ends[run], _BATCH):
                    end = min(begin + _BATCH, ends[run])
                    if count + end - begin > 2 * _BATCH:
                        out = grown(out, used, count)
                        used = compare(
                            queries, codes, candidates, origins, count, slots, plans,
                            radius, difference, out, used,
                        )  # fmt: skip
                        if used < 0:
                            return out, 0, left, 0, DAMAGED
                        count = 0
                    if k == 0:
                        for position in range(begin, end):
                            candidates[count] = position
                            origins[count] = query << ORIGIN_BITS
                            count += 1
                        continue
                    first = count
                    count = _filter(
                        records, (base + begin) * record, end - begin, record, id_bits,
                        fragment, fragment_mask, allowances[run], candidates, count,
                    )  # fmt: skip
                    for i in range(first, count):
                        origins[i] = query << ORIGIN_BITS | k
                        prefetch(codes, candidates[i] * WORDS)
        out = grown(out, used, count)
        used = compare(
            queries, codes, candidates, origins, count, slots, plans,
            radius, difference, out, used,
        )  # fmt: skip
        if used < 0:
            return out, 0, left, 0, DAMAGED
    return out, used, left, left_count, SOUND
