"""Reading a list file line by line: what all text formats share."""

from __future__ import annotations

from collections.abc import Iterator
from io import BufferedReader

from brightline.lists.collected import Fault, Faults

_BOM = b"\xef\xbb\xbf"
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
            block = block.removeprefix(_BOM)
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


def text_lines(stream: BufferedReader, faults: Faults) -> Iterator[list[str]]:
    """Like `line_blocks` as text; a line that is not UTF-8 is a fault and comes out blank."""
    count = 0
    for block in line_blocks(stream, faults):
        try:
            lines = [line.decode("utf-8") for line in block]
        except UnicodeDecodeError:
            lines = []
            for position, line in enumerate(block):
                try:
                    lines.append(line.decode("utf-8"))
                except UnicodeDecodeError:
                    faults.add(count + position + 1, Fault.NOT_TEXT)
                    lines.append(_BLANK.decode())
        count += len(block)
        yield lines


def first_line(head: bytes) -> bytes | None:
    """The first line that is neither blank nor a `#` comment, stripped; None if there is none."""
    for line in head.removeprefix(_BOM).splitlines():
        stripped = line.strip()
        if stripped and not stripped.startswith(b"#"):
            return stripped
    return None
