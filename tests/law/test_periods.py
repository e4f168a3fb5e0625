"""Calendar arithmetic: leap days, time zones, rounding to the careful side."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from brightline.errors import UsageError
from brightline.law.periods import Period, add, parse_period, period_text

MOMENTS = st.datetimes(
    datetime(1990, 1, 1),
    datetime(2090, 1, 1),
    timezones=st.sampled_from(
        [UTC, timezone(timedelta(hours=14)), timezone(timedelta(hours=-11, minutes=-30))]
    ),
)
PERIODS = st.builds(
    Period, months=st.integers(0, 60), days=st.integers(0, 500), hours=st.integers(0, 100)
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("start", "period", "floor", "end"),
    [
        ("2026-11-22T10:00Z", "P1Y", True, "2027-11-22T10:00Z"),
        ("2028-02-29T12:00Z", "P1Y", True, "2029-03-01T12:00Z"),
        ("2028-02-29T12:00Z", "P1Y", False, "2029-02-28T12:00Z"),
        ("2028-02-29T12:00Z", "P4Y", True, "2032-02-29T12:00Z"),
        ("2027-02-28T12:00Z", "P1Y", True, "2028-02-28T12:00Z"),
        ("2027-01-31T00:00Z", "P1M", True, "2027-03-01T00:00Z"),
        ("2027-01-31T00:00Z", "P1M", False, "2027-02-28T00:00Z"),
        ("2028-02-08T10:00Z", "P21D", True, "2028-02-29T10:00Z"),
        ("2027-02-08T10:00Z", "P21D", True, "2027-03-01T10:00Z"),
        # the day on which clocks change in Europe has 23 hours; a period of hours is elapsed time
        ("2027-03-28T00:30+01:00", "PT24H", False, "2027-03-29T01:30+02:00"),
        # written in Kiribati on 1 March, it is still 29 February in UTC
        ("2028-03-01T05:00+14:00", "P1Y", True, "2029-03-01T15:00Z"),
        ("2026-12-31T23:30-01:00", "P45D", True, "2027-02-15T00:30Z"),
    ],
)
def test_known_cases(start: str, period: str, floor: bool, end: str) -> None:
    parsed = parse_period(period)
    assert parsed is not None
    assert add(at(start), parsed, floor=floor) == at(end)


@given(MOMENTS, PERIODS)
@settings(deadline=None)
def test_an_instant_gives_one_answer_however_it_is_written(
    moment: datetime, period: Period
) -> None:
    for hours in (-12, -5, 0, 5.75, 14):
        other = moment.astimezone(timezone(timedelta(hours=hours)))
        for floor in (True, False):
            assert add(other, period, floor=floor) == add(moment, period, floor=floor)
            assert add(other, period, floor=floor).utcoffset() == timedelta(0)


@given(MOMENTS, PERIODS)
@settings(deadline=None)
def test_a_floor_never_ends_before_a_ceiling_of_the_same_length(
    moment: datetime, period: Period
) -> None:
    gap = add(moment, period, floor=True) - add(moment, period, floor=False)
    assert timedelta(0) <= gap <= timedelta(days=1)


@given(MOMENTS, st.integers(0, 20))
@settings(deadline=None)
def test_a_year_is_a_year(moment: datetime, years: int) -> None:
    start = moment.astimezone(UTC)
    end = add(moment, Period(months=12 * years), floor=True)
    leap = (start.month, start.day) == (2, 29) and not calendar.isleap(start.year + years)
    assert (end.year, end.hour, end.minute) == (start.year + years, start.hour, start.minute)
    assert (end.month, end.day) == ((3, 1) if leap else (start.month, start.day))
    # never less than the shortest year, never more than the longest and the day it is rounded by
    assert 365 * years <= (end - start).days <= 366 * years + 1


@given(MOMENTS, st.integers(0, 1000), PERIODS, st.booleans())
@settings(deadline=None)
# 29 February at 18:00 and at 00:00: the hour stays, the day is the month's last for both
@example(datetime(2000, 1, 30, 18, tzinfo=UTC), 360, Period(months=1), False)
def test_a_later_start_never_ends_a_day_earlier(
    moment: datetime, minutes: int, period: Period, floor: bool
) -> None:
    end = add(moment, period, floor=floor)
    later = add(moment + timedelta(minutes=minutes), period, floor=floor)
    assert later > end - timedelta(days=1)
    if not period.months:
        assert later - end == timedelta(minutes=minutes)
    assert end >= moment


@given(st.integers(0, 9999), st.integers(0, 9999), st.integers(0, 99999), st.integers(0, 99999))
@settings(deadline=None)
def test_what_is_written_is_read(years: int, months: int, days: int, hours: int) -> None:
    text = f"P{years}Y{months}M{days}DT{hours}H"
    assert parse_period(text) == Period(12 * years + months, days, hours)


@pytest.mark.parametrize("text", ["", "P", "PT", "P1", "1Y", "P-1Y", "P1.5Y", "P1H", "p1y", "P1Y "])
def test_what_is_no_period_is_none(text: str) -> None:
    assert parse_period(text) is None


@pytest.mark.parametrize("floor", [True, False])
def test_a_time_without_an_offset_is_refused(floor: bool) -> None:
    with pytest.raises(UsageError, match="without an offset"):
        add(datetime(2026, 1, 1), Period(months=1), floor=floor)


def test_the_end_of_the_calendar_is_an_error_with_words() -> None:
    for period in (Period(months=12), Period(days=40), Period(hours=99999)):
        with pytest.raises(UsageError, match="after the year 9999"):
            add(at("9999-12-01T00:00Z"), period, floor=True)


def test_words() -> None:
    assert period_text("P1Y") == "1 year"
    assert period_text("P45D") == "45 days"
    assert period_text("P1M2DT3H") == "1 month 2 days 3 hours"
    assert period_text("promptly") == "promptly"
