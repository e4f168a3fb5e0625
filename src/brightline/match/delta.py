"""Exact radius search of a small list against a great many codes, such as an archive's.

`HammingIndex` prepares a list so that it takes little memory; `DeltaIndex` prepares it so that a
query takes little time. What they find is the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from brightline.match import _delta, _plan, _probe, _slots
from brightline.match._codes import U32, on_a_line, spread
from brightline.match.hamming import HammingIndex, check, frozen
from brightline.match.sieve import Sieve, build_sieve, suits
from brightline.types import I64, PDQ_THRESHOLD, U8

#: the most that the rows may take
MAX_BYTES = 128 << 20
_RECORD_BYTES = 4
_LINE_BYTES = 64
#: records in a row; one size for a whole index
_ROW_SIZES = (_delta.LANES, 2 * _delta.LANES, 4 * _delta.LANES)
_MAX_LIMIT = 2
#: with more, records would have no bits left for fragments that tell enough
_MOST_CODES = 1 << 20
#: codes of which a search holds the results at once
_CHUNK = 1 << 18
#: nanoseconds that a byte may be worth: the first that makes the rows fit is taken
_BYTE_PRICES = (0.0, *(1e-8 * 4.0**step for step in range(9)))

#: rows are made if the cost of a query falls to this part of what it was
_WORTH = 0.9

# nanoseconds on one core, as in `_plan`: finding a row, fetching a line of it, testing records
# at once, and what a query costs beside its slots
_ROW_NS = 10.0
_LINE_NS = 5.0
_TEST_NS = 4.0
_QUERY_NS = 40.0


@dataclass(frozen=True, slots=True)
class _Design:
    """Width and threshold of each slot, how many records are in a row, and ns a query."""

    slots: tuple[tuple[int, int], ...]
    row: int
    cost: float

    @property
    def nbytes(self) -> int:
        """Bytes of the rows."""
        return sum(_row_bytes(width, self.row) for width, _ in self.slots)


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """The arguments of `_delta.probe_rows` that are the list's."""

    slots: I64
    plans: I64
    rows: U32
    row: int


@dataclass(frozen=True, slots=True, eq=False)
class DeltaIndex:
    """A small list of codes, ready for millions of queries; made by `build`, never changed.

    Safe to use from several threads at once.

    How it searches follows from the number of different codes and the radius. Up to 64 codes, a
    query is compared with every code. Up to 10,000, if the radius is at most 32, most of what
    could match a query is passed over by testing bits (`sieve`). Up to some 50,000 every entry
    stands in all the buckets in which a match may look for it, in at most `MAX_BYTES`; a query that
    meets a bucket with more entries than it holds is asked of the next, where buckets hold more,
    and in the end goes the way of larger lists. That is the `HammingIndex` of the list.
    """

    index: HammingIndex
    rows: tuple[_Rows, ...]
    sieve: Sieve | None = None

    @classmethod
    def build(cls, codes: U8, *, radius: int = PDQ_THRESHOLD) -> DeltaIndex:
        """Index `codes` (n, 32), of which any may be equal; an entry is known by its row.

        Raises ValueError if `codes` or `radius` is not of the kind or range that is said here
        (0 to 256).
        """
        return cls.over(HammingIndex.build(codes, radius=radius))

    @classmethod
    def over(cls, index: HammingIndex) -> DeltaIndex:
        """Prepare a list that is indexed already, for the radius that it is indexed for."""
        if suits(index.distinct, index.radius):
            return cls(index, (), build_sieve(index.codes, index.radius))
        designs = _designs(index.distinct, index.widths, index.radius)
        return cls(index, tuple(_build_rows(index, design) for design in designs))

    def __len__(self) -> int:
        """How many entries, equal ones counted each."""
        return len(self.index)

    @property
    def nbytes(self) -> int:
        """Bytes of what is made beside the index; 0 where the list is searched without."""
        sieve = 0 if self.sieve is None else self.sieve.nbytes
        return sieve + sum(rows.rows.nbytes for rows in self.rows)

    def search(self, codes: U8) -> tuple[I64, I64, I64]:
        """Every pair of a query and an entry that differ in at most the radius it was built for.

        codes: (q, 32). Results, their order and errors are those of `HammingIndex.search`.
        """
        radius = self.index.radius
        if self.sieve is None and not self.rows:
            return self.index.search(codes, radius)
        check(codes, radius)
        if self.sieve is not None:
            return self.index.pairs(self.sieve.search(codes))
        none = np.zeros(0, np.int64)
        queries, entries, distances = [none], [none], [none]
        for first in range(0, len(codes), _CHUNK):
            query, entry, distance = self._probed(codes[first : first + _CHUNK], 0)
            queries.append(query + first)
            entries.append(entry)
            distances.append(distance)
        return np.concatenate(queries), np.concatenate(entries), np.concatenate(distances)

    def _probed(self, codes: U8, stage: int) -> tuple[I64, I64, I64]:
        """`search` through the rows from `stage` on, and the index after the last."""
        index = self.index
        if stage == len(self.rows):
            return index.search(codes, index.radius)
        rows = self.rows[stage]
        found, used, left, left_count = _delta.probe_rows(
            frozen(spread(codes)),
            index.codes,
            rows.slots,
            rows.plans,
            rows.rows,
            rows.row,
            index.radius,
            _slots.id_bits(index.distinct),
        )
        probed = index.pairs(found[: 3 * used])
        if left_count == 0:
            return probed
        rest = left[:left_count]
        query, entry, distance = self._probed(codes[rest], stage + 1)
        merged = np.concatenate([probed[0], rest[query]])
        # stable: a query's pairs come all from one of the two, and in order
        order = np.argsort(merged, kind="stable")
        return (
            merged[order],
            np.concatenate([probed[1], entry])[order],
            np.concatenate([probed[2], distance])[order],
        )


