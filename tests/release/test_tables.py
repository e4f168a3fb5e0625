"""Tables without some rows: everything else as it was written."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as encryption
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brightline.release import tables
from brightline.release.copying import Output
from brightline.release.tables import Bools, KeepRows
from brightline.sources.delimited import detect
from brightline.sources.streams import MemoryWindow, WindowStream


def without(rows: set[int]) -> KeepRows:
    def keep(first: int, count: int) -> Bools:
        return np.array([row not in rows for row in range(first, first + count)], np.bool_)

    return keep


def rewritten(path: Path, gone: set[int]) -> Path:
    target = path.with_name("new.parquet")
    with Output(bytes(target), lambda _: None) as out:
        assert tables.rewrite_parquet(MemoryWindow(path.read_bytes()), out, without(gone))
    assert out.size == target.stat().st_size
    return target


def table(rows: int) -> pa.Table:
    images = [{"bytes": bytes([k % 256]) * 50, "path": f"{k}.jpg"} for k in range(rows)]
    columns = {
        "image": pa.array(images, pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
        "label": pa.array([k % 3 for k in range(rows)], pa.int8()),
        "text": pa.array([f"text {k % 5}" for k in range(rows)]).dictionary_encode(),
        "tags": pa.array([["a"] * (k % 3) for k in range(rows)], pa.list_(pa.large_string())),
        "at": pa.array([k * 1_000_000 for k in range(rows)], pa.timestamp("ns")),
    }
    features = '{"info": {"features": {"image": {"_type": "Image"}}}}'
    return pa.table(columns).replace_schema_metadata({"huggingface": features, "own": "ü"})


@pytest.mark.parametrize("store_schema", [True, False])
@pytest.mark.parametrize("version", ["1.0", "2.6"])
def test_the_form_of_a_parquet_file_stays(tmp_path: Path, store_schema: bool, version: str) -> None:
    path = tmp_path / "a.parquet"
    data = table(95)
    compression = dict.fromkeys(data.schema.names, "ZSTD") | {"label": "SNAPPY", "at": "NONE"}
    names = {"image": ["image.bytes", "image.path"], "tags": ["tags.list.element"]}
    pq.write_table(
        data,
        path,
        row_group_size=20,
        compression={
            inner: codec for name, codec in compression.items() for inner in names.get(name, [name])
        },
        use_dictionary=["text", "image.path"],
        write_statistics=["label"],
        store_schema=store_schema,
        version=version,
    )
    old = pq.ParquetFile(path)
    gone = {3, 25, *range(40, 60), 94}
    new = pq.ParquetFile(rewritten(path, gone))
    stays = [row for row in range(95) if row not in gone]
    assert new.read().equals(old.read().take(stays), check_metadata=True)
    assert new.schema_arrow.equals(old.schema_arrow, check_metadata=True)
    assert set(new.metadata.metadata or ()) == set(old.metadata.metadata or ())
    meta = new.metadata
    assert [meta.row_group(k).num_rows for k in range(meta.num_row_groups)] == [19, 19, 20, 14]
    assert meta.format_version == old.metadata.format_version
    for k in range(meta.num_columns):
        one, two = old.metadata.row_group(0).column(k), meta.row_group(0).column(k)
        assert one.path_in_schema == two.path_in_schema
        assert one.compression == two.compression
        assert set(one.encodings) == set(two.encodings)
        assert one.is_stats_set == two.is_stats_set


def test_chosen_encodings_and_older_names_of_lists_stay(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    plain = pa.table(
        {
            "id": pa.array(range(30), pa.int64()),
            "name": [f"name {k}" for k in range(30)],
            "ratio": pa.array(np.arange(30, dtype=np.float32)),
            "tags": pa.array([["a"] * (k % 3) for k in range(30)], pa.list_(pa.string())),
            "price": pa.array(range(30)).cast(pa.decimal128(19)).cast(pa.decimal128(9, 0)),
        }
    )
    pq.write_table(
        plain,
        path,
        use_dictionary=["tags.list.item"],
        column_encoding={
            "id": "DELTA_BINARY_PACKED",
            "name": "DELTA_BYTE_ARRAY",
            "ratio": "BYTE_STREAM_SPLIT",
        },
        use_compliant_nested_type=False,
        store_decimal_as_integer=True,
    )
    old = pq.ParquetFile(path)
    new = pq.ParquetFile(rewritten(path, {3, 29}))
    assert new.metadata.num_rows == 28
    for k in range(old.metadata.num_columns):
        one, two = (file.metadata.row_group(0).column(k) for file in (old, new))
        assert one.path_in_schema == two.path_in_schema
        assert set(one.encodings) == set(two.encodings)
        assert one.physical_type == two.physical_type


def test_a_table_with_encrypted_columns_leaves_and_does_not_end_the_process(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.parquet"
    data = pa.table({"id": [1, 2], "open": [3, 4]})
    factory = encryption.CryptoFactory(lambda _: NoService())
    properties = factory.file_encryption_properties(
        encryption.KmsConnectionConfig(),
        encryption.EncryptionConfiguration(
            "footer", column_keys={"k": ["id"]}, plaintext_footer=True
        ),
    )
    with pq.ParquetWriter(path, data.schema, encryption_properties=properties) as writer:
        writer.write_table(data)
    new = pq.ParquetFile(rewritten(path, {0}))
    assert new.metadata.num_rows == 0
    assert new.schema_arrow.names == ["id", "open"]


class NoService(encryption.KmsClient):  # type: ignore[misc]
    """Keys that are wrapped by nothing."""

    def wrap_key(self, key_bytes: bytes, master_key_identifier: str) -> str:
        return key_bytes.hex()

    def unwrap_key(self, wrapped_key: str, master_key_identifier: str) -> bytes:
        return bytes.fromhex(wrapped_key)


def test_a_table_may_lose_all_rows_and_keeps_its_schema(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(table(5), path)
    new = pq.ParquetFile(rewritten(path, set(range(5))))
    assert new.metadata.num_rows == 0
    assert new.schema_arrow.equals(pq.ParquetFile(path).schema_arrow, check_metadata=True)


def test_a_row_group_that_cannot_be_read_leaves(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    plain = pa.table({"key": [f"{k:09}" for k in range(40)]})
    pq.write_table(plain, path, row_group_size=10, compression="GZIP", use_dictionary=False)
    column = pq.ParquetFile(path).metadata.row_group(1).column(0)
    data = bytearray(path.read_bytes())
    middle = column.data_page_offset + column.total_compressed_size // 2
    data[middle : middle + 20] = bytes(20)
    path.write_bytes(data)
    new = pq.read_table(rewritten(path, {0}))
    assert new.column("key").to_pylist() == [f"{k:09}" for k in range(40) if k and k // 10 != 1]


def test_a_table_without_a_footer_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(table(5), path)
    target = tmp_path / "b"
    window = MemoryWindow(path.read_bytes()[:-20])
    with Output(bytes(target), lambda _: None) as out:
        assert not tables.rewrite_parquet(window, out, without(set()))
    assert out.size == 0


_CELLS = st.text(
    st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs"]), max_size=12
)


@settings(max_examples=50, deadline=None)
@given(
    rows=st.lists(st.tuples(_CELLS, _CELLS), max_size=12),
    gone=st.sets(st.integers(0, 12)),
    delimiter=st.sampled_from(",\t;"),
    end=st.sampled_from(("\n", "\r\n")),
    encoding=st.sampled_from(("utf-8", "utf-8-sig", "utf-16")),
    blank=st.booleans(),
)
def test_text_rows_stay_byte_for_byte(
    rows: list[tuple[str, str]],
    gone: set[int],
    delimiter: str,
    end: str,
    encoding: str,
    blank: bool,
) -> None:
    def written(some: list[tuple[str, str]]) -> list[str]:
        lines = []
        for row in some:
            out = io.StringIO(newline="")
            # all quoted, so that a row of two empty cells is not taken for a blank line
            csv.writer(
                out, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL
            ).writerow(row)
            lines.append(out.getvalue())
        return lines

    header = f"url{delimiter}text{end}" + (end if blank else "")
    every = written(rows)
    data = (header + "".join(every)).encode(encoding)
    assert detect(data) is not None
    out: list[bytes] = []
    stream = WindowStream(MemoryWindow(data), piece=7)
    assert tables.rewrite_text(stream, out.append, without(gone))
    left = "".join(line for k, line in enumerate(every) if k not in gone)
    assert b"".join(out) == (header + left).encode(encoding)
    again: list[bytes] = []
    assert tables.rewrite_text(WindowStream(MemoryWindow(data)), again.append, without(set()))
    assert b"".join(again) == data


def test_bytes_that_are_no_text_stay() -> None:
    data = b"url,text\nhttp://a.example/1,\xff\xfe\x80\nhttp://a.example/2,b\r\n\r\nhttp://a.example/3,c"
    out: list[bytes] = []
    assert tables.rewrite_text(WindowStream(MemoryWindow(data)), out.append, without({1}))
    assert b"".join(out) == data.replace(b"http://a.example/2,b\r\n", b"")


def test_text_that_is_no_table_is_not_written() -> None:
    out: list[bytes] = []
    stream = WindowStream(MemoryWindow(gzip.compress(b"x")))
    assert not tables.rewrite_text(stream, out.append, without(set()))
    assert not out


def test_columns_are_read_or_missed() -> None:
    sink = io.BytesIO()
    pq.write_table(pa.table({"key": ["a", None], "status": ["success", "x"]}), sink)
    window: Any = MemoryWindow(sink.getvalue())
    assert tables.column_values(window, {"status", "key"}.__contains__) == [
        ["a", None],
        ["success", "x"],
    ]
    assert tables.column_values(window, "other".__eq__) is None


def test_old_timestamps_keep_their_nanoseconds(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    data = pa.table({"url": ["a", "b"], "at": pa.array([1, 1_000_000_007], pa.timestamp("ns"))})
    pq.write_table(data, path, use_deprecated_int96_timestamps=True, version="1.0")
    new = pq.ParquetFile(rewritten(path, {0}))
    assert new.metadata.row_group(0).column(1).physical_type == "INT96"
    assert new.read().column("at").cast(pa.int64()).to_pylist() == [1_000_000_007]
