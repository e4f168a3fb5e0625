"""NIST's NSRL Reference Data Set, version 3: a SQLite database of files that are *known*.

`FILE(sha256, sha1, md5, crc32, file_name, file_size, package_id)` in the minimal publications,
the table METADATA behind a view FILE in the full ones; hexadecimal in upper case, and columns
that a publication lacks are found out by PRAGMA (NIST, "RDSv3").
Known is not good, and never bad: such a list is for knowing what need not be looked at.

A row is a file of a package, so one hash has many rows; each distinct (sha256, sha1, md5) is
taken once. SQLite finds those, over the key that leads with sha256 where it can, else in a
temporary file of its own.

Deltas are applied in the order in which they are given, each with a VERSION after the last
one's. They are never run (`sql_changes`). What they do is done, with values bound as
parameters, to a private copy of the rows whose sha256 any of them names; the other rows come
from the publication itself, which is opened read-only. A statement on FILE has therefore to
name sha256; statements on the other tables are read and have no effect here.
"""

# ruff: noqa: S608  # statements are made of names that are quoted, and values are bound

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from brightline.errors import ListError, ListFormatError
from brightline.lists.collected import Collected, Skip
from brightline.lists.formats.database import MAGIC, Database, opened, quoted
from brightline.lists.formats.faults import Fault, Faults, FaultyRecordError, Unit
from brightline.lists.formats.interface import Source
from brightline.lists.formats.sql_changes import (
    Change,
    Delete,
    Insert,
    Literal,
    StatementError,
    Update,
    changes,
)
from brightline.lists.formats.values import hex_value, take_signal
from brightline.types import Role, SignalType

TABLES = ("file", "metadata")
_FILE = "file"
_VERSION = "version"
_OTHER_TABLES = frozenset(("pkg", "os", "mfg", _VERSION))
_KEY = "sha256"
_HASHES = {"sha256": SignalType.SHA256, "sha1": SignalType.SHA1, "md5": SignalType.MD5}
_NUMBERS = frozenset(("file_size", "package_id"))


class Nsrl:
    """NSRL RDS v3."""

    name = "nsrl"
    unit: Unit = "row"
    role: Role | None = Role.KNOWN_GOOD

    def recognises(self, head: bytes) -> bool:
        """Whether it is a SQLite database; whose, its tables say."""
        return head.startswith(MAGIC)

    def read(self, source: Source, entries: Collected, faults: Faults) -> None:
        """Read the distinct hashes, with the deltas of the source applied."""
        with opened(source) as database:
            name, table = _table(database)
            hashes = [column for column in _HASHES if column in database.columns(name)]
            if not hashes:
                raise database.damaged("its table of files has no column of hashes")
            wanted = ", ".join(quoted(column) for column in hashes)
            statement = f"SELECT DISTINCT {wanted} FROM {table}"
            if source.deltas:
                _Overlay(database, name, table).apply(source)
                statement = (
                    f"SELECT {wanted} FROM {table} AS f WHERE NOT EXISTS "
                    f"(SELECT 1 FROM main.touched AS t WHERE t.{_KEY} = f.{_KEY}) "
                    f"UNION SELECT {wanted} FROM main.overlay"
                )
            signals = [_HASHES[column] for column in hashes]
            for number, row in enumerate(database.query(statement), 1):
                try:
                    _take(signals, row, entries)
                except FaultyRecordError as error:
                    faults.add(number, error.fault)


def _table(database: Database) -> tuple[str, str]:
    for name in TABLES:
        if table := database.table(name):
            return name, table
    raise database.damaged("it has no table of files as the NSRL publishes it")


def _take(signals: list[SignalType], row: tuple[object, ...], entries: Collected) -> None:
    values = []
    for signal, cell in zip(signals, row, strict=True):
        if cell is None or cell == b"":
            continue
        if not isinstance(cell, bytes):
            raise FaultyRecordError(Fault.NOT_HEX)
        values.append((signal, hex_value(cell, signal)))
    if not values:
        entries.skip(Skip.NO_SIGNAL)
    for signal, value in values:
        take_signal(signal, value, "", entries)


