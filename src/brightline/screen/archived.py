"""Matching a signal archive against lists, by columns.

Values are searched as they lie in the file, some row groups at a time, because each search has
its price, and only columns of which some list has entries. A row becomes Python objects only if a
value of it was found; those go through `matching.Probes` like items that were just read, so that
what is said of them is the same to the letter. Archives of versions before 2 have no
`views.pipeline`: all are `full`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from brightline.lists import HashList
from brightline.screen.matching import ADDRESS, AS_STORED, COLUMN, STORED, Probes
from brightline.signals.perceive import PARTIAL
from brightline.signals.pipelines import SIDE, belongs, is_resized
from brightline.types import EXACT_TYPES, I64, U8, Kind, Match, Pipeline, Reason, SignalType

_DIGESTS = (SignalType.MD5, SignalType.SHA1, SignalType.SHA256)
#: rows, and bytes of the columns that are read, that are searched at once if several groups are
_ROWS = 1 << 17
_BYTES = 24 << 20


@dataclass(frozen=True, slots=True)
class Hit:
    """A match of an archived item: its place in the shard, and what a finding says of it."""

    ordinal: int
    locator: str
    kind: Kind
    sha256: str | None
    match: Match


@dataclass(frozen=True, slots=True)
class Stretch:
    """So many consecutive rows, and every match among them in an audit's order."""

    rows: int
    hits: tuple[Hit, ...]


class ArchiveReader:
    """An archive's rows, read from memory that holds or maps the whole file.

    Raises pyarrow.ArrowException or ValueError for what is not an archive.
    """

    def __init__(self, data: pa.Buffer) -> None:
        """Read the footer."""
        self._file = pq.ParquetFile(pa.BufferReader(data))
        self._metadata = self._file.metadata
        schema = self._metadata.schema
        self._leaves = {schema.column(k).path: k for k in range(len(schema))}
        missing = {"item", "outcome", "sha256", "pdq", "pdq_quality"} - self._leaves.keys()
        if missing:
            raise ValueError(f"no column {min(missing)}")

    @property
    def rows(self) -> int:
        """Items in the archive."""
        return int(self._metadata.num_rows)

    def match(self, lists: Sequence[HashList]) -> Iterator[Stretch]:
        """Search all rows, some row groups of the file at a time, in order."""
        wanted = _wanted(lists)
        first = 0
        for groups in self._spans(wanted):
            sizes = [self._metadata.row_group(group).num_rows for group in groups]
            found = self._candidates(groups, wanted, lists)
            hits: list[Hit] = []
            start = 0
            for group, rows in zip(groups, sizes, strict=True):
                within = found[(found >= start) & (found < start + rows)] - start
                if len(within):
                    hits += self._hits(group, within, first + start, lists)
                start += rows
            yield Stretch(start, tuple(hits))
            first += start

    def _spans(self, wanted: list[str]) -> Iterator[list[int]]:
        """Consecutive row groups that are searched together."""
        numbers = [self._leaves[name] for name in wanted if name in self._leaves]
        span: list[int] = []
        rows = size = 0
        for group in range(self._metadata.num_row_groups):
            facts = self._metadata.row_group(group)
            bytes_of_group = sum(facts.column(k).total_uncompressed_size for k in numbers)
            if span and (rows + facts.num_rows > _ROWS or size + bytes_of_group > _BYTES):
                yield span
                span, rows, size = [], 0, 0
            span.append(group)
            rows += facts.num_rows
            size += bytes_of_group
        if span:
            yield span

    def _candidates(self, groups: list[int], wanted: list[str], lists: Sequence[HashList]) -> I64:
        """The rows, counted from the first group's first, that at least one list may match."""
        columns = [name for name in wanted if any(self._has_values(g, name) for g in groups)]
        if not columns:
            return np.empty(0, np.int64)
        found = [np.empty(0, np.int64)]
        row = 0
        for batch in self._batches(groups, columns):
            found += [rows + row for rows in _search(_Batch(batch), lists)]
            row += batch.num_rows
        return np.unique(np.concatenate(found))

    def _batches(self, groups: list[int], columns: list[str]) -> Iterator[pa.RecordBatch]:
        # labels inside lists cannot be put together from several groups (Arrow: not implemented)
        nested = any("." in name for name in columns)
        for some in [[group] for group in groups] if nested else [groups]:
            yield from self._file.read_row_groups(some, columns, use_threads=False).to_batches()

    def _has_values(self, group: int, leaf: str) -> bool:
        """Whether a column of the file may hold anything there, by the footer."""
        number = self._leaves.get(leaf)
        if number is None:
            return False
        chunk = self._metadata.row_group(group).column(number)
        facts = chunk.statistics
        return facts is None or not facts.has_null_count or facts.null_count < chunk.num_values

    def _hits(self, group: int, rows: I64, first: int, lists: Sequence[HashList]) -> Iterator[Hit]:
        """Match single rows as an audit matches items."""
        table = self._file.read_row_group(group, use_threads=False).take(pa.array(rows))
        items = table.to_pylist()
        probes = Probes()
        for place, item in enumerate(items):
            _add(probes, place, item)
        for place, match in probes.match(lists):
            item = items[place]
            yield Hit(
                ordinal=first + int(rows[place]),
                locator=item["item"],
                kind=Kind(item["outcome"]),
                sha256=item["sha256"].hex() if item["sha256"] is not None else None,
                match=match,
            )


