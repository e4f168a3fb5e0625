"""The signal archive: every item of a shard with its signals and outcome, as Parquet.

A later list version is matched against this file and never reads the bytes again. One row an
item, in reading order. `md5` … `pdq` are of the stored bytes; `declared` holds what the
dataset says of the original; `views` the further views and the turned variants, in the order in
which they are compared: those of pipeline `full`, then `nearest-512`, then `thumbnail-512`. Where
neither side is over 512 pixels those two are left out: they are the same as `full`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from brightline.screen.matching import AS_STORED
from brightline.screen.tally import kind_of
from brightline.signals.url import url_digest
from brightline.types import Declared, Outcome, Reason, Rows, SignalType

#: items that are gathered as Python objects
_ROWS = 8192
#: rows, and bytes of them in memory, that go into one row group: what reads a file has a price
#: for each
_GROUP_ROWS = 1 << 16
_GROUP_BYTES = 16 << 20
_LABEL = pa.dictionary(pa.int16(), pa.string())

SCHEMA = pa.schema(
    [
        ("item", pa.string()),
        ("outcome", _LABEL),
        ("reason", _LABEL),
        ("media_type", _LABEL),
        ("size", pa.int64()),
        ("width", pa.int64()),
        ("height", pa.int64()),
        ("md5", pa.binary(16)),
        ("sha1", pa.binary(20)),
        ("sha256", pa.binary(32)),
        ("pdq", pa.binary(32)),
        ("pdq_quality", pa.uint8()),
        ("pdq_pipeline", _LABEL),
        (
            "views",
            pa.list_(
                pa.struct(
                    [
                        ("via", _LABEL),
                        ("orientation", _LABEL),
                        ("pdq", pa.binary(32)),
                        ("quality", pa.uint8()),
                        ("pipeline", _LABEL),
                    ]
                )
            ),
        ),
        (
            "declared",
            pa.list_(
                pa.struct(
                    [
                        ("md5", pa.binary(16)),
                        ("sha1", pa.binary(20)),
                        ("sha256", pa.binary(32)),
                        ("url", pa.binary(32)),
                    ]
                )
            ),
        ),
    ]
)
_DECLARED = SCHEMA.field("declared").type.value_type

_LABELS = ["outcome", "reason", "media_type", "pdq_pipeline"] + [
    f"views.list.element.{name}" for name in ("via", "orientation", "pipeline")
]

# small numbers: a byte or two instead of eight
_ENCODING = dict.fromkeys(("size", "width", "height"), "DELTA_BINARY_PACKED")

# digests do not compress: as they are, one page for each group, they are read without decoding
_COMPRESSION = dict.fromkeys(SCHEMA.names, "none") | {"item": "zstd"}


class Archive:
    """Writes one shard's archive; some megabytes of rows in memory at a time."""

    def __init__(self, path: Path) -> None:
        self._writer = pq.ParquetWriter(
            path,
            SCHEMA,
            compression=_COMPRESSION,
            use_dictionary=[*_LABELS, "pdq_quality"],
            column_encoding=_ENCODING,
            data_page_size=_GROUP_BYTES,
            max_rows_per_page=_GROUP_ROWS,
        )
        self._tables: list[pa.Table] = []
        self._columns: dict[str, list[Any]] = {name: [] for name in SCHEMA.names}

    def __enter__(self) -> Archive:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self._flush()
            self._write()
        self._writer.close()

    def add(self, locator: str, outcome: Outcome, size: int, declared: Sequence[Declared]) -> None:
        """One item."""
        kind, reason = kind_of(outcome)
        columns = self._columns
        columns["item"].append(locator)
        columns["outcome"].append(str(kind))
        columns["reason"].append(None if reason is None else reason.code)
        columns["size"].append(size)
        signals = outcome.signals
        for name in ("media_type", "width", "height", "md5", "sha1", "sha256"):
            columns[name].append(None if signals is None else getattr(signals, name))
        for name in ("pdq", "pdq_quality", "pdq_pipeline"):
            columns[name].append(None if signals is None else getattr(signals, name))
        views = []
        for place, view in enumerate(signals.views if signals is not None else ()):
            if place:
                views.append((view.via, AS_STORED, view.hash, view.quality, view.pipeline))
            views += [
                (view.via, name, code, view.quality, view.pipeline) for name, code in view.turned
            ]
        columns["views"].append(views)
        columns["declared"].append(
            [(d.md5, d.sha1, d.sha256, url_digest(d.url) if d.url else None) for d in declared]
        )
        if len(columns["item"]) >= _ROWS:
            self._flush()

    def add_rows(self, rows: Rows, reasons: Sequence[Reason]) -> None:
        """A table's rows, with the reason of each."""
        self._flush()
        n = rows.count
        absent = np.ones(n, bool)
        columns = []
        for field in _DECLARED:
            signal = SignalType(field.name)
            mask = ~rows.valid[signal] if signal in rows.valid else absent
            values = rows.exact.get(signal, np.zeros((n, signal.width), np.uint8))
            columns.append(_binary(values, mask))
        one_each = pa.ListArray.from_arrays(
            pa.array(np.arange(n + 1, dtype=np.int32)),
            pa.StructArray.from_arrays(columns, fields=list(_DECLARED)),
        )
        given = {
            "item": pa.array([f"row {rows.first + k}" for k in range(n)], pa.string()),
            "outcome": pa.array([str(reason.kind) for reason in reasons]).dictionary_encode(),
            "reason": pa.array([reason.code for reason in reasons]).dictionary_encode(),
            "size": pa.array(np.zeros(n, np.int64)),
            "views": pa.array([[]] * n, SCHEMA.field("views").type),
            "declared": one_each,
        }
        arrays = [
            given[field.name].cast(field.type) if field.name in given else pa.nulls(n, field.type)
            for field in SCHEMA
        ]
        self.add_table(pa.Table.from_arrays(arrays, schema=SCHEMA))

    def add_table(self, table: pa.Table) -> None:
        """Rows that have the archive's schema already."""
        for start in range(0, len(table), _GROUP_ROWS):
            part = table.slice(start, _GROUP_ROWS)
            held = [*self._tables, part]
            if sum(map(len, held)) > _GROUP_ROWS or sum(t.nbytes for t in held) > _GROUP_BYTES:
                self._write()
            self._tables.append(part)

    def _flush(self) -> None:
        if self._columns["item"]:
            arrays = [_column(self._columns[field.name], field.type) for field in SCHEMA]
            self.add_table(pa.Table.from_arrays(arrays, schema=SCHEMA))
            for values in self._columns.values():
                values.clear()

    def _write(self) -> None:
        if self._tables:
            self._writer.write_table(
                pa.concat_tables(self._tables).unify_dictionaries(), row_group_size=_GROUP_ROWS
            )
            self._tables.clear()


def _column(values: list[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_dictionary(kind):
        return pa.array(values, pa.string()).dictionary_encode().cast(kind)
    if pa.types.is_list(kind):
        names = [field.name for field in kind.value_type]
        values = [[dict(zip(names, row, strict=True)) for row in cell] for cell in values]
    return pa.array(values, kind)


def _binary(values: np.ndarray[Any, np.dtype[np.uint8]], mask: np.ndarray[Any, Any]) -> pa.Array:
    """(n, w) uint8 as fixed-size binary, null where the mask is true."""
    width = values.shape[1]
    data = pa.py_buffer(np.ascontiguousarray(values))
    validity = pa.array(~mask).buffers()[1]
    return pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(width), len(values), [validity, data], null_count=int(mask.sum())
    )
