"""Bytes that are read once, front to back, with a buffer and with known ways to break.

Nothing here trusts a size that a file claims: memory grows with bytes that are really there.
"""

from __future__ import annotations

import abc
import hashlib
import os
from collections.abc import Callable
from typing import Protocol

from brightline.types import Digests, Limits, Reason

MIB = 1 << 20
#: bytes of an item that are kept to tell what it is
HEAD = 4096
#: bytes taken at a time from a region of another stream
PIECE = MIB
#: expanded bytes after which the watchdog hears of progress
BEAT = 4 * MIB


class BrokenStreamError(Exception):
    """A stream cannot be read on; says for which reason, never what was in it."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.code)
        self.reason = reason


class Budget:
    """Bytes to which one file may still expand, over all archives nested in it.

    `heartbeat(0)` is called now and then, so that long expansion does not look like a hang.
    """

    __slots__ = ("_heartbeat", "_left", "_quiet")

    def __init__(self, limits: Limits, size: int, heartbeat: Callable[[int], None]) -> None:
        self._left = limits.expansion_base + limits.expansion_factor * size
        self._heartbeat = heartbeat
        self._quiet = 0

    def charge(self, count: int) -> None:
        """Use up `count` bytes. Raises BrokenStreamError (EXPANSION) when none are left."""
        self._left -= count
        self._quiet += count
        if self._quiet >= BEAT:
            self._quiet = 0
            self._heartbeat(0)
        if self._left < 0:
            raise BrokenStreamError(Reason.EXPANSION)


class Window(Protocol):
    """Bytes that can be read at any place. `size` is how many there are."""

    @property
    def size(self) -> int: ...

    def pread(self, offset: int, count: int) -> bytes:
        """Bytes from `offset`; fewer than `count` only at the end."""
        ...


class MemoryWindow:
    """A window on bytes that are held."""

    __slots__ = ("_data", "size")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size = len(data)

    def pread(self, offset: int, count: int) -> bytes:
        return self._data[offset : offset + count]


class FileWindow:
    """A window on an open file, up to the size that the manifest froze.

    Each read is reported to `on_bytes`. A failing disk breaks the stream as UNREADABLE.
    """

    __slots__ = ("_fd", "_on_bytes", "size")

    def __init__(self, fd: int, size: int, on_bytes: Callable[[int], None]) -> None:
        self._fd = fd
        self._on_bytes = on_bytes
        self.size = size

    def quiet(self) -> FileWindow:
        """The same, for looking around: what it reads is not reported as progress."""
        return FileWindow(self._fd, self.size, lambda _: None)

    def pread(self, offset: int, count: int) -> bytes:
        count = min(count, self.size - offset)
        pieces = []
        while count > 0:
            try:
                piece = os.pread(self._fd, min(count, BEAT), offset)
            except OSError:
                raise BrokenStreamError(Reason.UNREADABLE) from None
            if not piece:
                break
            self._on_bytes(len(piece))
            pieces.append(piece)
            offset += len(piece)
            count -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


class SubWindow:
    """A part of another window; cut to what that one has."""

    __slots__ = ("_base", "_window", "size")

    def __init__(self, window: Window, base: int, size: int) -> None:
        self._window = window
        self._base = base
        self.size = max(0, min(size, window.size - base))

    def pread(self, offset: int, count: int) -> bytes:
        return self._window.pread(self._base + offset, min(count, self.size - offset))


class Stream(abc.ABC):
    """Forward reading with a buffer. A subclass gives `_fill`: some bytes, b"" at the end.

    `broken` is the reason for which reading on fails; what was buffered before stays readable.
    `area` is a window on the whole stream where its bytes lie in one, else None.
    """

    __slots__ = ("_at", "_buffer", "_passed", "area", "broken")

    def __init__(self, area: Window | None = None) -> None:
        self._buffer = b""
        self._at = 0
        self._passed = 0
        self.area = area
        self.broken: Reason | None = None

    @abc.abstractmethod
    def _fill(self) -> bytes:
        """The next bytes, as many as are at hand."""

    def _next(self) -> bytes:
        if self.broken is not None:
            raise BrokenStreamError(self.broken)
        try:
            return self._fill()
        except BrokenStreamError as error:
            self.broken = error.reason
            raise

    @property
    def position(self) -> int:
        """Bytes read or passed over so far."""
        return self._passed + self._at

    def _gather(self, count: int) -> None:
        """Buffer `count` bytes, or all that are left; keeps what it has if the stream breaks."""
        have = len(self._buffer) - self._at
        pieces = [self._buffer[self._at :]]
        try:
            while have < count:
                piece = self._next()
                if not piece:
                    break
                pieces.append(piece)
                have += len(piece)
        finally:
            self._passed += self._at
            self._at = 0
            self._buffer = b"".join(pieces)

    def read(self, count: int) -> bytes:
        """Exactly `count` bytes, or fewer at the end."""
        end = self._at + count
        if end > len(self._buffer):
            self._gather(count)
            end = min(count, len(self._buffer))
        data = self._buffer[self._at : end]
        self._at = end
        return data

    def peek(self, count: int) -> bytes:
        """Like `read`, without moving on; where the stream breaks, what comes before that."""
        if self._at + count > len(self._buffer):
            try:
                self._gather(count)
            except BrokenStreamError:
                if not self._buffer:
                    raise
        return self._buffer[self._at : self._at + count]

    def read_some(self, most: int = PIECE) -> bytes:
        """At least one byte and at most `most`; b"" at the end."""
        if self._at == len(self._buffer):
            self._passed += self._at
            self._at = 0
            self._buffer = b""
            self._buffer = self._next()
        data = self._buffer[self._at : self._at + most]
        self._at += len(data)
        return data

    def skip(self, count: int) -> int:
        """Pass over `count` bytes, or fewer at the end; returns how many."""
        have = len(self._buffer) - self._at
        if count <= have:
            self._at += count
            return count
        self._passed += len(self._buffer)
        self._at = 0
        self._buffer = b""
        return have + self._skip_unbuffered(count - have)

    def _skip_unbuffered(self, count: int) -> int:
        done = 0
        while done < count:
            piece = self._next()
            if not piece:
                break
            step = min(len(piece), count - done)
            done += step
            if step < len(piece):
                self._buffer = piece
                self._at = step
            else:
                self._passed += step
        return done

    def region(self, size: int) -> Window | None:
        """A window on the next `size` bytes, where they lie in one."""
        return None if self.area is None else SubWindow(self.area, self.position, size)


class WindowStream(Stream):
    """A window (or a part of it) read front to back, `piece` bytes at a time."""

    __slots__ = ("_cursor", "_piece", "_stop", "_window")

    def __init__(
        self, window: Window, start: int = 0, stop: int | None = None, piece: int = 4 * MIB
    ) -> None:
        end = window.size if stop is None else min(stop, window.size)
        super().__init__(SubWindow(window, start, end - start))
        self._window = window
        self._cursor = start
        self._stop = end
        self._piece = piece

    def _fill(self) -> bytes:
        count = min(self._piece, self._stop - self._cursor)
        data = self._window.pread(self._cursor, count) if count > 0 else b""
        self._cursor += len(data)
        return data

    def _skip_unbuffered(self, count: int) -> int:
        step = max(0, min(count, self._stop - self._cursor))
        self._cursor += step
        self._passed += step
        return step


class Limited(Stream):
    """The next `size` bytes of a parent stream, which nobody else reads meanwhile.

    Breaks as TRUNCATED_ARCHIVE if the parent ends first.
    """

    __slots__ = ("_left", "_parent")

    def __init__(self, parent: Stream, size: int) -> None:
        super().__init__(parent.region(size))
        self._parent = parent
        self._left = size

    def _fill(self) -> bytes:
        if self._left <= 0:
            return b""
        data = self._parent.read_some(min(self._left, PIECE))
        if not data:
            raise BrokenStreamError(Reason.TRUNCATED_ARCHIVE)
        self._left -= len(data)
        return data


class Digester:
    """MD5, SHA-1 and SHA-256 of what goes past, its length and its first bytes."""

    __slots__ = ("_md5", "_sha1", "_sha256", "head", "size")

    def __init__(self) -> None:
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha1 = hashlib.sha1(usedforsecurity=False)
        self._sha256 = hashlib.sha256()
        self.head = b""
        self.size = 0

    def update(self, data: bytes) -> None:
        if len(self.head) < HEAD:
            self.head += data[: HEAD - len(self.head)]
        self._md5.update(data)
        self._sha1.update(data)
        self._sha256.update(data)
        self.size += len(data)

    @property
    def digests(self) -> Digests:
        return Digests(self._md5.digest(), self._sha1.digest(), self._sha256.digest())


class Tee(Stream):
    """Another stream, digested as it is read; it must not have been read from yet."""

    __slots__ = ("_source", "digester")

    def __init__(self, source: Stream) -> None:
        super().__init__(source.area)
        self._source = source
        self.digester = Digester()

    def _fill(self) -> bytes:
        data = self._source.read_some(PIECE)
        self.digester.update(data)
        return data

    def drain(self) -> None:
        """Read to the end, so that the digests cover all of it."""
        while self.read_some():
            pass
