"""Autopsy's and the NSRL's SQLite files; hostile ones; deltas in SQL that is never run."""

from __future__ import annotations

import contextlib
import re
import shutil
import sqlite3
from pathlib import Path

import pytest

from brightline.errors import ListError, ListFormatError
from brightline.lists.collected import Skip
from brightline.lists.formats import suggested_role
from brightline.types import Role, SignalType
from tests.lists.formats.making import (
    KDB,
    database,
    delta,
    digits,
    insert,
    kdb,
    literal,
    nsrl,
    nsrl_row,
    read,
)
from tests.lists.helpers import value

MD5 = value(SignalType.MD5, 1)
SHA1 = value(SignalType.SHA1, 1)
SHA256 = value(SignalType.SHA256, 1)


def hashes(path: Path, *deltas: Path) -> set[str]:
    """SHA-256 of an NSRL set, in which each must come with its MD5."""
    found = read(path, deltas=deltas)
    assert found.format == "nsrl"
    every = [pair for signals in found.signals() for pair in signals]
    kept = {text for kind, text in every if kind == "sha256"}
    assert {text for kind, text in every if kind == "md5"} == {
        digits("md5", n) for n in range(20) if digits("sha256", n) in kept
    }
    return kept


def numbers(*found: int) -> set[str]:
    """What `hashes` finds for these rows."""
    return {digits("sha256", n) for n in found}


# --- Autopsy --------------------------------------------------------------------------------


def test_autopsy(tmp_path: Path) -> None:
    path = kdb(
        tmp_path / "a?b #1.kdb",
        (MD5, None, None),
        (digits("md5", 2).upper(), SHA1, SHA256),
        (None, None, None),
    )
    found = read(path)
    assert found.format == "autopsy"
    assert [signals for signals in found.signals() if signals] == [
        [("md5", MD5.hex())],
        [("md5", digits("md5", 2)), ("sha1", SHA1.hex()), ("sha256", SHA256.hex())],
    ]
    assert found.skipped == {Skip.NO_SIGNAL: 1}
    assert read(path, "autopsy").signals() == found.signals()


def test_a_bad_row_is_named_by_number(tmp_path: Path) -> None:
    path = kdb(tmp_path / "a.kdb", (MD5, None, None), (b"needle", None, None), (7, None, None))
    with pytest.raises(ListFormatError) as caught:
        read(path)
    assert "row 2 (wrong length), row 3 (not hexadecimal)" in str(caught.value)
    assert "needle" not in str(caught.value)


# --- hostile files --------------------------------------------------------------------------


def test_views_virtual_tables_and_generated_columns_are_not_read(tmp_path: Path) -> None:
    for number, statement in enumerate(
        [
            "CREATE VIEW hashes AS SELECT randomblob(16) AS md5",
            "CREATE VIRTUAL TABLE hashes USING fts5(md5)",
            "CREATE TABLE hashes (id, md5 GENERATED ALWAYS AS (hex(id)) VIRTUAL)",
        ]
    ):
        path = database(tmp_path / f"{number}.kdb", statement)
        with pytest.raises(ListFormatError, match=r"table of hashes|neither of Autopsy"):
            read(path)


def test_nothing_in_a_database_runs(tmp_path: Path) -> None:
    """Triggers, and indexes and checks over functions, of a file that is otherwise sound."""
    path = kdb(tmp_path / "a.kdb", (MD5, None, None))
    database(
        path,
        "CREATE TRIGGER t AFTER INSERT ON hashes BEGIN DELETE FROM hashes; END",
        "CREATE INDEX over ON hashes (abs(id))",
        "CREATE INDEX part ON hashes (md5) WHERE abs(id) > 0",
        "CREATE VIEW file AS SELECT load_extension('needle') AS sha256",
    )
    before = path.read_bytes()
    with contextlib.suppress(ListFormatError):
        assert read(path, "autopsy").signals() == [[("md5", MD5.hex())]]
    assert path.read_bytes() == before
    assert {other.name for other in tmp_path.iterdir()} == {"a.kdb"}


