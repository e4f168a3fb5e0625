"""A run: freeze the manifest, do the shards that are not done, sum up."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from brightline import storage
from brightline._version import __version__
from brightline.errors import DamagedError, SealError, UsageError, WorkspaceError
from brightline.ledger import Event as LedgerEvent
from brightline.lists import HashList, open_list
from brightline.screen.manifest import freeze, thaw
from brightline.screen.parameters import ListReference, Parameters, task_id
from brightline.screen.pool import Finished, GivenUp, Pool, Tick
from brightline.screen.summary import LIMITS, Summary, accounting, list_facts
from brightline.screen.tally import Tally
from brightline.screen.task import COUNTS, Job, Setting, fail_task, read_counts
from brightline.sources import check_unchanged, discover
from brightline.types import Limits
from brightline.workspace import Workspace

RUN = "run.json"
MANIFEST = "manifest.parquet"
SHARDS = "shards"
SUMMARY = "summary.json"
_LOCK = ".lock"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
#: points that the report's curve of throughput is drawn from, at most
_POINTS = 240


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is. Bytes are those of the sources as they lie on disk."""

    stage: str
    shards: int = 0
    shards_total: int = 0
    items: int = 0
    bytes: int = 0
    bytes_total: int = 0
    restarts: int = 0


Listener = Callable[[Progress], None]
Say = Callable[[str], None]


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


@dataclass(slots=True)
class _Curve:
    """Items and bytes over time, thinned so that it never grows beyond `_POINTS`."""

    started: float
    step: float = 0.5
    points: list[dict[str, float]] = field(default_factory=list)

    def add(self, items: int, count: int) -> None:
        now = time.monotonic() - self.started
        if self.points and now - self.points[-1]["t_s"] < self.step:
            return
        self.points.append({"t_s": round(now, 2), "items": items, "bytes": count})
        if len(self.points) >= _POINTS:
            self.points = self.points[::2]
            self.step *= 2


def now() -> str:
    """UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def run_names(workspace: Workspace) -> list[str]:
    """Runs that were begun, oldest first."""
    if not workspace.runs_dir.is_dir():
        return []
    runs = [p for p in workspace.runs_dir.iterdir() if (p / RUN).is_file()]
    return [p.name for p in sorted(runs, key=lambda p: ((p / RUN).stat().st_mtime_ns, p.name))]


def run_folder(workspace: Workspace, name: str) -> Path:
    """A run's folder; UsageError naming the runs there are if it does not exist."""
    folder = workspace.runs_dir / name
    if not _NAME.fullmatch(name) or not (folder / RUN).is_file():
        known = ", ".join(run_names(workspace)[-5:]) or "none yet"
        raise UsageError(f"there is no run {name}; the latest are: {known}")
    return folder


def read_run(folder: Path) -> dict[str, Any]:
    """`run.json`; DamagedError if it cannot be read."""
    try:
        document: dict[str, Any] = json.loads((folder / RUN).read_bytes())
    except (OSError, ValueError):
        raise DamagedError(f"{folder / RUN} cannot be read; start a new run") from None
    return document


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
    parameters = Parameters(
        sources=tuple(str(path.absolute()) for path in sources),
        lists=tuple(ListReference.to(hash_list) for hash_list in lists),
        limits=limits or Limits(),
        orientations=orientations,
        source_type=source_type,
    )
    listen = listen or (lambda _: None)
    say = say or (lambda _: None)
    folder, fresh = _begin(workspace, run, parameters, listen, say)
    with _claimed(folder, part):
        if (folder / SUMMARY).is_file() and _read_summary(folder).complete:
            say(f"run {folder.name} is complete already; nothing was read again")
            return _read_summary(folder)
        if not fresh:
            for shard in thaw(folder / MANIFEST):
                check_unchanged(shard)
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
    if name is not None and not _NAME.fullmatch(name):
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
            say(f"resuming run {found}")
            return folder, False
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        folder = workspace.runs_dir / (name or f"{stamp}-{secrets.token_hex(3)}")
        storage.remove_temporary(workspace.runs_dir)
        _freeze(workspace, folder, parameters, listen)
    return folder, True


def _unfinished(workspace: Workspace, parameters: Parameters) -> str | None:
    for name in reversed(run_names(workspace)):
        folder = workspace.runs_dir / name
        if (folder / SUMMARY).is_file():
            continue
        if read_run(folder)["parameters"] == parameters.to_json():
            return name
    return None


def _freeze(workspace: Workspace, folder: Path, parameters: Parameters, listen: Listener) -> None:
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
    progress = _Watch(listen, document["manifest"], started)
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
        if progress.shards:
            say(f"{progress.shards} of {progress.total} shards are committed already")
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
    summary = _sum_up(folder, setting.lists, parameters, started, progress.curve, workers)
    if summary.complete:
        _finish(workspace, folder, summary)
    return summary


