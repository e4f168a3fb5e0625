"""The file that a sync's state lies in: SQLite, its schema, its transactions and its troubles."""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from brightline import storage
from brightline.errors import BrightlineError, DamagedError
from brightline.lists.feeds.errors import FeedError

_FORMAT = 1
_SCHEMA = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE records (
    source TEXT NOT NULL, source_id TEXT NOT NULL, changed TEXT NOT NULL, content BLOB,
    digest BLOB, published BLOB, publication INTEGER, pending INTEGER,
    PRIMARY KEY (source, source_id)) WITHOUT ROWID;
CREATE INDEX unpublished ON records (source_id) WHERE digest IS NOT published;
CREATE INDEX gone ON records (source_id) WHERE digest IS NULL;
CREATE INDEX pending ON records (pending) WHERE pending IS NOT NULL;
CREATE TABLE staged (
    source_id TEXT PRIMARY KEY, changed TEXT NOT NULL, content BLOB, digest BLOB) WITHOUT ROWID;
CREATE TABLE ranges (
    id INTEGER PRIMARY KEY, first TEXT NOT NULL, until TEXT NOT NULL, last INTEGER NOT NULL,
    role TEXT NOT NULL, open INTEGER NOT NULL, cursor TEXT, fetched TEXT NOT NULL,
    pages INTEGER NOT NULL, bad INTEGER NOT NULL);
CREATE TABLE faults (
    at TEXT NOT NULL, first TEXT NOT NULL, until TEXT NOT NULL, page INTEGER NOT NULL,
    fault TEXT NOT NULL);
CREATE TABLE publications (id INTEGER PRIMARY KEY, token TEXT NOT NULL, version TEXT);
"""


class Database:
    """An open file. Use as a context manager, under the feed's lock."""

    def __init__(self, path: Path, source: str, base: str) -> None:
        """Open or make it. `source` is the kind of feed and `base` its address: records of
        another feed are not mixed in, FeedError. DamagedError if it is no state."""
        self._path = path
        self._source = source
        storage.make_directory(path.parent)
        # made before SQLite does, which would leave its mode to the umask
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        path.chmod(0o600)
        self._db = sqlite3.connect(path, isolation_level=None)
        try:
            self._prepare(base)
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise self.trouble(error) from None
        except BaseException:
            self._db.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._db.close()

    def _prepare(self, base: str) -> None:
        self._db.execute("PRAGMA journal_mode=DELETE")
        self._db.execute("PRAGMA synchronous=EXTRA")
        self._db.execute("PRAGMA trusted_schema=OFF")
        with self._step():
            if not self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                for statement in _SCHEMA.split(";"):
                    self._db.execute(statement)
                facts = {"source": self._source, "base": base, "own": secrets.token_hex(16)}
                self._db.executemany("INSERT INTO facts VALUES (?, ?)", facts.items())
                self._db.execute(f"PRAGMA user_version={_FORMAT}")
        if self._db.execute("PRAGMA user_version").fetchone()[0] != _FORMAT:
            raise FeedError(f"{self._path} was written by another version of Brightline; use that")
        source, address = self._fact("source"), self._fact("base")
        if source is None or address is None:
            raise sqlite3.DatabaseError
        if (source, address) != (self._source, base):
            raise FeedError(
                f"{self._path} is of another feed; sync a second feed into a list of its own"
            )

    @contextmanager
    def _step(self) -> Iterator[None]:
        """One transaction."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def trouble(self, error: sqlite3.Error) -> BrightlineError:
        """What to raise where SQLite cannot go on."""
        code = getattr(error, "sqlite_errorname", "SQLITE_ERROR")
        if isinstance(error, sqlite3.OperationalError):
            return FeedError(
                f"the sync state {self._path} cannot be written or read ({code}); see to the "
                "disk's space and rights, and sync again"
            )
        return DamagedError(
            f"the sync state {self._path} is damaged ({code}); move it away and sync again: "
            "everything is then fetched anew"
        )

    def _fact(self, name: str) -> str | None:
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])
