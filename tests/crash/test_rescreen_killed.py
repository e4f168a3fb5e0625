"""kill -9 at every durable step of a re-screening; the same command then completes it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from brightline.cli import run as brightline
from brightline.findings import load_identity
from brightline.screen import nursery, perform
from brightline.screen.opening import open_run
from brightline.screen.runs import summary_of
from brightline.screen.warm import warm
from brightline.workspace import Workspace
from tests.corpora import md5_row, pdq_row, write_tar
from tests.harness import Place, make_place, stable, without_run
from tests.interop.inline import InlinePool
from tests.pictures import encode, photo

#: what changes names, and the one file that is written in place. What is flushed does not matter
#: to a process that is killed, and what is written under a temporary name does not count yet.
STEPS = ("pwrite", "mkdir", "link", "rename", "replace", "unlink", "rmdir")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """An audit of three shards against a list, and a second version with one match more."""
    monkeypatch.setattr(perform, "Pool", InlinePool)
    monkeypatch.setattr(nursery, "prepare", lambda: None)
    warm(lambda _: None)
    made = make_place(tmp_path)
    jpegs = [encode(photo(k, 120, 90), "JPEG", quality=80) for k in range(6)]
    (tmp_path / "corpus").mkdir()
    for number in range(3):
        members = {f"{k}.jpg": jpegs[k] for k in (2 * number, 2 * number + 1)}
        write_tar(tmp_path / "corpus" / f"{number}.tar", members)
    made.add_list("hotline", [md5_row(jpegs[1])])
    audited = ["--workspace", str(made.root), "audit", str(tmp_path / "corpus")]
    assert brightline([*audited, "--list", "hotline", "--run", "old"]) == 1
    made.add_list("hotline", [md5_row(jpegs[1]), md5_row(jpegs[4]), pdq_row(2, 120, 90)])
    return made


def rescreen(root: Path) -> int:
    return brightline(["--workspace", str(root), "rescreen", "old", "--run", "new"])


def in_child(body: Callable[[], None]) -> int:
    """The signal that ended a forked process, 0 if it ended by itself."""
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            sink = os.open(os.devnull, os.O_RDWR)
            os.dup2(sink, 1)
            os.dup2(sink, 2)
            body()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


def killing(root: Path, wanted: int) -> None:
    """Re-screen, and die before step `wanted`, from 1."""
    done = 0

    def stepping(real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **named: Any) -> Any:
            nonlocal done
            done += 1
            if done == wanted:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **named)

        return step

    for name in STEPS:
        setattr(os, name, stepping(getattr(os, name)))
    rescreen(root)


def result(root: Path, key: Path) -> dict[str, Any]:
    workspace = Workspace.open(root)
    kinds = [record.kind for record in workspace.ledger.records() if "new" in str(record.fields)]
    return {
        "summary": stable(summary_of(workspace, "new").document),
        "findings": without_run(open_run(workspace, "new", load_identity(key), "a test")),
        "records": {kind: kinds.count(kind) for kind in kinds if kind != "findings_opened"},
    }


@pytest.mark.long
def test_killed_at_every_step_it_completes_to_the_same(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda fd: None)
    monkeypatch.setattr(os, "fdatasync", lambda fd: None)
    start = tmp_path / "start"
    shutil.copytree(place.root, start)
    assert rescreen(place.root) == 1
    wanted = result(place.root, place.key)
    assert wanted["summary"]["matches"]["total"] >= 3
    root, kills = place.root, 0
    for number in range(1, 10_000):
        shutil.rmtree(root)
        shutil.copytree(start, root)
        ended = in_child(lambda: killing(root, number))  # noqa: B023
        if not ended:
            break
        assert ended == signal.SIGKILL
        kills += 1
        assert brightline(["--workspace", str(root), "ledger", "verify"]) == 0, number
        assert rescreen(root) == 1, number
        assert result(root, place.key) == wanted, number
        assert not list((root / "runs").rglob(".tmp-*"))
        assert brightline(["--workspace", str(root), "ledger", "verify"]) == 0, number
    assert kills >= 40
