"""List files of every format, made by code from values that belong to nothing."""

from __future__ import annotations

import base64
import csv
import io
import json
import sqlite3
import struct
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brightline.lists.collected import Skip
from brightline.lists.duplicates import finish
from brightline.lists.exporting.groups import Group, groups
from brightline.lists.formats import read_entries
from brightline.types import SignalType
from tests.lists.helpers import value

CONTEXT_1 = "http://github.com/ICMEC/ProjectVic/DataModels/1.3.xml#"
CONTEXT_2 = "http://github.com/VICSDATAMODEL/ProjectVic/DataModels/2.0.xml/US/$metadata#"


@dataclass(frozen=True)
class Found:
    """What was read: records, skipped records by reason, and the format."""

    groups: list[Group]
    skipped: Counter[Skip]
    format: str

    def signals(self) -> list[list[tuple[str, str]]]:
        """Type and digits of each record's entries."""
        return [[(str(e.signal), e.value.hex()) for e in g.entries] for g in self.groups]


def read(data: bytes | Path, format_name: str | None = None, deltas: Sequence[Path] = ()) -> Found:
    """Read a list file from its bytes, or from where it lies."""
    if isinstance(data, Path):
        with data.open("rb") as stream:
            collected, found = read_entries(stream, str(data), format_name, deltas)
    else:
        raw: io.RawIOBase = io.BytesIO(data)  # type: ignore[assignment]
        collected, found = read_entries(
            io.BufferedReader(raw, 1 << 20), "FILE", format_name, deltas
        )
    return Found(list(groups(finish(collected)[0])), collected.skipped, found)


def digits(signal: str, number: int = 1) -> str:
    """Hexadecimal digits of a value."""
    return value(SignalType(signal), number).hex()


def photodna(number: int = 1) -> bytes:
    """As long as a PhotoDNA hash, and nothing else of it."""
    return (value(SignalType.SHA256, number) * 5)[:144]


def media(number: int = 1, **fields: Any) -> dict[str, Any]:
    """A Media of a VICS file as tools write it."""
    return {
        "MediaID": number,
        "Category": 1,
        "MD5": digits("md5", number).upper(),
        "SHA1": digits("sha1", number).upper(),
        "MediaSize": "1234",
        "IsPrecategorized": "true",
        "VictimIdentified": "False",
        "Exifs": [{"MD5": "x", "PropertyName": "needle", "PropertyValue": "v"}],
        "MediaFiles": [{"MD5": "x", "FileName": "needle.jpg", "FilePath": "a\\b"}],
        "Comments": "needle",
    } | fields


def vics(*medias: dict[str, Any], model: int = 2, cases: bool = False) -> bytes:
    """A VICS file."""
    kind = "Cases" if cases else "Media"
    key, context = ("odata.metadata", CONTEXT_1) if model == 1 else ("@odata.context", CONTEXT_2)
    records: list[Any] = list(medias)
    if cases:
        half = len(records) // 2
        records = [
            {"CaseID": "a", "CaseNumber": "1", "TotalMediaFiles": "9", "Media": records[:half]},
            {"CaseID": "b", "Contact": {"Name": "needle"}, "Media": records[half:]},
            {"CaseID": "c", "Media": None},
        ]
    return json.dumps({key: context + kind, "value": records}).encode()


def alternative(name: str | None, text: str | None) -> dict[str, Any]:
    """One of AlternativeHashes."""
    return {"MD5": "x", "HashName": name, "HashValue": text}


def encase(hashes: Sequence[bytes], category: str = "Notable", count: int | None = None) -> bytes:
    """An EnCase hash set."""
    header = bytearray(0x480)
    header[:16] = bytes.fromhex("48415348 0d0aff00 02000000 01000000")
    header[0x10:0x14] = struct.pack("<I", len(hashes) if count is None else count)
    header[0x408:0x412] = "names".encode("utf-16-le")
    text = category.encode("utf-16-le")
    header[0x458 : 0x458 + len(text)] = text
    return bytes(header) + b"".join(md5 + b"\0\0" for md5 in hashes)


def table(rows: Sequence[Sequence[object]], delimiter: str = ",", quote: bool = False) -> bytes:
    """A CSV."""
    out = io.StringIO(newline="")
    dialect = csv.unix_dialect if quote else csv.excel
    csv.writer(out, dialect, delimiter=delimiter).writerows(rows)
    return out.getvalue().encode()


ICSE_HEADER = [
    *("MD5", "SHA1", "PhotoDNA", "Image ID", "Is distributed", "Victim identified"),
    *("Offender identified", "Series name", "Number of submissions", "File Available"),
    *("Media Type", "Baseline"),
]
HSH_HEADER = [
    *("file_id", "hashset_id", "file_name", "directory", "hash", "file_size", "date_modified"),
    *("time_modified", "time_zone", "comments", "date_accessed", "time_accessed"),
]


def icse(*rows: Sequence[object]) -> bytes:
    """An ICSE export."""
    return table([ICSE_HEADER, *rows], ";")


def icse_row(number: int = 1, baseline: str = "Yes", series: str = "", pdna: str = "") -> list[str]:
    """A row of it."""
    hashes = [digits("md5", number).upper(), digits("sha1", number).upper(), pdna]
    return [*hashes, f"I{number}", "1", "true", "False", series, "3", "Yes", "Image", baseline]


