"""A run: freeze the manifest, do the shards that are not done, sum up."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from brightline import storage
from brightline._version import __version__
from brightline.errors import SealError, UsageError
from brightline.ledger import Event as LedgerEvent
from brightline.lists import HashList
from brightline.screen.manifest import freeze, thaw
from brightline.screen.parameters import ListReference, Parameters, task_id
from brightline.screen.pool import Finished, GivenUp, Pool, Tick
from brightline.screen.runs import (
    MANIFEST,
    NAME,
    RUN,
    SHARDS,
    SUMMARY,
    now,
    read_run,
    read_summary,
    run_names,
    sum_up,
)
from brightline.screen.summary import Summary
from brightline.screen.task import COUNTS, Job, Setting, fail_task, read_counts
from brightline.screen.watch import Listener, Progress, Say, Watch
from brightline.sources import discover
from brightline.sources.files import check
from brightline.types import Limits
from brightline.workspace import Workspace

_LOCK = ".lock"


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


def audit(
    sources: Sequence[Path],
    lists: Sequence[HashList],
    workspace: Workspace,
    *,
    run: str | None = None,
    workers: int | None = None,
    limits: Limits | None = None,
    orientations: bool = False,
    source_type: str | None = None,
    part: Slice | None = None,
    listen: Listener | None = None,
    say: Say | None = None,
) -> Summary:
    """Screen sources against lists and seal what matches.

    Without `run`, an unfinished run with the same parameters is resumed, and otherwise a new
    one begun. Raises UsageError and its kinds (`errors`), nothing for trouble with an item.
    """
    part = part or Slice()
    if not sources:
        raise UsageError("name at least one source: a folder, an archive or a table")
    if not lists:
        raise UsageError("name at least one list with --list; see `brightline list ls`")
    custodians = workspace.custodians()
    if not custodians:
        raise SealError(
            "there is no custodian to seal findings to; make one with "
            "`brightline custodian new FILE`, then "
            "`brightline custodian add RECIPIENT --name NAME`"
        )
    if part.of > 1 and run is None:
        raise UsageError("--shard needs --run NAME, so that all parts work on the same run")
    absolute = [path.absolute() for path in sources]
    if any(workspace.root.resolve().is_relative_to(path.resolve()) for path in absolute):
        raise UsageError(
            f"the workspace {workspace.root} lies inside a source; move it out, "
            "or name the source's parts"
        )
    parameters = Parameters(
        sources=tuple(dict.fromkeys(map(str, absolute))),
        lists=tuple(ListReference.to(hash_list) for hash_list in lists),
        limits=limits or Limits(),
        orientations=orientations,
        source_type=source_type,
    )
    listen = listen or (lambda _: None)
    say = say or (lambda _: None)
    folder, fresh = _begin(workspace, run, parameters, listen, say)
    with _claimed(folder, part):
        if (folder / SUMMARY).is_file() and read_summary(folder).complete:
            say(f"run {folder.name} is complete already; nothing was read again")
            return read_summary(folder)
        if not fresh:
            for shard in thaw(folder / MANIFEST):
                for stamp in shard.files:
                    check(stamp)
        setting = Setting(
            run=folder.name,
            folder=folder / SHARDS,
            lists=tuple(lists),
            custodians=custodians,
            limits=parameters.limits,
            orientations=orientations,
        )
        return _screen(workspace, folder, setting, parameters, part, workers, listen, say)


def _begin(
    workspace: Workspace, name: str | None, parameters: Parameters, listen: Listener, say: Say
) -> tuple[Path, bool]:
    """The run to work on, frozen; and whether it was frozen just now."""
    if name is not None and not NAME.fullmatch(name):
        raise UsageError(
            "a run's name is 1 to 64 letters, digits, dots, dashes and underscores, "
            "and starts with a letter or digit"
        )
    with storage.locked(workspace.runs_dir / _LOCK, "the workspace's runs", wait=True):
        found = _unfinished(workspace, parameters) if name is None else None
        if name is not None and (workspace.runs_dir / name / RUN).is_file():
            found = name
        if found is not None:
            folder = workspace.runs_dir / found
            if read_run(folder)["parameters"] != parameters.to_json():
                raise UsageError(
                    f"run {found} was begun with other sources, lists or options; "
                    "give those again, or another name with --run"
                )
            if not (folder / SUMMARY).is_file():
                say(f"resuming run {found}")
            return folder, False
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        folder = workspace.runs_dir / (name or f"{stamp}-{secrets.token_hex(3)}")
        storage.remove_temporary(workspace.runs_dir)
        _freeze(workspace, folder, parameters, listen, say)
    return folder, True


def _unfinished(workspace: Workspace, parameters: Parameters) -> str | None:
    for name in reversed(run_names(workspace)):
        folder = workspace.runs_dir / name
        if (folder / SUMMARY).is_file():
            continue
        if read_run(folder)["parameters"] == parameters.to_json():
            return name
    return None


def _freeze(
    workspace: Workspace, folder: Path, parameters: Parameters, listen: Listener, say: Say
) -> None:
    paths = [Path(source) for source in parameters.sources]
    shards = discover(paths, parameters.limits, source_type=parameters.source_type)

    def fill(temporary: Path) -> None:
        frozen = freeze(
            shards,
            temporary / MANIFEST,
            lambda count, size: listen(Progress("listing", shards_total=count, bytes_total=size)),
        )
        document = {
            "run": folder.name,
            "tool": {"name": "brightline", "version": __version__},
            "started": now(),
            "parameters": parameters.to_json(),
            "manifest": {
                "digest": frozen.digest,
                "shards": frozen.shards,
                "bytes": frozen.bytes,
                "sources": {
                    source: {
                        "kinds": totals.kinds,
                        "shards": totals.shards,
                        "bytes": totals.bytes,
                        "digest": totals.digest,
                    }
                    for source, totals in frozen.sources.items()
                },
            },
        }
        (temporary / SHARDS).mkdir(mode=0o700)
        storage.write_atomic(temporary / RUN, json.dumps(document, sort_keys=True).encode())

    storage.commit_directory(folder, fill)
    document = read_run(folder)
    if not document["manifest"]["shards"]:
        say("warning: the sources hold nothing to screen")
    workspace.ledger.append(
        LedgerEvent.RUN_STARTED,
        {
            "run": folder.name,
            "manifest": document["manifest"]["digest"],
            "shards": document["manifest"]["shards"],
            "lists": [reference["digest"] for reference in document["parameters"]["lists"]],
        },
    )


@contextlib.contextmanager
def _claimed(folder: Path, part: Slice) -> Iterator[None]:
    """One process for a whole run, or one for each part of it."""
    whole = part.of == 1
    with contextlib.ExitStack() as stack:
        what = f"run {folder.name}"
        stack.enter_context(storage.locked(folder / _LOCK, what, shared=not whole))
        if whole:
            storage.remove_temporary(folder / SHARDS)
            storage.remove_temporary(folder)
        else:
            lock = folder / f"{_LOCK}-{part.number}-of-{part.of}"
            stack.enter_context(storage.locked(lock, f"part {part.number} of {what}"))
        yield


def _screen(
    workspace: Workspace,
    folder: Path,
    setting: Setting,
    parameters: Parameters,
    part: Slice,
    workers: int | None,
    listen: Listener,
    say: Say,
) -> Summary:
    document = read_run(folder)
    started = time.monotonic()
    logged = {
        str(record.fields["task"])
        for record in workspace.ledger.records()
        if record.kind == LedgerEvent.SHARD_COMMITTED and record.fields["run"] == folder.name
    }
    progress = Watch(listen, document["manifest"], started)
    recover = _Recorder(workspace, folder, logged)

    def jobs() -> Iterator[Job]:
        for number, shard in enumerate(thaw(folder / MANIFEST)):
            if not part.holds(number):
                progress.elsewhere(shard.size)
                continue
            job = Job(number, task_id(shard, parameters), shard)
            if (folder / SHARDS / job.task / COUNTS).is_file():
                counts = read_counts(folder / SHARDS / job.task)
                recover.record(counts)
                progress.done_before(counts, shard.size)
                continue
            yield job

    todo = jobs()
    first = next(todo, None)
    if first is not None:
        from brightline.screen.warm import warm

        warm(say)
        size = workers or len(os.sched_getaffinity(0))
        committed = sum(not path.name.startswith(".") for path in setting.folder.iterdir())
        if committed:
            say(f"{committed} of {document['manifest']['shards']} shards are committed already")
        with Pool(setting, size) as pool:
            for event in pool.run(_chain(first, todo)):
                match event:
                    case Finished():
                        recover.record(event.counts)
                        progress.finished()
                    case GivenUp():
                        recover.record(fail_task(setting, event.job))
                        progress.finished()
                    case Tick():
                        progress.tick(event)
    summary = sum_up(folder, setting.lists, parameters, started, progress.curve, workers)
    if summary.complete:
        _finish(workspace, folder, summary)
    return summary


def _chain(first: Job, rest: Iterator[Job]) -> Iterator[Job]:
    yield first
    yield from rest


class _Recorder:
    """Puts committed shards on the ledger, each once, whoever committed them."""

    def __init__(self, workspace: Workspace, folder: Path, logged: set[str]) -> None:
        self._ledger = workspace.ledger
        self._folder = folder
        self._logged = logged

    def record(self, counts: dict[str, Any]) -> None:
        """Record a committed shard unless it is on the ledger already."""
        if counts["task"] in self._logged:
            return
        self._logged.add(counts["task"])
        self._ledger.append(
            LedgerEvent.SHARD_COMMITTED,
            {
                "run": self._folder.name,
                "task": counts["task"],
                "items": counts["tally"]["items"],
                "matches": sum(counts["tally"]["counters"]["by_role"].values()),
                "files": counts["files"],
            },
        )


def _finish(workspace: Workspace, folder: Path, summary: Summary) -> None:
    data = json.dumps(summary.document, sort_keys=True, ensure_ascii=False).encode()
    storage.write_atomic(folder / SUMMARY, data)
    workspace.ledger.append(
        LedgerEvent.RUN_FINISHED,
        {
            "run": folder.name,
            "items": summary.items,
            "matches": summary.matches,
            "summary": hashlib.sha256(data).hexdigest(),
        },
    )
