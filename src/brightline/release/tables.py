"""Tables without some of their rows: Parquet, and delimited text.

Parquet is written anew with the same schema, key-value metadata (pandas', Hugging Face's), row
groups, format version, and for each column the same compression and encoding. One row group is
in memory at a time. A row group of which every row leaves is left out. Of delimited text the
rows that stay are copied byte for byte.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from brightline.release.copying import Output, Sink
from brightline.sources import delimited
from brightline.sources.parquet import open_table
from brightline.sources.streams import BrokenStreamError, Stream, Window

Bools = npt.NDArray[np.bool_]
#: which of the rows `first` to `first + count` stay
KeepRows = Callable[[int, int], Bools]

_ARROW_SCHEMA = b"ARROW:schema"
_DICTIONARY = frozenset(("PLAIN_DICTIONARY", "RLE_DICTIONARY"))
#: encodings that are a choice; the others follow from it, or are the usual one
_ENCODINGS = frozenset(
    ("BYTE_STREAM_SPLIT", "DELTA_BINARY_PACKED", "DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY")
)
_CODECS = {"UNCOMPRESSED": "NONE"}
_VERSIONS = ("1.0", "2.4", "2.6")
_ENCODING = "utf-8"


def rewrite_parquet(window: Window, out: Output, keep: KeepRows) -> bool:
    """Write a table without the rows for which `keep` says no; False if it cannot be opened.

    A row group that cannot be read to its end leaves as a whole.
    """
    table = open_table(window)
    if table is None:
        return False
    file = table.file
    schema = _stored_schema(file)
    with contextlib.ExitStack() as stack:

        def begin(group: int | None) -> pq.ParquetWriter:
            sink = pa.PythonFile(Sink(out), mode="w")
            writer = pq.ParquetWriter(sink, schema, **_options(file, group))
            return stack.enter_context(writer)

        writer: pq.ParquetWriter | None = None
        first = 0
        for group, count in enumerate(table.group_rows):
            mask = keep(first, count)
            first += count
            if not mask.any():
                continue
            try:
                rows = file.read_row_group(group, use_threads=False)
            except MemoryError:
                raise
            except Exception:  # noqa: BLE001, S112 - pyarrow raises many kinds on a damaged page
                continue
            if not mask.all():
                rows = rows.filter(pa.array(mask))
            if rows.num_rows:
                writer = writer or begin(group)
                rows = rows.replace_schema_metadata(file.schema_arrow.metadata)
                writer.write_table(rows, row_group_size=rows.num_rows)
        if writer is None:
            begin(None)
    return True


def _stored_schema(file: pq.ParquetFile) -> pa.Schema:
    """The schema with all key-value metadata that the file has of its own."""
    kept = {k: v for k, v in (file.metadata.metadata or {}).items() if k != _ARROW_SCHEMA}
    schema: pa.Schema = file.schema_arrow.with_metadata(kept or None)
    return schema


def _options(file: pq.ParquetFile, number: int | None) -> dict[str, Any]:
    """How to write so that a file comes out as this one was written.

    `number` is a row group that was read to its end: of columns that are damaged or encrypted
    pyarrow's metadata must not be asked, since that ends the process (C++ exception in
    `column()`, pyarrow 26.0.1). None if there is none.
    """
    meta = file.metadata
    leaves = [file.schema.column(k) for k in range(meta.num_columns)]
    options: dict[str, Any] = {
        "store_schema": _ARROW_SCHEMA in (meta.metadata or {}),
        "version": meta.format_version if meta.format_version in _VERSIONS else "2.6",
        "use_compliant_nested_type": not any(".list.item" in leaf.path for leaf in leaves),
        "use_deprecated_int96_timestamps": any(leaf.physical_type == "INT96" for leaf in leaves),
        "store_decimal_as_integer": any(
            leaf.logical_type.type == "DECIMAL" and leaf.physical_type in ("INT32", "INT64")
            for leaf in leaves
        ),
    }
    if number is None:
        return options
    group = meta.row_group(number)
    columns = [group.column(k) for k in range(group.num_columns)]
    names = [column.path_in_schema for column in columns]
    if len(set(names)) < len(names):
        # two columns of one name cannot be told apart: all are written as the first is
        columns, names = columns[:1], names[:1]
        options["compression"] = _codec(columns[0].compression)
        options["use_dictionary"] = bool(_DICTIONARY & set(columns[0].encodings))
    else:
        pairs = list(zip(names, columns, strict=True))
        options["compression"] = {n: _codec(c.compression) for n, c in pairs}
        options["use_dictionary"] = [n for n, c in pairs if _DICTIONARY & set(c.encodings)]
        options["write_statistics"] = [n for n, c in pairs if c.is_stats_set]
        options["column_encoding"] = {
            n: encoding
            for n, c in pairs
            if not _DICTIONARY & set(c.encodings)
            for encoding in c.encodings
            if encoding in _ENCODINGS
        } or None
    options["write_page_index"] = any(c.has_column_index for c in columns)
    options["sorting_columns"] = group.sorting_columns or None
    return options


def _codec(name: str) -> str:
    return _CODECS.get(name, name)


def column_values(window: Window, wanted: Callable[[str], bool]) -> list[list[Any]] | None:
    """Whole columns of wanted names as Python values, or None if the table cannot be read or has
    none."""
    table = open_table(window)
    if table is None:
        return None
    names = [name for name in table.file.schema_arrow.names if wanted(name)]
    if not names:
        return None
    try:
        found = table.file.read(columns=names, use_threads=False)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - pyarrow raises many kinds on a damaged page
        return None
    return [column.to_pylist() for column in found.columns]


def rewrite_text(stream: Stream, write: Callable[[bytes], object], keep: KeepRows) -> bool:
    """Write delimited text without some rows, numbered as `sources.delimited` does.

    False if it is no table after all. A table that breaks off ends there.
    """
    found = delimited.detect(stream.peek(delimited.SNIFFED))
    if found is None:
        return False
    row = -1
    for raw, counts in _raw_rows(stream, found.encoding, found.delimiter):
        if counts:
            row += 1
        # the header is counted as the row before the first
        if not counts or row == 0 or keep(row - 1, 1)[0]:
            write(raw)
    return True


def _raw_rows(stream: Stream, encoding: str, delimiter: str) -> Iterator[tuple[bytes, bool]]:
    """The bytes of each row, and whether it counts as one: a blank line does not."""
    head = stream.peek(4)
    if encoding == "utf-16":
        little = head.startswith(codecs.BOM_UTF16_LE)
        bom = codecs.BOM_UTF16_LE if little else codecs.BOM_UTF16_BE
        codec, errors = ("utf-16-le" if little else "utf-16-be"), "surrogatepass"
    else:
        bom = codecs.BOM_UTF8 if encoding == "utf-8-sig" else b""
        codec, errors = _ENCODING, "surrogateescape"
    if bom:
        stream.read(len(bom))
        yield bom, False
    text = io.TextIOWrapper(
        io.BufferedReader(_Readable(stream), 1 << 20), codec, errors, newline=""
    )
    consumed: list[str] = []

    def lines() -> Iterator[str]:
        while line := text.readline(delimited.LONGEST_LINE):
            consumed.append(line)
            yield line

    reader = csv.reader(lines(), delimiter=delimiter)
    while True:
        try:
            row = next(reader, None)
        except csv.Error:
            row = [""]
        raw = "".join(consumed).encode(codec, errors)
        consumed.clear()
        if row is None:
            if raw:
                yield raw, False
            return
        yield raw, bool(row)


class _Readable(io.RawIOBase):
    """A stream as a raw file that ends where the stream ends or breaks."""

    def __init__(self, stream: Stream) -> None:
        super().__init__()
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        try:
            data = self._stream.read_some(len(view))
        except BrokenStreamError:
            return 0
        view[: len(data)] = data
        return len(data)
