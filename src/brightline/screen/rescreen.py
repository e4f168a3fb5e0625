"""Re-screening: a run's signal archives against other lists. No source is opened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from brightline import storage
from brightline.errors import UsageError
from brightline.lists import HashList, open_list
from brightline.screen.examining import OriginMode
from brightline.screen.listed import checked
from brightline.screen.parameters import ListReference, Parameters
from brightline.screen.perform import Slice, Work, available, claimed, completed, perform
from brightline.screen.reuse import Origin
from brightline.screen.run import Request, begin, sealers
from brightline.screen.runs import (
    MANIFEST,
    RUN,
    SHARDS,
    SUMMARY,
    read_run,
    run_folder,
    signals_version,
    task_folder,
)
from brightline.screen.summary import Summary
from brightline.screen.task import Setting
from brightline.screen.watch import Listener, Say
from brightline.signals.pipelines import SIGNALS_VERSION
from brightline.types import Shard
from brightline.workspace import Workspace


def rescreen(
    run: str,
    lists: Sequence[HashList],
    workspace: Workspace,
    *,
    name: str | None = None,
    workers: int | None = None,
    listen: Listener | None = None,
    say: Say | None = None,
) -> Summary:
    """Match a complete run's archives against lists, and seal what matches, as a new run.

    lists: versions or deltas; none at all means the newest versions of the run's own lists.
    name: of the new run, else an unfinished one of the same request is resumed, and otherwise
    one is begun. The new run has its own manifest and archives (the same files under a second
    name where the file system can do that), so that it stands when the old one is deleted.

    Raises UsageError for a run that is not there or not complete, DamagedError naming the shard's
    folder for an archive that is not what was committed.
    """
    listen = listen or (lambda _: None)
    say = say or (lambda _: None)
    old = run_folder(workspace, run)
    before = read_run(old)
    if not (old / SUMMARY).is_file():
        raise UsageError(
            f"run {run} is not complete; give its command again, and re-screen it after that"
        )
    parameters, opened = _parameters(before, lists, workspace)
    opened = checked(workspace, opened, say)
    version = signals_version(before)
    if version != SIGNALS_VERSION:
        say(
            f"warning: run {run} is of a version that made fewer signals of a picture; "
            "audit its sources again to match all that this version can"
        )
    of_old = Parameters.from_json(before["parameters"])
    if of_old.origin is not OriginMode.NONE:
        say(
            f"run {run} looked for origin evidence; a re-screening reads no bytes, so the new "
            f"run's findings have none: see those of run {run}"
        )
    request = Request(
        parameters,
        {
            "run": run,
            "run_json": storage.sha256_file(old / RUN),
            "manifest": before["manifest"]["digest"],
        },
        version,
    )

    def fill(temporary: Path) -> dict[str, Any]:
        storage.link(old / MANIFEST, temporary / MANIFEST)
        manifest: dict[str, Any] = before["manifest"]
        return manifest

    def origin(shard: Shard) -> Origin:
        return Origin(run, task_folder(old, before, shard, of_old))

    custodians = sealers(workspace)
    folder, _ = begin(workspace, name, request, fill, say)
    with claimed(folder, Slice()):
        done = completed(workspace, folder)
        if done is not None:
            say(f"run {folder.name} is complete already; nothing was matched again")
            return done
        setting = Setting(
            run=folder.name,
            folder=folder / SHARDS,
            lists=opened,
            custodians=custodians,
            limits=parameters.limits,
            orientations=parameters.orientations,
        )
        work = Work(workspace, folder, setting, parameters, Slice(), workers or available())
        return perform(work, origin, listen, say, fallback=False)


def _parameters(
    before: dict[str, Any], lists: Sequence[HashList], workspace: Workspace
) -> tuple[Parameters, tuple[HashList, ...]]:
    """The old run's parameters with the new lists, and these opened."""
    of_old = Parameters.from_json(before["parameters"])
    opened = tuple(lists)
    if not opened:
        names = dict.fromkeys(reference.name for reference in of_old.lists)
        opened = tuple(open_list(workspace.lists_dir, name) for name in names)
    named = [(each.manifest.name, each.manifest.version) for each in opened]
    for place, one in enumerate(named):
        if one in named[:place]:
            raise UsageError(f"list {one[0]}@{one[1]} is named twice; name it once")
    references = tuple(ListReference.to(each) for each in opened)
    return replace(of_old, lists=references, origin=OriginMode.NONE), opened
