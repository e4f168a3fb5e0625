"""Releases of every sort of run: screened again, of several sources, and not finished."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest

from brightline.errors import UsageError
from brightline.findings import load_identity
from brightline.release.layout import layout_of
from brightline.release.manifest import check, read_manifest, walk
from brightline.release.plan import Options
from brightline.release.releasing import release
from tests.corpora import md5_row, write_tar
from tests.release.corpus import Corpus, picture
from tests.release.test_release import files, members


def test_a_run_screened_again_leaves_what_the_new_list_matches(corpus: Corpus) -> None:
    place, parent = corpus.place, corpus.folder.parent
    place.add_list("another", [md5_row(picture(n)) for n in (302, 401, 505)])
    place.run("rescreen", "r1", "--list", "another", "--run", "again", status=1)
    again = Corpus(place, corpus.folder, "again")
    dest, made = again.release("of-again", cover=0, keep_unscreened=True)
    assert made["leaving"]["matched"] == 3
    old, new = files(corpus.folder), files(dest)
    assert old.keys() - new.keys() == {"images/302.png"}
    assert set(members(new["nested.tar"])) == {"a.zip", "a.txt", "c.png"}
    with zipfile.ZipFile(io.BytesIO(new["some.zip"])) as archive:
        assert archive.namelist() == [f"x/{n}.png" for n in range(500, 510) if n != 505]
    changed = {name for name in new if new[name] != old[name]}
    assert changed == {"nested.tar", "some.zip", "images/metadata.csv"}
    # the first run's release is still the one of its own list
    bare, _ = corpus.release("of-the-first", cover=0, keep_unscreened=True)
    assert (bare / "images" / "302.png").exists()
    assert not list(parent.glob(".tmp-*"))


def test_a_run_of_a_difference_is_not_released(corpus: Corpus) -> None:
    """It knows nothing of what the older version matches, which would stay."""
    place = corpus.place
    old = place.add_list("growing", [md5_row(picture(302))])
    new = place.add_list("growing", [md5_row(picture(n)) for n in (302, 401)])
    delta = f"{old}..{new.partition('@')[2]}"
    place.run("rescreen", "r1", "--delta", delta, "--run", "difference", status=1)
    with pytest.raises(UsageError, match="whole lists"):
        layout_of(place.workspace, "difference")


@pytest.mark.long
def test_several_sources_lie_beside_each_other(corpus: Corpus, tmp_path: Path) -> None:
    """Two folders of one name, a tar by itself, and one that is in two sources."""
    for number, name in ((800, "one"), (810, "two")):
        (tmp_path / name / "data").mkdir(parents=True)
        for picked in range(number, number + 4):
            (tmp_path / name / "data" / f"{picked}.png").write_bytes(picture(picked))
    write_tar(tmp_path / "alone.tar", {f"{n}.png": picture(n) for n in (801, 820)})
    place = corpus.place
    place.add_list("several", [md5_row(picture(n)) for n in (801, 812)])
    sources = [tmp_path / "one" / "data", tmp_path / "two" / "data", tmp_path / "alone.tar"]
    place.run("audit", *sources, "--list", "several", "--run", "several", status=1)
    dest, made = Corpus(place, tmp_path / "x", "several").release("clean", cover=0)
    assert files(dest).keys() == {
        *(f"data/{n}.png" for n in (800, 802, 803)),
        *(f"data-2/{n}.png" for n in (810, 811, 813)),
        "alone.tar",
    }
    assert set(members((dest / "alone.tar").read_bytes())) == {"820.png"}
    told = [(s["path"], s["samples"], s["removed"]) for s in made["sources"]]
    assert sorted(told) == [("alone.tar", 2, 1), ("data", 4, 1), ("data-2", 4, 1)]
    assert check(read_manifest(dest / ".brightline" / "manifest.jsonl"), walk(dest)).none
    # and the statement is about all of them
    about = place.json("attest", "several", "--release", dest, status=0)
    assert place.json("verify", dest, "--key", about["key"], status=0)["verified"]


@pytest.mark.long
def test_a_run_that_is_not_finished_is_refused(corpus: Corpus, tmp_path: Path) -> None:
    place = corpus.place
    place.run(
        *("audit", corpus.folder, "--list", "hotline", "--run", "part"),
        *("--shard", "1/2", "--workers", "1"),
    )
    with pytest.raises(UsageError, match="not finished"):
        release(
            place.workspace,
            "part",
            tmp_path / "clean",
            load_identity(place.key),
            "a test",
            Options(),
        )
    assert not list(tmp_path.iterdir())
    opened = [r for r in place.workspace.ledger.records() if r.kind == "findings_opened"]
    assert "part" not in json.dumps([r.fields.get("run") for r in opened])
