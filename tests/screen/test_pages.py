"""Values read where they lie, against what pyarrow decodes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brightline.screen.archive import SCHEMA, Archive
from brightline.screen.columns import Columns, Room
from brightline.screen.pages import plain_values
from brightline.types import U8, ExactOnly, Reason, Signals

WIDTH = 20
PLAIN: dict[str, Any] = {"compression": "none", "use_dictionary": False}


def written(path: Path, values: list[bytes | None], **options: Any) -> tuple[U8, Any]:
    """A file with one column of one row group: its bytes and the column chunk."""
    table = pa.table({"x": pa.array(values, pa.binary(WIDTH))})
    pq.write_table(table, path, **{**PLAIN, **options})
    chunk = pq.read_metadata(path).row_group(0).column(0)
    return np.frombuffer(path.read_bytes(), np.uint8), chunk


def some(count: int) -> list[bytes | None]:
    """Values whose bytes look like heads of pages, among others."""
    rng = np.random.default_rng(count)
    return [rng.integers(0, 256 if k % 3 else 30, WIDTH, np.uint8).tobytes() for k in range(count)]


@pytest.mark.parametrize("count", [1, 7, 8, 63, 64, 5000])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"data_page_size": 1000, "write_batch_size": 64},
        {"write_statistics": False},
        {"max_rows_per_page": 100},
        {"write_page_checksum": True},
    ],
)
def test_values_as_they_lie(tmp_path: Path, count: int, options: dict[str, Any]) -> None:
    values = some(count)
    data, chunk = written(tmp_path / "x", values, **options)
    pages = plain_values(data, chunk, WIDTH)
    assert pages is not None
    assert [row.tobytes() for page in pages for row in page] == values
    assert all(np.shares_memory(page, data) for page in pages)
    if count == 5000 and ("data_page_size" in options or "max_rows_per_page" in options):
        assert len(pages) > 1


@pytest.mark.parametrize(
    "options",
    [
        {"compression": "snappy"},
        {"use_dictionary": True},
        {"data_page_version": "2.0"},
        {"use_byte_stream_split": ["x"], "use_dictionary": False},
    ],
)
def test_other_ways_of_storing_are_left_to_pyarrow(tmp_path: Path, options: dict[str, Any]) -> None:
    data, chunk = written(tmp_path / "x", some(100), **options)
    assert plain_values(data, chunk, WIDTH) is None


@pytest.mark.parametrize("place", [0, 1, 50, 98, 99])
def test_a_null_is_left_to_pyarrow(tmp_path: Path, place: int) -> None:
    values = some(100)
    values[place] = None
    data, chunk = written(tmp_path / "x", values, write_statistics=place % 2 == 0)
    assert plain_values(data, chunk, WIDTH) is None


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_damage_is_no_exception(tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged"
    file, chunk = written(path, some(40))
    changed = file.copy()
    start = chunk.data_page_offset
    for _ in range(data.draw(st.integers(1, 4))):
        changed[start + data.draw(st.integers(0, 40))] = data.draw(st.integers(0, 255))
    cut = changed[: data.draw(st.integers(start, len(changed)))]
    pages = plain_values(cut, chunk, WIDTH)
    assert pages is None or sum(map(len, pages)) == 40


def test_archives_are_written_to_be_read_so(tmp_path: Path) -> None:
    """Small batches of items, labels in another order in each, become one row group."""
    rng = np.random.default_rng(5)
    reasons = [Reason.BAD_HASH, Reason.TOO_LARGE, Reason.UNREADABLE]
    tables = []
    for number in range(3):
        part = tmp_path / f"part{number}"
        with Archive(part) as archive:
            for k in range(50):
                md5, sha1, sha256 = (rng.bytes(width) for width in (16, 20, 32))
                signals = Signals(md5, sha1, sha256, f"image/{(k + number) % 3}")
                archive.add(f"{number}-{k}", ExactOnly(signals, reasons[(k + number) % 3]), 7, [])
        tables.append(pq.read_table(part))
    with Archive(tmp_path / "whole") as archive:
        for table in tables:
            archive.add_table(table.cast(SCHEMA))
    whole = pq.read_table(tmp_path / "whole")
    assert whole.to_pylist() == [row for table in tables for row in table.to_pylist()]
    assert pq.read_metadata(tmp_path / "whole").num_row_groups == 1
    # a dictionary: each label stands in it, and nowhere else but in the statistics
    assert (tmp_path / "whole").read_bytes().count(b"image/1") < 10
    columns = Columns(pa.py_buffer((tmp_path / "whole").read_bytes()), Room())
    for name in ("md5", "sha1", "sha256"):
        pages, rows = columns.present(0, name)
        assert rows is None and len(pages) == 1
        assert [row.tobytes() for row in pages[0]] == whole[name].to_pylist()
