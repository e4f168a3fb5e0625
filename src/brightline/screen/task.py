"""One shard, from its bytes to a committed result.

The same function serves every executor; it touches nothing but the shard's files and the
task's own folder, and doing it again changes nothing.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias, assert_never

from brightline import storage
from brightline.findings import Custodian, seal
from brightline.lists import HashList
from brightline.screen.archive import Archive
from brightline.screen.finding import finding
from brightline.screen.matching import Owned, Probes
from brightline.screen.tally import Tally, kind_of
from brightline.signals.digests import digests_many
from brightline.signals.media import Sort, sniff
from brightline.signals.perceive import (
    Encoded,
    Perception,
    outcome_of,
    perceive_many,
    without_pixels,
)
from brightline.sources import Reconciliation, ShardReader
from brightline.sources.paths import IMAGE_EXTENSIONS, extension
from brightline.types import (
    Content,
    Declared,
    ExactOnly,
    Failed,
    Kind,
    Limits,
    NoContent,
    Outcome,
    Reason,
    Rows,
    Shard,
    Skipped,
    Streamed,
)

FINDINGS = "findings.age"
SIGNALS = "signals.parquet"
COUNTS = "counts.json"

#: items matched together
_BATCH = 512
#: items screened together: how many at most, and how many bytes of them
_TOGETHER = 64
_TOGETHER_BYTES = 8 << 20


class Beat(Protocol):
    """Where a task says that it is alive and how far it is."""

    def item(self) -> None:
        """The next item is about to be decoded."""

    def read(self, count: int) -> None:
        """So many more bytes were read."""

    def done(self, items: int) -> None:
        """So many more items are done."""


#: decodes and hashes pictures, however it contains the decoders
See = Callable[[Sequence[Encoded]], list[Perception]]


@dataclass(frozen=True, slots=True)
class Job:
    """A shard with the name of its task and its place in the manifest."""

    number: int
    task: str
    shard: Shard


@dataclass(frozen=True, slots=True)
class Setting:
    """What all tasks of a run share."""

    run: str
    folder: Path
    lists: tuple[HashList, ...]
    custodians: tuple[Custodian, ...]
    limits: Limits
    orientations: bool


def direct(setting: Setting, beat: Beat) -> See:
    """Decode in this process."""

    def see(pictures: Sequence[Encoded]) -> list[Perception]:
        return perceive_many(
            pictures,
            max_pixels=setting.limits.max_pixels,
            orientations=setting.orientations,
            begin=beat.item,
        )

    return see


@dataclass(frozen=True, slots=True)
class _Item:
    locator: str
    outcome: Outcome
    size: int
    declared: tuple[Declared, ...]


Item: TypeAlias = Content | Streamed | NoContent
#: of an item that matched: its locator, what became of it, and its SHA-256 in hex
_Facts: TypeAlias = tuple[str, Kind, str | None]


def _batches(reads: Iterable[Item | Rows]) -> Iterator[list[Item] | Rows]:
    """What was read, in order: items gathered to be screened together, rows as they come."""
    waiting: list[Item] = []
    size = 0
    for read in reads:
        if isinstance(read, Rows):
            yield waiting
            yield read
            waiting, size = [], 0
            continue
        waiting.append(read)
        size += len(read.data) if isinstance(read, Content) else 0
        if len(waiting) >= _TOGETHER or size >= _TOGETHER_BYTES:
            yield waiting
            waiting, size = [], 0
    yield waiting


def _screen(reads: Sequence[Item], see: See) -> Iterator[_Item]:
    """What becomes of some items, in order."""
    filled = [read for read in reads if isinstance(read, Content) and read.data]
    sorts = [sniff(read.data) for read in filled]
    pictures = [
        (read.data, media_type, read.declared) if _is_picture(read, sort) else None
        for read, (media_type, sort) in zip(filled, sorts, strict=True)
    ]
    seen = iter(see([picture for picture in pictures if picture is not None]))
    digests = digests_many([read.data for read in filled])
    known = zip(sorts, pictures, digests, strict=True)
    for read in reads:
        match read:
            case NoContent():
                yield _Item(read.locator, _unread(read.reason), 0, read.declared)
            case Content():
                if not read.data:
                    yield _Item(read.locator, Skipped(Reason.EMPTY), 0, read.declared)
                    continue
                (media_type, sort), picture, digest = next(known)
                if picture is not None:
                    outcome = outcome_of(digest, media_type, next(seen))
                else:
                    outcome = without_pixels(
                        digest,
                        media_type,
                        sort,
                        expanded=read.expanded,
                        awaited=_is_awaited(read.locator),
                    )
                yield _Item(read.locator, outcome, len(read.data), read.declared)
            case Streamed():
                media_type, sort = sniff(read.head)
                outcome = without_pixels(read.digests, media_type, sort, expanded=read.expanded)
                yield _Item(read.locator, outcome, read.size, read.declared)
            case _:
                assert_never(read)


def _is_picture(read: Content, sort: Sort) -> bool:
    """Whether its pixels are looked at."""
    return sort is Sort.PICTURE and not read.expanded


def _is_awaited(locator: str) -> bool:
    """Whether a picture is to be expected there: by its name, or as a table's cell of bytes."""
    return locator.startswith("row ") or extension(locator) in IMAGE_EXTENSIONS


def _unread(reason: Reason) -> Outcome:
    match reason.kind:
        case Kind.SKIPPED:
            return Skipped(reason)
        case Kind.FAILED:
            return Failed(reason)
        case Kind.EXACT_ONLY:
            return ExactOnly(None, reason)
        case Kind.SCREENED:
            raise AssertionError("a reason says why an item was not screened")
        case _:
            assert_never(reason.kind)


