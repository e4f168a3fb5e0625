"""Where the files of a run's sources lie in its release.

One source that is a folder: the release is that folder. One file: it lies in the release under
its name. Several: each under its own name, with a number where two have the same. What lies in
`.brightline/` at a source's top is about an earlier release, and never copied.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brightline.errors import DamagedError, UsageError
from brightline.release.manifest import ABOUT
from brightline.release.units import Task
from brightline.screen.manifest import thaw
from brightline.screen.runs import MANIFEST, run_folder, summary_of, tasks_of
from brightline.screen.task import SIGNALS
from brightline.sources.paths import decode_path, encode_path
from brightline.types import Shard
from brightline.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Source:
    """One source: its path as bytes; the path of its content in the release (empty for all of
    it); its own name, by which cover is drawn; whether it is one file."""

    path: bytes
    prefix: bytes
    label: bytes
    is_file: bool

    def within(self, path: bytes) -> bytes:
        """A file's path relative to the source; empty where the source is that file."""
        base = self.path.rstrip(b"/") + b"/"
        return path[len(base) :] if path.startswith(base) else b""

    def target(self, path: bytes) -> bytes:
        """A file's path in the release."""
        inside = self.within(path)
        return b"/".join(part for part in (self.prefix, inside) if part)

    def is_about(self, path: bytes) -> bool:
        """Whether a file is about an earlier release rather than part of it."""
        return self.within(path).startswith(ABOUT.encode() + b"/")

    @property
    def space(self) -> str:
        """The space of its plain files."""
        return encode_path(self.prefix) + "/"


@dataclass(frozen=True, slots=True)
class Piece:
    """A shard of plain files, or all shards of one archive or table, in order.

    `path` is the archive's (empty for plain files); `space` where its units are told apart.
    """

    source: Source
    tasks: tuple[Task, ...]
    path: bytes
    space: str

    @property
    def shard(self) -> Shard:
        """The first shard, which has the kind, the files and the options of all."""
        return self.tasks[0].shard

    @property
    def kind(self) -> str:
        """folder, tar, zip, parquet or csv."""
        return self.shard.kind

    @property
    def size(self) -> int:
        """Bytes of its files."""
        return sum(max(0, stamp.size) for stamp in self.shard.files)

    @property
    def origin(self) -> bytes:
        """What names the space wherever the corpus lies."""
        return self.source.label + b"\0" + (self.source.within(self.path) if self.path else b"/")


@dataclass(frozen=True, slots=True)
class Layout:
    """The sources of a complete run, by the names that its manifest uses."""

    workspace: Workspace
    run: str
    summary: dict[str, Any]
    sources: dict[str, Source]

    def pieces(self) -> Iterator[Piece]:
        """All pieces in manifest order, a few shards in memory at a time."""
        waiting: list[Task] = []
        shards = thaw(run_folder(self.workspace, self.run) / MANIFEST)
        committed = tasks_of(self.workspace, self.run)
        for shard, (folder, counts) in zip(shards, committed, strict=True):
            task = Task(shard, folder, counts["files"][SIGNALS])
            if waiting and not _same_file(waiting[0].shard, shard):
                yield self._piece(waiting)
                waiting = []
            waiting.append(task)
        if waiting:
            yield self._piece(waiting)

    def _piece(self, tasks: Sequence[Task]) -> Piece:
        shard = tasks[0].shard
        source = self.sources[shard.source]
        if shard.kind == "folder":
            return Piece(source, tuple(tasks), b"", source.space)
        path = decode_path(shard.files[0].path)
        return Piece(source, tuple(tasks), path, encode_path(source.target(path)))


def _same_file(one: Shard, two: Shard) -> bool:
    return one.kind == two.kind != "folder" and one.files[0] == two.files[0]


def layout_of(workspace: Workspace, run: str) -> Layout:
    """The layout of a run's release.

    Raises UsageError if the run is not complete or knows only a part of a list, and DamagedError
    if it cannot be read.
    """
    summary = summary_of(workspace, run)
    if not summary.complete:
        raise UsageError(
            f"run {run} is not finished; give its audit command again, and release it then"
        )
    if any("since" in entry for entry in summary.document["lists"]):
        raise UsageError(
            f"run {run} was matched only against what a list has got since an older version, so "
            "what the older one matches would stay; re-screen with whole lists and release that run"
        )
    paths = list(
        dict.fromkeys(os.fsencode(source["path"]) for source in summary.document["sources"])
    )
    for shard in thaw(run_folder(workspace, run) / MANIFEST):
        path = decode_path(shard.source)
        if path not in paths:
            paths.append(path)
    single = len(paths) == 1
    taken: set[bytes] = set()
    sources: dict[str, Source] = {}
    for path in paths:
        label = os.path.basename(path.rstrip(b"/")) or b"root"  # noqa: PTH119 - bytes
        is_file = not Path(os.fsdecode(path)).is_dir()
        name, number = label, 2
        while name in taken:
            name, number = label + b"-%d" % number, number + 1
        taken.add(name)
        prefix = b"" if single and not is_file else name
        sources[encode_path(path)] = Source(path, prefix, label, is_file)
    if any(source.prefix == ABOUT.encode() for source in sources.values()):
        raise UsageError(f"a source is named {ABOUT}; give it another name")
    if not sources:
        raise DamagedError(f"run {run} names no source; start a new run")
    return Layout(workspace, run, summary.document, sources)
