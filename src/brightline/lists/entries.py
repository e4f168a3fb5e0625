"""The entries of a list as columns: duplicates collapsed, parts taken out and put together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from brightline.lists.collected import LABEL_SEPARATOR, TYPES, Collected
from brightline.lists.provenance import (
    Mask,
    Records,
    Table,
    gather_records,
    joined,
    select_opaque,
    shift_opaque,
)
from brightline.lists.scratch import IN_MEMORY, Scratch
from brightline.types import I64, U8, SignalType

U16 = npt.NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels of the entries that have some, in the order of the entries.

    The labels of entry `entries[k]` end at `ends[k]` in `text`, joined with NUL.
    """

    entries: I64
    ends: I64
    text: bytes | U8

    def text_view(self) -> memoryview:
        """The text without a copy."""
        return memoryview(self.text) if isinstance(self.text, bytes) else self.text.data

    def items(self) -> Iterator[tuple[int, tuple[str, ...]]]:
        """(entry, its labels)."""
        text = self.text_view()
        start = 0
        for part in IN_MEMORY.blocks(len(self.entries)):
            for entry, end in zip(
                self.entries[part].tolist(), self.ends[part].tolist(), strict=True
            ):
                yield entry, tuple(str(text[start:end], "utf-8").split(LABEL_SEPARATOR))
                start = end

    @classmethod
    def pack(cls, labelled: dict[int, tuple[str, ...]]) -> Labels:
        """From a mapping whose keys ascend."""
        texts = [LABEL_SEPARATOR.join(labels).encode("utf-8") for labels in labelled.values()]
        return cls(
            np.fromiter(labelled, np.int64, len(labelled)),
            np.cumsum([len(text) for text in texts], dtype=np.int64),
            b"".join(texts),
        )


@dataclass(frozen=True, slots=True)
class Entries:
    """A list's entries in file order; an entry's id is its position.

    `types` (n,) uint8 codes into `collected.TYPES`; `values[t]` (n of type t, width) uint8 in
    the order of the entries; `categories` (n,) uint16, 0 for none, else the number of a name
    in `category_names` from 1, numbered in order of first use. `records` ties the entries of
    one record together and says where they come from, `opaque` holds the records' signals that
    are not compared (`provenance.OPAQUE_SCHEMA`); None where the list has none.
    """

    types: U8
    values: dict[SignalType, U8]
    categories: U16
    category_names: tuple[str, ...]
    labels: Labels
    records: Records | None = None
    opaque: Table | None = None

    def __len__(self) -> int:
        return len(self.types)

    def ids(self, signal: SignalType, scratch: Scratch = IN_MEMORY) -> I64:
        """Entry ids of one type, ascending: row r of `values[signal]` is entry `ids[r]`."""
        found = scratch.empty(len(self.values[signal]), np.int64)
        code = TYPES.index(signal)
        done = 0
        for part in scratch.blocks(len(self.types)):
            of = np.flatnonzero(self.types[part] == code)
            found[done : done + len(of)] = of + part.start
            done += len(of)
        return found

    def counts(self) -> dict[str, int]:
        """Entries of each type that occurs."""
        return {str(t): len(values) for t, values in self.values.items() if len(values)}

    def category_counts(self) -> dict[str, int]:
        """Entries of each category, in the order of their numbers."""
        counts = np.zeros(len(self.category_names) + 1, np.int64)
        for part in IN_MEMORY.blocks(len(self)):
            counts += np.bincount(self.categories[part], minlength=len(counts))
        return dict(zip(self.category_names, counts[1:].tolist(), strict=True))

    def select(self, keep: Mask, keep_records: Mask | None = None) -> Entries:
        """The entries and records kept (all records if not given), numbered anew.

        An entry is kept only with its record.
        """
        names, categories = _used(self.category_names, self.categories[keep])
        number = np.cumsum(keep) - 1
        records, opaque = self.records, self.opaque
        if records is not None:
            if keep_records is None:
                keep_records = np.ones(len(records), np.bool_)
            records = records.select(keep, keep_records)
            opaque = None if opaque is None else select_opaque(opaque, keep_records)
        return Entries(
            self.types[keep],
            {t: self.values[t][keep[self.ids(t)]] for t in TYPES},
            categories,
            names,
            Labels.pack({int(number[e]): texts for e, texts in self.labels.items() if keep[e]}),
            records,
            opaque,
        )


