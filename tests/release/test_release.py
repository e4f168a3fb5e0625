"""A whole release: what matched is nowhere, what stays is as it was, and tables are in step."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from brightline.errors import SealError, SourceChangedError, UsageError
from brightline.findings import load_identity, new_identity, open_sealed
from brightline.ledger import Event
from brightline.release.manifest import check, read_manifest, walk
from brightline.release.plan import Options
from brightline.release.releasing import release
from brightline.release.resealing import reseal_releases
from tests.release.corpus import Corpus, picture, stats_of

ABOUT = ".brightline"


def files(root: Path) -> dict[str, bytes]:
    """Every file below a folder, but for what is about the release; links as their targets."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if name.startswith(ABOUT):
            continue
        if path.is_symlink():
            found[name] = b"-> " + bytes(path.readlink())
        elif path.is_file():
            found[name] = path.read_bytes()
    return found


def members(data: bytes) -> dict[str, bytes]:
    found = {}
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            stream = archive.extractfile(member)
            assert stream is not None
            found[member.name] = stream.read()
    return found


def table(data: bytes) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(io.BytesIO(data)).to_pylist()
    return rows


def test_exactly_the_matches_leave_where_no_cover_is_asked_for(corpus: Corpus) -> None:
    dest, made = corpus.release("bare", cover=0, keep_unscreened=True)
    old, new = files(corpus.folder), files(dest)
    gone = corpus.gone
    assert made["leaving"] == {
        "matched": sum(map(len, gone.values())),
        "unscreened": 0,
        "cover": 0,
        "chance": 1.0,
    }
    # a tar with its side files
    keys = {f"{n:09}" for n in gone["00000"]}
    kept = {n: d for n, d in members(old["00000.tar"]).items() if n[:9] not in keys}
    assert members(new["00000.tar"]) == kept
    rows = [row for row in table(old["00000.parquet"]) if row["key"] not in keys]
    assert table(new["00000.parquet"]) == rows
    assert new["00000_stats.json"] == stats_of(rows)
    # files with a table beside them
    keys = {f"{n:09}" for n in gone["00001"]}
    inside = {n for n in old if n.startswith("00001/")}
    assert {n for n in new if n.startswith("00001/")} == {n for n in inside if n[6:15] not in keys}
    rows = [row for row in table(old["00001.parquet"]) if row["key"] not in keys]
    assert table(new["00001.parquet"]) == rows
    assert new["00001_stats.json"] == stats_of(rows)
    # a hub's table
    rows = [row for row in table(old["hub.parquet"]) if row["label"] not in gone["hub"]]
    assert table(new["hub.parquet"]) == rows
    # an image folder, a nested archive, a compressed tar, a zip, a table of text
    assert "images/300.png" not in new and "images/301.png" in new
    line = b'300.png,"number, 300"\r\n'
    assert new["images/metadata.csv"] == old["images/metadata.csv"].replace(line, b"")
    assert set(members(new["nested.tar"])) == {"b.png", "c.png"}
    assert set(members(gzip.decompress(new["packed.tar.gz"]))) == {"411.png"}
    with zipfile.ZipFile(io.BytesIO(new["some.zip"])) as archive:
        assert archive.namelist() == [f"x/{n}.png" for n in range(500, 510) if n != 503]
        assert archive.comment == b"of the archive"
    lines = old["list.csv"].splitlines(keepends=True)
    assert new["list.csv"] == b"".join(x for x in lines if b"/617," not in x)
    # links: to what stays, to what leaves, to elsewhere
    assert {n for n in new if "link" in n or n == "outside.png"} == {
        "good-link.png",
        "outside.png",
    }
    # everything else is as it was
    changed = {n for n in new if new[n] != old[n]}
    assert changed == {
        *("00000.tar", "00000.parquet", "00000_stats.json", "00001.parquet", "00001_stats.json"),
        *("hub.parquet", "images/metadata.csv", "nested.tar", "packed.tar.gz", "some.zip"),
        "list.csv",
    }
    assert made["unscreened"] == {"kept": True, "samples": 2}


def test_by_default_what_was_not_screened_leaves_and_cover_does(corpus: Corpus) -> None:
    before = files(corpus.folder)
    dest, made = corpus.release("default")
    new = files(dest)
    leaving, samples = made["leaving"], made["samples"]
    assert leaving["unscreened"] == 2
    assert samples["removed"] == leaving["matched"] + leaving["cover"] + 2
    assert samples["kept"] == samples["total"] - samples["removed"]
    # the corpus is small: half of what could leave does
    eligible = samples["total"] - leaving["matched"] - 2
    assert 0.3 * eligible < leaving["cover"] <= 0.5 * eligible
    assert "broken.png" not in new and "broken.txt" not in new and "outside.png" not in new
    assert "c.png" not in members(new["nested.tar"])
    assert new["README.md"] == before["README.md"]
    # no trace of what matched, and the tables are in step with what stays
    for number in (1, 102, 114, 200, 219, 300, 400, 410, 503):
        assert not any(picture(number) in data for data in new.values())
    pictures = {n[:9] for n in members(new["00000.tar"]) if n.endswith(".png")}
    rows = table(new["00000.parquet"])
    assert {r["key"] for r in rows if r["status"] == "success"} == pictures
    assert json.loads(new["00000_stats.json"])["count"] == len(rows)
    names = {n[7:] for n in new if n.startswith("images/") and n.endswith(".png")}
    listed = new["images/metadata.csv"].decode().splitlines()[1:]
    assert {line.partition(",")[0] for line in listed} == names
    # the original is as it was; times and modes do not tell what was rewritten
    assert files(corpus.folder) == before
    for name in new:
        one, two = (root.joinpath(name).lstat() for root in (corpus.folder, dest))
        if not dest.joinpath(name).is_symlink():
            assert (one.st_mtime_ns, one.st_mode) == (two.st_mtime_ns, two.st_mode)