def test_a_long_cell_is_refused(tmp_path: Path) -> None:
    path = kdb(tmp_path / "a.kdb", (bytes(2 << 20), None, None))
    with pytest.raises(ListFormatError, match="SQLite cannot read it"):
        read(path)


def test_pending_changes_beside_a_database_are_not_overlooked(tmp_path: Path) -> None:
    path = kdb(tmp_path / "a.kdb", (MD5, None, None))
    with contextlib.closing(sqlite3.connect(path)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("INSERT INTO hashes (md5) VALUES (?)", (value(SignalType.MD5, 2),))
        writer.commit()
        with pytest.raises(ListError, match=r"changes that are still in a\.kdb-wal"):
            read(path)
    assert len(read(path).signals()) == 2


def test_a_database_is_not_read_from_a_pipe(tmp_path: Path) -> None:
    data = kdb(tmp_path / "a.kdb", (MD5, None, None)).read_bytes()
    with pytest.raises(ListError, match="FILE"):
        read(data)
    with pytest.raises(ListError, match="FILE"):
        read(data, "autopsy")


def test_other_databases_and_damaged_ones_are_refused(tmp_path: Path) -> None:
    other = database(tmp_path / "other.db", "CREATE TABLE needle (x)")
    with pytest.raises(ListFormatError, match="neither of Autopsy nor of the NSRL"):
        read(other)
    sound = kdb(tmp_path / "a.kdb", *((value(SignalType.MD5, n), None, None) for n in range(999)))
    data = sound.read_bytes()
    for keep in (100, 4096, len(data) // 2, len(data) - 1):
        cut = tmp_path / "cut.kdb"
        cut.write_bytes(data[:keep])
        with pytest.raises(ListFormatError, match="get the file from its source again"):
            read(cut)
    empty = database(tmp_path / "empty.kdb", KDB[2])
    assert read(empty).groups == []


# --- NSRL -----------------------------------------------------------------------------------


@pytest.mark.parametrize("crc32", [True, False])
def test_distinct_hashes_of_the_nsrl(tmp_path: Path, crc32: bool) -> None:
    rows = [nsrl_row(n, package) for n in range(5) for package in range(3)]
    path = nsrl(tmp_path / "rds.db", *rows, crc32=crc32)
    assert hashes(path) == numbers(*range(5))
    assert len(read(path).groups) == 15  # an entry each for three hashes of five files
    assert suggested_role("nsrl") is Role.KNOWN_GOOD
    assert suggested_role("vics") is None


def test_the_full_publication_has_its_hashes_in_metadata(tmp_path: Path) -> None:
    path = database(
        tmp_path / "rds.db",
        "CREATE TABLE METADATA (object_id INTEGER, sha256 VARCHAR, sha1 VARCHAR, md5 VARCHAR)",
        ("INSERT INTO METADATA VALUES (1, ?, ?, ?)", nsrl_row(1)[:3]),
        ("INSERT INTO METADATA VALUES (2, ?, ?, ?)", nsrl_row(1)[:3]),
        "CREATE VIEW FILE AS SELECT * FROM METADATA",
    )
    assert hashes(path) == numbers(1)
    with pytest.raises(ListError, match="minimal publication"):
        read(path, deltas=[delta(tmp_path / "d.sql", "2026.06.1", insert(nsrl_row(2)))])


def test_a_bad_hash_of_the_nsrl_is_refused(tmp_path: Path) -> None:
    path = nsrl(tmp_path / "rds.db", ("needle", *nsrl_row(1)[1:]))
    with pytest.raises(ListFormatError, match=r"row 1 \(wrong length\)") as caught:
        read(path)
    assert "needle" not in str(caught.value)


def where(row: tuple[object, ...], *columns: str) -> str:
    """A condition on a row of FILE."""
    names = ("sha256", "sha1", "md5", "crc32", "file_name", "file_size", "package_id")
    found = dict(zip(names, row, strict=True))
    return " AND ".join(f"{name} = {literal(found[name])}" for name in columns or names)


def test_deltas_apply_in_order(tmp_path: Path) -> None:
    path = nsrl(tmp_path / "rds.db", *(nsrl_row(n, p) for n in range(5) for p in (1, 2)))
    one = delta(
        tmp_path / "1.sql",
        "2026.06.1",
        insert(nsrl_row(7)),
        f"DELETE FROM FILE WHERE {where(nsrl_row(0, 1))};\n",  # its other package is still there
        f'delete from "FILE" where {where(nsrl_row(1), "sha256")};',
        f"UPDATE FILE SET sha256 = {literal(nsrl_row(8)[0])}, md5 = {literal(nsrl_row(8)[2])} "
        f"WHERE {where(nsrl_row(2), 'sha256')};",
        "INSERT INTO PKG VALUES (9, 'needle'), (10, NULL);",
    )
    two = delta(
        tmp_path / "2.sql",
        "2026.09.1",
        f"DELETE FROM FILE WHERE {where(nsrl_row(7), 'sha256')} AND crc32 IS NULL;\n",
        f"DELETE FROM FILE WHERE {where(nsrl_row(8), 'sha256', 'file_size')};\n",
        "INSERT INTO FILE (sha256, md5, sha1) VALUES "
        f"({', '.join(literal(nsrl_row(9)[k]) for k in (0, 2, 1))});",
    )
    before = path.read_bytes()
    assert hashes(path) == numbers(0, 1, 2, 3, 4)
    assert hashes(path, one) == numbers(0, 3, 4, 7, 8)
    # the row that became 8 still has the size of 2
    assert hashes(path, one, two) == numbers(0, 3, 4, 7, 8, 9)
    assert path.read_bytes() == before
    for order in ([two, one], [one, one], [delta(tmp_path / "0.sql", "2025.12.1")]):
        with pytest.raises(ListFormatError, match="order of their release"):
            read(path, deltas=order)


@pytest.mark.parametrize("seed", range(5))
def test_a_delta_does_what_sqlite_would(tmp_path: Path, seed: int) -> None:
    import random

    pick = random.Random(seed)
    rows = [nsrl_row(n, p) for n in range(8) for p in (1, 2)]
    path = nsrl(tmp_path / "rds.db", *rows, key=False)
    statements = []
    for serial in range(40):
        row = nsrl_row(pick.randrange(12), pick.choice([1, 2]))
        match pick.randrange(4):
            case 0:
                verb = pick.choice(["INSERT", "INSERT OR IGNORE", "insert or replace", "REPLACE"])
                made = insert((*row[:4], f"new {serial}", *row[5:]))
                statements.append(f"/* {serial}; **/" + made.replace("INSERT", verb, 1))
            case 1:
                statements.append(f"DELETE FROM FILE WHERE {where(row)};\n")
            case 2:
                condition = where(row, "sha256", "package_id")
                statements.append(f"DELETE FROM FILE WHERE {condition};\n")
            case _:
                other = nsrl_row(pick.randrange(12))
                changed = ", ".join(
                    f"{name} = {literal(other[k])}"
                    for k, name in enumerate(("sha256", "sha1", "md5"))
                )
                statements.append(
                    f"UPDATE FILE SET {changed}, file_name = 'moved {serial}' "
                    f"WHERE {where(row, 'sha256', 'file_size', 'package_id')};\n"
                )
    statements.insert(0, "COMMIT;\nPRAGMA foreign_keys=OFF; BEGIN IMMEDIATE TRANSACTION;\n")
    changes = delta(tmp_path / "1.sql", "2026.06.1", *statements)
    run = tmp_path / "run.db"
    shutil.copy(path, run)
    with contextlib.closing(sqlite3.connect(run)) as connection:
        connection.executescript(changes.read_text())
    assert hashes(path, changes) == hashes(run)


KEY = where(nsrl_row(1), "sha256")


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("ATTACH 'needle.db' AS x;", "not an insertion"),
        ("PRAGMA writable_schema = ON;", "not an insertion"),
        ("DROP TABLE FILE;", "not an insertion"),
        ("CREATE TABLE needle (x);", "not an insertion"),
        ("INSERT INTO FILE SELECT * FROM PKG;", "not an insertion"),
        ("INSERT OR NEEDLE INTO PKG VALUES (1, 'x');", "not an insertion"),
        ("INSERT OR INTO PKG VALUES (1, 'x');", "not an insertion"),
        ("BEGIN NEEDLE;", "not an insertion"),
        (f"UPDATE FILE SET md5 = hex(randomblob(16)) WHERE {KEY};", "not an insertion"),
        (f"DELETE FROM FILE WHERE {KEY} OR 1 = 1;", "not an insertion"),
        (f"DELETE FROM FILE WHERE {KEY} AND sha1 LIKE 'needle';", "not an insertion"),
        (f"DELETE FROM FILE WHERE {KEY} AND sha1 = NULL;", "not an insertion"),
        ("DELETE FROM FILE;", "not an insertion"),
        ("DELETE FROM FILE WHERE sha1 = 'needle';", "does not name sha256"),
        ("DELETE FROM FILE WHERE sha256 IS NULL;", "does not name sha256"),
        ("INSERT INTO FILE (sha1) VALUES ('needle');", "does not name sha256"),
        ("INSERT INTO FILE VALUES ('needle');", "unknown column"),
        ("INSERT INTO FILE (sha256, needle) VALUES ('x', 'y');", "unknown column"),
        (f"DELETE FROM FILE WHERE {KEY} AND needle = 1;", "unknown column"),
        ("INSERT INTO sqlite_master VALUES ('needle');", "unknown table"),
        ("DELETE FROM overlay WHERE sha256 = 'needle';", "unknown table"),
        ("INSERT INTO FILE VALUES ('needle", "not an insertion"),
        ("INSERT INTO PKG VALUES (99999999999999999999);", "not an insertion"),
        ("/* needle;", "not an insertion"),
        ("INSERT INTO PKG VALUES (1); /* needle * / ;", "not an insertion"),
        ("INSERT INTO PKG VALUES (1), (2, 3);", "not an insertion"),
        ("x" * 200_000, "not an insertion"),
    ],
)
def test_sql_that_is_no_plain_change_is_refused(tmp_path: Path, statement: str, fault: str) -> None:
    path = nsrl(tmp_path / "rds.db", nsrl_row(1))
    changes = delta(tmp_path / "1.sql", "2026.06.1", insert(nsrl_row(2)), statement)
    with pytest.raises(ListFormatError, match=rf"1\.sql .* statement \d+ \(.*{fault}") as caught:
        read(path, deltas=[changes])
    assert "nothing was imported" in str(caught.value)
    assert re.search(r"statement [345] ", str(caught.value))
    assert "needle" not in str(caught.value)
    assert {other.name for other in tmp_path.iterdir()} == {"rds.db", "1.sql"}


