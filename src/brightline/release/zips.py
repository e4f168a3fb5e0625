"""A zip without some of its members: the others' stored bytes are copied, not packed again.

Local headers, extra fields, data descriptors, the archive's comment and the order of the
directory stay. Bytes that belong to no member (slack) do not: they were never screened.
Source: PKWARE APPNOTE.TXT 6.3.10, sections 4.3.7 to 4.3.16 and 4.5.3.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from brightline.release.copying import Output
from brightline.sources.streams import FileWindow, Window
from brightline.sources.zipdirectory import Directory, ZipEntry, find_directory, records
from brightline.sources.zips import data_start, zip_name

_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR64 = struct.Struct("<4sLQL")
_MAX16, _MAX32 = 0xFFFF, 0xFFFFFFFF
_RECORD_SIZE = 46
_DESCRIPTOR = b"PK\x07\x08"
_SIZES_BEHIND = 0x8


def rewrite(
    fd: int, window: FileWindow, out: Output, keep: Callable[[str], bool], *, damage: bool
) -> bool:
    """Write a zip without the members for which `keep` says no.

    With `damage`, what follows the archive stays. False, with nothing written, if there is no
    directory to go by: such a zip cannot be taken apart.
    """
    directory = find_directory(window)
    if directory is None:
        return False
    end = directory.start + directory.size
    staying = [
        entry
        for entry in records(window, directory, directory.start, end)
        if keep(zip_name(entry.name, entry.utf8))
    ]
    moved: dict[int, int] = {}
    start = begin = stop = 0
    for entry in sorted(staying, key=lambda e: e.offset):
        if entry.offset in moved:
            continue
        if entry.offset != stop:
            out.copy(fd, begin, stop)
            begin = entry.offset
        stop = _stop(window, entry, directory)
        moved[entry.offset] = start
        start += stop - entry.offset
    out.copy(fd, begin, stop)
    for entry in staying:
        out.write(_record(window, entry, moved[entry.offset], directory.shift))
    _write_end(fd, window, out, directory, len(staying), start, damage)
    return True


def _stop(window: Window, entry: ZipEntry, directory: Directory) -> int:
    """Where a member ends, its data descriptor included."""
    start = data_start(window, entry.offset)
    if start is None:
        return entry.offset
    stop = start + entry.compressed
    if entry.flags & _SIZES_BEHIND:
        found = window.pread(stop, 24)
        crc = struct.pack("<L", entry.crc)
        marked = found[:4] == _DESCRIPTOR and found[4:8] == crc
        if marked or found[:4] == crc:
            at = 8 if marked else 4
            narrow = struct.unpack("<2L", found[at : at + 8].ljust(8, b"\0"))
            fits = narrow == (entry.compressed & _MAX32, entry.size & _MAX32)
            wide = found[at : at + 16] == struct.pack("<2Q", entry.compressed, entry.size)
            stop += at + (16 if wide else 8 if fits else 0)
    return min(stop, directory.start)


def _record(window: Window, entry: ZipEntry, offset: int, shift: int) -> bytes:
    """The directory's record with a new offset, in the same form as the old one.

    Offsets only become smaller, so they fit where the old ones did.
    """
    data = bytearray(window.pread(entry.at, entry.after - entry.at))
    offset = max(0, offset - shift)
    if struct.unpack_from("<L", data, 42)[0] != _MAX32:
        struct.pack_into("<L", data, 42, offset)
        return bytes(data)
    before = 8 * sum(struct.unpack_from("<L", data, at)[0] == _MAX32 for at in (20, 24))
    at = _RECORD_SIZE + len(entry.name)
    extra_end = at + struct.unpack_from("<H", data, 30)[0]
    while at + 4 <= extra_end:
        tag, length = struct.unpack_from("<2H", data, at)
        if tag == 1 and before + 8 <= length:
            struct.pack_into("<Q", data, at + 4 + before, offset)
            return bytes(data)
        at += 4 + length
    struct.pack_into("<L", data, 42, offset)
    return bytes(data)


def _write_end(
    fd: int,
    window: FileWindow,
    out: Output,
    directory: Directory,
    count: int,
    start: int,
    damage: bool,
) -> None:
    """The records behind the directory, with the new numbers in the old places."""
    size = out.size - start
    at = directory.start + directory.size
    record = window.pread(at, _END64.size)
    if record[:4] == b"PK\x06\x06":
        length = 12 + struct.unpack_from("<Q", record, 4)[0]
        whole = bytearray(window.pread(at, length))
        struct.pack_into("<4Q", whole, 24, count, count, size, start)
        place = out.size
        out.write(bytes(whole))
        at += length
        locator = bytearray(window.pread(at, _LOCATOR64.size))
        struct.pack_into("<Q", locator, 8, place)
        out.write(bytes(locator))
        at += _LOCATOR64.size
    end = list(_END.unpack(window.pread(at, _END.size)))
    for place, value, absent in (
        (3, count, _MAX16),
        (4, count, _MAX16),
        (5, size, _MAX32),
        (6, start, _MAX32),
    ):
        if end[place] != absent or record[:4] != b"PK\x06\x06":
            end[place] = value
    comment = end[7]
    out.write(_END.pack(*end))
    at += _END.size
    out.copy(fd, at, window.size if damage else min(window.size, at + comment))
