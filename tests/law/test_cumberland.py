"""Operation Cumberland's 19 countries on 26 February 2025 and on 23 November 2026.

The press could not say where the material was an offence. The table says for each country and
conduct: covered, not covered, or unclear and why; and between the two days it differs exactly
where its rows say that something began, or that their first day is not known.
"""

from __future__ import annotations

from datetime import date

import pytest

from brightline.errors import UsageError
from brightline.law import cell, load, matrix
from brightline.law.model import Conduct, Coverage, Depiction, DutyType, Known, Status, Why
from brightline.law.operation import View, view
from brightline.law.reading import earliest, start_by, visible

THEN = date(2025, 2, 26)
NOW = date(2026, 11, 23)

Y, P, U = Coverage.YES, Coverage.PARTIAL, Coverage.UNCLEAR
#: in force on both days, by what their rows cite
_BOTH = (
    "AU", "AT", "BE", "FI", "FR", "HU", "IS", "NL", "NZ", "NO", "PL", "ES",
    "SE", "CH", "GB",
)  # fmt: skip
EXPECTED_NOW = {
    **dict.fromkeys(_BOTH, (Y, Y, Y)),
    "DE": (P, Y, Y),
    "DK": (P, Y, Y),
    "BA": (U, U, U),
    "CZ": (U, U, U),
}
EXPECTED_THEN = EXPECTED_NOW | {"DK": (U, U, U)}


def at(day: date) -> View:
    return view(load(), "cumberland", on=day, known=NOW)


def readings(seen: View) -> dict[str, tuple[Coverage | None, ...]]:
    return {code: tuple(found.coverage for found in cells) for code, cells in seen.cells.items()}


def test_on_26_february_2025() -> None:
    assert readings(at(THEN)) == EXPECTED_THEN


def test_today() -> None:
    assert readings(at(NOW)) == EXPECTED_NOW


def test_the_two_days_differ_exactly_where_rows_say_so() -> None:
    """The whole matrix of the 19 countries, not only the classes of the operation view."""
    table = load()
    codes = table.operations["cumberland"].jurisdictions
    then, now = (matrix(table, codes=codes, on=day, known=NOW) for day in (THEN, NOW))
    changed = {
        (found.jurisdiction, found.depiction, found.conduct)
        for found, earlier in zip(now, then, strict=True)
        if (found.coverage, found.why) != (earlier.coverage, earlier.why)
    }
    by_rows = set()
    for code in codes:
        place = table.jurisdictions[code]
        for row in visible(place.rows, NOW):
            first = start_by(row.standing, place.sources, NOW)
            if row.standing.status is Status.ADOPTED:
                first = earliest(row.standing)
            if THEN < first <= NOW:
                by_rows.add((code, row.depiction, row.conduct))
    assert changed == by_rows
    synthetic = {(c, k) for c, d, k in changed if d is Depiction.PHOTOREAL_SYNTHETIC}
    # Bosnia's and Czechia's rows say unclear on both days, and why only today
    assert {code for code, _ in synthetic} == {"DK", "BA", "CZ"}
    tools = {(c, k) for c, d, k in changed if d is Depiction.MODEL_OR_TOOL}
    assert tools == {("GB", k) for k in (Conduct.PRODUCE, Conduct.POSSESS, Conduct.SUPPLY_TOOL)}


def test_what_reads_otherwise_on_the_two_days_is_denmark() -> None:
    then, now = readings(at(THEN)), readings(at(NOW))
    assert {code for code in now if now[code] != then[code]} == {"DK"}


def test_why_they_were_unclear_then() -> None:
    then = at(THEN)
    why = {code: {found.why for found in cells} for code, cells in then.cells.items()}
    # Denmark's rows begin later; of the contested ones the first day was not read
    assert why["DK"] == {Why.NOT_YET}
    assert why["BA"] == why["CZ"] == {Why.START_UNKNOWN}
    assert {code for code, whys in why.items() if whys == {Why.AS_STATED}} == {*_BOTH, "DE"}
    starts = {row.standing.start for row in load().jurisdictions["DK"].rows}
    assert starts == {Known(date(2025, 7, 1))}


def test_what_was_read_later_was_not_known_the_day_before() -> None:
    """Corrections of 23 November 2026 leave what the table said on the 22nd."""
    before = date(2026, 11, 22)
    seen = readings(view(load(), "cumberland", on=THEN, known=before))
    assert seen["AU"] == seen["CH"] == (U, U, U)
    assert readings(view(load(), "DK", on=before, known=before))["DK"] == (Y, Y, Y)
    (real,) = matrix(
        load(), codes=["CH"], conducts=[Conduct.POSSESS], depictions=[Depiction.REAL],
        on=before, known=before,
    )  # fmt: skip
    assert (real.coverage, real.why, real.rows) == (U, Why.NOT_RECORDED, ())


def test_denmark_changed_overnight() -> None:
    for day, expected in ((date(2025, 6, 30), U), (date(2025, 7, 1), Y)):
        assert readings(view(load(), "DK", on=day, known=NOW))["DK"][1:] == (expected,) * 2


def test_what_changed_in_britain() -> None:
    """Realistic images were covered on both days; tools were no offence known to this table until
    an act passed, and reports became a duty."""
    place = load().jurisdictions["GB"]
    tools = [
        cell(place, Conduct.SUPPLY_TOOL, Depiction.MODEL_OR_TOOL, day, NOW) for day in (THEN, NOW)
    ]
    assert [(t.coverage, t.why) for t in tools] == [(U, Why.NOT_YET), (U, Why.NOT_COMMENCED)]
    from brightline.law.reading import SILENT, stance

    in_force = {
        day: {
            duty.type
            for duty in place.duties
            if stance(duty.standing, place.sources, day, NOW) not in SILENT
        }
        for day in (THEN, NOW)
    }
    assert in_force == {THEN: set(), NOW: {DutyType.REPORT, DutyType.PRESERVE}}


def test_counts_add_up_to_the_countries() -> None:
    seen = at(NOW)
    assert {sum(counts.values()) for counts in seen.counts.values()} == {19}
    assert seen.counts[Conduct.PRODUCE] == {
        Coverage.YES: 15,
        Coverage.PARTIAL: 2,
        Coverage.UNCLEAR: 2,
        Coverage.NO: 0,
    }
    assert seen.anywhere_open == ("BA", "CZ", "DK", "DE")


def test_what_the_table_knew_then_is_nothing() -> None:
    seen = view(load(), "cumberland", on=THEN, known=THEN)
    assert {found.why for cells in seen.cells.values() for found in cells} == {Why.NOT_RECORDED}
    assert {f.coverage for cells in seen.cells.values() for f in cells} == {U}


def test_any_countries_can_be_asked_for() -> None:
    seen = view(load(), "de, uk,DE", on=NOW, known=NOW)
    assert list(seen.cells) == ["DE", "GB"]
    assert seen.operation is None
    for asked in ("", " , ", "atlantis"):
        with pytest.raises(UsageError):
            view(load(), asked)
