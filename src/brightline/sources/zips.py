"""Zip members as parts, by the central directory.

Nothing is written to disk, so a name such as `../x` is only text. The claimed sizes are checked
against what really comes out, never used to allocate.
"""

from __future__ import annotations

import lzma
import stat
import struct
import zlib
from bisect import bisect_right
from collections.abc import Callable, Iterator
from itertools import islice

from brightline.sources.compression import (
    Blocks,
    Decompressed,
    Engine,
    Zstd,
    bzip2_engine,
    deflate_engine,
    xz_engine,
)
from brightline.sources.parts import SMALL, Context, Flowing, Held, Part, take
from brightline.sources.paths import printable, printable_text
from brightline.sources.streams import (
    MIB,
    BrokenStreamError,
    Stream,
    Window,
    WindowStream,
)
from brightline.sources.zipdirectory import Directory, ZipEntry, records
from brightline.types import NoContent, Reason

LOCAL = struct.Struct("<4s5H3L2H")
LOCAL_SIGNATURE = b"PK\x03\x04"
END = "(end of archive)"

#: members that are checked against each other for overlap
BLOCK_MEMBERS = 5000
#: an LZMA member asks for its dictionary in memory; more than this is refused
LZMA_DICTIONARY = 128 * MIB
#: no link target is longer (PATH_MAX)
LONGEST_LINK = 4096

STORED, DEFLATED, BZIP2, LZMA, ZSTANDARD, XZ = 0, 8, 12, 14, 93, 95
_METHODS = frozenset((STORED, DEFLATED, BZIP2, LZMA, ZSTANDARD, XZ))
_ENCRYPTED = 0x1 | 0x40 | 0x2000


def zip_name(name: bytes, utf8: bool) -> str:
    """A member's name as text: UTF-8 where it is or claims to be, else code page 437."""
    if not utf8:
        try:
            name.decode("utf-8")
        except UnicodeDecodeError:
            return printable_text(name.decode("cp437"))
    return printable(name)


def walk(
    window: Window,
    directory: Directory,
    prefix: str,
    context: Context,
    at: int | None = None,
    end: int | None = None,
) -> Iterator[Part]:
    """The members whose records lie between two places, by default all of them.

    A Flowing part is to be read before the next one is asked for. Bytes behind the archive are
    reported with its last member. Stops when the expansion budget is used up.
    """
    last = directory.start + directory.size
    source = records(window, directory, directory.start if at is None else at, end or last)
    while block := list(islice(source, BLOCK_MEMBERS)):
        starts = [data_start(window, entry.offset) for entry in block]
        bounds = _bounds(block, starts, directory.start)
        for entry, start, bound in zip(block, starts, bounds, strict=True):
            part = _part(window, entry, start, bound, prefix, context)
            yield part
            if _spent(part):
                return
    if directory.trailing and (end is None or end == last):
        yield NoContent(prefix + "(behind the archive)", Reason.DAMAGED_ARCHIVE)


def _spent(part: Part) -> bool:
    if isinstance(part, Flowing):
        return part.stream.broken is Reason.EXPANSION
    return isinstance(part, NoContent) and part.reason is Reason.EXPANSION


def _bounds(block: list[ZipEntry], starts: list[int | None], directory_start: int) -> list[int]:
    """For each member, where the next one begins: its bytes must end before that.

    A record that points to no local header bounds nothing: it must not cost another member.
    """
    begins = {e.offset for e, start in zip(block, starts, strict=True) if start is not None}
    order = sorted(begins | {directory_start})
    return [order[min(bisect_right(order, e.offset), len(order) - 1)] for e in block]


def _part(
    window: Window, entry: ZipEntry, start: int | None, bound: int, prefix: str, context: Context
) -> Part:
    locator = prefix + zip_name(entry.name, entry.utf8)
    reason = _reason_without_bytes(entry)
    if reason is not None:
        return NoContent(locator, reason)
    if start is None:
        return NoContent(locator, Reason.DAMAGED_MEMBER)
    stop = start + entry.compressed
    if stop > window.size or entry.offset < bound < stop:
        return NoContent(locator, Reason.DAMAGED_MEMBER)
    return member_part(locator, window, start, stop, entry, context)


