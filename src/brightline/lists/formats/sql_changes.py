"""The SQL of an RDS delta, read and never run: statements as data.

NIST publishes deltas as "SQL INSERT, UPDATE, and DELETE statements contained in a single SQL
file" (RDSv3 documentation). Understood is what such a file needs and nothing else:

    BEGIN [TRANSACTION] ;  COMMIT [TRANSACTION] ;  END [TRANSACTION] ;
    INSERT INTO table [(column, …)] VALUES (literal, …), … ;
    UPDATE table SET column = literal, … WHERE column = literal AND … ;
    DELETE FROM table WHERE column = literal AND … ;

with `column IS NULL` in conditions, names bare or in double quotes, literals that are strings,
whole numbers or NULL, and `--` comments. Anything else is a fault of that statement, and the
delta is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import TextIOBase
from typing import TypeVar

from brightline.lists.formats.faults import Fault

Literal = str | int | None
_T = TypeVar("_T")

_BLOCK = 1 << 16
#: characters of one token, and tokens of one statement
_MAX_TOKEN = 1 << 16
_MAX_TOKENS = 1 << 18
_INTEGER = 1 << 63
# possessive: a string whose end is still to come must not match up to a doubled quote in it
_TOKEN = re.compile(
    r"""(?P<space>\s+|--[^\n]*(?:\n|\Z))
      | (?P<string>'(?:[^']++|'')*+')
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*|"[A-Za-z_][A-Za-z0-9_]*")
      | (?P<number>-?[0-9]+)
      | (?P<mark>[(),;=])""",
    re.VERBOSE,
)


class StatementError(Exception):
    """A statement that is not one of those above; `place` counts statements from 1."""

    def __init__(self, place: int, fault: Fault) -> None:
        super().__init__(str(fault))
        self.place = place
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Insert:
    """Rows for a table; without column names in the order of the table's."""

    table: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Literal, ...], ...]


@dataclass(frozen=True, slots=True)
class Update:
    """New values for the rows of a table that meet all conditions."""

    table: str
    values: tuple[tuple[str, Literal], ...]
    conditions: tuple[tuple[str, Literal], ...]


@dataclass(frozen=True, slots=True)
class Delete:
    """The rows of a table that meet all conditions go."""

    table: str
    conditions: tuple[tuple[str, Literal], ...]


Change = Insert | Update | Delete


def changes(stream: TextIOBase) -> Iterator[tuple[int, Change]]:
    """The changes of a delta in order, each with the number of its statement from 1.

    Raises StatementError; UnicodeDecodeError if the stream does.
    """
    statement: list[tuple[str, str]] = []
    place = 1
    for kind, text in _tokens(stream):
        if kind == "error" or len(statement) > _MAX_TOKENS:
            raise StatementError(place, Fault.NOT_A_STATEMENT)
        if (kind, text) != ("mark", ";"):
            statement.append((kind, text))
            continue
        change = _Parser(statement, place).change()
        if change is not None:
            yield place, change
        statement = []
        place += 1
    if statement:
        raise StatementError(place, Fault.NOT_A_STATEMENT)


def _tokens(stream: TextIOBase) -> Iterator[tuple[str, str]]:
    text = ""
    position = 0
    ended = False
    while True:
        found = _TOKEN.match(text, position)
        # a token at the very end may go on in the next block
        if not ended and (found is None or found.end() >= len(text) - 1):
            if len(text) - position > _MAX_TOKEN + _BLOCK:
                yield "error", ""
                return
            block = stream.read(_BLOCK)
            ended = not block
            text = text[position:] + block
            position = 0
            continue
        if found is None:
            if position < len(text):
                yield "error", ""
            return
        position = found.end()
        kind = found.lastgroup or "error"
        if kind != "space":
            yield kind, found[0]


class _Parser:
    """One statement, without its semicolon."""

    def __init__(self, tokens: list[tuple[str, str]], place: int) -> None:
        self._tokens = tokens
        self._next = 0
        self._place = place

    def change(self) -> Change | None:
        """What it changes; None for an empty one and for the bounds of a transaction."""
        if not self._tokens:
            return None
        verb = self._name()
        change: Change | None = None
        if verb == "insert":
            change = self._insert()
        elif verb == "update":
            change = self._update()
        elif verb == "delete":
            self._word("from")
            change = Delete(self._name(), self._where())
        elif verb in ("begin", "commit", "end"):
            if self._next < len(self._tokens):
                self._word("transaction")
        else:
            raise self._refused()
        if self._next != len(self._tokens):
            raise self._refused()
        return change

    def _insert(self) -> Insert:
        self._word("into")
        table = self._name()
        columns: tuple[str, ...] = ()
        if self._peek() == ("mark", "("):
            columns = tuple(self._listed(self._name))
        self._word("values")
        rows = [tuple(self._listed(self._literal))]
        while self._comma():
            rows.append(tuple(self._listed(self._literal)))
        if any(len(row) != len(columns or rows[0]) for row in rows):
            raise self._refused()
        return Insert(table, columns, tuple(rows))

    def _update(self) -> Update:
        table = self._name()
        self._word("set")
        values = [self._assignment()]
        while self._comma():
            values.append(self._assignment())
        return Update(table, tuple(values), self._where())

    def _assignment(self) -> tuple[str, Literal]:
        name = self._name()
        self._mark("=")
        return name, self._literal()

    def _where(self) -> tuple[tuple[str, Literal], ...]:
        self._word("where")
        found = [self._condition()]
        while self._next < len(self._tokens):
            self._word("and")
            found.append(self._condition())
        return tuple(found)

    def _condition(self) -> tuple[str, Literal]:
        name = self._name()
        if self._peek() == ("mark", "="):
            self._mark("=")
            value = self._literal()
            if value is None:  # in SQL `= NULL` is true of nothing
                raise self._refused()
            return name, value
        self._word("is")
        self._word("null")
        return name, None

    def _listed(self, one: Callable[[], _T]) -> list[_T]:
        self._mark("(")
        found = [one()]
        while self._comma():
            found.append(one())
        self._mark(")")
        return found

    def _comma(self) -> bool:
        if self._peek() != ("mark", ","):
            return False
        self._next += 1
        return True

    def _literal(self) -> Literal:
        kind, text = self._take()
        if kind == "string":
            return text[1:-1].replace("''", "'")
        if kind == "number" and len(text) < 20 and -_INTEGER <= int(text) < _INTEGER:
            return int(text)
        if kind == "name" and text.lower() == "null":
            return None
        raise self._refused()

    def _name(self) -> str:
        kind, text = self._take()
        if kind != "name":
            raise self._refused()
        return text.strip('"').lower()

    def _word(self, word: str) -> None:
        if self._take() not in (("name", word), ("name", word.upper())):
            raise self._refused()

    def _mark(self, mark: str) -> None:
        if self._take() != ("mark", mark):
            raise self._refused()

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._next] if self._next < len(self._tokens) else ("end", "")

    def _take(self) -> tuple[str, str]:
        token = self._peek()
        self._next += 1
        return token

    def _refused(self) -> StatementError:
        return StatementError(self._place, Fault.NOT_A_STATEMENT)
