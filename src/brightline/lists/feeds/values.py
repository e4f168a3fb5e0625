"""Hash values and times as feeds write them."""

from __future__ import annotations

from datetime import UTC, datetime

from brightline.lists.formats.faults import FaultyRecordError
from brightline.lists.formats.values import hex_value, photodna_value
from brightline.types import SignalType


def hash_value(signal: SignalType, text: str) -> bytes | None:
    """A value in hexadecimal of either case; None if it is not one of this type."""
    try:
        return hex_value(text.strip(), signal)
    except FaultyRecordError:
        return None


def photodna(text: str) -> bytes | None:
    """144 bytes, written as 192 characters of base64 or 288 of hexadecimal; else None."""
    try:
        return photodna_value("".join(text.split()))
    except FaultyRecordError:
        return None


def utc_text(moment: datetime) -> str:
    """ISO 8601 in whole seconds and UTC, `2017-10-24T15:00:00Z`; sorts as the times do."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")


def utc_time(text: str) -> datetime | None:
    """The time that ISO 8601 text names, UTC if it names no zone; None if it names none."""
    try:
        moment = datetime.fromisoformat(text.strip())
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
