"""Metadata as delimited text: CSV and TSV whose header names a hash or address column.

Read as RFC 4180: quotes may hold delimiters and line ends. The delimiter is the one with which
the header makes sense. Text without such a header is a plain file. Rows are numbered from 0,
the header not counted; blank lines are no rows.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from brightline.sources import columns
from brightline.sources.parquet import ROWS_AT_ONCE, metadata_rows
from brightline.sources.parts import Part
from brightline.sources.streams import BrokenStreamError, Stream
from brightline.types import NoContent, Reason, Rows

#: bytes in which the header must lie
SNIFFED = 64 << 10
#: characters of one line that are looked at together
LONGEST_LINE = 1 << 20
END = "(end of table)"
_MOST_COLUMNS = 1000
_DELIMITERS = ",\t;|"
_ENCODINGS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True)
class TextLayout:
    """How the text is written, and which columns hold what."""

    encoding: str
    delimiter: str
    fields: int
    columns: columns.Layout


def detect(head: bytes, *, alone: bool = True) -> TextLayout | None:
    """The layout by the first line, or None if this is no metadata table.

    `alone` allows a header of one column, which any short text could be.
    """
    encoding = next((name for bom, name in _ENCODINGS if head.startswith(bom)), "utf-8")
    if encoding != "utf-16" and b"\0" in head[:1024]:
        return None
    text = head.decode(encoding, "replace").lstrip("\r\n")
    line = text.splitlines()[0] if text else ""
    if not line or len(line) == len(text) or (not line.isprintable() and "\t" not in line):
        return None
    best: TextLayout | None = None
    for delimiter in _DELIMITERS:
        try:
            names = next(csv.reader([line], delimiter=delimiter), [])
        except csv.Error:
            continue
        found = columns.layout(names)
        if not found.signals or len(names) > _MOST_COLUMNS or (len(names) == 1 and not alone):
            continue
        if best is None or len(names) > best.fields:
            best = TextLayout(encoding, delimiter, len(names), found)
    return best


class _Raw(io.RawIOBase):
    """A stream as a raw file; remembers how it broke, since the layers above may not say."""

    def __init__(self, stream: Stream) -> None:
        super().__init__()
        self._stream = stream
        self.broken: BrokenStreamError | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        try:
            data = self._stream.read_some(len(view))
        except BrokenStreamError as error:
            self.broken = error
            return 0
        view[: len(data)] = data
        return len(data)


def _batches(stream: Stream, found: TextLayout) -> Iterator[list[list[str]]]:
    """Rows in batches. Raises BrokenStreamError, after the rows that came before."""
    raw = _Raw(stream)
    text = io.TextIOWrapper(
        io.BufferedReader(raw, 1 << 20), found.encoding, "surrogateescape", newline=""
    )
    if found.encoding == "utf-16":
        text.reconfigure(errors="replace")
    reader = csv.reader(iter(lambda: text.readline(LONGEST_LINE), ""), delimiter=found.delimiter)
    header = True
    batch: list[list[str]] = []
    while True:
        try:
            row = next(reader, None)
        except csv.Error:
            # an unusable row: counted as one with the wrong number of fields
            row = [""] * (found.fields + 1)
        if row is None:
            break
        if not row:
            continue
        if header:
            header = False
            continue
        batch.append(row)
        if len(batch) == ROWS_AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch
    if raw.broken is not None:
        raise raw.broken


def _arrays(batch: list[list[str]], found: TextLayout) -> list[pa.Array | None]:
    wanted = {number for number, _ in found.columns.signals}
    out: list[pa.Array | None] = []
    for k in range(found.fields):
        if k in wanted:
            cells = [
                row[k].encode("utf-8", "surrogateescape") if k < len(row) else b"" for row in batch
            ]
            out.append(pa.array(cells, pa.large_binary()).cast(pa.large_string(), safe=False))
        else:
            out.append(None)
    return out


def parts(stream: Stream, found: TextLayout) -> Iterator[Part]:
    """The rows of a table, a broken stream as one item at the end.

    A row with the wrong number of fields is a bad one; what can be read of it is matched.
    """
    first = 0
    try:
        for batch in _batches(stream, found):
            if found.columns.one_each:
                arrays = _arrays(batch, found)
                signals = [(arrays[n], kind) for n, kind in found.columns.signals]
                rows = columns.rows(signals, first, len(batch))
                bad = rows.bad | _wrong(batch, found)
                yield Rows(rows.first, rows.count, rows.exact, rows.valid, bad)
            else:
                yield from _one_by_one(batch, found, first, "")
            first += len(batch)
    except BrokenStreamError as error:
        yield NoContent(END, error.reason)


def nested_parts(stream: Stream, found: TextLayout, prefix: str) -> Iterator[Part]:
    """Like `parts` for a table inside another archive: row by row, with that in the locator."""
    first = 0
    for batch in _batches(stream, found):
        yield from _one_by_one(batch, found, first, prefix)
        first += len(batch)


def _wrong(batch: list[list[str]], found: TextLayout) -> npt.NDArray[np.bool_]:
    return np.fromiter((len(row) != found.fields for row in batch), np.bool_, len(batch))


def _one_by_one(
    batch: list[list[str]], found: TextLayout, first: int, prefix: str
) -> Iterator[Part]:
    only = columns.Layout(found.columns.signals, None, None, None)
    rows = metadata_rows(_arrays(batch, found), only, first, len(batch), prefix)
    for row, wrong in zip(rows, _wrong(batch, found), strict=True):
        yield NoContent(row.locator, Reason.BAD_HASH, row.declared) if wrong else row
