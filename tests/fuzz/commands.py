"""The command line in processes of its own, and what an audit leaves behind."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from brightline.screen.manifest import thaw
from brightline.screen.parameters import Parameters, task_id
from brightline.screen.runs import MANIFEST, SHARDS, read_run, run_folder
from brightline.screen.task import SIGNALS
from brightline.types import Kind, Shard
from brightline.workspace import Workspace
from tests.harness import run_here

#: the entry point that was installed with this Python
BRIGHTLINE = Path(sys.executable).parent / "brightline"


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended; `peak` is the most memory its processes had at once, in bytes."""

    status: int
    out: str
    err: str
    seconds: float
    peak: int = 0

    @property
    def document(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)


def command(
    arguments: Sequence[str | bytes | Path],
    *,
    cwd: Path,
    environment: Mapping[str, str] | None = None,
    timeout: float = 240.0,
) -> Done:
    """Run one command in a folder of its own; kills it after `timeout` seconds."""
    started = time.monotonic()
    process = subprocess.Popen(
        arguments,
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with _Scale(process.pid) as scale:
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise
    seconds = time.monotonic() - started
    return Done(process.returncode, out.decode(), err.decode(), seconds, scale.peak)


class _Scale:
    """Weighs a process and its descendants five times a second."""

    def __init__(self, pid: int) -> None:
        self.peak = 0
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._weigh, daemon=True)

    def __enter__(self) -> _Scale:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _weigh(self) -> None:
        while not self._over.wait(0.2):
            self.peak = max(self.peak, sum(_resident(pid) for pid in _family(self._pid)))


def _family(pid: int) -> set[int]:
    """A process and all that it started, by /proc/PID/stat (proc(5))."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                text = (entry / "stat").read_text("utf-8", "replace")
            except OSError:
                continue
            parents[int(entry.name)] = int(text.rpartition(")")[2].split()[1])
    family = {pid}
    while more := {child for child, parent in parents.items() if parent in family} - family:
        family |= more
    return family


def _resident(pid: int) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Desk:
    """A workspace with a custodian and a list, and a current folder with nothing in it."""

    home: Path
    environment: Mapping[str, str]

    @classmethod
    def made(cls, home: Path, **environment: str) -> Desk:
        """Set up in an empty folder; the temporary and home folders are in it too."""
        for name in ("cwd", "tmp", "user"):
            (home / name).mkdir(parents=True)
        own = {"TMPDIR": str(home / "tmp"), "HOME": str(home / "user"), **environment}
        desk = cls(home, own)
        desk.expect(0, "init", desk.workspace)
        recipient = desk.expect(0, "custodian", "new", desk.key).out.strip()
        desk.expect(0, "custodian", "add", recipient, "--name", "Anna")
        return desk

    @property
    def workspace(self) -> Path:
        """The workspace's folder."""
        return self.home / "workspace"

    @property
    def key(self) -> Path:
        """The custodian's private key."""
        return self.home / "anna.key"

    @property
    def cwd(self) -> Path:
        """The folder in which commands run."""
        return self.home / "cwd"

    def run(self, *arguments: str | bytes | Path, timeout: float = 240.0) -> Done:
        """Run `brightline`."""
        environment = {**self.environment, "BRIGHTLINE_WORKSPACE": str(self.workspace)}
        return command(
            [BRIGHTLINE, *arguments], cwd=self.cwd, environment=environment, timeout=timeout
        )

    def here(self, *arguments: str | Path) -> Done:
        """As `run`, in this process: for commands that read nothing malformed but text."""
        started = time.monotonic()
        environment = {
            **os.environ,
            **self.environment,
            "BRIGHTLINE_WORKSPACE": str(self.workspace),
        }
        with contextlib.chdir(self.cwd):
            done = run_here([str(each) for each in arguments], environment)
        return Done(done.returncode, done.stdout, done.stderr, time.monotonic() - started)

    def expect(self, status: int, *arguments: str | Path) -> Done:
        """Run `brightline` in this process and insist on how it ends."""
        done = self.here(*arguments)
        assert done.status == status, f"status {done.status}: {done.err}"
        assert "Traceback" not in done.err
        return done

    def import_list(self, name: str, lines: Sequence[str], *options: str) -> None:
        """Import a list in the exchange CSV; each line is `indicator,type`."""
        path = self.home / f"{name}.csv"
        path.write_text("\n".join(["indicator,type", *lines]) + "\n", "ascii")
        self.expect(0, "list", "import", name, path, *options)

    def findings(self, run: str) -> list[dict[str, Any]]:
        """A run's findings, opened with the custodian's key."""
        opened = self.expect(
            0, "findings", "open", run, "--identity", self.key, "--reason", "a test"
        )
        return [json.loads(line) for line in opened.out.splitlines()]

    def shards(self, run: str) -> Iterator[tuple[Shard, list[dict[str, Any]]]]:
        """A run's shards, each with the rows of its signal archive."""
        folder = run_folder(Workspace.open(self.workspace), run)
        parameters = Parameters.from_json(read_run(folder)["parameters"])
        for shard in thaw(folder / MANIFEST):
            archive = folder / SHARDS / task_id(shard, parameters) / SIGNALS
            columns = ["item", "outcome", "reason", "md5", "sha256"]
            yield shard, pq.read_table(archive, columns=columns).to_pylist()


def assert_accounted(summary: Mapping[str, Any]) -> None:
    """Every item has one of the four outcomes, and all but the screened ones a reason."""
    assert summary["state"] == "complete"
    assert summary["items"] == sum(summary[kind] for kind in Kind)
    assert sum(summary["reasons"].values()) == summary["items"] - summary["screened"]
    assert sum(source["items"] for source in summary["sources"]) == summary["items"]


def assert_one_line(done: Done) -> None:
    """A refusal is one line on stderr and nothing on stdout."""
    assert done.out == ""
    assert len(done.err.splitlines()) == 1, done.err
    assert done.err.startswith("brightline: ")
    assert "Traceback" not in done.err
