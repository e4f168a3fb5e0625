"""The field's exchange CSV: `indicator,type[,category[,labels…]]`.

RFC 4180 with commas, or with the semicolons or tabs that spreadsheets write instead; UTF-8 with or
without a byte-order mark, LF or CRLF. What is between the cells is told from the first row: what
makes it a header, or a digest or address with a type behind it. Rows that begin with `#` are
comments. A header is there if
its first cell is `indicator`; its columns are then found by name, and every column that is not
`indicator`, `type` or `category` gives labels. Types are written in our words or in those of
ThreatExchange's indicator types, in any case. An address is kept only as the SHA-256 of its
normalised form (`url`), or comes as that already (`url-sha256`). PhotoDNA is kept as an opaque
signal.
"""

from __future__ import annotations

import re
from binascii import unhexlify
from collections.abc import Sequence
from dataclasses import dataclass

from brightline.lists.collected import CODE, Collected, TooManyCategoriesError
from brightline.lists.formats.faults import Fault, Faults, FaultyRecordError, Unit
from brightline.lists.formats.interface import Source
from brightline.lists.formats.lines import csv_rows, first_row
from brightline.lists.formats.values import PHOTODNA, photodna_value, without_prefix
from brightline.lists.records import Record
from brightline.signals.url import url_digest
from brightline.types import Role, SignalType


@dataclass(frozen=True, slots=True)
class _Type:
    code: int
    digits: int  # 0: the cell is an address


def _hashed(signal: SignalType) -> _Type:
    return _Type(CODE[signal], 2 * signal.width)


_TYPES = {
    "md5": _hashed(SignalType.MD5),
    "sha1": _hashed(SignalType.SHA1),
    "sha-1": _hashed(SignalType.SHA1),
    "sha256": _hashed(SignalType.SHA256),
    "sha-256": _hashed(SignalType.SHA256),
    "pdq": _hashed(SignalType.PDQ),
    "url": _Type(CODE[SignalType.URL], 0),
    "url-sha256": _hashed(SignalType.URL),
    "url_sha256": _hashed(SignalType.URL),
    "hash_md5": _hashed(SignalType.MD5),
    "hash_sha1": _hashed(SignalType.SHA1),
    "hash_sha256": _hashed(SignalType.SHA256),
    "hash_pdq": _hashed(SignalType.PDQ),
    "video_md5": _hashed(SignalType.MD5),
    "video_sha256": _hashed(SignalType.SHA256),
    "uri": _Type(CODE[SignalType.URL], 0),
}

#: PhotoDNA, in base64 or hexadecimal: kept for a licensed matcher
_OPAQUE = frozenset(("photodna", "pdna", "hash_photodna"))
_KINDS = _OPAQUE.union(_TYPES)

_DELIMITERS = (",", ";", "\t")
_HEAD_BYTES = 1 << 16
_DIGEST = re.compile(r"(?:0[xX])?[0-9A-Fa-f]{16,}")
#: a line of digest text whose file name holds a comma
_DIGEST_AND_NAME = re.compile(r"\\?[0-9A-Fa-f]{16,}\s+\S")


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where the cells are; every other cell is a label."""

    indicator: int = 0
    type: int = 1
    category: int | None = 2

    @property
    def taken(self) -> tuple[int | None, ...]:
        """Positions that are no labels."""
        return self.indicator, self.type, self.category


class Csv:
    """The exchange CSV."""

    name = "csv"
    unit: Unit = "line"
    role: Role | None = None

    def recognises(self, head: bytes) -> bool:
        """Whether it starts with the header, or has a type second, or a digest before a comma."""
        if _delimiter(head) is not None:
            return True
        row = first_row(head)
        if len(row) < 2 or _DIGEST_AND_NAME.match(row[0]):
            return False
        return _DIGEST.fullmatch(row[0]) is not None

    def read(self, source: Source, entries: Collected, faults: Faults) -> None:
        """Read the whole stream."""
        delimiter = _delimiter(source.stream.peek(_HEAD_BYTES)) or ","
        rows = csv_rows(source.stream, faults, delimiter)
        columns = _Columns()
        for number, row in rows:
            if row[0].startswith("#"):
                continue
            if _is_header(row):
                found = _find_columns(row)
                if isinstance(found, Fault):
                    faults.add(number, found)
                    return  # without knowing the columns, every further fault would be a guess
                columns = found
            elif fault := _take(row, columns, entries):
                faults.add(number, fault)
            break
        for number, row in rows:
            if row[0].startswith("#"):
                continue
            if fault := _take(row, columns, entries):
                faults.add(number, fault)


def _delimiter(head: bytes) -> str | None:
    """What stands between the cells of a file that begins so; None if its first row tells none."""
    for delimiter in _DELIMITERS:
        row = first_row(head, delimiter)
        if len(row) > 1 and _is_header(row):
            return delimiter
        if len(row) > 1 and row[1].lower() in _KINDS and not _DIGEST_AND_NAME.match(row[0]):
            return delimiter
    return "," if _is_header(first_row(head)) else None


def _is_header(row: Sequence[str]) -> bool:
    return bool(row) and row[0].strip().lower() == "indicator"


def _find_columns(row: Sequence[str]) -> _Columns | Fault:
    names = [cell.strip().lower() for cell in row]
    if any(names.count(name) > 1 for name in ("indicator", "type", "category")):
        return Fault.DOUBLED_COLUMN
    if "type" not in names:
        return Fault.MISSING_COLUMN
    category = names.index("category") if "category" in names else None
    return _Columns(0, names.index("type"), category)


def _take(row: list[str], columns: _Columns, entries: Collected) -> Fault | None:
    count = len(row)
    if count <= columns.type:
        return Fault.MISSING_COLUMN
    text = row[columns.indicator].strip()
    name = row[columns.type]
    kind = _TYPES.get(name) or _TYPES.get(name.strip().lower())
    value = b""
    if kind is None:
        if name.strip().lower() not in _OPAQUE:
            return Fault.UNKNOWN_TYPE
        try:
            value = photodna_value(text)
        except FaultyRecordError as error:
            return error.fault
    elif kind.digits:
        if len(text) != kind.digits:
            text = without_prefix(text)
            if len(text) != kind.digits:
                return Fault.WRONG_LENGTH
        try:
            value = unhexlify(text)
        except ValueError:
            return Fault.NOT_HEX
    else:
        digest = url_digest(text)
        if digest is None:
            return Fault.NOT_AN_ADDRESS
        value = digest
    category = ""
    labels: list[str] = []
    if count > 2:
        if columns.category is not None and columns.category < count:
            category = row[columns.category].strip()
        if count > 3 or columns.category != 2:
            labels = [
                label
                for position, cell in enumerate(row)
                if position not in columns.taken and (label := cell.strip())
            ]
    try:
        if kind is None:
            opaque = ((PHOTODNA, value),)
            entries.add_record(Record((), opaque, category, tuple(labels)))
        else:
            entries.add(kind.code, value, category, labels)
    except TooManyCategoriesError:
        return Fault.TOO_MANY_CATEGORIES
    return None