def hsh(*rows: Sequence[object]) -> bytes:
    """A HashKeeper set."""
    return table([HSH_HEADER, *rows], quote=True)


def hsh_row(number: int = 1) -> list[object]:
    """A row of it."""
    times = ["", "", "", "needle", "", ""]
    return [number, 7, "ne\\edle.jpg", "C:\\", digits("md5", number).upper(), 5, *times]


def database(path: Path, *statements: str | tuple[str, Sequence[object]]) -> Path:
    """A SQLite file."""
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            text, parameters = (statement, ()) if isinstance(statement, str) else statement
            connection.execute(text, parameters)
        connection.commit()
    return path


KDB = (
    "CREATE TABLE db_properties (name TEXT NOT NULL, value TEXT)",
    "INSERT INTO db_properties VALUES ('Schema Version', '1')",
    "CREATE TABLE hashes (id INTEGER PRIMARY KEY AUTOINCREMENT, md5 BINARY(16) UNIQUE,"
    " sha1 BINARY(20), sha2_256 BINARY(32))",
    "CREATE TABLE file_names (name TEXT NOT NULL, hash_id INTEGER NOT NULL,"
    " PRIMARY KEY(name, hash_id))",
    "CREATE TABLE comments (comment TEXT NOT NULL, hash_id INTEGER NOT NULL,"
    " PRIMARY KEY(comment, hash_id))",
    "INSERT INTO comments VALUES ('needle', 1)",
    "CREATE INDEX md5_index ON hashes(md5)",
)


def kdb(path: Path, *rows: tuple[object, object, object]) -> Path:
    """An Autopsy hash set."""
    insert = "INSERT INTO hashes (md5, sha1, sha2_256) VALUES (?, ?, ?)"
    return database(path, *KDB, *((insert, row) for row in rows))


def nsrl_row(number: int, package: int = 1) -> tuple[object, ...]:
    """A row of FILE."""
    hashes = [digits(t, number).upper() for t in ("sha256", "sha1", "md5")]
    return (*hashes, "0A0B0C0D", "needle's.txt", 100 + number, package)


def nsrl(path: Path, *rows: tuple[object, ...], crc32: bool = True, key: bool = True) -> Path:
    """An NSRL publication of the minimal kind."""
    crc = " crc32 VARCHAR NOT NULL," if crc32 else ""
    unique = ", CONSTRAINT p PRIMARY KEY (sha256, sha1, md5, file_name, file_size, package_id)"
    keys = unique if key else ""
    kept = [row if crc32 else (*row[:3], *row[4:]) for row in rows]
    marks = ", ".join("?" * (7 if crc32 else 6))
    return database(
        path,
        f"CREATE TABLE FILE (sha256 VARCHAR NOT NULL, sha1 VARCHAR NOT NULL, md5 VARCHAR NOT NULL,"
        f"{crc} file_name VARCHAR NOT NULL, file_size INTEGER NOT NULL, package_id INTEGER{keys})",
        "CREATE TABLE PKG (package_id INTEGER, name VARCHAR)",
        "CREATE TABLE VERSION (version VARCHAR UNIQUE NOT NULL, build_set VARCHAR,"
        " build_date TIMESTAMP, release_date TIMESTAMP, description VARCHAR)",
        "CREATE VIEW DISTINCT_HASH AS SELECT DISTINCT sha256, sha1, md5 FROM FILE",
        "INSERT INTO VERSION VALUES ('2026.03.1', 'x', '2026', '2026', 'x')",
        *((f"INSERT INTO FILE VALUES ({marks})", row) for row in kept),
    )


def literal(cell: object) -> str:
    """A value in SQL."""
    return str(cell) if isinstance(cell, int) else "'" + str(cell).replace("'", "''") + "'"


def insert(row: tuple[object, ...]) -> str:
    """A statement that puts a row into FILE."""
    return f"INSERT INTO FILE VALUES({', '.join(map(literal, row))});\n"


def delta(path: Path, version: str, *statements: str) -> Path:
    """An NSRL delta."""
    newer = f"INSERT INTO VERSION VALUES ('{version}', 'x', '2026', '2026', 'x;y');\n"
    path.write_text(
        "-- RDS delta\nBEGIN TRANSACTION;\n" + newer + "".join(statements) + "COMMIT;\n"
    )
    return path


def hma(number: int = 1, **fields: Any) -> dict[str, Any]:
    """Bank content of HMA."""
    return {
        "id": number,
        "disable_until_ts": 1,
        "collab_metadata": {"EXCHANGE": ["k"]},
        "original_media_uri": "https://needle.example/",
        "bank": {"name": "BANK", "matching_enabled_ratio": 1.0},
        "signals": {"pdq": digits("pdq", number), "raw_text": "needle"},
    } | fields


def update(number: int = 1, **fields: Any) -> dict[str, Any]:
    """A threat update."""
    descriptor = {"owner": {"id": "17"}, "status": "MALICIOUS", "tags": ["t"], "added_on": "x"}
    return {
        "id": str(number),
        "indicator": digits("pdq", number),
        "type": "HASH_PDQ",
        "last_updated": 1_700_000_000,
        "should_delete": False,
        "descriptors": {"data": [descriptor], "paging": {"cursors": {}}},
    } | fields


def base64_text(raw: bytes) -> str:
    """Base64."""
    return base64.b64encode(raw).decode()
