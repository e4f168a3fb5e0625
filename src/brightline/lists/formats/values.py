"""Values of records, from the words of the field to `Record`; shared by all formats."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as Base64Error
from binascii import unhexlify
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TypeVar

from brightline.lists.collected import CODE, Collected, TooManyCategoriesError
from brightline.lists.formats.faults import Fault, FaultyRecordError
from brightline.lists.records import Record
from brightline.types import SignalType

#: a label, name or id longer than this is none
MAX_TEXT = 4096
#: labels of one record, and alternative hashes of one record
MAX_PARTS = 256

_AnyText = TypeVar("_AnyText", str, bytes, str | bytes)

PHOTODNA = "photodna"
PHOTODNA_BYTES = 144


def hex_value(text: str | bytes, signal: SignalType) -> bytes:
    """A digest or PDQ hash from hexadecimal digits of either case, with `0x` before them or not."""
    if len(text) == 2 * signal.width + 2:
        text = without_prefix(text)
    if len(text) != 2 * signal.width:
        raise FaultyRecordError(Fault.WRONG_LENGTH)
    try:
        return unhexlify(text)
    except ValueError:
        raise FaultyRecordError(Fault.NOT_HEX) from None


def without_prefix(digits: _AnyText) -> _AnyText:
    """Hexadecimal digits without the `0x` that programs put before them."""
    return digits[2:] if digits[:2] in ("0x", "0X", b"0x", b"0X") else digits


def photodna_value(text: str) -> bytes:
    """The 144 bytes of a PhotoDNA hash from base64 (192 characters) or hexadecimal (288)."""
    if len(text) == 2 * PHOTODNA_BYTES:
        try:
            return unhexlify(text)
        except ValueError:
            raise FaultyRecordError(Fault.NOT_HEX) from None
    if len(text) != PHOTODNA_BYTES // 3 * 4:
        raise FaultyRecordError(Fault.WRONG_LENGTH)
    try:
        value = b64decode(text, validate=True)
    except (Base64Error, ValueError):
        raise FaultyRecordError(Fault.NOT_BASE64) from None
    if len(value) != PHOTODNA_BYTES:
        raise FaultyRecordError(Fault.WRONG_LENGTH)
    return value


def checked_text(text: str) -> str:
    """The text, if it can be stored: no NUL, no lone surrogate, at most 4096 characters."""
    if len(text) > MAX_TEXT:
        raise FaultyRecordError(Fault.TEXT_TOO_LONG)
    if "\0" in text:
        raise FaultyRecordError(Fault.NUL)
    if text.isascii():
        return text
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise FaultyRecordError(Fault.NOT_TEXT) from None
    return text


def checked_labels(labels: Iterable[str]) -> tuple[str, ...]:
    """Labels that say something, each once, in their order."""
    found = tuple(dict.fromkeys(checked_text(label) for label in labels if label))
    if len(found) > MAX_PARTS:
        raise FaultyRecordError(Fault.TOO_MANY_PARTS)
    return found


def utc_time(text: str) -> str:
    """An ISO 8601 date or time as UTC, to the second or the microsecond; empty stays empty.

    A time without a zone is taken for UTC, as the field's tools write it.
    """
    text = text.strip()
    if not text:
        return ""
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise FaultyRecordError(Fault.NOT_A_DATE) from None
    return moment.isoformat().replace("+00:00", "Z")


def unix_or_iso(text: str) -> str:
    """Like `utc_time`, for times that may also be whole seconds since 1970."""
    if not (text.isascii() and text.isdigit()):
        return utc_time(text)
    try:
        return utc_time(datetime.fromtimestamp(int(text), UTC).isoformat())
    except (ValueError, OverflowError, OSError):
        raise FaultyRecordError(Fault.NOT_A_DATE) from None


def take(record: Record, entries: Collected) -> None:
    """Add a record; what cannot be taken raises FaultyRecordError.

    `Collected` counts a record without a signal that can be matched here as skipped, and keeps
    its opaque signals for a matcher that can compare them.
    """
    try:
        entries.add_record(record)
    except TooManyCategoriesError:
        raise FaultyRecordError(Fault.TOO_MANY_CATEGORIES) from None


def take_signal(signal: SignalType, value: bytes, category: str, entries: Collected) -> None:
    """Add a signal of which nothing else is known; FaultyRecordError as above."""
    try:
        entries.add(CODE[signal], value, category)
    except TooManyCategoriesError:
        raise FaultyRecordError(Fault.TOO_MANY_CATEGORIES) from None
