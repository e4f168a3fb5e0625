"""Re-screening gives what an audit with the same lists gives, and opens no source."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from brightline.errors import DamagedError
from brightline.lists import HashList, open_delta
from brightline.screen.task import COUNTS, FINDINGS, SIGNALS
from brightline.signals.pdq import pdq
from brightline.types import Pipeline, Role
from tests.corpora import md5_row, mixed, pdq_row, sha256_row, write_tar
from tests.harness import Place, make_place, stable, without_run
from tests.pictures import encode, photo
from tests.screen.inprocess import Desk, make_desk


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return make_place(tmp_path)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return make_desk(tmp_path)


def img2dataset_like(folder: Path) -> list[str]:
    """A tar with padded pictures and its side table; rows for what only the table knows."""
    folder.mkdir()
    members, rows = {}, []
    for k in range(6):
        whole = photo(k, 300, 120)
        padded = np.full((300, 300, 3), 255, np.uint8)
        padded[90:210] = whole
        members[f"{k:09}.jpg"] = encode(padded, "JPEG", quality=95)
        original = hashlib.sha256(b"original %d" % k).hexdigest()
        url = f"https://example.org/{k}.jpg"
        declared = {"key": f"{k:09}", "status": "success", "sha256": original, "url": url}
        rows.append(declared | {"original_width": 1500, "original_height": 600})
    write_tar(folder / "00000.tar", members)
    pq.write_table(pa.Table.from_pylist(rows), folder / "00000.parquet")
    return [
        f"{rows[1]['sha256']},sha256,C",
        f"{hashlib.sha256(str(rows[2]['url']).encode()).hexdigest()},url-sha256,U",
        f"{pdq(photo(3, 300, 120)).hash.hex()},pdq,P",
    ]


def tables(folder: Path) -> list[str]:
    """Tables of metadata: hash and address columns, a row with a bad hash, one without any."""
    folder.mkdir()
    digests: list[str | None] = [hashlib.md5(b"row %d" % k).hexdigest() for k in range(40)]
    digests[7], digests[8] = "not a hash", None
    urls = [f"https://example.org/t/{k}.jpg" if k != 8 else None for k in range(40)]
    pq.write_table(pa.table({"url": urls, "md5": digests}), folder / "t.parquet")
    rows = "".join(f"{hashlib.sha256(b'csv %d' % k).hexdigest()},x{k}\n" for k in range(30))
    (folder / "t.csv").write_text("sha256,caption\n" + rows)
    known = [hashlib.sha256(str(urls[k]).encode()).hexdigest() for k in (3, 7)]
    return [
        f"{digests[5]},md5,M",
        *(f"{digest},url-sha256,U" for digest in known),
        f"{hashlib.sha256(b'csv 4').hexdigest()},sha256,S",
    ]


def turned(folder: Path) -> list[str]:
    """Pictures over 512 pixels, some of them turned or not opaque."""
    folder.mkdir()
    whole = photo(11, 800, 600)
    (folder / "mirrored.png").write_bytes(encode(whole[:, ::-1].copy(), "PNG", compress_level=1))
    (folder / "as it is.jpg").write_bytes(encode(whole, "JPEG", quality=90))
    clear = np.dstack([photo(12, 200, 150), np.full((150, 200), 255, np.uint8)])
    clear[:70, :, 3] = 0
    (folder / "clear.png").write_bytes(encode(clear, "PNG"))
    cut = encode(photo(13, 320, 240), "JPEG", quality=90)
    (folder / "cut.jpg").write_bytes(cut[: len(cut) * 3 // 4])
    flat = clear[..., :3].copy()
    flat[:70] = 255
    return [
        pdq_row(11, 800, 600),
        f"{pdq(flat).hash.hex()},pdq,W",
        pdq_row(13, 320, 240),
        sha256_row((folder / "cut.jpg").read_bytes()),
    ]


CORPORA = {
    "mixed": mixed,
    "img2dataset": img2dataset_like,
    "tables": tables,
    "turned": turned,
}


@pytest.mark.parametrize(
    ("corpus", "orientations"),
    [
        ("mixed", False),
        ("img2dataset", False),
        ("tables", False),
        ("turned", True),
        pytest.param("mixed", True, marks=pytest.mark.long),
        pytest.param("img2dataset", True, marks=pytest.mark.long),
        pytest.param("turned", False, marks=pytest.mark.long),
    ],
)
def test_as_a_full_audit(
    place: Place, desk: Desk, tmp_path: Path, corpus: str, orientations: bool
) -> None:
    """Archives made with another list, sources gone: all that an audit with the lists found."""
    rows = CORPORA[corpus](tmp_path / "corpus")
    opened = []
    for pipeline in (Pipeline.FULL, Pipeline.NEAREST_512, Pipeline.UNKNOWN):
        name = f"{pipeline}"
        version = place.add_list(name, rows, pipeline=pipeline).partition("@")[2]
        opened.append(HashList(place.root / "lists" / name / version))
    good = place.add_list("good", rows[::2], role=Role.KNOWN_GOOD).partition("@")[2]
    opened.append(HashList(place.root / "lists" / "good" / good))
    other = place.add_list("other", [f"{'ab' * 16},md5,x"]).partition("@")[2]
    unrelated = [HashList(place.root / "lists" / "other" / other)]

    jobs = desk.audit("whole", tmp_path / "corpus", opened, orientations=orientations)
    desk.audit("first", tmp_path / "corpus", unrelated, orientations=orientations)
    expected = desk.results("whole", jobs)
    assert sum(len(shard["findings"]) for shard in expected) >= len(rows)
    shutil.rmtree(tmp_path / "corpus")

    beat = desk.rescreen("again", "first", jobs, opened)
    assert desk.results("again", jobs) == expected
    assert beat.items == sum(shard["tally"]["items"] for shard in expected)
    # and once more, from what was made just now
    desk.rescreen("third", "again", jobs, opened)
    assert desk.results("third", jobs) == expected


def test_delta_finds_what_the_new_version_adds(place: Place, desk: Desk, tmp_path: Path) -> None:
    rows = mixed(tmp_path / "corpus")
    lists = place.root / "lists"
    old = place.add_list("hotline", rows[:2]).partition("@")[2]
    new = place.add_list("hotline", rows).partition("@")[2]
    versions = [HashList(lists / "hotline" / version) for version in (old, new)]
    jobs = desk.audit("old", tmp_path / "corpus", versions[:1])
    desk.rescreen("new", "old", jobs, versions[1:])
    desk.rescreen("delta", "old", jobs, [open_delta(lists, "hotline", old, new)])

    def flat(run: str) -> list[str]:
        found = [f for shard in desk.results(run, jobs) for f in shard["findings"]]
        kept = [{k: v for k, v in f.items() if k not in ("list_version", "entry")} for f in found]
        return sorted(json.dumps(f, sort_keys=True) for f in kept)

    assert sorted(flat("old") + flat("delta")) == flat("new")
    assert len(flat("delta")) == 3
    assert len(flat("new")) == 5


@pytest.mark.parametrize("what", ["flip", "cut", "gone", "counts", "other"])
def test_damaged_archives_are_named_and_not_used(
    place: Place, desk: Desk, tmp_path: Path, what: str
) -> None:
    (tmp_path / "corpus").mkdir()
    for k in range(2):
        write_tar(tmp_path / "corpus" / f"{k}.tar", {f"{k}.txt": b"text %d" % k})
    version = place.add_list("hotline", [md5_row(b"text 1")]).partition("@")[2]
    opened = [HashList(place.root / "lists" / "hotline" / version)]
    jobs = desk.audit("first", tmp_path / "corpus", opened)
    folder = desk.root / "first" / jobs[1].task
    data = (folder / SIGNALS).read_bytes()
    middle = len(data) // 2
    match what:
        case "flip":
            changed = data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
            (folder / SIGNALS).write_bytes(changed)
        case "cut":
            (folder / SIGNALS).write_bytes(data[:middle])
        case "gone":
            (folder / SIGNALS).unlink()
        case "counts":
            (folder / COUNTS).write_bytes(b"{}")
        case _:
            # whole in itself, and not what was counted
            counts = json.loads((folder / COUNTS).read_bytes())
            counts["tally"]["items"] += 1
            (folder / COUNTS).write_text(json.dumps(counts))
    with pytest.raises(DamagedError) as refused:
        desk.rescreen("again", "first", jobs, opened)
    assert str(folder) in str(refused.value)
    assert "\n" not in str(refused.value)
    assert sorted(p.name for p in (desk.root / "again").iterdir()) == [jobs[0].task]
    read = []

    def instead(job: Any) -> dict[str, Any]:
        read.append(job.number)
        return {}

    desk.rescreen("again", "first", jobs, opened, instead)
    assert read == [1]


def test_the_archive_is_the_same_file_and_outlives_the_old_run(
    place: Place, desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x.txt").write_text("text")
    version = place.add_list("hotline", [md5_row(b"text")]).partition("@")[2]
    opened = [HashList(place.root / "lists" / "hotline" / version)]
    (job,) = jobs = desk.audit("first", tmp_path / "x.txt", opened)
    desk.rescreen("linked", "first", jobs, opened)
    archive = desk.root / "linked" / job.task / SIGNALS
    assert archive.samefile(desk.root / "first" / job.task / SIGNALS)
    assert archive.stat().st_mode & 0o077 == 0

    def refuses(*_: object, **__: object) -> None:
        raise OSError(1, "no links here")

    monkeypatch.setattr("os.link", refuses)
    desk.rescreen("copied", "first", jobs, opened)
    assert not (desk.root / "copied" / job.task / SIGNALS).samefile(archive)
    shutil.rmtree(desk.root / "first")
    expected = desk.results("linked", jobs)
    assert desk.results("copied", jobs) == expected
    for origin in ("linked", "copied"):
        desk.rescreen(f"of {origin}", origin, jobs, opened)
        assert desk.results(f"of {origin}", jobs) == expected


def test_shards_of_many_matches_are_committed_one_by_one(
    place: Place, desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        (tmp_path / f"{number}").mkdir()
        (tmp_path / f"{number}" / "x.txt").write_text("text")
    version = place.add_list("hotline", [md5_row(b"text")]).partition("@")[2]
    opened = [HashList(place.root / "lists" / "hotline" / version)]
    jobs = [job for k in range(4) for job in desk.audit("first", tmp_path / f"{k}", opened)]
    desk.rescreen("together", "first", jobs, opened)
    monkeypatch.setattr("brightline.screen.reuse._AT_ONCE", 0)
    desk.rescreen("alone", "first", jobs, opened)
    expected = desk.results("first", jobs)
    assert desk.results("together", jobs) == desk.results("alone", jobs) == expected


@pytest.mark.long
def test_commands(place: Place, tmp_path: Path) -> None:
    """From the command line: newest versions, a delta, resuming, and what is refused."""
    rows = mixed(tmp_path / "corpus")
    old = place.add_list("hotline", rows[:2])
    first = place.json("audit", tmp_path / "corpus", "--list", "hotline", "--run", "a", status=1)
    assert (first["reused"], first["rescreened_from"]) == (0, None)
    new = place.add_list("hotline", rows)
    whole = place.json(
        *("audit", tmp_path / "corpus", "--list", "hotline", "--run", "b", "--no-reuse"), status=1
    )
    shutil.rmtree(tmp_path / "corpus")

    again = place.json("rescreen", "a", "--run", "c", status=1)
    assert again["rescreened_from"]["run"] == "a"
    assert again["reused"] == again["shards"]["total"]
    assert stable(again) == stable(whole)
    assert without_run(place.findings("c")) == without_run(place.findings("b"))

    between = f"hotline@{old.partition('@')[2]}..{new.partition('@')[2]}"
    delta = place.json("rescreen", "a", "--delta", between, "--run", "d", status=1)
    assert delta["matches"]["total"] == 3
    assert delta["lists"][0]["since"] == old.partition("@")[2]
    assert delta["lists"][0]["entries"] == 4
    shutil.rmtree(place.root / "runs" / "a")
    # half done: a shard and the summary are gone, and so is the old run
    assert place.json("run", "show", "d")["matches"] == delta["matches"]
    assert len(place.findings("d")) == 3
    shown = place.run("run", "show", "c", status=0).stdout
    assert "no source was read" in shown
    place.run("report", "c", "--format", "json", "-o", tmp_path / "r.json", status=0)

    for arguments, says in (
        (["rescreen", "a"], "no run a"),
        (["rescreen", "b", "--delta", "hotline"], "OLD..NEW"),
        (["rescreen", "b", "--list", "nowhere"], "nowhere"),
        (["rescreen", "b", "--list", "hotline", "--list", new], "twice"),
        (["rescreen", "b", "--run", "c"], "begun with other"),
    ):
        refused = place.run(*arguments, status=2)
        assert says in refused.stderr
        assert refused.stderr.count("\n") == 1
    started = [r.fields for r in place.workspace.ledger.records() if r.kind == "run_started"]
    assert [fields.get("from") for fields in started] == [None, None, "a", "a"]


@pytest.mark.long
def test_stopped_half_way_goes_on(place: Place, tmp_path: Path) -> None:
    rows = mixed(tmp_path / "corpus")
    place.add_list("hotline", rows)
    place.run("audit", tmp_path / "corpus", "--list", "hotline", "--run", "a", status=1)
    whole = place.json("rescreen", "a", "--run", "b", "--workers", 1, status=1)
    run = place.root / "runs" / "b"
    (run / "summary.json").unlink()
    gone = sorted((run / "shards").iterdir())[0]
    shutil.rmtree(gone)
    # as a kill leaves it
    (run / "shards" / ".tmp-0123-x").mkdir()
    (run / "shards" / ".tmp-0123-x" / FINDINGS).write_bytes(b"half")
    resumed = place.run("rescreen", "a", "--json", "--workers", 1, status=1)
    assert "resuming run b" in resumed.stderr
    assert "committed already" in resumed.stderr
    assert stable(json.loads(resumed.stdout)) == stable(whole)
    assert not list(run.rglob(".tmp-*"))
    again = place.run("rescreen", "a", "--run", "b", status=1)
    assert "nothing was matched again" in again.stderr
    tasks = [
        str(record.fields["task"])
        for record in place.workspace.ledger.records()
        if record.kind == "shard_committed" and record.fields["run"] == "b"
    ]
    assert len(tasks) == len(set(tasks)) == whole["shards"]["total"]
    (run / "summary.json").unlink()
    refused = place.run("rescreen", "b", status=2)
    assert "not complete" in refused.stderr
