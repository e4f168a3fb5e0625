"""The two times: what a row says for a day of the law and a day of knowledge."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from brightline.law.model import (
    Conduct,
    ConductBasis,
    Coverage,
    Depiction,
    Known,
    Source,
    SourceType,
    StartBasis,
    Status,
    Support,
    Unknown,
    Why,
)
from brightline.law.reading import Cell, cell, stance, visible
from tests.law import tables
from tests.law.tables import place, row, standing

DAYS = st.dates(date(1990, 1, 1), date(2040, 1, 1))
KNOWN = date(2026, 6, 1)  # recorded, and before the review is due


def read(*rows: object, on: date = date(2026, 6, 1), known: date = KNOWN) -> Cell:
    held = place(rows=tuple(rows))  # type: ignore[arg-type]
    return cell(held, Conduct.POSSESS, Depiction.PHOTOREAL_SYNTHETIC, on, known)


@given(first=DAYS, length=st.integers(0, 5000), on=DAYS)
@settings(deadline=None)
def test_a_row_speaks_from_its_first_day_to_its_last_and_no_longer(
    first: date, length: int, on: date
) -> None:
    last = first + timedelta(days=length)
    found = read(row(held=standing(Known(first), end=last)), on=on)
    if on < first:
        assert (found.coverage, found.why) == (Coverage.UNCLEAR, Why.NOT_YET)
    elif on > last:
        assert (found.coverage, found.why) == (Coverage.UNCLEAR, Why.ENDED)
    else:
        assert (found.coverage, found.why) == (Coverage.YES, Why.AS_STATED)


@given(cut=DAYS, on=DAYS)
@settings(deadline=None)
def test_two_adjoining_rows_leave_no_day_between_them(cut: date, on: date) -> None:
    before = row("old", Coverage.NO, standing(Known(date(1980, 1, 1)), end=cut))
    after = row("new", Coverage.YES, standing(Known(cut + timedelta(days=1))))
    found = read(before, after, on=on)
    assert found.coverage is (Coverage.NO if on <= cut else Coverage.YES)
    assert found.why is Why.AS_STATED
    assert len(found.rows) == 1


@given(bound=DAYS, slack=st.integers(0, 4000), on=DAYS)
@settings(deadline=None)
def test_an_unknown_first_day_claims_nothing_that_its_bounds_do_not_carry(
    bound: date, slack: int, on: date
) -> None:
    by = bound + timedelta(days=slack)
    start = Unknown(bound, by, StartBasis.SOURCE, "act")
    found = read(row(held=standing(start)), on=on)
    expected = Why.NOT_YET if on < bound else Why.AS_STATED if on >= by else Why.START_UNKNOWN
    assert found.why is expected
    assert (found.coverage is Coverage.YES) == (on >= by)


def test_an_ended_row_that_nobody_reviews_any_more_does_not_blur_its_successor() -> None:
    ended = row("old", Coverage.YES, standing(end=date(2020, 12, 31), review_due=date(2026, 2, 1)))
    new = row("new", Coverage.NO, standing(Known(date(2021, 1, 1))))
    assert read(ended, new).coverage is Coverage.NO
    assert read(ended, new, on=date(2020, 12, 31)).why is Why.PAST_REVIEW


@given(on=DAYS, checked=DAYS)
@settings(deadline=None)
def test_without_any_bound_a_row_speaks_from_the_day_it_was_read(on: date, checked: date) -> None:
    held = standing(
        Unknown(),
        last_checked=checked,
        recorded=checked,
        review_due=date(2041, 1, 1),
    )
    found = read(row(held=held), on=on, known=date(2040, 1, 2))
    assert (found.coverage is Coverage.YES) == (on >= checked)


@given(known=DAYS, due=DAYS, on=DAYS, coverage=st.sampled_from(Coverage))
@settings(deadline=None)
def test_past_its_review_date_every_row_reads_unclear(
    known: date, due: date, on: date, coverage: Coverage
) -> None:
    held = standing(recorded=date(1989, 1, 2), last_checked=date(1989, 1, 1), review_due=due)
    found = read(row(coverage=coverage, held=held), on=on, known=known)
    if on < date(2000, 1, 1):
        assert (found.coverage, found.why) == (Coverage.UNCLEAR, Why.NOT_YET)
    elif known > due or on > due:
        assert (found.coverage, found.why) == (Coverage.UNCLEAR, Why.PAST_REVIEW)
    else:
        assert (found.coverage, found.why) == (coverage, Why.AS_STATED)


@given(known=DAYS, recorded=DAYS)
@settings(deadline=None)
def test_what_was_recorded_later_does_not_speak(known: date, recorded: date) -> None:
    held = standing(recorded=recorded, last_checked=date(1989, 1, 1), review_due=date(2041, 1, 1))
    found = read(row(held=held), known=known)
    expected = Why.AS_STATED if recorded <= known else Why.NOT_RECORDED
    assert found.why is expected
    assert (found.coverage is Coverage.YES) == (recorded <= known)


@given(known=DAYS, corrected=st.dates(date(2026, 2, 1), date(2026, 11, 30)))
@settings(deadline=None)
def test_a_correction_speaks_from_the_day_it_was_recorded(known: date, corrected: date) -> None:
    wrong = row("wrong", Coverage.NO, standing(review_due=date(2041, 1, 1)))
    right = row(
        "right",
        Coverage.YES,
        standing(recorded=corrected, review_due=date(2041, 1, 1), supersedes=("wrong",)),
    )
    found = read(wrong, right, known=known)
    if known < date(2026, 1, 31):
        assert found.why is Why.NOT_RECORDED
    else:
        assert found.coverage is (Coverage.YES if known >= corrected else Coverage.NO)
        assert len(found.rows) == 1


def test_what_replaced_a_correction_hides_both() -> None:
    rows = [
        row("a", held=standing(recorded=date(2026, 1, 31))),
        row("b", held=standing(recorded=date(2026, 2, 1), supersedes=("a",))),
        row("c", held=standing(recorded=date(2026, 3, 1), supersedes=("b",))),
    ]
    assert [r.block for r in visible(rows, date(2026, 2, 15))] == ["b"]
    assert [r.block for r in visible(rows, KNOWN)] == ["c"]


def test_a_correction_that_moves_a_row_to_another_conduct_leaves_nothing_behind() -> None:
    wrong = row("wrong", Coverage.YES)
    right = replace(
        row("right", held=standing(recorded=date(2026, 3, 1), supersedes=("wrong",))),
        conduct=Conduct.PRODUCE,
    )
    before, after = (read(wrong, right, known=day) for day in (date(2026, 2, 28), KNOWN))
    assert (before.coverage, before.why) == (Coverage.YES, Why.AS_STATED)
    assert (after.coverage, after.why, after.rows) == (None, Why.NO_ROW, ())


def test_a_bound_that_was_read_later_was_not_known_earlier() -> None:
    read_on = date(2026, 5, 1)
    sources = {
        "act": Source("act", SourceType.STATUTE, Support.PRIMARY, "Act", read=read_on),
    }
    start = Unknown(None, date(2010, 1, 1), StartBasis.SOURCE, "act")
    held = standing(start)
    day = date(2015, 1, 1)
    assert stance(held, sources, day, date(2026, 5, 1)) is Why.AS_STATED
    assert stance(held, sources, day, date(2026, 4, 30)) is Why.START_UNKNOWN


def test_only_what_is_in_force_is_read_as_law() -> None:
    by = {status: read(row(held=standing(status=status))) for status in Status}
    assert by[Status.IN_FORCE].coverage is Coverage.YES
    assert {s for s, found in by.items() if found.coverage is Coverage.YES} == {Status.IN_FORCE}
    assert by[Status.PROPOSED].why is Why.PROPOSED
    assert by[Status.ADOPTED].why is Why.NOT_COMMENCED
    assert by[Status.ENJOINED].why is Why.ENJOINED
    assert by[Status.LAPSED].why is Why.ENDED


def test_a_lapsed_text_was_law_until_it_lapsed() -> None:
    held = standing(status=Status.LAPSED, end=date(2026, 4, 3))
    assert read(row(held=held), on=date(2026, 4, 3)).coverage is Coverage.YES
    assert read(row(held=held), on=date(2026, 4, 4)).why is Why.ENDED


@given(st.lists(st.sampled_from(Coverage), min_size=1, max_size=4))
@settings(deadline=None)
def test_of_several_provisions_the_widest_decides(coverages: list[Coverage]) -> None:
    rows = [row(f"r{k}", c, provision=f"s{k}") for k, c in enumerate(coverages)]
    order = [Coverage.YES, Coverage.PARTIAL, Coverage.UNCLEAR, Coverage.NO]
    found = read(*rows)
    assert found.coverage is min(coverages, key=order.index)
    assert {r.coverage for r in found.rows} == {found.coverage}


def test_a_cell_is_a_draft_only_where_nothing_else_carries_it() -> None:
    draft = row("d", held=standing(draft=True), provision="s1")
    firm = row("f", held=standing(), provision="s2")
    assert read(draft).draft
    assert not read(draft, firm).draft
    # a firm row that says less does not carry the wider reading of a draft
    assert read(draft, row("n", Coverage.NO, provision="s2")).draft


def test_where_there_is_no_row_the_table_says_nothing() -> None:
    found = cell(tables.place(), Conduct.ACCESS, Depiction.TEXT, KNOWN, KNOWN)
    assert (found.coverage, found.why, found.rows) == (None, Why.NO_ROW, ())


def test_a_conduct_read_across_is_marked() -> None:
    assert read(row(basis=ConductBasis.PROVISION)).across
    assert not read(row(basis=ConductBasis.STATED)).across
