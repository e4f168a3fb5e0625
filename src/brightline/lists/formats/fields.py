"""Plain JSON values of a record as what they mean; shared by the JSON formats."""

from __future__ import annotations

from brightline.lists.formats.faults import Fault, FaultyRecordError
from brightline.lists.formats.json_events import STRUCTURE, JsonEvents, Scalar
from brightline.lists.formats.values import MAX_PARTS, checked_text


class Doubled:
    """What stands in for a field that was given twice."""


DOUBLED = Doubled()


def text_of(value: Scalar) -> str:
    """A string as it is, a whole number as its digits, null as empty.

    Raises FaultyRecordError for anything else: an array, an object, a truth value, a fraction.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return checked_text(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return checked_text(str(value))
    raise FaultyRecordError(Fault.NOT_A_VALUE)


def collect(found: dict[str, Scalar], key: str, value: Scalar) -> None:
    """Keep a field of a record; a field given twice becomes DOUBLED, which `field` refuses."""
    found[key] = DOUBLED if key in found else value


def texts(events: JsonEvents, begun: tuple[str, Scalar] | None = None) -> Scalar:
    """The next value: plain, or a list of plain values (of which no more than can be used).

    `begun` is its first event, if that was taken already.
    """
    event, value = begun or events.next()
    if event != "start_array":
        return events.plain(event, value)
    found: list[Scalar] = []
    for kind, item in events.items():
        plain = events.plain(kind, item)
        if len(found) <= MAX_PARTS:
            found.append(plain)
    return found


def field(found: dict[str, Scalar], key: str) -> Scalar:
    """A field's value, None where there is none; FaultyRecordError where there are two."""
    value = found.get(key)
    if value is DOUBLED:
        raise FaultyRecordError(Fault.DOUBLED_FIELD)
    if value is STRUCTURE:
        raise FaultyRecordError(Fault.NOT_A_VALUE)
    return value