def _reason_without_bytes(entry: ZipEntry) -> Reason | None:
    nothing = not entry.size and not entry.compressed
    if nothing and (entry.folder_bit or entry.name.endswith((b"/", b"\\"))):
        return Reason.DIRECTORY
    if entry.name.endswith(b"/") and not entry.size:
        return Reason.DIRECTORY
    if entry.flags & _ENCRYPTED:
        return Reason.ENCRYPTED
    if stat.S_ISLNK(entry.mode) and entry.size <= LONGEST_LINK:
        return Reason.LINK
    if entry.method not in _METHODS:
        return Reason.UNSUPPORTED_COMPRESSION
    return Reason.EMPTY if nothing else None


def data_start(window: Window, offset: int) -> int | None:
    """Where a member's bytes begin, or None if there is no local header."""
    local = window.pread(offset, LOCAL.size)
    if offset < 0 or len(local) < LOCAL.size or local[:4] != LOCAL_SIGNATURE:
        return None
    *_, name_length, extra_length = LOCAL.unpack(local)
    begin: int = offset + LOCAL.size + name_length + extra_length
    return begin


def member_part(
    locator: str, window: Window, start: int, stop: int, entry: ZipEntry, context: Context
) -> Part:
    """The part for a member whose compressed bytes lie between two places."""
    whole = min(SMALL, context.limits.max_item_bytes)
    if entry.method in (STORED, DEFLATED) and entry.size <= whole and stop - start <= SMALL:
        return _at_once(locator, window.pread(start, stop - start), entry, context)
    raw = WindowStream(window, start, stop, piece=MIB)
    try:
        body = Member(raw, entry, context)
    except BrokenStreamError as error:
        return NoContent(locator, error.reason)
    return take(locator, body, entry.size, context)


def _at_once(locator: str, raw: bytes, entry: ZipEntry, context: Context) -> Part:
    data = raw
    if entry.method == DEFLATED:
        engine = zlib.decompressobj(-15)
        try:
            data = engine.decompress(raw, entry.size + 1)
            context.budget.charge(len(data))
        except zlib.error:
            return NoContent(locator, Reason.DAMAGED_MEMBER)
        except BrokenStreamError as error:
            return NoContent(locator, error.reason)
    if len(data) != entry.size or zlib.crc32(data) != entry.crc:
        return NoContent(locator, Reason.DAMAGED_MEMBER)
    return Held(locator, data)


class Member(Stream):
    """What a member expands to; breaks as DAMAGED_MEMBER if length or CRC-32 is not as claimed.

    Raises BrokenStreamError (UNSUPPORTED_COMPRESSION) for a method or dictionary that is not
    supported.
    """

    def __init__(self, raw: WindowStream, entry: ZipEntry, context: Context) -> None:
        super().__init__(raw.area if entry.method == STORED else None)
        self._source = expanding(raw, entry.method, context)
        self._crc = 0
        self._count = 0
        self._entry = entry

    def _fill(self) -> bytes:
        data = self._source.read_some()
        self._crc = zlib.crc32(data, self._crc)
        self._count += len(data)
        wrong = self._count > self._entry.size
        if not data:
            wrong = self._count != self._entry.size or self._crc != self._entry.crc
        if wrong:
            raise BrokenStreamError(Reason.DAMAGED_MEMBER)
        return data


def expanding(raw: Stream, method: int, context: Context) -> Stream:
    """The expanded stream of a member's raw bytes."""
    if method == STORED:
        return raw
    if method == ZSTANDARD:
        return Zstd(raw, context.budget, Reason.DAMAGED_MEMBER)
    start: Callable[[], Engine]
    if method == DEFLATED:
        start = deflate_engine
    elif method == BZIP2:
        start = bzip2_engine
    elif method == XZ:
        start = xz_engine
    else:
        start = _lzma_engine(raw)
    damaged = Reason.DAMAGED_MEMBER
    return Decompressed(raw, start, context.budget, single=True, truncated=damaged, damaged=damaged)


def _lzma_engine(raw: Stream) -> Callable[[], Engine]:
    """APPNOTE 5.8.8: version, length of the properties, then five bytes of LZMA properties."""
    head = raw.read(9)
    if len(head) < 9 or head[2:4] != b"\x05\0" or head[4] >= 9 * 5 * 5:
        raise BrokenStreamError(Reason.DAMAGED_MEMBER)
    rest, lc = divmod(head[4], 9)
    pb, lp = divmod(rest, 5)
    dictionary = max(4096, int.from_bytes(head[5:9], "little"))
    if dictionary > LZMA_DICTIONARY or lc + lp > 4:
        raise BrokenStreamError(Reason.UNSUPPORTED_COMPRESSION)
    filters = [{"id": lzma.FILTER_LZMA1, "lc": lc, "lp": lp, "pb": pb, "dict_size": dictionary}]
    return lambda: Blocks(lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters))
