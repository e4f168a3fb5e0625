"""The main job through the command line: what a person sees and what lies on disk."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import brightline
from brightline.screen.task import COUNTS, FINDINGS, SIGNALS
from brightline.storage import sha256_file
from brightline.types import Role, Screened
from tests.corpora import md5_row, mixed, pdq_row, write_tar
from tests.harness import BRIGHTLINE, Place, make_place, stable, without_run
from tests.pictures import encode, photo


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return make_place(tmp_path)


def test_a_whole_audit(place: Place, tmp_path: Path) -> None:
    version = place.add_list("hotline", mixed(tmp_path / "corpus"))
    summary = place.json("audit", tmp_path / "corpus", "--list", "hotline", status=1)

    # 20 + 20 + 20 pictures, a text, an empty file, a cut picture and a link
    assert summary["items"] == 64
    assert [summary[k] for k in ("screened", "exact_only", "skipped", "failed")] == [60, 1, 2, 1]
    assert sum(summary["reasons"].values()) == 4
    assert summary["matches"]["total"] == 5
    assert summary["matches"]["by_list"] == {version: 5}
    assert summary["matches"]["by_signal"] == {"md5": 2, "pdq": 2, "sha256": 1}
    assert summary["state"] == "complete"
    assert summary["lists"][0]["digest"].startswith("sha256:")

    findings = place.findings(summary["run"])
    assert sorted(f["item"] for f in findings) == [
        "25.jpg",
        "30.jpg",
        "plain/deep.er/003.jpg",
        "sub/45.jpg",
        "sub/50.jpg",
    ]
    assert {f["via"] for f in findings} == {"stored bytes"}
    assert all(f["distance"] <= f["threshold"] for f in findings)
    assert {f["category"] for f in findings} == {"A1", "B1", None}

    run = place.root / "runs" / summary["run"]
    for task in (run / "shards").iterdir():
        counts = json.loads((task / COUNTS).read_bytes())
        assert set(counts["files"]) == {FINDINGS, SIGNALS}
        for name, digest in counts["files"].items():
            assert sha256_file(task / name) == digest
    rows = [r for t in (run / "shards").iterdir() for r in pq.read_table(t / SIGNALS).to_pylist()]
    assert len(rows) == 64
    assert sum(row["pdq"] is not None for row in rows) == 61  # the cut picture's part too
    assert {p.stat().st_mode & 0o077 for p in run.rglob("*")} == {0}


def test_repeated_command_reads_nothing_again_and_worker_counts_agree(
    place: Place, tmp_path: Path
) -> None:
    place.add_list("hotline", mixed(tmp_path / "corpus"))
    runs = []
    for workers in (1, 2, 3):
        arguments = ("audit", tmp_path / "corpus", "--list", "hotline", "--workers", workers)
        summary = place.json(*arguments, "--run", f"r{workers}", "--no-reuse", status=1)
        runs.append((stable(summary), without_run(place.findings(f"r{workers}"))))
    assert runs[0] == runs[1] == runs[2]
    again = place.run("audit", tmp_path / "corpus", "--list", "hotline", "--run", "r1", status=1)
    assert "complete already" in again.stderr


def test_exit_statuses(place: Place, tmp_path: Path) -> None:
    clean = tmp_path / "pictures"
    clean.mkdir()
    (clean / "a.jpg").write_bytes(encode(photo(1, 200, 150)))
    (clean / "a.txt").write_text("caption")
    place.add_list("other", [f"{'ab' * 16},md5,x"])
    place.run("audit", clean, "--list", "other", status=0)
    (clean / "b.jpg").write_bytes(b"\xff\xd8\xff\xe0 not really")
    place.run("audit", clean, "--list", "other", status=3)
    place.add_list("hit", [md5_row(b"caption")])
    place.run("audit", clean, "--list", "other", "--list", "hit", status=1)


def test_known_good_is_counted_apart_and_hides_nothing(place: Place, tmp_path: Path) -> None:
    picture = encode(photo(1, 200, 150))
    write_tar(tmp_path / "t.tar", {"a.jpg": picture, "b.jpg": encode(photo(2, 200, 150))})
    place.add_list("good", [md5_row(picture), pdq_row(2, 200, 150)], role=Role.KNOWN_GOOD)
    summary = place.json("audit", tmp_path / "t.tar", "--list", "good", status=0)
    assert summary["matches"]["total"] == 0
    assert summary["matches"]["known_good"] == 2
    place.add_list("bad", [md5_row(picture)])
    both = place.json("audit", tmp_path / "t.tar", "--list", "good", "--list", "bad", status=1)
    assert both["matches"]["total"] == both["matches"]["items"] == 1
    assert len(place.findings(both["run"])) == 3


def test_threshold_of_the_list_and_orientations(place: Place, tmp_path: Path) -> None:
    turned = photo(4, 320, 240)[:, ::-1]
    write_tar(tmp_path / "t.tar", {"mirrored.png": encode(turned.copy(), "PNG")})
    place.add_list("hotline", [pdq_row(4, 320, 240)])
    place.run("audit", tmp_path / "t.tar", "--list", "hotline", status=0)
    found = place.json("audit", tmp_path / "t.tar", "--list", "hotline", "--orientations", status=1)
    finding = place.findings(found["run"])[0]
    assert finding["orientation"] == "flipped left to right"
    assert finding["distance"] == 0
    soft = encode(photo(5, 320, 240), "JPEG", quality=20)
    write_tar(tmp_path / "s.tar", {"soft.jpg": soft})
    place.add_list("strict", [pdq_row(5, 320, 240)], pdq_threshold=0)
    place.add_list("usual", [pdq_row(5, 320, 240)])
    place.run("audit", tmp_path / "s.tar", "--list", "strict", status=0)
    place.run("audit", tmp_path / "s.tar", "--list", "usual", status=1)


def test_a_changed_source_is_refused_by_name(place: Place, tmp_path: Path) -> None:
    mixed(tmp_path / "corpus")
    place.add_list("hotline", [f"{'ab' * 16},md5,x"])
    place.run("audit", tmp_path / "corpus", "--list", "hotline", "--run", "one", status=3)
    run = place.root / "runs" / "one"
    (run / "summary.json").unlink()
    shutil.rmtree(next((run / "shards").iterdir()))
    os.utime(tmp_path / "corpus" / "a.tar", ns=(1, 1))
    refused = place.run("audit", tmp_path / "corpus", "--list", "hotline", "--run", "one", status=2)
    assert "a.tar" in refused.stderr
    assert refused.stderr.count("\n") == 2  # "resuming" and the one-line error


def test_parts_of_a_run(place: Place, tmp_path: Path) -> None:
    place.add_list("hotline", mixed(tmp_path / "corpus"))
    whole = place.json("audit", tmp_path / "corpus", "--list", "hotline", status=1)
    parts = [
        place.json(
            *("audit", tmp_path / "corpus", "--list", "hotline"),
            *("--run", "array", "--shard", f"{number}/3"),
        )
        for number in (2, 3, 1)
    ]
    assert [part["state"] for part in parts] == ["incomplete", "incomplete", "complete"]
    assert stable(parts[-1]) == stable(whole)
    assert without_run(place.findings("array")) == without_run(place.findings(whole["run"]))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["audit", "{corpus}"], "--list"),
        (["audit", "{corpus}", "--list", "nowhere"], "nowhere"),
        (["audit", "{tmp}/missing", "--list", "hotline"], "missing"),
        (["audit", "{corpus}", "--list", "hotline", "--run", "../up"], "name"),
        (["audit", "{corpus}", "--list", "hotline", "--shard", "1/2"], "--run"),
        (["audit", "{corpus}", "--list", "hotline", "--shard", "3/2", "--run", "x"], "I/N"),
        (["audit", "{corpus}", "--list", "hotline", "--shard", "x", "--run", "x"], "I/N"),
        (["audit", "{corpus}", "--list", "hotline", "--workers", "0"], "workers"),
        (["audit", "{corpus}", "--list", "hotline", "--source-type", "floppy"], "floppy"),
        (["audit", "--list", "hotline"], "SOURCE"),
        (["audit", "{corpus}", "--list", "hotline", "--no-such-option"], "--no-such-option"),
        (["findings", "open", "no-run", "--identity", "{key}", "--reason", "x"], "no-run"),
        (["report", "no-run"], "no-run"),
        (["run", "show", "no-run"], "no-run"),
        (["list", "show", "nowhere"], "nowhere"),
        (["list", "import", "../up", "{key}"], "name"),
        (["no-such-command"], "no-such-command"),
    ],
)
def test_bad_input_gets_one_line(
    place: Place, tmp_path: Path, arguments: list[str], says: str
) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    place.add_list("hotline", [f"{'ab' * 16},md5,x"])
    given = [a.format(corpus=corpus, tmp=tmp_path, key=place.key) for a in arguments]
    refused = place.run(*given, status=2)
    assert refused.stdout == ""
    assert refused.stderr.count("\n") == 1
    assert says in refused.stderr
    assert "Traceback" not in refused.stderr


def test_no_command_shows_what_there_is(place: Place) -> None:
    for arguments in ((), ("list",), ("findings",)):
        shown = place.run(*arguments, status=2)
        assert shown.stderr.startswith("Usage: brightline")
        assert shown.stderr.count("\n") > 5


def test_no_custodian_is_refused_with_the_two_commands(tmp_path: Path) -> None:
    place = Place(tmp_path / "w", tmp_path / "key")
    place.run("init", place.root, status=0)
    place.add_list("hotline", [f"{'ab' * 16},md5,x"])
    refused = place.run("audit", tmp_path, "--list", "hotline", status=2)
    assert "brightline custodian new" in refused.stderr
    assert "brightline custodian add" in refused.stderr


def test_damaged_findings_open_nothing(place: Place, tmp_path: Path) -> None:
    place.add_list("hotline", mixed(tmp_path / "corpus"))
    summary = place.json("audit", tmp_path / "corpus", "--list", "hotline", status=1)
    sealed = sorted((place.root / "runs" / summary["run"] / "shards").glob("*/findings.age"))
    whole = sealed[-1].read_bytes()
    for damage in (whole[:-1], whole[: len(whole) // 2], b"", whole[:-1] + b"\x00"):
        sealed[-1].write_bytes(damage)
        refused = place.run(
            "findings", "open", summary["run"], "--identity", place.key, "--reason", "x", status=2
        )
        assert refused.stdout == ""
    sealed[-1].write_bytes(whole)
    assert len(place.findings(summary["run"])) == 5
    other = make_place(tmp_path / "elsewhere").key
    refused = place.run(
        "findings", "open", summary["run"], "--identity", other, "--reason", "x", status=2
    )
    assert refused.stdout == ""
    assert "not among the custodians" in refused.stderr
    opened = [r for r in place.workspace.ledger.records() if r.kind == "findings_opened"]
    assert [r.fields["reason"] for r in opened] == ["a test"]


def test_full_disk_says_so_and_loses_nothing(place: Place, tmp_path: Path) -> None:
    """A file size limit stands in for a full disk: writing fails half way."""
    rows = mixed(tmp_path / "corpus")
    place.add_list("hotline", rows)
    script = f"trap '' XFSZ; ulimit -f 8; exec {BRIGHTLINE} audit {tmp_path}/corpus --list hotline"
    done = subprocess.run(
        ["bash", "-c", script], env=place.environment, capture_output=True, text=True
    )
    assert done.returncode == 2, (done.returncode, done.stderr)
    assert "Traceback" not in done.stderr
    assert place.json("audit", tmp_path / "corpus", "--list", "hotline", status=1)["items"] == 64


def test_python_interface(place: Place, tmp_path: Path) -> None:
    picture = encode(photo(3, 300, 200))
    place.add_list("hotline", [pdq_row(3, 300, 200), md5_row(picture)])
    signals = brightline.hash_bytes(picture)
    assert signals.pdq is not None
    assert len(signals.pdq) == 32
    assert signals.media_type == "image/jpeg"
    opened = brightline.open_list("hotline", workspace=place.root)
    assert len(opened) == 2
    assert len(brightline.open_list(opened.path)) == 2
    outcome = brightline.Screener([opened]).screen(picture)
    assert isinstance(outcome, Screened)
    assert [m.signal for m in outcome.matches] == ["md5", "pdq"]
    assert brightline.Screener([opened]).screen(b"else").matches == ()
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "x.jpg").write_bytes(picture)
    summary = brightline.audit([tmp_path / "p"], ["hotline"], place.root, workers=1)
    assert (summary.items, summary.matches, summary.exit_status) == (1, 2, 1)


def test_hash_command(place: Place, tmp_path: Path) -> None:
    (tmp_path / "x.jpg").write_bytes(encode(photo(3, 300, 200)))
    (tmp_path / "y.txt").write_text("text")
    found = place.json("hash", tmp_path / "x.jpg", tmp_path / "y.txt", status=0)
    keys = {"md5", "sha1", "sha256", "pdq", "pdq_quality", "pdq_pipeline", "width", "height"}
    assert keys | {"media_type"} <= set(found[0])
    assert found[0]["pdq_pipeline"] == "full+luma"
    assert found[1]["pdq"] is None
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9\n.txt")
    (tmp_path / "y.txt").rename(odd)
    assert place.json("hash", odd, status=0)[0]["file"].endswith("caf%E9%0A.txt")
    assert place.run("hash", odd, status=0).stdout.splitlines()[0].endswith("caf\\udce9\\n.txt")
    missing = place.run("hash", tmp_path / "none.jpg", status=3)
    assert "Traceback" not in missing.stderr
