"""SQLite files of others, read without running anything that is in them.

The file is opened read-only and immutable, attached to a private temporary database of ours.
An authorizer lets through the statements that this program writes: reading columns of tables,
and changing tables of the private database. Views, triggers, functions, attaching and pragmas
of any kind are refused, whatever the file's schema says. Only ordinary tables are read (no
views and no virtual tables), and no row that is longer than 1 MiB.
https://www.sqlite.org/security.html, https://www.sqlite.org/uri.html (mode, immutable).
"""

# ruff: noqa: S608  # statements are made of names that are quoted, and values are bound

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from brightline.errors import ListError, ListFormatError
from brightline.lists.formats.interface import Source

MAGIC = b"SQLite format 3\0"

_ATTACHED = "given"
_MAX_ROW = 1 << 20
#: no row takes less of a file than this many bytes
_LEAST_ROW = 8
_SIDECARS = ("-wal", "-journal")
_READING = frozenset((sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ))
_CHANGING = frozenset(
    (
        sqlite3.SQLITE_INSERT,
        sqlite3.SQLITE_UPDATE,
        sqlite3.SQLITE_DELETE,
        sqlite3.SQLITE_CREATE_TABLE,
        sqlite3.SQLITE_CREATE_INDEX,
        sqlite3.SQLITE_REINDEX,
    )
)
_OURS = frozenset(("main", "temp"))


class Database:
    """A SQLite file that was given. Values of columns come as bytes, numbers as numbers.

    Every method raises ListFormatError where the file is damaged or not what it seems.
    """

    def __init__(self, connection: sqlite3.Connection, file: str, size: int) -> None:
        self._connection = connection
        self._file = file
        self._most = size // _LEAST_ROW
        self._added = 0
        self._tables = {
            _text(name).lower(): _text(name)
            for name, root in self.query(
                f"SELECT name, rootpage FROM {_ATTACHED}.sqlite_master WHERE type = 'table'"
            )
            if isinstance(root, int) and root > 0
        }

    def table(self, name: str) -> str | None:
        """How statements call an ordinary table, whatever its case; None if there is none."""
        found = self._tables.get(name)
        return None if found is None else f"{_ATTACHED}.{quoted(found)}"

    def columns(self, name: str) -> list[str]:
        """Stored columns of a table in lower case, in order; generated ones are left out."""
        found = self._tables.get(name)
        if found is None:
            return []
        rows = self.query(f"PRAGMA {_ATTACHED}.table_info({quoted(found)})")
        return [_text(row[1]).lower() for row in rows]

    def query(self, statement: str, parameters: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        """Rows of a statement of ours."""
        try:
            rows = self._connection.execute(statement, parameters)
            for count, row in enumerate(rows):
                if count > self._most + self._added:
                    raise self.damaged("it has more rows than fit into its size")
                yield row
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
                raise ListError(
                    f"there is no room for the temporary files that reading {self._file} takes; "
                    "set SQLITE_TMPDIR to a folder with as much room as the file's size"
                ) from None
            raise self.damaged("SQLite cannot read it") from None

    def run(self, statement: str, parameters: Sequence[object] = ()) -> None:
        """Run a statement of ours that changes the private database."""
        for _ in self.query(statement, parameters):
            pass
        self._added += 1

    def damaged(self, trouble: str) -> ListFormatError:
        """What to raise where the file cannot be used."""
        return ListFormatError(
            f"{self._file} was refused and nothing was imported: {trouble}; "
            "get the file from its source again"
        )


@contextmanager
def opened(source: Source) -> Iterator[Database]:
    """Open the database; the stream is read to its end first, so that it is digested.

    Raises ListError if it cannot be opened as a file, has changes pending in a journal beside
    it, or changed while it was read.
    """
    size = source.drain()
    path = Path(source.file)
    before = _stamp(path, source.file)
    if before[2] != size:
        raise ListError(
            f"{source.file} is a database, which is not read from a pipe, and must not change "
            "while it is read; save it to a file and import that"
        )
    for suffix in _SIDECARS:
        beside = path.with_name(path.name + suffix)
        if beside.exists() and beside.stat().st_size:
            raise ListError(
                f"{source.file} has changes that are still in {beside.name} beside it; open it "
                "once with the program that wrote it, close that, and import it again"
            )
    if _pages_size(path) > size:
        raise ListFormatError(
            f"{source.file} was refused and nothing was imported: it is cut off; "
            "get the file from its source again"
        )
    with closing(_connect(path, source.file)) as connection:
        connection.set_authorizer(_authorise)
        yield Database(connection, source.file, size)
    if _stamp(path, source.file) != before:
        raise ListError(f"{source.file} changed while it was read; import it again")


def _connect(path: Path, file: str) -> sqlite3.Connection:
    # an empty name is a private database on disk that SQLite deletes when it is closed
    connection = sqlite3.connect("", uri=True, isolation_level=None)
    try:
        connection.text_factory = bytes
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_ROW)
        connection.setlimit(sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH, 0)
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA temp_store = FILE")
        # the private database is gone after a crash in any case
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        address = f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1"
        connection.execute(f"ATTACH ? AS {_ATTACHED}", (address,))
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    except sqlite3.Error:
        connection.close()
        raise ListFormatError(
            f"{file} was refused and nothing was imported: SQLite cannot open it; "
            "get the file from its source again"
        ) from None
    return connection


def _pages_size(path: Path) -> int:
    """The size that the header says (https://www.sqlite.org/fileformat.html, 1.3); 0 if none."""
    with path.open("rb") as stream:
        header = stream.read(100).ljust(100, b"\0")
    if header[24:28] != header[92:96]:  # written by a version that did not keep the count
        return 0
    page = int.from_bytes(header[16:18], "big")
    return (65536 if page == 1 else page) * int.from_bytes(header[28:32], "big")


def _authorise(
    action: int, first: str | None, _second: str | None, database: str | None, inside: str | None
) -> int:
    """What SQLite asks for each part of a statement before it runs.

    `inside` is the view or trigger that the part comes from.
    """
    if inside is not None:
        return sqlite3.SQLITE_DENY
    allowed = (
        action in _READING
        or (action in _CHANGING and database in _OURS)
        or (action == sqlite3.SQLITE_PRAGMA and first == "table_info")
    )
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def _stamp(path: Path, file: str) -> tuple[int, int, int, int]:
    try:
        status = path.stat()
    except OSError as error:
        raise ListError(f"cannot read the list file {file}: {error.strerror}") from None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def quoted(name: str) -> str:
    """A name in a statement."""
    return '"' + name.replace('"', '""') + '"'


def _text(value: object) -> str:
    """A name that came as bytes; what is no UTF-8 is no name that anyone asks for."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else ""
