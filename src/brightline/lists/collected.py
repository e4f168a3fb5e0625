"""Entries while a list is being read: flat, growing columns, of which little is in memory."""

from __future__ import annotations

import enum
import hashlib
import struct
import sys
from array import array
from collections import Counter
from collections.abc import Sequence

from brightline.lists.records import Record
from brightline.lists.scratch import BLOCK_BYTES, IN_MEMORY, Column, Scratch, Texts
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

#: between labels in `LabelColumns.text`; a line that holds one is refused
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


class RecordColumns:
    """Records in file order. `submitters[k]` is 0 or the number of a name from 1."""

    def __init__(self, scratch: Scratch) -> None:
        self.submitters = Column(array("i"), scratch)
        self.submitter_codes: dict[str, int] = {"": 0}
        self.source_ids = Texts(scratch)
        self.changed = Texts(scratch)
        self.fingerprints = Column(bytearray(), scratch)

    def __len__(self) -> int:
        return len(self.submitters)

    def add(self, submitter: str, source_id: bytes, changed: bytes, fingerprint: bytes) -> None:
        """Append one."""
        codes = self.submitter_codes
        self.submitters.head.append(codes.setdefault(submitter, len(codes)))
        self.source_ids.add(source_id)
        self.changed.add(changed)
        self.fingerprints.head += fingerprint


class OpaqueColumns:
    """Signals that are kept and not compared, in file order, with the record of each."""

    def __init__(self, scratch: Scratch) -> None:
        self.records = Column(array("I"), scratch)
        self.kinds = Column(array("i"), scratch)
        self.kind_codes: dict[str, int] = {}
        self.values = Texts(scratch)
        self.categories = Texts(scratch)
        self.labels = Texts(scratch)


class LabelColumns:
    """Labels of the entries that have some: those of `entries[k]` end at `ends[k]` in `text`."""

    def __init__(self, scratch: Scratch) -> None:
        self.entries = Column(array("q"), scratch)
        self.ends = Column(array("q"), scratch)
        self.text = Column(bytearray(), scratch)
        self._most = _most_rows(scratch)

    def add(self, entry: int, text: bytes) -> None:
        """Append those of the next entry that has some, joined with NUL."""
        self.entries.head.append(entry)
        self.text.head += text
        self.ends.head.append(self.text.before + len(self.text.head))
        if len(self.ends.head) >= self._most or (
            len(self.text.head) >= BLOCK_BYTES and self._most < sys.maxsize
        ):
            for column in (self.entries, self.ends, self.text):
                column.spill()


class Collected:
    """Entries in file order, at about 20 to 40 bytes each and nothing per entry on the heap.

    `types[i]` is the code of entry i, `values[code]` the values of the entries with that code
    one after another, `categories[i]` 0 or the number of a name in `category_names` (from 1).
    Once a record was added, `entry_records[i]` is the record of entry i, never falling; until
    then it is empty. Records cost about 60 bytes and their texts, opaque signals about 40 bytes
    and their values. `skipped` counts records without an entry. If the scratch has a folder, of
    every column only the last block is in memory.
    """

    def __init__(self, scratch: Scratch = IN_MEMORY) -> None:
        self.scratch = scratch
        self.types = Column(bytearray(), scratch)
        self.values = tuple(Column(bytearray(), scratch) for _ in TYPES)
        self.categories = Column(array("H"), scratch)
        self.category_names: list[str] = []
        self.labels = LabelColumns(scratch)
        self.entry_records = Column(array("I"), scratch)
        self.records = RecordColumns(scratch)
        self.opaque = OpaqueColumns(scratch)
        self.skipped: Counter[Skip] = Counter()
        self._category_codes: dict[str, int] = {"": 0}
        self._most = _most_rows(scratch)

    def add(self, code: int, value: bytes, category: str = "", labels: Sequence[str] = ()) -> None:
        """Take one entry that is a record of its own, of which nothing else is known.

        An empty category is none, and a label counts once. Raises TooManyCategoriesError.
        """
        number = self._category(category)
        if self.records:
            self._anonymous(1)
        text = LABEL_SEPARATOR.join(dict.fromkeys(labels)).encode("utf-8") if labels else b""
        self._take(code, value, number, text)
        if len(self.types.head) >= self._most:
            self._spill()

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
            self.entry_records.head.append(place)
            self._take(CODE[signal], value, number, text)
        opaque = self.opaque
        for kind, value in record.opaque:
            codes = opaque.kind_codes
            opaque.records.head.append(place)
            opaque.kinds.head.append(codes.setdefault(kind, len(codes)))
            opaque.values.add(value)
            opaque.categories.add(category)
            opaque.labels.add(text)
        if not record.signals:
            self.skip(Skip.OPAQUE_ONLY if record.opaque else Skip.NO_SIGNAL)
        self._relieve()

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
            self.entry_records.head.append(len(self.records))
            self.records.add("", b"", b"", bytes(FINGERPRINT_BYTES))
            self._relieve()

    def _take(self, code: int, value: bytes, category: int, labels: bytes) -> None:
        if labels:
            self.labels.add(len(self.types), labels)
        self.types.head.append(code)
        self.values[code].head.extend(value)
        self.categories.head.append(category)

    def _relieve(self) -> None:
        """Write columns out, if any is long; a record may have many entries or long texts."""
        opaque = self.opaque
        longest = max(
            len(self.types.head), len(self.records.submitters.head), len(opaque.kinds.head)
        )
        if longest >= self._most or (
            len(opaque.values.data.head) + len(opaque.labels.data.head) >= BLOCK_BYTES
            and self._most < sys.maxsize
        ):
            self._spill()

    def _spill(self) -> None:
        records, opaque = self.records, self.opaque
        columns = [self.types, *self.values, self.categories, self.entry_records]
        columns += [records.submitters, records.fingerprints, opaque.records, opaque.kinds]
        for texts in (
            records.source_ids,
            records.changed,
            opaque.values,
            opaque.categories,
            opaque.labels,
        ):
            columns += [texts.data, texts.ends]
        for column in columns:
            if column.head:
                column.spill()


def _most_rows(scratch: Scratch) -> int:
    """How long the part of a column in memory may get."""
    return sys.maxsize if scratch.folder is None else scratch.rows


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
