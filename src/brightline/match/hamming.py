"""Exact radius search over 256-bit PDQ codes, in memory or mapped from a file.

Every entry within the radius of every query is found, always; `_probe` argues why, and the
tests compare with brute force. How it is found, through slots or by a scan, is `_plan`'s choice.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from brightline.match import _file, _plan, _probe, _scan, _slots
from brightline.match._codes import U32, U64, WORDS, gather, sort_rows, spread
from brightline.types import I64, PDQ_THRESHOLD, U8

_KIND = "hamming"
_CODE_BYTES = 32
_CODE_BITS = 256
#: numbers of entries and codes are kept in 32 bits
_MOST_ENTRIES = 2**32 - 1


@dataclass(frozen=True, slots=True, eq=False)
class HammingIndex:
    """A list of codes, ready to be searched; made by `build` or `open`, and never changed.

    Safe to use from several threads at once. An index from `open` shares its memory with every
    process that opened the same file.
    """

    path: Path | None
    radius: int
    widths: tuple[int, ...]
    codes: U64
    entry_starts: U32
    entries: U32
    slots: _slots.Slots

    @classmethod
    def build(cls, codes: U8, *, radius: int = PDQ_THRESHOLD) -> HammingIndex:
        """Index `codes` (n, 32), of which any may be equal; an entry is known by its row.

        `radius` is what the index is made fast for: a search with any other is as exact.
        Takes O(n log n), and about twice the memory of the result.
        Raises ValueError if `codes` or `radius` is not of the kind or range that is said here.
        """
        check(codes, radius)
        if len(codes) > _MOST_ENTRIES:
            raise ValueError("an index holds fewer than 2**32 entries")
        words = spread(codes).reshape(-1, WORDS)
        order, firsts = sort_rows(words)
        distinct = gather(words, order[firsts])
        widths = _plan.design(len(firsts), radius)
        starts = np.append(firsts, len(codes)) if len(firsts) < len(codes) else firsts[:0]
        index = cls(
            path=None,
            radius=radius,
            widths=widths,
            codes=distinct,
            entry_starts=starts.astype(np.uint32),
            entries=order.astype(np.uint32),
            slots=_slots.build_slots(distinct, widths),
        )
        for array in index._arrays().values():
            array.setflags(write=False)
        return index

    def save(self, path: Path) -> None:
        """Write the index as one file, as a whole or not at all."""
        parameters = {
            "entries": len(self.entries),
            "codes": self.distinct,
            "radius": self.radius,
            "widths": list(self.widths),
        }
        _file.save(path, _KIND, parameters, self._arrays())

    @classmethod
    def open(cls, path: Path) -> HammingIndex:
        """Map an index that `save` wrote; takes the same time whatever its size.

        Raises DamagedError if the file is missing, cut, or not such an index.
        """
        file = _file.load(path, _KIND)
        widths = _widths(file)
        codes = file.number("codes")
        entries = file.number("entries")
        if not (codes <= entries <= _MOST_ENTRIES and (codes > 0) == (entries > 0)):
            raise _file.damaged(path)
        sizes = _slots.slot_sizes(widths, codes)
        return cls(
            path=path,
            radius=file.number("radius"),
            widths=widths,
            codes=file.array("codes", "<u8", codes * WORDS),
            entry_starts=file.array("entry_starts", "<u4", codes + 1 if codes < entries else 0),
            entries=file.array("entries", "<u4", entries),
            slots=_slots.Slots(
                cells=file.array("cells", "<u8", sizes.cells),
                spill=file.array("spill", "<u4"),
                starts=file.array("starts", "<u4", sizes.starts),
                records=file.array("records", "|u1", sizes.records),
            ),
        )

    def __len__(self) -> int:
        """How many entries, equal ones counted each."""
        return len(self.entries)

    @property
    def distinct(self) -> int:
        """How many different codes there are among the entries."""
        return len(self.codes) // WORDS

    def search(self, codes: U8, radius: int) -> tuple[I64, I64, I64]:
        """Every pair of a query and an entry that differ in at most `radius` bits.

        codes: (q, 32). Returns three arrays of one length: the query's row in `codes`, the
        entry's row in what was built, and their distance; sorted by query, then by entry.
        Memory grows with the number of pairs.
        Raises ValueError for other shapes, types or radii (0 to 256), and DamagedError if the
        index's file turns out to be damaged.
        """
        check(codes, radius)
        count = self.distinct
        allocation = _plan.allocate(self.widths, count, radius)
        scan_cost = _plan.scan_cost(count, radius, len(codes))
        if allocation is None or allocation.cost >= scan_cost:
            return self._scanned(codes, radius)
        # a query that meets so many records is cheaper to compare with every code
        most_records = int(scan_cost / _plan.ENTRY_NS)
        return self._probed(codes, radius, allocation.limits, most_records)

    def _scanned(self, codes: U8, radius: int) -> tuple[I64, I64, I64]:
        """`search` by comparing with every code."""
        found, count = _scan.scan(frozen(spread(codes)), np.arange(len(codes)), self.codes, radius)
        return self.pairs(found[: 3 * count])

    def _probed(
        self, codes: U8, radius: int, limits: tuple[int, ...], most_records: int
    ) -> tuple[I64, I64, I64]:
        """`search` through the slots with these thresholds, where at most so many records met."""
        count = self.distinct
        tables = _plan.tables(self.widths, count, limits)
        sizes = np.array(
            [
                radius,
                _slots.id_bits(count),
                _slots.record_bytes(count),
                tables.runs,
                most_records,
            ],
            np.int64,
        )
        queries = frozen(spread(codes))
        found, used, left, left_count, state = _probe.probe(
            queries,
            self.codes,
            _slots.slot_table(self.widths, _slots.fragment_bits(count)),
            tables.plans,
            tables.masks,
            tables.ball,
            self.slots.cells,
            self.slots.spill,
            self.slots.starts,
            self.slots.records,
            sizes,
        )
        if state == _probe.DAMAGED:
            raise self._damaged()
        found = found[: 3 * used]
        if left_count > 0:
            more, used = _scan.scan(queries, left[:left_count], self.codes, radius)
            found = np.concatenate([found, more[: 3 * used]])
        return self.pairs(found)

    def pairs(self, found: I64) -> tuple[I64, I64, I64]:
        """Triples (query, code, distance) as sorted pairs of query and entry."""
        query, code, distance = found.reshape(-1, 3).T
        if len(self.entry_starts) > 0:
            first = self.entry_starts[code].astype(np.int64)
            copies = self.entry_starts[code + 1].astype(np.int64) - first
            if copies.size > 0 and (copies.min() < 1 or (first + copies).max() > len(self)):
                raise self._damaged()
            query = np.repeat(query, copies)
            distance = np.repeat(distance, copies)
            ends = np.cumsum(copies)
            within = np.arange(len(query)) - np.repeat(ends - copies, copies)
            place = np.repeat(first, copies) + within
        else:
            place = code
        entry = self.entries[place].astype(np.int64)
        if entry.size > 0 and entry.max() >= len(self):
            raise self._damaged()
        order = np.lexsort((entry, query))
        return query[order], entry[order], distance[order]

    def _damaged(self) -> Exception:
        return _file.damaged(self.path or Path("the index"))

    def _arrays(self) -> dict[str, _file.Array]:
        """The arrays by the names that they have in a file."""
        return {
            "codes": self.codes,
            "entry_starts": self.entry_starts,
            "entries": self.entries,
            "cells": self.slots.cells,
            "spill": self.slots.spill,
            "starts": self.slots.starts,
            "records": self.slots.records,
        }


def frozen(words: U64) -> U64:
    """The same array, read-only like a mapped one, so that a kernel is compiled once."""
    words.setflags(write=False)
    return words


def _widths(file: _file.IndexFile) -> tuple[int, ...]:
    """The slots' widths of a file. Raises DamagedError if they are none."""
    widths = file.parameters.get("widths")
    if not isinstance(widths, list) or not all(
        type(width) is int and _slots.MIN_WIDTH <= width <= _slots.MAX_WIDTH for width in widths
    ):
        raise _file.damaged(file.path)
    if sum(widths) > _CODE_BITS or (widths and file.number("codes") == 0):
        raise _file.damaged(file.path)
    return tuple(widths)


def check(codes: U8, radius: int) -> None:
    """Raise ValueError for what is not an array of codes or not a radius."""
    if codes.dtype != np.uint8 or codes.ndim != 2 or codes.shape[1] != _CODE_BYTES:
        raise ValueError("codes are an array of uint8 of shape (n, 32)")
    if not 0 <= radius <= _CODE_BITS:
        raise ValueError("a radius is 0 to 256 bits")