def test_the_release_says_what_it_is_and_no_more(corpus: Corpus) -> None:
    dest, made = corpus.release("told", cover=0.1)
    manifest = dest / ABOUT / "manifest.jsonl"
    assert made["manifest"] == f"sha256:{hashlib.sha256(manifest.read_bytes()).hexdigest()}"
    assert check(read_manifest(manifest), walk(dest)).none
    said = json.loads((dest / ABOUT / "release.json").read_bytes())
    assert said == {k: v for k, v in made.items() if k not in ("dest", "leaving", "elapsed_s")}
    assert set(said["samples"]) == {"total", "kept", "removed"}
    assert sum(s["removed"] for s in said["sources"]) == said["samples"]["removed"]
    assert sorted(p.name for p in (dest / ABOUT).iterdir()) == ["manifest.jsonl", "release.json"]
    record = [r for r in corpus.place.workspace.ledger.records() if r.kind == Event.RELEASE_MADE][
        -1
    ]
    assert record.fields["manifest"] == made["manifest"]
    assert record.fields["samples"] == made["samples"]
    # neither holds a locator, nor how much of it matched
    text = json.dumps([said, record.fields])
    assert (
        "matched" not in text and ".png" not in text and "00000" not in text.replace("0" * 12, "")
    )


def test_all_releases_of_a_run_hide_behind_the_same_cover(corpus: Corpus) -> None:
    one, before = corpus.release("again-1", cover=0.2)
    two, _ = corpus.release("again-2", cover=0.2)
    assert files(one) == files(two)
    more, made = corpus.release("again-3", cover=0.8)
    assert made["samples"]["kept"] < before["samples"]["kept"]
    assert set(files(more)) <= set(files(one))
    left = {
        name: members((dest / "00000.tar").read_bytes()) for name, dest in (("1", one), ("3", more))
    }
    assert left["3"].items() <= left["1"].items()


def test_the_plan_is_sealed_and_outside_the_release(corpus: Corpus) -> None:
    corpus.release("sealed", cover=0.3)
    kept = corpus.place.root / "releases"
    for path in kept.rglob("*"):
        if path.is_file():
            assert path.stat().st_mode & 0o077 == 0
            data = path.read_bytes()
            assert not data or data.startswith(b"age-encryption.org/v1"), path
    stranger = corpus.place.root.parent / "stranger.key"
    new_identity(stranger)
    with pytest.raises(SealError):
        release(
            corpus.place.workspace,
            corpus.run,
            corpus.folder.parent / "never",
            load_identity(stranger),
            "a test",
            Options(),
        )
    assert not (corpus.folder.parent / "never").exists()


def test_it_refuses(corpus: Corpus, tmp_path: Path) -> None:
    identity = load_identity(corpus.place.key)
    workspace = corpus.place.workspace

    def refused(dest: Path, match: str, run: str = "r1", reason: str = "a test") -> None:
        with pytest.raises(UsageError, match=match):
            release(workspace, run, dest, identity, reason)

    refused(tmp_path, "exists already")
    (tmp_path / "link").symlink_to("nowhere")
    refused(tmp_path / "link", "exists already")
    refused(corpus.folder / "inside", "inside a source")
    refused(corpus.folder.parent, "inside a source or around it")
    refused(corpus.place.root / "inside", "inside the workspace")
    refused(tmp_path / "x", "there is no run", run="r2")
    refused(tmp_path / "x", "reason", reason=" ")
    with pytest.raises(UsageError, match="fraction"):
        Options(cover=1.5)
    assert not (tmp_path / "x").exists()


def test_a_changed_source_is_refused_by_name(corpus: Corpus) -> None:
    path = corpus.folder / "README.md"
    facts = path.stat()
    os.utime(path, ns=(facts.st_mtime_ns, facts.st_mtime_ns + 1))
    try:
        with pytest.raises(SourceChangedError, match=r"README\.md"):
            corpus.release("changed", cover=0.05)
    finally:
        os.utime(path, ns=(facts.st_mtime_ns, facts.st_mtime_ns))
    assert not (corpus.folder.parent / "changed").exists()
    # and the same command goes on once it is put back
    dest, _ = corpus.release("changed", cover=0.05)
    assert (dest / "README.md").read_bytes() == path.read_bytes()
    assert not list(corpus.folder.parent.glob(".tmp-*"))


def test_a_new_custodian_may_go_on_after_resealing(corpus: Corpus) -> None:
    corpus.release("before", cover=0.4)
    workspace = corpus.place.workspace
    key = corpus.place.root.parent / "second.key"
    workspace.add_custodian(new_identity(key), "Second")
    folder = corpus.place.root / "releases"
    sealed = sorted(folder.rglob("*.age"))
    second = load_identity(key)
    with pytest.raises(SealError):
        open_sealed(folder / "seed.age", second)
    with pytest.raises(UsageError, match="reason"):
        reseal_releases(workspace, load_identity(corpus.place.key), "")
    before = [open_sealed(path, load_identity(corpus.place.key)) for path in sealed]
    told = reseal_releases(workspace, load_identity(corpus.place.key), "a test")
    assert told.total() == len(sealed) - 1 and told[corpus.run]
    assert [open_sealed(path, second) for path in sealed] == before
    record = list(workspace.ledger.records())[-1]
    assert record.kind == Event.FINDINGS_RESEALED
    assert isinstance(record.fields["releases"], dict)
    assert len(record.fields["releases"]) == len(sealed)
    # and with the old key the same release is made again
    one, _ = corpus.release("after", cover=0.4)
    assert files(one) == files(corpus.folder.parent / "before")
