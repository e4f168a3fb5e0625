"""A tar without some of its members, every other byte as it was.

Headers of the members that stay (ustar, pax, GNU long names, sparse maps), their padding and the
end blocks are copied, never written anew. Global pax headers stay even where the member behind
them leaves, since they hold for all that follow. A link leaves with what it points to.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Sequence
from typing import Protocol

from brightline.release.copying import Output
from brightline.sources.paths import printable
from brightline.sources.streams import PIECE, BrokenStreamError, Stream
from brightline.sources.tarheader import BLOCK, ZERO_BLOCK, parse, pax_records
from brightline.sources.tars import Entry, Flaw, entries
from brightline.types import Reason

#: whether the member of this locator stays
Keep = Callable[[str], bool]

_SYMBOLIC = b"2"
_LINKS = (b"1", _SYMBOLIC)
_GLOBAL, _LONG_LINK, _PAX = b"g", b"K", (b"x", b"X")
_EXTENDED = frozenset((_GLOBAL, _LONG_LINK, b"L", *_PAX))


class Target(Protocol):
    """Where the parts of a tar go that stay."""

    def held(self, at: int, data: bytes) -> None:
        """Bytes that were read at this offset."""

    def body(self, stream: Stream, size: int) -> None:
        """The next `size` bytes of the stream, fewer where it ends; it may pass over them."""

    def finish(self, tail: bytes) -> None:
        """There is no more but the tail."""


class Ranges:
    """Of an uncompressed tar: ranges of the file, joined, and copied from there."""

    def __init__(self, fd: int, size: int, out: Output) -> None:
        self._fd = fd
        self._size = size
        self._out = out
        self._start = self._stop = 0

    def held(self, at: int, data: bytes) -> None:
        """Bytes that were read at this offset."""
        self._add(at, at + len(data))

    def body(self, stream: Stream, size: int) -> None:
        """The next `size` bytes; where the file ends before that, what there is of them."""
        at = stream.position
        self._add(at, min(at + size, self._size))

    def finish(self, tail: bytes) -> None:
        """Copy the last range, and write the tail."""
        self._out.copy(self._fd, self._start, self._stop)
        self._out.write(tail)

    def _add(self, start: int, stop: int) -> None:
        if start != self._stop:
            self._out.copy(self._fd, self._start, self._stop)
            self._start = start
        self._stop = max(stop, start)


class Written:
    """Of a compressed tar: the expanded bytes as they go past."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write

    def held(self, at: int, data: bytes) -> None:  # noqa: ARG002 - as `Ranges`
        """Bytes that were read."""
        self._write(data)

    def body(self, stream: Stream, size: int) -> None:
        """The next `size` bytes."""
        while size and (data := stream.read_some(min(size, PIECE))):
            self._write(data)
            size -= len(data)

    def finish(self, tail: bytes) -> None:
        """Write the tail."""
        self._write(tail)


class _Recorder(Stream):
    """A stream that remembers what was asked of it by `read`: headers, not bodies."""

    __slots__ = ("_inner", "_seen")

    def __init__(self, inner: Stream) -> None:
        super().__init__(inner.area)
        self._inner = inner
        self._seen: list[tuple[int, bytes]] = []

    def _fill(self) -> bytes:
        return self._inner.read_some()

    def read(self, count: int) -> bytes:
        """As every stream; what it gives is remembered."""
        at = self._passed + self._at
        data = super().read(count)
        self._seen.append((at, data))
        return data

    def _skip_unbuffered(self, count: int) -> int:
        done = self._inner.skip(count)
        self._passed += done
        return done

    def taken(self) -> list[tuple[int, bytes]]:
        """What was read since the last time, with its offsets."""
        seen, self._seen = self._seen, []
        return seen


def rewrite(
    stream: Stream, target: Target, keep: Keep, reaches: Keep | None = None, *, damage: bool
) -> None:
    """Write a tar without the members for which `keep` says no, and without the links for whose
    target `reaches` (else `keep`) does.

    With `damage`, bytes between members that are no header stay as they are. Else only whole
    members, zero blocks and global headers do, and an archive that was cut off or breaks gets
    the end blocks that it lacks.
    """
    recorder = _Recorder(stream)
    reaches = reaches or keep
    broken = False
    try:
        for entry in entries(recorder):
            header = recorder.taken()
            if isinstance(entry, Flaw):
                broken = broken or entry.reason is Reason.TRUNCATED_ARCHIVE
                _between(header, target, damage)
                continue
            if header[0][0] < entry.start:
                _between([piece for piece in header if piece[0] < entry.start], target, damage)
                header = [piece for piece in header if piece[0] >= entry.start]
            name = printable(entry.name)
            link = _points_to(entry, header) if entry.type in _LINKS else None
            if keep(name) and (link is None or reaches(link)):
                for at, data in header:
                    target.held(at, data)
                target.body(recorder, -(-entry.size // BLOCK) * BLOCK)
            else:
                _globals(header, target)
        _between(recorder.taken(), target, damage)
    except BrokenStreamError:
        broken = True
    target.finish(ZERO_BLOCK + ZERO_BLOCK if broken and not damage else b"")


def _between(pieces: Sequence[tuple[int, bytes]], target: Target, damage: bool) -> None:
    """What lies between members: zero blocks, and bytes that are no header."""
    for at, data in pieces:
        if damage or not data.strip(b"\0"):
            target.held(at, data)


def _headers(pieces: Sequence[tuple[int, bytes]]) -> list[tuple[bytes, int]]:
    """The type of each extended header in a member's head, and its place among the pieces."""
    found = []
    place = 0
    while place < len(pieces):
        header = parse(pieces[place][1])
        if header is None or header.type not in _EXTENDED:
            break
        found.append((header.type, place))
        place += 2
    return found


def _globals(pieces: Sequence[tuple[int, bytes]], target: Target) -> None:
    for kind, place in _headers(pieces):
        if kind == _GLOBAL:
            for at, data in pieces[place : place + 2]:
                target.held(at, data)


def _points_to(entry: Entry, pieces: Sequence[tuple[int, bytes]]) -> str:
    """The locator that a link points to."""
    extended = _headers(pieces)
    own = pieces[2 * len(extended)][1]
    name = own[157:257].split(b"\0", 1)[0]
    for kind, place in extended:
        header = parse(pieces[place][1])
        data = pieces[place + 1][1][: (header.size or 0) if header is not None else 0]
        if kind == _LONG_LINK:
            name = data.split(b"\0", 1)[0]
        elif kind in _PAX:
            name = dict(pax_records(data) or ()).get(b"linkpath", name)
    if entry.type == _SYMBOLIC:
        name = posixpath.normpath(posixpath.join(posixpath.dirname(entry.name), name))
    return printable(name)
