"""Listing: everything once, in one order, lazily."""

from __future__ import annotations

import gzip
import json
import os
import socket
import stat
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brightline.errors import SourceError
from brightline.sources import SOURCE_TYPES, decode_path, discover, discovery, encode_path, read
from brightline.types import FileStamp, Limits, Reason, Shard

from .helpers import LIMITS, contents, read_all, reasons, summary, tar_of
from .test_zips import zip_of

PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 50


def fill(top: Path) -> None:
    (top / "b").mkdir(parents=True)
    (top / "b" / "2.png").write_bytes(PNG)
    (top / "b.png").write_bytes(PNG)
    (top / "a.txt").write_bytes(b"text")
    (top / "empty").write_bytes(b"")
    (top / "z.tar").write_bytes(tar_of([("m.png", PNG)]))
    (top / "b" / "y.zip").write_bytes(zip_of([("n.png", PNG)]))


def test_one_item_for_each_file_in_byte_order(tmp_path: Path) -> None:
    fill(tmp_path)
    found = list(discover([tmp_path], LIMITS))
    assert [(s.kind, s.name) for s in found] == [
        ("zip", "b/y.zip"),
        ("tar", "z.tar"),
        ("folder", "files 1-4"),
    ]
    assert summary(read(found[-1], LIMITS)) == [
        ("a.txt", "4"),
        ("b/2.png", str(len(PNG))),
        ("b.png", str(len(PNG))),
        ("empty", "empty"),
    ]
    assert len(read_all(tmp_path)) == 6
    assert list(discover([tmp_path], LIMITS)) == found


def test_links_devices_and_closed_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "b.png")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "gone").symlink_to(tmp_path / "nothing")
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(tmp_path)
        try:
            server.bind("socket")
        finally:
            os.chdir(here)
    closed = tmp_path / "closed"
    closed.mkdir()
    real = os.scandir

    def scandir(path: bytes) -> object:
        if path == os.fsencode(closed):
            raise PermissionError(13, "no")
        return real(path)

    monkeypatch.setattr("brightline.sources.discovery.os.scandir", scandir)
    items = read_all(tmp_path)
    assert len(items) == 12
    assert reasons(items) == {
        Reason.LINK: 3,
        Reason.SPECIAL: 2,
        Reason.UNREADABLE: 1,
        Reason.EMPTY: 1,
    }


def test_a_file_that_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path)
    real = os.open

    def refuse(path: bytes, flags: int) -> int:
        if path.endswith((b"b.png", b"z.tar")):
            raise PermissionError(13, "no")
        return real(path, flags)

    monkeypatch.setattr("brightline.sources.files.os.open", refuse)
    items = read_all(tmp_path)
    assert len(items) == 6
    assert reasons(items)[Reason.UNREADABLE] == 2


def test_an_archive_that_closes_after_listing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path)
    found = [s for s in discover([tmp_path], LIMITS) if s.kind == "tar"]

    def refuse(path: bytes, flags: int) -> int:
        raise PermissionError(13, "no")

    monkeypatch.setattr("brightline.sources.files.os.open", refuse)
    assert summary(read(found[0], LIMITS)) == [("z.tar", "unreadable")]


def test_a_disk_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path)
    found = list(discover([tmp_path], LIMITS))

    def fail(fd: int, count: int, offset: int) -> bytes:
        raise OSError(5, "I/O error")

    monkeypatch.setattr("brightline.sources.streams.os.pread", fail)
    for shard in found:
        items = list(read(shard, LIMITS))
        assert reasons(items)[Reason.UNREADABLE] >= 1
        assert not contents(items)


def test_shards_of_a_folder_are_bounded_and_keep_samples_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery, "FILES", 10)
    for k in range(12):
        for suffix in ("jpg", "json", "txt"):
            (tmp_path / f"{k:04}.{suffix}").write_bytes(b"x")
    found = list(discover([tmp_path], LIMITS))
    assert [len(s.files) for s in found] == [12, 12, 12]
    monkeypatch.setattr(discovery, "FOLDER_BYTES", 5)
    assert max(len(s.files) for s in discover([tmp_path], LIMITS)) <= 6
    assert len(read_all(tmp_path)) == 36


