"""Entries while a list file is being read: flat, growing columns, and the faults met."""

from __future__ import annotations

import enum
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

from brightline.errors import ListFormatError
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

#: a category is stored in 16 bits, and 0 means none
MAX_CATEGORIES = 65_535

#: how many line numbers a refusal names
NAMED_LINES = 10


class Fault(enum.StrEnum):
    """What is wrong with a line; said without any of the line's content."""

    WRONG_LENGTH = "wrong length"
    NOT_HEX = "not hexadecimal"
    UNKNOWN_TYPE = "unknown type"
    MISSING_COLUMN = "missing column"
    DOUBLED_COLUMN = "column named twice"
    NOT_TEXT = "not UTF-8 text"
    NUL = "NUL byte"
    NOT_AN_ADDRESS = "not an address"
    QUOTING = "faulty quoting"
    LINE_TOO_LONG = "line too long"
    TOO_MANY_CATEGORIES = "too many different categories"


@dataclass(slots=True)
class Faults:
    """The first faulty lines (physical, from 1) and how many there are in all."""

    total: int = 0
    named: list[tuple[int, Fault]] = field(default_factory=list)

    def add(self, line: int, fault: Fault) -> None:
        """Count a faulty line."""
        self.total += 1
        if len(self.named) < NAMED_LINES:
            self.named.append((line, fault))

    def refuse(self, file: str) -> None:
        """Raise ListFormatError if there was any fault."""
        if not self.total:
            return
        self.named.sort()
        where = ", ".join(f"line {line} ({fault})" for line, fault in self.named)
        more = self.total - len(self.named)
        lines = "1 line" if self.total == 1 else f"{self.total} lines"
        raise ListFormatError(
            f"{file} was refused and nothing was imported: {lines} cannot be used: {where}"
            + (f" and {more} more" if more else "")
        )


class TooManyCategoriesError(Exception):
    """More different categories than 16 bits can number; becomes a `Fault`."""


class Collected:
    """Entries in file order, at about 20 to 40 bytes each and nothing per entry on the heap.

    `types[i]` is the code of entry i, `values[code]` the values of the entries with that code
    one after another, `categories[i]` 0 or the number of a name in `category_names` (from 1).
    Labels are kept for the entries that have some: `label_entries[k]` is the entry, and its
    labels end at `label_ends[k]` in `label_text`.
    """

    def __init__(self) -> None:
        self.types = bytearray()
        self.values = tuple(bytearray() for _ in TYPES)
        self.categories = array("H")
        self.category_names: list[str] = []
        self.label_entries = array("q")
        self.label_ends = array("q")
        self.label_text = bytearray()
        self._category_codes: dict[str, int] = {"": 0}

    def add(self, code: int, value: bytes, category: str = "", labels: Sequence[str] = ()) -> None:
        """Take one entry; an empty category is none, and a label counts once."""
        number = self._category_codes.get(category)
        if number is None:
            number = len(self.category_names) + 1
            if number > MAX_CATEGORIES:
                raise TooManyCategoriesError
            self._category_codes[category] = number
            self.category_names.append(category)
        if labels:
            self.label_entries.append(len(self.types))
            self.label_text += LABEL_SEPARATOR.join(dict.fromkeys(labels)).encode("utf-8")
            self.label_ends.append(len(self.label_text))
        self.types.append(code)
        self.values[code].extend(value)
        self.categories.append(number)
