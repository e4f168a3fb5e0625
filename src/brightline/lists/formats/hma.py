"""Bank content of Hasher-Matcher-Actioner (HMA) as JSON.

The shape is that of `GET /c/bank/<name>/content/<id>?include_signals=true`
(hasher-matcher-actioner, OpenMediaMatch/blueprints/curation.py `bank_get_content`), which
python-threatexchange 1.2.17 also stores (threatexchange/storage/local_dbm.py
`_BankStoredContent`): `id`, `disable_until_ts` (0 disabled, 1 enabled, else a time),
`collab_metadata` {exchange: [keys]}, `original_media_uri` (not kept), `bank` {name, …},
`signals` {type: value}. One object, several one after another, or an array of them. HMA makes
no photo MD5 or SHA, so most records hold a PDQ hash alone.
"""

from __future__ import annotations

import re

from brightline.lists.collected import Collected, Skip
from brightline.lists.formats.exchanged import exchanged_signal
from brightline.lists.formats.faults import Fault, Faults, FaultyRecordError, Unit
from brightline.lists.formats.fields import collect, field, text_of
from brightline.lists.formats.interface import Source
from brightline.lists.formats.json_events import STRUCTURE, DocumentError, JsonEvents, Scalar
from brightline.lists.formats.values import MAX_PARTS, checked_labels, checked_text, take
from brightline.lists.records import Record
from brightline.types import Role

_DISABLED = 0
_HEAD = re.compile(rb'\s*\[?\s*\{.*"(?:disable_until_ts|signals)"\s*:', re.DOTALL)


class Hma:
    """HMA bank content."""

    name = "hma"
    unit: Unit = "record"
    role: Role | None = None

    def recognises(self, head: bytes) -> bool:
        """Whether it is JSON with HMA's names in it."""
        return _HEAD.match(head.removeprefix(b"\xef\xbb\xbf")) is not None

    def read(self, source: Source, entries: Collected, faults: Faults) -> None:
        """Read the whole stream."""
        events = JsonEvents(source.stream, several=True)
        count = 0
        try:
            for event, value in events.objects():
                count += 1
                found = _fields(events) if event == "start_map" else None
                if found is None:
                    events.plain(event, value)
                    faults.add(count, Fault.NOT_A_RECORD)
                    continue
                try:
                    _take(found, entries)
                except FaultyRecordError as error:
                    faults.add(count, error.fault)
        except DocumentError as error:
            faults.add(count + 1, error.fault)


def _fields(events: JsonEvents) -> dict[str, Scalar]:
    found: dict[str, Scalar] = {}
    for key in events.members():
        if key in ("id", "disable_until_ts"):
            collect(found, key, events.scalar())
        elif key in ("signals", "bank", "collab_metadata"):
            collect(found, key, _mapping(events))
        else:
            events.skip_value()
    return found


def _mapping(events: JsonEvents) -> Scalar:
    """(key, plain value) pairs of the object that comes next; null has none."""
    event, value = events.next()
    if event == "null":
        return []
    if event != "start_map":
        events.plain(event, value)
        return STRUCTURE
    pairs: list[tuple[str, Scalar]] = []
    for key in events.members():
        plain = events.scalar()
        if len(pairs) <= MAX_PARTS:
            pairs.append((key, plain))
    return pairs


def _take(found: dict[str, Scalar], entries: Collected) -> None:
    state = field(found, "disable_until_ts")
    if state == _DISABLED and state is not None and not isinstance(state, bool):
        entries.skip(Skip.DELETED)
        return
    signals = []
    opaque = []
    pairs = field(found, "signals") or []
    if len(pairs) > MAX_PARTS:
        raise FaultyRecordError(Fault.TOO_MANY_PARTS)
    for name, value in pairs:
        if not isinstance(value, str):
            raise FaultyRecordError(Fault.NOT_A_VALUE)
        signal, kept = exchanged_signal(name, value)
        if signal:
            signals.append(signal)
        if kept:
            opaque.append(kept)
    banks = [text_of(value) for key, value in field(found, "bank") or [] if key == "name"]
    exchanges = [key for key, _ in field(found, "collab_metadata") or []]
    take(
        Record(
            tuple(dict.fromkeys(signals)),
            tuple(dict.fromkeys(opaque)),
            labels=checked_labels(banks),
            submitter=checked_text(exchanges[0]) if exchanges else "",
            source_id=text_of(field(found, "id")),
        ),
        entries,
    )
