"""Typed reading of one TOML table: what is wrong is noted with its element, and nothing raised."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar

Word = TypeVar("Word", bound=enum.StrEnum)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that the schema refuses: which file, which element of it, and why."""

    file: str
    element: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}: {self.element}: {self.text}"


class Fields:
    """One table of a file. Every getter notes a problem and returns a stand-in of its type, so
    that one pass finds them all; whoever reads must look at `problems` before using the result."""

    def __init__(self, file: str, element: str, table: Any, problems: list[Problem]) -> None:
        self.file = file
        self.element = element
        self.problems = problems
        self._table: dict[str, Any] = table if isinstance(table, dict) else {}
        self._read: set[str] = set()
        if not isinstance(table, dict):
            self.refuse("", "is not a table")

    def refuse(self, key: str, text: str) -> None:
        """Note a problem with one key of this table, or with the table itself."""
        element = f"{self.element}.{key}" if key and self.element else key or self.element
        self.problems.append(Problem(self.file, element, text))

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        return key in self._table

    def _take(self, key: str, required: bool) -> Any:
        self._read.add(key)
        if key not in self._table and required:
            self.refuse(key, "is missing")
        return self._table.get(key)

    def text(self, key: str, *, required: bool = True) -> str:
        """A text; not empty where it is required."""
        value = self._take(key, required)
        if value is None:
            return ""
        if not isinstance(value, str) or (required and not value.strip()):
            self.refuse(key, "must be a text that is not empty")
            return ""
        if not value.isprintable():
            self.refuse(key, "must be one line without control characters")
            return ""
        return value

    def texts(self, key: str, *, required: bool = False) -> tuple[str, ...]:
        """A list of texts."""
        value = self._take(key, required)
        if value is None:
            return ()
        if (
            not isinstance(value, list)
            or not all(isinstance(part, str) and part for part in value)
            or (required and not value)
        ):
            self.refuse(key, "must be a list of texts" + (" that is not empty" if required else ""))
            return ()
        if len(set(value)) != len(value):
            self.refuse(key, "holds a value twice")
        if not all(part.isprintable() for part in value):
            self.refuse(key, "must be lines without control characters")
            return ()
        return tuple(value)

    def word(self, key: str, kind: type[Word]) -> Word:
        """One word of a closed set."""
        value = self._take(key, True)
        return self._one(key, value, kind) if value is not None else next(iter(kind))

    def words(self, key: str, kind: type[Word]) -> tuple[Word, ...]:
        """Words of a closed set: one or a list."""
        value = self._take(key, True)
        if value is None:
            return ()
        parts = value if isinstance(value, list) else [value]
        if not parts:
            self.refuse(key, "is empty")
        if len({str(part) for part in parts}) != len(parts):
            self.refuse(key, "holds a value twice")
        return tuple(self._one(key, part, kind) for part in parts)

    def _one(self, key: str, value: Any, kind: type[Word]) -> Word:
        try:
            return kind(value)
        except ValueError:
            self.refuse(key, f"{value!r} is not one of {', '.join(kind)}")
            return next(iter(kind))

    def day(self, key: str, *, required: bool = True) -> date | None:
        """A calendar day, without a time."""
        value = self._take(key, required)
        if value is None:
            return None
        if not isinstance(value, date) or isinstance(value, datetime):
            self.refuse(key, "must be a day, as 2026-10-31")
            return None
        return value

    def flag(self, key: str, *, default: bool | None = None) -> bool:
        """True or false; required where it has no default."""
        value = self._take(key, default is None)
        if value is None:
            return bool(default)
        if not isinstance(value, bool):
            self.refuse(key, "must be true or false")
            return False
        return value

    def tables(self, key: str, *, required: bool = False) -> list[Fields]:
        """A list of tables, each with its number from 1."""
        value = self._take(key, required)
        if value is None:
            return []
        if not isinstance(value, list):
            self.refuse(key, "must be a list of tables")
            return []
        made = []
        for number, part in enumerate(value, 1):
            name = part.get("id") if isinstance(part, dict) else None
            label = f"{key}[{number}]" + (f" ({name})" if isinstance(name, str) else "")
            made.append(Fields(self.file, label, part, self.problems))
        return made

    def raw(self, key: str) -> Any:
        """Whatever is there."""
        return self._take(key, False)

    def finish(self) -> None:
        """Refuse the keys that nothing has asked for: a misspelt one must not be lost."""
        for key in self._table:
            if key not in self._read:
                self.refuse(key, "is not a key of this table")
