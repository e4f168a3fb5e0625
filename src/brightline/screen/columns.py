"""Columns of a signal archive as numpy sees them, some row groups of the file at a time.

Values that lie in the file as they are (`pages`) are copied, once, to where their neighbours of
other groups are; pyarrow decodes the rest. Only the columns that are asked for are touched.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from brightline.screen.pages import plain_values
from brightline.types import I64, U8

#: rows, and bytes of the columns that are read, that are searched at once if several groups are
_ROWS = 1 << 17
_BYTES = 24 << 20
_NEEDED = frozenset({"item", "outcome", "sha256", "pdq", "pdq_quality"})


class Room:
    """Memory for the values that are searched at once, used again for the next.

    Fresh memory for each would have to be cleared by the system page by page, which takes longer
    than what is done in it.
    """

    def __init__(self) -> None:
        """Takes nothing yet."""
        self._bytes: dict[int, U8] = {}

    def joined(self, parts: Sequence[U8]) -> U8:
        """Parts, each (n, width), one after the other; overwritten when that width is next
        asked for."""
        rows, width = sum(map(len, parts)), parts[0].shape[1]
        room = self._bytes.get(width)
        if room is None or len(room) < rows:
            room = self._bytes[width] = np.empty((rows, width), np.uint8)
        return np.concatenate(parts, out=room[:rows])


class Columns:
    """An archive's columns, read from memory that holds or maps the whole file.

    Raises pyarrow.ArrowException or ValueError for what is not an archive.
    """

    def __init__(self, data: pa.Buffer, room: Room) -> None:
        """Read the footer."""
        self.room = room
        self.file = pq.ParquetFile(pa.BufferReader(data))
        self._bytes: U8 = np.frombuffer(data, np.uint8)
        self._metadata = self.file.metadata
        schema = self._metadata.schema
        self._leaves = {schema.column(k).path: k for k in range(len(schema))}
        if missing := _NEEDED - self._leaves.keys():
            raise ValueError(f"no column {min(missing)}")

    @property
    def rows(self) -> int:
        """Items in the archive."""
        return int(self._metadata.num_rows)

    def spans(self, wanted: Sequence[str]) -> Iterator[Span]:
        """All row groups in order, some consecutive ones at a time, because each search has its
        price. wanted: leaves of the file, as `views.list.element.pdq`."""
        numbers = [self._leaves[name] for name in wanted if name in self._leaves]
        span = Span(self)
        size = 0
        for group in range(self._metadata.num_row_groups):
            facts = self._metadata.row_group(group)
            bytes_of_group = sum(facts.column(k).total_uncompressed_size for k in numbers)
            if span.groups and (
                span.rows + facts.num_rows > _ROWS or size + bytes_of_group > _BYTES
            ):
                yield span
                span, size = Span(self), 0
            span.groups.append((group, span.rows, facts.num_rows))
            span.rows += facts.num_rows
            size += bytes_of_group
        if span.groups:
            yield span

    def has_values(self, group: int, leaf: str) -> bool:
        """Whether a leaf of the file may hold anything in a row group, by the footer."""
        number = self._leaves.get(leaf)
        if number is None:
            return False
        chunk = self._metadata.row_group(group).column(number)
        facts = chunk.statistics
        return facts is None or not facts.has_null_count or facts.null_count < chunk.num_values

    def present(self, group: int, name: str) -> tuple[list[U8], I64 | None]:
        """A column's values that are not null, in one or more parts, each (n, width).

        With them the rows that they are in, None for all; where some are null there is one part.
        """
        number = self._leaves[name]
        width = self._metadata.schema.column(number).length
        chunk = self._metadata.row_group(group).column(number)
        if pages := plain_values(self._bytes, chunk, width):
            return list(pages), None
        if not self.has_values(group, name):
            return [], np.empty(0, np.int64)
        values, rows = _present(self.read([group], name))
        return [values], rows

    def read(self, groups: Sequence[int], name: str) -> pa.Array:
        """A column of some row groups."""
        column = self.file.read_row_groups(groups, [name], use_threads=False).column(0)
        return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


class Span:
    """Consecutive row groups. `groups`: number, first row within the span, and rows of each."""

    def __init__(self, columns: Columns) -> None:
        """Empty at first; `Columns.spans` fills it."""
        self.groups: list[tuple[int, int, int]] = []
        self.rows = 0
        self._columns = columns

    def parts(self, name: str) -> Iterator[tuple[U8, I64]]:
        """A column's values that are not null, (n, width), where they lie, and their rows."""
        for group, first, _ in self.groups:
            parts, within = self._columns.present(group, name)
            start = first
            for values in parts:
                rows = np.arange(start, start + len(values)) if within is None else within + first
                yield values, rows
                start += len(values)

    def values(self, name: str) -> tuple[U8, I64 | None]:
        """A column's values that are not null, (n, width), and their rows; None for all rows.

        The values lie in the room, and are overwritten by the next ones.
        """
        parts: list[U8] = []
        places: list[I64] = []
        whole = True
        for group, first, rows in self.groups:
            some, within = self._columns.present(group, name)
            parts += some
            whole = whole and within is None
            places.append((np.arange(rows) if within is None else within) + first)
        if not parts:
            return np.empty((0, 0), np.uint8), np.empty(0, np.int64)
        # a copy too where there is one part only: those of a file may begin at any address
        return self._columns.room.joined(parts), None if whole else np.concatenate(places)

    def numbers(self, name: str) -> npt.NDArray[np.integer[Any]]:
        """A column of numbers, 0 for null."""
        return _numbers(self._columns.read([group for group, _, _ in self.groups], name))

    def inside(self, column: str, parts: Sequence[str]) -> Iterator[Inside]:
        """The elements of a column's lists, for each row group that has any of these parts."""
        for group, first, _ in self.groups:
            leaves = [f"{column}.list.element.{part}" for part in parts]
            if any(self._columns.has_values(group, leaf) for leaf in leaves):
                # labels inside lists cannot be put together from groups (Arrow: not implemented)
                table = self._columns.file.read_row_group(group, leaves, use_threads=False)
                for batch in table.to_batches():
                    yield Inside(batch.column(0), first)
                    first += batch.num_rows


