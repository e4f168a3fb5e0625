"""JSON of Meta's ThreatExchange, as python-threatexchange 1.2.17 reads and writes it.

- pages of `threat_updates` (exchanges/clients/fb_threatexchange/threat_updates.py):
  `{"data": [{id, indicator, type, last_updated, should_delete, descriptors {data: [{owner {id},
  status, tags, …}]}}], …}`; a record with `should_delete`, or without descriptors
  (github.com/facebook/ThreatExchange/issues/834), is one that was deleted;
- `threatexchange api fb_threatexchange query --format jsonl`: an object a line with the columns
  of the CSV, see `threatexchange`.

Where the descriptors of one indicator disagree, its category is DISPUTED and the opinions
become labels.
"""

from __future__ import annotations

import re

from brightline.lists.collected import Collected, Skip
from brightline.lists.formats.faults import Fault, Faults, FaultyRecordError, Unit
from brightline.lists.formats.fields import collect, field, text_of, texts
from brightline.lists.formats.interface import Source
from brightline.lists.formats.json_events import STRUCTURE, DocumentError, JsonEvents, Scalar
from brightline.lists.formats.threatexchange import record_of
from brightline.lists.formats.values import MAX_PARTS, take
from brightline.types import Role

DISPUTED = "DISPUTED"
_HEAD = re.compile(rb'\s*\[?\s*\{.*"indicator"\s*:', re.DOTALL)
_PLAIN = frozenset(
    ("id", "indicator", "type", "status", "owner_id", "last_updated", "added_on", "should_delete")
)


class ThreatExchangeJson:
    """Pages of threat updates, and queried descriptors."""

    name = "threatexchange-json"
    unit: Unit = "record"
    role: Role | None = None

    def recognises(self, head: bytes) -> bool:
        """Whether it is JSON with an `indicator` in it."""
        return _HEAD.match(head.removeprefix(b"\xef\xbb\xbf")) is not None

    def read(self, source: Source, entries: Collected, faults: Faults) -> None:
        """Read the whole stream."""
        reader = _Reader(JsonEvents(source.stream, several=True), entries, faults)
        try:
            reader.document()
        except DocumentError as error:
            faults.add(reader.count + 1, error.fault)


class _Reader:
    def __init__(self, events: JsonEvents, entries: Collected, faults: Faults) -> None:
        self.count = 0
        self._events = events
        self._entries = entries
        self._faults = faults

    def document(self) -> None:
        """Read every page and every object that stands by itself."""
        for event, value in self._events.objects():
            self._object(event, value, page=True)

    def _object(self, event: str, value: Scalar, *, page: bool) -> None:
        """A record or, where one may stand, a page with `data`."""
        events = self._events
        if event != "start_map":
            events.plain(event, value)
            self.count += 1
            self._faults.add(self.count, Fault.NOT_A_RECORD)
            return
        found: dict[str, Scalar] = {}
        is_page = False
        for key in events.members():
            if key == "data" and page:
                is_page = True
                self._page()
            elif key in _PLAIN:
                collect(found, key, events.scalar())
            elif key == "tags":
                collect(found, key, _tags(events))
            elif key == "descriptors":
                collect(found, key, _descriptors(events))
            else:
                events.skip_value()
        if not is_page:
            self._record(found)

    def _page(self) -> None:
        event, _ = self._events.next()
        if event != "start_array":
            raise DocumentError(Fault.NOT_A_LIST)
        for event, value in self._events.items():
            self._object(event, value, page=False)

    def _record(self, found: dict[str, Scalar]) -> None:
        self.count += 1
        try:
            _take(found, self._entries)
        except FaultyRecordError as error:
            self._faults.add(self.count, error.fault)


def _tags(events: JsonEvents) -> Scalar:
    """Tags as a list, as one string, or as `{"data": [{"text": tag}]}`."""
    event, value = events.next()
    if event == "start_map":
        found: list[Scalar] = []
        for key in events.members():
            if key == "data":
                found = _texts_of_tags(events)
            else:
                events.skip_value()
        return found
    return texts(events, (event, value))


def _texts_of_tags(events: JsonEvents) -> list[Scalar]:
    event, value = events.next()
    if event != "start_array":
        events.plain(event, value)
        return [STRUCTURE]
    found: list[Scalar] = []
    for event, value in events.items():
        text: Scalar = STRUCTURE
        if event == "start_map":
            for key in events.members():
                if key == "text":
                    text = events.scalar()
                else:
                    events.skip_value()
        else:
            events.plain(event, value)
        if len(found) <= MAX_PARTS:
            found.append(text)
    return found


def _descriptors(events: JsonEvents) -> Scalar:
    """(owner, status, tags) of each descriptor; None where there are none."""
    event, value = events.next()
    if event != "start_map":
        plain = events.plain(event, value)
        return None if plain is None else STRUCTURE
    found: list[dict[str, Scalar]] = []
    for key in events.members():
        if key != "data":
            events.skip_value()
            continue
        event, value = events.next()
        if event != "start_array":
            events.plain(event, value)
            found.append({"status": STRUCTURE})
            continue
        for event, value in events.items():
            if event == "start_map":
                descriptor = _descriptor(events)
            else:
                events.plain(event, value)
                descriptor = {"status": STRUCTURE}
            if len(found) <= MAX_PARTS:
                found.append(descriptor)
    return found or None


def _descriptor(events: JsonEvents) -> dict[str, Scalar]:
    found: dict[str, Scalar] = {}
    for key in events.members():
        if key == "status":
            collect(found, key, events.scalar())
        elif key == "tags":
            collect(found, key, _tags(events))
        elif key == "owner":
            event, value = events.next()
            if event != "start_map":
                collect(found, key, events.plain(event, value))
                continue
            for inner in events.members():
                if inner == "id":
                    collect(found, key, events.scalar())
                else:
                    events.skip_value()
        else:
            events.skip_value()
    return found


def _labels(value: Scalar) -> list[str]:
    if isinstance(value, list):
        return [text_of(item) for item in value]
    return text_of(value).split()


def _take(found: dict[str, Scalar], entries: Collected) -> None:
    updates = "should_delete" in found or "descriptors" in found
    descriptors = field(found, "descriptors")
    if updates and (field(found, "should_delete") in (True, "true") or not descriptors):
        entries.skip(Skip.DELETED)
        return
    if len(descriptors or ()) > MAX_PARTS:
        raise FaultyRecordError(Fault.TOO_MANY_PARTS)
    labels = _labels(field(found, "tags"))
    opinions = [text_of(field(found, "status"))]
    owners = [text_of(field(found, "owner_id"))]
    if descriptors:
        opinions = list(dict.fromkeys(text_of(field(one, "status")) for one in descriptors))
        owners = list(dict.fromkeys(text_of(field(one, "owner")) for one in descriptors))
        for one in descriptors:
            labels += _labels(field(one, "tags"))
    category = opinions[0]
    if len(opinions) > 1:
        category = DISPUTED
        labels += opinions
    record = record_of(
        text_of(field(found, "type")),
        text_of(field(found, "indicator")),
        ",".join(owner for owner in owners if owner),
        category,
        labels,
        text_of(field(found, "id")),
        text_of(field(found, "last_updated")) or text_of(field(found, "added_on")),
    )
    take(record, entries)