def _overflow(load: float, row: int) -> float:
    """The chance that a bucket with `load` records on average has more than `row` of them."""
    term = math.exp(-load)
    within = term
    for records in range(1, row + 1):
        term *= load / records
        within += term
    return max(0.0, 1.0 - within)


def _slot_cost(width: int, limit: int, row: int, codes: int, other: float) -> float:
    """Nanoseconds that a query spends in one slot; `other` is what it costs to be left over."""
    load = codes * _plan.ball_size(width, limit) / 2.0**width
    lines = max(1.0, row * _RECORD_BYTES / _LINE_BYTES)
    tests = row / _delta.LANES
    return _ROW_NS + lines * _LINE_NS + tests * _TEST_NS + other * _overflow(load, row)


def _row_bytes(width: int, row: int) -> int:
    """Bytes of one slot's rows."""
    return (1 << width) * row * _RECORD_BYTES


def _design(codes: int, radius: int, other: float, most_bytes: int) -> _Design | None:
    """The cheapest rows for so many codes, a query that they leave over costing `other` ns.

    None if none of them are a good deal cheaper than that.
    """
    best = None
    least = _WORTH * other
    for row in _ROW_SIZES:
        cost = np.array(
            [
                [_slot_cost(width, limit, row, codes, other) for width in _slots.ALL_WIDTHS]
                for limit in range(_MAX_LIMIT + 1)
            ]
        )
        size = np.array([float(_row_bytes(width, row)) for width in _slots.ALL_WIDTHS])
        for price in _BYTE_PRICES:
            slots = _plan.cheapest_slots(cost + price * size, radius)
            total = sum(cost[limit, width - _slots.MIN_WIDTH] for width, limit in slots)
            design = _Design(slots, row, _QUERY_NS + total)
            if design.nbytes <= most_bytes:
                if slots and design.cost < least:
                    best, least = design, design.cost
                break
    return best


@lru_cache(maxsize=16)
def _designs(codes: int, widths: tuple[int, ...], radius: int) -> tuple[_Design, ...]:
    """The rows for so many codes, in the order in which a query is asked of them.

    None at all if a `HammingIndex` with slots of `widths` is faster.
    """
    designs: tuple[_Design, ...] = ()
    if 0 < codes <= _MOST_CODES and radius < _plan.CODE_BITS:
        other = _plan.search_cost(widths, codes, radius)
        room = MAX_BYTES
        # what is left over by rows that are full is cheap to ask of rows that hold more
        while design := _design(codes, radius, other, room):
            designs = (design, *designs)
            other = design.cost
            room -= design.nbytes
    return designs


def _build_rows(index: HammingIndex, design: _Design) -> _Rows:
    """The rows of an index's different codes."""
    number_bits = _slots.id_bits(index.distinct)
    room = 8 * _RECORD_BYTES - number_bits - _delta.FLIP_BITS
    limits = [limit for _, limit in design.slots]
    table = _slots.slot_table(tuple(width for width, _ in design.slots), room)
    plans = np.zeros((len(limits), _probe.PLAN_COLUMNS), np.int64)
    plans[:, _probe.LIMIT] = limits
    plans[:, _probe.PAIR_LIMIT] = np.add(limits, np.roll(limits, -1)) + 1
    sizes = [1 << width for width, _ in design.slots]
    plans[:, _delta.ROWS] = np.cumsum([0, *sizes[:-1]])
    widths, fragments = table[:, _slots.WIDTH], table[:, _slots.FRAGMENT]
    plans[:, _delta.SHIFT] = np.roll(widths, -1) - fragments
    plans[:, _delta.MASK] = (1 << fragments) - 1
    rows = on_a_line(sum(sizes) * design.row, np.uint32)
    rows[:] = _delta.empty_record(number_bits)
    for k, (width, limit) in enumerate(design.slots):
        masks = _plan.flips(width, limit)
        base = int(plans[k, _delta.ROWS])
        _delta.place_records(index.codes, table[k], masks, number_bits, design.row, base, rows)
    rows.setflags(write=False)
    return _Rows(table, plans, rows, design.row)