class Inside:
    """Elements of the lists of some consecutive rows."""

    def __init__(self, lists: pa.ListArray, first: int) -> None:
        """first: the row of the first list."""
        ends = np.asarray(lists.offsets).astype(np.int64)
        self._owners = np.repeat(np.arange(first, first + len(lists)), np.diff(ends))
        self._elements = lists.values.slice(ends[0], ends[-1] - ends[0])

    def values(self, part: str) -> tuple[U8, I64, I64]:
        """Values that are not null, (n, width), the rows that they belong to, and which elements
        they are of."""
        if self._elements.type.get_field_index(part) < 0:
            return np.empty((0, 0), np.uint8), np.empty(0, np.int64), np.empty(0, np.int64)
        values, places = _present(self._elements.field(part))
        return values, self._owners[places], places

    def numbers(self, part: str) -> npt.NDArray[np.integer[Any]]:
        """A number of each element, 0 for null."""
        return _numbers(self._elements.field(part))

    def names(self, part: str) -> tuple[list[str], npt.NDArray[np.integer[Any]]] | None:
        """The labels there are, and which each element has; None without such a part."""
        if self._elements.type.get_field_index(part) < 0:
            return None
        labels = self._elements.field(part)
        if not pa.types.is_dictionary(labels.type):
            labels = labels.dictionary_encode()
        return labels.dictionary.to_pylist(), _numbers(labels.indices)


def _present(array: pa.Array) -> tuple[U8, I64]:
    """Fixed-size binary values that are not null, without a copy where none is, and places."""
    width = array.type.byte_width
    data = array.buffers()[1]
    if data is None:
        return np.empty((0, width), np.uint8), np.empty(0, np.int64)
    flat: U8 = np.frombuffer(data, np.uint8)
    start = array.offset * width
    whole = flat[start : start + len(array) * width].reshape(-1, width)
    if not array.null_count:
        return whole, np.arange(len(whole))
    rows = np.flatnonzero(array.is_valid().to_numpy(zero_copy_only=False))
    return whole[rows], rows


def _numbers(array: pa.Array) -> npt.NDArray[np.integer[Any]]:
    filled = array.fill_null(0) if array.null_count else array
    return np.asarray(filled.to_numpy(zero_copy_only=False))
