"""A zip's central directory: found at the end, walked record by record, never held whole.

Source: PKWARE APPNOTE.TXT 6.3.10, sections 4.3.6 to 4.3.16 and 4.5.3 (zip64). The standard
library's zipfile keeps an object for each member and gives up on the whole archive at the first
odd record; a range of members in the middle of a large zip needs neither.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from brightline.sources.streams import MIB, Window, WindowStream

_RECORD = struct.Struct("<4s4B4HL2L5H2L")
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR64 = struct.Struct("<4sLQL")

RECORD = b"PK\x01\x02"
END = b"PK\x05\x06"
_MAX16 = 0xFFFF
_MAX32 = 0xFFFFFFFF
#: an archive comment has at most 65,535 bytes
_TAIL = _END.size + _MAX16


@dataclass(frozen=True, slots=True)
class Directory:
    """Where the central directory lies.

    `count` is -1 where the end record cannot say; `shift` is how many bytes were put before the
    zip; `trailing` says that something other than zeros lies behind its end.
    """

    start: int
    size: int
    count: int
    shift: int
    trailing: bool


@dataclass(frozen=True, slots=True)
class ZipEntry:
    """One record, between the places `at` and `after`; `offset` is that of the local header."""

    at: int
    after: int
    name: bytes
    utf8: bool
    flags: int
    method: int
    crc: int
    compressed: int
    size: int
    offset: int
    mode: int
    folder_bit: bool


def find_directory(window: Window) -> Directory | None:
    """The central directory by the end record, or None if there is none that can be used.

    A zip that begins with a member has nothing put before it: a directory that says otherwise
    is that of another zip inside a cut-off one, or behind a whole one.
    """
    first = window.pread(0, 4)
    tail_start = max(0, window.size - _TAIL)
    tail = window.pread(tail_start, _TAIL)
    at = len(tail)
    while (at := tail.rfind(END, 0, at)) >= 0:
        found = _directory_at(window, tail_start + at, tail[at : at + _END.size])
        if found is not None:
            return None if found.shift and first == b"PK\x03\x04" else found
    return None


def _directory_at(window: Window, place: int, data: bytes) -> Directory | None:
    if len(data) < _END.size:
        return None
    _, _, _, _, count, size, offset, comment = _END.unpack(data)
    end = place
    wide = False
    if count == _MAX16 or _MAX32 in (size, offset):
        locator = window.pread(place - _LOCATOR64.size, _LOCATOR64.size) if place >= 20 else b""
        if locator[:4] == b"PK\x06\x07":
            # what was put before the zip moves the record, so it is looked for backwards too
            for guess in (_LOCATOR64.unpack(locator)[2], place - 20 - _END64.size):
                record = window.pread(guess, _END64.size) if 0 <= guess < place else b""
                if len(record) == _END64.size and record[:4] == b"PK\x06\x06":
                    *_, count, size, offset = _END64.unpack(record)
                    end = guess
                    wide = True
                    break
    start = end - size
    shift = start - offset
    if start < 0 or shift < 0:
        return None
    if count and window.pread(start, 4) != RECORD:
        return None
    if not count and size:
        return None
    behind = window.pread(place + _END.size + comment, _TAIL)
    known = wide or count != _MAX16
    return Directory(start, size, count if known else -1, shift, bool(behind.strip(b"\0")))


def records(window: Window, directory: Directory, at: int, end: int) -> Iterator[ZipEntry]:
    """The records between two places; stops early at one that is malformed."""
    stream = WindowStream(window, at, end, piece=MIB)
    while at < end:
        fixed = stream.read(_RECORD.size)
        if len(fixed) < _RECORD.size or fixed[:4] != RECORD:
            return
        values = _RECORD.unpack(fixed)
        system, flags, method = values[2], values[5], values[6]
        crc, compressed, size = values[9], values[10], values[11]
        name_length, extra_length, comment_length = values[12], values[13], values[14]
        external, offset = values[17], values[18]
        rest = name_length + extra_length + comment_length
        variable = stream.read(rest)
        if len(variable) < rest:
            return
        name = variable[:name_length]
        if _MAX32 in (size, compressed, offset):
            extra = variable[name_length : name_length + extra_length]
            size, compressed, offset = zip64(extra, size, compressed, offset)
        yield ZipEntry(
            at=at,
            after=at + _RECORD.size + rest,
            name=name,
            utf8=bool(flags & 0x800),
            flags=flags,
            method=method,
            crc=crc,
            compressed=compressed,
            size=size,
            offset=offset + directory.shift,
            mode=external >> 16 if system == 3 else 0,
            folder_bit=bool(external & 0x10),
        )
        at += _RECORD.size + rest


def zip64(extra: bytes, size: int, compressed: int, offset: int) -> tuple[int, int, int]:
    """The three numbers with those that say 0xFFFFFFFF taken from the zip64 extra field."""
    at = 0
    while at + 4 <= len(extra):
        tag, length = struct.unpack_from("<2H", extra, at)
        if tag == 1:
            field = extra[at + 4 : at + 4 + length]
            values = iter(struct.unpack(f"<{len(field) // 8}Q", field[: len(field) // 8 * 8]))
            size = next(values, size) if size == _MAX32 else size
            compressed = next(values, compressed) if compressed == _MAX32 else compressed
            offset = next(values, offset) if offset == _MAX32 else offset
            break
        at += 4 + length
    return size, compressed, offset


@dataclass(frozen=True, slots=True)
class Range:
    """Members `start` to `stop`, whose records lie between two places; `bytes` compressed."""

    start: int
    stop: int
    at: int
    end: int
    bytes: int


def ranges(window: Window, directory: Directory, members: int, size: int) -> list[Range] | None:
    """Cut the members into ranges of at most so many, and of about so many compressed bytes.

    None if the directory cannot be walked to its end or holds another number of members than
    it says, so that members would be lost by trusting it.
    """
    cuts: list[Range] = []
    end = directory.start + directory.size
    start = number = total = 0
    at = expected = directory.start
    for entry in records(window, directory, directory.start, end):
        if number > start and (number - start >= members or total + entry.compressed > size):
            cuts.append(Range(start, number, at, entry.at, total))
            start, at, total = number, entry.at, 0
        number += 1
        total += entry.compressed
        expected = entry.after
    if expected != end or (directory.count >= 0 and number & _MAX16 != directory.count & _MAX16):
        return None
    cuts.append(Range(start, number, at, end, total))
    return cuts


def sound(window: Window, directory: Directory) -> bool:
    """Whether the directory can be walked to its end and holds as many members as it says."""
    return ranges(window, directory, 1 << 62, 1 << 62) is not None
