"""Entries while a list is being read: flat, growing columns."""

from __future__ import annotations

import enum
import hashlib
import struct
from array import array
from collections import Counter
from collections.abc import Sequence

from brightline.lists.records import Record
from brightline.types import SignalType

#: the types in the order of their codes, which is part of the content digest's definition
TYPES = (
    SignalType.MD5,
    SignalType.SHA1,
    SignalType.SHA256,
    SignalType.PDQ,
    SignalType.URL,
)
CODE = {signal: code for code, signal in enumerate(TYPES)}

#: between labels in `Collected.label_text`; a line that holds one is refused
LABEL_SEPARATOR = "\0"
_NUL = LABEL_SEPARATOR.encode()

#: a category is stored in 16 bits, and 0 means none
MAX_CATEGORIES = 65_535

#: bytes of a record's fingerprint
FINGERPRINT_BYTES = 16


class Skip(enum.StrEnum):
    """Why a sound record of a list gave no entry; counted in the manifest, never an error."""

    NO_SIGNAL = "no usable signal"
    OPAQUE_ONLY = "opaque signals only"
    DELETED = "deleted at the source"


class RefusedRecordError(Exception):
    """A record cannot be taken; which of the kinds below says why. Becomes a `Fault`."""


class TooManyCategoriesError(RefusedRecordError):
    """More different categories than 16 bits can number."""


class NotTextError(RefusedRecordError):
    """A text that holds NUL or a lone surrogate, as JSON can spell them."""


class Texts:
    """Many byte strings one after another: string k ends at `ends[k]` in `data`."""

    __slots__ = ("data", "ends")

    def __init__(self) -> None:
        self.data = bytearray()
        self.ends = array("q")

    def add(self, text: bytes) -> None:
        """Append one."""
        self.data += text
        self.ends.append(len(self.data))


class RecordColumns:
    """Records in file order. `submitters[k]` is 0 or the number of a name from 1."""

    def __init__(self) -> None:
        self.submitters = array("I")
        self.submitter_codes: dict[str, int] = {"": 0}
        self.source_ids = Texts()
        self.changed = Texts()
        self.fingerprints = bytearray()

    def __len__(self) -> int:
        return len(self.submitters)

    def add(self, submitter: str, source_id: bytes, changed: bytes, fingerprint: bytes) -> None:
        """Append one."""
        codes = self.submitter_codes
        self.submitters.append(codes.setdefault(submitter, len(codes)))
        self.source_ids.add(source_id)
        self.changed.add(changed)
        self.fingerprints += fingerprint


class OpaqueColumns:
    """Signals that are kept and not compared, in file order, with the record of each."""

    def __init__(self) -> None:
        self.records = array("I")
        self.kinds = array("H")
        self.kind_codes: dict[str, int] = {}
        self.values = Texts()
        self.categories = Texts()
        self.labels = Texts()


