"""Periods as laws write them, added to an instant.

Everything is reckoned in UTC, so that one instant gives one answer however it was written. Years,
months and days are calendar ones; hours are elapsed time. Where the day reached does not exist
(29 February plus a year, 31 January plus a month), a floor of retention goes up to the first of
the next month and a deadline or ceiling down to the last day of the month reached: what must be
kept is kept rather longer, what must be done is done rather earlier. The hour stays as it is, so
of two findings around a month's end the later one can end some hours before the other. Laws count
days by their own calendars, which can differ from UTC's by most of a day; whoever is near an end
keeps a day more.

Source: ISO 8601-1:2019, 5.5.2 (duration by components); its fractions and signs are refused.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from brightline.errors import UsageError

_ISO = re.compile(
    r"P(?=\d|T\d)(?:(\d{1,4})Y)?(?:(\d{1,4})M)?(?:(\d{1,4})W)?(?:(\d{1,5})D)?(?:T(\d{1,5})H)?"
)


@dataclass(frozen=True, slots=True)
class Period:
    """A length of calendar time, and hours."""

    months: int = 0
    days: int = 0
    hours: int = 0


def parse_period(text: str) -> Period | None:
    """`P1Y`, `P21D`, `PT24H`, …; None of anything else."""
    found = _ISO.fullmatch(text)
    if found is None:
        return None
    years, months, weeks, days, hours = (int(part or 0) for part in found.groups())
    return Period(12 * years + months, 7 * weeks + days, hours)


def add(instant: datetime, period: Period, *, floor: bool) -> datetime:
    """`instant` plus `period`, in UTC; `floor` says to round a missing day up.

    Raises `UsageError` for an instant without an offset, or past the year 9999.
    """
    if instant.tzinfo is None or instant.utcoffset() is None:
        raise UsageError(
            "a time without an offset is ambiguous: write it as 2026-11-22T10:00Z or …+01:00"
        )
    start = instant.astimezone(UTC)
    year, month = divmod(start.year * 12 + start.month - 1 + period.months, 12)
    try:
        length = calendar.monthrange(year, month + 1)[1]
        moved = start.replace(year=year, month=month + 1, day=min(start.day, length))
        if floor and start.day > length:
            moved += timedelta(days=1)
        return moved + timedelta(days=period.days, hours=period.hours)
    except (ValueError, OverflowError) as error:
        raise UsageError("the clock would end after the year 9999; give an earlier time") from error


def period_text(text: str) -> str:
    """`P1Y` → `1 year`, `P45D` → `45 days`; words stay as they are."""
    period = parse_period(text)
    if period is None:
        return text
    years, months = divmod(period.months, 12)
    parts = ((years, "year"), (months, "month"), (period.days, "day"), (period.hours, "hour"))
    said = [f"{count} {unit}{'' if count == 1 else 's'}" for count, unit in parts if count]
    return " ".join(said) or "at once"
