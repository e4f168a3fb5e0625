"""Parquet: cells as items, metadata as rows, damage counted row by row."""

from __future__ import annotations

import hashlib
import io
import random
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brightline.signals.url import url_digest
from brightline.sources import discover, parquet, read, shards
from brightline.types import Content, Limits, NoContent, Read, Reason, Rows, SignalType, Streamed

from .helpers import LIMITS, contents, count, read_all, reasons, summary

HF = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def items_of(tmp_path: Path, table: pa.Table, limits: Limits = LIMITS, **how: Any) -> list[Read]:
    path = tmp_path / "t.parquet"
    pq.write_table(table, path, **how)
    return read_all(path, limits)


@pytest.mark.parametrize(
    "kind", (pa.binary(), pa.large_binary(), pa.dictionary(pa.int32(), pa.binary()))
)
def test_plain_byte_column(tmp_path: Path, kind: pa.DataType) -> None:
    column = pa.array([b"one", None, b"", b"four"], pa.binary()).cast(kind)
    items = items_of(tmp_path, pa.table({"jpg": column, "n": [1, 2, 3, 4]}))
    assert summary(items) == [
        ("row 0", "3"),
        ("row 1", "null_bytes"),
        ("row 2", "empty"),
        ("row 3", "4"),
    ]


def test_fixed_size_binary(tmp_path: Path) -> None:
    table = pa.table(
        {
            "image": pa.array([b"x" * 64], pa.binary(64)),
            "id": pa.array([b"y" * 16], pa.binary(16)),
            "sha256": pa.array([b"z" * 32], pa.binary(32)),
        }
    )
    items = items_of(tmp_path, table)
    assert contents(items) == [("row 0", b"x" * 64)]
    assert isinstance(items[0], Content)
    assert items[0].declared[0].sha256 == b"z" * 32


def test_hugging_face_structs_and_lists(tmp_path: Path) -> None:
    cell = {"bytes": b"data", "path": "a.jpg"}
    table = pa.table(
        {
            "image": pa.array(
                [cell, {"bytes": None, "path": "b.jpg"}, {"bytes": None, "path": None}, None], HF
            ),
            "more": pa.array([[cell, None], [], None, [cell]], pa.list_(HF)),
            "grid": pa.array(
                [[[b"1", b"2"], [b"3"]], [], [[]], None], pa.list_(pa.list_(pa.binary()))
            ),
            "odd": pa.array(
                [{"left": b"l", "n": 1}, {"left": None, "n": 2}, None, {"left": b"r", "n": 3}],
                pa.struct([("left", pa.binary()), ("n", pa.int64())]),
            ),
        }
    )
    assert summary(items_of(tmp_path, table)) == [
        ("row 0, column image", "4"),
        ("row 0, column more[0]", "4"),
        ("row 0, column more[1]", "null_bytes"),
        ("row 0, column grid[0][0]", "1"),
        ("row 0, column grid[0][1]", "1"),
        ("row 0, column grid[1][0]", "1"),
        ("row 0, column odd.left", "1"),
        ("row 1, column image", "bytes_elsewhere"),
        ("row 1, column more", "null_bytes"),
        ("row 1, column grid", "null_bytes"),
        ("row 1, column odd.left", "null_bytes"),
        ("row 2, column image", "null_bytes"),
        ("row 2, column more", "null_bytes"),
        ("row 2, column grid[0]", "null_bytes"),
        ("row 2, column odd", "null_bytes"),
        ("row 3, column image", "null_bytes"),
        ("row 3, column more[0]", "4"),
        ("row 3, column grid", "null_bytes"),
        ("row 3, column odd.left", "1"),
    ]


def test_declared_beside_bytes(tmp_path: Path) -> None:
    digest = hashlib.sha256(b"original").hexdigest()
    table = pa.table(
        {
            "jpg": [b"stored", None, None],
            "SHA256": [digest.upper(), None, "nonsense"],
            "URL": ["http://e.org/a", "http://e.org/b", None],
            "original_width": [640, None, None],
            "original_height": [480.0, None, None],
            "hash": ["0" * 32] * 3,
            "status": ["success", "failed_to_download", "success"],
        }
    )
    items = items_of(tmp_path, table)
    assert [s[1] for s in summary(items)] == ["6", "not_stored", "null_bytes"]
    first, second, third = (i for i in items if not isinstance(i, Rows))
    (said,) = first.declared
    assert said.sha256 == bytes.fromhex(digest)
    assert (said.url, said.width, said.height) == ("http://e.org/a", 640, 480)
    assert said.md5 is None
    assert second.declared[0].url == "http://e.org/b"
    assert third.declared == ()