class _Overlay:
    """The rows that deltas touch, in tables of the private database.

    `touched` holds every sha256 that a statement names, `overlay` the rows that have one of
    those after the statements so far.
    """

    def __init__(self, database: Database, name: str, table: str) -> None:
        if name != _FILE:
            raise ListError(
                "deltas can be applied to a minimal publication of the NSRL, whose FILE is a "
                "table; import the newer full publication instead"
            )
        self._database = database
        self._table = table
        self._columns = database.columns(name)
        if _KEY not in self._columns:
            raise database.damaged("its FILE has no sha256, by which deltas find their rows")
        self._version = _newest_version(database)
        self._version_columns = database.columns(_VERSION)

    def apply(self, source: Source) -> None:
        """Apply all deltas; ListFormatError names the one that cannot be, and the statement."""
        run = self._database.run
        run(f"CREATE TABLE main.touched ({_KEY} TEXT PRIMARY KEY) WITHOUT ROWID")
        kinds = ", ".join(
            f"{quoted(column)} {'INTEGER' if column in _NUMBERS else 'TEXT'}"
            for column in self._columns
        )
        run(f"CREATE TABLE main.overlay ({kinds})")
        for delta in source.deltas:
            with _refusing(delta) as place:
                for place[0], change in _changes_of(delta):
                    for key in self._keys(change):
                        run("INSERT OR IGNORE INTO main.touched VALUES (?)", (key,))
        columns = ", ".join(quoted(column) for column in self._columns)
        run(
            f"INSERT INTO main.overlay SELECT {columns} FROM {self._table} AS f "
            f"WHERE f.{_KEY} IN (SELECT {_KEY} FROM main.touched)"
        )
        run(f"CREATE INDEX main.by_key ON overlay ({_KEY})")
        for delta in source.deltas:
            with _refusing(delta) as place:
                newest = self._version
                for place[0], change in _changes_of(delta):
                    if change.table == _FILE:
                        self._change(change)
                    elif change.table == _VERSION:
                        newest = max(newest, self._named_version(change))
                if newest == self._version:
                    raise ListFormatError(
                        f"{delta} was refused and nothing was imported: it is not of a later "
                        "version than what comes before it; give deltas in the order of their "
                        "release, each once"
                    )
                self._version = newest

    def _keys(self, change: Change) -> list[str]:
        """The sha256 that a statement on FILE names; checks tables and columns."""
        if change.table in _OTHER_TABLES:
            return []
        if change.table != _FILE:
            raise FaultyRecordError(Fault.UNKNOWN_TABLE)
        found: list[Literal] = []
        named: list[str] = []
        match change:
            case Insert(columns=columns, rows=rows):
                named += columns or self._columns
                if len(named) != len(rows[0]) or len(set(named)) != len(named):
                    raise FaultyRecordError(Fault.UNKNOWN_COLUMN)
                if _KEY in named:
                    found += [row[named.index(_KEY)] for row in rows]
            case Update(values=values, conditions=conditions):
                named += [column for column, _ in (*values, *conditions)]
                found += [value for column, value in conditions if column == _KEY]
                if found:
                    found += [value for column, value in values if column == _KEY]
            case Delete(conditions=conditions):
                named += [column for column, _ in conditions]
                found += [value for column, value in conditions if column == _KEY]
        if not set(named).issubset(self._columns):
            raise FaultyRecordError(Fault.UNKNOWN_COLUMN)
        keys = [value for value in found if isinstance(value, str)]
        if not keys or len(keys) != len(found):
            raise FaultyRecordError(Fault.NO_KEY)
        return keys

    def _change(self, change: Change) -> None:
        run = self._database.run
        match change:
            case Insert(columns=columns, rows=rows):
                names = columns or self._columns
                listed = ", ".join(quoted(column) for column in names)
                marks = ", ".join("?" for _ in names)
                for row in rows:
                    run(f"INSERT INTO main.overlay ({listed}) VALUES ({marks})", row)
            case Update(values=values, conditions=conditions):
                listed = ", ".join(f"{quoted(column)} = ?" for column, _ in values)
                where, parameters = _where(conditions)
                run(
                    f"UPDATE main.overlay SET {listed} WHERE {where}",
                    (*(value for _, value in values), *parameters),
                )
            case Delete(conditions=conditions):
                where, parameters = _where(conditions)
                run(f"DELETE FROM main.overlay WHERE {where}", parameters)

    def _named_version(self, change: Change) -> str:
        """The newest version that a statement on VERSION names, empty if it names none."""
        match change:
            case Insert(columns=columns, rows=rows):
                names = columns or self._version_columns
                if _VERSION not in names or len(names) != len(rows[0]):
                    raise FaultyRecordError(Fault.UNKNOWN_COLUMN)
                place = list(names).index(_VERSION)
                return max(str(row[place] or "") for row in rows)
            case Update(values=values):
                return max(("", *(str(v or "") for column, v in values if column == _VERSION)))
            case Delete():
                return ""


def _where(conditions: tuple[tuple[str, Literal], ...]) -> tuple[str, tuple[Literal, ...]]:
    """Conditions as a statement of ours and its parameters."""
    return " AND ".join(f"{quoted(column)} IS ?" for column, _ in conditions), tuple(
        value for _, value in conditions
    )


def _newest_version(database: Database) -> str:
    table = database.table(_VERSION)
    if table is None or _VERSION not in database.columns(_VERSION):
        raise database.damaged("it has no VERSION, by which deltas are put in order")
    rows = database.query(f"SELECT {_VERSION} FROM {table}")
    versions = (cell.decode("utf-8", "replace") for (cell,) in rows if isinstance(cell, bytes))
    return max(versions, default="")


def _changes_of(delta: Path) -> Iterator[tuple[int, Change]]:
    with delta.open(encoding="utf-8", newline="") as stream:
        yield from changes(stream)


@contextmanager
def _refusing(delta: Path) -> Iterator[list[int]]:
    """Turn what is wrong with a statement into a refusal that names it by number.

    Yields a list whose only element is the number of the statement at hand.
    """
    place = [1]
    faults = Faults("statement")
    try:
        yield place
    except StatementError as error:
        faults.add(error.place, error.fault)
    except FaultyRecordError as error:
        faults.add(place[0], error.fault)
    except UnicodeDecodeError:
        faults.add(place[0], Fault.NOT_TEXT)
    except OSError as error:
        raise ListError(f"cannot read the delta {delta}: {error.strerror}") from None
    faults.refuse(str(delta))
