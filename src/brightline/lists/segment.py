"""Segments: entries that were compiled together, of which later versions may remove some."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from brightline.errors import DamagedError
from brightline.lists.arrays import load
from brightline.lists.collected import CODE, TYPES
from brightline.lists.compiling import exact_index
from brightline.lists.content import SegmentContent
from brightline.lists.entries import U16, Entries
from brightline.lists.entries_file import (
    FINGERPRINTS,
    read_entries_file,
    read_labels,
    read_opaque,
    read_provenance,
    write_entries,
)
from brightline.lists.indexes import Indexes, write_indexes
from brightline.lists.manifest import Own
from brightline.lists.provenance import (
    KEY_BYTES,
    OPAQUE_SCHEMA,
    U32,
    Mask,
    Provenance,
    Table,
    opaque_counts,
)
from brightline.lists.scratch import IN_MEMORY, Scratch
from brightline.match import ExactIndex
from brightline.types import I64, U8, SignalType

CATEGORY_FILE = "category.npy"
RECORD_FILE = "record.npy"
SOURCE_INDEX = "source.idx"
SOURCE_RECORDS = "source.records.npy"


def own_facts(entries: Entries, digest: str) -> Own:
    """What a manifest says of entries that are compiled together."""
    return Own(
        entries=len(entries),
        records=0 if entries.records is None else len(entries.records),
        counts=entries.counts(),
        categories=entries.category_counts(),
        opaque=opaque_counts(entries.opaque),
        digest=digest,
    )


def write_segment(
    folder: Path, entries: Entries, pdq_threshold: int, scratch: Scratch = IN_MEMORY
) -> None:
    """Write entries and everything that is compiled from them; ListError if a disk is full."""
    write_entries(folder, entries)
    np.save(folder / CATEGORY_FILE, entries.categories)
    ids = {t: entries.ids(t, scratch) for t in TYPES}
    write_indexes(folder, entries.values, ids, pdq_threshold, scratch)
    del ids
    if entries.records is None:
        return
    np.save(folder / RECORD_FILE, entries.records.of)
    keyed, keys = entries.records.by_key(scratch)
    if len(keyed):
        exact_index(keys, scratch).save(folder / SOURCE_INDEX)
        np.save(folder / SOURCE_RECORDS, keyed)


class Segment:
    """The entries of one segment that a version has not removed.

    Numbers of entries and records are those of the version: the segment's own, from 0, plus
    where it starts. Everything is mapped when first asked for.
    """

    def __init__(
        self, folder: Path, own: Own, start: int, start_record: int, removed: tuple[U32, U32]
    ) -> None:
        """`removed` are entries and records, in the segment's own numbers, ascending."""
        self.folder = folder
        self.own = own
        self.start = start
        self.start_record = start_record
        self.removed, self.removed_records = removed
        self.indexes = Indexes(folder, own.counts)
        self.names: tuple[str | None, ...] = (None, *own.categories)
        self._categories: U16 | None = None
        self._records: U32 | None = None
        self._sources: tuple[ExactIndex, I64] | None = None
        self._fingerprints: U8 | None = None

    @property
    def content(self) -> SegmentContent:
        """For the digest of the version."""
        return SegmentContent(self.own.digest, self.removed, self.removed_records)

    def live(self, entries: I64) -> Mask:
        """Which of these entries, in the segment's own numbers, are not removed."""
        return ~_among(entries, self.removed)

    def codes(self, entries: I64) -> U8:
        """The type of each of these entries, as a code; their own numbers."""
        found = np.zeros(len(entries), np.uint8)
        for signal in TYPES:
            found[_among(entries, self.indexes.ids(signal))] = CODE[signal]
        return found

    def categories(self, entries: I64) -> U16:
        """The category of each of these entries as a place in `names`; their own numbers."""
        if self._categories is None:
            # an empty file cannot be mapped
            path = self.indexes.file(CATEGORY_FILE)
            self._categories = (
                load(path, mapped=True) if self.own.entries else np.empty(0, np.uint16)
            )
        return np.asarray(self._categories[entries])

    def records(self) -> U32 | None:
        """(entries,): the record of each entry, never falling; None if there are none."""
        if not self.own.records:
            return None
        if self._records is None:
            path = self.indexes.file(RECORD_FILE)
            # opaque signals may be all there is, and an empty file cannot be mapped
            self._records = load(path, mapped=True) if self.own.entries else np.empty(0, np.uint32)
        return self._records

    def find_records(self, keys: U8) -> tuple[I64, I64]:
        """Every (query, record) with that `provenance.source_key` that is not removed, sorted.

        keys: (q, 16). Records have their own numbers.
        """
        if not (self.folder / SOURCE_INDEX).exists() or not len(keys):
            return np.empty(0, np.int64), np.empty(0, np.int64)
        if self._sources is None:
            index = ExactIndex.open(self.folder / SOURCE_INDEX)
            numbers = load(self.indexes.file(SOURCE_RECORDS), mapped=True)
            if index.width != KEY_BYTES:
                raise DamagedError(
                    f"{self.folder / SOURCE_INDEX} is damaged: import the list again"
                )
            self._sources = index, numbers
        index, numbers = self._sources
        query, row = index.search(keys)
        record = np.asarray(numbers[row])
        live = ~_among(record, self.removed_records)
        return query[live], record[live]

    def fingerprints(self, records: I64) -> U8:
        """(n, 16) of these records, in their own numbers."""
        if self._fingerprints is None:
            self._fingerprints = load(self.indexes.file(FINGERPRINTS), mapped=True)
        return np.asarray(self._fingerprints[records])

    def provenance(self, records: I64) -> list[Provenance]:
        """Where these records, in their own numbers, come from; there must be records."""
        return read_provenance(self.folder, records)

    def origins(self, entries: I64) -> list[Provenance]:
        """Where these entries, in their own numbers, come from."""
        of = self.records()
        if of is None:
            return [Provenance()] * len(entries)
        return self.provenance(np.asarray(of[entries], np.int64))

    def labels(self, entries: I64) -> list[tuple[str, ...]]:
        """The labels of these entries, in their own numbers."""
        return read_labels(self.folder, entries)

    def opaque(self, columns: Sequence[str] = OPAQUE_SCHEMA.names) -> Table | None:
        """The opaque signals of records that are not removed, with their own numbers.

        `columns` of OPAQUE_SCHEMA, `record` the first of them.
        """
        if not self.own.opaque:
            return None
        table = read_opaque(self.folder, columns)
        if not len(self.removed_records):
            return table
        of = table["record"].to_numpy().astype(np.int64)
        return table.filter(~_among(of, self.removed_records))

    def opaque_counts(self) -> dict[str, int]:
        """Opaque signals by kind, of records that are not removed."""
        if not len(self.removed_records):
            return self.own.opaque
        return opaque_counts(self.opaque(["record", "kind"]))

    def counts(self) -> dict[str, int]:
        """Entries that are not removed by type."""
        gone = np.bincount(self.codes(self.removed.astype(np.int64)), minlength=len(TYPES))
        return {
            kind: count - int(gone[CODE[SignalType(kind)]])
            for kind, count in self.own.counts.items()
        }

    def without(self, removed: I64, removed_records: I64) -> Segment:
        """The same segment with more entries and records removed, in its own numbers."""
        return Segment(
            self.folder,
            self.own,
            self.start,
            self.start_record,
            (
                np.union1d(self.removed, removed).astype(np.uint32),
                np.union1d(self.removed_records, removed_records).astype(np.uint32),
            ),
        )

    def whole(self) -> Entries:
        """All entries, removed or not, read into memory; DamagedError if a file is damaged."""
        return read_entries_file(self.folder, tuple(self.own.categories))

    def entries(self) -> Entries:
        """The entries and records that are not removed, read into memory, numbered anew."""
        whole = self.whole()
        if not len(self.removed) + len(self.removed_records):
            return whole
        keep = np.ones(len(whole), np.bool_)
        keep[self.removed] = False
        if whole.records is None:
            return whole.select(keep)
        records = np.ones(len(whole.records), np.bool_)
        records[self.removed_records] = False
        return whole.select(keep, records)


def _among(numbers: I64, ascending: U32 | I64) -> Mask:
    """Which numbers are in an ascending array; touches as little of it as it can."""
    if not len(ascending):
        return np.zeros(len(numbers), np.bool_)
    # of one type, or numpy would convert the whole column
    place = np.searchsorted(ascending, numbers.astype(ascending.dtype))
    return np.asarray(ascending[np.minimum(place, len(ascending) - 1)] == numbers)
