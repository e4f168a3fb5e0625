"""kill -9 at random moments, 50 times over one audit, changes nothing of its result."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.corpora import md5_row, pdq_row, write_tar
from tests.harness import BRIGHTLINE, Place, make_place, stable, without_run
from tests.pictures import encode, photo

KILLS = 20
SHARDS = 56


def corpus(folder: Path, shards: int = 12) -> list[str]:
    """Shards of pictures that take long to decode; returns a list that matches some."""
    folder.mkdir()
    pictures = [encode(photo(k, 1500, 1100), "PNG", compress_level=1) for k in range(8)]
    rows = [md5_row(pictures[0]), pdq_row(3, 1500, 1100)]
    for shard in range(shards):
        members = {f"{shard}-{k}.png": pictures[(shard + k) % 8] for k in range(10)}
        write_tar(folder / f"{shard:03}.tar", members)
    return rows


def children(pid: int) -> set[int]:
    """Descendants of a process, as far as it still has them."""
    found: set[int] = set()
    todo = [pid]
    while todo:
        path = Path(f"/proc/{todo.pop()}")
        for task in path.glob("task/*/children"):
            try:
                kids = {int(k) for k in task.read_text().split()}
            except OSError:
                continue
            todo += kids - found
            found |= kids
    return found


def parent_of(pid: int) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    except OSError:
        return None


def workers(pid: int) -> set[int]:
    """What the nursery, a child of the command, has forked. A guard is a worker's own child: to
    kill that one is what a crashing decoder does, and costs its item."""
    family = children(pid)
    nurseries = {kid for kid in family if parent_of(kid) == pid}
    return {kid for kid in family if parent_of(kid) in nurseries}


def temporary(shards: Path) -> set[str]:
    """Folders of shards that are, or were, being written."""
    if not shards.is_dir():
        return set()
    return {path.name for path in shards.iterdir() if path.name.startswith(".tmp-")}


def kill_at_random(place: Place, command: list[str], rng: random.Random) -> int | None:
    """Start the command and kill it, or one of its workers; None if it was killed."""
    shards = place.root / "runs" / "killed" / "shards"
    left_over = temporary(shards)
    process = subprocess.Popen(
        command, env=place.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    if rng.random() < 0.25:
        # early: while it lists sources, freezes the manifest, starts its workers
        time.sleep(rng.uniform(0.05, 2.0))
    else:
        # amid the work: once a shard's temporary folder is there
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and process.poll() is None:
            if temporary(shards) - left_over:
                break
            time.sleep(0.01)
        time.sleep(rng.uniform(0.0, 0.4))
    if process.poll() is not None:
        return process.returncode
    family = children(process.pid)
    process.kill()
    process.wait()
    # what a worker still does after its parent's death would be a race with the next run
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{pid}/stat").exists() and alive(pid) for pid in family):
        assert time.monotonic() < deadline, "workers outlived their parent"
        time.sleep(0.02)
    return None


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


@pytest.mark.timeout(560)
@pytest.mark.long
def test_kills_change_nothing(tmp_path: Path) -> None:
    place = make_place(tmp_path)
    place.add_list("hotline", corpus(tmp_path / "corpus", SHARDS))
    base = ["audit", str(tmp_path / "corpus"), "--list", "hotline", "--workers", "2", "--no-reuse"]
    undisturbed = place.json(*base, "--run", "undisturbed", status=1)
    assert undisturbed["items"] == SHARDS * 10

    rng = random.Random(20261122)
    command = [str(BRIGHTLINE), *base, "--run", "killed"]
    kills = 0
    while kills < KILLS:
        status = kill_at_random(place, command, rng)
        assert status is None, f"it ended with {status} after {kills} kills: give it more work"
        kills += 1
    killed = place.json(*base, "--run", "killed", status=1)

    assert stable(killed) == stable(undisturbed)
    assert without_run(place.findings("killed")) == without_run(place.findings("undisturbed"))
    run = place.root / "runs" / "killed"
    assert len(list((run / "shards").iterdir())) == SHARDS
    assert not list(run.rglob(".tmp-*"))
    tasks = [
        str(record.fields["task"])
        for record in place.workspace.ledger.records()
        if record.kind == "shard_committed" and record.fields["run"] == "killed"
    ]
    assert len(tasks) == len(set(tasks)) == SHARDS


@pytest.mark.parametrize(
    ("number", "status"),
    [
        pytest.param(signal.SIGINT, 130, id="Ctrl-C"),
        pytest.param(signal.SIGTERM, 143, id="TERM", marks=pytest.mark.long),
    ],
)
def test_stopping_is_clean_and_resumes(tmp_path: Path, number: int, status: int) -> None:
    place = make_place(tmp_path)
    place.add_list("hotline", corpus(tmp_path / "corpus"))
    command = [str(BRIGHTLINE), "audit", str(tmp_path / "corpus"), "--list", "hotline"]
    process = subprocess.Popen(
        command, env=place.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    runs = place.root / "runs"
    # A hidden folder is a shard still being written: stopping gives it up, rightly.
    while not list(runs.glob("*/shards/[!.]*/counts.json")):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == status
    assert "the same command" in said
    assert "Traceback" not in said
    assert not list(runs.rglob("summary.json"))
    again = place.run(*command[1:], status=1)
    assert "resuming" in again.stderr
    assert "committed already" in again.stderr


def test_a_killed_worker_costs_nothing(tmp_path: Path) -> None:
    place = make_place(tmp_path)
    place.add_list("hotline", corpus(tmp_path / "corpus"))
    base = ["audit", str(tmp_path / "corpus"), "--list", "hotline", "--workers", "2"]
    process = subprocess.Popen(
        [str(BRIGHTLINE), *base, "--run", "hurt"],
        env=place.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    shards = place.root / "runs" / "hurt" / "shards"
    killed = 0
    while process.poll() is None and killed < 3:
        if shards.is_dir() and any(p.name.startswith(".tmp-") for p in shards.iterdir()):
            for pid in workers(process.pid):
                subprocess.run(["kill", "-9", str(pid)], check=False)
                killed += 1
                break
        time.sleep(0.4)
    assert process.wait(timeout=200) == 1
    assert killed == 3
    hurt = place.json("run", "show", "hurt")
    assert hurt["failed"] == 0
    assert hurt["screened"] == 12 * 10
