"""Reading a list file line by line: what all text formats share."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from io import BufferedReader
from itertools import chain

from brightline.lists.formats.faults import Fault, Faults

BOM = b"\xef\xbb\xbf"
_BLOCK = 1 << 20
#: what a line that cannot be read is replaced by, so that the count of lines stays right
_BLANK = b"\n"


def line_blocks(stream: BufferedReader, faults: Faults) -> Iterator[list[bytes]]:
    """The file's lines with their ends, many at a time, without a byte-order mark.

    Lines end with LF, CR LF or CR. A line with a NUL byte is a fault and comes out blank. At a
    line of more than 1 MiB reading stops: this is not a list.
    """
    count = 0
    rest = b""
    first = True
    while data := stream.read(_BLOCK):
        block = rest + data
        if first:
            block = block.removeprefix(BOM)
            first = False
        cut = block.rfind(b"\n") + 1
        if not cut and len(block) > _BLOCK:
            faults.add(count + 1, Fault.LINE_TOO_LONG)
            return
        rest = block[cut:]
        if lines := _split(block[:cut], count, faults):
            count += len(lines)
            yield lines
    if lines := _split(rest, count, faults):
        yield lines


def _split(block: bytes, count: int, faults: Faults) -> list[bytes]:
    lines = block.splitlines(keepends=True)
    if b"\0" in block:
        for position, line in enumerate(lines):
            if b"\0" in line:
                faults.add(count + position + 1, Fault.NUL)
                lines[position] = _BLANK
    return lines


def text_lines(
    stream: BufferedReader, faults: Faults, encoding: str = "utf-8"
) -> Iterator[list[str]]:
    """Like `line_blocks` as text; a line not in this encoding is a fault and comes out blank."""
    count = 0
    for block in line_blocks(stream, faults):
        try:
            lines = [line.decode(encoding) for line in block]
        except UnicodeDecodeError:
            lines = []
            for position, line in enumerate(block):
                try:
                    lines.append(line.decode(encoding))
                except UnicodeDecodeError:
                    faults.add(count + position + 1, Fault.NOT_TEXT)
                    lines.append(_BLANK.decode())
        count += len(block)
        yield lines


def csv_rows(
    stream: BufferedReader, faults: Faults, delimiter: str = ",", encoding: str = "utf-8"
) -> Iterator[tuple[int, list[str]]]:
    """Rows of RFC 4180 that are not blank, each with the physical line on which it starts."""
    lines = chain.from_iterable(text_lines(stream, faults, encoding))
    reader = csv.reader(lines, strict=True, delimiter=delimiter)
    end = 0
    while True:
        try:
            for row in reader:
                start = end + 1
                end = reader.line_num
                if len(row) > 1 or (row and row[0].strip()):
                    yield start, row
            return
        except csv.Error:
            faults.add(end + 1, Fault.QUOTING)
            end = reader.line_num


def first_line(head: bytes) -> bytes | None:
    """The first line that is neither blank nor a `#` comment, stripped; None if there is none."""
    for line in head.removeprefix(BOM).splitlines():
        stripped = line.strip()
        if stripped and not stripped.startswith(b"#"):
            return stripped
    return None


def first_row(head: bytes, delimiter: str = ",", encoding: str = "utf-8") -> list[str]:
    """The cells of that line, stripped; empty where it is no row of such a table."""
    line = first_line(head)
    if line is None:
        return []
    try:
        # not strict: a quoted cell may go on in the next line
        row = next(csv.reader([line.decode(encoding)], delimiter=delimiter), [])
    except (UnicodeDecodeError, csv.Error):
        return []
    return [cell.strip() for cell in row]


def find_columns(
    header: Sequence[str], wanted: Sequence[str], needed: Sequence[str]
) -> dict[str, int] | Fault:
    """Where columns are, by their names in lower case; those that are not there are left out.

    A fault if a wanted column is named twice or a needed one is missing.
    """
    names = [cell.strip().lower() for cell in header]
    if any(names.count(name) > 1 for name in wanted):
        return Fault.DOUBLED_COLUMN
    if any(name not in names for name in needed):
        return Fault.MISSING_COLUMN
    return {name: names.index(name) for name in wanted if name in names}
