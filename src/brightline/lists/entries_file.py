"""A snapshot's entries as Parquet: for people and other programs, for `verify` and `diff`.

Columns: `entry` int64, `type` (dictionary of strings), `value` binary, `category` (dictionary
of strings, null for none), `labels` (list of strings, null for none).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from brightline.errors import DamagedError
from brightline.lists.collected import TYPES
from brightline.lists.entries import U16, Entries, Labels
from brightline.types import I64, U8, SignalType

ENTRIES = "entries.parquet"

_BATCH = 1 << 18
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


def write_entries(path: Path, entries: Entries) -> None:
    """Write all entries, in their order, a batch at a time."""
    types = pa.array([str(signal) for signal in TYPES], pa.string())
    names = pa.array(entries.category_names, pa.string())
    done = [0] * len(TYPES)
    labels = entries.labels.items()
    pending = next(labels, None)
    # hashes do not compress and hardly repeat, so their column is stored as it is
    writer = pq.ParquetWriter(
        path,
        _SCHEMA,
        compression={"entry": "zstd", "type": "zstd", "value": "none", "category": "zstd"},
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
            writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=_SCHEMA))


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


def read_entries_file(path: Path, category_names: tuple[str, ...]) -> Entries:
    """Read all entries back; the names are the manifest's, in the order of their numbers.

    Raises DamagedError if the file is not one that `write_entries` wrote for these names.
    """
    try:
        return _read(path, category_names)
    except (OSError, pa.ArrowException, KeyError, ValueError, IndexError):
        raise DamagedError(
            f"{path} is damaged; remove {path.parent} and import the list again"
        ) from None


def _read(path: Path, category_names: tuple[str, ...]) -> Entries:
    numbers = {name: number for number, name in enumerate(category_names, 1)}
    types: list[U8] = []
    categories: list[U16] = []
    values: dict[SignalType, list[U8]] = {signal: [] for signal in TYPES}
    labelled: dict[int, tuple[str, ...]] = {}
    count = 0
    with pq.ParquetFile(path, read_dictionary=["type", "category"]) as file:
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
            count += len(codes)
    return Entries(
        _joined(types, np.uint8),
        {
            signal: np.concatenate([np.empty((0, signal.width), np.uint8), *parts])
            for signal, parts in values.items()
        },
        _joined(categories, np.uint16),
        category_names,
        Labels.pack(labelled),
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
