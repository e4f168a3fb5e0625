"""A list's entries put together again as the records they came in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from brightline.lists.collected import TYPES
from brightline.lists.entries import Entries
from brightline.lists.provenance import Provenance
from brightline.types import SignalType

_BATCH = 1 << 13
_UNKNOWN = Provenance()


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry; `category` is empty for none."""

    signal: SignalType
    value: bytes
    category: str
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """The entries of one record, its opaque signals as (kind, value), and where it is from."""

    entries: tuple[Entry, ...]
    opaque: tuple[tuple[str, bytes], ...] = ()
    provenance: Provenance = _UNKNOWN


def groups(entries: Entries) -> Iterator[Group]:
    """All records in order, those without an entry too.

    Without a column of records each entry is a record of its own.
    """
    each = _each(entries)
    if entries.records is None:
        for entry in each:
            yield Group((entry,))
        return
    of = entries.records.of
    opaque = _opaque(entries)
    kept = next(opaque, None)
    for start in range(0, len(entries.records), _BATCH):
        stop = min(start + _BATCH, len(entries.records))
        numbers = np.arange(start, stop, dtype=np.int64)
        bounds = np.searchsorted(of, np.arange(start, stop + 1))
        counts = np.diff(bounds).tolist()
        origins = entries.records.provenance(numbers)
        for record, count, origin in zip(range(start, stop), counts, origins, strict=True):
            mine: list[tuple[str, bytes]] = []
            while kept is not None and kept[0] == record:
                mine.append(kept[1])
                kept = next(opaque, None)
            yield Group(tuple(next(each) for _ in range(count)), tuple(mine), origin)


def _each(entries: Entries) -> Iterator[Entry]:
    names = ("", *entries.category_names)
    rows = {signal: iter(entries.values[signal]) for signal in TYPES}
    labels = entries.labels.items()
    pending = next(labels, None)
    for start in range(0, len(entries), _BATCH):
        types = entries.types[start : start + _BATCH].tolist()
        categories = entries.categories[start : start + _BATCH].tolist()
        for number, code in enumerate(types):
            mine: tuple[str, ...] = ()
            if pending is not None and pending[0] == start + number:
                mine = pending[1]
                pending = next(labels, None)
            signal = TYPES[code]
            yield Entry(signal, next(rows[signal]).tobytes(), names[categories[number]], mine)


def _opaque(entries: Entries) -> Iterator[tuple[int, tuple[str, bytes]]]:
    """(record, (kind, value)) of the opaque signals, by record."""
    if entries.opaque is None:
        return
    for batch in entries.opaque.sort_by("record").to_batches(_BATCH):
        for row in batch.to_pylist():
            yield row["record"], (row["kind"], row["value"])
