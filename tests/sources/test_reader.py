"""What holds of reading any shard."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from brightline.errors import SourceChangedError
from brightline.sources import discover, read
from brightline.types import Shard

from .helpers import LIMITS, tar_of
from .test_zips import zip_of


def one_of_each(top: Path) -> list[Shard]:
    (top / "a.tar").write_bytes(tar_of([(f"{k}", bytes(1000)) for k in range(50)]))
    (top / "b.zip").write_bytes(zip_of([(f"{k}", bytes(1000)) for k in range(50)]))
    (top / "c.csv").write_text("md5,url\n" + "x,y\n" * 50)
    (top / "d.png").write_bytes(b"x" * 1000)
    return list(discover([top], LIMITS))


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_changed_before_reading(tmp_path: Path) -> None:
    for shard in one_of_each(tmp_path):
        path = Path(shard.files[0].path)
        os.utime(path, ns=(0, 12345))
        with pytest.raises(SourceChangedError, match=path.name):
            list(read(shard, LIMITS))


def test_changed_while_reading(tmp_path: Path) -> None:
    for shard in one_of_each(tmp_path):
        path = Path(shard.files[0].path)
        items = read(shard, LIMITS)
        next(items)
        with path.open("ab") as out:
            out.write(b"more")
        with pytest.raises(SourceChangedError, match=path.name):
            list(items)


def test_missing(tmp_path: Path) -> None:
    for shard in one_of_each(tmp_path):
        Path(shard.files[0].path).unlink()
        with pytest.raises(SourceChangedError):
            list(read(shard, LIMITS))


def test_a_link_that_became_a_file(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("nowhere")
    (shard,) = discover([tmp_path], LIMITS)
    assert len(list(read(shard, LIMITS))) == 1
    link.unlink()
    link.write_bytes(b"x")
    with pytest.raises(SourceChangedError):
        list(read(shard, LIMITS))


def test_messages_name_the_file_and_nothing_in_it(tmp_path: Path) -> None:
    shard = one_of_each(tmp_path)[0]
    Path(shard.files[0].path).unlink()
    with pytest.raises(SourceChangedError) as caught:
        list(read(shard, LIMITS))
    assert "a.tar" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_bytes_read_are_reported(tmp_path: Path) -> None:
    for shard in one_of_each(tmp_path):
        seen: list[int] = []
        list(read(shard, LIMITS, on_bytes=seen.append))
        assert shard.files[0].size * 0.5 <= sum(seen) <= shard.files[0].size * 1.5 + 30 * 50
    big = tmp_path / "big.tar"
    big.write_bytes(tar_of([("m", bytes(40 << 20))]))
    (shard,) = discover([big], LIMITS)
    seen = []
    list(read(shard, LIMITS, on_bytes=seen.append))
    assert sum(seen) == big.stat().st_size
    assert max(seen) <= 4 << 20


def test_expansion_keeps_the_watchdog_awake(tmp_path: Path) -> None:
    path = tmp_path / "z.zip"
    path.write_bytes(zip_of([("zeros", bytes(64 << 20))]))
    (shard,) = discover([path], LIMITS)
    seen: list[int] = []
    list(read(shard, LIMITS, on_bytes=seen.append))
    assert seen.count(0) >= 8


def test_closing_early_lets_go_of_the_file(tmp_path: Path) -> None:
    shard = one_of_each(tmp_path)[0]
    before = open_files()
    items = read(shard, LIMITS)
    next(items)
    assert open_files() == before + 1
    items.close()
    assert open_files() == before
