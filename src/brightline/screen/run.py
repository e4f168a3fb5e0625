"""A run: freeze the manifest, do the shards that are not done, sum up."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from brightline import storage
from brightline._version import __version__
from brightline.errors import SealError, UsageError
from brightline.findings import Custodian
from brightline.ledger import Event as LedgerEvent
from brightline.lists import HashList
from brightline.screen.earlier import Earlier
from brightline.screen.examining import OriginMode
from brightline.screen.listed import checked
from brightline.screen.manifest import freeze, thaw
from brightline.screen.parameters import ListReference, Parameters
from brightline.screen.perform import (
    LOCK,
    Slice,
    Work,
    available,
    claimed,
    completed,
    perform,
    recorded,
)
from brightline.screen.runs import (
    MANIFEST,
    NAME,
    RUN,
    SHARDS,
    SUMMARY,
    now,
    read_run,
    run_names,
    signals_version,
)
from brightline.screen.summary import Summary
from brightline.screen.task import Setting
from brightline.screen.watch import Listener, Progress, Say
from brightline.signals.pipelines import SIGNALS_VERSION
from brightline.sources import discover
from brightline.sources.files import check
from brightline.types import Limits, Shard
from brightline.workspace import Workspace


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
    reuse: bool = True,
    origin: OriginMode = OriginMode.NONE,
    listen: Listener | None = None,
    say: Say | None = None,
) -> Summary:
    """Screen sources against lists and seal what matches.

    Without `run`, an unfinished run with the same parameters is resumed, and otherwise a new
    one begun. With `reuse`, shards that an earlier run screened and that are unchanged are not
    read again; where `origin` asks for evidence, those with an item to examine are. Raises
    UsageError and its kinds (`errors`), nothing for trouble with an item.
    """
    part = part or Slice()
    if not sources:
        raise UsageError("name at least one source: a folder, an archive or a table")
    if not lists:
        raise UsageError("name at least one list with --list; see `brightline list ls`")
    custodians = sealers(workspace)
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
        origin=origin,
    )
    listen = listen or (lambda _: None)
    say = say or (lambda _: None)
    lists = checked(workspace, lists, say)
    request = Request(parameters)
    folder, fresh = begin(
        workspace, run, request, lambda temporary: _list(temporary, parameters, listen), say
    )
    with claimed(folder, part):
        done = completed(workspace, folder)
        if done is not None:
            say(f"run {folder.name} is complete already; nothing was read again")
            return done
        if not fresh:
            for shard in thaw(folder / MANIFEST):
                for stamp in shard.files:
                    check(stamp)
        setting = Setting(
            run=folder.name,
            folder=folder / SHARDS,
            lists=lists,
            custodians=custodians,
            limits=parameters.limits,
            orientations=orientations,
            origin=origin,
        )
        if reuse and origin is OriginMode.ALL:
            reuse = False  # an archive holds no bytes to examine
            if len(run_names(workspace)) > 1:
                say("origin evidence needs the items' bytes: unchanged shards are read again too")
        origins = Earlier(workspace, folder, parameters).origin if reuse else _nowhere
        work = Work(workspace, folder, setting, parameters, part, workers or available())
        return perform(work, origins, listen, say, fallback=True)


def sealers(workspace: Workspace) -> tuple[Custodian, ...]:
    """The custodians; SealError with the commands that make one if there is none."""
    custodians = workspace.sealers()
    if not custodians:
        raise SealError(
            "there is no custodian to seal findings to; make one with "
            "`brightline custodian new FILE`, then "
            "`brightline custodian add RECIPIENT --name NAME`"
        )
    return custodians


def _nowhere(_: Shard) -> None:
    """No shard was screened before."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a run is asked to do, and which signals its archives will hold.

    `rescreened_from` names the run whose archives are used, with digests of what it was.
    """

    parameters: Parameters
    rescreened_from: dict[str, str] | None = None
    signals_version: int = SIGNALS_VERSION

    def is_of(self, document: dict[str, Any]) -> bool:
        """Whether a run was begun for the same."""
        return (
            document["parameters"] == self.parameters.to_json()
            and document.get("rescreened_from") == self.rescreened_from
        )


def begin(
    workspace: Workspace,
    name: str | None,
    request: Request,
    fill: Callable[[Path], dict[str, Any]],
    say: Say,
) -> tuple[Path, bool]:
    """The run to work on, frozen; and whether it was frozen just now.

    `fill` writes the manifest into the folder it is given and says what `run.json` holds of it.
    """
    if name is not None and not NAME.fullmatch(name):
        raise UsageError(
            "a run's name is 1 to 64 letters, digits, dots, dashes and underscores, "
            "and starts with a letter or digit"
        )
    with storage.locked(workspace.runs_dir / LOCK, "the workspace's runs", wait=True):
        found = _unfinished(workspace, request) if name is None else None
        if name is not None and (workspace.runs_dir / name / RUN).is_file():
            found = name
        if found is not None:
            folder = workspace.runs_dir / found
            document = read_run(folder)
            if not request.is_of(document):
                raise UsageError(
                    f"run {found} was begun with other sources, lists or options; "
                    "give those again, or another name with --run"
                )
            if not (folder / SUMMARY).is_file():
                if signals_version(document) != request.signals_version:
                    raise UsageError(
                        f"run {found} was begun by a version that makes other signals; "
                        "give another name with --run"
                    )
                say(f"resuming run {found}")
            # a crash may have come between the folder and the record
            if not recorded(workspace, LedgerEvent.RUN_STARTED, found):
                _record_start(workspace, folder, document)
            return folder, False
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        folder = workspace.runs_dir / (name or f"{stamp}-{secrets.token_hex(3)}")
        storage.remove_temporary(workspace.runs_dir)
        _freeze(workspace, folder, request, fill, say)
    return folder, True


def _unfinished(workspace: Workspace, request: Request) -> str | None:
    for name in reversed(run_names(workspace)):
        folder = workspace.runs_dir / name
        if (folder / SUMMARY).is_file():
            continue
        document = read_run(folder)
        if request.is_of(document) and signals_version(document) == request.signals_version:
            return name
    return None


def _list(temporary: Path, parameters: Parameters, listen: Listener) -> dict[str, Any]:
    """List the sources' shards into a manifest."""
    paths = [Path(source) for source in parameters.sources]
    shards = discover(paths, parameters.limits, source_type=parameters.source_type)
    frozen = freeze(
        shards,
        temporary / MANIFEST,
        lambda count, size: listen(Progress("listing", shards_total=count, bytes_total=size)),
    )
    return {
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
    }