def rows_of(items: list[Read]) -> list[Rows]:
    assert all(isinstance(i, Rows) for i in items)
    return [i for i in items if isinstance(i, Rows)]


def test_metadata_rows(tmp_path: Path) -> None:
    digests = [hashlib.md5(bytes([k])).digest() for k in range(5)]
    table = pa.table(
        {
            "md5": [digests[0].hex(), digests[1].hex().upper(), " ", "zz" * 16, None],
            "sha1": pa.array([b"r" * 20, (b"s" * 20).hex().encode(), b"bad", b"", None]),
            "url": ["http://E.org", "not an address", "", None, "http://f.org/x"],
            "hash": [1, 2, 3, 4, 5],
        }
    )
    (rows,) = rows_of(items_of(tmp_path, table))
    assert (rows.first, rows.count) == (0, 5)
    assert rows.valid[SignalType.MD5].tolist() == [True, True, False, False, False]
    assert rows.exact[SignalType.MD5][:2].tobytes() == digests[0] + digests[1]
    assert rows.valid[SignalType.SHA1].tolist() == [True, True, False, False, False]
    assert rows.exact[SignalType.SHA1][:2].tobytes() == b"r" * 20 + b"s" * 20
    assert rows.valid[SignalType.URL].tolist() == [True, False, False, False, True]
    assert rows.exact[SignalType.URL][4].tobytes() == url_digest("http://f.org/x")
    assert rows.bad.tolist() == [False, False, True, True, False]
    assert SignalType.SHA256 not in rows.exact


def test_rows_without_any_signal(tmp_path: Path) -> None:
    (rows,) = rows_of(items_of(tmp_path, pa.table({"a": range(10), "hash": range(10)})))
    assert (rows.count, len(rows.exact), int(rows.bad.sum())) == (10, 0, 0)


def test_two_columns_for_one_signal_go_row_by_row(tmp_path: Path) -> None:
    table = pa.table({"url": ["http://a/", None], "image_url": ["http://b/", "http://c/"]})
    items = items_of(tmp_path, table)
    assert summary(items) == [("row 0", "metadata_row"), ("row 1", "metadata_row")]
    assert isinstance(items[0], NoContent)
    assert [d.url for d in items[0].declared] == ["http://a/", "http://b/"]


def test_batches_and_ranges_make_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = 200_000
    values = np.random.default_rng(0).integers(0, 256, (size, 16), np.uint8)
    table = pa.table({"md5": [v.tobytes().hex() for v in values]})
    path = tmp_path / "t.parquet"
    pq.write_table(table, path, row_group_size=70_000)
    monkeypatch.setattr(shards, "METADATA_ROWS", 140_000)
    found = list(discover([path], LIMITS))
    assert [(s.start, s.stop, s.items_hint) for s in found] == [
        (0, 140_000, 140_000),
        (140_000, -1, 60_000),
    ]
    got = rows_of([i for s in found for i in read(s, LIMITS)])
    assert max(r.count for r in got) <= 65_536
    assert [r.first for r in got] == list(np.cumsum([0] + [r.count for r in got])[:-1])
    assert (np.concatenate([r.exact[SignalType.MD5] for r in got]) == values).all()
    assert all(r.valid[SignalType.MD5].all() for r in got)


def test_pictures_in_row_group_ranges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [random.Random(k).randbytes(2000) for k in range(50)]
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"image": made}), path, row_group_size=7)
    monkeypatch.setattr(shards, "RANGE_BYTES", 30_000)
    found = list(discover([path], LIMITS))
    assert len(found) > 2
    assert [d for s in found for _, d in contents(read(s, LIMITS))] == made


def test_large_cells_are_digested(tmp_path: Path) -> None:
    big = random.Random(0).randbytes(100_000)
    items = items_of(tmp_path, pa.table({"jpg": [big]}), Limits(max_item_bytes=50_000))
    assert isinstance(items[0], Streamed)
    assert items[0].digests.md5 == hashlib.md5(big).digest()


