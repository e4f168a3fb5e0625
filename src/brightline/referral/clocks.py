"""What must be kept until when, and what must be destroyed: each referral by the law table.

Nothing here destroys anything. Where every floor has passed, destruction is *proposed*; a legal
hold comes before every clock. A person then decides, and `destruction` does it.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from brightline.law import Clock, Conflict, DutyType, Table, conflicts, duties, gaps
from brightline.referral import times
from brightline.referral.announced import Told, read_told
from brightline.referral.holds import Hold, current
from brightline.referral.service import PRODUCTION
from brightline.referral.states import Finished
from brightline.referral.store import Referral, referral_names
from brightline.workspace import Workspace


class Advice(enum.StrEnum):
    """What the clocks of a referral add up to. A person decides."""

    HELD = "held"
    KEEP = "keep"
    DECIDE = "decide"
    REPORT_FIRST = "report first"
    CEILING = "keep no longer"
    PROPOSE_DESTRUCTION = "destruction proposed"
    NO_PERIOD = "no period known"


_WORDS = {
    Advice.HELD: "a legal hold is on it: keep it, whatever a clock says",
    Advice.KEEP: "a period of preservation runs: keep it",
    Advice.DECIDE: "one law asks to keep it and another to destroy it: counsel decides",
    Advice.REPORT_FIRST: "every known period has passed, but a duty to report it is known and no "
    "report in production is: make sure that it was reported before anything is destroyed",
    Advice.CEILING: "no period of preservation is known, and one after which it must be gone runs",
    Advice.PROPOSE_DESTRUCTION: "every known period has passed: its destruction is proposed, and "
    "somebody who may decide it has to",
    Advice.NO_PERIOD: "the law table has no period for it: keep it until counsel says otherwise",
}


@dataclass(frozen=True, slots=True)
class Kept:
    """One referral with its clocks. Times are aware, UTC.

    `found` is the incident's time; `reported` when the production service had the whole report,
    or None. `gaps` are jurisdictions of which the table knows no duty: no proof of none.
    """

    referral: str
    run: str
    files: int
    found: datetime
    reported: datetime | None
    hold: Hold | None
    clocks: tuple[Clock, ...]
    conflicts: tuple[Conflict, ...]
    gaps: tuple[str, ...]
    advice: Advice

    @property
    def words(self) -> str:
        """The advice as a sentence."""
        return _WORDS[self.advice]


def clocks_of(
    referral: Referral,
    table: Table,
    jurisdictions: Sequence[str] = (),
    told: Told | None = None,
) -> Kept:
    """The clocks of a referral, in its own jurisdictions or those given.

    Preservation counts from the end of the report in production; a report to a test service
    starts nothing. Raises UsageError for a jurisdiction that the table does not hold, and
    DamagedError if draft, report or holds are not what the ledger says. `told` saves reading it.
    """
    draft = referral.draft
    told = read_told(referral.workspace.ledger) if told is None else told
    referral.check(told)
    found = times.parse(draft.incident_time)
    reported = _reported(referral, told)
    codes = tuple(jurisdictions) or draft.jurisdictions
    running = duties(
        table,
        codes,
        draft.role,
        found,
        reported=reported,
        known=referral.now().date(),
    )
    hold = current(referral, told)
    return Kept(
        referral=referral.name,
        run=draft.run,
        files=draft.files,
        found=found,
        reported=reported,
        hold=hold,
        clocks=running,
        conflicts=conflicts(table, codes, running),
        gaps=gaps(table, codes, running),
        advice=advise(running, hold, referral.now(), reported=reported is not None),
    )


def lost(workspace: Workspace, told: Told) -> list[str]:
    """Referrals that the ledger knows and the workspace has no longer, oldest first.

    Taken away, and a hold on them with it. Those that `destruction` took are not among them.
    """
    return sorted({path.partition("/")[0] for path in told} - set(referral_names(workspace)))


def advise(clocks: Sequence[Clock], hold: Hold | None, now: datetime, *, reported: bool) -> Advice:
    """What clocks and a hold add up to at a moment; `reported` in production, as far as known.

    Times of drafts and of rows that read unclear count: to keep too long is mended more easily
    than to destroy too early. So an unclear ceiling proposes nothing while a floor runs.
    """
    if hold is not None:
        return Advice.HELD
    keep = [clock.keep_until for clock in clocks if clock.keep_until is not None]
    over = [clock for clock in clocks if clock.destroy_by is not None and clock.destroy_by <= now]
    if any(until > now for until in keep):
        return Advice.DECIDE if over else Advice.KEEP
    if keep or over:
        owed = not reported and any(clock.type is DutyType.REPORT for clock in clocks)
        return Advice.REPORT_FIRST if owed else Advice.PROPOSE_DESTRUCTION
    if any(clock.destroy_by is not None for clock in clocks):
        return Advice.CEILING
    return Advice.NO_PERIOD


def state_of(clock: Clock, now: datetime) -> str:
    """A word for where one clock is: `due`, `overdue`, `keep`, `passed`, or `no period`."""
    if clock.type in (DutyType.REPORT, DutyType.NOTIFY) or clock.due is not None:
        if clock.due is None:
            return "due"
        return "due" if clock.due > now else "overdue"
    ends = clock.keep_until or clock.destroy_by
    if ends is None:
        return "no period"
    return "keep" if ends > now else "passed"


def _reported(referral: Referral, told: Told) -> datetime | None:
    journal = referral.journal(PRODUCTION)
    journal.check(told)
    state = journal.state()
    return (
        max(state.at, times.parse(referral.draft.incident_time))
        if isinstance(state, Finished)
        else None
    )
