"""What changes do to a list: which entries they remove, and which are really new.

Everything is done with columns: a change costs some tens of bytes, whether there are ten of
them or ten million, and the list's own entries are only ever asked for through its indexes.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from brightline.lists.collected import TYPES, Collected
from brightline.lists.duplicates import collapse
from brightline.lists.entries import Entries, Labels, gather, without_idle_records, words
from brightline.lists.provenance import KEY_BYTES, Mask, Records, source_key
from brightline.lists.segment import Segment
from brightline.match import ExactIndex
from brightline.types import I64, U8, SignalType


class ChangeLog:
    """Changes in columns. Record k of `collected` is the k-th that was added.

    `removed_keys` are `provenance.source_key`s, 16 bytes each, and `key_places[i]` how many
    records were added before the i-th of them was removed; likewise by type for values.
    """

    def __init__(self) -> None:
        self.collected = Collected()
        self.removed_keys = bytearray()
        self.key_places = array("I")
        self.removed_values = {signal: bytearray() for signal in TYPES}
        self.value_places = {signal: array("I") for signal in TYPES}

    def remove_id(self, source_id: str) -> None:
        """All records with an id."""
        self.removed_keys += source_key(source_id)
        self.key_places.append(len(self.collected.records))

    def remove_value(self, signal: SignalType, value: bytes) -> None:
        """All entries with a value; ValueError if it has not its type's width."""
        if len(value) != signal.width:
            raise ValueError("a removed value has not the width of its type")
        self.removed_values[signal] += value
        self.value_places[signal].append(len(self.collected.records))

    def values(self, signal: SignalType) -> U8:
        """(n, width): the values of a type that were removed."""
        return _rows(self.removed_values[signal], signal.width)


@dataclass(frozen=True, slots=True)
class Resolved:
    """The segments with what is removed from them, and what is added after them."""

    segments: tuple[Segment, ...]
    added: Entries
    duplicates: int
    changed: bool


class _Removals:
    """Entries and records of one segment that are removed now, in its own numbers."""

    def __init__(self, segment: Segment) -> None:
        self.segment = segment
        self._entries = np.empty(0, np.int64)
        self._records = np.empty(0, np.int64)

    def take(self, entries: I64) -> None:
        """Remove entries."""
        self._entries = np.union1d(self._entries, entries[self.segment.live(entries)])

    def take_records(self, records: I64) -> None:
        """Remove records with all their entries."""
        self._records = np.union1d(self._records, records)
        start, stop = self._bounds(records)
        length = stop - start
        ends = np.cumsum(length)
        self.take(np.arange(length.sum()) + np.repeat(start - ends + length, length))

    def live(self, entries: I64) -> Mask:
        """Which entries are not removed, neither before nor now."""
        return self.segment.live(entries) & ~np.isin(entries, self._entries)

    def whole(self, records: I64) -> Mask:
        """Which records still have all their entries."""
        removed = np.union1d(self.segment.removed.astype(np.int64), self._entries)
        start, stop = self._bounds(records)
        whole: Mask = np.searchsorted(removed, start) == np.searchsorted(removed, stop)
        return whole

    def applied(self) -> Segment:
        """The segment without them; the very same one if there are none."""
        if not len(self._entries) and not len(self._records):
            return self.segment
        return self.segment.without(self._entries, self._records)

    def _bounds(self, records: I64) -> tuple[I64, I64]:
        """Where the entries of each record begin and end."""
        of = self.segment.records()
        if of is None:
            raise ValueError("the segment has no records")
        # of one type, or numpy would convert the whole mapped column
        wanted = records.astype(of.dtype)
        return np.searchsorted(of, wanted), np.searchsorted(of, wanted, side="right")


def resolve(segments: Sequence[Segment], log: ChangeLog) -> Resolved:
    """Apply changes, in their order, to the entries of some segments."""
    raw = gather(log.collected, always_records=True)
    records = raw.records
    assert records is not None
    keyed = records.keyed()
    keys = records.keys()
    last = _last_of_each(np.flatnonzero(keyed), keys, log)
    keep = last[records.of] & ~_removed_after(raw, records, log)
    lost = np.bincount(records.of[~keep], minlength=len(records)) > 0
    removals = [_Removals(segment) for segment in segments]
    for removal in removals:
        for signal in TYPES:
            _, gone = removal.segment.indexes.search_exact(signal, log.values(signal))
            removal.take(gone)
    # a record that lost an entry is not the one that the list may have already
    candidates = np.flatnonzero(keyed & last & ~lost)
    mentioned = np.concatenate([keys[keyed], _rows(log.removed_keys, KEY_BYTES)])
    same = np.zeros(len(records), np.bool_)
    same[_replace(removals, mentioned, candidates, keys, records.fingerprints)] = True
    entries, duplicates = collapse(raw.select(keep & ~same[records.of], last & ~same))
    entries, known = _drop_known(removals, entries)
    added = without_idle_records(entries)
    after = tuple(removal.applied() for removal in removals)
    changed = len(added) > 0 or added.opaque is not None
    changed |= any(new is not old for new, old in zip(after, segments, strict=True))
    return Resolved(after, added, duplicates + known, changed)


