"""What several commands share: the workspace option, output, progress."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from brightline.findings import Identity
    from brightline.lists import ListManifest
    from brightline.screen.watch import Progress
    from brightline.workspace import Workspace

WorkspaceOption = Annotated[
    Path | None,
    typer.Option(
        "--workspace",
        metavar="DIR",
        help="The workspace; else $BRIGHTLINE_WORKSPACE, else the current folder.",
        show_default=False,
    ),
]
IdentityOption = Annotated[
    Path, typer.Option(metavar="FILE", help="A custodian's private key.", show_default=False)
]
ReasonOption = Annotated[
    str, typer.Option(metavar="TEXT", help="Why; it goes on the ledger.", show_default=False)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]

_chosen: dict[str, Path] = {}


def choose_workspace(path: Path | None) -> None:
    """Remember the option given before the command."""
    _chosen.clear()
    if path is not None:
        _chosen["path"] = path


def workspace_path(path: Path | None) -> Path:
    """The workspace's folder by the documented order."""
    if path is not None:
        return path
    return _chosen.get("path") or Path(os.environ.get("BRIGHTLINE_WORKSPACE") or ".")


def open_workspace(path: Path | None) -> Workspace:
    """Open it, or say how to make one."""
    from brightline.workspace import Workspace

    return Workspace.open(workspace_path(path))


def load_key(path: Path) -> Identity:
    """A custodian's key, with its warning said."""
    from brightline.findings import load_identity

    key = load_identity(path)
    if key.warning:
        talk(f"warning: {key.warning}")
    return key


def print_json(document: Any) -> None:
    """One document on stdout."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def talk(text: str) -> None:
    """A line on stderr."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def table(rows: Sequence[tuple[str, ...]], heading: tuple[str, ...]) -> None:
    """Left-aligned columns on stdout."""
    every = [heading, *rows]
    widths = [max(len(row[k]) for row in every) for k in range(len(heading))]
    for row in every:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        sys.stdout.write(line.rstrip() + "\n")


_PLURALS = {"match": "matches", "entry": "entries", "category": "categories"}


def plural(count: int, noun: str) -> str:
    """A count with its noun."""
    return f"{count} {noun if count == 1 else _PLURALS.get(noun, noun + 's')}"


def bytes_text(count: float) -> str:
    """Decimal units, as disks are sold."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if count < 1000 or unit == "TB":
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    raise AssertionError


def duration_text(seconds: float) -> str:
    """Hours, minutes and seconds, the two largest of them."""
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


class Meter:
    """Progress on stderr: a bar on a terminal, a line now and then elsewhere. Counts only."""

    _LINE_SECONDS = 15.0

    def __init__(self) -> None:
        self._bar: _Bar | None = _Bar() if sys.stderr.isatty() else None
        self._said = time.monotonic()

    def __call__(self, progress: Progress) -> None:
        """Show how far it is."""
        if self._bar is not None:
            self._bar.show(progress)
        elif time.monotonic() - self._said > self._LINE_SECONDS:
            self._said = time.monotonic()
            talk(
                f"{progress.stage}: shard {progress.shards} of {progress.shards_total}, "
                f"{plural(progress.items, 'item')}, {bytes_text(progress.bytes)} of "
                f"{bytes_text(progress.bytes_total)}"
            )

    def clear(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()

    def say(self, text: str) -> None:
        """A line that stays, above the bar."""
        if self._bar is not None:
            self._bar.say(text)
        else:
            talk(text)


class _Bar:
    """Shards, items, bytes, rate and remaining time on one line of a terminal."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(compact=True),
            console=Console(stderr=True, highlight=False),
            transient=True,
        )
        self._task = self._progress.add_task("starting", total=None)
        self._progress.start()

    def show(self, p: Progress) -> None:
        shards = f"shard {p.shards}/{p.shards_total}, {plural(p.items, 'item')}"
        if p.stage == "listing":
            shards = f"listing: {plural(p.shards_total, 'shard')}"
        again = f", {plural(p.restarts, 'restart')}" if p.restarts else ""
        self._progress.update(
            self._task,
            description=shards + again,
            completed=min(p.bytes, p.bytes_total),
            total=p.bytes_total or None,
        )

    def say(self, text: str) -> None:
        self._progress.console.print(text, markup=False, soft_wrap=True)

    def stop(self) -> None:
        self._progress.stop()


def note_import(workspace: Workspace, manifest: ListManifest) -> None:
    """Put a version of a list on the ledger, unless it is there already.

    A crash may have come between the version and its record: the same import then adds it.
    """
    from brightline.ledger import Event
    from brightline.lists.manifest import MANIFEST
    from brightline.storage import sha256_file

    version = {"name": manifest.name, "version": manifest.version, "digest": manifest.digest}
    if any(True for _ in workspace.ledger.records(Event.LIST_IMPORTED, **version)):
        return
    path = workspace.lists_dir / manifest.name / manifest.version / MANIFEST
    workspace.ledger.append(
        Event.LIST_IMPORTED,
        {**version, "entries": manifest.entries, "manifest": sha256_file(path)},
    )
