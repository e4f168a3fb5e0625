"""A release that is killed, or finds the disk full, and the same command after it."""

from __future__ import annotations

import errno
import json
import resource
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from brightline import storage
from brightline.errors import UsageError
from brightline.ledger import Event
from brightline.release import finishing, work
from brightline.release.digesting import Written, digests_of
from brightline.release.manifest import check, read_manifest, walk
from tests.harness import BRIGHTLINE
from tests.release.corpus import Corpus
from tests.release.test_release import files

#: kills its own process at the n-th change of the file system that a release makes
_CHILD = """
import os, signal, sys
sys.dont_write_bytecode = True
from pathlib import Path
from brightline.findings import load_identity
from brightline.release import copying, finishing, work
from brightline.release.plan import Options
from brightline.release.releasing import release
from brightline.workspace import Workspace

root, key, run, dest, point = sys.argv[1:]
left = int(point)
KINDS = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.utime", "os.chmod", "os.truncate"}

def step():
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

def hook(event, args):
    writes = event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR)
    if event in KINDS or (writes and ".lock" not in str(args[0])):
        step()

whole = copying.Output.write

def write(out, data):
    whole(out, data[: len(data) // 2])
    step()
    whole(out, data[len(data) // 2 :])

part = copying.Output.copy

def copy(out, fd, start, stop):
    part(out, fd, start, (start + stop) // 2)
    step()
    part(out, fd, (start + stop) // 2, stop)

copying.Output.write = write
copying.Output.copy = copy
finishing.LARGE, finishing._WORTH = 1000, 1000
work.LARGE = 1000
identity = load_identity(Path(key))
sys.addaudithook(hook)
release(Workspace.open(Path(root)), run, Path(dest), identity, "a test", Options(0.1))
sys.addaudithook(lambda event, args: None)
print(int(point) - left)
"""


def child(corpus: Corpus, dest: Path, point: int) -> subprocess.CompletedProcess[str]:
    place = corpus.place
    arguments = [str(place.root), str(place.key), corpus.run, str(dest), str(point)]
    return subprocess.run(
        [sys.executable, "-c", _CHILD, *arguments], capture_output=True, text=True, timeout=120
    )


def made(corpus: Corpus) -> Counter[str]:
    """How often each release is on the ledger."""
    return Counter(
        str(record.fields["release"])
        for record in corpus.place.workspace.ledger.records()
        if record.kind == Event.RELEASE_MADE
    )


def assert_whole(corpus: Corpus, dest: Path, expected: dict[str, bytes]) -> None:
    assert files(dest) == expected
    said = json.loads((dest / ".brightline" / "release.json").read_bytes())
    assert made(corpus)[said["release"]] == 1
    assert not list(dest.parent.glob(".tmp-*"))
    assert not list((corpus.place.root / "releases").rglob("*.ready"))