def _freeze(
    workspace: Workspace,
    folder: Path,
    request: Request,
    write_manifest: Callable[[Path], dict[str, Any]],
    say: Say,
) -> None:
    origin = request.rescreened_from

    def fill(temporary: Path) -> None:
        document = {
            "run": folder.name,
            "tool": {"name": "brightline", "version": __version__},
            "signals_version": request.signals_version,
            "started": now(),
            "parameters": request.parameters.to_json(),
            "manifest": write_manifest(temporary),
            **({} if origin is None else {"rescreened_from": origin}),
        }
        (temporary / SHARDS).mkdir(mode=0o700)
        storage.write_atomic(temporary / RUN, json.dumps(document, sort_keys=True).encode())

    storage.commit_directory(folder, fill)
    document = read_run(folder)
    if not document["manifest"]["shards"]:
        say("warning: the sources hold nothing to screen")
    _record_start(workspace, folder, document)


def _record_start(workspace: Workspace, folder: Path, document: dict[str, Any]) -> None:
    origin = document.get("rescreened_from")
    workspace.ledger.append(
        LedgerEvent.RUN_STARTED,
        {
            "run": folder.name,
            "manifest": document["manifest"]["digest"],
            "shards": document["manifest"]["shards"],
            "lists": [reference["digest"] for reference in document["parameters"]["lists"]],
            "files": {name: storage.sha256_file(folder / name) for name in (RUN, MANIFEST)},
            **({} if origin is None else {"from": origin["run"]}),
        },
    )
