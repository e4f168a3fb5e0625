"""Archives in archives: everything counted, nothing unbounded."""

from __future__ import annotations

import gzip
import hashlib
import io
import random
import tracemalloc
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from brightline.types import Content, Limits, NoContent, Read, Reason, Streamed

from .helpers import contents, count, read_all, reasons, summary, tar_of, zstd
from .test_zips import zip_of

JPEG = b"\xff\xd8\xff\xe0" + b"picture" * 100


def items_in(tmp_path: Path, name: str, data: bytes, limits: Limits | None = None) -> list[Read]:
    path = tmp_path / name
    path.write_bytes(data)
    return read_all(path, limits or Limits())


def test_members_of_every_form(tmp_path: Path) -> None:
    table = io.BytesIO()
    pq.write_table(pa.table({"jpg": [JPEG]}), table)
    members = [("a.jpg", JPEG)]
    inner = [
        ("1.tar", tar_of(members)),
        ("2.zip", zip_of(members)),
        ("3.tgz", gzip.compress(tar_of(members))),
        ("4.jpg.gz", gzip.compress(JPEG)),
        ("5.parquet", table.getvalue()),
        ("6.tar.zst", zstd(tar_of(members))),
        ("7.csv", b"url,md5\nhttp://a/,\nhttp://b/,zz\n,\n"),
    ]
    expected = {
        "1.tar!/a.jpg",
        "2.zip!/a.jpg",
        "3.tgz!/a.jpg",
        "4.jpg.gz!/4.jpg",
        "5.parquet!/row 0",
        "6.tar.zst!/a.jpg",
    }
    for outer in (tar_of(inner), zip_of(inner), gzip.compress(tar_of(inner))):
        items = items_in(tmp_path, "outer.bin", outer)
        assert {n for n, d in contents(items) if d == JPEG} == expected
        containers = [i for i in items if isinstance(i, Content) and i.expanded]
        assert [(i.locator, i.data) for i in containers] == inner
        assert [s for s in summary(items) if s[0].startswith("7.csv!/")] == [
            ("7.csv!/row 0", "metadata_row"),
            ("7.csv!/row 1", "bad_hash"),
            ("7.csv!/row 2", "no_signal"),
        ]
        assert len(items) == 16


def test_small_archive_under_a_pictures_name(tmp_path: Path) -> None:
    raw = zip_of([("a.jpg", JPEG)])
    items = items_in(tmp_path, "x.jpg", raw)
    assert summary(items) == [("x.jpg", f"{len(raw)}+"), ("x.jpg!/a.jpg", str(len(JPEG)))]


@pytest.mark.parametrize("large", (False, True))
def test_picture_with_a_zip_behind_it(tmp_path: Path, large: bool) -> None:
    raw = JPEG + zip_of([("hidden.jpg", JPEG)])
    items = items_in(tmp_path, "x.jpg", raw, Limits(max_item_bytes=800 if large else 1 << 20))
    size = f"{len(raw)}~" if large else str(len(raw))
    assert summary(items) == [("x.jpg", size), ("x.jpg!/hidden.jpg", str(len(JPEG)))]


def test_large_nested_tar_is_streamed(tmp_path: Path) -> None:
    made = [(f"{k}.bin", random.Random(k).randbytes(700_000)) for k in range(4)]
    inner = tar_of(made)
    items = items_in(tmp_path, "o.tar", tar_of([("in.tar", inner), ("z", b"1")]))
    assert contents(items) == [(f"in.tar!/{n}", d) for n, d in made] + [("z", b"1")]
    whole = items[4]
    assert isinstance(whole, Streamed)
    assert whole.expanded and whole.size == len(inner)
    assert whole.digests.sha1 == hashlib.sha1(inner).digest()