def _last_of_each(keyed: I64, keys: U8, log: ChangeLog) -> Mask:
    """Which records are not replaced by a later one of their id, nor removed by it."""
    last = np.ones(len(keys), np.bool_)
    key = words(keys[keyed])
    order = np.lexsort((keyed, *key.T[::-1]))
    same = np.all(key[order[1:]] == key[order[:-1]], axis=1)
    last[keyed[order[:-1][same]]] = False
    query, row = _equal(_rows(log.removed_keys, KEY_BYTES), keys[keyed])
    places = np.frombuffer(log.key_places, np.uint32)
    last[keyed[query[places[row] > keyed[query]]]] = False
    return last


def _removed_after(raw: Entries, records: Records, log: ChangeLog) -> Mask:
    """Which entries were added before their value was removed."""
    removed = np.zeros(len(raw), np.bool_)
    for signal in TYPES:
        ids = raw.ids(signal)
        query, row = _equal(log.values(signal), raw.values[signal])
        places = np.frombuffer(log.value_places[signal], np.uint32)
        removed[ids[query[places[row] > records.of[ids[query]]]]] = True
    return removed


def _replace(
    removals: Sequence[_Removals], mentioned: U8, candidates: I64, keys: U8, fingerprints: U8
) -> I64:
    """Remove every record whose id is mentioned, but for those that a candidate only repeats.

    Returns these candidates.
    """
    mentioned = np.unique(mentioned, axis=0)
    found = [removal.segment.find_records(mentioned) for removal in removals]
    times = np.bincount(
        np.concatenate([np.empty(0, np.int64), *(query for query, _ in found)]),
        minlength=len(mentioned),
    )
    # the candidate for each id that is mentioned, -1 if there is none
    candidate = np.full(len(mentioned), -1)
    query, row = _equal(keys[candidates], mentioned)
    candidate[query] = candidates[row]
    same = []
    for removal, (query, record) in zip(removals, found, strict=True):
        if not len(record):
            continue
        match = candidate[query]
        repeats = (match >= 0) & (times[query] == 1) & removal.whole(record)
        before = removal.segment.fingerprints(record[repeats])
        repeats[repeats] = np.all(before == fingerprints[match[repeats]], axis=1)
        same.append(match[repeats])
        removal.take_records(record[~repeats])
    return np.concatenate([np.empty(0, np.int64), *same])


def _drop_known(removals: Sequence[_Removals], entries: Entries) -> tuple[Entries, int]:
    """Without the entries that the list has already; returns how many these are.

    Asked are only entries of records without an id: those of others came or went with their
    record. Where the new entry has further labels, it takes the place of the old, with its
    labels too.
    """
    records = entries.records
    assert records is not None
    asked = ~records.keyed()[records.of]
    submitters = records.table["submitter"]
    labels = dict(entries.labels.items())
    keep = np.ones(len(entries), np.bool_)
    for removal in removals:
        segment = removal.segment
        number = {name: code for code, name in enumerate((None, *entries.category_names))}
        categories = np.array([number.get(name, -1) for name in segment.names])
        for signal in TYPES:
            ids = entries.ids(signal)
            which = asked[ids]
            query, old = segment.indexes.search_exact(signal, entries.values[signal][which])
            new = ids[which][query]
            fits = removal.live(old)
            fits &= categories[segment.categories(old)] == entries.categories[new]
            new, old = new[fits], old[fits]
            same = [
                not origin.source_id and origin.submitter == submitters[records.of[one]].as_py()
                for one, origin in zip(new.tolist(), segment.origins(old), strict=True)
            ]
            new, old = new[same], old[same]
            keep[new] = False
            labelled = [place for place, one in enumerate(new.tolist()) if one in labels]
            for place, present in zip(labelled, segment.labels(old[labelled]), strict=True):
                one = int(new[place])
                if not set(labels[one]) <= set(present):
                    removal.take(old[place : place + 1])
                    keep[one] = True
                    labels[one] = tuple(dict.fromkeys((*present, *labels[one])))
    relabelled = replace(entries, labels=Labels.pack({k: labels[k] for k in sorted(labels)}))
    return relabelled.select(keep), int(np.count_nonzero(~keep))


def _equal(values: U8, queries: U8) -> tuple[I64, I64]:
    """Every (query, row of values) that are equal."""
    if not len(values) or not len(queries):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    return ExactIndex.build(values).search(queries)


def _rows(data: bytearray, width: int) -> U8:
    return np.frombuffer(data, np.uint8).reshape(-1, width)
