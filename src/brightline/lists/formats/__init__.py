"""The formats of list files, each a module behind one interface."""

from __future__ import annotations

import re
from collections.abc import Sequence
from io import BufferedReader
from pathlib import Path

from brightline.errors import ListError, ListFormatError
from brightline.lists.collected import Collected
from brightline.lists.formats import autopsy, database, nsrl
from brightline.lists.formats.csv_lists import Csv
from brightline.lists.formats.digests import Digests
from brightline.lists.formats.encase import EnCase
from brightline.lists.formats.encodings import recoded, utf16_of
from brightline.lists.formats.faults import Fault, Faults
from brightline.lists.formats.hashkeeper import HashKeeper
from brightline.lists.formats.hma import Hma
from brightline.lists.formats.icse import Icse
from brightline.lists.formats.interface import ListFormat, Source
from brightline.lists.formats.threatexchange import ThreatExchangeCsv, ThreatExchangeText
from brightline.lists.formats.threatexchange_json import ThreatExchangeJson
from brightline.lists.formats.vics import Vics
from brightline.lists.scratch import IN_MEMORY, Scratch
from brightline.types import Role

__all__ = ["FORMATS", "Fault", "Faults", "ListFormat", "read_entries", "suggested_role"]

_AUTOPSY = autopsy.Autopsy()
_NSRL = nsrl.Nsrl()
_VICS = Vics()

#: in the order in which they are tried: a CSV line also starts as a digest does, and a file
#: that says nothing is an empty list of digests
FORMATS: tuple[ListFormat, ...] = (
    EnCase(),
    _NSRL,
    _AUTOPSY,
    _VICS,
    Hma(),
    ThreatExchangeJson(),
    ThreatExchangeCsv(),
    ThreatExchangeText(),
    Icse(),
    HashKeeper(),
    Csv(),
    Digests(),
)

_HEAD_BYTES = 1 << 16
_OBJECT = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{\s*"')
#: PROTO, the first opcode of a pickle of protocol 2 to 5 (pickletools)
_PICKLE = re.compile(rb"\x80[\x02-\x05]")
_SQL = re.compile(
    rb"(?:\s|--[^\n]*\n|/\*.*?\*/)*"
    rb"(?:BEGIN\b|PRAGMA\s|INSERT\s+(?:OR\s+\w+\s+)?INTO\b|REPLACE\s+INTO\b|UPDATE\s|DELETE\s+FROM\b)",
    re.IGNORECASE | re.DOTALL,
)


def read_entries(
    stream: BufferedReader,
    file: str,
    format_name: str | None,
    deltas: Sequence[Path] = (),
    scratch: Scratch = IN_MEMORY,
) -> tuple[Collected, str]:
    """All entries of a list file, and the name of its format.

    `file` is what messages call it, and where a database is opened. The format is the one
    named, or else recognised from the first bytes and, in a database, from its tables; a file
    with nothing but comments holds an empty list. `deltas` are SQL deltas of the NSRL, in the
    order in which they apply; `scratch` is where the entries go.
    Raises ListError for an unknown format name, and ListFormatError if the file is empty, not
    recognised, or has a line or record that cannot be used.
    """
    chosen = None if format_name is None else _by_name(format_name)
    head = stream.peek(_HEAD_BYTES)
    if not head:
        raise ListFormatError(f"{file} is empty: it has no bytes; nothing was imported")
    if codec := utf16_of(head):
        stream = recoded(stream, codec)
        head = stream.peek(_HEAD_BYTES)
    _refuse_programs(head, file)
    source = Source(stream, file, tuple(deltas))
    if chosen is None:
        chosen = _recognise(head, source)
    if deltas and chosen is not _NSRL:
        raise ListError(f"deltas are for the format {_NSRL.name}; {file} is {chosen.name}")
    entries = Collected(scratch)
    faults = Faults(chosen.unit)
    chosen.read(source, entries, faults)
    faults.refuse(file)
    return entries, chosen.name


def suggested_role(format_name: str) -> Role | None:
    """What being on a list of this format always means; None where the importer has to say.

    The NSRL's is known-good: as known-bad it would match the files of every computer.
    """
    return _by_name(format_name).role


def _by_name(name: str) -> ListFormat:
    for candidate in FORMATS:
        if candidate.name == name:
            return candidate
    raise ListError(f"there is no list format of this name; known formats: {_known()}")


def _known() -> str:
    return ", ".join(candidate.name for candidate in FORMATS)


def _refuse_programs(head: bytes, file: str) -> None:
    if _PICKLE.match(head):
        raise ListFormatError(
            f"{file} is a Python pickle, which can run any code when it is read; export the "
            "signals with `threatexchange dataset --print-signals --csv` and import that"
        )
    if _SQL.match(head):
        raise ListFormatError(
            f"{file} is SQL, which is not run; a delta of the NSRL changes a publication: "
            "import that and name the delta beside it"
        )


def _recognise(head: bytes, source: Source) -> ListFormat:
    if head.startswith(database.MAGIC):
        return _whose(source)
    for candidate in FORMATS:
        if candidate.recognises(head):
            return candidate
    if len(head) >= _HEAD_BYTES and _OBJECT.match(head):
        return _VICS  # of those in JSON, this alone may have much before its first record
    raise ListFormatError(
        f"the format of {source.file} cannot be told from its first bytes; name it with "
        f"--format, one of {_known()}; nothing was imported"
    )


def _whose(source: Source) -> ListFormat:
    """The format of a SQLite database by its tables."""
    with database.opened(source) as found:
        if any(found.table(name) for name in nsrl.TABLES):
            return _NSRL
        if found.table(autopsy.TABLE):
            return _AUTOPSY
        raise found.damaged("it is a SQLite database, but neither of Autopsy nor of the NSRL")
