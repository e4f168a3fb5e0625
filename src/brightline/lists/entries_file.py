"""A snapshot's entries as Parquet: for people and other programs, for `verify` and `diff`.

`entries.parquet`: `entry` int64, `type` (dictionary of strings), `value` binary, `category`
(dictionary of strings, null for none), `labels` (list of strings, null for none) and, if there
are records, `record` uint32. `records.parquet` and `opaque.parquet` are only there for lists
with records or opaque signals; their columns are in `provenance`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from brightline.errors import DamagedError
from brightline.lists.arrays import load
from brightline.lists.collected import TYPES
from brightline.lists.entries import U16, Entries, Labels
from brightline.lists.provenance import (
    OPAQUE_SCHEMA,
    RECORD_SCHEMA,
    U32,
    Provenance,
    Records,
    Table,
    provenance_rows,
)
from brightline.lists.scratch import BLOCK_ROWS
from brightline.types import I64, U8, SignalType

ENTRIES = "entries.parquet"
RECORDS = "records.parquet"
OPAQUE = "opaque.parquet"
FINGERPRINTS = "fingerprints.npy"

_BATCH = 1 << 18
#: rows that are read together when a few records are asked for
_RECORD_ROWS = 1 << 16
_WIDTHS = np.array([signal.width for signal in TYPES], np.int32)
_SCHEMA = pa.schema(
    [
        pa.field("entry", pa.int64(), nullable=False),
        pa.field("type", pa.dictionary(pa.int8(), pa.string()), nullable=False),
        pa.field("value", pa.binary(), nullable=False),
        pa.field("category", pa.dictionary(pa.int32(), pa.string())),
        pa.field("labels", pa.list_(pa.string())),
    ]
)
_RECORD = pa.field("record", pa.uint32(), nullable=False)


def write_entries(folder: Path, entries: Entries) -> None:
    """Write all entries, in their order, with their records and opaque signals if any."""
    _write(folder / ENTRIES, entries)
    if entries.records is not None:
        pq.write_table(
            entries.records.table,
            folder / RECORDS,
            row_group_size=_RECORD_ROWS,
            compression="zstd",
            use_dictionary=["submitter"],
            write_statistics=False,
        )
        np.save(folder / FINGERPRINTS, entries.records.fingerprints)
    if entries.opaque is not None:
        pq.write_table(
            entries.opaque,
            folder / OPAQUE,
            row_group_size=_RECORD_ROWS,
            compression={"record": "zstd", "kind": "zstd", "value": "none", "category": "zstd"},
            use_dictionary=["kind", "category"],
            write_statistics=False,
        )


def _write(path: Path, entries: Entries) -> None:
    """A batch at a time."""
    records = entries.records
    schema = _SCHEMA if records is None else _SCHEMA.append(_RECORD)
    types = pa.array([str(signal) for signal in TYPES], pa.string())
    names = pa.array(entries.category_names, pa.string())
    done = [0] * len(TYPES)
    labels = entries.labels.items()
    pending = next(labels, None)
    # hashes do not compress and hardly repeat, so their column is stored as it is
    writer = pq.ParquetWriter(
        path,
        schema,
        compression={
            "value": "none",
            **{name: "zstd" for name in schema.names if name not in ("value", "labels")},
        },
        use_dictionary=["type", "category"],
        write_statistics=False,
    )
    with writer:
        for start in range(0, len(entries), _BATCH):
            codes = entries.types[start : start + _BATCH]
            categories = entries.categories[start : start + _BATCH].astype(np.int32)
            listed: list[tuple[str, ...] | None] = [None] * len(codes)
            while pending is not None and pending[0] < start + len(codes):
                listed[pending[0] - start] = pending[1]
                pending = next(labels, None)
            columns = [
                pa.array(np.arange(start, start + len(codes), dtype=np.int64)),
                pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int8)), types),
                _values(codes, entries, done),
                pa.DictionaryArray.from_arrays(
                    pa.array(categories - 1, mask=categories == 0), names
                ),
                pa.array(listed, pa.list_(pa.string())),
            ]
            if records is not None:
                columns.append(pa.array(records.of[start : start + len(codes)]))
            writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))


def _values(codes: U8, entries: Entries, done: list[int]) -> Any:
    """The values of consecutive entries as one binary array; `done` counts rows by type."""
    offsets = np.zeros(len(codes) + 1, np.int32)
    np.cumsum(_WIDTHS[codes], out=offsets[1:])
    data = np.empty(offsets[-1], np.uint8)
    for code, signal in enumerate(TYPES):
        starts = offsets[:-1][codes == code]
        rows = entries.values[signal][done[code] : done[code] + len(starts)]
        done[code] += len(starts)
        data[starts[:, None] + np.arange(signal.width)] = rows
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.binary(), len(codes), buffers)


def read_entries_file(folder: Path, category_names: tuple[str, ...]) -> Entries:
    """Read all entries back; the names are the manifest's, in the order of their numbers.

    Raises DamagedError if the files are not what `write_entries` wrote for these names.
    """
    try:
        return _read(folder, category_names)
    except (OSError, pa.ArrowException, KeyError, ValueError, IndexError, EOFError):
        raise _damaged(folder / ENTRIES) from None


def read_values(
    folder: Path, wanted: I64 | None, signals: Sequence[SignalType] = TYPES
) -> Iterator[tuple[SignalType, I64, U8]]:
    """Entries of these types and the value of each, of one type after another, in blocks.

    `wanted` are the numbers of entries, ascending; all if not given. Row groups without any are
    not read. Raises DamagedError if the file is damaged.
    """
    path = folder / ENTRIES
    try:
        with pq.ParquetFile(path, read_dictionary=["type"]) as file:
            start = 0
            for group in range(file.num_row_groups):
                stop = start + file.metadata.row_group(group).num_rows
                if wanted is None or np.any((wanted >= start) & (wanted < stop)):
                    yield from _group_values(file, group, start, wanted, signals)
                start = stop
    except (OSError, pa.ArrowException, KeyError, ValueError, IndexError):
        raise _damaged(path) from None


def _group_values(
    file: Any, group: int, start: int, wanted: I64 | None, signals: Sequence[SignalType]
) -> Iterator[tuple[SignalType, I64, U8]]:
    for batch in file.iter_batches(BLOCK_ROWS, [group], ["type", "value"]):
        codes = _decode(batch["type"], [TYPES.index(SignalType(t)) for t in _words(batch)])
        split = _split(codes, batch["value"])
        for signal in signals:
            entries = np.flatnonzero(codes == TYPES.index(signal)) + start
            values = split[signal]
            if wanted is not None:
                keep = np.isin(entries, wanted)
                entries, values = entries[keep], values[keep]
            if len(entries):
                yield signal, entries, values
        start += len(codes)


def read_provenance(folder: Path, records: I64) -> list[Provenance]:
    """Where these records come from, in their order; reads only the parts that hold them.

    Raises DamagedError if their file is damaged.
    """
    try:
        rows, inverse = np.unique(records, return_inverse=True)
        table = _take(folder / RECORDS, rows, RECORD_SCHEMA.names)
        found = provenance_rows(table)
        return [found[place] for place in inverse.tolist()]
    except (OSError, pa.ArrowException, KeyError, IndexError):
        raise _damaged(folder / RECORDS) from None


def read_labels(folder: Path, entries: I64) -> list[tuple[str, ...]]:
    """The labels of these entries, in their order; reads only the parts that hold them.

    Raises DamagedError if their file is damaged.
    """
    try:
        rows, inverse = np.unique(entries, return_inverse=True)
        found = _take(folder / ENTRIES, rows, ["labels"])["labels"].to_pylist()
        return [tuple(found[place] or ()) for place in inverse.tolist()]
    except (OSError, pa.ArrowException, KeyError, IndexError):
        raise _damaged(folder / ENTRIES) from None


def read_opaque(folder: Path, columns: Sequence[str] = OPAQUE_SCHEMA.names) -> Table:
    """These columns of all opaque signals; DamagedError if their file is damaged."""
    try:
        schema = pa.schema([OPAQUE_SCHEMA.field(name) for name in columns])
        return _read_table(folder / OPAQUE, schema)
    except (OSError, pa.ArrowException, KeyError):
        raise _damaged(folder / OPAQUE) from None


def _damaged(path: Path) -> DamagedError:
    return DamagedError(f"{path} is damaged; remove {path.parent} and import the list again")


def _take(path: Path, rows: I64, columns: list[str]) -> Table:
    """Rows of a file, ascending and distinct, read by row groups."""
    with pq.ParquetFile(path) as file:
        sizes = [file.metadata.row_group(k).num_rows for k in range(file.num_row_groups)]
        starts = np.cumsum([0, *sizes])
        parts = []
        for group in np.unique(np.searchsorted(starts, rows, side="right") - 1).tolist():
            inside = rows[(rows >= starts[group]) & (rows < starts[group + 1])] - starts[group]
            parts.append(file.read_row_group(group, columns).take(pa.array(inside)))
        table = pa.concat_tables(parts) if parts else file.schema_arrow.empty_table()
        if len(table) != len(rows):
            raise IndexError(path)
        return table.select(columns)


def _read_table(path: Path, schema: Any) -> Table:
    words = [field.name for field in schema if pa.types.is_dictionary(field.type)]
    with pq.ParquetFile(path, read_dictionary=words) as file:
        table = file.read(schema.names).combine_chunks()
    return table.unify_dictionaries().combine_chunks().cast(schema)


def _read(folder: Path, category_names: tuple[str, ...]) -> Entries:
    numbers = {name: number for number, name in enumerate(category_names, 1)}
    types: list[U8] = []
    categories: list[U16] = []
    values: dict[SignalType, list[U8]] = {signal: [] for signal in TYPES}
    labelled: dict[int, tuple[str, ...]] = {}
    of: list[U32] = []
    count = 0
    with pq.ParquetFile(folder / ENTRIES, read_dictionary=["type", "category"]) as file:
        has_records = _RECORD.name in file.schema_arrow.names
        for batch in file.iter_batches(batch_size=_BATCH):
            codes = _decode(batch["type"], [TYPES.index(SignalType(t)) for t in _words(batch)])
            types.append(codes.astype(np.uint8))
            names = batch["category"].dictionary.to_pylist()
            found = _decode(batch["category"], [numbers[name] for name in names])
            categories.append(found.astype(np.uint16))
            for signal, rows in _split(codes, batch["value"]).items():
                values[signal].append(rows)
            labels = batch["labels"]
            for row in np.flatnonzero(labels.is_valid().to_numpy(zero_copy_only=False)).tolist():
                labelled[count + row] = tuple(labels[row].as_py())
            if has_records:
                of.append(batch[_RECORD.name].to_numpy())
            count += len(codes)
    records = None
    if has_records:
        records = Records(
            _joined(of, np.uint32),
            _read_table(folder / RECORDS, RECORD_SCHEMA),
            load(folder / FINGERPRINTS),
        )
        if len(records) != len(records.table) or np.any(records.of >= len(records)):
            raise ValueError("records")
    return Entries(
        _joined(types, np.uint8),
        {
            signal: np.concatenate([np.empty((0, signal.width), np.uint8), *parts])
            for signal, parts in values.items()
        },
        _joined(categories, np.uint16),
        category_names,
        Labels.pack(labelled),
        records,
        read_opaque(folder) if (folder / OPAQUE).exists() else None,
    )


def _words(batch: Any) -> list[str]:
    words: list[str] = batch["type"].dictionary.to_pylist()
    return words


def _decode(column: Any, numbers: list[int]) -> I64:
    """A dictionary column as numbers: `numbers[k]` for its k-th word, 0 for null."""
    table = np.array([*numbers, 0], np.int64)
    indices = column.indices.fill_null(len(numbers)) if column.null_count else column.indices
    numbered: I64 = table[indices.to_numpy(zero_copy_only=False)]
    return numbered


def _split(codes: I64, column: Any) -> dict[SignalType, U8]:
    """Binary values apart by type; ValueError if a value has not its type's width."""
    _, offset_buffer, data_buffer = column.buffers()
    offsets = np.frombuffer(offset_buffer, np.int32)[column.offset :][: len(codes) + 1]
    if np.any(np.diff(offsets) != _WIDTHS[codes]):
        raise ValueError("width")
    data = np.frombuffer(data_buffer, np.uint8)
    return {
        signal: data[offsets[:-1][codes == code][:, None] + np.arange(signal.width)]
        for code, signal in enumerate(TYPES)
    }


def _joined(parts: list[Any], dtype: Any) -> Any:
    return np.concatenate([np.empty(0, dtype), *parts])
