"""Parquet tables: with pictures in byte columns, or metadata only.

With byte columns each cell is an item: `row 12` where the only one is a plain column, else
`row 12, column image[3]`. Rows are numbered from 0 in the file. Byte columns are binary, Hugging
Face's struct of `bytes` and `path`, and lists and structs of these. Fixed-size binary of up to 32
bytes is taken for an identifier, and binary under a digest's name for a digest.

Without byte columns each row is an item, in `Rows` of at most 65,536; inside another archive
row by row, since `Rows` cannot say in which file they lie.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from brightline.sources import columns
from brightline.sources.cells import Plan, cells, plan_of
from brightline.sources.parts import Context, Flowing, Held, Part
from brightline.sources.streams import MIB, BrokenStreamError, MemoryWindow, Window, WindowStream
from brightline.types import Declared, NoContent, Reason

ROWS_AT_ONCE = 65_536
#: expanded bytes of one batch, about, and rows of one at most
BATCH = 16 * MIB
BATCH_ROWS = 512
#: with dictionary encoding a batch may repeat the largest value in each row: it may take so much
REPEATED = 256 * MIB
#: no more rows of a damaged row group than this are listed one by one
MOST_LISTED = 1_000_000


class WindowFile(io.RawIOBase):
    """A window as the seekable file that pyarrow asks for."""

    def __init__(self, window: Window) -> None:
        super().__init__()
        self._window = window
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = (0, self._at, self._window.size)[whence]
        self._at = max(0, base + offset)
        return self._at

    def read(self, size: int = -1) -> bytes:
        left = max(0, self._window.size - self._at)
        data = self._window.pread(self._at, left if size < 0 else min(size, left))
        self._at += len(data)
        return data


@dataclass(frozen=True, slots=True)
class Table:
    """An open Parquet file; `plans` are its byte columns, by column number."""

    file: pq.ParquetFile
    layout: columns.Layout
    plans: tuple[tuple[int, Plan], ...]

    @property
    def group_rows(self) -> list[int]:
        """Rows of each row group."""
        meta = self.file.metadata
        return [meta.row_group(k).num_rows for k in range(meta.num_row_groups)]

    @property
    def group_bytes(self) -> list[int]:
        """Bytes of each row group before compression, as the footer claims.

        pyarrow's metadata of single columns is not asked: with a damaged footer it ends the
        whole process instead of raising (pyarrow 26.0.1, C++ exception in `column()`).
        """
        meta = self.file.metadata
        return [max(0, meta.row_group(k).total_byte_size) for k in range(meta.num_row_groups)]


def open_table(window: Window) -> Table | None:
    """Open a Parquet file, or None where its footer or schema is damaged.

    Raises BrokenStreamError where the bytes below cannot be read.
    """
    try:
        file = pq.ParquetFile(
            WindowFile(window),
            pre_buffer=False,
            buffer_size=MIB,
            page_checksum_verification=True,
        )
        schema = file.schema_arrow
        if any(rows < 0 for rows in Table(file, columns.layout(()), ()).group_rows):
            return None
    except (MemoryError, BrokenStreamError):
        raise
    except Exception:  # noqa: BLE001 - pyarrow raises many kinds on a damaged file
        return None
    plans = []
    for number, field in enumerate(schema):
        plan = None if columns.is_digest_name(field.name) else plan_of(field.type)
        if plan is not None:
            plans.append((number, plan))
    return Table(file, columns.layout(schema.names), tuple(plans))


def parts(
    window: Window, context: Context, start: int = 0, stop: int = -1, prefix: str = ""
) -> Iterator[Part]:
    """The rows of whole row groups between two row numbers.

    Raises BrokenStreamError where the bytes below cannot be read.
    """
    table = open_table(window)
    if table is None:
        locked = window.pread(0, 4) == b"PARE"
        reason = Reason.ENCRYPTED if locked else Reason.DAMAGED_ARCHIVE
        yield NoContent(f"{prefix}(table)", reason)
        return
    first = 0
    for group, count in enumerate(table.group_rows):
        if start <= first and (stop < 0 or first < stop):
            reader = _Group(table, group, first, count, prefix, context)
            yield from reader.parts()
            if reader.spent:
                return
        first += count


def nested_parts(window: Window, prefix: str, context: Context) -> Iterator[Part]:
    """All rows of a table that lies inside another archive."""
    yield from parts(window, context, prefix=prefix)


class _Group:
    """One row group. What of it cannot be read is listed row by row, with one event."""

    def __init__(
        self, table: Table, group: int, first: int, count: int, prefix: str, context: Context
    ) -> None:
        self._table = table
        self._group = group
        self._row = first
        self._end = first + count
        self._prefix = prefix
        self._context = context
        self.spent = False

    def parts(self) -> Iterator[Part]:
        batches = self._batches()
        while True:
            try:
                batch = next(batches, None)
                if batch is None:
                    break
                held = 0 if self._table.plans else batch.nbytes
                self._context.budget.charge(batch.num_rows + held)
                found = self._read(batch)
            except MemoryError:
                raise
            except BrokenStreamError as error:
                if error.reason is not Reason.EXPANSION:
                    raise
                self.spent = True
                yield NoContent(self._prefix or "(expansion limit)", Reason.EXPANSION)
                return
            except Exception:  # noqa: BLE001 - pyarrow raises many kinds on a damaged page
                break
            self._row += batch.num_rows
            yield from found
        if self._row < self._end:
            yield NoContent(f"{self._prefix}(row group {self._group})", Reason.DAMAGED_ARCHIVE)
            for row in range(self._row, min(self._end, self._row + MOST_LISTED)):
                yield NoContent(f"{self._prefix}row {row}", Reason.DAMAGED_MEMBER)

    def _selected(self) -> list[str] | None:
        """The columns that are read; None for all, where names do not tell them apart."""
        table = self._table
        names = table.file.schema_arrow.names
        wanted = [number for number, _ in table.plans]
        wanted += [number for number, _ in table.layout.signals]
        wanted += [
            n
            for n in (table.layout.width, table.layout.height, table.layout.status)
            if n is not None
        ]
        if len(set(names)) < len(names) or any("." in name for name in names):
            return None
        return sorted({names[n] for n in wanted})

    def _batches(self) -> Iterator[pa.RecordBatch]:
        return iter(
            self._table.file.iter_batches(
                batch_size=self._batch_rows(),
                row_groups=[self._group],
                columns=self._selected(),
                use_threads=False,
            )
        )

    def _batch_rows(self) -> int:
        if not self._table.plans:
            return ROWS_AT_ONCE
        size = max(1, self._table.group_bytes[self._group])
        average = max(1, size // max(1, self._end - self._row))
        return max(1, min(BATCH // average, REPEATED // size, BATCH_ROWS))

    def _read(self, batch: pa.RecordBatch) -> Sequence[Part]:
        names = self._table.file.schema_arrow.names
        all_columns: list[Any] = batch.columns
        if self._selected() is not None:
            have = {name: k for k, name in enumerate(batch.schema.names)}
            all_columns = [batch.column(have[n]) if n in have else None for n in names]
        layout = self._table.layout
        if self._table.plans:
            return self._read_cells(batch.num_rows, all_columns)
        if layout.one_each and not self._prefix:
            signals = [(all_columns[n], kind) for n, kind in layout.signals]
            return [columns.rows(signals, self._row, batch.num_rows)]
        return metadata_rows(all_columns, layout, self._row, batch.num_rows, self._prefix)

    def _read_cells(self, count: int, all_columns: list[Any]) -> list[Part]:
        layout = self._table.layout
        names = self._table.file.schema_arrow.names
        said = columns.declared_rows(all_columns, layout, count).declared
        status = None if layout.status is None else all_columns[layout.status].to_pylist()
        plain = len(self._table.plans) == 1 and self._table.plans[0][1].is_plain
        out: list[Part] = []
        values = [(names[n], plan, all_columns[n].to_pylist()) for n, plan in self._table.plans]
        for k in range(count):
            for name, plan, column in values:
                label = f"{self._prefix}row {self._row + k}"
                where = label if plain else f"{label}, column {name}"
                stored = status is None or status[k] in (None, "success")
                for locator, cell in cells(plan, column[k], where):
                    if isinstance(cell, bytes):
                        out.append(self._cell(locator, cell, said[k]))
                    else:
                        null = cell is Reason.NULL_BYTES and not stored
                        reason = Reason.NOT_STORED if null else cell
                        out.append(NoContent(locator, reason, said[k]))
        return out

    def _cell(self, locator: str, data: bytes, said: tuple[Declared, ...]) -> Part:
        self._context.budget.charge(len(data))
        if len(data) > self._context.limits.max_item_bytes:
            return Flowing(locator, WindowStream(MemoryWindow(data)), len(data), said)
        return Held(locator, data, said)


def metadata_rows(
    all_columns: list[Any], layout: columns.Layout, first: int, count: int, prefix: str
) -> list[NoContent]:
    """Rows without bytes as items of their own.

    METADATA_ROW, NO_SIGNAL_COLUMN where nothing was declared, BAD_HASH where a hash is none.
    """
    said = columns.declared_rows(all_columns, layout, count)
    out: list[NoContent] = []
    for k, declared in enumerate(said.declared):
        reason = Reason.METADATA_ROW if declared else Reason.NO_SIGNAL_COLUMN
        if said.bad[k]:
            reason = Reason.BAD_HASH
        out.append(NoContent(f"{prefix}row {first + k}", reason, declared))
    return out