def without_idle_records(entries: Entries) -> Entries:
    """Without records that have no entry and no opaque signal, or without any if none tells."""
    records, opaque = entries.records, entries.opaque
    if records is None:
        return entries
    used = np.zeros(len(records), np.bool_)
    used[records.of] = True
    if opaque is not None:
        used[opaque["record"].to_numpy()] = True
    elif not records.tell():
        return replace(entries, records=None)
    return entries.select(np.ones(len(entries), np.bool_), used)


def concatenate(parts: Sequence[Entries]) -> Entries:
    """Parts of a list one after another; entries and records are numbered through."""
    names = tuple(dict.fromkeys(name for part in parts for name in part.category_names))
    number = {name: code for code, name in enumerate(("", *names))}
    categories = [
        np.array([0, *(number[name] for name in part.category_names)], np.uint16)[part.categories]
        for part in parts
    ]
    starts = np.cumsum([0, *(len(part) for part in parts)]).tolist()
    labels: dict[int, tuple[str, ...]] = {}
    for start, part in zip(starts, parts, strict=False):
        labels.update((start + entry, texts) for entry, texts in part.labels.items())
    names, numbers = _used(names, np.concatenate([np.empty(0, np.uint16), *categories]))
    records, opaque = _concatenate_records(parts)
    return Entries(
        np.concatenate([np.empty(0, np.uint8), *(part.types for part in parts)]),
        {
            t: np.concatenate(
                [np.empty((0, t.width), np.uint8), *(part.values[t] for part in parts)]
            )
            for t in TYPES
        },
        numbers,
        names,
        Labels.pack(labels),
        records,
        opaque,
    )


def _concatenate_records(parts: Sequence[Entries]) -> tuple[Records | None, Table | None]:
    """A part without records gets one of which nothing is known for each entry."""
    if all(part.records is None for part in parts):
        return None, None
    of, tables, fingerprints, opaque = [], [], [], []
    start = 0
    for part in parts:
        records = part.records or Records.anonymous(len(part))
        of.append(records.of + np.uint32(start))
        tables.append(records.table)
        fingerprints.append(records.fingerprints)
        if part.opaque is not None:
            opaque.append(shift_opaque(part.opaque, start))
        start += len(records)
    return (
        Records(np.concatenate(of), joined(tables), np.concatenate(fingerprints)),
        joined(opaque) if opaque else None,
    )


def _used(names: tuple[str, ...], categories: U16) -> tuple[tuple[str, ...], U16]:
    """Categories renumbered in order of first use; names of no entry are left out."""
    codes, first = np.unique(categories, return_index=True)
    order = codes[np.argsort(first)]
    order = order[order > 0]
    table = np.zeros(len(names) + 1, np.uint16)
    table[order] = np.arange(1, len(order) + 1)
    return tuple(names[code - 1] for code in order.tolist()), table[categories]


def gather(collected: Collected, *, always_records: bool = False) -> Entries:
    """What was read as columns, duplicates and all."""
    records, opaque = gather_records(collected, always_records)
    labels = collected.labels
    return Entries(
        collected.types.whole(),
        {
            signal: collected.values[code].whole().reshape(-1, signal.width)
            for code, signal in enumerate(TYPES)
        },
        collected.categories.whole(),
        tuple(collected.category_names),
        Labels(labels.entries.whole(), labels.ends.whole(), labels.text.whole()),
        records,
        opaque,
    )


def words(values: U8) -> npt.NDArray[np.uint64]:
    """Values (n, w) as big-endian 64-bit words (n, ⌈w/8⌉), so that sorting is a few passes."""
    n, width = values.shape
    if width % 8:
        padded = np.zeros((n, -(-width // 8) * 8), np.uint8)
        padded[:, :width] = values
        values = padded
    return np.ascontiguousarray(values).view(">u8").astype(np.uint64)