def _wanted(lists: Sequence[HashList]) -> list[str]:
    """The leaves of the file that tell which rows a list may match."""
    exact = [t for t in EXACT_TYPES if any(of.counts.get(t, 0) for of in lists)]
    names = [str(signal) for signal in exact if signal in _DIGESTS]
    names += [f"declared.list.element.{signal}" for signal in exact]
    if any(of.counts.get(SignalType.PDQ, 0) for of in lists):
        names += ["pdq", "pdq_quality"]
        names += [f"views.list.element.{part}" for part in ("pdq", "quality", "pipeline")]
        if any(of.manifest.pipeline not in (Pipeline.FULL, Pipeline.UNKNOWN) for of in lists):
            names += ["width", "height"]
    return names


class _Batch:
    """Columns of some rows as numpy sees them."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        self._batch = batch
        self._names = set(batch.schema.names)

    def values(self, name: str) -> tuple[U8, I64] | None:
        """A column's values that are not null, (n, width), and their rows."""
        if name not in self._names:
            return None
        return _present(self._batch.column(name))

    def inside(self, name: str, part: str) -> tuple[U8, I64, I64] | None:
        """As `values` for one field of a column's lists, with the elements' own places."""
        split = self._elements(name)
        if split is None or split[0].type.get_field_index(part) < 0:
            return None
        elements, owners = split
        values, places = _present(elements.field(part))
        return values, owners[places], places

    def numbers(self, name: str) -> I64:
        """A column of numbers, 0 for null."""
        return _numbers(self._batch.column(name))

    def numbers_inside(self, name: str, part: str) -> I64:
        """The numbers of all elements of a column's lists."""
        split = self._elements(name)
        assert split is not None
        return _numbers(split[0].field(part))

    def names_inside(self, name: str, part: str) -> tuple[list[str], I64] | None:
        """The labels of all elements of a column's lists: the labels there are, and which."""
        split = self._elements(name)
        if split is None or split[0].type.get_field_index(part) < 0:
            return None
        labels = split[0].field(part)
        if not pa.types.is_dictionary(labels.type):
            labels = labels.dictionary_encode()
        return labels.dictionary.to_pylist(), _numbers(labels.indices)

    def _elements(self, name: str) -> tuple[pa.StructArray, I64] | None:
        if name not in self._names:
            return None
        lists = self._batch.column(name)
        ends = np.asarray(lists.offsets).astype(np.int64)
        owners = np.repeat(np.arange(len(lists)), np.diff(ends))
        return lists.values.slice(ends[0], ends[-1] - ends[0]), owners