def test_statements_across_blocks_of_the_file(tmp_path: Path) -> None:
    path = nsrl(tmp_path / "rds.db", nsrl_row(1))
    statements = [insert((*nsrl_row(n % 20)[:4], "it''s;\n" * 9, n, 1)) for n in range(2000)]
    changes = delta(tmp_path / "1.sql", "2026.06.1", *statements)
    assert hashes(path, changes) == numbers(*range(20))


def test_a_delta_by_itself_or_for_another_format_is_refused(tmp_path: Path) -> None:
    changes = delta(tmp_path / "1.sql", "2026.06.1", insert(nsrl_row(2)))
    for name in (None, "nsrl", "csv"):
        with pytest.raises(ListFormatError, match="is SQL, which is not run"):
            read(changes, name)
    with pytest.raises(ListError, match="deltas are for the format nsrl"):
        read(kdb(tmp_path / "a.kdb", (MD5, None, None)), deltas=[changes])
    path = nsrl(tmp_path / "rds.db", nsrl_row(1))
    with pytest.raises(ListError, match="cannot read the delta"):
        read(path, deltas=[tmp_path / "none.sql"])
    changes.write_bytes(b"INSERT INTO PKG VALUES (1, '\xff');")
    with pytest.raises(ListFormatError, match=r"statement 1 \(not UTF-8 text\)"):
        read(path, deltas=[changes])
