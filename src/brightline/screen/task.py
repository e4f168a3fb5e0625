"""One shard, from its bytes to a committed result.

The same function serves every executor; it touches nothing but the shard's files and the
task's own folder, and doing it again changes nothing.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from brightline import storage
from brightline.errors import DamagedError
from brightline.findings import Custodian, seal
from brightline.lists import HashList
from brightline.screen.archive import Archive
from brightline.screen.examining import Look, NotExamined, OriginMode, directly, look_at
from brightline.screen.finding import finding
from brightline.screen.items import Item, See, batches, row_reasons, screen
from brightline.screen.matching import Owned, Probes
from brightline.screen.tally import Tally, kind_of
from brightline.signals.perceive import Encoded, Perception, perceive_many
from brightline.sources import Reconciliation, ShardReader
from brightline.types import Failed, Kind, Limits, Reason, Role, Rows, Shard

if TYPE_CHECKING:
    from brightline.origin import Examination

FINDINGS = "findings.age"
SIGNALS = "signals.parquet"
COUNTS = "counts.json"

#: items matched together
_BATCH = 512


class Beat(Protocol):
    """Where a task says that it is alive and how far it is."""

    def item(self) -> None:
        """The next item is about to be decoded."""

    def read(self, count: int) -> None:
        """So many more bytes were read."""

    def done(self, items: int) -> None:
        """So many more items are done."""


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
    origin: OriginMode = OriginMode.NONE


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


#: of an item that matched: its locator, what became of it, and its SHA-256 in hex
_Facts: TypeAlias = tuple[str, Kind, str | None]
#: of items that matched, by their place: their origin as a finding holds it
_Origins: TypeAlias = dict[int, dict[str, Any]]


class _Result:
    """Accumulates a shard's result, a batch of items in memory at a time."""

    def __init__(self, setting: Setting, job: Job, archive: Archive, look: Look) -> None:
        self.tally = Tally()
        self.findings: list[dict[str, Any]] = []
        self.content = hashlib.sha256()
        self._setting = setting
        self._job = job
        self._archive = archive
        self._look = look
        self._batch: list[Item] = []

    def add(self, item: Item) -> None:
        self._batch.append(item)
        if len(self._batch) >= _BATCH:
            self.flush()

    def flush(self) -> None:
        """Match, examine and archive what has gathered."""
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
        found = probes.match(self._setting.lists)
        origins = self._examine(batch, found)
        self._keep(found, first, lambda place: _facts(batch[place]), origins)
        self._batch.clear()

    def add_rows(self, rows: Rows) -> None:
        """Match and archive a stretch of a table."""
        self.flush()
        first = self.tally.items
        probes = Probes()
        probes.add_rows(0, rows)
        reasons = row_reasons(rows)
        for reason in dict.fromkeys(reasons):
            self.tally.add_many(reasons.count(reason), reason)
        self._archive.add_rows(rows, reasons)
        for signal, values in rows.exact.items():
            self._seal_content(f"rows {rows.first}+{rows.count} {signal}", values.tobytes().hex())
        found = probes.match(self._setting.lists)
        self._keep(
            found,
            first,
            lambda place: (f"row {rows.first + place}", reasons[place].kind, None),
            self._without_bytes(rows.count, found),
        )

    def _seal_content(self, locator: str, proof: str) -> None:
        self.content.update(f"{locator}\0{proof}\n".encode("utf-8", "surrogateescape"))

    def _examine(self, batch: Sequence[Item], found: Sequence[Owned]) -> _Origins:
        """What a finding holds of its item's origin, by the item's place; all are counted."""
        mode = self._setting.origin
        if mode is OriginMode.NONE:
            return {}
        bad, any_list = _bad(found), {place for place, _ in found}
        origins = {}
        for place, item in enumerate(batch):
            matched = place in bad
            if not matched and mode is OriginMode.MATCHED:
                continue
            seen = self._seen(item, matched)
            self.tally.add_examination(seen)
            if place in any_list:
                origins[place] = seen.to_json()
        return origins

    def _seen(self, item: Item, matched: bool) -> Examination | NotExamined:
        if item.held is NotExamined.NO_BYTES:
            return NotExamined.NO_BYTES
        if not item.picture and not matched:
            return NotExamined.NOT_A_PICTURE
        if isinstance(item.held, NotExamined):
            return item.held
        return self._look(item.held, matched)

    def _without_bytes(self, count: int, found: Sequence[Owned]) -> _Origins:
        """The same of a table's rows, which have no bytes."""
        mode = self._setting.origin
        if mode is OriginMode.NONE:
            return {}
        places = _bad(found)
        if mode is OriginMode.MATCHED:
            count = len(places)
        else:
            places |= {place for place, _ in found}
        self.tally.add_examination(NotExamined.NO_BYTES, count)
        return dict.fromkeys(places, NotExamined.NO_BYTES.to_json())

    def _keep(
        self,
        found: Sequence[Owned],
        first: int,
        facts: Callable[[int], _Facts],
        origins: _Origins,
    ) -> None:
        self.tally.add_matches(found)
        run, shard = self._setting.run, self._job.shard
        for place, match in found:
            locator, kind, sha256 = facts(place)
            ordinal, origin = first + place, origins.get(place)
            self.findings.append(finding(run, shard, locator, ordinal, match, kind, sha256, origin))


def _bad(found: Sequence[Owned]) -> set[int]:
    """The places of items that a known-bad list's entry matched."""
    return {place for place, match in found if match.role is Role.KNOWN_BAD}


def _facts(item: Item) -> _Facts:
    signals = item.outcome.signals
    sha256 = signals.sha256.hex() if signals is not None else None
    return item.locator, kind_of(item.outcome)[0], sha256


def run_task(
    setting: Setting, job: Job, beat: Beat, see: See, look: Look | None = None
) -> dict[str, Any]:
    """Screen a shard and commit its result; returns the counts as committed.

    look: examines origins where `setting.origin` asks for it, else that is done in this process.
    Raises SourceChangedError if the shard is not what the manifest froze.
    """

    def fill(folder: Path) -> None:
        started = time.monotonic()
        reader = ShardReader(job.shard, setting.limits, on_bytes=beat.read)
        hold = setting.origin is not OriginMode.NONE
        with Archive(folder / SIGNALS) as archive:
            result = _Result(setting, job, archive, look or directly(beat.item))
            for batch in batches(reader):
                if isinstance(batch, Rows):
                    result.add_rows(batch)
                    beat.done(batch.count)
                    continue
                for item in screen(batch, see, hold=hold):
                    result.add(item)
                if hold:
                    result.flush()  # no more bytes are held than the batch's
                beat.done(len(batch))
            result.flush()
        _finish(setting, job, folder, result, started, reader.reconciliation)

    storage.commit_directory(setting.folder / job.task, fill)
    return read_counts(setting.folder / job.task)


def fail_task(setting: Setting, job: Job) -> dict[str, Any]:
    """Commit that a shard could not be read, after every other way was tried."""

    def fill(folder: Path) -> None:
        with Archive(folder / SIGNALS) as archive:
            result = _Result(setting, job, archive, look_at)
            result.add(Item("(whole shard)", Failed(Reason.READER_CRASHED), 0))
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
    """A committed task's counts; DamagedError if the file does not hold any."""
    try:
        document = json.loads((folder / COUNTS).read_bytes())
    except ValueError:
        document = None
    if not isinstance(document, dict) or not {"task", "tally", "files"} <= document.keys():
        raise DamagedError(
            f"{folder / COUNTS} is damaged; restore it from a copy, or delete the folder {folder} "
            "and give the same command again"
        )
    return document