class Collected:
    """Entries in file order, at about 20 to 40 bytes each and nothing per entry on the heap.

    `types[i]` is the code of entry i, `values[code]` the values of the entries with that code
    one after another, `categories[i]` 0 or the number of a name in `category_names` (from 1).
    Labels are kept for the entries that have some: `label_entries[k]` is the entry, and its
    labels end at `label_ends[k]` in `label_text`. Once a record was added, `entry_records[i]`
    is the record of entry i, never falling; until then it is empty. Records cost about 60 bytes
    and their texts, opaque signals about 40 bytes and their values. `skipped` counts records
    without an entry.
    """

    def __init__(self) -> None:
        self.types = bytearray()
        self.values = tuple(bytearray() for _ in TYPES)
        self.categories = array("H")
        self.category_names: list[str] = []
        self.label_entries = array("q")
        self.label_ends = array("q")
        self.label_text = bytearray()
        self.entry_records = array("I")
        self.records = RecordColumns()
        self.opaque = OpaqueColumns()
        self.skipped: Counter[Skip] = Counter()
        self._category_codes: dict[str, int] = {"": 0}

    def add(self, code: int, value: bytes, category: str = "", labels: Sequence[str] = ()) -> None:
        """Take one entry that is a record of its own, of which nothing else is known.

        An empty category is none, and a label counts once. Raises TooManyCategoriesError.
        """
        number = self._category(category)
        if self.records:
            self._anonymous(1)
        text = LABEL_SEPARATOR.join(dict.fromkeys(labels)).encode("utf-8") if labels else b""
        self._take(code, value, number, text)

    def add_record(self, record: Record) -> None:
        """Take a record with all its signals, each of which becomes an entry.

        An empty category or label is none, and a label counts once.
        A record without any is counted as skipped by this method itself; its opaque signals
        are kept all the same. Raises RefusedRecordError, having taken nothing: NotTextError or
        TooManyCategoriesError; ValueError for a value that has not its type's width, which is
        the reader's error and not the file's.
        """
        if any(len(value) != signal.width for signal, value in record.signals):
            raise ValueError("a signal's value has not the width of its type")
        labels = tuple(dict.fromkeys(filter(None, record.labels)))
        encoded = _encoded(record, labels)
        source_id, changed, category, _, *rest = encoded.split(_NUL)
        text = _NUL.join(rest[: len(labels)])
        number = self._category(record.category) if record.signals else 0
        if len(self.types) and not self.records:
            self._anonymous(len(self.types))
        place = len(self.records)
        fingerprint = bytes(FINGERPRINT_BYTES)
        if source_id:
            fingerprint = _fingerprint(record, len(labels), encoded)
        self.records.add(record.submitter, source_id, changed, fingerprint)
        for signal, value in record.signals:
            self.entry_records.append(place)
            self._take(CODE[signal], value, number, text)
        opaque = self.opaque
        for kind, value in record.opaque:
            codes = opaque.kind_codes
            opaque.records.append(place)
            opaque.kinds.append(codes.setdefault(kind, len(codes)))
            opaque.values.add(value)
            opaque.categories.add(category)
            opaque.labels.add(text)
        if not record.signals:
            self.skip(Skip.OPAQUE_ONLY if record.opaque else Skip.NO_SIGNAL)

    def skip(self, reason: Skip, count: int = 1) -> None:
        """Count records that give no entry and that are not given to `add_record`."""
        self.skipped[reason] += count

    def _category(self, category: str) -> int:
        number = self._category_codes.get(category)
        if number is None:
            number = len(self.category_names) + 1
            if number > MAX_CATEGORIES:
                raise TooManyCategoriesError
            self._category_codes[category] = number
            self.category_names.append(category)
        return number

    def _anonymous(self, count: int) -> None:
        """Records for entries that came without one."""
        for _ in range(count):
            self.entry_records.append(len(self.records))
            self.records.add("", b"", b"", bytes(FINGERPRINT_BYTES))

    def _take(self, code: int, value: bytes, category: int, labels: bytes) -> None:
        if labels:
            self.label_entries.append(len(self.types))
            self.label_text += labels
            self.label_ends.append(len(self.label_text))
        self.types.append(code)
        self.values[code].extend(value)
        self.categories.append(category)


def _encoded(record: Record, labels: Sequence[str]) -> bytes:
    """All texts of a record in UTF-8, joined with NUL; raises NotTextError."""
    texts = (
        record.source_id,
        record.changed,
        record.category,
        record.submitter,
        *labels,
        *(kind for kind, _ in record.opaque),
    )
    joined = "\0".join(texts)
    if joined.count("\0") != len(texts) - 1:
        raise NotTextError
    try:
        return joined.encode("utf-8")
    except UnicodeEncodeError:
        raise NotTextError from None


def _fingerprint(record: Record, labels: int, encoded: bytes) -> bytes:
    """BLAKE2b-128 (RFC 7693) of all that a record says; equal records have equal ones."""
    sizes = (labels, len(record.signals), len(record.opaque), len(encoded))
    digest = hashlib.blake2b(digest_size=FINGERPRINT_BYTES)
    digest.update(struct.pack("<4Q", *sizes))
    digest.update(encoded)
    for signal, value in record.signals:
        digest.update(bytes([CODE[signal]]))
        digest.update(value)
    for _, value in record.opaque:
        digest.update(len(value).to_bytes(8, "little"))
        digest.update(value)
    return digest.digest()
