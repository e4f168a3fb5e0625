"""HashKeeper (`.hsh`): a CSV of files with their MD5.

The header is that which md5deep and The Sleuth Kit look for:
`"file_id","hashset_id","file_name","directory","hash","file_size","date_modified",…`. Kept are
the hash and, as the record's id, `file_id`; names and places are not. Files are in whatever
encoding Windows had: bytes are taken as Latin-1, which no hash and no id depends on.
"""

from __future__ import annotations

from brightline.lists.collected import Collected
from brightline.lists.formats.faults import Fault, Faults, FaultyRecordError, Unit
from brightline.lists.formats.header_tables import read_table
from brightline.lists.formats.interface import Source
from brightline.lists.formats.lines import first_row
from brightline.lists.formats.values import checked_text, hex_value
from brightline.lists.records import Record
from brightline.types import Role, SignalType

_ENCODING = "latin-1"
_WANTED = ("file_id", "hashset_id", "hash")


class HashKeeper:
    """HashKeeper `.hsh`."""

    name = "hashkeeper"
    unit: Unit = "line"
    role: Role | None = None

    def recognises(self, head: bytes) -> bool:
        """Whether the first line is the header."""
        names = {cell.lower() for cell in first_row(head, encoding=_ENCODING)}
        return names.issuperset(_WANTED)

    def read(self, source: Source, entries: Collected, faults: Faults) -> None:
        """Read the whole stream."""
        read_table(
            source, entries, faults, _record, wanted=_WANTED, needed=_WANTED, encoding=_ENCODING
        )


def _record(row: list[str], columns: dict[str, int]) -> Record:
    if len(row) <= max(columns.values()):
        raise FaultyRecordError(Fault.MISSING_COLUMN)
    value = hex_value(row[columns["hash"]].strip(), SignalType.MD5)
    source_id = checked_text(row[columns["file_id"]].strip())
    return Record(((SignalType.MD5, value),), source_id=source_id)
