"""Equality look-up of digests, in memory or mapped from a file.

Values are kept sorted, as 64-bit words read big-endian, and found through a directory of
buckets by their highest bits, a quarter to a half full (`_cells`: four bits a bucket). Most
values that are not listed meet an empty bucket and cost one cache line. A bucket is searched by
bisection, so that a list made to share its highest bits costs O(log n) a look-up, no more.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from brightline.kernels import leaf
from brightline.match import _file
from brightline.match._bits import prefetch, swapped
from brightline.match._cells import (
    CELL_BITS,
    bucket_range,
    cell_count,
    fill_cells,
    spill_size,
)
from brightline.match._codes import U32, U64, WORDS, gather, on_a_line, sort_rows
from brightline.types import I64, U8

_KIND = "exact"
#: bytes of a value, as in md5, sha1 and sha256
_VALUE_BYTES = (16, 20, 32)
_WORD_BYTES = 8
_MOST_ENTRIES = 2**32 - 1
_MAX_WIDTH = 30
#: values that are looked up together, so that what they need is fetched before it is read
_AHEAD = 64
#: values for which the results of a look-up are held at once
_CHUNK = 1 << 18

#: what a look-up returns for an index that contradicts itself
DAMAGED = -1
_ONE = np.uint64(1)


def directory_width(values: int) -> int:
    """Bits that choose a bucket: the least that make at least twice as many as values."""
    return min(_MAX_WIDTH, max(CELL_BITS, (2 * values - 1).bit_length() if values > 0 else 0))


@leaf
def _bucket_starts(rows: U64, words: int, width: int, starts: I64) -> None:
    """Fill `starts` (2**width + 1,) with where each bucket of the sorted rows begins."""
    starts[:] = 0
    shift = np.uint64(64 - width)
    for i in range(0, rows.size, words):
        starts[np.int64(rows[i] >> shift) + 1] += 1
    for b in range(starts.size - 1):
        starts[b + 1] += starts[b]


@leaf
def _order(rows: U64, row: int, values: U64, value: int, words: int) -> int:
    """-1, 0 or 1 as a row is before, equal to or after a value."""
    for word in range(words):
        left = rows[row * words + word]
        right = swapped(values[value * words + word])
        if left != right:
            return -1 if left < right else 1
    return 0


@leaf
def _look_up(
    values: U64,
    rows: U64,
    words: int,
    cells: U64,
    spill: U32,
    width: int,
    work: I64,
    queries: I64,
    found: I64,
) -> int:
    """Note which values there are, in `queries`, and the row of each, in `found`.

    values: flat, `words` a value, as their bytes lie in memory. rows: the same of big-endian
    words, sorted and distinct. work: room for 4 × _AHEAD. Returns how many there are, or
    DAMAGED.
    """
    n = rows.size // words
    shift = np.uint64(64 - width)
    used = 0
    for first in range(0, values.size // words, _AHEAD):
        last = min(first + _AHEAD, values.size // words)
        for i in range(first, last):
            bucket = np.int64(swapped(values[i * words]) >> shift)
            work[i - first] = bucket
            prefetch(cells, (bucket >> CELL_BITS) * 4)
        # not a branch: which buckets are empty cannot be predicted
        occupied = 0
        for i in range(last - first):
            at = (work[i] >> CELL_BITS) * 4
            union = cells[at + 1] | cells[at + 2] | cells[at + 3]
            work[_AHEAD + occupied] = i
            occupied += int((union >> np.uint64(work[i] & 63)) & _ONE)
        for j in range(occupied):
            bucket = work[work[_AHEAD + j]]
            begin, end = bucket_range(cells, (bucket >> CELL_BITS) * 4, bucket & 63, spill, n)
            if end < 0:
                return DAMAGED
            prefetch(rows, ((begin + end) >> 1) * words)
            work[2 * _AHEAD + j] = begin
            work[3 * _AHEAD + j] = end
        for j in range(occupied):
            value = first + work[_AHEAD + j]
            low = work[2 * _AHEAD + j]
            high = work[3 * _AHEAD + j]
            while low < high:
                middle = (low + high) >> 1
                order = _order(rows, middle, values, value, words)
                if order == 0:
                    queries[used] = value
                    found[used] = middle
                    used += 1
                    break
                if order < 0:
                    low = middle + 1
                else:
                    high = middle
    return used


@dataclass(frozen=True, slots=True, eq=False)
class ExactIndex:
    """A list of digests of one width; made by `build` or `open`, and never changed.

    Safe to use from several threads at once. An index from `open` shares its memory with every
    process that opened the same file.
    """

    path: Path | None
    width: int
    rows: U64
    entry_starts: U32
    entries: U32
    cells: U64
    spill: U32

    @classmethod
    def build(cls, values: U8) -> ExactIndex:
        """Index `values` (n, 16 or 20 or 32), of which any may be equal; an entry is its row.

        Takes O(n log n), and about three times the memory of the result.
        Raises ValueError if `values` is not of that kind.
        """
        if values.dtype != np.uint8 or values.ndim != 2 or values.shape[1] not in _VALUE_BYTES:
            raise ValueError("values are an array of uint8 of shape (n, 16), (n, 20) or (n, 32)")
        if len(values) > _MOST_ENTRIES:
            raise ValueError("an index holds fewer than 2**32 entries")
        words = _words(values)
        order, firsts = sort_rows(words)
        rows = gather(words, order[firsts])
        bits = directory_width(len(firsts))
        bucket_starts = np.empty((1 << bits) + 1, np.int64)
        _bucket_starts(rows, words.shape[1], bits, bucket_starts)
        cells = on_a_line(cell_count(bits) * WORDS, np.uint64)
        spill = np.empty(spill_size(bucket_starts), np.uint32)
        fill_cells(bucket_starts, cells, spill, 0)
        starts = np.append(firsts, len(values)) if len(firsts) < len(values) else firsts[:0]
        index = cls(
            path=None,
            width=values.shape[1],
            rows=rows,
            entry_starts=starts.astype(np.uint32),
            entries=order.astype(np.uint32),
            cells=cells,
            spill=spill,
        )
        for array in index._arrays().values():
            array.setflags(write=False)
        return index

    def save(self, path: Path) -> None:
        """Write the index as one file, as a whole or not at all."""
        parameters = {
            "entries": len(self.entries),
            "values": self._distinct(),
            "width": self.width,
        }
        _file.save(path, _KIND, parameters, self._arrays())

    @classmethod
    def open(cls, path: Path) -> ExactIndex:
        """Map an index that `save` wrote; takes the same time whatever its size.

        Raises DamagedError if the file is missing, cut, or not such an index.
        """
        file = _file.load(path, _KIND)
        width = file.number("width")
        values = file.number("values")
        entries = file.number("entries")
        if width not in _VALUE_BYTES or not values <= entries <= _MOST_ENTRIES:
            raise _file.damaged(path)
        return cls(
            path=path,
            width=width,
            rows=file.array("rows", "<u8", values * _word_count(width)),
            entry_starts=file.array("entry_starts", "<u4", values + 1 if values < entries else 0),
            entries=file.array("entries", "<u4", entries),
            cells=file.array("cells", "<u8", cell_count(directory_width(values)) * WORDS),
            spill=file.array("spill", "<u4"),
        )

    def __len__(self) -> int:
        """How many entries, equal ones counted each."""
        return len(self.entries)

    def search(self, values: U8) -> tuple[I64, I64]:
        """Every pair of a query and an entry that are equal.

        values: (q, w) with the width of what was built. Returns two arrays of one length: the
        query's row in `values` and the entry's row in what was built; sorted by query, then by
        entry. Raises ValueError for other shapes or types, and DamagedError if the index's file
        turns out to be damaged.
        """
        if values.dtype != np.uint8 or values.ndim != 2 or values.shape[1] != self.width:
            raise ValueError(f"values are an array of uint8 of shape (n, {self.width})")
        queries: list[I64] = [np.zeros(0, np.int64)]
        rows: list[I64] = [np.zeros(0, np.int64)]
        most = min(len(values), _CHUNK)
        work = np.empty(4 * _AHEAD, np.int64)
        query, row = np.empty(most, np.int64), np.empty(most, np.int64)
        for first in range(0, len(values), _CHUNK):
            flat = _as_stored(values[first : first + _CHUNK])
            used = _look_up(
                flat,
                self.rows,
                _word_count(self.width),
                self.cells,
                self.spill,
                directory_width(self._distinct()),
                work,
                query,
                row,
            )
            if used == DAMAGED:
                raise self._damaged()
            queries.append(query[:used] + first)
            rows.append(row[:used].copy())
        return self._pairs(np.concatenate(queries), np.concatenate(rows))

    def _pairs(self, query: I64, row: I64) -> tuple[I64, I64]:
        """Pairs of query and row as sorted pairs of query and entry."""
        if len(self.entry_starts) == 0:
            place = row
        else:
            first = self.entry_starts[row].astype(np.int64)
            copies = self.entry_starts[row + 1].astype(np.int64) - first
            if copies.size > 0 and (copies.min() < 1 or (first + copies).max() > len(self)):
                raise self._damaged()
            ends = np.cumsum(copies)
            place = np.repeat(first, copies)
            place += np.arange(len(place)) - np.repeat(ends - copies, copies)
            query = np.repeat(query, copies)
        entry = self.entries[place].astype(np.int64)
        if entry.size > 0 and entry.max() >= len(self):
            raise self._damaged()
        # equal values stand in the order of their entries already, and queries were in order
        return query, entry

    def _distinct(self) -> int:
        return len(self.rows) // _word_count(self.width)

    def _damaged(self) -> Exception:
        return _file.damaged(self.path or Path("the index"))

    def _arrays(self) -> dict[str, _file.Array]:
        """The arrays by the names that they have in a file."""
        return {
            "rows": self.rows,
            "entry_starts": self.entry_starts,
            "entries": self.entries,
            "cells": self.cells,
            "spill": self.spill,
        }


def _word_count(width: int) -> int:
    """Words that hold `width` bytes."""
    return -(-width // _WORD_BYTES)


def _as_stored(values: U8) -> U64:
    """Values (n, w) as words (n · ⌈w / 8⌉,), padded, in the order of their bytes in memory."""
    padding = _word_count(values.shape[1]) * _WORD_BYTES - values.shape[1]
    if padding:
        whole = np.zeros((len(values), values.shape[1] + padding), np.uint8)
        whole[:, :-padding] = values
    else:
        whole = np.ascontiguousarray(values)
    # bytes cut out of a buffer may begin anywhere
    words = np.require(whole.view("<u8").reshape(-1), np.uint64, ["ALIGNED"])
    words.setflags(write=False)
    return words


def _words(values: U8) -> U64:
    """Values (n, w) as words (n, ⌈w / 8⌉) that compare as the bytes do."""
    return _as_stored(values).byteswap().reshape(len(values), _word_count(values.shape[1]))