def sweep(corpus: Corpus, root: Path, points: list[int]) -> None:
    undisturbed, _ = corpus.release(f"undisturbed-{root.name}", cover=0.1)
    expected = files(undisturbed)
    kills = 0
    for point in points:
        dest = root / f"at-{point}"
        killed = child(corpus, dest, point)
        if killed.returncode == 0:
            # two files are written at once: another order of their steps can need fewer calls
            assert int(killed.stdout) < point
            continue
        assert killed.returncode == -signal.SIGKILL, (point, killed.stderr)
        kills += 1
        # once more, while it goes on; then to its end
        child(corpus, dest, max(1, point // 2))
        done = child(corpus, dest, 10**9)
        assert done.returncode in (0, 1), done.stderr
        if done.returncode:
            # it was complete before: what is there is not written over
            assert "exists already" in done.stderr
        assert_whole(corpus, dest, expected)
    assert kills > len(points) // 2


def test_a_kill(corpus: Corpus, tmp_path: Path) -> None:
    """Once, and to its end; other moments, and two kills, are for the long tests."""
    dest = tmp_path / "clean"
    killed = child(corpus, dest, 90)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not dest.exists()
    expected = corpus.release("never-killed", cover=0.1)[0]
    made_whole, _ = corpus.release_to(dest, cover=0.1)
    assert_whole(corpus, made_whole, files(expected))


@pytest.mark.long
def test_a_kill_at_every_sort_of_moment(corpus: Corpus, tmp_path: Path) -> None:
    counted = child(corpus, tmp_path / "counted", 10**9)
    total = int(counted.stdout)
    # the end is where names change hands: every step of it
    # two files are written at once, so the count can differ by one or two
    points = [*range(2, total - 20, max(1, total // 7)), *range(total - 19, total - 3, 3)]
    sweep(corpus, tmp_path, points)


def test_a_full_disk_is_one_line_and_the_command_goes_on(corpus: Corpus, tmp_path: Path) -> None:
    dest = tmp_path / "full"
    command = [
        str(BRIGHTLINE),
        "release",
        corpus.run,
        str(dest),
        "--identity",
        str(corpus.place.key),
    ]
    command += ["--reason", "a test", "--cover", "0", "--keep-unscreened", "--json"]

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))

    full = subprocess.run(
        command,
        env=corpus.place.environment,
        capture_output=True,
        text=True,
        preexec_fn=limit,
        timeout=120,
    )
    assert full.returncode == 2
    assert full.stderr.count("\n") == 2  # that there is no cover, and what is wrong
    assert "no room" in full.stderr and "same command" in full.stderr
    assert not dest.exists()
    assert list(tmp_path.glob(".tmp-*"))
    done = subprocess.run(
        command, env=corpus.place.environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert_whole(corpus, dest, files(corpus.release("enough", cover=0, keep_unscreened=True)[0]))


def test_digests_taken_later_and_no_room_that_shows_in_syncing(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = files(corpus.release("in-time", cover=0.15)[0])
    digested: list[int] = []
    real_digests, real_sync = digests_of, storage.fsync_file
    full = [True]

    def digests(root: bytes, some: Sequence[Written], alive: Callable[[], None]) -> list[str]:
        digested.append(len(some))
        return real_digests(root, some, alive)

    def sync(path: Path) -> None:
        if full and ".tmp-release-" in str(path):
            full.clear()
            raise OSError(errno.ENOSPC, "No space left on device")
        real_sync(path)

    monkeypatch.setattr(work, "LARGE", 500)
    monkeypatch.setattr(finishing, "_WORTH", 0)
    monkeypatch.setattr(finishing, "has_lanes_for_sha", lambda: True)
    monkeypatch.setattr(finishing, "digests_of", digests)
    monkeypatch.setattr(storage, "fsync_file", sync)
    with pytest.raises(UsageError, match=r"no room left.*same command"):
        corpus.release("later", cover=0.15)
    dest = corpus.folder.parent / "later"
    assert not dest.exists() and not full
    corpus.release("later", cover=0.15)
    assert_whole(corpus, dest, expected)
    assert max(digested) >= 4
    assert check(read_manifest(dest / ".brightline" / "manifest.jsonl"), walk(dest)).none


@pytest.mark.long
def test_a_finished_file_that_was_altered_is_made_again(corpus: Corpus, tmp_path: Path) -> None:
    dest = tmp_path / "altered"
    expected = files(corpus.release("unaltered", cover=0.1)[0])
    killed = child(corpus, dest, 110)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    (temporary,) = tmp_path.glob(".tmp-*")
    for path in temporary.rglob("*"):
        if path.is_file() and path.stat().st_size:
            data = bytearray(path.read_bytes())
            data[0] ^= 1
            path.chmod(0o600)
            path.write_bytes(data)
    (temporary / "stranger.txt").write_text("of somebody else")
    done = child(corpus, dest, 10**9)
    assert done.returncode == 0, done.stderr
    assert_whole(corpus, dest, expected)
