"""Working on a run: its shards are done by a pool, put on the ledger, and summed up.

How a shard is come by, from its source or from an archive, is the same to what is here.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brightline import storage
from brightline.errors import TaskError, UsageError
from brightline.ledger import Event as LedgerEvent
from brightline.screen.manifest import thaw
from brightline.screen.parameters import Parameters
from brightline.screen.pool import Finished, GivenUp, Pool, Tick
from brightline.screen.reuse import TOGETHER, Origin, Sheaf, sheaf
from brightline.screen.runs import (
    MANIFEST,
    SHARDS,
    SUMMARY,
    read_run,
    read_summary,
    sum_up,
    task_folder,
)
from brightline.screen.summary import Summary
from brightline.screen.task import COUNTS, Job, Setting, fail_task, read_counts
from brightline.screen.watch import Listener, Say, Watch
from brightline.types import Shard
from brightline.workspace import Workspace

#: in a run's folder: held by whoever works on the run
LOCK = ".lock"


@dataclass(frozen=True, slots=True)
class Slice:
    """Part `number` of `of` equal parts of the manifest's shards, from 1."""

    number: int = 1
    of: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.of:
            raise UsageError("--shard takes I/N with 1 ≤ I ≤ N, for example 3/16")

    def holds(self, place: int) -> bool:
        """Whether the shard at this place of the manifest belongs to the part."""
        return place % self.of == self.number - 1


def available() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0))


@contextlib.contextmanager
def claimed(folder: Path, part: Slice) -> Iterator[None]:
    """One process for a whole run, or one for each part of it."""
    whole = part.of == 1
    with contextlib.ExitStack() as stack:
        what = f"run {folder.name}"
        stack.enter_context(storage.locked(folder / LOCK, what, shared=not whole))
        if whole:
            storage.remove_temporary(folder / SHARDS)
            storage.remove_temporary(folder)
        else:
            lock = folder / f"{LOCK}-{part.number}-of-{part.of}"
            stack.enter_context(storage.locked(lock, f"part {part.number} of {what}"))
        yield


@dataclass(frozen=True, slots=True)
class Work:
    """A run to be worked on: everything but where its shards' bytes are."""

    workspace: Workspace
    folder: Path
    setting: Setting
    parameters: Parameters
    part: Slice
    workers: int


