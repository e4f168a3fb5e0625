"""The formats of list files, each a module behind one interface."""

from __future__ import annotations

from io import BufferedReader

from brightline.errors import ListError, ListFormatError
from brightline.lists.collected import Collected, Faults
from brightline.lists.formats.csv_lists import Csv
from brightline.lists.formats.digests import Digests
from brightline.lists.formats.interface import ListFormat
from brightline.lists.formats.lines import first_line

__all__ = ["FORMATS", "ListFormat", "read_entries"]

#: in the order in which they are tried: a CSV line also starts as a digest does
FORMATS: tuple[ListFormat, ...] = (Csv(), Digests())

_HEAD_BYTES = 1 << 16


def read_entries(
    stream: BufferedReader, file: str, format_name: str | None
) -> tuple[Collected, str]:
    """All entries of a list file, and the name of its format.

    `file` is what messages call it. The format is the one named, or else recognised from the
    first line that says anything; a file with nothing but comments holds an empty list.
    Raises ListError for an unknown format name, and ListFormatError if the file is empty, not
    recognised, or has a line that cannot be used.
    """
    chosen = None if format_name is None else _by_name(format_name)
    head = stream.peek(_HEAD_BYTES)
    if not head:
        raise ListFormatError(f"{file} is empty: it has no bytes; nothing was imported")
    if chosen is None:
        chosen = _recognise(head, file)
    entries = Collected()
    faults = Faults()
    chosen.read(stream, entries, faults)
    faults.refuse(file)
    return entries, chosen.name


def _by_name(name: str) -> ListFormat:
    for candidate in FORMATS:
        if candidate.name == name:
            return candidate
    known = ", ".join(candidate.name for candidate in FORMATS)
    raise ListError(f"there is no list format of this name; known formats: {known}")


def _recognise(head: bytes, file: str) -> ListFormat:
    line = first_line(head)
    if line is None:
        return _by_name(Digests.name)
    for candidate in FORMATS:
        if candidate.recognises(line):
            return candidate
    known = " or ".join(f"--format {candidate.name}" for candidate in FORMATS)
    raise ListFormatError(
        f"the format of {file} cannot be told from its first line; say {known}; "
        "nothing was imported"
    )
