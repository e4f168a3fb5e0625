"""Duties as clocks, and where they collide."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brightline.errors import UsageError
from brightline.law import conflicts, duties, gaps, load, resolve
from brightline.law.model import DutyType, Known, Role, Status, Unknown, Why
from tests.law.tables import duty, place, standing, table

FOUND = datetime(2026, 11, 22, 10, tzinfo=UTC)
KNOWN = date(2026, 11, 23)


def test_what_a_host_in_the_us_and_denmark_must_do() -> None:
    clocks = duties(load(), ["US", "DK"], "hosting", FOUND, known=KNOWN)
    by = {(c.jurisdiction, c.type): c for c in clocks}
    report = by["US", DutyType.REPORT]
    assert report.addressee == "NCMEC CyberTipline"
    assert report.due is None
    assert report.due_text == "as soon as reasonably possible"
    assert by["US", DutyType.PRESERVE].keep_until == datetime(2027, 11, 22, 10, tzinfo=UTC)
    notify = by["DK", DutyType.NOTIFY]
    assert (notify.via, notify.law) == (
        "EU",
        "Regulation (EU) 2022/2065 (Digital Services Act) Art 18",
    )
    assert "no proof that there is none" in notify.note
    assert by["US", DutyType.REMOVE].draft
    assert not by["US", DutyType.REPORT].draft


@pytest.mark.parametrize(
    ("code", "role", "addressee", "keep"),
    [
        ("GB", "hosting", "National Crime Agency (NCA)", timedelta(days=365)),
        ("CA", "telecom", "Canadian Centre for Child Protection (C3P)", timedelta(days=21)),
        ("IT", "hosting", "CNCPO", timedelta(days=45)),
        ("CH", "telecom", "fedpol", None),
        ("AU", "hosting", "Australian Federal Police (AFP)", None),
    ],
)
def test_to_whom_and_how_long(code: str, role: str, addressee: str, keep: timedelta | None) -> None:
    clocks = [c for c in duties(load(), [code], role, FOUND, known=KNOWN) if not c.unclear]
    assert addressee in {c.addressee for c in clocks}
    kept = {c.keep_until - FOUND for c in clocks if c.keep_until}
    assert kept == ({keep} if keep else set())


def test_british_reports_became_a_duty_on_7_april_2026() -> None:
    before = datetime(2026, 4, 6, 23, 59, tzinfo=UTC)
    after = datetime(2026, 4, 7, tzinfo=UTC)
    assert duties(load(), ["GB"], "hosting", before, known=KNOWN) == ()
    assert len(duties(load(), ["GB"], "hosting", after, known=KNOWN)) == 2


def test_a_year_in_canada_is_shown_and_not_yet_claimed() -> None:
    clocks = duties(load(), ["CA"], "hosting", FOUND, known=KNOWN)
    year = [c for c in clocks if c.keep_until and c.keep_until.year == 2027]
    assert [(c.unclear, c.why, c.draft) for c in year] == [(True, Why.NOT_COMMENCED, True)]


@pytest.mark.parametrize("role", ["dataset", "police"])
def test_where_the_table_has_no_duty_it_says_so(role: str) -> None:
    held = load()
    clocks = duties(held, ["US", "GB", "NO"], role, FOUND, known=KNOWN)
    assert clocks == ()
    assert gaps(held, ["US", "uk", "NO"], clocks) == ("US", "GB", "NO")


@given(
    st.datetimes(datetime(2026, 8, 1), datetime(2090, 1, 1)),
    st.integers(-14 * 60, 14 * 60),
)
@settings(deadline=None, max_examples=50)
def test_clocks_do_not_depend_on_how_the_time_is_written(moment: datetime, offset: int) -> None:
    found = moment.replace(tzinfo=UTC)
    other = found.astimezone(timezone(timedelta(minutes=offset)))
    held = load()
    codes = list(held.jurisdictions)
    one = duties(held, codes, Role.HOSTING, found, known=KNOWN)
    assert one == duties(held, codes, Role.HOSTING, other, known=KNOWN)
    for clock in one:
        for end in (clock.due, clock.keep_until, clock.destroy_by):
            assert end is None or (end > found and end.utcoffset() == timedelta(0))


def test_past_its_review_date_a_duty_stays_and_is_marked() -> None:
    clocks = duties(load(), ["US"], "hosting", FOUND, known=date(2027, 5, 1))
    assert len(clocks) == 3
    assert {c.why for c in clocks} == {Why.PAST_REVIEW}
    assert all(c.unclear for c in clocks)


def test_an_order_of_urgency() -> None:
    held = table(
        place(
            duties=(
                duty("slow", deadline="P3D", kind=DutyType.NOTIFY),
                duty("words", deadline="promptly", kind=DutyType.NOTIFY),
                duty("fast", deadline="PT24H", kind=DutyType.REPORT),
            )
        )
    )
    clocks = duties(held, ["AQ"], "hosting", FOUND, known=date(2026, 6, 1))
    assert [c.law for c in clocks] == ["Test Act fast", "Test Act slow", "Test Act words"]
    assert clocks[0].due == FOUND + timedelta(hours=24)


def test_retention_counts_from_the_report_once_there_is_one() -> None:
    held = table(place(duties=(duty(keep="P1Y", most="P2Y"),)))
    known = date(2026, 6, 1)
    (first,) = duties(held, ["AQ"], "hosting", FOUND, known=known)
    assert "Counted from the finding" in first.note
    reported = FOUND + timedelta(days=3)
    (then,) = duties(held, ["AQ"], "hosting", FOUND, reported=reported, known=known)
    assert then.keep_until == datetime(2027, 11, 25, 10, tzinfo=UTC)
    assert then.destroy_by == datetime(2028, 11, 25, 10, tzinfo=UTC)
    assert "Counted from the finding" not in then.note


def test_a_duty_that_had_not_begun_or_has_ended_is_not_given() -> None:
    known = date(2026, 6, 1)
    day = FOUND.date()
    for held, count in (
        (standing(Known(day)), 1),
        (standing(Known(day + timedelta(days=1))), 0),
        (standing(end=day), 1),
        (standing(end=day - timedelta(days=1)), 0),
        (standing(status=Status.PROPOSED), 0),
        (standing(status=Status.ADOPTED), 1),
        (standing(Unknown(not_before=day + timedelta(days=1))), 0),
    ):
        law = table(place(duties=(duty(held=held),)))
        assert len(duties(law, ["AQ"], "hosting", FOUND, known=known)) == count, held


def test_a_floor_over_a_ceiling_is_a_conflict() -> None:
    held = table(
        place("AQ", duties=(duty(keep="P1Y"),)),
        place("BV", duties=(duty(code="BV", most="P6M"),)),
    )
    clocks = duties(held, ["AQ", "BV"], "hosting", FOUND, known=date(2026, 6, 1))
    found = conflicts(held, ["AQ", "BV"], clocks)
    assert [(c.kind, c.parties) for c in found] == [("floor over ceiling", ("AQ", "BV"))]
    assert "2027-11-22" in found[0].text
    assert "2027-05-22" in found[0].text


@given(st.integers(1, 800), st.integers(1, 800))
@settings(deadline=None)
def test_a_conflict_is_named_exactly_where_the_floor_is_longer(floor: int, ceiling: int) -> None:
    held = table(
        place("AQ", duties=(duty(keep=f"P{floor}D"),)),
        place("BV", duties=(duty(code="BV", most=f"P{ceiling}D"),)),
    )
    clocks = duties(held, ["AQ", "BV"], "hosting", FOUND, known=date(2026, 6, 1))
    named = bool(conflicts(held, ["AQ", "BV"], clocks))
    assert named == (floor > ceiling)


def test_one_law_that_says_exactly_a_month_does_not_collide_with_itself() -> None:
    held = table(place(duties=(duty(keep="P1M", most="P1M"),)))
    found = datetime(2027, 1, 31, 22, tzinfo=UTC)
    (clock,) = duties(held, ["AQ"], Role.HOSTING, found, known=KNOWN)
    assert clock.keep_until == clock.destroy_by == datetime(2027, 3, 1, 22, tzinfo=UTC)
    assert conflicts(held, ["AQ"], [clock]) == ()


def test_keeping_for_one_where_the_other_states_no_period() -> None:
    held = load()
    clocks = duties(held, ["US", "DK"], "hosting", FOUND, known=KNOWN)
    found = conflicts(held, ["US", "DK"], clocks)
    assert {c.kind for c in found} == {"keep or destroy", "keep without a period"}
    assert any(c.parties == ("US", "DK") for c in found)


def test_refusals() -> None:
    held = load()
    with pytest.raises(UsageError, match="no jurisdiction 'XX'"):
        duties(held, ["XX"], "hosting", FOUND)
    with pytest.raises(UsageError, match="no role"):
        duties(held, ["US"], "judge", FOUND)
    with pytest.raises(UsageError, match="without an offset"):
        duties(held, ["US"], "hosting", datetime(2026, 1, 1))
    with pytest.raises(UsageError, match="before the finding"):
        duties(held, ["US"], "hosting", FOUND, reported=FOUND - timedelta(seconds=1))
    assert resolve(held, ["uk", " gb", "us"]) == ("GB", "US")


def test_the_american_floor_was_90_days_until_the_year_came() -> None:
    held = load()
    kept = {
        found: [
            c.keep_until
            for c in duties(held, ["US"], Role.HOSTING, found, known=KNOWN)
            if c.keep_until
        ]
        for found in (datetime(2024, 5, 6, 12, tzinfo=UTC), datetime(2024, 5, 7, 12, tzinfo=UTC))
    }
    assert list(kept.values()) == [
        [datetime(2024, 8, 4, 12, tzinfo=UTC)],
        [datetime(2025, 5, 7, 12, tzinfo=UTC)],
    ]


def test_a_time_outside_the_calendar_in_utc_is_refused() -> None:
    edge = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))
    with pytest.raises(UsageError, match="outside the years"):
        duties(load(), ["US"], Role.HOSTING, edge)
