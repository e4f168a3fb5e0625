"""Clocks and holds: what is kept until when. Destruction is proposed and never done."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brightline.errors import DamagedError, UsageError
from brightline.law import DutyType, Table, load
from brightline.referral import holds, package, times
from brightline.referral.announced import read_told
from brightline.referral.bundle import read_bundle
from brightline.referral.clocks import Advice, advise, clocks_of, lost
from brightline.referral.errors import ReferralError
from brightline.referral.service import Service
from brightline.referral.submit import Submission
from brightline.referral.validate import own_schema
from tests.referral.cases import START, Desk, make_desk
from tests.referral.cybertip import Cybertip, Line

PRODUCTION = Service("production", "http://127.0.0.1:9/ispws")
TEST = Service("test", "http://127.0.0.1:9/ispws")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return make_desk(tmp_path)


def submit(desk: Desk, service: Service) -> None:
    line = Line(Cybertip(desk.clock))
    Submission(desk.referral, desk.identity, service, line, own_schema()).submit()


def test_preservation_counts_from_the_report_in_production(desk: Desk) -> None:
    desk.clock.now = datetime(2026, 11, 22, 10, tzinfo=UTC)  # the table knows nothing before
    submit(desk, TEST)
    assert clocks_of(desk.referral, load()).reported is None
    desk.clock.forward(hours=5)
    submit(desk, PRODUCTION)
    kept = clocks_of(desk.referral, load(), ["US"])
    assert kept.reported == desk.clock.now
    (floor,) = [c.keep_until for c in kept.clocks if c.keep_until is not None]
    assert floor >= datetime(2027, 11, 22, 15, tzinfo=UTC)
    assert kept.advice is Advice.KEEP
    desk.clock.now = floor
    assert clocks_of(desk.referral, load(), ["US"]).advice is Advice.PROPOSE_DESTRUCTION
    assert desk.referral.case(desk.identity).items, "nothing was destroyed"


def test_a_hold_comes_before_every_clock(desk: Desk) -> None:
    desk.clock.forward(days=800)
    # what was never reported in production is not proposed to be destroyed
    assert clocks_of(desk.referral, load(), ["US"]).advice is Advice.REPORT_FIRST
    end = desk.clock.now + timedelta(days=2)
    holds.place(desk.referral, by="Counsel", note="order", until=end)
    assert clocks_of(desk.referral, load(), ["US"]).advice is Advice.HELD
    desk.clock.forward(days=2)
    assert clocks_of(desk.referral, load(), ["US"]).advice is Advice.REPORT_FIRST
    holds.place(desk.referral, by="Counsel", note="order", until=None)
    desk.clock.forward(days=9000)
    assert clocks_of(desk.referral, load(), ["US"]).advice is Advice.HELD
    holds.lift(desk.referral, by="Counsel", note="ended")
    assert clocks_of(desk.referral, load(), ["US"]).hold is None
    with pytest.raises(ReferralError, match="no hold"):
        holds.lift(desk.referral, by="Counsel", note="ended")


@pytest.mark.parametrize("deed", ["gone", "older", "lifted", "shortened", "planted", "draft"])
def test_a_hold_that_somebody_tampered_with_is_noticed(desk: Desk, deed: str) -> None:
    law = load()
    holds.place(desk.referral, by="Counsel", note="order", until=None)
    folder = desk.referral.folder / "holds"
    first = (folder / "000000.json").read_bytes()
    holds.place(desk.referral, by="Counsel", note="longer", until=START + timedelta(days=9))
    assert clocks_of(desk.referral, law).advice is Advice.HELD
    if deed == "gone":
        shutil.rmtree(folder)
    elif deed == "older":
        (folder / "000001.json").unlink()
    elif deed == "lifted":
        text = (folder / "000001.json").read_text().replace('"hold"', '"lifted"')
        (folder / "000001.json").write_text(text)
    elif deed == "shortened":
        text = (folder / "000001.json").read_text().replace("2026-03-10", "2026-03-02")
        (folder / "000001.json").write_text(text)
    elif deed == "planted":
        step = first.replace(b'"hold"', b'"lifted"').replace(b'"n":0', b'"n":2')
        (folder / "000002.json").write_bytes(step)
    else:
        path = desk.referral.folder / "draft.json"
        path.write_text(path.read_text().replace("2026-03-01T10", "2026-02-01T10"))
    with pytest.raises(DamagedError, match="ledger"):
        clocks_of(desk.referral, law)
    if deed != "draft":
        with pytest.raises(DamagedError, match="ledger"):
            holds.lift(desk.referral, by="Mallory", note="x")


def test_a_referral_that_is_gone_is_told(desk: Desk) -> None:
    told = read_told(desk.workspace.ledger)
    assert lost(desk.workspace, told) == []
    shutil.rmtree(desk.referral.folder)
    assert lost(desk.workspace, told) == [desk.referral.name]


@pytest.mark.parametrize("by, note, until", [("", "x", None), ("x", " ", None), ("x", "y", START)])
def test_a_hold_says_who_and_why_and_ends_later(
    desk: Desk, by: str, note: str, until: datetime | None
) -> None:
    with pytest.raises(ReferralError):
        holds.place(desk.referral, by=by, note=note, until=until)
    assert holds.current(desk.referral) is None


def test_a_law_table_that_is_refused_keeps_no_package_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused() -> Table:
        raise UsageError("the law table is refused: x")

    monkeypatch.setattr(package, "load", refused)
    monkeypatch.setattr(package, "run_folder", lambda *_: desk.key.parent)  # it has no run
    path = desk.key.parent / "case.age"
    package.make_package(desk.referral, desk.identity, path)
    _, files = read_bundle(path, desk.identity, [desk.workspace.signer().public])
    assert b"no proof of no duty" in files["law/duties.txt"]


class Made:
    """As much of a clock as advice needs."""

    def __init__(self, keep: datetime | None, destroy: datetime | None) -> None:
        self.keep_until, self.destroy_by = keep, destroy
        self.type = DutyType.PRESERVE


moments = st.none() | st.integers(-1000, 1000).map(lambda h: START + timedelta(hours=h))


@given(st.lists(st.builds(Made, moments, moments), max_size=5), st.booleans())
@settings(deadline=None)
def test_nothing_is_proposed_for_destruction_while_a_floor_or_a_hold_runs(
    made: list[Any], held: bool
) -> None:
    hold = holds.Hold(START, None, "x", "y") if held else None
    advice = advise(made, hold, START, reported=True)
    running = any(c.keep_until is not None and c.keep_until > START for c in made)
    if held:
        assert advice is Advice.HELD
    elif running:
        assert advice in (Advice.KEEP, Advice.DECIDE)
    else:
        over = [c for c in made if c.destroy_by is not None and c.destroy_by <= START]
        proposed = over or any(c.keep_until is not None for c in made)
        ceiling = any(c.destroy_by is not None for c in made)
        expected = Advice.CEILING if ceiling else Advice.NO_PERIOD
        assert advice is (Advice.PROPOSE_DESTRUCTION if proposed else expected)


@given(st.datetimes(timezones=st.timezones() | st.just(UTC), min_value=datetime(1901, 1, 1)))
@settings(deadline=None)
def test_a_time_is_read_back_as_it_was_written(moment: datetime) -> None:
    try:
        text = times.stamp(moment)
    except OverflowError:
        return
    assert times.parse(text) == moment.astimezone(UTC).replace(microsecond=0)


@pytest.mark.parametrize(
    "text", ["", "2026-03-01", "2026-03-01T12:00:00", "12:00Z", "2026-02-30T00:00:00Z", "now"]
)
def test_what_is_no_point_in_time_is_refused(text: str) -> None:
    with pytest.raises(ReferralError, match="write it like"):
        times.parse(text)


def test_the_future_begins_at_the_next_second() -> None:
    now = START.replace(microsecond=10)
    assert times.past(now.replace(microsecond=900_000), now, "it")
    with pytest.raises(ReferralError, match="future"):
        times.past(START + timedelta(seconds=1), now, "it")
    with pytest.raises(ReferralError, match="offset"):
        times.stamp(datetime(2026, 3, 1))
