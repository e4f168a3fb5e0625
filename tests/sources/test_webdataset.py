"""img2dataset's outputs: what is declared reaches the picture, and the counts are reconciled."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from brightline.sources import Reconciliation, discover, read, shards, webdataset
from brightline.types import Content, Declared, NoContent, Read, Reason, Rows

from .helpers import LIMITS, contents, count, read_all, reasons, summary, tar_of

PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 50


def original(k: int) -> str:
    return hashlib.sha256(b"original %d" % k).hexdigest()


def sidecar(k: int) -> dict[str, Any]:
    return {
        "key": f"{k:09}",
        "status": "success",
        "sha256": original(k),
        "url": f"http://e.org/{k}",
        "original_width": 640,
        "original_height": 480,
        "exif": "{}",
    }


def declared(k: int) -> Declared:
    return Declared(
        sha256=bytes.fromhex(original(k)), url=f"http://e.org/{k}", width=640, height=480
    )


def members(keys: range, with_json: bool = True) -> list[tuple[str, bytes]]:
    out = []
    for k in keys:
        out.append((f"{k:09}.jpg", PNG + bytes([k])))
        if with_json:
            out.append((f"{k:09}.json", json.dumps(sidecar(k)).encode()))
            out.append((f"{k:09}.txt", b"caption"))
    return out


def table(statuses: list[str]) -> pa.Table:
    rows = [{**sidecar(k), "status": status} for k, status in enumerate(statuses)]
    return pa.Table.from_pylist(rows)


def dataset(top: Path, statuses: list[str], keys: range, with_json: bool = True) -> None:
    (top / "00000.tar").write_bytes(tar_of(members(keys, with_json)))
    pq.write_table(table(statuses), top / "00000.parquet")
    stats = {
        "count": len(statuses),
        "successes": statuses.count("success"),
        "failed_to_download": statuses.count("failed_to_download"),
        "failed_to_resize": statuses.count("failed_to_resize"),
    }
    (top / "00000_stats.json").write_text(json.dumps(stats))


def pictures(items: list[Read]) -> dict[str, tuple[Declared, ...]]:
    return {i.locator: i.declared for i in items if isinstance(i, Content) and b"PNG" in i.data}


def test_json_beside_the_picture(tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(tar_of(members(range(3))))
    items = read_all(tmp_path)
    assert [n for n, _ in contents(items)] == [n for n, _ in members(range(3))]
    assert pictures(items) == {f"{k:09}.jpg": (declared(k),) for k in range(3)}
    assert not any(
        i.declared for i in items if isinstance(i, Content) and not i.locator.endswith("jpg")
    )


def test_keys(tmp_path: Path) -> None:
    said = json.dumps({"md5": "0" * 32}).encode()
    made = [
        ("d.d/a.json", said),
        ("d.d/a.seg.png", PNG),
        ("d.d/a.jpg", PNG),
        ("d.d/b.jpg", PNG),
        ("e/b.json", said),
        ("c.json", said),
        ("a", PNG),
        ("f.jpg", PNG),
        ("f.cls", b""),
        ("f.json", said),
    ]
    (tmp_path / "x.tar").write_bytes(tar_of(made))
    items = read_all(tmp_path)
    with_said = [i.locator for i in items if isinstance(i, Content) and i.declared]
    assert with_said == ["d.d/a.seg.png", "d.d/a.jpg", "e/b.json", "c.json", "f.jpg"]


@pytest.mark.parametrize(
    "text",
    (
        b"not json",
        b"[1]",
        b"{}",
        b'{"md5": 5, "sha256": "xyz", "url": null, "original_width": -1}',
        b'{"md5": "00 00000000000000000000000000000"}',
        b"[" * 100_000,
        b'{"original_width": 1e999}',
    ),
)
def test_useless_json_is_only_an_item(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "x.tar").write_bytes(tar_of([("a.jpg", PNG), ("a.json", text)]))
    items = read_all(tmp_path)
    assert len(items) == 2
    assert not any(i.declared for i in items if isinstance(i, Content))


def test_samples_too_large_to_group_lose_nothing(tmp_path: Path) -> None:
    made = [(f"a.{k}.png", PNG) for k in range(40)] + [("a.json", b'{"url": "http://a/"}')]
    (tmp_path / "x.tar").write_bytes(tar_of(made))
    assert [n for n, _ in contents(read_all(tmp_path))] == [n for n, _ in made]


def test_side_table_and_json_are_merged(tmp_path: Path) -> None:
    dataset(tmp_path, ["success"] * 3, range(3))
    items = read_all(tmp_path)
    assert len(items) == 9
    assert set(pictures(items).values()) == {(declared(k),) for k in range(3)}
    changed = table(["success"] * 3).set_column(1, "status", pa.array(["success"] * 3))
    digests = pa.array([original(k + 10) for k in range(3)])
    changed = changed.set_column(changed.schema.get_field_index("sha256"), "sha256", digests)
    pq.write_table(changed, tmp_path / "00000.parquet")
    for said in pictures(read_all(tmp_path)).values():
        assert len(said) == 2


def test_rows_without_members(tmp_path: Path) -> None:
    statuses = ["success", "failed_to_download", "failed_to_resize", "success", "success"]
    dataset(tmp_path, statuses, range(4), with_json=False)
    found = list(discover([tmp_path], LIMITS))
    assert [(s.kind, len(s.files)) for s in found] == [("tar", 3)]
    reader = read(found[0], LIMITS)
    items = list(reader)
    assert summary(items)[4:] == [("key 000000004", "missing_member")]
    last = items[-1]
    assert isinstance(last, NoContent) and last.declared == (declared(4),)
    counts = reader.reconciliation
    assert counts is not None
    assert counts == Reconciliation(
        shards=1,
        rows=5,
        successes=3,
        failed_to_download=1,
        failed_to_resize=1,
        stats_files=1,
        stats_count=5,
        stats_successes=3,
        stats_failed_to_download=1,
        stats_failed_to_resize=1,
        images=4,
        missing=1,
        revived=2,
        disagreeing=1,
    )
    assert not counts.agrees
    assert counts + counts == Reconciliation(
        **{f: 2 * getattr(counts, f) for f in Reconciliation.__slots__}
    )


def test_a_whole_dataset_agrees(tmp_path: Path) -> None:
    stored = members(range(1)) + members(range(2, 3))
    (tmp_path / "00000.tar").write_bytes(tar_of(stored))
    statuses = ["success", "failed_to_download", "success"]
    pq.write_table(table(statuses), tmp_path / "00000.parquet")
    (tmp_path / "00000_stats.json").write_text(json.dumps({"count": 3, "successes": 2}))
    (shard,) = discover([tmp_path], LIMITS)
    reader = read(shard, LIMITS)
    items = list(reader)
    assert reasons(items) == {Reason.NOT_STORED: 1}
    assert len(items) == 7
    assert reader.reconciliation is not None and reader.reconciliation.agrees
    assert reader.reconciliation.images == 2


def test_truncated_tar_with_a_side_table(tmp_path: Path) -> None:
    dataset(tmp_path, ["success"] * 5, range(5), with_json=False)
    tar = tmp_path / "00000.tar"
    tar.write_bytes(tar.read_bytes()[: 2 * 1024 + 550])
    items = read_all(tmp_path)
    assert reasons(items) == {Reason.TRUNCATED_ARCHIVE: 1, Reason.MISSING_MEMBER: 2}
    assert len(contents(items)) == 2
    cut = next(i for i in items if isinstance(i, NoContent))
    assert cut.declared == (declared(2),)


def test_tar_with_side_files_is_not_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "MEMBERS", 1)
    dataset(tmp_path, ["success"] * 3 + ["failed_to_download"], range(3))
    assert len(list(discover([tmp_path], LIMITS))) == 1
    assert len(read_all(tmp_path)) == 10


def test_keys_in_folders_and_repeated_keys(tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(tar_of([("in/000000000.jpg", PNG), ("in/000000000.jpg", PNG)]))
    rows = [sidecar(0), {**sidecar(1), "key": "000000000"}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "x.parquet")
    items = read_all(tmp_path)
    assert [i.declared for i in items if isinstance(i, Content)] == [(declared(0), declared(1))] * 2


def test_what_is_no_side_table_is_screened_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tar = tar_of([("a.jpg", PNG)])
    for name in ("bytes", "nokey", "broken", "toolong", "alone"):
        (tmp_path / f"{name}.tar").write_bytes(tar if name != "alone" else b"no tar")
    pq.write_table(pa.table({"key": ["a"], "jpg": [b"x"], "md5": [""]}), tmp_path / "bytes.parquet")
    pq.write_table(pa.table({"md5": ["0" * 32]}), tmp_path / "nokey.parquet")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 broken")
    pq.write_table(table(["success"] * 5), tmp_path / "toolong.parquet")
    pq.write_table(table(["success"]), tmp_path / "alone.parquet")
    (tmp_path / "nokey_stats.json").write_text("not json")
    monkeypatch.setattr(webdataset, "MOST_ROWS", 4)
    found = list(discover([tmp_path], LIMITS))
    assert all(len(s.files) == 1 for s in found if s.kind != "folder")
    items = read_all(tmp_path)
    assert count(items) == 4 + 1 + 1 + 1 + 1 + 5 + 1 + 1
    assert reasons(items) == {Reason.DAMAGED_ARCHIVE: 1}


def test_statistics_alone(tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(tar_of(members(range(2))))
    (tmp_path / "x_stats.json").write_text(json.dumps({"count": 3, "successes": 3}))
    (shard,) = discover([tmp_path], LIMITS)
    reader = read(shard, LIMITS)
    assert len(list(reader)) == 6
    assert reader.reconciliation == Reconciliation(
        shards=1, stats_files=1, stats_count=3, stats_successes=3, images=2, disagreeing=1
    )


def test_side_table_damaged_inside(tmp_path: Path) -> None:
    dataset(tmp_path, ["success"] * 3, range(3))
    path = tmp_path / "00000.parquet"
    pq.write_table(table(["success"] * 3), path, write_page_checksum=True)
    raw = bytearray(path.read_bytes())
    raw[40] ^= 0xFF
    path.write_bytes(bytes(raw))
    items = read_all(tmp_path)
    assert len(contents(items)) == 9
    assert reasons(items)[Reason.DAMAGED_ARCHIVE] == 1


def test_files_output_is_read_like_a_tar(tmp_path: Path) -> None:
    folder = tmp_path / "00000"
    folder.mkdir()
    for name, data in members(range(3)):
        (folder / name).write_bytes(data)
    pq.write_table(table(["success"] * 3), tmp_path / "00000.parquet")
    items = read_all(tmp_path)
    assert pictures(items) == {f"00000/{k:09}.jpg": (declared(k),) for k in range(3)}
    assert [i.count for i in items if isinstance(i, Rows)] == [3]


def test_parquet_output(tmp_path: Path) -> None:
    rows = [{**sidecar(k), "jpg": PNG} for k in range(3)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "00000.parquet")
    assert pictures(read_all(tmp_path)) == {f"row {k}": (declared(k),) for k in range(3)}
