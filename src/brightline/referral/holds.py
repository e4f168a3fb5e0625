"""Legal holds: what must not be destroyed, whatever a clock says. Put and lifted by people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from brightline.errors import DamagedError
from brightline.referral import times
from brightline.referral.announced import Told, read_told
from brightline.referral.errors import ReferralError
from brightline.referral.journal import Journal
from brightline.referral.states import State, Step
from brightline.referral.store import Referral

#: the journal's name on the ledger, where an endpoint's would stand
HOLDS = "holds"


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold in force: since when, until when (None: until it is lifted), and why."""

    since: datetime
    until: datetime | None
    by: str
    note: str


def place(referral: Referral, *, by: str, note: str, until: datetime | None) -> Hold:
    """Put a hold on a referral, or replace the one there is. Raises ReferralError for one that
    would end before it begins, or that says neither who nor why."""
    if not by.strip() or not note.strip():
        raise ReferralError("a hold says who put it and why: --by NAME --note TEXT")
    if until is not None and until <= referral.now():
        raise ReferralError("a hold ends in the future; without --until it holds until lifted")
    with referral.locked():
        book = _book(referral)
        book.mend()
        end = {} if until is None else {"until": times.stamp(until)}
        book.note("hold", {"by": by.strip(), "why": note.strip(), **end})
        return _hold_of(book.steps()[-1])


def lift(referral: Referral, *, by: str, note: str) -> None:
    """Lift the hold. Raises ReferralError if there is none."""
    if not by.strip() or not note.strip():
        raise ReferralError("lifting a hold says who does it and why: --by NAME --note TEXT")
    with referral.locked():
        book = _book(referral)
        book.mend()
        if current(referral) is None:
            raise ReferralError(f"there is no hold on referral {referral.name}")
        book.note("lifted", {"by": by.strip(), "why": note.strip()})


def current(referral: Referral, told: Told | None = None) -> Hold | None:
    """The hold in force, or None. One whose end has passed is no longer in force.

    Raises DamagedError if the records of holds are not those that the ledger tells. `told` saves
    reading the ledger.
    """
    book = _book(referral)
    book.check(read_told(referral.workspace.ledger) if told is None else told)
    steps = book.steps()
    if not steps or steps[-1]["kind"] != "hold":
        return None
    hold = _hold_of(steps[-1])
    return hold if hold.until is None or hold.until > referral.now() else None


def _hold_of(step: Step) -> Hold:
    until = step.get("until")
    return Hold(
        since=times.parse(step["at"]),
        until=None if until is None else times.parse(until),
        by=step["by"],
        note=step["why"],
    )


def _book(referral: Referral) -> Journal:
    return Journal(
        referral.folder,
        HOLDS,
        referral.workspace.ledger,
        referral.workspace.sealers(),
        referral.now,
        follow=_known,
    )


def _known(state: State, step: Step) -> State:
    """Holds have no states of their own; a record is one of two kinds."""
    if step["kind"] not in ("hold", "lifted"):
        raise DamagedError("a record of holds is of no known kind")
    return state
