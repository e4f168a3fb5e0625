"""VICS, the JSON of Project VIC, data models 1.x and 2.0: `#Media` and `#Cases`.

The specification is shared under agreement only; this follows what public readers (IPED,
GLEAPP) read, so it is VICS-shaped and uncertified. `value` holds Media, or Cases whose `Media`
holds them; 1.x names its model in `odata.metadata`, 2.0 in `@odata.context`. A Media is one
record, whatever number of MediaFiles it has: names and places of copies are not kept, nor are
comments, Exif properties and counts; hashes of copies are signals like the Media's own. The
model's traps, and what is done about each:

- truth values and sizes come as strings or not: none of them is needed, so none is read;
- MD5 is upper-case; hexadecimal is taken in either case;
- `Category` 0 is a category like any other (what it means is the scheme's matter), null is
  uncategorised;
- `IsPrecategorized` and the totals cannot be trusted: they are not looked at;
- a file has a byte-order mark, several GB, or one Media with a million files: it is read as a
  stream, and what is not wanted is passed over without being built;
- `PhotoDNA` comes as base64 or as hexadecimal and is kept as an opaque signal.

AlternativeHashes give further signals by `HashName` (MD5, SHA1, SHA256, PDQ, URL-SHA256 for an
address's digest); one of another name is kept as an opaque signal under that name.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from brightline.errors import ListFormatError
from brightline.lists.collected import Collected
from brightline.lists.formats.faults import Fault, Faults, FaultyRecordError, Unit
from brightline.lists.formats.fields import collect, field, text_of, texts
from brightline.lists.formats.interface import Source
from brightline.lists.formats.json_events import STRUCTURE, DocumentError, JsonEvents, Scalar
from brightline.lists.formats.values import (
    MAX_PARTS,
    PHOTODNA,
    checked_labels,
    hex_value,
    photodna_value,
    take,
    utc_time,
)
from brightline.lists.records import Record
from brightline.types import Role, SignalType

#: parts the tags that stand in one string
LABEL_SEPARATOR = ";"
#: `HashName` of AlternativeHashes in lower case without dashes and spaces
HASH_NAMES = {
    "md5": SignalType.MD5,
    "sha1": SignalType.SHA1,
    "sha256": SignalType.SHA256,
    "pdq": SignalType.PDQ,
    "urlsha256": SignalType.URL,
}

_CONTEXTS = ("@odata.context", "odata.metadata")
_HASHES = {"md5": SignalType.MD5, "sha1": SignalType.SHA1, "sha256": SignalType.SHA256}
_LISTS = frozenset(("series", "tags"))
_PLAIN = frozenset(
    (*_HASHES, "mediaid", "category", "photodna", "dateupdated", "precategorizationsource")
)
_ALTERNATIVE = "alternativehashes"
_FILES = "mediafiles"
#: what only a Media has
_HASHING = frozenset((*_HASHES, "photodna", _ALTERNATIVE))
_HEAD = re.compile(rb'\s*\{.*"(?:@odata\.context|odata\.metadata)"\s*:', re.DOTALL)
_VALUE = re.compile(rb'\s*\{\s*"value"\s*:\s*\[\s*\{.*"(?:MD5|Media)"\s*:', re.DOTALL)
#: and what an opaque signal's may be, spelt likewise
OPAQUE_NAME = re.compile(r"[a-z0-9]{1,32}")


class Vics:
    """Project VIC JSON."""

    name = "vics"
    unit: Unit = "record"
    role: Role | None = None

    def recognises(self, head: bytes) -> bool:
        """Whether it is an object that names its data model, or an array `value` of Media."""
        text = head.removeprefix(b"\xef\xbb\xbf")
        return _HEAD.match(text) is not None or _VALUE.match(text) is not None

    def read(self, source: Source, entries: Collected, faults: Faults) -> None:
        """Read the whole stream."""
        reader = _Reader(JsonEvents(source.stream), entries, faults)
        try:
            found = reader.document()
        except DocumentError as error:
            faults.add(reader.count + 1, error.fault)
            return
        if not found:
            raise ListFormatError(
                f"{source.file} has no `value` with Media or Cases; nothing was imported: "
                "export it from its program as a Project VIC hash set again"
            )


class _Reader:
    def __init__(self, events: JsonEvents, entries: Collected, faults: Faults) -> None:
        self.count = 0
        self._events = events
        self._entries = entries
        self._faults = faults
        self._cases = False

    def document(self) -> bool:
        """Read it all; False if there is no `value`."""
        events = self._events
        if events.next()[0] != "start_map":
            raise DocumentError(Fault.NOT_A_RECORD)
        found = False
        for key in events.members():
            if key == "value":
                if found:
                    raise DocumentError(Fault.DOUBLED_FIELD)
                found = True
                self._each(self._element)
            elif key in _CONTEXTS:
                context = events.scalar()
                self._cases = isinstance(context, str) and context.endswith("#Cases")
            else:
                events.skip_value()
        events.end()
        return found

    def _each(self, read: Callable[[], None]) -> None:
        """Read the objects of the array that comes next; null is none."""
        event, value = self._events.next()
        if event == "null":
            return
        if event != "start_array":
            raise DocumentError(Fault.NOT_A_LIST)
        for event, value in self._events.items():
            if event == "start_map":
                read()
            else:
                self._events.plain(event, value)
                self.count += 1
                self._faults.add(self.count, Fault.NOT_A_RECORD)

    def _element(self) -> None:
        """A Media, or a Case with its Media."""
        found: dict[str, Scalar] = {}
        case = False
        for key in self._events.members():
            name = key.lower()
            if name == "media":
                case = True
                self._each(self._media)
            elif name == "caseid":
                # a Media may name the case that it is from: this alone makes no Case
                found[name] = self._events.scalar()
            else:
                self._field(found, name)
        case = case or self._cases or "caseid" in found
        # hashes are of a Media, whatever else an element says that it is
        if not case or not _HASHING.isdisjoint(found):
            self._record(found)

    def _media(self) -> None:
        found: dict[str, Scalar] = {}
        for key in self._events.members():
            self._field(found, key.lower())
        self._record(found)

    def _field(self, found: dict[str, Scalar], name: str) -> None:
        if name in _PLAIN:
            collect(found, name, self._events.scalar())
        elif name in _LISTS:
            collect(found, name, texts(self._events))
        elif name == _ALTERNATIVE:
            collect(found, name, self._alternatives())
        elif name == _FILES:
            collect(found, name, self._files())
        else:
            self._events.skip_value()

    def _alternatives(self) -> Scalar:
        """(HashName, HashValue) of each, of which no more than can be used."""
        events = self._events
        event, value = events.next()
        if event == "null":
            return None
        if event != "start_array":
            events.plain(event, value)
            return STRUCTURE
        found: list[tuple[Scalar, Scalar]] = []
        for event, value in events.items():
            pair: dict[str, Scalar] = {}
            if event == "start_map":
                for key in events.members():
                    collect(pair, key.lower(), events.scalar())
            else:
                events.plain(event, value)
                pair["hashname"] = STRUCTURE
            if len(found) <= MAX_PARTS:
                found.append((pair.get("hashname"), pair.get("hashvalue")))
        return found

    def _files(self) -> Scalar:
        """What MediaFiles say beside places and dates: different hashes of each kind."""
        events = self._events
        event, value = events.next()
        if event != "start_array":
            events.plain(event, value)  # nothing else is wanted of it
            return None
        hashes: dict[tuple[str, Scalar], None] = {}
        alternatives: dict[tuple[Scalar, Scalar], None] = {}
        for event, value in events.items():
            if event != "start_map":
                events.plain(event, value)
                continue
            for key in events.members():
                name = key.lower()
                if name in _HASHES:
                    text = events.scalar()
                    if text and len(hashes) <= MAX_PARTS:
                        hashes[name, text] = None
                elif name == _ALTERNATIVE:
                    found = self._alternatives()
                    pairs = found if isinstance(found, list) else [(found, found)]
                    for pair in pairs if len(alternatives) <= MAX_PARTS and found else ():
                        alternatives[pair] = None
                else:
                    events.skip_value()
        return [*hashes, *alternatives]

    def _record(self, found: dict[str, Scalar]) -> None:
        self.count += 1
        try:
            take(_record(found), self._entries)
        except FaultyRecordError as error:
            self._faults.add(self.count, error.fault)


def _record(found: dict[str, Scalar]) -> Record:
    signals: dict[tuple[SignalType, bytes], None] = {}
    opaque: dict[tuple[str, bytes], None] = {}
    for name, signal in _HASHES.items():
        if text := text_of(field(found, name)).strip():
            signals[signal, hex_value(text, signal)] = None
    if text := text_of(field(found, "photodna")).strip():
        opaque[PHOTODNA, photodna_value(text)] = None
    for hash_name, hash_value in field(found, _ALTERNATIVE) or ():
        _alternative(text_of(hash_name), text_of(hash_value).strip(), signals, opaque)
    for hash_name, hash_value in field(found, _FILES) or ():
        try:
            _alternative(text_of(hash_name), text_of(hash_value).strip(), signals, opaque)
        except FaultyRecordError:
            if not signals:  # what nearly always repeats the Media's own need not be sound
                raise
    if len(signals) + len(opaque) > MAX_PARTS:
        raise FaultyRecordError(Fault.TOO_MANY_PARTS)
    return Record(
        tuple(signals),
        tuple(opaque),
        _category(field(found, "category")),
        checked_labels(_labels(field(found, "series")) + _tags(field(found, "tags"))),
        text_of(field(found, "precategorizationsource")).strip(),
        text_of(field(found, "mediaid")).strip(),
        utc_time(text_of(field(found, "dateupdated"))),
    )


def _alternative(
    hash_name: str,
    text: str,
    signals: dict[tuple[SignalType, bytes], None],
    opaque: dict[tuple[str, bytes], None],
) -> None:
    name = hash_name.lower().replace("-", "").replace("_", "").replace(" ", "")
    if not text:
        return
    if not OPAQUE_NAME.fullmatch(name):
        raise FaultyRecordError(Fault.UNKNOWN_TYPE)
    if signal := HASH_NAMES.get(name):
        signals[signal, hex_value(text, signal)] = None
    elif name == PHOTODNA:
        opaque[name, photodna_value(text)] = None
    else:
        opaque[name, text.encode("utf-8")] = None


def _category(value: Scalar) -> str:
    try:
        return text_of(value).strip()
    except FaultyRecordError as error:
        fault = Fault.NOT_A_CATEGORY if error.fault is Fault.NOT_A_VALUE else error.fault
        raise FaultyRecordError(fault) from None


def _labels(value: Scalar) -> list[str]:
    """Labels from an array, each as it is, or from one string."""
    if isinstance(value, list):
        return [text_of(item) for item in value]
    return [text_of(value).strip()]


def _tags(value: Scalar) -> list[str]:
    """Like `_labels`, with the string parted."""
    if isinstance(value, list):
        return _labels(value)
    return [part.strip() for part in text_of(value).split(LABEL_SEPARATOR)]
