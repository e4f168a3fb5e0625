"""Duties as clocks: what, to whom, by when, kept until when, and where two laws collide.

A clock is a reading of the table and no advice. It never starts on its own: the finding's time is
given. Where a duty counts from the report and no report's time is given, the finding's stands in
for it, and the clock says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from brightline.errors import UsageError
from brightline.law.model import Duty, DutyType, Jurisdiction, Role, Table, Why
from brightline.law.periods import add, parse_period, period_text
from brightline.law.reading import SILENT, stance, today, visible


@dataclass(frozen=True, slots=True)
class Clock:
    """One duty with its times. Instants are in UTC; None where the law gives none.

    `via` is the jurisdiction whose law it is, where that differs (EU law in a member state).
    `due_text` says the deadline in words. `sources` are ids within the file of `via`.
    `unclear` is set where the duty does not simply read as in force on that day; `why` says so.
    """

    jurisdiction: str
    via: str
    type: DutyType
    law: str
    addressee: str
    trigger: str
    channel: str
    due: datetime | None
    due_text: str
    keep_until: datetime | None
    destroy_by: datetime | None
    satisfied_by: str
    draft: bool
    unclear: bool
    why: Why
    sources: tuple[str, ...]
    last_checked: date
    note: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """Duties, or a duty and a silence, that cannot all be served without a decision.

    `kind` is `floor over ceiling`, `keep or destroy` or `keep without a period`; `parties` are
    the jurisdictions, the one that asks to keep first.
    """

    kind: str
    parties: tuple[str, ...]
    text: str


def resolve(table: Table, codes: Sequence[str]) -> tuple[str, ...]:
    """Codes as the table knows them, without repeats; `UK` is read as `GB`.

    Raises `UsageError` for one that the table does not hold.
    """
    found: list[str] = []
    for code in codes:
        name = code.strip().upper()
        if not name:
            raise UsageError("a jurisdiction is empty; write codes with commas between them: US,DK")
        name = {"UK": "GB", "EL": "GR"}.get(name, name)
        if name not in table.jurisdictions:
            known = ", ".join(table.jurisdictions)
            raise UsageError(
                f"the law table holds no jurisdiction {code.strip()!r}; it has {known}"
            )
        if name not in found:
            found.append(name)
    return tuple(found)


def duties(
    table: Table,
    jurisdictions: Sequence[str],
    role: Role | str,
    found: datetime,
    *,
    reported: datetime | None = None,
    on: date | None = None,
    known: date | None = None,
) -> tuple[Clock, ...]:
    """Every duty of `role` that a match found at `found` may bring, soonest first.

    `found` and `reported` carry an offset; `on` is the day of the finding and `known` today where
    they are None. A duty past its review date, adopted and not known to have commenced, or of
    unknown first day is given and marked `unclear`; one that had not begun, or has ended, is not.
    Raises `UsageError` for an unknown jurisdiction or role, or a time without an offset.
    """
    try:
        role = Role(role)
    except ValueError:
        raise UsageError(f"no role {role!r}; it is one of {', '.join(Role)}") from None
    for moment in (found, reported):
        if moment is not None and moment.utcoffset() is None:
            raise UsageError("a time without an offset is ambiguous: write 2026-11-22T10:00Z")
    if reported is not None and reported < found:
        raise UsageError("the report lies before the finding; check the two times")
    day = on or day_of(found)
    known = known or today()
    clocks = [
        _clock(code, place, duty, why, found, reported)
        for code in resolve(table, jurisdictions)
        for place in laws_of(table, code)
        for duty in visible(place.duties, known)
        if role in duty.roles
        and (why := stance(duty.standing, place.sources, day, known)) not in SILENT
    ]
    last = datetime.max.replace(tzinfo=UTC)
    return tuple(sorted(clocks, key=lambda clock: clock.due or last))


def day_of(moment: datetime) -> date:
    """The day in UTC. Raises `UsageError` where that lies outside the calendar."""
    try:
        return moment.astimezone(UTC).date()
    except OverflowError:
        raise UsageError("the time lies outside the years 1 to 9999; check it") from None


def laws_of(table: Table, code: str) -> tuple[Jurisdiction, ...]:
    """A jurisdiction's own file and those whose duties hold in it as well."""
    own = table.jurisdictions[code]
    return (own, *(table.jurisdictions[name] for name in own.inherits))