def perform(
    work: Work,
    origins: Callable[[Shard], Origin | None],
    listen: Listener,
    say: Say,
    *,
    fallback: bool,
) -> Summary:
    """Do the shards that are not done, sum up, and finish the run if that was all.

    `origins` says where a shard's archive is that is used instead of reading it; `fallback`
    allows to read it after all where the archive is damaged.
    """
    folder, setting = work.folder, work.setting
    document = read_run(folder)
    started = time.monotonic()
    logged = {
        str(record.fields["task"])
        for record in work.workspace.ledger.records(LedgerEvent.SHARD_COMMITTED, run=folder.name)
    }
    progress = Watch(listen, document["manifest"], started)
    recover = _Recorder(work.workspace, folder, logged)
    together = max(1, min(TOGETHER, document["manifest"]["shards"] // (2 * work.workers)))

    def jobs() -> Iterator[Job]:
        archived: list[tuple[Job, Origin]] = []
        for number, shard in enumerate(thaw(folder / MANIFEST)):
            if not work.part.holds(number):
                progress.elsewhere(shard.size)
                continue
            task = task_folder(folder, document, shard, work.parameters)
            job = Job(number, task.name, shard)
            if (task / COUNTS).is_file():
                counts = read_counts(task)
                recover.record([counts])
                progress.done_before(counts, shard.size)
                continue
            origin = origins(shard)
            if origin is None:
                yield job
                continue
            archived.append((job, origin))
            if len(archived) == together:
                yield sheaf(archived, fallback=fallback)
                archived = []
        if archived:
            yield sheaf(archived, fallback=fallback)

    todo = jobs()
    first = next(todo, None)
    if first is not None:
        from brightline.screen.warm import warm

        warm(say)
        committed = sum(not path.name.startswith(".") for path in setting.folder.iterdir())
        if committed:
            say(f"{committed} of {document['manifest']['shards']} shards are committed already")
        with Pool(setting, work.workers) as pool:
            for event in pool.run(_chain(first, todo)):
                match event:
                    case Finished():
                        recover.record(event.counts)
                        for _ in event.counts:
                            progress.finished()
                    case GivenUp():
                        recover.record([_given_up(setting, event.job)])
                        progress.finished()
                    case Tick():
                        progress.tick(event)
    summary = sum_up(folder, setting.lists, work.parameters, started, progress.curve, work.workers)
    if summary.complete:
        _finish(work.workspace, folder, summary)
    return summary


def _given_up(setting: Setting, job: Job) -> dict[str, Any]:
    """Commit that a shard could not be read; an archive of ours is no such case."""
    if isinstance(job, Sheaf):
        raise TaskError(
            f"internal error in shard {job.shard.name}: the process that matched its signal "
            "archive ended each time; look whether there is enough memory"
        )
    return fail_task(setting, job)


def _chain(first: Job, rest: Iterator[Job]) -> Iterator[Job]:
    yield first
    yield from rest


class _Recorder:
    """Puts committed shards on the ledger, each once, whoever committed them."""

    def __init__(self, workspace: Workspace, folder: Path, logged: set[str]) -> None:
        self._ledger = workspace.ledger
        self._folder = folder
        self._logged = logged

    def record(self, committed: Sequence[dict[str, Any]]) -> None:
        """Record the counts of committed shards unless they are on the ledger already."""
        new = [counts for counts in committed if counts["task"] not in self._logged]
        if new:
            self._ledger.append_many(
                (LedgerEvent.SHARD_COMMITTED, self._fields(counts)) for counts in new
            )
            self._logged.update(counts["task"] for counts in new)

    def _fields(self, counts: dict[str, Any]) -> dict[str, Any]:
        return {
            "run": self._folder.name,
            "task": counts["task"],
            "items": counts["tally"]["items"],
            "matches": sum(counts["tally"]["counters"]["by_role"].values()),
            "files": {
                **counts["files"],
                COUNTS: storage.sha256_file(self._folder / SHARDS / counts["task"] / COUNTS),
            },
        }


def completed(workspace: Workspace, folder: Path) -> Summary | None:
    """The summary of a run that is complete, and on the ledger as finished; else None."""
    if not (folder / SUMMARY).is_file():
        return None
    summary = read_summary(folder)
    if not summary.complete:
        return None
    _record_finish(workspace, folder, summary)
    return summary


def _finish(workspace: Workspace, folder: Path, summary: Summary) -> None:
    data = json.dumps(summary.document, sort_keys=True, ensure_ascii=False).encode()
    # parts of a run may end at the same moment
    with storage.locked(workspace.runs_dir / LOCK, "the workspace's runs", wait=True):
        if completed(workspace, folder) is None:
            storage.write_atomic(folder / SUMMARY, data)
            _record_finish(workspace, folder, summary)


def _record_finish(workspace: Workspace, folder: Path, summary: Summary) -> None:
    # a crash may have come between the file and the record
    if not recorded(workspace, LedgerEvent.RUN_FINISHED, folder.name):
        workspace.ledger.append(
            LedgerEvent.RUN_FINISHED,
            {
                "run": folder.name,
                "items": summary.items,
                "matches": summary.matches,
                "summary": storage.sha256_file(folder / SUMMARY),
            },
        )


def recorded(workspace: Workspace, kind: LedgerEvent, run: str) -> bool:
    """Whether the ledger has such a record of a run."""
    return any(True for _ in workspace.ledger.records(kind, run=run))