def test_large_nested_zip_goes_through_a_window(tmp_path: Path) -> None:
    made = [(f"{k}.jpg", random.Random(k).randbytes(60_000)) for k in range(4)]
    inner = zip_of(made)
    limits = Limits(max_item_bytes=100_000)
    for name, outer in (
        ("o.tar", tar_of([("in.zip", inner)])),
        ("o.zip", zip_of([("in.zip", inner)], zipfile.ZIP_STORED)),
        ("oo.tar", tar_of([("in.zip", inner)])),
    ):
        items = items_in(tmp_path, name, outer, limits)
        assert isinstance(items[0], Streamed) and items[0].expanded
        assert items[0].digests.md5 == hashlib.md5(inner).digest()
        assert contents(items) == [(f"in.zip!/{n}", d) for n, d in made]
    deep = tar_of([("mid.tar", tar_of([("in.zip", inner)]))])
    items = items_in(tmp_path, "deep.tar", deep, limits)
    assert contents(items) == [(f"mid.tar!/in.zip!/{n}", d) for n, d in made]
    items = items_in(tmp_path, "o.tgz", gzip.compress(tar_of([("in.zip", inner)])), limits)
    assert summary(items) == [("in.zip", f"{len(inner)}~"), ("in.zip!/", "too_large")]


def nest(data: bytes, depth: int, forms: str) -> bytes:
    for k in range(depth):
        form = forms[k % len(forms)]
        if form == "t":
            data = tar_of([("in", data)])
        elif form == "z":
            data = zip_of([("in", data)])
        else:
            data = gzip.compress(data)
    return data


@pytest.mark.parametrize("forms", ("t", "z", "g", "tzg"))
def test_fifty_deep(tmp_path: Path, forms: str) -> None:
    raw = nest(JPEG, 50, forms)
    items = items_in(tmp_path, "o.tar" if forms == "t" else "o.bin", raw, Limits(max_depth=8))
    assert reasons(items) == {Reason.TOO_DEEP: 1}
    assert len(items) <= 10
    items = items_in(tmp_path, "o.bin", raw, Limits(max_depth=60))
    assert not reasons(items)
    assert sum(i.data == JPEG for i in items if isinstance(i, Content)) == 1


def test_depth_counts_the_archives_around(tmp_path: Path) -> None:
    raw = nest(JPEG, 3, "z")
    assert summary(items_in(tmp_path, "o.zip", raw, Limits(max_depth=3)))[-1][1] == str(len(JPEG))
    items = items_in(tmp_path, "o.zip", raw, Limits(max_depth=2))
    assert [s[0] for s in summary(items)] == ["in", "in!/in", "in!/in!/"]
    last = items[-2]
    assert isinstance(last, Content) and not last.expanded


def test_cut_inside_a_nested_archive(tmp_path: Path) -> None:
    inner = tar_of([(f"{k}.jpg", bytes([k]) * 900_000) for k in range(3)])
    raw = tar_of([("in.tar", inner)])
    items = items_in(tmp_path, "o.tar", raw[: 1024 + 2 * 900_608 + 5000])
    assert summary(items) == [
        ("in.tar!/0.jpg", "900000"),
        ("in.tar!/1.jpg", "900000"),
        ("in.tar!/2.jpg", "truncated_archive"),
        ("in.tar", "truncated_archive"),
    ]


def test_damage_inside_a_nested_archive_is_its_own_event(tmp_path: Path) -> None:
    packed = gzip.compress(tar_of([("a", b"1" * 5000)]))
    raw = tar_of([("in.tgz", packed[:-20]), ("z", b"1")])
    items = items_in(tmp_path, "o.tar", raw)
    assert summary(items)[0] == ("in.tgz", f"{len(packed) - 20}+")
    assert summary(items)[-1] == ("z", "1")
    assert reasons(items) == {Reason.TRUNCATED_ARCHIVE: 1}


BOMB = Limits(max_item_bytes=1 << 20, expansion_base=8 << 20, expansion_factor=1)


