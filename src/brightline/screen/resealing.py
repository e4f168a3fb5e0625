"""Sealing a run's findings anew, to the custodians of today.

Custodians come and go; findings stay sealed to those of the day they were found until somebody
who can open them seals them anew. For each batch of tasks: the new files are made beside the
old ones, the ledger says what they will be and who asked, then they take the old ones' place.
Whatever a crash leaves of that is completed, or thrown away, by the same command.

Copies of the old files, in backups for example, still open to the custodians they were sealed
to: sealing anew takes nothing back.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from brightline import storage
from brightline.errors import UsageError
from brightline.findings import Custodian, Identity, seal
from brightline.ledger import JSON, Event
from brightline.screen.opening import RESEALED, interrupted, open_task
from brightline.screen.runs import run_folder, tasks_of
from brightline.screen.task import COUNTS, FINDINGS, read_counts
from brightline.workspace import Workspace

#: tasks in one record of the ledger, of which an entry holds at most 65,535 bytes
_BATCH = 200


@dataclass(frozen=True, slots=True)
class Resealed:
    """How many tasks' findings were sealed anew, and how many findings they hold."""

    run: str
    tasks: int
    findings: int
    custodians: tuple[Custodian, ...]


def reseal_run(
    workspace: Workspace,
    run: str,
    identity: Identity,
    reason: str,
    beat: Callable[[int], None] = lambda _: None,
) -> Resealed:
    """Seal every finding of a run to the custodians that the workspace has now.

    `beat` is told how many tasks are done. Raises UsageError without a reason or while another
    process works on the run, SealError or DamagedError if some findings cannot be opened: those
    of earlier batches are sealed anew then, and the others are as they were.
    """
    if not reason.strip():
        raise UsageError("give a reason with --reason; it goes on the ledger")
    custodians = workspace.sealers()
    folder = run_folder(workspace, run)
    tasks = findings = 0
    with storage.locked(folder / ".lock", f"run {run}"):
        _settle(workspace, run)
        waiting = (task for task, _ in tasks_of(workspace, run))
        while batch := list(islice(waiting, _BATCH)):
            findings += sum(_stage(task, custodians, identity) for task in batch)
            _record(workspace, run, identity, reason, batch)
            for task in batch:
                _replace(task)
            tasks += len(batch)
            beat(tasks)
    return Resealed(run, tasks, findings, custodians)


def _stage(task: Path, custodians: tuple[Custodian, ...], identity: Identity) -> int:
    counts = read_counts(task)
    found = open_task(task, counts, identity)
    staged = task / RESEALED[FINDINGS]
    seal(found, custodians, staged)
    counts["files"][FINDINGS] = storage.sha256_file(staged)
    data = json.dumps(counts, sort_keys=True).encode()
    storage.write_atomic(task / RESEALED[COUNTS], data)
    return len(found)


def _record(
    workspace: Workspace, run: str, identity: Identity, reason: str, batch: list[Path]
) -> None:
    workspace.ledger.append(
        Event.FINDINGS_RESEALED,
        {
            "run": run,
            "reason": reason,
            **workspace.opened_by(identity),
            "custodians": [c.recipient for c in workspace.sealers()],
            "files": {task.name: _digests(task) for task in batch},
        },
    )


def _digests(task: Path) -> dict[str, JSON]:
    return {name: storage.sha256_file(task / staged) for name, staged in RESEALED.items()}


def _replace(task: Path) -> None:
    # the counts last: they are what says that the findings are whole
    for name, staged in RESEALED.items():
        if (task / staged).exists():
            storage.rename(task / staged, task / name)


def _settle(workspace: Workspace, run: str) -> None:
    """Complete what the ledger has recorded, and throw away what it has not."""
    cut_short = {task.name: task for task, _ in tasks_of(workspace, run) if interrupted(task)}
    if not cut_short:
        return
    recorded = _recorded(workspace, run)
    for name, task in cut_short.items():
        staged = {n: task / s for n, s in RESEALED.items() if (task / s).exists()}
        said = recorded.get(name, {})
        if all(storage.sha256_file(path) == said.get(n) for n, path in staged.items()):
            _replace(task)
        else:
            for path in staged.values():
                path.unlink()


def _recorded(workspace: Workspace, run: str) -> dict[str, dict[str, Any]]:
    """What the newest record says of each task that was sealed anew."""
    found: dict[str, dict[str, Any]] = {}
    for record in workspace.ledger.records():
        if record.kind == Event.FINDINGS_RESEALED and record.fields.get("run") == run:
            files = record.fields.get("files")
            if isinstance(files, dict):
                found |= {task: value for task, value in files.items() if isinstance(value, dict)}
    return found
