"""A raw tar walker: every member once, damage counted, nothing ended in silence.

The standard library's reader ends without a word at a bad header, and webdataset's drops
members; so this one walks the blocks itself. `entries` reads only headers, and is shared by
discovery, which cuts a tar into ranges, and by `walk`, which reads the members.

Behind the end-of-archive blocks the walk goes on: `cat a.tar b.tar` holds both. Bytes that are
no header are one DAMAGED_ARCHIVE event, and the walk goes on at the next block whose checksum
fits. An archive without its end blocks is one TRUNCATED_ARCHIVE event, also where the cut falls
between two members.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from brightline.sources.parts import SMALL, Context, Held, Part, take
from brightline.sources.paths import printable
from brightline.sources.sparse import SparseStream, old_gnu_map, pax_map
from brightline.sources.streams import MIB, BrokenStreamError, Limited, Stream
from brightline.sources.tarheader import (
    BLOCK,
    ZERO_BLOCK,
    Header,
    SparseMap,
    parse,
    pax_records,
)
from brightline.types import NoContent, Reason

#: an extended header larger than this is taken for damage
MOST_EXTENDED = 16 * MIB
END = "(end of archive)"
DAMAGE = "(damaged part)"

_DIRECTORY = (b"5",)
_LINK = (b"1", b"2")
_SPECIAL = (b"3", b"4", b"6")
_BODILESS = frozenset(_DIRECTORY + _LINK + _SPECIAL)
_LONG_NAME = b"L"
_EXTENDED = frozenset((_LONG_NAME, b"K", b"x", b"X", b"g"))


@dataclass(frozen=True, slots=True)
class Entry:
    """One member. The stream stands at its first stored byte when it is yielded.

    `start` is the offset of its first header block, extended headers included; `inherits` says
    that global headers in force change how it is read, so that reading cannot start here.
    """

    start: int
    name: bytes
    size: int
    type: bytes
    sparse: SparseMap | None
    inherits: bool


@dataclass(frozen=True, slots=True)
class Flaw:
    """Damage found between members."""

    reason: Reason


class _Pending:
    """Extended headers that apply to the next member."""

    def __init__(self) -> None:
        self.start: int | None = None
        self.name: bytes | None = None
        self.pax: list[tuple[bytes, bytes]] = []

    def __bool__(self) -> bool:
        return self.start is not None


def entries(stream: Stream, stop: int | None = None) -> Iterator[Entry | Flaw]:
    """The members of a tar in order, the stream standing at each one's bytes in turn.

    `stop` is the offset in the stream at which a range ends; with it, a missing end of archive
    is no flaw. Raises BrokenStreamError where the stream itself breaks.
    """
    pending = _Pending()
    shared: dict[bytes, bytes] = {}
    zeros = damaged = False
    while stop is None or stream.position < stop:
        here = stream.position
        block = stream.read(BLOCK)
        if block == ZERO_BLOCK:
            zeros = True
            if pending:
                pending = _Pending()
                yield Flaw(Reason.DAMAGED_ARCHIVE)
            continue
        if len(block) < BLOCK:
            if zeros and not block.strip(b"\0"):
                return
            if not damaged:
                yield Flaw(Reason.DAMAGED_ARCHIVE if zeros else Reason.TRUNCATED_ARCHIVE)
            return
        header = parse(block)
        if header is None or header.size is None:
            if not damaged:
                damaged = True
                yield Flaw(Reason.DAMAGED_ARCHIVE)
            pending = _Pending()
            continue
        zeros = damaged = False
        if header.type in _EXTENDED:
            flaw = _extend(stream, header, here, pending, shared)
            if flaw is not None:
                yield Flaw(flaw)
                if flaw is Reason.TRUNCATED_ARCHIVE:
                    return
            continue
        entry = _entry(stream, header, here, pending, shared)
        pending = _Pending()
        if isinstance(entry, Flaw):
            damaged = True
            yield entry
            continue
        body = stream.position
        yield entry
        stream.skip(body + -(-entry.size // BLOCK) * BLOCK - stream.position)


def _extend(
    stream: Stream,
    header: Header,
    here: int,
    pending: _Pending,
    shared: dict[bytes, bytes],
) -> Reason | None:
    size = header.size or 0
    padded = -(-size // BLOCK) * BLOCK
    if pending.start is None:
        pending.start = here
    if size > MOST_EXTENDED:
        short = stream.skip(padded) < padded
        return Reason.TRUNCATED_ARCHIVE if short else Reason.DAMAGED_ARCHIVE
    data = stream.read(padded)
    if len(data) < padded:
        return Reason.TRUNCATED_ARCHIVE
    data = data[:size]
    if header.type == _LONG_NAME:
        pending.name = data.split(b"\0", 1)[0]
    elif header.type != b"K":
        records = pax_records(data)
        if records is None:
            return Reason.DAMAGED_ARCHIVE
        if header.type == b"g":
            shared.update(r for r in records if _matters(r[0]))
        else:
            pending.pax = records
    return None


def _matters(keyword: bytes) -> bool:
    return keyword in (b"path", b"size") or keyword.startswith(b"GNU.sparse.")


def _entry(
    stream: Stream,
    header: Header,
    here: int,
    pending: _Pending,
    shared: dict[bytes, bytes],
) -> Entry | Flaw:
    name = header.name if pending.name is None else pending.name
    size = header.size or 0
    sparse: SparseMap | None = None
    records = [*shared.items(), *pending.pax]
    if records:
        values = dict(records)
        if values.get(b"path"):
            name = values[b"path"]
        if values.get(b"size"):
            if not values[b"size"].isdigit() or len(values[b"size"]) > 18:
                return Flaw(Reason.DAMAGED_ARCHIVE)
            size = int(values[b"size"])
        name = values.get(b"GNU.sparse.name") or name
        sparse = pax_map(records)
    if header.type == b"S":
        sparse = old_gnu_map(header.block, stream)
        if sparse is None:
            return Flaw(Reason.DAMAGED_ARCHIVE)
    kind = header.type
    if kind == b"\0" and name.endswith(b"/") and not size:
        kind = b"5"
    if kind in _BODILESS and size and _header_follows(stream):
        size = 0
    start = here if pending.start is None else pending.start
    return Entry(start, name, size, kind, sparse, bool(shared))


def _header_follows(stream: Stream) -> bool:
    """Whether a link, folder or device with a size has no bytes after all.

    Writers disagree: most store none, while pax allows a hard link with its content.
    """
    block = stream.peek(BLOCK)
    return len(block) < BLOCK or block == ZERO_BLOCK or parse(block) is not None


def walk(stream: Stream, prefix: str, context: Context, stop: int | None = None) -> Iterator[Part]:
    """The members of a tar as parts; each Flowing one is to be read before the next is asked for.

    `prefix` comes before each locator. Raises BrokenStreamError where the stream itself breaks
    between members; within a member that becomes the member's own NoContent.
    """
    small = min(SMALL, context.limits.max_item_bytes)
    for entry in entries(stream, stop):
        if isinstance(entry, Flaw):
            truncated = entry.reason is Reason.TRUNCATED_ARCHIVE
            yield NoContent(prefix + (END if truncated else DAMAGE), entry.reason)
            continue
        locator = prefix + printable(entry.name)
        if entry.sparse is not None:
            body = Limited(stream, entry.size)
            yield _sparse_part(locator, body, entry.sparse, context)
            if body.broken is not None:
                return
        elif entry.size == 0:
            yield NoContent(locator, _reason_without_bytes(entry.type))
        elif entry.size <= small:
            try:
                data = stream.read(entry.size)
            except BrokenStreamError as error:
                yield NoContent(locator, error.reason)
                return
            if len(data) < entry.size:
                yield NoContent(locator, Reason.TRUNCATED_ARCHIVE)
                return
            yield Held(locator, data)
        else:
            body = Limited(stream, entry.size)
            yield take(locator, body, entry.size, context)
            if body.broken is not None:
                return


def _sparse_part(locator: str, body: Limited, sparse: SparseMap, context: Context) -> Part:
    try:
        full = SparseStream(body, sparse, context.budget)
        return take(locator, full, sparse.real_size, context)
    except BrokenStreamError as error:
        return NoContent(locator, error.reason)


def _reason_without_bytes(kind: bytes) -> Reason:
    if kind in _DIRECTORY:
        return Reason.DIRECTORY
    if kind in _LINK:
        return Reason.LINK
    if kind in _SPECIAL:
        return Reason.SPECIAL
    return Reason.EMPTY
