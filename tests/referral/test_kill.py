"""Killed before every durable write and every request: never two reports, never half of one.

Killing after an action is killing before the next one, since nothing lasting lies in between.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from brightline import storage
from brightline.findings import load_identity
from brightline.ledger import Event
from brightline.referral.asking import Patience
from brightline.referral.casefile import CaseItem
from brightline.referral.errors import ReferralError, UnresolvedError
from brightline.referral.resolve import resolve
from brightline.referral.service import Service
from brightline.referral.states import Finished, Opening, Unknown, Uploading
from brightline.referral.store import Referral, open_referral, write_draft
from brightline.referral.submit import Submission
from brightline.referral.validate import own_schema
from brightline.referral.wire import Outcome, Request
from brightline.workspace import Workspace
from tests.referral.cases import Clock, make_desk, random_case
from tests.referral.cybertip import Cybertip, Line
from tests.referral.killing import Killed

SERVICE = Service("test", "http://127.0.0.1:9/ispws")
HASTE = Patience(tries=2, wait=0.0, sleep=lambda _: None)


class Reaper:
    """Counts points and kills at the given ones."""

    def __init__(self) -> None:
        self.count = 0
        self.at: int | None = None

    def point(self) -> None:
        if self.at == self.count:
            self.at = None
            raise Killed
        self.count += 1


class Watched(Line):
    """A line whose requests are points."""

    reaper: Reaper

    def post(self, request: Request) -> Outcome:
        self.reaper.point()
        return super().post(request)


def data_of(item: CaseItem) -> bytes:
    return f"bytes of file {item.number}".encode()


class Place:
    """A workspace that can be set back, a service, and a reaper at every lasting action."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, *, upload: bool, names: tuple[str, ...]
    ) -> None:
        monkeypatch.setattr(os, "fsync", lambda _: None)  # power does not fail here
        desk = make_desk(folder)
        case = random_case(3, 2)
        items = tuple(
            replace(i, md5=hashlib.md5(data_of(i)).hexdigest(), sha256="ab" * 32)
            for i in case.items
        )
        self.name = write_draft(desk.workspace, replace(case, items=items), desk.clock).name
        self.root, self.key, self.upload = desk.workspace.root, desk.key, upload
        self.pristine = folder / "pristine"
        shutil.copytree(self.root, self.pristine)
        self.reaper = Reaper()
        for name in names:
            monkeypatch.setattr(storage, name, self._watched(getattr(storage, name)))

    def _watched(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def action(*args: Any, **named: Any) -> Any:
            self.reaper.point()
            return real(*args, **named)

        return action

    def reset(self) -> None:
        shutil.rmtree(self.root)
        shutil.copytree(self.pristine, self.root)
        self.clock = Clock()
        self.service = Cybertip(self.clock, lenient=True)
        self.reaper.count, self.reaper.at = 0, None

    def referral(self) -> Referral:
        return open_referral(Workspace.open(self.root), self.name, self.clock)

    def act(self, what: str = "submit") -> None:
        referral = self.referral()
        line = Watched(self.service)
        line.reaper = self.reaper
        with referral.locked():
            sending = Submission(
                referral, load_identity(self.key), SERVICE, line, own_schema(), patience=HASTE
            )
            if what == "retract":
                sending.retract()
            else:
                sending.submit(fetch=data_of if self.upload else None)

    def finish(self) -> None:
        """What an operator does after a crash, until the report is with the hotline."""
        for _ in range(8):
            # a report that nobody knows of is never joined by a second one
            assert len(self.service.open_reports()) <= 1
            try:
                self.act()
            except UnresolvedError:
                referral = self.referral()
                with referral.locked():
                    state = referral.journal("test").state()
                    if isinstance(state, (Opening, Unknown)):
                        there = self.service.open_reports()
                        number = there[0] if there else None
                        resolve(referral, "test", by="Ann", report_id=number)
                if isinstance(state, Uploading):
                    self.act("retract")
            except ReferralError as error:
                assert "retract" in str(error), error
                self.act("retract")
            if isinstance(self.referral().journal("test").state(), Finished):
                return
        raise AssertionError("it never ends")

    def check(self) -> None:
        finished = self.service.finished()
        assert len(finished) == 1
        assert self.service.open_reports() == []
        report = self.service.reports[finished[0]]
        assert len(report.details) == 2
        if self.upload:
            assert set(report.details) == set(report.files)
        referral = self.referral()
        journal = referral.journal("test")
        state = journal.state()
        assert isinstance(state, Finished)
        assert state.report.report_id == finished[0]
        noted = [
            int(str(record.fields["step"]))
            for record in referral.workspace.ledger.records()
            if record.kind == Event.REFERRAL_STEP
        ]
        assert sorted(set(noted)) == list(range(len(journal.steps())))
        # again: nothing more is asked
        asked = len(self.service.requests)
        self.act()
        assert len(self.service.requests) == asked


def points_of(place: Place) -> int:
    place.reset()
    place.act()
    place.check()
    place.reset()
    place.act()
    return place.reaper.count


def killed_at(place: Place, first: int, second: int | None = None) -> None:
    place.reset()
    place.reaper.at = first
    with pytest.raises(Killed):
        place.act()
    if second is not None:
        place.reaper.count, place.reaper.at = 0, second
        with contextlib.suppress(Killed):
            place.finish()
        place.reaper.at = None
    place.finish()
    place.check()


def test_killed_before_sealed_steps_and_requests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(tmp_path, monkeypatch, upload=False, names=("write_atomic",))
    points = points_of(place)
    assert points > 20
    # every tenth, and around the opening and the end, where a second report could come from;
    # the long run has them all
    for k in sorted({*range(0, points, 10), 3, points - 2, points - 1}):
        killed_at(place, k)


@pytest.mark.long
@pytest.mark.parametrize("upload", [False, True])
def test_killed_within_the_ledgers_writes_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, upload: bool
) -> None:
    names = ("write_atomic", "append_durable", "commit_directory", "make_directory")
    place = Place(tmp_path, monkeypatch, upload=upload, names=names)
    for k in range(points_of(place)):
        killed_at(place, k)


@pytest.mark.long
def test_killed_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(tmp_path, monkeypatch, upload=True, names=("write_atomic",))
    points = points_of(place)
    for first in range(0, points, 5):
        for second in range(first % 2, points, 6):
            killed_at(place, first, second)


@pytest.mark.long
def test_killed_while_it_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(tmp_path, monkeypatch, upload=True, names=("write_atomic",))
    points = points_of(place)
    for k in (points // 3, points // 3 + 4):
        place.reset()
        place.reaper.at = k
        with pytest.raises(Killed):
            place.act()
        for at in range(8):
            place.reaper.count, place.reaper.at = 0, at
            try:
                place.act("retract")
            except Killed:
                continue
            break
        place.reaper.at = None
        assert place.service.open_reports() == []
        place.finish()
        place.check()
