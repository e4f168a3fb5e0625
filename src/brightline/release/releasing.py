"""A release from beginning to end: plan, copy, manifest, rename, ledger; to be stopped anywhere.

What is being written lies beside DEST under a name that begins with `.tmp-release-`. The
workspace keeps, under `releases/RUN/`, the sealed plan and a list of what is done with digests;
the same command goes on with what is still as that list says.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from brightline import storage
from brightline._version import __version__
from brightline.errors import UsageError
from brightline.findings import Identity
from brightline.ledger import Event
from brightline.release.cover import EACH
from brightline.release.layout import Layout, layout_of
from brightline.release.manifest import ABOUT, NAME, Entry, File, write_entries
from brightline.release.plan import Options, Plan, plan_for
from brightline.release.state import State
from brightline.release.work import Work
from brightline.screen.opening import open_run
from brightline.screen.runs import now
from brightline.screen.watch import Listener, Say
from brightline.sources.paths import printable
from brightline.workspace import Workspace

RELEASE = "release.json"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def release(
    workspace: Workspace,
    run: str,
    dest: Path,
    identity: Identity,
    reason: str,
    options: Options | None = None,
    *,
    listen: Listener | None = None,
    say: Say | None = None,
) -> dict[str, Any]:
    """Write a run's sources to `dest` without what matched, what could not be screened, and the
    cover; returns the counts that `release --json` prints.

    Opens the run's findings, which is recorded with the reason. Goes on where it was if it was
    interrupted. Raises UsageError if the run is not complete, `dest` exists or lies where it must
    not, or there is no room; SourceChangedError if a source is not as the run froze it.
    """
    options = options or Options()
    listen = listen or (lambda _: None)
    say = say or (lambda _: None)
    started = time.monotonic()
    dest = dest.absolute()
    layout = layout_of(workspace, run)
    _refuse_place(layout, dest)
    findings = open_run(workspace, run, identity, reason)
    sealed = plan_for(layout, findings, options, identity, listen)
    del findings
    plan = sealed.plan
    _warn(plan, options, say)
    state = State(sealed, dest)
    with storage.locked(state.lock, f"the release {dest}"), _room(state):
        ready = state.ready()
        if not os.path.lexists(dest):
            done = state.done()
            if done:
                say("going on with a release that was interrupted")
            state.begin(done)
            work = Work(layout, plan, options, state.temporary, listen)
            ready = _write(layout, plan, options, state, work, done)
            storage.publish_directory(state.temporary, dest)
        elif ready is None or not _is_ours(dest, ready):
            raise UsageError(f"{dest} exists already; name a place where nothing is")
        _record(workspace, ready, sealed.digest)
        state.finish()
    counts = plan.counts()
    gone = sum(counts.values())
    return {
        **ready,
        "dest": printable(os.fsencode(dest)),
        "leaving": {**counts, "chance": round(counts["matched"] / gone, 6) if gone else 0.0},
        "elapsed_s": round(time.monotonic() - started, 3),
    }


def _refuse_place(layout: Layout, dest: Path) -> None:
    real = dest.parent.resolve() / dest.name
    for source in layout.sources.values():
        path = Path(os.fsdecode(source.path)).resolve()
        if real.is_relative_to(path) or path.is_relative_to(real):
            raise UsageError(f"{dest} lies inside a source or around it; name another place")
    root = layout.workspace.root.resolve()
    if real.is_relative_to(root) or root.is_relative_to(real):
        raise UsageError(f"{dest} lies inside the workspace or around it; name another place")


def _warn(plan: Plan, options: Options, say: Say) -> None:
    counts = plan.counts()
    if options.cover == 0:
        say(
            "warning: without cover, the difference between the corpus and this release "
            "points at what matched"
        )
    elif counts["cover"] < EACH * counts["matched"]:
        say(
            f"the corpus is too small for {EACH} cover removals for each match: "
            f"{counts['cover']} for {counts['matched']}"
        )


def _write(
    layout: Layout,
    plan: Plan,
    options: Options,
    state: State,
    work: Work,
    done: dict[int, list[Entry]],
) -> dict[str, Any]:
    entries: list[Entry] = []
    for made in work.run(done):
        if made.fresh:
            state.add(made.number, made.entries)
        entries += made.entries
    entries.sort(key=lambda entry: entry.path)
    _sweep(state.temporary, {entry.path for entry in entries})
    about = state.temporary / ABOUT
    about.mkdir(mode=0o755)
    write_entries(about / NAME, entries)
    digest = f"sha256:{storage.sha256_file(about / NAME)}"
    document = _document(layout, plan, options, entries, digest)
    text = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False)
    storage.write_atomic(about / RELEASE, text.encode() + b"\n", 0o644)
    state.prepare(document)
    return document


@contextlib.contextmanager
def _room(state: State) -> Iterator[None]:
    """Say what to do where the disk is full, also if that shows only in syncing."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise UsageError(
            f"there is no room left ({error.strerror}) in {state.temporary.parent} or the "
            "workspace; free some and give the same command again: it goes on from there"
        ) from None


def _sweep(root: Path, listed: set[bytes]) -> None:
    """Take away what an interrupted release left and this one does not hold."""
    top = os.fsencode(root)
    for folder, _, names in os.walk(top, topdown=False):
        for name in names:
            path = os.path.join(folder, name)  # noqa: PTH118 - bytes stay bytes
            if path[len(top) + 1 :] not in listed:
                os.unlink(path)  # noqa: PTH108
        if folder != top and not os.listdir(folder):  # noqa: PTH208
            os.rmdir(folder)  # noqa: PTH106


def _document(
    layout: Layout, plan: Plan, options: Options, entries: list[Entry], digest: str
) -> dict[str, Any]:
    """`release.json`: what the release says of itself. What leaves is one number: how many of
    it matched, and how many are cover, is not said."""
    removed, total = plan.removed.total(), plan.samples.total()
    return {
        "format": 1,
        "release": secrets.token_hex(8),
        "run": layout.run,
        "tool": {"name": "brightline", "version": __version__},
        "made": now(),
        "samples": {"total": total, "kept": total - removed, "removed": removed},
        "cover": {"fraction": options.cover, "each": EACH if options.cover else 0},
        "unscreened": {
            "kept": options.keep_unscreened,
            "samples": plan.unscreened_samples if options.keep_unscreened else 0,
        },
        "sources": [
            {
                "path": printable(source.prefix),
                "samples": plan.samples[key],
                "removed": plan.removed[key],
            }
            for key, source in layout.sources.items()
        ],
        "files": len(entries),
        "bytes": sum(entry.size for entry in entries if isinstance(entry, File)),
        "manifest": digest,
    }


def _is_ours(dest: Path, ready: dict[str, Any]) -> bool:
    """Whether a folder is the release that was about to get this name."""
    try:
        return bool(json.loads((dest / ABOUT / RELEASE).read_bytes()) == ready)
    except (OSError, ValueError):
        return False


def _record(workspace: Workspace, ready: dict[str, Any], plan: str) -> None:
    """Put a release on the ledger, unless it is there already."""
    for record in workspace.ledger.records():
        if record.kind == Event.RELEASE_MADE and record.fields.get("release") == ready["release"]:
            return
    names = ("release", "run", "samples", "cover", "unscreened", "files", "bytes", "manifest")
    workspace.ledger.append(
        Event.RELEASE_MADE, {**{name: ready[name] for name in names}, "plan": plan}
    )
