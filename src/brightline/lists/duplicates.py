"""Entries that say the same: found a block at a time, and left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from brightline.lists.collected import LABEL_SEPARATOR, TYPES, Collected, LabelColumns
from brightline.lists.entries import Entries, Labels, gather, words
from brightline.lists.provenance import U32, Mask, Records
from brightline.lists.scratch import IN_MEMORY, Scratch
from brightline.lists.sorting import in_order
from brightline.types import I64, U8, SignalType

_SEPARATOR = LABEL_SEPARATOR.encode()
_PLACE_BITS = np.uint64(32)
_PLACE = np.uint64((1 << 32) - 1)


def finish(collected: Collected) -> tuple[Entries, int]:
    """`gather` and `collapse`."""
    return collapse(gather(collected), collected.scratch)


def collapse(entries: Entries, scratch: Scratch = IN_MEMORY) -> tuple[Entries, int]:
    """Leave out entries that say the same; returns how many.

    Entries are the same if type, value and category are equal and so are their records'
    submitter and source id. The first of them stays in its place, with the labels of all. No
    record is left out, so that each keeps its number.
    """
    stands_for: U32 | None = None
    for signal in TYPES:
        ids = entries.ids(signal, scratch)
        for double, original in _duplicates(entries, signal, ids, scratch):
            if stands_for is None:
                stands_for = _numbered(len(entries), scratch)
            stands_for[ids[double]] = ids[original]
    if stands_for is None:
        return entries, 0
    kept = _without(entries, stands_for, scratch)
    return kept, len(entries) - len(kept)


def _numbered(count: int, scratch: Scratch) -> U32:
    numbers: U32 = scratch.empty(count, np.uint32)
    for part in scratch.blocks(count):
        numbers[part] = np.arange(part.start, part.stop, dtype=np.uint32)
    return numbers


def _duplicates(
    entries: Entries, signal: SignalType, ids: I64, scratch: Scratch
) -> Iterator[tuple[I64, I64]]:
    """Rows of a type equal to an earlier one, and for each the first such row."""
    values = entries.values[signal]
    for order, first in in_order(lambda part: words(values[part, :8])[:, 0], len(values), scratch):
        # digests hardly ever share so many bits: only rows that do are compared in full
        equal = first[1:] == first[:-1]
        near = np.zeros(len(order), np.bool_)
        near[1:] |= equal
        near[:-1] |= equal
        rows = np.sort(order[near])
        if len(rows):
            yield _equal_rows(entries, rows, values[rows], ids[rows])


def _equal_rows(entries: Entries, rows: I64, values: U8, ids: I64) -> tuple[I64, I64]:
    others = np.stack([entries.categories[ids].astype(np.uint64), _origins(entries.records, ids)])
    key = np.concatenate([words(values), others.T], axis=1)
    by_value = np.lexsort(key.T[::-1])
    rows, key = rows[by_value], key[by_value]
    same = np.all(key[1:] == key[:-1], axis=1)
    is_first = np.concatenate(([True], ~same))
    starts = np.flatnonzero(is_first)
    group = np.cumsum(is_first) - 1
    double = np.flatnonzero(same) + 1
    return rows[double], rows[starts[group[double]]]


def _origins(records: Records | None, entries: I64) -> Any:
    """Numbers that are equal for entries whose records have one submitter and source id."""
    if records is None:
        return np.zeros(len(entries), np.uint64)
    unique, inverse = np.unique(records.of[entries], return_inverse=True)
    known: dict[tuple[str, str], int] = {}
    numbers = [
        known.setdefault((row.submitter, row.source_id), len(known))
        for row in records.provenance(unique.astype(np.int64))
    ]
    return np.array(numbers, np.uint64)[inverse]


def _without(entries: Entries, stands_for: U32, scratch: Scratch) -> Entries:
    """The entries that stand for themselves, with the labels of those that they stand for.

    What an entry repeats stands before it, so that categories keep their order of first use.
    """

    def stays(part: slice) -> Mask:
        kept: Mask = stands_for[part] == np.arange(part.start, part.stop)
        return kept

    number: U32 = scratch.empty(len(entries), np.uint32)
    left = 0
    for part in scratch.blocks(len(entries)):
        kept = stays(part)
        number[part] = left + np.cumsum(kept) - 1
        left += int(np.count_nonzero(kept))

    def values(signal: SignalType) -> U8:
        ids = entries.ids(signal, scratch)
        kept: U8 = _kept(
            entries.values[signal], lambda part: stands_for[ids[part]] == ids[part], scratch
        )
        return kept

    records = entries.records
    if records is not None:
        records = replace(records, of=_kept(records.of, stays, scratch))
    return Entries(
        _kept(entries.types, stays, scratch),
        {signal: values(signal) for signal in TYPES},
        _kept(entries.categories, stays, scratch),
        entries.category_names,
        _merge_labels(entries.labels, stands_for, number, scratch),
        records,
        entries.opaque,
    )


def _kept(column: Any, stays: Callable[[slice], Mask], scratch: Scratch) -> Any:
    """The rows of a column that stay."""
    masks = scratch.empty(len(column), np.bool_)
    for part in scratch.blocks(len(column)):
        masks[part] = stays(part)
    count = int(np.count_nonzero(masks))
    shape = count if column.ndim == 1 else (count, column.shape[1])
    kept = scratch.empty(shape, column.dtype)
    done = 0
    for part in scratch.blocks(len(column)):
        rows = column[part][masks[part]]
        kept[done : done + len(rows)] = rows
        done += len(rows)
    return kept


def _merge_labels(labels: Labels, stands_for: U32, number: U32, scratch: Scratch) -> Labels:
    """Every label on the entry that stays, so that none is lost with its entry; each once."""
    count = len(labels.entries)
    # the entry that stays, and the place of a text: sorted, the texts of one stand together
    keys = scratch.empty(count, np.uint64)
    for part in scratch.blocks(count):
        keys[part] = stands_for[labels.entries[part]].astype(np.uint64) << _PLACE_BITS
        keys[part] |= np.arange(part.start, part.stop, dtype=np.uint64)
    keys.sort()
    made = LabelColumns(scratch)
    text = labels.text_view()
    entry, said = -1, b""
    for part in scratch.blocks(count):
        place = (keys[part] & _PLACE).astype(np.int64)
        start = np.where(place > 0, labels.ends[place - 1], 0).tolist()
        end = labels.ends[place].tolist()
        of = number[(keys[part] >> _PLACE_BITS).astype(np.int64)].tolist()
        for one, first, last in zip(of, start, end, strict=True):
            found = bytes(text[first:last])
            if one == entry:
                said += _SEPARATOR + found
                continue
            if said:
                made.add(entry, _once(said))
            entry, said = one, found
    if said:
        made.add(entry, _once(said))
    return Labels(made.entries.whole(), made.ends.whole(), made.text.whole())


def _once(text: bytes) -> bytes:
    return _SEPARATOR.join(dict.fromkeys(text.split(_SEPARATOR)))