def test_content_decides_not_the_name(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(b"not a tar at all " * 100)
    (tmp_path / "b.zip").write_bytes(PNG)
    (tmp_path / "c.parquet").write_bytes(b"text\n")
    (tmp_path / "d.csv").write_bytes(b"name,size\nx,1\n")
    (tmp_path / "e.dat").write_bytes(tar_of([("m", b"1")]))
    found = list(discover([tmp_path], LIMITS))
    assert [(s.kind, s.name) for s in found] == [("tar", "e.dat"), ("folder", "files 1-4")]


def test_a_large_archive_under_a_pictures_name(tmp_path: Path) -> None:
    (tmp_path / "x.jpg").write_bytes(tar_of([("m", bytes(2 << 20))]))
    assert [s.kind for s in discover([tmp_path], LIMITS)] == ["tar"]


def test_names_that_are_not_utf8_survive_json(tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path) + b"/caf\xe9"
    Path(os.fsdecode(raw)).mkdir()
    for name in (b"\xff\xfe.png", b"a\nb.png", b"bytes:%41.png"):
        Path(os.fsdecode(raw + b"/" + name)).write_bytes(PNG)
    (Path(os.fsdecode(raw)) / "t.tar").write_bytes(tar_of([("m", b"1")]))
    for source in (tmp_path, Path(os.fsdecode(raw))):
        locators = []
        for shard in discover([source], LIMITS):
            facts = json.loads(json.dumps(asdict(shard)))
            files = tuple(FileStamp(**f) for f in facts.pop("files"))
            again = Shard(files=files, **facts)
            assert again == shard
            locators += [n for n, _ in contents(read(again, LIMITS))]
        assert len(locators) == 4
        assert all(n.isprintable() for n in locators)


@given(st.binary(min_size=1))
def test_path_text_round_trip(raw: bytes) -> None:
    text = encode_path(raw)
    assert decode_path(text) == raw
    assert json.loads(json.dumps(text)) == text
    text.encode("utf-8")


def test_single_files(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(PNG)
    (tmp_path / "b.gz").write_bytes(gzip.compress(PNG))
    assert summary(read_all(tmp_path / "a.jpg")) == [("a.jpg", str(len(PNG)))]
    assert [s[0] for s in summary(read_all(tmp_path / "b.gz"))] == ["b.gz", "b.gz!/b"]
    link = tmp_path / "to-a"
    link.symlink_to(tmp_path / "a.jpg")
    assert summary(read_all(link)) == [("to-a", str(len(PNG)))]


def test_source_types(tmp_path: Path) -> None:
    fill(tmp_path)
    assert set(SOURCE_TYPES) >= {"folder", "zip", "tar", "webdataset", "parquet", "csv"}
    for kind in ("auto", "folder", "zip", "tar", "webdataset"):
        assert len(read_all(tmp_path, source_type=kind)) == 6
    assert len(read_all(tmp_path / "z.tar", source_type="webdataset")) == 1
    for path, kind in (
        (tmp_path / "z.tar", "zip"),
        (tmp_path / "b.png", "tar"),
        (tmp_path / "b.png", "folder"),
        (tmp_path, "parquet"),
        (tmp_path, "nonsense"),
    ):
        with pytest.raises(SourceError):
            read_all(path, source_type=kind)


def test_refused_at_once(tmp_path: Path) -> None:
    fill(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    for bad in (
        [tmp_path / "missing"],
        [tmp_path / "pipe"],
        [tmp_path, tmp_path / "b"],
        [tmp_path / "b", tmp_path / "b"],
    ):
        with pytest.raises(SourceError) as caught:
            discover(bad, LIMITS)
        assert "\n" not in str(caught.value)
    assert len(list(discover([tmp_path / "b", tmp_path / "b.png"], LIMITS))) == 3


def test_unreadable_top_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: bytes) -> object:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("brightline.sources.discovery.os.scandir", refuse)
    with pytest.raises(SourceError, match="Permission denied"):
        discover([tmp_path], Limits())


def test_deep_folders_do_not_recurse(tmp_path: Path) -> None:
    path = tmp_path
    for _ in range(300):
        path = path / "d"
        path.mkdir()
    (path / "x.png").write_bytes(PNG)
    assert len(read_all(tmp_path)) == 1
    assert stat.S_ISDIR(path.stat().st_mode)
