"""Manifests: one spelling, every name, every difference named."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brightline.errors import SourceError, VerificationError
from brightline.release.manifest import (
    Entry,
    File,
    Link,
    check,
    encode,
    list_entries,
    read_manifest,
    walk,
    walk_corpus,
    write_entries,
    write_manifest,
)
from tests.release.attested import make_files

names = st.binary(min_size=1, max_size=12).filter(
    lambda name: not {b"/"[0], 0} & set(name) and name not in (b".", b"..", b".brightline")
)


def test_a_manifest_lists_every_file_with_its_digest(tmp_path: Path) -> None:
    make_files(tmp_path)
    digest = write_manifest(tmp_path)
    target = tmp_path / ".brightline" / "manifest.jsonl"
    lines = [json.loads(line) for line in target.read_text().splitlines()]
    assert [line.get("path", line.get("path_base64")) for line in lines] == [
        "00000.tar",
        "00000_stats.json",
        "Y2Fm6S50eHQ=",
        "link",
        "sub.dir-b",
        "sub.dir/a.jpg",
        "sub.dir/deep/empty.txt",
    ]
    assert lines[3] == {"path": "link", "symlink": "00000.tar"}
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert lines[-1] == {"path": "sub.dir/deep/empty.txt", "sha256": empty, "size": 0}
    assert write_manifest(tmp_path) == digest, "it does not list itself"
    found = [entry.path for entry in read_manifest(target)]
    assert found == sorted(found)
    assert check(read_manifest(target), walk(tmp_path)).none


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(st.sets(st.lists(names, min_size=1, max_size=3).map(tuple), max_size=8))
def test_any_tree_is_listed_in_the_order_of_its_paths(
    tmp_path_factory: pytest.TempPathFactory, paths: set[tuple[bytes, ...]]
) -> None:
    root = tmp_path_factory.mktemp("tree")
    made = set()
    for parts in paths:
        where = root.joinpath(*map(os.fsdecode, parts))
        try:
            where.parent.mkdir(parents=True, exist_ok=True)
            with where.open("xb") as out:
                out.write(b"/".join(parts))
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            continue
        made.add(b"/".join(parts))
    write_manifest(root)
    listed = list(read_manifest(root / ".brightline" / "manifest.jsonl"))
    assert [entry.path for entry in listed] == sorted(made)
    assert check(listed, walk(root)).none
    for entry in listed:
        # taking away any one file names it and no other
        without = [e for e in listed if e != entry]
        told = check(without, walk(root))
        assert (len(told.extra), told.changed, told.missing) == (1, (), ())
        told = check(listed, (f for f in walk(root) if f.path != entry.path))
        assert (len(told.missing), told.changed, told.extra) == (1, (), ())


def test_differences_are_named(tmp_path: Path) -> None:
    make_files(tmp_path)
    listed = list(list_entries(walk(tmp_path)))
    (tmp_path / "00000.tar").write_bytes(b"")
    (tmp_path / "sub.dir" / "a.jpg").unlink()
    (tmp_path / "sub.dir" / "new\n.jpg").touch()
    (tmp_path / "link").unlink()
    (tmp_path / "link").symlink_to("sub.dir-b")
    os.mkfifo(tmp_path / "sub.dir" / "deep" / "pipe")
    (tmp_path / "00000_stats.json").unlink()
    os.mkfifo(tmp_path / "00000_stats.json")
    told = check(listed, walk(tmp_path))
    assert told.changed == ("00000.tar", "00000_stats.json", "link")
    assert told.missing == ("sub.dir/a.jpg",)
    assert told.extra == ("sub.dir/deep/pipe", "sub.dir/new\\n.jpg")


def test_a_link_to_the_same_bytes_is_not_the_file(tmp_path: Path) -> None:
    make_files(tmp_path / "in")
    listed = list(list_entries(walk(tmp_path / "in")))
    (tmp_path / "in" / "00000.tar").rename(tmp_path / "out.tar")
    (tmp_path / "in" / "00000.tar").symlink_to(tmp_path / "out.tar")
    assert check(listed, walk(tmp_path / "in")).changed == ("00000.tar",)


def test_what_cannot_be_listed_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SourceError, match="pipe"):
        write_manifest(tmp_path)
    assert not (tmp_path / ".brightline" / "manifest.jsonl").exists()


def test_several_sources_are_told_apart_by_number(tmp_path: Path) -> None:
    sources = []
    for number in range(11):
        source = tmp_path / str(number) / "same"
        source.mkdir(parents=True)
        (source / "f").write_text(str(number))
        sources.append(source)
    (sources[2] / ".brightline").mkdir()
    (sources[2] / ".brightline" / "f").touch()
    paths = [entry.path for entry in list_entries(walk_corpus(sources))]
    assert paths == sorted(paths)
    assert b"11/f" in paths
    assert b"3/.brightline/f" in paths, "only a release's own notes are left out"
    (only,) = list_entries(walk_corpus([sources[4] / "f"]))
    assert only.path == b"f"


GOOD = encode(File(b"b", "00" * 32, 3))


@pytest.mark.parametrize(
    "line",
    [
        GOOD[:-1],
        GOOD.replace(b":3", b": 3"),
        GOOD.replace(b":3", b":3.0"),
        GOOD.replace(b":3", b":true"),
        GOOD.replace(b"00", b"0A", 1),
        GOOD.replace(b'"size":3', b'"size":3,"size":3'),
        GOOD.replace(b'"size":3', b'"extra":1,"size":3'),
        GOOD.replace(b'"b"', b'"../b"'),
        GOOD.replace(b'"b"', b'"/b"'),
        GOOD.replace(b'"b"', b'"b/./c"'),
        GOOD.replace(b'"b"', b'"b\\u0000"'),
        GOOD.replace(b'"b"', b'""'),
        GOOD.replace(b'"b"', b'"\\ud800"'),
        GOOD.replace(b'"path":"b"', b'"path_base64":"Yg=="'),
        GOOD.replace(b'"path":"b"', b'"path_base64":"_-=="'),
        encode(Link(b"b", b"x")).replace(b'"x"', b"3"),
        b"[]\n",
        b"\n",
        b"\xff\n",
        b"[" * 5000 + b"\n",
        GOOD + GOOD,
        GOOD + encode(File(b"a", "00" * 32, 3)),
    ],
)
def test_a_line_has_one_spelling(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "m"
    path.write_bytes(line)
    with pytest.raises(VerificationError, match="line"):
        list(read_manifest(path))


def test_entries_survive_writing(tmp_path: Path) -> None:
    entries: list[Entry] = [
        File(b"\xff", "ab" * 32, 1 << 60),
        Link(b"\xff/x", b"\xfe\n"),
        Link(b"\xff0", b""),
    ]
    write_entries(tmp_path / "m", entries)
    assert list(read_manifest(tmp_path / "m")) == entries


def test_progress_counts_up_to_everything(tmp_path: Path) -> None:
    make_files(tmp_path)
    seen: list[tuple[int, int]] = []
    write_manifest(tmp_path, lambda files, total: seen.append((files, total)))
    sizes = [p.lstat().st_size for p in tmp_path.rglob("*") if p.is_symlink() or p.is_file()]
    made = (tmp_path / ".brightline" / "manifest.jsonl").stat().st_size
    assert seen == sorted(seen)
    assert seen[-1] == (7, sum(sizes) - made)
