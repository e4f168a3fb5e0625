"""Where a sync stands: records, ranges, the checkpoint and what is published.

One SQLite file. Every step is one transaction, made durable before the next (rollback journal,
synchronous=EXTRA), so that a kill at any moment leaves the state before or after a step.

Pages of a range go to `staged`, each together with the cursor of the page that follows. When
the range is exhausted, what is staged is merged into `records` in the transaction that moves
the checkpoint: `records` is always the source as of exhausted ranges. Within a range the later
change of a record counts (and of equally late ones the one met later); what a later range says
of a record replaces what an earlier one said.

A record is published if `published` is the digest of its content; `publication` then names the
version. A publication is begun by marking what it holds and ended by recording its version;
nothing is merged in between. The first publication of a state holds deletions too of records
that it never had: the list may be older than its state, if that was lost.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from brightline.lists.feeds.codec import decode, encode
from brightline.lists.feeds.database import Database
from brightline.lists.feeds.interface import Change, Delete, Page, Range, Upsert


class RangeRole(enum.StrEnum):
    """Why a range is fetched."""

    MAIN = "main"  # the next one; its end becomes the checkpoint
    HOLE = "hole"  # passed over before because of a bad page
    SALVAGE = "salvage"  # a part of a hole, for what can be had of it now


@dataclass(frozen=True, slots=True)
class OpenRange:
    """The range that is being fetched: where it is, since when, and how many of its pages were
    taken or passed over as bad."""

    range: Range
    role: RangeRole
    cursor: str | None
    fetched: datetime
    pages: int
    bad: int


class State(Database):
    """The state of one list's feed. Use as a context manager, under the feed's lock."""

    @property
    def checkpoint(self) -> str | None:
        """How far ranges are exhausted, in the feed's notation; None at the beginning."""
        return self._fact("checkpoint")

    @property
    def current(self) -> OpenRange | None:
        """The range that is being fetched."""
        row = self._db.execute(
            "SELECT first, until, last, role, cursor, fetched, pages, bad FROM ranges WHERE open"
        ).fetchone()
        if row is None:
            return None
        first, until, last, role, cursor, fetched, pages, bad = row
        moment = datetime.fromisoformat(fetched)
        part = Range(first, until, bool(last))
        return OpenRange(part, RangeRole(role), cursor, moment, pages, bad)

    def holes(self) -> list[Range]:
        """Ranges that bad pages kept from being read in full, oldest first."""
        rows = self._db.execute(
            "SELECT first, until, last FROM ranges WHERE role = ? AND NOT open ORDER BY id",
            (RangeRole.HOLE,),
        )
        return [Range(first, until, bool(last)) for first, until, last in rows]

    def begin(self, part: Range, role: RangeRole, now: datetime) -> None:
        """Open a range; it stays open until it is exhausted or abandoned."""
        with self._step():
            if role is RangeRole.HOLE:
                self._db.execute(
                    "DELETE FROM ranges WHERE role = ? AND first = ? AND until = ?",
                    (role, part.start, part.end),
                )
            self._db.execute(
                "INSERT INTO ranges (first, until, last, role, open, fetched, pages, bad)"
                " VALUES (?, ?, ?, ?, 1, ?, 0, 0)",
                (part.start, part.end, part.last, role, _text(now)),
            )

    def restart(self, now: datetime) -> None:
        """Forget what was fetched of the open range."""
        with self._step():
            self._db.execute("DELETE FROM staged")
            self._db.execute(
                "UPDATE ranges SET cursor = NULL, fetched = ?, pages = 0, bad = 0 WHERE open",
                (_text(now),),
            )

    def take(self, page: Page, now: datetime, *, bad: bool) -> None:
        """A page of the open range, and with the last one the end of the range. `bad` if some of
        the page could not be read."""
        with self._step():
            self._stage(page.changes)
            self._db.execute(
                "UPDATE ranges SET cursor = ?, fetched = ?, pages = pages + 1, bad = bad + ?"
                " WHERE open",
                (page.next, _text(now), bad),
            )
            if page.next is None:
                self._close_range(page.checkpoint)

    def abandon(self) -> None:
        """Keep what was fetched of the open range, whose rest cannot be reached."""
        with self._step():
            self._db.execute("UPDATE ranges SET bad = bad + 1 WHERE open")
            self._close_range("")

    def set_aside(self) -> None:
        """Take back the opening of a range that is a hole, or a part of one."""
        with self._step():
            self._db.execute("DELETE FROM staged")
            self._db.execute("DELETE FROM ranges WHERE open AND role = ?", (RangeRole.SALVAGE,))
            self._db.execute("UPDATE ranges SET open = 0, cursor = NULL WHERE open")

    def record_fault(self, fault: str, now: datetime) -> None:
        """Note that the next page of the open range is bad; `fault` holds nothing of it."""
        with self._step():
            self._db.execute(
                "INSERT INTO faults SELECT ?, first, until, pages + 1, ? FROM ranges WHERE open",
                (_text(now), fault),
            )

    def faults(self) -> list[tuple[str, Range, int, str]]:
        """Bad pages met so far: when, in which range, as which of its pages, what was wrong."""
        return [
            (at, Range(first, until, False), page, fault)
            for at, first, until, page, fault in self._db.execute(
                "SELECT at, first, until, page, fault FROM faults ORDER BY rowid"
            )
        ]

    def _stage(self, changes: tuple[Change, ...]) -> None:
        self._db.executemany(
            "INSERT INTO staged VALUES (?, ?, ?, ?) ON CONFLICT (source_id) DO UPDATE SET"
            " changed = excluded.changed, content = excluded.content, digest = excluded.digest"
            " WHERE excluded.changed >= changed OR excluded.changed = '' OR changed = ''",
            map(_row, changes),
        )

    def _close_range(self, checkpoint: str) -> None:
        """Merge, and move the checkpoint or leave a hole. Inside a transaction.

        An open-ended range with a bad page moves nothing: the next one begins where it did.
        """
        current = self.current
        assert current is not None
        self._db.execute(
            "INSERT INTO records (source, source_id, changed, content, digest)"
            " SELECT ?, source_id, changed, content, digest FROM staged WHERE true"
            " ON CONFLICT (source, source_id) DO UPDATE SET"
            " changed = excluded.changed, content = excluded.content, digest = excluded.digest",
            (self._source,),
        )
        self._db.execute("DELETE FROM staged")
        self._forget_deleted()
        whole = not current.bad
        end = checkpoint or current.range.end
        if current.role is RangeRole.MAIN and (whole or current.range.end):
            self._db.execute("INSERT OR REPLACE INTO facts VALUES ('checkpoint', ?)", (end,))
        if whole or current.role is RangeRole.SALVAGE or not current.range.end:
            self._db.execute("DELETE FROM ranges WHERE open")
        else:
            self._db.execute(
                "UPDATE ranges SET role = ?, open = 0, cursor = NULL WHERE open",
                (RangeRole.HOLE,),
            )

    def _forget_deleted(self) -> None:
        """Records gone at the source that the list does not hold either."""
        self._db.execute(
            "DELETE FROM records WHERE digest IS NULL AND published IS NULL AND pending IS NULL"
            " AND EXISTS (SELECT * FROM publications)"
        )

    # --- publication ------------------------------------------------------------------------

    def publication(self) -> str | None:
        """The token of the publication that is under way, or else of one of everything that is
        not published yet, which then is under way; None if there is nothing."""
        row = self._db.execute("SELECT token FROM publications WHERE version IS NULL").fetchone()
        if row is not None:
            return str(row[0])
        with self._step():
            number, before = self._db.execute(
                "SELECT ifnull(max(id), 0) + 1, ifnull((SELECT version FROM publications"
                " ORDER BY id DESC LIMIT 1), '') FROM publications"
            ).fetchone()
            gone = " OR digest IS NULL" if number == 1 else ""
            count = self._db.execute(
                f"UPDATE records SET pending = ? WHERE digest IS NOT published{gone}",  # noqa: S608
                (number,),
            ).rowcount
            if not count:
                return None
            token = hashlib.sha256(f"{self._fact('own')}\0{before}\0".encode())
            for source_id, content in self._db.execute(
                "SELECT source_id, digest FROM records WHERE pending = ? ORDER BY source_id",
                (number,),
            ):
                token.update(hashlib.sha256(source_id.encode()).digest() + (content or bytes(32)))
            self._db.execute(
                "INSERT INTO publications (id, token) VALUES (?, ?)", (number, token.hexdigest())
            )
            return token.hexdigest()

    def changes(self) -> Iterator[Change]:
        """What the publication under way holds, ordered by source id."""
        return self._changes("WHERE pending IS NOT NULL")

    def records(self) -> Iterator[Change]:
        """Every record of exhausted ranges, ordered by source id; a deletion for each that the
        list still holds."""
        return self._changes("")

    def _changes(self, condition: str) -> Iterator[Change]:
        query = f"SELECT source_id, changed, content FROM records {condition} ORDER BY source_id"  # noqa: S608
        for source_id, changed, content in self._db.execute(query):
            if content is None:
                yield Delete(source_id, changed)
            else:
                yield Upsert(decode(source_id, changed, content))

    def published(self, version: str) -> int:
        """End the publication under way: its changes, of which the number is returned, are in
        this version of the list."""
        with self._step():
            count = self._db.execute(
                "UPDATE records SET published = digest, publication = pending, pending = NULL"
                " WHERE pending IS NOT NULL"
            ).rowcount
            self._forget_deleted()
            self._db.execute(
                "UPDATE publications SET version = ? WHERE version IS NULL", (version,)
            )
        return count


def _row(change: Change) -> tuple[str, str, bytes | None, bytes | None]:
    match change:
        case Upsert(record):
            content = encode(record)
            return record.source_id, record.changed, content, hashlib.sha256(content).digest()
        case Delete(source_id, changed):
            return source_id, changed, None, None


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
