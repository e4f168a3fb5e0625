"""Shards whose signals are archived already: matched anew, and committed, without being read.

Several shards are one job, because their archives are digested side by side (`sha256_many`). An
archive is used only if it is what its shard's counts say. What an audit counted of the items stays
as it was counted; matches are those of the lists at hand. Where origin evidence of matched items
is asked for, a shard with a known-bad match is read after all: an archive holds no bytes.
"""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from brightline import storage
from brightline.errors import DamagedError
from brightline.findings import seal
from brightline.screen.archived import ArchiveReader, Hit
from brightline.screen.columns import Room
from brightline.screen.examining import OriginMode
from brightline.screen.finding import finding
from brightline.screen.tally import Tally
from brightline.screen.task import COUNTS, FINDINGS, SIGNALS, Beat, Job, Setting, read_counts
from brightline.signals.checksums import sha256_many
from brightline.types import U8, Role

#: shards of one job at most: as many as are digested side by side
TOGETHER = 16
#: results that are committed at once: each waits for the disk several times, and a core need not
_COMMITTING = 4
#: findings of a shard that may wait in memory for their turn; with more it is committed at once
_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a shard was screened: the run's name and the folder of the committed task."""

    run: str
    folder: Path


@dataclass(frozen=True, slots=True)
class Sheaf(Job):
    """Shards with the places of their archives; as a job it has the first one's name.

    fallback: read a shard whose archive is damaged, instead of refusing to go on.
    """

    jobs: tuple[tuple[Job, Origin], ...] = ()
    fallback: bool = False


@dataclass(frozen=True, slots=True)
class _Matched:
    """A shard's result before it is committed: its old counts, and what matched now."""

    before: dict[str, Any]
    tally: Tally
    findings: list[dict[str, Any]]
    started: float


def sheaf(jobs: Sequence[tuple[Job, Origin]], *, fallback: bool) -> Sheaf:
    """One job of one or more."""
    first = jobs[0][0]
    return Sheaf(first.number, first.task, first.shard, tuple(jobs), fallback)


class _BytesNeededError(Exception):
    """An item matched whose bytes are to be examined."""


def match_sheaf(
    setting: Setting, work: Sheaf, beat: Beat, read: Callable[[Job], dict[str, Any]]
) -> list[dict[str, Any]]:
    """Match every shard of a sheaf against the lists and commit it; the counts as committed.

    `read` screens a shard from its source. Raises DamagedError, naming the folder, if an archive
    is not what its counts say and `work.fallback` is false; shards before it stay committed.
    """
    for hash_list in setting.lists:
        hash_list.expect_many()
    opened = [_open(origin) for _, origin in work.jobs]
    digests = iter(sha256_many([data for _, data in filter(None, opened)], lambda: beat.read(0)))
    room = Room()
    outcomes: list[Callable[[], dict[str, Any]]] = []
    # leaving waits for what was begun, whatever happens here
    with ThreadPoolExecutor(_COMMITTING) as threads:
        for (job, origin), source in zip(work.jobs, opened, strict=True):
            digest = None if source is None else next(digests)
            try:
                if source is None or digest != source[0]["files"][SIGNALS]:
                    raise _damaged(origin)
                matched = _match(setting, job, origin, source, room, beat)
            except _BytesNeededError:
                outcomes.append(functools.partial(read, job))
                continue
            except DamagedError:
                if not work.fallback:
                    raise
                outcomes.append(functools.partial(read, job))
                continue
            commit = functools.partial(_commit, setting, job, origin, matched)
            if len(matched.findings) > _AT_ONCE:
                counts = commit()
                outcomes.append(functools.partial(dict, counts))
            else:
                outcomes.append(threads.submit(commit).result)
        return [outcome() for outcome in outcomes]


def _open(origin: Origin) -> tuple[dict[str, Any], U8] | None:
    """The counts of an archive and its mapped bytes; None if they are not there as a whole."""
    try:
        counts = read_counts(origin.folder)
        digest, tally = counts["files"][SIGNALS], counts["tally"]
        if not isinstance(digest, str) or not isinstance(tally, dict):
            return None
        with pa.memory_map(str(origin.folder / SIGNALS)) as file:
            return counts, np.frombuffer(file.read_buffer(), np.uint8)
    except (DamagedError, OSError, ValueError, KeyError, TypeError):
        return None


def _damaged(origin: Origin) -> DamagedError:
    return DamagedError(
        f"the signal archive in {origin.folder} is missing or is not what was committed; "
        f"restore it, or audit the sources of run {origin.run} again"
    )


def _match(
    setting: Setting,
    job: Job,
    origin: Origin,
    source: tuple[dict[str, Any], U8],
    room: Room,
    beat: Beat,
) -> _Matched:
    """One shard, whose archive was found to be whole."""
    before, data = source
    examines = setting.origin is OriginMode.MATCHED
    started = time.monotonic()
    tally = _kept(before, origin)
    findings: list[dict[str, Any]] = []
    try:
        archive = ArchiveReader(pa.py_buffer(data), room)
        if archive.rows != tally.items:
            raise _damaged(origin)
        for stretch in archive.match(setting.lists):
            if examines and any(hit.match.role is Role.KNOWN_BAD for hit in stretch.hits):
                raise _BytesNeededError
            tally.add_matches((hit.ordinal, hit.match) for hit in stretch.hits)
            findings += [_finding(setting, job, hit) for hit in stretch.hits]
            beat.read(job.shard.size * stretch.rows // archive.rows)
            beat.done(stretch.rows)
    except (pa.ArrowException, ValueError, KeyError):
        raise _damaged(origin) from None
    return _Matched(before, tally, findings, started)


def _commit(setting: Setting, job: Job, origin: Origin, matched: _Matched) -> dict[str, Any]:
    """Make a shard's result appear; the counts as committed, by whomever."""
    document: dict[str, Any] = {}
    folder = setting.folder / job.task

    def fill(temporary: Path) -> None:
        before = matched.before
        storage.link(origin.folder / SIGNALS, temporary / SIGNALS)
        seal(matched.findings, setting.custodians, temporary / FINDINGS)
        document.update(
            {
                "task": job.task,
                "number": job.number,
                "tally": matched.tally.to_json(),
                "content_digest": before["content_digest"],
                "reconciliation": before["reconciliation"],
                "seconds": round(time.monotonic() - matched.started, 3),
                "files": {
                    FINDINGS: storage.sha256_file(temporary / FINDINGS),
                    SIGNALS: before["files"][SIGNALS],
                },
                "reused": {"run": origin.run, "task": origin.folder.name},
            }
        )
        # durable with the folder
        (temporary / COUNTS).write_bytes(json.dumps(document, sort_keys=True).encode())

    return document if storage.commit_directory(folder, fill) else read_counts(folder)


def _finding(setting: Setting, job: Job, hit: Hit) -> dict[str, Any]:
    return finding(
        setting.run, job.shard, hit.locator, hit.ordinal, hit.match, hit.kind, hit.sha256
    )


def _kept(before: dict[str, Any], origin: Origin) -> Tally:
    """What was counted of the items, without what matched and what was examined."""
    tally = Tally()
    try:
        tally.merge(before["tally"])
    except (KeyError, TypeError, ValueError, AttributeError):
        raise _damaged(origin) from None
    for name, counter in tally.counters.items():
        if name.startswith(("by_", "origin_")):
            counter.clear()
    tally.matched_items = 0
    return tally
