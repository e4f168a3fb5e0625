"""Points in time: always with an offset, never in the future, written in UTC."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

from brightline.referral.errors import ReferralError

#: where the time comes from; a test puts its own here. Returns an aware datetime.
Now: TypeAlias = Callable[[], datetime]


def utc_now() -> datetime:
    """The time, aware, in UTC."""
    return datetime.now(UTC)


def stamp(time: datetime) -> str:
    """RFC 3339 in UTC to the second, `2026-11-22T10:00:00Z`; rounds down."""
    if time.tzinfo is None:
        raise ReferralError("a time without an offset is not a point in time; add Z or +01:00")
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse(text: str, what: str = "the time") -> datetime:
    """An ISO 8601 date and time with its offset, as UTC.

    Raises ReferralError if it cannot be read or has no offset.
    """
    try:
        time = datetime.fromisoformat(text.strip())
        if time.tzinfo is not None:
            return time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ReferralError(
            f"{what} cannot be read; write it like 2026-11-22T10:00:00+01:00"
        ) from None
    raise ReferralError(f"{what} has no offset; write it like 2026-11-22T10:00:00+01:00 or …Z")


def past(time: datetime, now: datetime, what: str) -> datetime:
    """The time, unless it lies in the future: then ReferralError (the service refuses those).

    Fractions of a second are left out, since times are sent without them.
    """
    if time.replace(microsecond=0) > now:
        raise ReferralError(f"{what} lies in the future; give the time at which it was found")
    return time
