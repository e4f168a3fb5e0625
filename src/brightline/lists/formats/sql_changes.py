"""The SQL of an RDS delta, read and never run: statements as data.

NIST publishes deltas as "SQL INSERT, UPDATE, and DELETE statements contained in a single SQL
file" (RDSv3 documentation). Understood is what such a file needs and nothing else:

    BEGIN [DEFERRED | IMMEDIATE | EXCLUSIVE] [TRANSACTION] ;  COMMIT | END [TRANSACTION] ;
    INSERT [OR IGNORE | OR REPLACE | …] INTO table [(column, …)] VALUES (literal, …), … ;
    REPLACE INTO table …, as INSERT OR REPLACE ;
    UPDATE [OR …] table SET column = literal, … WHERE column = literal AND … ;
    DELETE FROM table WHERE column = literal AND … ;
    PRAGMA foreign_keys = value ;  and others of its kind, which are passed over

with `column IS NULL` in conditions, names bare or quoted (`"…"`, `[…]`, backquotes), literals that
are strings, whole numbers or NULL, and comments (`--` and `/* */`). Anything else is a fault of
that statement, and the delta is refused.

`OR IGNORE` and its like say what to do with a row that is there already. The key of the NSRL's
table is the whole row, so such a row says what the one before said: it is inserted either way.
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
_CONFLICTS = frozenset(("abort", "fail", "ignore", "replace", "rollback"))
#: how to write a database quickly, as dumps begin; nothing here depends on it
_PRAGMAS = frozenset(
    ("cache_size", "foreign_keys", "journal_mode", "locking_mode", "synchronous", "temp_store")
)
_KINDS = frozenset(("deferred", "immediate", "exclusive"))
_TOKEN = re.compile(
    r"""(?P<space>\s+|--[^\n]*(?:\n|\Z)|/\*(?:[^*]++|\*(?!/))*+\*/)
      | (?P<string>'(?:[^']++|'')*+')
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*|"[A-Za-z_][A-Za-z0-9_]*"
                |\[[A-Za-z_][A-Za-z0-9_]*\]|`[A-Za-z_][A-Za-z0-9_]*`)
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
        if verb in ("insert", "replace"):
            change = self._insert(replacing=verb == "replace")
        elif verb == "update":
            change = self._update()
        elif verb == "delete":
            self._word("from")
            change = Delete(self._name(), self._where())
        elif verb in ("begin", "commit", "end"):
            if verb == "begin" and self._peek()[1].lower() in _KINDS:
                self._name()
            if self._next < len(self._tokens):
                self._word("transaction")
        elif verb == "pragma":
            if self._name() not in _PRAGMAS:
                raise self._refused()
            self._mark("=")
            self._take()
        else:
            raise self._refused()
        if self._next != len(self._tokens):
            raise self._refused()
        return change

    def _insert(self, *, replacing: bool) -> Insert:
        if not replacing:
            self._conflict()
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

    def _conflict(self) -> None:
        """`OR IGNORE` and the like, which change nothing here."""
        if self._peek()[1].lower() == "or":
            self._name()
            if self._name() not in _CONFLICTS:
                raise self._refused()

    def _update(self) -> Update:
        self._conflict()
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
        return text.strip('"[]`').lower()

    def _word(self, word: str) -> None:
        kind, text = self._take()
        if kind != "name" or text.lower() != word:
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
