"""What can be wrong with a part of a list file, said without any of its content."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Literal

from brightline.errors import ListFormatError

#: how many faulty places a refusal names
NAMED_PLACES = 10

#: what a format counts: lines of text, records, rows of a table, statements of SQL
Unit = Literal["line", "record", "row", "statement"]


class Fault(enum.StrEnum):
    """What is wrong with a line, record, row or statement."""

    WRONG_LENGTH = "wrong length"
    NOT_HEX = "not hexadecimal"
    NOT_BASE64 = "not base64"
    UNKNOWN_TYPE = "unknown type"
    MISSING_COLUMN = "missing column"
    DOUBLED_COLUMN = "column named twice"
    DOUBLED_FIELD = "field given twice"
    NOT_TEXT = "not UTF-8 text"
    NUL = "NUL byte"
    NOT_AN_ADDRESS = "not an address"
    NOT_A_DATE = "not a date"
    NOT_A_CATEGORY = "not a category"
    NOT_A_RECORD = "not a record"
    NOT_A_VALUE = "a structure where a plain value belongs"
    NOT_A_LIST = "a plain value where a list belongs"
    QUOTING = "faulty quoting"
    LINE_TOO_LONG = "line too long"
    TEXT_TOO_LONG = "text too long"
    TOO_MANY_PARTS = "too many labels or hashes in one record"
    TOO_DEEP = "nested too deeply"
    TOO_MANY_CATEGORIES = "too many different categories"
    NOT_JSON = "cut off or not JSON"
    PADDING = "unknown record layout"
    NOT_A_STATEMENT = "not an insertion, change or deletion that is allowed here"
    UNKNOWN_TABLE = "unknown table"
    UNKNOWN_COLUMN = "unknown column"
    NO_KEY = "a condition that does not name sha256"


class FaultyRecordError(Exception):
    """A record that cannot be used; a format turns it into a `Fault` with the place."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


@dataclass(slots=True)
class Faults:
    """The first faulty places (counted from 1) and how many there are in all.

    Lines are physical lines of the file.
    """

    unit: Unit = "line"
    total: int = 0
    named: list[tuple[int, Fault]] = field(default_factory=list)

    def add(self, place: int, fault: Fault) -> None:
        """Count a faulty place."""
        self.total += 1
        if len(self.named) < NAMED_PLACES:
            self.named.append((place, fault))

    def refuse(self, file: str) -> None:
        """Raise ListFormatError if there was any fault."""
        if not self.total:
            return
        self.named.sort()
        where = ", ".join(f"{self.unit} {place} ({fault})" for place, fault in self.named)
        more = self.total - len(self.named)
        places = f"1 {self.unit}" if self.total == 1 else f"{self.total} {self.unit}s"
        raise ListFormatError(
            f"{file} was refused and nothing was imported: {places} cannot be used: {where}"
            + (f" and {more} more" if more else "")
        )
