"""CSV as exported from ICSE, Interpol's database, with semicolons.

Header: `MD5;SHA1;PhotoDNA;Image ID;Is distributed;Victim identified;Offender identified;Series
name;Number of submissions;File Available;Media Type;Baseline`.
Kept are the hashes, `Image ID` as the record's id, the series as a label, and the category
`baseline` where `Baseline` says yes: that the image meets Interpol's definition of the worst,
which is illegal nearly everywhere. Truth values come as words or digits; the others are not
needed.
"""

from __future__ import annotations

from brightline.lists.collected import Collected
from brightline.lists.formats.faults import Fault, Faults, FaultyRecordError, Unit
from brightline.lists.formats.header_tables import read_table
from brightline.lists.formats.interface import Source
from brightline.lists.formats.lines import first_row
from brightline.lists.formats.values import (
    PHOTODNA,
    checked_labels,
    checked_text,
    hex_value,
    photodna_value,
)
from brightline.lists.records import Record
from brightline.types import Role, SignalType

_HASHES = {"md5": SignalType.MD5, "sha1": SignalType.SHA1}
_SIGNATURE = ("md5", "sha1", "photodna", "image id")
_WANTED = (*_SIGNATURE, "series name", "baseline")
_YES = frozenset(("yes", "true", "1", "y"))
_NO = frozenset(("no", "false", "0", "n", ""))


class Icse:
    """ICSE CSV."""

    name = "icse"
    unit: Unit = "line"
    role: Role | None = None

    def recognises(self, head: bytes) -> bool:
        """Whether the first line is the header."""
        return {cell.lower() for cell in first_row(head, ";")}.issuperset(_SIGNATURE)

    def read(self, source: Source, entries: Collected, faults: Faults) -> None:
        """Read the whole stream."""
        read_table(
            source, entries, faults, _record, wanted=_WANTED, needed=_SIGNATURE, delimiter=";"
        )


def _record(row: list[str], columns: dict[str, int]) -> Record:
    if len(row) <= max(columns[name] for name in _SIGNATURE):
        raise FaultyRecordError(Fault.MISSING_COLUMN)
    cells = {
        name: checked_text(row[place].strip()) if place < len(row) else ""
        for name, place in columns.items()
    }
    baseline = cells.get("baseline", "").lower()
    return Record(
        tuple((signal, hex_value(cells[n], signal)) for n, signal in _HASHES.items() if cells[n]),
        ((PHOTODNA, photodna_value(cells["photodna"])),) if cells["photodna"] else (),
        category="baseline" if baseline in _YES else "" if baseline in _NO else cells["baseline"],
        labels=checked_labels([cells.get("series name", "")]),
        source_id=cells["image id"],
    )