def _present(array: pa.Array) -> tuple[U8, I64]:
    """Fixed-size binary values that are not null, without a copy where none is."""
    width = array.type.byte_width
    data = array.buffers()[1]
    if data is None:
        return np.empty((0, width), np.uint8), np.empty(0, np.int64)
    flat = np.frombuffer(data, np.uint8)
    start = array.offset * width
    whole = flat[start : start + len(array) * width].reshape(-1, width)
    if not array.null_count:
        return whole, np.arange(len(whole))
    rows = np.flatnonzero(array.is_valid().to_numpy(zero_copy_only=False))
    return whole[rows], rows


def _numbers(array: pa.Array) -> I64:
    filled = array.fill_null(0) if array.null_count else array
    return np.asarray(filled.to_numpy(zero_copy_only=False), np.int64)


def _search(batch: _Batch, lists: Sequence[HashList]) -> Iterator[I64]:
    """Rows of which some value is found, in no order and more than once."""
    for signal in EXACT_TYPES:
        columns = [batch.inside("declared", signal)]
        stored = batch.values(signal) if signal in _DIGESTS else None
        for found in (stored, *columns):
            if found is None or not len(found[0]):
                continue
            values, rows = found[0], found[1]
            for of in lists:
                if of.counts.get(signal, 0):
                    yield rows[of.search_exact(signal, values)[0]]
    for of in lists:
        if of.counts.get(SignalType.PDQ, 0):
            yield from _near(batch, of)


def _near(batch: _Batch, of: HashList) -> Iterator[I64]:
    """Rows with a code near one of the list's; some that `Probes` will refuse may be among."""
    least = of.manifest.pdq_min_quality
    stored = batch.values("pdq")
    if stored is not None and len(stored[0]):
        codes, rows = stored
        usable = batch.numbers("pdq_quality")[rows] >= least
        if not belongs(Pipeline.FULL, of.manifest.pipeline, resized=True):
            longer = np.maximum(batch.numbers("width"), batch.numbers("height"))[rows]
            usable &= longer <= SIDE
        yield rows[_chosen(of, codes, usable)]
    views = batch.inside("views", "pdq")
    if views is not None and len(views[0]):
        codes, rows, places = views
        usable = batch.numbers_inside("views", "quality")[places] >= least
        named = batch.names_inside("views", "pipeline")
        if named is not None:
            names, which = named
            fits = np.array([_may_belong(name, of.manifest.pipeline) for name in names], bool)
            usable &= fits[which[places]]
        yield rows[_chosen(of, codes, usable)]


def _chosen(of: HashList, codes: U8, usable: npt.NDArray[np.bool_]) -> I64:
    """Which of the usable codes are near an entry."""
    if usable.all():
        return of.search_pdq(codes)[0]
    places = np.flatnonzero(usable)
    return places[of.search_pdq(codes[places])[0]]


def _may_belong(name: str, to: Pipeline) -> bool:
    """Whether a further view is compared with such a list, for some size of picture."""
    return belongs(name, to, resized=True) or belongs(name, Pipeline.FULL, resized=True)


def _add(probes: Probes, owner: int, row: dict[str, Any]) -> None:
    """An archived row's signals, in the order in which an audit adds an item's."""
    if row["sha256"] is not None:
        for signal in _DIGESTS:
            probes.add_exact(owner, signal, row[signal], STORED)
    resized = is_resized(row["width"], row["height"])
    if row["pdq"] is not None:
        via = PARTIAL if row["reason"] == Reason.TRUNCATED_IMAGE.code else STORED
        pipeline = row["pdq_pipeline"] or str(Pipeline.FULL)
        probes.add_code(owner, row["pdq"], via, AS_STORED, row["pdq_quality"], pipeline, resized)
    for view in row["views"] or ():
        pipeline = view.get("pipeline") or row["pdq_pipeline"] or str(Pipeline.FULL)
        probes.add_code(
            owner,
            view["pdq"],
            view["via"],
            view["orientation"],
            view["quality"],
            pipeline,
            resized,
        )
    for original in row["declared"] or ():
        for signal in EXACT_TYPES:
            if original[signal] is not None:
                via = ADDRESS if signal is SignalType.URL else COLUMN
                probes.add_exact(owner, signal, original[signal], via)
