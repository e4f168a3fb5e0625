"""An audit of a corpus that grew reads what is new or changed, and nothing else."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from brightline.screen.earlier import Earlier
from brightline.screen.manifest import thaw
from brightline.screen.parameters import ListReference, Parameters
from brightline.screen.runs import MANIFEST, read_run
from brightline.screen.task import COUNTS, SIGNALS
from brightline.types import Limits
from tests.corpora import md5_row, pdq_row, write_tar
from tests.harness import Place, make_place, stable, without_run
from tests.pictures import encode, photo

SHARDS = 4


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return make_place(tmp_path)


def corpus(folder: Path, shards: int = SHARDS) -> list[str]:
    folder.mkdir()
    for shard in range(shards):
        pictures = {f"{shard}-{k}.jpg": encode(photo(shard * 9 + k, 120, 90)) for k in range(3)}
        write_tar(folder / f"{shard}.tar", pictures)
    return [md5_row(encode(photo(10, 120, 90))), pdq_row(29, 120, 90), pdq_row(38, 120, 90)]


def spoil(path: Path) -> None:
    """Replace every picture's bytes under the same size and time: reading would show."""
    stamp = path.stat()
    data = bytearray(path.read_bytes())
    at = data.find(b"\xff\xd8\xff")
    while at >= 0:
        data[at : at + 400] = b"\0" * 400
        at = data.find(b"\xff\xd8\xff", at)
    path.write_bytes(data)
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert path.stat().st_size == stamp.st_size


def test_only_new_and_changed_shards_are_read(place: Place, tmp_path: Path) -> None:
    rows = corpus(tmp_path / "corpus")
    place.add_list("hotline", rows[:1])
    base = ("audit", tmp_path / "corpus", "--workers", 1)
    first = place.json(*base, "--list", "hotline", "--run", "first", status=1)
    assert first["reused"] == 0
    # the corpus grows by one, one is changed; the list grew as well
    changed = {f"new {k}.jpg": encode(photo(38 + k, 120, 90)) for k in range(3)}
    write_tar(tmp_path / "corpus" / "1.tar", changed)
    write_tar(tmp_path / "corpus" / "9.tar", {"z.jpg": encode(photo(70, 120, 90))})
    place.add_list("hotline", rows)
    whole = place.json(*base, "--list", "hotline", "--run", "whole", "--no-reuse", status=1)
    assert whole["reused"] == 0
    shutil.rmtree(place.root / "runs" / "whole")

    for name in ("0.tar", "2.tar", "3.tar"):
        spoil(tmp_path / "corpus" / name)
    grown = place.json(*base, "--list", "hotline", "--run", "grown", status=1)
    assert grown["reused"] == 3
    assert grown["screened"] == 3 * SHARDS + 1
    assert stable(grown) == stable(whole)
    assert "3 shards unchanged and not read again" in place.run("run", "show", "grown").stdout
    findings = without_run(place.findings("grown"))
    assert {f["item"] for f in findings} == {"new 0.jpg", "3-2.jpg"} | {
        f["item"] for f in findings if f["signal"] == "md5"
    }


@pytest.mark.long
def test_damaged_archives_are_read_again(place: Place, tmp_path: Path) -> None:
    rows = corpus(tmp_path / "corpus")
    place.add_list("hotline", rows)
    base = ("audit", tmp_path / "corpus", "--workers", 1, "--list", "hotline")
    first = place.json(*base, "--run", "first", status=1)
    archive = sorted((place.root / "runs" / "first" / "shards").glob(f"*/{SIGNALS}"))[0]
    archive.write_bytes(archive.read_bytes()[:-1])
    again = place.json(*base, "--run", "again", status=1)
    assert again["reused"] == SHARDS - 1
    assert stable(again) == stable(first)
    # what is read shows: without archives the spoilt bytes are all there is
    for path in (tmp_path / "corpus").iterdir():
        spoil(path)
    fresh = place.json(*base, "--run", "fresh", "--no-reuse", status=3)
    assert (fresh["reused"], fresh["screened"]) == (0, 0)


def found(place: Place, run: str, **changes: Any) -> int:
    """How many shards of a run the others could lend it, if it was asked for differently."""
    folder = place.root / "runs" / run
    parameters = Parameters.from_json(read_run(folder)["parameters"])
    given = {
        "sources": parameters.sources,
        "lists": parameters.lists,
        "limits": parameters.limits,
        "orientations": parameters.orientations,
    }
    earlier = Earlier(place.workspace, folder, Parameters(**{**given, **changes}))
    return sum(earlier.origin(shard) is not None for shard in thaw(folder / MANIFEST))


def test_what_must_be_the_same(place: Place, tmp_path: Path) -> None:
    """Limits, orientations and signals; not the list. Nothing that may go better next time."""
    corpus(tmp_path / "corpus", 2)
    place.add_list("hotline", [f"{'ab' * 16},md5,x"])
    base = ("audit", tmp_path / "corpus", "--list", "hotline", "--workers", 1)
    place.run(*base, "--run", "first", status=0)
    place.run(*base, "--run", "second", status=0)
    assert found(place, "second") == 2
    assert found(place, "second", orientations=True) == 0
    assert found(place, "second", limits=Limits(max_pixels=5)) == 0
    assert found(place, "second", lists=(ListReference("other", "0001-0", "sha256:0"),)) == 2

    first = place.root / "runs" / "first"
    document = json.loads((first / "run.json").read_bytes())
    (first / "run.json").write_text(json.dumps(document | {"signals_version": 1}))
    assert found(place, "second") == 0
    # a later version of the tool that makes the same signals: tasks keep their names
    (first / "run.json").write_text(json.dumps(document))
    assert found(place, "second") == 2
    task = sorted((first / "shards").iterdir())[0] / COUNTS
    counts = json.loads(task.read_bytes())
    for reason in ("decoder_timeout", "unreadable", "reader_crashed"):
        counts["tally"]["counters"]["reasons"] = {reason: 1}
        task.write_text(json.dumps(counts))
        assert found(place, "second") == 1
    task.unlink()
    assert found(place, "second") == 1
    (first / MANIFEST).write_bytes(b"no manifest")
    assert found(place, "second") == 0
