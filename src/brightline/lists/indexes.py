"""The compiled indexes of a folder: from values to the numbers of entries."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from brightline.errors import DamagedError
from brightline.lists.arrays import load
from brightline.lists.compiling import exact_index, hamming_index
from brightline.lists.scratch import IN_MEMORY, Scratch
from brightline.match import DeltaIndex, ExactIndex, HammingIndex, SiftedIndex
from brightline.types import EXACT_TYPES, I64, U8, SignalType

#: so many codes asked for by one process, and preparing a small list for more pays (`DeltaIndex`)
WORTH_PREPARING = 1 << 16


def index_file(signal: SignalType) -> str:
    """The compiled index of one type."""
    return f"{signal}.idx"


def entry_ids_file(signal: SignalType) -> str:
    """Which entry each row of that index is."""
    return f"{signal}.entries.npy"


def write_indexes(
    folder: Path,
    values: Mapping[SignalType, U8],
    ids: Mapping[SignalType, I64],
    pdq_threshold: int,
    scratch: Scratch = IN_MEMORY,
) -> None:
    """Compile values; row r of `values[t]` is entry `ids[t][r]`, ascending."""
    for signal in EXACT_TYPES:
        if len(values[signal]):
            exact_index(values[signal], scratch).save(folder / index_file(signal))
            np.save(folder / entry_ids_file(signal), ids[signal])
    if len(codes := values[SignalType.PDQ]):
        index = hamming_index(codes, pdq_threshold, scratch)
        index.save(folder / index_file(SignalType.PDQ))
        np.save(folder / entry_ids_file(SignalType.PDQ), ids[SignalType.PDQ])


class Indexes:
    """The indexes in a folder, mapped when first asked for.

    `counts` says which types it has; `expects_many` that an archive's worth of PDQ codes will be
    asked for, which may take memory to prepare for.
    """

    def __init__(self, folder: Path, counts: Mapping[str, int]) -> None:
        self.folder = folder
        self.counts = counts
        self._exact: dict[SignalType, ExactIndex] = {}
        self._sifted: dict[SignalType, SiftedIndex] = {}
        self._pdq: HammingIndex | None = None
        self.expects_many = False
        self._in_bulk: DeltaIndex | None = None
        self._searched = 0
        self._ids: dict[SignalType, I64] = {}

    def ids(self, signal: SignalType) -> I64:
        """(rows,) int64: the entries of a type, ascending."""
        if not self.counts.get(signal, 0):
            return np.empty(0, np.int64)
        if signal not in self._ids:
            path = self.file(entry_ids_file(signal))
            self._ids[signal] = load(path, mapped=True)
        return self._ids[signal]

    def search_exact(self, signal: SignalType, values: U8) -> tuple[I64, I64]:
        """Every (query, entry) that are equal, sorted; values (q, width of the type)."""
        if signal is SignalType.PDQ:
            query, entry, _ = self.search_pdq(values, 0)
            return query, entry
        if not self.counts.get(signal, 0) or not len(values):
            return np.empty(0, np.int64), np.empty(0, np.int64)
        query, row = self._equal(signal, values)
        return query, np.asarray(self.ids(signal)[row])

    def search_pdq(self, codes: U8, radius: int) -> tuple[I64, I64, I64]:
        """Every (query, entry, distance) within the radius, sorted; codes (q, 32)."""
        if not self.counts.get(SignalType.PDQ, 0) or not len(codes):
            return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int64)
        query, row, distance = self._near(self._codes(), codes, radius)
        return query, np.asarray(self.ids(SignalType.PDQ)[row]), distance

    def distinct(self, signal: SignalType) -> int:
        """How many different values of a type there are."""
        if not self.counts.get(signal, 0):
            return 0
        index = self._codes() if signal is SignalType.PDQ else self._opened(signal)
        # without a list of starts, all differ
        return len(index.entry_starts) - 1 if len(index.entry_starts) else len(index)

    def _opened(self, signal: SignalType) -> ExactIndex:
        if signal not in self._exact:
            self._exact[signal] = ExactIndex.open(self.file(index_file(signal)))
        return self._exact[signal]

    def _codes(self) -> HammingIndex:
        if self._pdq is None:
            self._pdq = HammingIndex.open(self.file(index_file(SignalType.PDQ)))
        return self._pdq

    def _equal(self, signal: SignalType, values: U8) -> tuple[I64, I64]:
        index = self._opened(signal)
        if not self.expects_many or not SiftedIndex.suits(index):
            return index.search(values)
        if signal not in self._sifted:
            self._sifted[signal] = SiftedIndex.over(index)
        return self._sifted[signal].search(values)

    def _near(self, index: HammingIndex, codes: U8, radius: int) -> tuple[I64, I64, I64]:
        """Search the index, or what is made of it once an archive's worth of codes was asked."""
        if not self.expects_many or radius != index.radius:
            return index.search(codes, radius)
        self._searched += len(codes)
        if self._searched < WORTH_PREPARING:
            return index.search(codes, radius)
        if self._in_bulk is None:
            self._in_bulk = DeltaIndex.over(index)
        return self._in_bulk.search(codes)

    def file(self, name: str) -> Path:
        """A file of the folder; DamagedError if it is missing."""
        path = self.folder / name
        if not path.exists():
            raise DamagedError(f"{path} is missing; remove {self.folder} and import the list again")
        return path
