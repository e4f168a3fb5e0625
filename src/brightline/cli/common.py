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


_PLURALS = {"match": "matches", "entry": "entries"}


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
    _DRAW_SECONDS = 0.2

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._started = time.monotonic()
        self._drawn = self._started if not self._terminal else 0.0
        self._first: tuple[float, int] | None = None
        self._width = 0

    def __call__(self, progress: Progress) -> None:
        """Show how far it is, not more often than a person can read."""
        now = time.monotonic()
        if now - self._drawn < (self._DRAW_SECONDS if self._terminal else self._LINE_SECONDS):
            return
        self._drawn = now
        line = self._line(progress, now)
        if self._terminal:
            sys.stderr.write("\r" + line[: self._columns()].ljust(self._width))
            self._width = len(line)
        else:
            sys.stderr.write(line + "\n")
        sys.stderr.flush()

    def clear(self) -> None:
        """Take the bar away."""
        if self._terminal and self._width:
            sys.stderr.write("\r" + " " * self._width + "\r")
            sys.stderr.flush()
            self._width = 0

    def say(self, text: str) -> None:
        """A line that stays, above the bar."""
        self.clear()
        talk(text)

    @staticmethod
    def _columns() -> int:
        try:
            return os.get_terminal_size(2).columns - 1
        except OSError:
            return 79

    def _line(self, p: Progress, now: float) -> str:
        if p.stage == "listing":
            return f"listing sources: {p.shards_total} shards, {bytes_text(p.bytes_total)}"
        if self._first is None:
            self._first = now, p.bytes
        share = min(1.0, p.bytes / p.bytes_total) if p.bytes_total else 1.0
        seconds = now - self._first[0]
        rate = (p.bytes - self._first[1]) / seconds if seconds > 1.0 else 0.0
        filled = int(share * 20)
        bar = "█" * filled + "░" * (20 - filled)
        left = (
            f", {duration_text((p.bytes_total - p.bytes) / rate)} left"
            if rate > 0 and p.bytes < p.bytes_total
            else ""
        )
        speed = f", {bytes_text(rate)}/s" if rate else ""
        again = f", {p.restarts} restarts" if p.restarts else ""
        return (
            f"{bar} {share:4.0%}  shard {p.shards}/{p.shards_total}, "
            f"{p.items} items{speed}{left}{again}"
        )
