"""A zip whose central directory is missing or cannot be trusted: read from the front.

Each local header is followed as far as it goes. A member that says its sizes only behind its
bytes (a data descriptor) is read where its compression shows its own end.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from brightline.sources.compression import Decompressed, deflate_engine
from brightline.sources.parts import SMALL, Context, Flowing, Held, Part
from brightline.sources.streams import MIB, BrokenStreamError, Stream, Window, WindowStream
from brightline.sources.zipdirectory import END as END_SIGNATURE
from brightline.sources.zipdirectory import RECORD, ZipEntry, zip64
from brightline.sources.zips import (
    DEFLATED,
    END,
    LOCAL,
    LOCAL_SIGNATURE,
    member_part,
    zip_name,
)
from brightline.types import NoContent, Reason

_DESCRIPTOR = b"PK\x07\x08"
_ENCRYPTED = 0x1 | 0x40
_SIZES_BEHIND = 0x8


def walk(window: Window, prefix: str, context: Context) -> Iterator[Part]:
    """The members that can be read, then one item that says how the archive is broken.

    A cut inside the last member is that member's own item, and no other is added.
    """
    at = 0
    events = 0
    ended = False
    while at + 4 <= window.size:
        signature = window.pread(at, 4)
        if signature == LOCAL_SIGNATURE:
            salvaged = _Member(window, at, prefix, context)
            yield from salvaged.parts()
            if salvaged.stop is None:
                return
            at = salvaged.stop
            continue
        length = _length_of_other(window, at, signature)
        ended = ended or (signature == END_SIGNATURE and at + 22 <= window.size)
        if length is None:
            events += 1
            yield NoContent(f"{prefix}(damaged part)", Reason.DAMAGED_ARCHIVE)
            at = _next_member(window, at + 1)
        else:
            at += length
    if not ended:
        yield NoContent(prefix + END, Reason.TRUNCATED_ARCHIVE)
    elif not events:
        yield NoContent(prefix + END, Reason.DAMAGED_ARCHIVE)


def _length_of_other(window: Window, at: int, signature: bytes) -> int | None:
    if signature == RECORD:
        lengths = window.pread(at + 28, 6)
        return 46 + sum(struct.unpack("<3H", lengths)) if len(lengths) == 6 else window.size - at
    if signature == END_SIGNATURE:
        return 22 + int.from_bytes(window.pread(at + 20, 2), "little")
    if signature == b"PK\x06\x06":
        return 12 + int.from_bytes(window.pread(at + 4, 8), "little")
    if signature == b"PK\x06\x07":
        return 20
    return None


def _next_member(window: Window, at: int) -> int:
    """Where the next local header, or central record, begins; the end if there is none."""
    while at < window.size:
        piece = window.pread(at, MIB)
        found = [k for s in (LOCAL_SIGNATURE, RECORD) if (k := piece.find(s)) >= 0]
        if found:
            return at + min(found)
        at += max(1, len(piece) - 3)
    return window.size


class _Member:
    """One member by its local header. After `parts` is read, `stop` is where it ends.

    `stop` stays None where the archive cannot be read on.
    """

    def __init__(self, window: Window, at: int, prefix: str, context: Context) -> None:
        self._window = window
        self._at = at
        self._prefix = prefix
        self._context = context
        self.stop: int | None = None

    def parts(self) -> Iterator[Part]:
        window, at = self._window, self._at
        fixed = window.pread(at, LOCAL.size)
        if len(fixed) < LOCAL.size:
            yield NoContent(self._prefix + END, Reason.TRUNCATED_ARCHIVE)
            return
        _, _, flags, method, _, _, crc, compressed, size, n, m = LOCAL.unpack(fixed)
        variable = window.pread(at + LOCAL.size, n + m)
        if len(variable) < n + m:
            yield NoContent(self._prefix + END, Reason.TRUNCATED_ARCHIVE)
            return
        name = variable[:n]
        size, compressed, _ = zip64(variable[n:], size, compressed, 0)
        start = at + LOCAL.size + n + m
        utf8 = bool(flags & 0x800)
        locator = self._prefix + zip_name(name, utf8)
        entry = ZipEntry(
            at, at, name, utf8, flags, method, crc, compressed, size, at, mode=0, folder_bit=False
        )
        if flags & _SIZES_BEHIND and not compressed:
            yield from self._unsized(locator, entry, start)
            return
        if start + compressed > window.size:
            yield NoContent(locator, Reason.TRUNCATED_ARCHIVE)
            return
        stop = start + compressed
        if flags & _SIZES_BEHIND:
            stop = _behind_descriptor(window, stop)
        part: Part
        if name.endswith(b"/") and not size:
            part = NoContent(locator, Reason.DIRECTORY)
        elif flags & _ENCRYPTED:
            part = NoContent(locator, Reason.ENCRYPTED)
        elif not size and not compressed:
            part = NoContent(locator, Reason.EMPTY)
        else:
            part = member_part(locator, window, start, start + compressed, entry, self._context)
        yield part
        self._go_on(part, stop)

    def _go_on(self, part: Part, stop: int) -> None:
        broken = part.stream.broken if isinstance(part, Flowing) else None
        reason = part.reason if isinstance(part, NoContent) else broken
        if reason is not Reason.EXPANSION:
            self.stop = stop

    def _unsized(self, locator: str, entry: ZipEntry, start: int) -> Iterator[Part]:
        if entry.flags & _ENCRYPTED or entry.method != DEFLATED:
            reason = Reason.ENCRYPTED if entry.flags & _ENCRYPTED else Reason.DAMAGED_MEMBER
            reason = Reason.DIRECTORY if entry.name.endswith(b"/") else reason
            yield NoContent(locator, reason)
            self.stop = _next_member(self._window, start)
            return
        raw = WindowStream(self._window, start, piece=MIB)
        body = _Unsized(raw, self._context)
        part: Part
        try:
            head = body.peek(SMALL + 1)
            if body.broken is not None:
                raise BrokenStreamError(body.broken)
            small = len(head) <= min(SMALL, self._context.limits.max_item_bytes)
            part = Held(locator, head) if small else Flowing(locator, body, None)
            if not head:
                part = NoContent(locator, Reason.EMPTY)
        except BrokenStreamError as error:
            part = NoContent(locator, error.reason)
        yield part
        if body.broken is Reason.DAMAGED_MEMBER:
            self.stop = _next_member(self._window, start)
        elif body.broken is None:
            body.skip(self._window.size)
            self.stop = start + body.used


class _Unsized(Stream):
    """A deflated member up to its own end, checked against the CRC-32 in its descriptor."""

    def __init__(self, raw: WindowStream, context: Context) -> None:
        super().__init__()
        self._raw = raw
        self._source = Decompressed(
            raw, deflate_engine, context.budget, single=True, damaged=Reason.DAMAGED_MEMBER
        )
        self._crc = 0
        self._done = False
        self.used = 0

    def _fill(self) -> bytes:
        if self._done:
            return b""
        data = self._source.read_some()
        self._crc = zlib.crc32(data, self._crc)
        if not data:
            self._done = True
            self._check()
        return data

    def _check(self) -> None:
        place = self._source.used
        area = self._raw.area
        descriptor = area.pread(place, 24) if area is not None else b""
        marked = descriptor[:4] == _DESCRIPTOR
        stated = descriptor[4:8] if marked else descriptor[:4]
        if len(stated) < 4:
            raise BrokenStreamError(Reason.TRUNCATED_ARCHIVE)
        if int.from_bytes(stated, "little") != self._crc:
            raise BrokenStreamError(Reason.DAMAGED_MEMBER)
        self.used = place + (4 if marked else 0) + _sizes(descriptor[8 if marked else 4 :])


def _sizes(rest: bytes) -> int:
    """Length of a descriptor from its checksum on: 12, or 20 in zip64.

    A narrow one is followed by the next signature.
    """
    narrow = rest[8:10] == b"PK" or len(rest) < 16
    return 12 if narrow else 20


def _behind_descriptor(window: Window, stop: int) -> int:
    descriptor = window.pread(stop, 24)
    if descriptor[:4] != _DESCRIPTOR:
        return stop
    return stop + 4 + _sizes(descriptor[8:])
