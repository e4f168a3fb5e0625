"""Snapshots: immutable versions of a list, memory-mapped and shared by processes."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from brightline import storage
from brightline.errors import DamagedError
from brightline.lists.arrays import load
from brightline.lists.content import content_digest, version_digest
from brightline.lists.entries import Entries, concatenate
from brightline.lists.indexes import Indexes
from brightline.lists.manifest import MANIFEST, ListManifest, read_delta, read_manifest
from brightline.lists.provenance import U32, Mask, Provenance
from brightline.lists.segment import Segment, own_facts
from brightline.types import I64, U8, SignalType

_DELTAS = "deltas"


def delta_folder(version: Path, since: str) -> Path:
    """Where `delta.open_delta` compiles what a version adds to another of the same list."""
    return version.parent / _DELTAS / f"{since}..{version.name}"


def removed_file(place: int) -> str:
    """The entries removed from the version's segment at this place."""
    return f"removed-{place}.npy"


def removed_records_file(place: int) -> str:
    """The records removed from the version's segment at this place."""
    return f"removed-records-{place}.npy"


@dataclass(frozen=True, slots=True)
class OpaqueSignal:
    """A signal that only a licensed matcher can compare, with the number of its record."""

    record: int
    value: bytes
    category: str | None


class HashList:
    """An opened version of a list, or what one version adds to another (`open_delta`).

    Opening reads manifests only; indexes and columns are mapped when first asked for, so that
    workers of one machine share their pages. Pickles as its path.

    Entries and records have numbers that mean the same for as long as the version exists: they
    count through its segments, the removed included, so there may be gaps.
    """

    def __init__(self, path: Path, since: str | None = None) -> None:
        """Open the version in a folder; `since` as in `open_delta`, which compiled it before.

        Raises DamagedError if its manifest, or that of a version it builds on, cannot be read.
        """
        self.path = path
        self.since = since
        self.manifest: ListManifest = read_manifest(path)
        self.segments = self._open_segments()
        self._delta: Indexes | None = None
        self._size = self.manifest.entries
        if since is not None:
            folder = delta_folder(path, since)
            delta = read_delta(folder)
            self._delta = Indexes(folder, delta.counts)
            self._size = delta.entries

    def __len__(self) -> int:
        return self._size

    def __reduce__(self) -> tuple[type[HashList], tuple[Path, str | None]]:
        return HashList, (self.path, self.since)

    @property
    def digest(self) -> str:
        """What findings depend on: the version's digest, or for a delta one of both versions."""
        if self.since is None:
            return self.manifest.digest
        base = read_manifest(self.path.parent / self.since)
        text = f"brightline-delta-1\n{base.digest}\n{self.manifest.digest}\n"
        return f"sha256:{hashlib.sha256(text.encode('ascii')).hexdigest()}"

    @property
    def counts(self) -> Mapping[str, int]:
        """Entries by type: those of the version, or for a delta those that were added."""
        return self.manifest.counts if self._delta is None else self._delta.counts

    def expect_many(self) -> None:
        """Say that PDQ codes of a whole archive will be asked for.

        What is found stays the same. Of a small list (`DeltaIndex`) more is then held in memory.
        """
        for indexes in [s.indexes for s in self.segments] if self._delta is None else [self._delta]:
            indexes.expects_many = True

    def search_exact(self, signal: SignalType, values: U8) -> tuple[I64, I64]:
        """Every pair of a value and an entry of that type that are equal.

        values: (q, width of the type). Returns two arrays of one length, sorted: the value's
        row and the entry's number. PDQ codes are compared likewise, without any threshold.
        """
        if self._delta is not None:
            return self._delta.search_exact(signal, values)
        found = []
        for segment in self.segments:
            query, entry = segment.indexes.search_exact(signal, values)
            live = segment.live(entry)
            found.append((query[live], entry[live] + segment.start))
        query, entry = (_joined([pair[k] for pair in found]) for k in range(2))
        order = np.lexsort((entry, query))
        return query[order], entry[order]

    def search_pdq(self, codes: U8, radius: int | None = None) -> tuple[I64, I64, I64]:
        """Every pair of a code and a PDQ entry that differ in at most `radius` bits.

        codes: (q, 32); radius: the list's threshold if not given. Returns three arrays of one
        length, sorted by code and entry: the code's row, the entry's number, the distance.
        """
        if radius is None:
            radius = self.manifest.pdq_threshold
        if self._delta is not None:
            return self._delta.search_pdq(codes, radius)
        found = []
        for segment in self.segments:
            query, entry, distance = segment.indexes.search_pdq(codes, radius)
            live = segment.live(entry)
            found.append((query[live], entry[live] + segment.start, distance[live]))
        query, entry, distance = (_joined([triple[k] for triple in found]) for k in range(3))
        order = np.lexsort((entry, query))
        return query[order], entry[order], distance[order]

    def category(self, entries: Sequence[int] | I64) -> list[str | None]:
        """The category of each of these entries, None for those without; touches only them."""
        wanted = np.asarray(entries, np.int64)
        found: list[str | None] = [None] * len(wanted)
        for segment, places, local in self._split(wanted):
            codes = segment.categories(local).tolist()
            for place, code in zip(places.tolist(), codes, strict=True):
                found[place] = segment.names[code]
        return found

    def provenance(self, entries: Sequence[int] | I64) -> list[Provenance]:
        """Where each of these entries comes from; reads only the parts that hold them."""
        wanted = np.asarray(entries, np.int64)
        found = [Provenance()] * len(wanted)
        for segment, places, local in self._split(wanted):
            for place, row in zip(places.tolist(), segment.origins(local), strict=True):
                found[place] = row
        return found

    def record_provenance(self, records: Sequence[int] | I64) -> list[Provenance]:
        """Where each of these records, as `opaque` numbers them, comes from."""
        wanted = np.asarray(records, np.int64)
        found = [Provenance()] * len(wanted)
        for segment in self.segments:
            local = wanted - segment.start_record
            places = np.flatnonzero((local >= 0) & (local < segment.own.records))
            if len(places):
                rows = segment.provenance(local[places])
                for place, row in zip(places.tolist(), rows, strict=True):
                    found[place] = row
        return found

    def opaque(self, kind: str) -> Iterator[OpaqueSignal]:
        """All signals of an opaque kind, such as "photodna", ascending by record.

        They are read from disk segment by segment. `manifest.opaque` has the kinds.
        """
        for segment in self.segments:
            table = segment.opaque(["record", "kind", "value", "category"])
            if table is None:
                continue
            for batch in table.to_batches(1 << 12):
                for record, found, value, category in zip(
                    *(column.to_pylist() for column in batch.columns), strict=True
                ):
                    if found == kind:
                        number = record + segment.start_record
                        yield OpaqueSignal(number, value, category or None)

    def numbers(self) -> I64:
        """The number of each entry, ascending: row r of `entries()` is entry `numbers()[r]`."""
        if self._delta is not None:
            return np.sort(_joined([self._delta.ids(signal) for signal in SignalType]))
        return _joined([np.flatnonzero(_kept(s)) + s.start for s in self.segments])

    def entries(self) -> Entries:
        """All entries, read into memory and numbered anew from 0; DamagedError if damaged."""
        if len(self.segments) == 1 and self._delta is None:
            return self.segments[0].entries()
        every = concatenate([segment.entries() for segment in self.segments])
        if self._delta is None:
            return every
        whole = _joined([np.flatnonzero(_kept(s)) + s.start for s in self.segments])
        return every.select(np.isin(whole, self.numbers()))

    def verify(self) -> None:
        """Digest every file and the content anew; DamagedError names what is not as it was."""
        self._verify_files(self.path, self.manifest.files)
        if self._delta is not None:
            folder = self._delta.folder
            self._verify_files(folder, read_delta(folder).files)
        counts: Counter[str] = Counter()
        opaque: Counter[str] = Counter()
        for segment in self.segments:
            if segment.folder != self.path:
                self._verify_files(segment.folder, read_manifest(segment.folder).files)
            whole = segment.whole()
            digest = content_digest(whole, self.manifest.settings)
            if own_facts(whole, digest) != segment.own or list(whole.category_counts()) != list(
                segment.own.categories
            ):
                raise _damaged(segment.folder, MANIFEST, "does not describe the entries beside it")
            counts.update(segment.counts())
            opaque.update(segment.opaque_counts())
        digest = version_digest([s.content for s in self.segments], self.manifest.settings)
        categories = category_counts(self.segments)
        if (
            digest != self.manifest.digest
            or not self.path.name.endswith(f"-{digest.removeprefix('sha256:')[:12]}")
            or +counts != self.manifest.counts
            or +opaque != self.manifest.opaque
            or counts.total() != self.manifest.entries
            or list(categories.items()) != list(self.manifest.categories.items())
        ):
            raise _damaged(self.path, MANIFEST, "does not describe the entries beside it")

    def _open_segments(self) -> tuple[Segment, ...]:
        found: list[Segment] = []
        start = start_record = 0
        for place, reference in enumerate(self.manifest.segments):
            if reference.version == self.manifest.version:
                folder, own = self.path, self.manifest.own
            else:
                folder = self.path.parent / reference.version
                own = read_manifest(folder).own
            if own is None:
                raise _damaged(folder, MANIFEST, "names no entries, and a later version needs some")
            removed = (
                self._removed(removed_file(place), reference.removed, own.entries),
                self._removed(removed_records_file(place), reference.removed_records, own.records),
            )
            found.append(Segment(folder, own, start, start_record, removed))
            start += own.entries
            start_record += own.records
        return tuple(found)

    def _removed(self, name: str, count: int, size: int) -> U32:
        """A file of removed numbers, checked; empty without a file if nothing is removed."""
        if not count:
            return np.empty(0, np.uint32)
        try:
            numbers: U32 = load(self.path / name)
        except (OSError, ValueError, EOFError):
            raise _damaged(self.path, name, "is missing or damaged") from None
        if (
            numbers.dtype != np.uint32
            or numbers.shape != (count,)
            or np.any(numbers[1:] <= numbers[:-1])
            or numbers[-1] >= size
        ):
            raise _damaged(self.path, name, "is damaged")
        return numbers

    def _split(self, wanted: I64) -> Iterator[tuple[Segment, I64, I64]]:
        """Segments with the places of the wanted entries they hold and their own numbers."""
        for segment in self.segments:
            local = wanted - segment.start
            places = np.flatnonzero((local >= 0) & (local < segment.own.entries))
            if len(places):
                yield segment, places, local[places]

    @staticmethod
    def _verify_files(folder: Path, expected: Mapping[str, str]) -> None:
        found = {
            path.relative_to(folder).as_posix()
            for path in folder.rglob("*")
            if path.is_file() and path.name != MANIFEST
        }
        for file in sorted(expected.keys() | found):
            if file not in found:
                raise _damaged(folder, file, "is missing")
            if storage.sha256_file(folder / file) != expected.get(file):
                raise _damaged(folder, file, "is not what the snapshot's manifest says")


def category_counts(segments: Sequence[Segment]) -> dict[str, int]:
    """Entries that are not removed by category, in order of first use, without those of none."""
    counts: dict[str, int] = {}
    for segment in segments:
        removed = segment.categories(segment.removed.astype(np.int64))
        gone = np.bincount(removed, minlength=len(segment.names))[1:].tolist()
        for (name, count), less in zip(segment.own.categories.items(), gone, strict=True):
            if count > less:
                counts[name] = counts.get(name, 0) + count - less
    return counts


def _kept(segment: Segment) -> Mask:
    keep = np.ones(segment.own.entries, np.bool_)
    keep[segment.removed] = False
    return keep


def _joined(parts: Sequence[I64]) -> I64:
    return np.concatenate([np.empty(0, np.int64), *parts])


def _damaged(folder: Path, file: str, trouble: str) -> DamagedError:
    return DamagedError(f"{folder / file} {trouble}; remove {folder} and import the list again")