def gaps(table: Table, jurisdictions: Sequence[str], clocks: Sequence[Clock]) -> tuple[str, ...]:
    """The jurisdictions for which nothing was found. That is no proof that there is no duty."""
    said = {clock.jurisdiction for clock in clocks}
    return tuple(code for code in resolve(table, jurisdictions) if code not in said)


def conflicts(
    table: Table, jurisdictions: Sequence[str], clocks: Sequence[Clock]
) -> tuple[Conflict, ...]:
    """Where retention floors, ceilings and orders to destroy meet. Each needs a policy."""
    codes = resolve(table, jurisdictions)
    timed = {clock.jurisdiction for clock in clocks if clock.keep_until or clock.destroy_by}
    silent = tuple(code for code in codes if code not in timed)
    made = []
    for clock in clocks:
        if clock.keep_until is None:
            continue
        who = clock.jurisdiction
        keep = f"{who} asks to keep until {clock.keep_until:%Y-%m-%d} ({_named(clock)})"
        for other in clocks:
            if other.destroy_by is not None and clock.keep_until > other.destroy_by:
                until = f"{other.destroy_by:%Y-%m-%d} ({_named(other)})"
                text = f"{keep}, {other.jurisdiction} to destroy by {until}"
                made.append(Conflict("floor over ceiling", (who, other.jurisdiction), text))
            elif other.type is DutyType.REMOVE and other.destroy_by is None:
                text = f"{keep}; {other.jurisdiction} can ask to destroy before ({_named(other)})"
                made.append(Conflict("keep or destroy", (who, other.jurisdiction), text))
        if silent:
            text = f"{keep}; for {', '.join(silent)} this table holds no period"
            text += ": to keep there needs a basis of its own"
            made.append(Conflict("keep without a period", (who, *silent), text))
    return tuple(dict.fromkeys(made))


def _named(clock: Clock) -> str:
    marks = [", draft"] * clock.draft + [", unclear"] * clock.unclear
    return clock.law + "".join(marks)


def _clock(
    code: str,
    place: Jurisdiction,
    duty: Duty,
    why: Why,
    found: datetime,
    reported: datetime | None,
) -> Clock:
    after = reported or found
    kept = parse_period(duty.retention_min) if duty.retention_min else None
    most = parse_period(duty.retention_max) if duty.retention_max else None
    limit = parse_period(duty.deadline) if duty.deadline else None
    keep_until = add(after, kept, floor=True) if kept else None
    destroy_by = add(after, most, floor=False) if most else None
    if keep_until and destroy_by:
        # one law's floor and ceiling are no conflict: they are rounded apart at a month's end only
        destroy_by = max(keep_until, destroy_by)
    note = duty.note
    if (kept or most) and reported is None:
        note = f"{note} Counted from the finding: give the report's time once there is one.".strip()
    return Clock(
        jurisdiction=code,
        via=place.code,
        type=duty.type,
        law=duty.provision.title,
        addressee=duty.addressee,
        trigger=duty.trigger,
        channel=duty.channel,
        due=add(found, limit, floor=False) if limit else None,
        due_text=period_text(duty.deadline) if duty.deadline else "no period in this table",
        keep_until=keep_until,
        destroy_by=destroy_by,
        satisfied_by=duty.satisfied_by,
        draft=duty.standing.draft,
        unclear=why is not Why.AS_STATED,
        why=why,
        sources=duty.standing.sources,
        last_checked=duty.standing.last_checked,
        note=note,
    )