def _chain(first: Job, rest: Iterator[Job]) -> Iterator[Job]:
    yield first
    yield from rest


class _Watch:
    """Turns what happens into `Progress`."""

    def __init__(self, listen: Listener, manifest: dict[str, Any], started: float) -> None:
        self._listen = listen
        self.total = int(manifest["shards"])
        self._bytes_total = int(manifest["bytes"])
        self.shards = 0
        self._items_before = 0
        self._bytes_before = 0
        self.curve = _Curve(started)

    def elsewhere(self, size: int) -> None:
        """A shard that another part of the run does."""
        self.total -= 1
        self._bytes_total -= size

    def done_before(self, counts: dict[str, Any], size: int) -> None:
        """A shard that was committed before this process began."""
        self.shards += 1
        self._items_before += counts["tally"]["items"]
        self._bytes_before += size

    def finished(self) -> None:
        """A shard was committed."""
        self.shards += 1

    def tick(self, event: Tick) -> None:
        """Time has passed."""
        self.curve.add(event.items, event.bytes)
        self._listen(
            Progress(
                "screening",
                self.shards,
                self.total,
                self._items_before + event.items,
                self._bytes_before + event.bytes,
                self._bytes_total,
                event.restarts,
            )
        )


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


def _sum_up(
    folder: Path,
    lists: Sequence[HashList],
    parameters: Parameters,
    started: float,
    curve: _Curve,
    workers: int | None,
) -> Summary:
    document = read_run(folder)
    tally = Tally()
    committed = 0
    reconciliation: Counter[str] = Counter()
    content: dict[str, Any] = {}
    items: Counter[str] = Counter()
    for number, shard in enumerate(thaw(folder / MANIFEST)):
        task = folder / SHARDS / task_id(shard, parameters)
        if not (task / COUNTS).is_file():
            continue
        try:
            counts = read_counts(task)
            tally.merge(counts["tally"])
        except (OSError, ValueError, KeyError):
            raise DamagedError(
                f"{task / COUNTS} is damaged; delete the folder {task} and give the same "
                "command again"
            ) from None
        committed += 1
        items[shard.source] += counts["tally"]["items"]
        digest = content.setdefault(shard.source, hashlib.sha256())
        digest.update(f"{number}\0{counts['content_digest']}\n".encode())
        reconciliation.update(counts["reconciliation"] or {})
    manifest = document["manifest"]
    complete = committed == manifest["shards"]
    settings = parameters.to_json()
    return Summary(
        {
            "run": folder.name,
            "state": "complete" if complete else "incomplete",
            "tool": document["tool"],
            "started": document["started"],
            "finished": now(),
            **accounting(tally),
            "lists": list_facts(lists),
            "sources": [
                {
                    "path": source,
                    "kinds": totals["kinds"],
                    "shards": totals["shards"],
                    "bytes": totals["bytes"],
                    "items": items[source],
                    "manifest_digest": totals["digest"],
                    "content_digest": f"sha256:{content[source].hexdigest()}"
                    if complete and source in content
                    else None,
                }
                for source, totals in manifest["sources"].items()
            ],
            "manifest_digest": manifest["digest"],
            "parameters": {
                "orientations": settings["orientations"],
                "source_type": settings["source_type"],
                **settings["limits"],
            },
            "reconciliation": dict(sorted(reconciliation.items())),
            "shards": {"total": manifest["shards"], "committed": committed},
            "throughput": curve.points,
            "workers": workers or len(os.sched_getaffinity(0)),
            "elapsed_s": round(time.monotonic() - started, 3),
            "limits": list(LIMITS),
        }
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


def _read_summary(folder: Path) -> Summary:
    try:
        return Summary(json.loads((folder / SUMMARY).read_bytes()))
    except (OSError, ValueError):
        raise DamagedError(
            f"{folder / SUMMARY} is damaged; delete it and give the same audit command again"
        ) from None


def summary_of(workspace: Workspace, name: str) -> Summary:
    """A run's summary; of an unfinished run, what is committed so far."""
    folder = run_folder(workspace, name)
    if (folder / SUMMARY).is_file():
        return _read_summary(folder)
    parameters = Parameters.from_json(read_run(folder)["parameters"])
    try:
        lists = [open_list(workspace.lists_dir, f"{r.name}@{r.version}") for r in parameters.lists]
    except WorkspaceError:
        lists = []
    return _sum_up(folder, lists, parameters, time.monotonic(), _Curve(time.monotonic()), None)


def tasks_of(workspace: Workspace, name: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The committed tasks of a run in manifest order, with their counts."""
    folder = run_folder(workspace, name)
    parameters = Parameters.from_json(read_run(folder)["parameters"])
    for shard in thaw(folder / MANIFEST):
        task = folder / SHARDS / task_id(shard, parameters)
        if (task / COUNTS).is_file():
            yield task, read_counts(task)
