"""A workspace with a custodian and a list, and the command line as a person runs it."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brightline.cli import run
from brightline.cli.common import note_import
from brightline.findings import new_identity
from brightline.lists import import_list
from brightline.types import Pipeline
from brightline.workspace import Workspace

BRIGHTLINE = Path(sys.executable).with_name("brightline")


@dataclass(frozen=True, slots=True)
class Place:
    """A workspace, the custodian's key, and the commands in it."""

    root: Path
    key: Path

    @property
    def workspace(self) -> Workspace:
        return Workspace.open(self.root)

    def run(
        self, *arguments: object, status: int | None = None
    ) -> subprocess.CompletedProcess[str]:
        """A command in this very process; its workers are processes of their own as always."""
        done = run_here(list(map(str, arguments)), self.environment)
        if status is not None:
            assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
        return done

    def json(self, *arguments: object, status: int | None = None) -> Any:
        return json.loads(self.run(*arguments, "--json", status=status).stdout)

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "BRIGHTLINE_WORKSPACE": str(self.root)}

    def findings(self, run: str) -> list[dict[str, Any]]:
        done = self.run(
            "findings", "open", run, "--identity", self.key, "--reason", "a test", status=0
        )
        return [json.loads(line) for line in done.stdout.splitlines()]

    def add_list(self, name: str, rows: Sequence[str], **options: Any) -> str:
        """Import CSV rows `indicator,type,category`; returns NAME@VERSION."""
        file = self.root.parent / f"{name}.csv"
        file.write_text("indicator,type,category\n" + "".join(f"{row}\n" for row in rows))
        options.setdefault("pipeline", Pipeline.FULL)
        manifest, _ = import_list(self.root / "lists", name, file, **options)
        note_import(Workspace.open(self.root), manifest)
        return f"{name}@{manifest.version}"


def run_here(
    arguments: Sequence[str], environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """What the installed program would do, without the second that a new process takes to start.

    The installed program itself runs in tests/crash, tests/fuzz, tests/interop and test_demo.
    """
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(environment)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = run(arguments)
    finally:
        os.environ.clear()
        os.environ.update(before)
        for number, handler in handlers.items():
            signal.signal(number, handler)
    texts = [stream.buffer.getvalue().decode() for stream in (out, err)]
    return subprocess.CompletedProcess(arguments, status, *texts)


def make_place(folder: Path) -> Place:
    """A workspace in `folder/workspace` with one custodian."""
    workspace = Workspace.create(folder / "workspace")
    key = folder / "custodian.key"
    workspace.add_custodian(new_identity(key), "Tester")
    return Place(workspace.root, key)


def stable(summary: dict[str, Any]) -> dict[str, Any]:
    """What of a summary may not differ between two runs over the same sources."""
    moving = {"run", "started", "finished", "throughput", "elapsed_s", "workers"}
    moving |= {"reused", "rescreened_from"}
    return {key: value for key, value in summary.items() if key not in moving}


def without_run(findings: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Findings that may not differ between two runs."""
    return [{k: v for k, v in finding.items() if k != "run"} for finding in findings]