def zeros_gz(size: int) -> bytes:
    engine = zlib.compressobj(9, zlib.DEFLATED, 31)
    piece = bytes(1 << 20)
    return b"".join(engine.compress(piece) for _ in range(size >> 20)) + engine.flush()


def test_gzip_bomb_ends_within_the_budget(tmp_path: Path) -> None:
    bomb = zeros_gz(96 << 20)
    (tmp_path / "bomb.gz").write_bytes(bomb)
    (tmp_path / "o.tar").write_bytes(tar_of([("bomb.gz", bomb), ("after.jpg", JPEG)]))
    tracemalloc.start()
    items = read_all(tmp_path, BOMB)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert reasons(items) == {Reason.EXPANSION: 2}
    assert ("after.jpg", JPEG) in contents(items)
    assert peak < 32 << 20


def test_bomb_in_a_compressed_tar_is_one_item(tmp_path: Path) -> None:
    import tarfile

    info = tarfile.TarInfo("zeros")
    info.size = 96 << 20
    engine = zlib.compressobj(9, zlib.DEFLATED, 31)
    raw = engine.compress(info.tobuf()) + b"".join(
        engine.compress(bytes(1 << 20)) for _ in range(96)
    )
    items = items_in(tmp_path, "o.tgz", raw + engine.flush(), BOMB)
    assert summary(items) == [("zeros", "expansion_limit")]


def test_tree_of_zips_ends_soon(tmp_path: Path) -> None:
    data = zip_of([("zeros", bytes(4 << 20))])
    for _ in range(5):
        data = zip_of([(f"{k}.zip", data) for k in range(16)])
    items = items_in(tmp_path, "tree.zip", data, BOMB)
    assert reasons(items)[Reason.EXPANSION] >= 1
    assert len(items) < 200


def test_zip_that_holds_itself_ends_by_depth(tmp_path: Path) -> None:
    """Not a true quine, but each level costs what a quine's would: one member, as large again."""
    data = b""
    for _ in range(30):
        data = zip_of([("r.zip", data)], zipfile.ZIP_STORED)
    items = items_in(tmp_path, "r.zip", data)
    assert reasons(items) == {Reason.TOO_DEEP: 1}
    assert len(items) == 9


def test_each_file_of_a_folder_has_its_own_budget(tmp_path: Path) -> None:
    bomb = zeros_gz(64 << 20)
    (tmp_path / "1.jpg").write_bytes(bomb)
    (tmp_path / "2.jpg").write_bytes(gzip.compress(JPEG))
    items = read_all(tmp_path, BOMB)
    assert reasons(items) == {Reason.EXPANSION: 1}
    assert ("2.jpg!/2.jpg", JPEG) in contents(items)


def test_overlapping_bomb_is_refused(tmp_path: Path) -> None:
    """Many records for one body, each of which claims to go on to the end."""
    raw = zip_of([("a", bytes(1 << 20))])
    at = raw.index(b"PK\x01\x02")
    end = raw.index(b"PK\x05\x06")
    record = raw[at:end]
    many = record * 1000
    tail = bytearray(raw[end:])
    tail[8:12] = (1000).to_bytes(2, "little") * 2
    tail[12:16] = len(many).to_bytes(4, "little")
    items = items_in(tmp_path, "o.zip", raw[:at] + many + bytes(tail), BOMB)
    assert count(items) <= 10
    assert reasons(items) == {Reason.EXPANSION: 1}


def test_memory_stays_flat_over_a_large_tar(tmp_path: Path) -> None:
    path = tmp_path / "big.tar"
    path.write_bytes(tar_of([(f"{k}.bin", bytes(500_000)) for k in range(200)]))
    tracemalloc.start()
    for item in _lazily(path):
        assert not isinstance(item, NoContent)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 24 << 20


def _lazily(path: Path) -> Iterator[Read]:
    from brightline.sources import discover, read

    for shard in discover([path], Limits()):
        yield from read(shard, Limits())
