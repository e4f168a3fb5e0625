"""Choosing slots and thresholds: a cost model and two small dynamic programmes.

The model is nanoseconds on one core, fitted to bench/search.py on a 2.5 GHz Cascade Lake; it
only ever chooses between ways that give the same answer.

- Building: any number of slots, each with a width and a threshold, of all those whose widths
  sum to at most 256 and whose (threshold + 1) sum to radius + 1, the cheapest for a random
  query that fits in `MAX_BYTES` an entry.
- Searching with any radius: the cheapest thresholds for the slots that are there. A threshold of
  -1 leaves a slot out. If even that costs more than comparing with every code, it is a scan.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from brightline.match import _slots
from brightline.match._cells import CELL_BITS, cell_count
from brightline.match._codes import U32, U64
from brightline.match._scan import UNION_RADIUS
from brightline.types import I64

F64 = npt.NDArray[np.float64]

CODE_BITS = 256
#: an index over distinct random codes takes at most so many bytes an entry, if it holds 10^5 or
#: more; codes in clusters make cells spill and take up to 15 % more
MAX_BYTES = 110.0
#: the code itself, and the number of its entry
_FIXED_BYTES = 36.0
_MAX_LIMIT = 4

#: nanoseconds that a byte an entry may be worth: the first that makes the index fit is taken
_BYTE_PRICES = (0.0, *(50.0 * 1.5**step for step in range(20)))

# nanoseconds: comparing a code in a scan with a small and with a large radius, and fetching it
# for the first of the queries; testing a record, reading a cell, opening a bucket, comparing a
# candidate
_SCAN_NS = 0.57
_WIDE_SCAN_NS = 0.87
_FETCH_NS = 3.0
ENTRY_NS = 1.7
_CELL_NS = 6.0
_BUCKET_NS = 16.0
_COMPARE_NS = 5.0
_QUERY_NS = 3300.0


@dataclass(frozen=True, slots=True)
class Allocation:
    """A threshold for each slot (-1: not probed) and what the model says a query costs, in ns."""

    limits: tuple[int, ...]
    cost: float


@dataclass(frozen=True, slots=True)
class Tables:
    """What `_probe.probe` needs beside the index: see there."""

    plans: I64
    masks: U32
    ball: U64
    runs: int


def ball_size(width: int, limit: int) -> int:
    """How many keys of `width` bits are within `limit` flips of one."""
    return sum(math.comb(width, flips) for flips in range(limit + 1))


def line_ns(codes: int) -> float:
    """Fetching a cache line, many being in flight: from 3 ns in the cache to 25 in memory."""
    return min(25.0, max(3.0, 3.0 + 5.5 * math.log2(max(1.0, codes / 30_000)) / 2))


def _slot_bytes(width: int, codes: int) -> float:
    """Bytes an entry of one slot."""
    directory = 4.0 if _slots.is_dense(width, codes) else 32.0 / (1 << CELL_BITS)
    return _slots.record_bytes(codes) + directory * 2.0**width / codes


def _slot_cost(width: int, limit: int, codes: int) -> float:
    """Nanoseconds a random query spends in one slot."""
    if limit < 0:
        return 0.0
    load = codes / 2.0**width
    buckets = ball_size(width, limit)
    line = line_ns(codes)
    size = _slots.record_bytes(codes)
    if _slots.is_dense(width, codes):
        cells = 0.0
        opened = buckets * (line + _BUCKET_NS)
    else:
        cells = ball_size(max(0, width - CELL_BITS), limit) * (line + _CELL_NS)
        opened = buckets * -math.expm1(-load) * _BUCKET_NS
    # the lines of one bucket follow each other, which the hardware foresees
    lines = buckets * -math.expm1(-load) * (1 + 0.3 * load * size / 64) * line
    fragment = min(width, 8 * size - _slots.id_bits(codes))
    passing = min(1.0, ball_size(fragment, limit + 1) / 2.0**fragment)
    entries = buckets * load * (ENTRY_NS + passing * (line + _COMPARE_NS))
    return cells + opened + lines + entries


def scan_cost(codes: int, radius: int, queries: int = 1000) -> float:
    """Nanoseconds of comparing one of so many queries with every code."""
    compare = _SCAN_NS if radius <= UNION_RADIUS else _WIDE_SCAN_NS
    return codes * (compare + _FETCH_NS / max(1, queries))


def search_cost(widths: tuple[int, ...], codes: int, radius: int) -> float:
    """Nanoseconds of the cheaper way to search, one of many queries."""
    allocation = allocate(widths, codes, radius)
    scan = scan_cost(codes, radius)
    return min(scan, allocation.cost) if allocation else scan


def cheapest_slots(price: F64, radius: int) -> tuple[tuple[int, int], ...]:
    """(width, threshold) of the slots that find all within `radius` at the least price.

    price: a slot's by its threshold, from 0 on, and its width, from `_slots.MIN_WIDTH` on to
    `_slots.MAX_WIDTH`. Prices add up. None at all if there are no such slots.
    """
    widths = _slots.ALL_WIDTHS
    limits = range(len(price))
    # best[b, s]: the cheapest slots of at most b bits whose (threshold + 1) sum to s
    best = np.full((CODE_BITS + 1, radius + 2), np.inf)
    best[:, 0] = 0.0
    choice = np.full((CODE_BITS + 1, radius + 2, 2), -1)
    for bits in range(widths[0], CODE_BITS + 1):
        last = min(widths[-1], bits)
        before = best[bits - last : bits - widths[0] + 1][::-1]
        for limit in limits:
            if limit + 1 > radius + 1:
                break
            total = before[:, : radius + 1 - limit] + price[limit, : len(before), None]
            least = np.argmin(total, axis=0)
            value = total[least, np.arange(total.shape[1])]
            target = best[bits, limit + 1 :]
            better = value < target
            target[better] = value[better]
            choice[bits, limit + 1 :][better, 0] = least[better] + widths[0]
            choice[bits, limit + 1 :][better, 1] = limit
    if not np.isfinite(best[CODE_BITS, radius + 1]):
        return ()
    chosen = []
    bits, left = CODE_BITS, radius + 1
    while left > 0:
        width, limit = (int(value) for value in choice[bits, left])
        chosen.append((width, limit))
        bits -= width
        left -= limit + 1
    return tuple(sorted(chosen, reverse=True))


def _best_slots(codes: int, radius: int, byte_price: float) -> tuple[tuple[int, int], ...]:
    """(width, threshold) of the cheapest slots when a byte an entry costs `byte_price` ns."""
    widths = _slots.ALL_WIDTHS
    price = np.array(
        [[_slot_cost(w, t, codes) + byte_price * _slot_bytes(w, codes) for w in widths]
         for t in range(_MAX_LIMIT + 1)]
    )  # fmt: skip
    return cheapest_slots(price, radius)


def design(codes: int, radius: int) -> tuple[int, ...]:
    """The widths of the slots for so many distinct codes and this radius, widest first.

    None at all if a scan is cheaper.
    """
    if scan_cost(codes, radius) <= 2 * _QUERY_NS or radius >= CODE_BITS:
        return ()
    widths: tuple[int, ...] = ()
    for byte_price in _BYTE_PRICES:
        widths = tuple(width for width, _ in _best_slots(codes, radius, byte_price))
        # slot 0 has no records
        size = sum(_slot_bytes(width, codes) for width in widths) - _slots.record_bytes(codes)
        if _FIXED_BYTES + size <= MAX_BYTES:
            break
    allocation = allocate(widths, codes, radius)
    if allocation is None or allocation.cost >= scan_cost(codes, radius):
        return ()
    return widths


@lru_cache(maxsize=64)
def allocate(widths: tuple[int, ...], codes: int, radius: int) -> Allocation | None:
    """The cheapest thresholds that find everything within `radius`; None if there are none."""
    best = [0.0] + [math.inf] * (radius + 1)
    steps: list[list[int]] = []
    for width in widths:
        costs = [_slot_cost(width, limit, codes) for limit in range(-1, _MAX_LIMIT + 1)]
        new = [math.inf] * (radius + 2)
        step = [0] * (radius + 2)
        for total in range(radius + 2):
            for share in range(min(_MAX_LIMIT + 1, total) + 1):
                cost = best[total - share] + costs[share]
                if cost < new[total]:
                    new[total], step[total] = cost, share
        best = new
        steps.append(step)
    if not math.isfinite(best[-1]):
        return None
    limits = []
    total = radius + 1
    for step in reversed(steps):
        limits.append(step[total] - 1)
        total -= step[total]
    return Allocation(tuple(reversed(limits)), best[-1] + _QUERY_NS)


def flips(width: int, limit: int) -> U32:
    """Every mask of at most `limit` of `width` bits, fewest bits first."""
    rings = [np.zeros(1, np.uint32)]
    lowest = np.full(1, width)
    for _ in range(limit):
        larger = [rings[-1][lowest > bit] | np.uint32(1 << bit) for bit in range(width)]
        lowest = np.repeat(np.arange(width), [len(masks) for masks in larger])
        rings.append(np.concatenate([np.zeros(0, np.uint32), *larger]))
    return np.concatenate(rings)


@lru_cache(maxsize=16)
def tables(widths: tuple[int, ...], codes: int, limits: tuple[int, ...]) -> Tables:
    """The tables for probing these slots with these thresholds."""
    masks: list[U32] = [np.zeros(0, np.uint32)]
    spans: dict[tuple[int, int], tuple[int, int]] = {}
    plans = []
    runs = filled = 0
    directories = [0, 0]
    for k, (width, limit) in enumerate(zip(widths, limits, strict=True)):
        dense = int(_slots.is_dense(width, codes))
        flipped = width if dense else max(0, width - CELL_BITS)
        if limit >= 0 and (flipped, limit) not in spans:
            masks.append(flips(flipped, limit))
            spans[flipped, limit] = (filled, filled + len(masks[-1]))
            filled += len(masks[-1])
        begin, end = spans[flipped, limit] if limit >= 0 else (0, 0)
        # slot 0 has no fragments to judge by
        pair_limit = limit + limits[(k + 1) % len(limits)] + 1 if k > 0 else CODE_BITS
        plans.append((limit, dense, directories[dense], begin, end, pair_limit))
        directories[dense] += (1 << width) + 1 if dense else cell_count(width)
        runs += ball_size(width, limit)
    buckets = np.arange(64)
    apart = np.bitwise_count(buckets[:, None] ^ buckets)
    within = apart <= np.arange(max(limits) + 1)[:, None, None]
    bits = np.uint64(1) << buckets.astype(np.uint64)
    ball = np.where(within, bits, np.uint64(0)).sum(axis=2, dtype=np.uint64)
    return Tables(
        plans=np.array(plans, np.int64).reshape(-1, 6),
        masks=np.concatenate(masks),
        ball=ball.reshape(-1),
        runs=runs,
    )