def test_repeated_value_bomb(tmp_path: Path) -> None:
    one = random.Random(0).randbytes(1 << 20)
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 500, pa.int32()), pa.array([one]))
    limits = Limits(expansion_base=20 << 20, expansion_factor=1)
    items = items_of(tmp_path, pa.table({"jpg": column}), limits)
    assert reasons(items) == {Reason.EXPANSION: 1}
    assert len(items) <= 30


def test_odd_column_names(tmp_path: Path) -> None:
    table = pa.table([[b"x"], [b"y"], ["http://a/"]], names=["a.b", "a", "url"])
    items = items_of(tmp_path, table)
    assert contents(items) == [("row 0, column a.b", b"x"), ("row 0, column a", b"y")]
    table = pa.table([[b"x"], [b"y"]], names=["a", "a"])
    assert len(items_of(tmp_path, table)) == 2


def test_archive_in_a_cell(tmp_path: Path) -> None:
    from .test_zips import zip_of

    raw = zip_of([("in.jpg", b"picture")])
    items = items_of(tmp_path, pa.table({"jpg": [raw]}))
    assert summary(items) == [("row 0", f"{len(raw)}+"), ("row 0!/in.jpg", "7")]


def test_damaged_footer(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"jpg": [b"x"]}), path)
    raw = path.read_bytes()
    for broken in (raw[:-1], raw[: len(raw) // 2], raw[:-20] + b"\xff" * 12 + raw[-8:], b"PAR1"):
        path.write_bytes(broken)
        assert summary(read_all(path)) == [("(table)", "damaged_archive")]
    # with an encrypted footer: the magic bytes of the Parquet format's Encryption.md, section 5
    path.write_bytes(b"PARE" + raw[4:-4] + b"PARE")
    assert summary(read_all(path)) == [("(table)", "encrypted")]


@pytest.mark.parametrize("pictures", (True, False))
def test_damaged_row_group_costs_its_rows(tmp_path: Path, pictures: bool) -> None:
    made = [random.Random(k).randbytes(500).hex().encode() for k in range(40)]
    name = "jpg" if pictures else "md5"
    column = made if pictures else [hashlib.md5(m).hexdigest() for m in made]
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({name: column}), path, row_group_size=10, write_page_checksum=True)
    meta = pq.ParquetFile(path).metadata
    chunk = meta.row_group(1).column(0)
    raw = bytearray(path.read_bytes())
    begin = chunk.dictionary_page_offset or chunk.data_page_offset
    raw[begin + chunk.total_compressed_size // 2] ^= 0xFF
    path.write_bytes(bytes(raw))
    items = read_all(path)
    lost = [i for i in items if isinstance(i, NoContent)]
    assert reasons(items)[Reason.DAMAGED_ARCHIVE] == 1
    assert reasons(items)[Reason.DAMAGED_MEMBER] == len(lost) - 1
    assert count(items) == 41
    assert [i.locator for i in lost[1:]] == [f"row {k}" for k in range(20 - len(lost) + 1, 20)]
    if pictures:
        kept = [d for _, d in contents(items)]
        assert kept == made[: 20 - len(lost) + 1] + made[20:]


def sample() -> bytes:
    out = io.BytesIO()
    table = pa.table(
        {
            "image": pa.array([{"bytes": b"x" * 50, "path": "p"}] * 20, HF),
            "md5": ["0" * 32] * 20,
        }
    )
    pq.write_table(table, out, row_group_size=5)
    return out.getvalue()


SAMPLE = sample()


@settings(deadline=None, max_examples=150)
@given(st.lists(st.tuples(st.integers(0, len(SAMPLE) - 1), st.integers(0, 255)), max_size=4))
def test_flipped_bytes_never_raise(flips: list[tuple[int, int]]) -> None:
    from brightline.sources.parts import Context
    from brightline.sources.streams import Budget, MemoryWindow

    raw = bytearray(SAMPLE)
    for at, value in flips:
        raw[at] = value
    context = Context(LIMITS, Budget(LIMITS, len(raw), lambda _: None), lambda _: None)
    for _, _ in zip(parquet.parts(MemoryWindow(bytes(raw)), context), range(10_000), strict=False):
        pass
