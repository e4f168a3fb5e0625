"""What a row says for a day of the law and a day of knowledge.

Two times are kept apart (bitemporal): `on`, the day whose law is asked for, and `known`, the day
whose knowledge answers. The rules, in order:

1. What was recorded after `known`, or superseded by then, does not speak.
2. A row whose validity lies wholly before or after `on` does not speak for `on`. Where no row
   speaks, the answer is *unclear*: what else was law is another fact.
3. A row past its review date on `known` reads *unclear*, whatever it says; so does one that is
   asked about a day after that date, for nobody has read what will be law then.
4. A proposal does not speak. What is adopted and not known to have commenced, or enjoined, reads
   *unclear*.
5. A row whose first day is unknown speaks from the day by which its sources show it in force;
   between the earliest day it can have begun and that one it reads *unclear*.
6. Otherwise it reads as it is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Protocol, TypeVar, assert_never

from brightline.law.model import (
    Conduct,
    ConductBasis,
    Coverage,
    Depiction,
    Jurisdiction,
    Known,
    Row,
    Source,
    Standing,
    Status,
    Table,
    Unknown,
    Why,
)


class _Standing(Protocol):
    @property
    def block(self) -> str: ...
    @property
    def standing(self) -> Standing: ...


Entry = TypeVar("Entry", bound=_Standing)

#: reasons for which an entry does not speak for the day at all
SILENT = frozenset({Why.NOT_YET, Why.ENDED, Why.PROPOSED})
#: where several provisions meet, the widest decides: an act need fall under one of them only
_WIDEST = (Coverage.YES, Coverage.PARTIAL, Coverage.UNCLEAR, Coverage.NO)


@dataclass(frozen=True, slots=True)
class Cell:
    """What the table says of one jurisdiction, conduct and depiction class on a day.

    `coverage` is None where the table holds no row: that says nothing about the law. `rows` are
    those that decided; `draft` is set where all of them are drafts.
    """

    jurisdiction: str
    conduct: Conduct
    depiction: Depiction
    coverage: Coverage | None
    why: Why
    rows: tuple[Row, ...] = ()
    draft: bool = False

    @property
    def across(self) -> bool:
        """Whether the conduct was read across from a provision named as a whole."""
        return bool(self.rows) and all(
            row.conduct_basis is ConductBasis.PROVISION for row in self.rows
        )


def today() -> date:
    """The day in UTC."""
    return datetime.now(UTC).date()


def visible(entries: Iterable[Entry], known: date) -> list[Entry]:
    """The entries of one file that the table held on `known`."""
    held = [entry for entry in entries if entry.standing.recorded <= known]
    gone = {name for entry in held for name in entry.standing.supersedes}
    return [entry for entry in held if entry.block not in gone]


def start_by(standing: Standing, sources: dict[str, Source], known: date) -> date:
    """The first day on which the sources, as known then, show the entry in force."""
    match standing.start:
        case Known(day):
            return day
        case Unknown(by=None):
            return standing.last_checked
        case Unknown(by=by, source=name):
            assert by is not None
            # a bound that was read later was not known earlier
            read = sources[name].read if name in sources else None
            return by if read is None or read <= known else standing.last_checked
        case _ as never:
            assert_never(never)


def earliest(standing: Standing) -> date:
    """The first day on which the entry can have been in force."""
    match standing.start:
        case Known(day):
            return day
        case Unknown(not_before=bound):
            return bound or date.min
        case _ as never:
            assert_never(never)


def stance(standing: Standing, sources: dict[str, Source], on: date, known: date) -> Why:
    """How an entry stands on a day: the module's rules 2 to 6."""
    if standing.end is not None and on > standing.end:
        return Why.ENDED
    if on < earliest(standing):
        return Why.NOT_YET
    if max(on, known) > standing.review_due:
        return Why.PAST_REVIEW
    begun = start_by(standing, sources, known)
    match standing.status:
        case Status.PROPOSED:
            return Why.PROPOSED
        case Status.LAPSED if standing.end is None:
            return Why.ENDED
        case Status.ADOPTED:
            return Why.NOT_COMMENCED
        case Status.ENJOINED:
            return Why.ENJOINED
        case Status.IN_FORCE | Status.LAPSED:
            return Why.AS_STATED if on >= begun else Why.START_UNKNOWN
        case _ as unmatched:
            assert_never(unmatched)


def cell(
    place: Jurisdiction, conduct: Conduct, depiction: Depiction, on: date, known: date
) -> Cell:
    """One cell of the matrix."""
    rows = [row for row in place.rows if row.conduct is conduct and row.depiction is depiction]
    if not rows:
        return Cell(place.code, conduct, depiction, None, Why.NO_ROW)
    # a correction can have moved a row to another conduct or class, so all of the file is asked
    blocks = {row.block for row in visible(place.rows, known)}
    held = [row for row in rows if row.block in blocks]
    if not held:
        later = all(row.standing.recorded > known for row in rows)
        coverage, why = (Coverage.UNCLEAR, Why.NOT_RECORDED) if later else (None, Why.NO_ROW)
        return Cell(place.code, conduct, depiction, coverage, why)
    stances = [(row, stance(row.standing, place.sources, on, known)) for row in held]
    speaking = [(row, why) for row, why in stances if why not in SILENT]
    if not speaking:
        rows_, why = tuple(row for row, _ in stances), stances[0][1]
        draft = all(row.standing.draft for row in rows_)
        return Cell(place.code, conduct, depiction, Coverage.UNCLEAR, why, rows_, draft)
    said = [
        (row, why, row.coverage if why is Why.AS_STATED else Coverage.UNCLEAR)
        for row, why in speaking
    ]
    widest = next(c for c in _WIDEST if any(c is coverage for _, _, coverage in said))
    deciding = [(row, why) for row, why, coverage in said if coverage is widest]
    whys = [why for _, why in deciding]
    return Cell(
        place.code,
        conduct,
        depiction,
        widest,
        next((why for why in whys if why is not Why.AS_STATED), Why.AS_STATED),
        tuple(row for row, _ in deciding),
        all(row.standing.draft for row, _ in deciding),
    )


def matrix(
    table: Table,
    *,
    codes: Sequence[str] | None = None,
    conducts: Sequence[Conduct] = tuple(Conduct),
    depictions: Sequence[Depiction] = tuple(Depiction),
    on: date | None = None,
    known: date | None = None,
) -> list[Cell]:
    """Every cell asked for: by jurisdiction, then depiction class, then conduct.

    `on` and `known` are today (UTC) where they are None.
    """
    known = known or today()
    on = on or today()
    return [
        cell(table.jurisdictions[code], conduct, depiction, on, known)
        for code in (codes if codes is not None else table.jurisdictions)
        for depiction in depictions
        for conduct in conducts
    ]
