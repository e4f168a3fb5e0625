"""Autopsy and The Sleuth Kit hash sets (`.kdb`): a SQLite database.

Schema version 1 of The Sleuth Kit (tsk/hashdb/sqlite_hdb.cpp): `hashes(id, md5 BINARY(16)
UNIQUE, sha1 BINARY(20), sha2_256 BINARY(32))`, hashes as raw bytes and in practice MD5 alone;
`file_names` and `comments` may describe what nobody should read, and are not. Hashes that
stand as hexadecimal text are taken as well.
"""

# ruff: noqa: S608  # statements are made of names that are quoted, and values are bound

from __future__ import annotations

from brightline.lists.collected import Collected
from brightline.lists.formats.database import MAGIC, opened, quoted
from brightline.lists.formats.faults import Fault, Faults, FaultyRecordError, Unit
from brightline.lists.formats.interface import Source
from brightline.lists.formats.values import hex_value, take
from brightline.lists.records import Record
from brightline.types import Role, SignalType

TABLE = "hashes"
_COLUMNS = {"md5": SignalType.MD5, "sha1": SignalType.SHA1, "sha2_256": SignalType.SHA256}


class Autopsy:
    """Autopsy `.kdb`."""

    name = "autopsy"
    unit: Unit = "row"
    role: Role | None = None

    def recognises(self, head: bytes) -> bool:
        """Whether it is a SQLite database; whose, its tables say."""
        return head.startswith(MAGIC)

    def read(self, source: Source, entries: Collected, faults: Faults) -> None:
        """Read the table of hashes; ListFormatError if there is none."""
        with opened(source) as database:
            table = database.table(TABLE)
            columns = [name for name in _COLUMNS if name in database.columns(TABLE)]
            if table is None or not columns:
                raise database.damaged("it has no table of hashes as Autopsy makes it")
            wanted = ", ".join(quoted(name) for name in columns)
            signals = [_COLUMNS[name] for name in columns]
            rows = database.query(f"SELECT {wanted} FROM {table}")
            for number, row in enumerate(rows, 1):
                try:
                    found = [
                        (signal, _value(cell, signal))
                        for signal, cell in zip(signals, row, strict=True)
                        if cell is not None and cell != b""
                    ]
                    take(Record(tuple(found)), entries)
                except FaultyRecordError as error:
                    faults.add(number, error.fault)


def _value(cell: object, signal: SignalType) -> bytes:
    if not isinstance(cell, bytes):
        raise FaultyRecordError(Fault.NOT_HEX)
    return cell if len(cell) == signal.width else hex_value(cell, signal)
