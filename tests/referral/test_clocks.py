"""Clocks and holds: what is kept until when. Destruction is proposed and never done."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brightline.law import load
from brightline.referral import holds, times
from brightline.referral.clocks import Advice, advise, clocks_of
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
    assert clocks_of(desk.referral, load(), ["US"]).advice is Advice.PROPOSE_DESTRUCTION
    end = desk.clock.now + timedelta(days=2)
    holds.place(desk.referral, by="Counsel", note="order", until=end)
    assert clocks_of(desk.referral, load(), ["US"]).advice is Advice.HELD
    desk.clock.forward(days=2)
    assert clocks_of(desk.referral, load(), ["US"]).advice is Advice.PROPOSE_DESTRUCTION
    holds.place(desk.referral, by="Counsel", note="order", until=None)
    desk.clock.forward(days=9000)
    assert clocks_of(desk.referral, load(), ["US"]).advice is Advice.HELD
    holds.lift(desk.referral, by="Counsel", note="ended")
    assert clocks_of(desk.referral, load(), ["US"]).hold is None
    with pytest.raises(ReferralError, match="no hold"):
        holds.lift(desk.referral, by="Counsel", note="ended")


@pytest.mark.parametrize("by, note, until", [("", "x", None), ("x", " ", None), ("x", "y", START)])
def test_a_hold_says_who_and_why_and_ends_later(
    desk: Desk, by: str, note: str, until: datetime | None
) -> None:
    with pytest.raises(ReferralError):
        holds.place(desk.referral, by=by, note=note, until=until)
    assert holds.current(desk.referral) is None


class Made:
    """As much of a clock as advice needs."""

    def __init__(self, keep: datetime | None, destroy: datetime | None) -> None:
        self.keep_until, self.destroy_by = keep, destroy


moments = st.none() | st.integers(-1000, 1000).map(lambda h: START + timedelta(hours=h))


@given(st.lists(st.builds(Made, moments, moments), max_size=5), st.booleans())
@settings(deadline=None)
def test_nothing_is_proposed_for_destruction_while_a_floor_or_a_hold_runs(
    made: list[Any], held: bool
) -> None:
    hold = holds.Hold(START, None, "x", "y") if held else None
    advice = advise(made, hold, START)
    running = any(c.keep_until is not None and c.keep_until > START for c in made)
    if held:
        assert advice is Advice.HELD
    elif running:
        assert advice in (Advice.KEEP, Advice.DECIDE)
    else:
        assert advice in (Advice.PROPOSE_DESTRUCTION, Advice.NO_PERIOD)


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