class _Result:
    """Accumulates a shard's result, a batch of items in memory at a time."""

    def __init__(self, setting: Setting, job: Job, archive: Archive) -> None:
        self.tally = Tally()
        self.findings: list[dict[str, Any]] = []
        self.content = hashlib.sha256()
        self._setting = setting
        self._job = job
        self._archive = archive
        self._batch: list[_Item] = []

    def add(self, item: _Item) -> None:
        self._batch.append(item)
        if len(self._batch) >= _BATCH:
            self.flush()

    def flush(self) -> None:
        """Match and archive what has gathered."""
        first = self.tally.items
        probes = Probes()
        for place, item in enumerate(self._batch):
            probes.add(place, item.outcome, item.declared)
            self.tally.add(item.outcome, item.size)
            self._archive.add(item.locator, item.outcome, item.size, item.declared)
            signals = item.outcome.signals
            kind, reason = kind_of(item.outcome)
            proof = signals.sha256.hex() if signals else reason.code if reason else kind
            self._seal_content(item.locator, proof)
        batch = self._batch
        self._keep(probes.match(self._setting.lists), first, lambda place: _facts(batch[place]))
        self._batch.clear()

    def add_rows(self, rows: Rows) -> None:
        """Match and archive a stretch of a table."""
        self.flush()
        first = self.tally.items
        probes = Probes()
        probes.add_rows(0, rows)
        reasons = _row_reasons(rows)
        for reason in dict.fromkeys(reasons):
            self.tally.add_many(reasons.count(reason), reason)
        self._archive.add_rows(rows, reasons)
        for signal, values in rows.exact.items():
            self._seal_content(f"rows {rows.first}+{rows.count} {signal}", values.tobytes().hex())
        self._keep(
            probes.match(self._setting.lists),
            first,
            lambda place: (f"row {rows.first + place}", reasons[place].kind, None),
        )

    def _seal_content(self, locator: str, proof: str) -> None:
        self.content.update(f"{locator}\0{proof}\n".encode("utf-8", "surrogateescape"))

    def _keep(self, found: Sequence[Owned], first: int, facts: Callable[[int], _Facts]) -> None:
        self.tally.add_matches(found)
        for place, match in found:
            locator, kind, sha256 = facts(place)
            ordinal = first + place
            self.findings.append(
                finding(self._setting.run, self._job.shard, locator, ordinal, match, kind, sha256)
            )


def _facts(item: _Item) -> _Facts:
    signals = item.outcome.signals
    sha256 = signals.sha256.hex() if signals is not None else None
    return item.locator, kind_of(item.outcome)[0], sha256


def _row_reasons(rows: Rows) -> list[Reason]:
    usable = None
    for valid in rows.valid.values():
        usable = valid if usable is None else usable | valid
    reasons = []
    for k in range(rows.count):
        if rows.bad[k]:
            reasons.append(Reason.BAD_HASH)
        elif usable is not None and usable[k]:
            reasons.append(Reason.METADATA_ROW)
        else:
            reasons.append(Reason.NO_SIGNAL_COLUMN)
    return reasons


def run_task(setting: Setting, job: Job, beat: Beat, see: See) -> dict[str, Any]:
    """Screen a shard and commit its result; returns the counts as committed.

    Raises SourceChangedError if the shard is not what the manifest froze.
    """

    def fill(folder: Path) -> None:
        started = time.monotonic()
        reader = ShardReader(job.shard, setting.limits, on_bytes=beat.read)
        with Archive(folder / SIGNALS) as archive:
            result = _Result(setting, job, archive)
            for batch in _batches(reader):
                if isinstance(batch, Rows):
                    result.add_rows(batch)
                    beat.done(batch.count)
                else:
                    for item in _screen(batch, see):
                        result.add(item)
                    beat.done(len(batch))
            result.flush()
        _finish(setting, job, folder, result, started, reader.reconciliation)

    storage.commit_directory(setting.folder / job.task, fill)
    return read_counts(setting.folder / job.task)


def fail_task(setting: Setting, job: Job) -> dict[str, Any]:
    """Commit that a shard could not be read, after every other way was tried."""

    def fill(folder: Path) -> None:
        with Archive(folder / SIGNALS) as archive:
            result = _Result(setting, job, archive)
            result.add(_Item("(whole shard)", Failed(Reason.READER_CRASHED), 0, ()))
            result.flush()
        _finish(setting, job, folder, result, time.monotonic(), None)

    storage.commit_directory(setting.folder / job.task, fill)
    return read_counts(setting.folder / job.task)


def _finish(
    setting: Setting,
    job: Job,
    folder: Path,
    result: _Result,
    started: float,
    reconciliation: Reconciliation | None,
) -> None:
    seal(result.findings, setting.custodians, folder / FINDINGS)
    document = {
        "task": job.task,
        "number": job.number,
        "tally": result.tally.to_json(),
        "content_digest": f"sha256:{result.content.hexdigest()}",
        "reconciliation": asdict(reconciliation) if reconciliation is not None else None,
        "seconds": round(time.monotonic() - started, 3),
        "files": {name: storage.sha256_file(folder / name) for name in (FINDINGS, SIGNALS)},
    }
    storage.write_atomic(folder / COUNTS, json.dumps(document, sort_keys=True).encode())


def read_counts(folder: Path) -> dict[str, Any]:
    """A committed task's counts."""
    document: dict[str, Any] = json.loads((folder / COUNTS).read_bytes())
    return document
