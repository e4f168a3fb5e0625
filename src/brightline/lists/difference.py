"""What changed between two versions of a list.

Entries that both versions have, in a segment that they share, say the same in both: only the
values of the others can differ. Those are looked up in both versions, a block at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from brightline.lists.collected import TYPES
from brightline.lists.entries_file import read_values
from brightline.lists.provenance import Mask
from brightline.lists.segment import Segment
from brightline.lists.snapshot import HashList
from brightline.types import I64, U8, SignalType


@dataclass(frozen=True, slots=True)
class ListDiff:
    """Counts of values by type, for each type that either version has.

    A value is `recategorised` if both versions have it and its categories differ.
    """

    added: dict[str, int]
    removed: dict[str, int]
    recategorised: dict[str, int]
    unchanged: dict[str, int]


def diff(old: HashList, new: HashList) -> ListDiff:
    """Compare two snapshots in memory that does not grow with them.

    Reads what they do not share, and of what they share the parts that hold an entry that one
    of them removed. DamagedError if a file of those is damaged.
    """
    names: dict[str | None, int] = {None: 0}
    for name in (*old.manifest.categories, *new.manifest.categories):
        names.setdefault(name, len(names))
    before, after = _Side(old, new, names), _Side(new, old, names)
    kinds = [str(t) for t in TYPES if str(t) in {*old.manifest.counts, *new.manifest.counts}]
    result = ListDiff(*(dict.fromkeys(kinds, 0) for _ in range(4)))
    for own in after.own():
        missing, differing = _compare(own, after, before, told=False)
        result.added[own.kind] += missing
        result.recategorised[own.kind] += differing
    for own in before.own():
        missing, differing = _compare(own, before, after, told=True)
        result.removed[own.kind] += missing
        result.recategorised[own.kind] += differing
    for kind in kinds:
        gone = result.removed[kind] + result.recategorised[kind]
        result.unchanged[kind] = before.distinct(SignalType(kind)) - gone
    return result


@dataclass(frozen=True, slots=True)
class _Block:
    """Entries of one type by their numbers, and the value of each."""

    signal: SignalType
    entries: I64
    values: U8

    @property
    def kind(self) -> str:
        return str(self.signal)


class _Side:
    """One of two versions that are compared. Its *own* entries are those the other has not."""

    def __init__(self, version: HashList, other: HashList, names: dict[str | None, int]) -> None:
        self._version = version
        self._others = {segment.folder: segment for segment in other.segments}
        # a place in a segment's names as a number that means the same in both versions;
        # a name of which every entry is removed is in no manifest, and is never asked for
        self._numbers = [
            np.array([names.get(name, -1) for name in segment.names], np.int64)
            for segment in version.segments
        ]
        self.categories = len(names)

    def own(self) -> Iterator[_Block]:
        """Its own entries."""
        for segment in self._version.segments:
            other = self._others.get(segment.folder)
            removed = segment.removed.astype(np.int64)
            if other is None:
                yield from _blocks(segment, None, removed)
            else:
                yield from _blocks(
                    segment, np.setdiff1d(other.removed.astype(np.int64), removed), removed
                )

    def distinct(self, signal: SignalType) -> int:
        """How many different values of a type it has."""
        count = 0
        for place, segment in enumerate(self._version.segments):
            removed = segment.removed.astype(np.int64)
            if place == 0:
                count += segment.indexes.distinct(signal) - _lost(segment, removed, signal)
                continue
            for block in _blocks(segment, None, removed, (signal,)):
                row, entry = self._version.search_exact(signal, block.values)
                first = np.flatnonzero(np.diff(row, prepend=-1))
                count += int(np.count_nonzero(entry[first] == block.entries[row[first]]))
        return count

    def find(self, block: _Block) -> tuple[I64, I64, I64, Mask]:
        """Every (row, entry) of a block's values, the category's number, and which are its own."""
        row, entry = self._version.search_exact(block.signal, block.values)
        category = np.zeros(len(row), np.int64)
        own = np.ones(len(row), np.bool_)
        for segment, numbers in zip(self._version.segments, self._numbers, strict=True):
            local = entry - segment.start
            places = np.flatnonzero((local >= 0) & (local < segment.own.entries))
            category[places] = numbers[segment.categories(local[places])]
            if (other := self._others.get(segment.folder)) is not None:
                own[places] = ~other.live(local[places])
        return row, entry, category, own


def _compare(block: _Block, side: _Side, other: _Side, *, told: bool) -> tuple[int, int]:
    """Of the different values of a side's own entries, how many the other has not, and how many
    it has in other categories; each at its first own entry.

    told: leave out values that are the other's own too, as it has told of them.
    """
    row, entry, category, own = side.find(block)
    there, _, category_there, own_there = other.find(block)
    own_row, own_entry = row[own], entry[own]
    first = np.flatnonzero(np.diff(own_row, prepend=-1))
    counts = np.zeros(len(block.entries), np.bool_)
    counts[own_row[first]] = own_entry[first] == block.entries[own_row[first]]
    if told:
        counts[there[own_there]] = False
    has = np.zeros(len(block.entries), np.bool_)
    has[there] = True
    # each category of a value once, though several records may say it
    width = side.categories
    one_side = np.setxor1d(row * width + category, there * width + category_there)
    differs = np.zeros(len(block.entries), np.bool_)
    differs[one_side // width] = True
    return int(np.count_nonzero(counts & ~has)), int(np.count_nonzero(counts & has & differs))


def _blocks(
    segment: Segment,
    wanted: I64 | None,
    removed: I64,
    signals: tuple[SignalType, ...] = TYPES,
) -> Iterator[_Block]:
    """The wanted entries of a segment (all if not given) without those removed."""
    if wanted is not None and not len(wanted):
        return
    for signal, entries, values in read_values(segment.folder, wanted, signals):
        keep = ~np.isin(entries, removed)
        if np.any(keep):
            yield _Block(signal, entries[keep] + segment.start, values[keep])


def _lost(segment: Segment, removed: I64, signal: SignalType) -> int:
    """Different values of a segment's index of which no entry is left."""
    if not len(removed):
        return 0
    lost = 0
    for block in _blocks(segment, removed, removed[:0], (signal,)):
        row, entry = segment.indexes.search_exact(signal, block.values)
        left = np.zeros(len(block.values), np.bool_)
        left[row[segment.live(entry)]] = True
        first = np.flatnonzero(np.diff(row, prepend=-1))
        is_first = entry[first] == block.entries[row[first]] - segment.start
        lost += int(np.count_nonzero(is_first & ~left[row[first]]))
    return lost
