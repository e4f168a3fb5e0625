"""Audits and re-screenings in the test's own process: the same tasks, without workers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brightline.findings import Custodian, Identity, load_identity, new_identity, open_sealed
from brightline.lists import HashList
from brightline.screen.reuse import Origin, Sheaf, match_sheaf, sheaf
from brightline.screen.task import FINDINGS, Job, Setting, direct, read_counts, run_task
from brightline.sources import discover
from brightline.types import Limits, Shard


class Still:
    """A beat that only counts."""

    def __init__(self) -> None:
        self.items = self.bytes = 0

    def item(self) -> None:
        """The next item is about to be decoded."""

    def read(self, count: int) -> None:
        """So many more bytes were read."""
        self.bytes += count

    def done(self, items: int) -> None:
        """So many more items are done."""
        self.items += items


@dataclass(frozen=True, slots=True)
class Desk:
    """A folder for runs, and a custodian."""

    root: Path
    identity: Identity
    custodian: Custodian

    def setting(self, run: str, lists: Sequence[HashList], *, orientations: bool) -> Setting:
        folder = self.root / run
        folder.mkdir(exist_ok=True)
        return Setting(run, folder, tuple(lists), (self.custodian,), Limits(), orientations)

    def audit(
        self, run: str, source: Path, lists: Sequence[HashList], *, orientations: bool = False
    ) -> list[Job]:
        """Screen every shard of a source."""
        setting = self.setting(run, lists, orientations=orientations)
        beat = Still()
        jobs = [
            Job(number, f"{number:032x}", shard)
            for number, shard in enumerate(discover([source], Limits()))
        ]
        for job in jobs:
            run_task(setting, job, beat, direct(setting, beat))
        return jobs

    def sheaf(self, run: str, jobs: Sequence[Job], *, fallback: bool = False) -> Sheaf:
        return sheaf([(j, Origin(run, self.root / run / j.task)) for j in jobs], fallback=fallback)

    def rescreen(
        self,
        run: str,
        of: str,
        jobs: Sequence[Job],
        lists: Sequence[HashList],
        read: Callable[[Job], dict[str, Any]] | None = None,
    ) -> Still:
        """Match the archives of the run `of`; reading is an error unless `read` is given."""
        beat = Still()
        work = self.sheaf(of, jobs, fallback=read is not None)
        setting = self.setting(run, lists, orientations=False)
        match_sheaf(setting, work, beat, read or unread)
        return beat

    def results(self, run: str, jobs: Sequence[Job]) -> list[dict[str, Any]]:
        """Of each shard all that may not depend on how it was come by, findings opened."""
        found = []
        for job in jobs:
            folder = self.root / run / job.task
            counts = read_counts(folder)
            findings = open_sealed(folder / FINDINGS, self.identity)
            for finding in findings:
                assert finding.pop("run") == run
            same = ("task", "number", "tally", "content_digest", "reconciliation")
            found.append({**{name: counts[name] for name in same}, "findings": findings})
        return found


def unread(job: Job) -> dict[str, Any]:
    raise AssertionError(f"shard {job.number} was read")


def make_desk(folder: Path) -> Desk:
    key = folder / "desk.key"
    recipient = new_identity(key)
    root = folder / "runs"
    root.mkdir()
    return Desk(root, load_identity(key), Custodian("Tester", recipient))


def metadata_shard() -> Shard:
    """A shard that names no file: nothing can be read of it."""
    return Shard("/nowhere", "no file", "folder", ())
