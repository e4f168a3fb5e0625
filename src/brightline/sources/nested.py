"""Parts into items: each part is looked into, and what is an archive is opened in place.

The archive is an item of its own, since its digest may be listed; its members follow with
locators `outer!/inner`. An archive that is read as it goes past (tar, compressed streams) comes
after its members, because only then its digests are known.

Where an archive is not opened, an item `outer!/` says why: TOO_DEEP, TOO_LARGE.
"""

from __future__ import annotations

from collections.abc import Iterator

from brightline.sources import delimited, parquet, tars, zips, zipsalvage
from brightline.sources.compression import decompressed
from brightline.sources.parts import HOLD, Context, Flowing, Held, Part
from brightline.sources.paths import extension
from brightline.sources.sidecar import SideTable, with_sidecars
from brightline.sources.sniff import COMPRESSED, SEQUENTIAL, Form, ends_as_zip, sniff
from brightline.sources.streams import (
    HEAD,
    BrokenStreamError,
    Budget,
    Digester,
    MemoryWindow,
    Stream,
    Tee,
    Window,
    WindowStream,
)
from brightline.sources.zipdirectory import Directory, find_directory, sound
from brightline.types import Content, Declared, NoContent, Read, Reason, Streamed

#: deeper nesting is refused whatever the limits say: each level costs Python stack
DEEPEST = 64
END = "(end of archive)"
SPENT = "(expansion limit)"
_TABLE_EXTENSIONS = (".csv", ".tsv")
_SUFFIXES = {"tgz": "tar", "tbz": "tar", "tbz2": "tar", "txz": "tar", "tzst": "tar"}
_STRIPPED = frozenset(("gz", "bz2", "xz", "zst", "zstd"))


def expand(
    parts: Iterator[Part], context: Context, depth: int, table: SideTable | None = None
) -> Iterator[Read]:
    """Items for all parts. `depth` is the number of archives around them."""
    for part in with_sidecars(parts, table):
        if type(part) is Held:
            data = part.data
            form = sniff(data)
            if form is None and not ends_as_zip(data) and not _may_be_table(part.locator):
                if data:
                    yield Content(part.locator, data, part.declared)
                else:
                    yield NoContent(part.locator, Reason.EMPTY, part.declared)
            else:
                _renew_budget(context, depth, len(data))
                yield from _open_held(part, form, context, depth)
        elif isinstance(part, Flowing):
            _renew_budget(context, depth, part.size or 0)
            yield from _open_flowing(part, context, depth)
        elif not isinstance(part, Held):
            yield part


def _renew_budget(context: Context, depth: int, size: int) -> None:
    """Outside any archive, each file has a budget of its own."""
    if depth == 0:
        context.budget = Budget(context.limits, size, context.on_bytes)


def _may_be_table(locator: str) -> bool:
    return locator.lower().endswith(_TABLE_EXTENSIONS)


def _too_deep(context: Context, depth: int) -> bool:
    return depth >= min(context.limits.max_depth, DEEPEST)


def guarded(parts: Iterator[Read], prefix: str, raw: Tee | None = None) -> Iterator[Read]:
    """Items of one archive; where its own stream breaks between members, one item says so.

    Nothing is added if `raw`, the archive's bytes in the archive around it, broke: then the
    archive itself becomes the item that says so.
    """
    try:
        yield from parts
    except BrokenStreamError as error:
        if raw is None or raw.broken is None:
            spent = error.reason is Reason.EXPANSION
            yield NoContent((prefix or SPENT) if spent else prefix + END, error.reason)


def sequential(
    stream: Stream, form: Form, prefix: str, name: str, context: Context
) -> Iterator[Part]:
    """The parts of a tar or of a compressed stream, which holds a tar or one file."""
    if form in COMPRESSED:
        stream = decompressed(stream, form, context.budget)
        if not holds_tar(stream.peek(HEAD), name):
            yield Flowing(prefix + inner_name(name), stream, None)
            return
    yield from tars.walk(stream, prefix, context)


def holds_tar(head: bytes, name: str) -> bool:
    """Whether a compressed stream holds a tar; one without members is all zeros."""
    if sniff(head) is Form.TAR:
        return True
    return bool(head) and not head.strip(b"\0") and extension(inner_name(name)) == "tar"


def inner_name(name: str) -> str:
    """What a compressed file's content is called: its name without the suffix."""
    base = name.rpartition("/")[2]
    suffix = extension(base)
    if suffix in _SUFFIXES:
        return f"{base.rpartition('.')[0]}.{_SUFFIXES[suffix]}"
    return base.rpartition(".")[0] if suffix in _STRIPPED else base


def zip_parts(window: Window, prefix: str, context: Context) -> Iterator[Part]:
    """The members of a whole zip, by its directory or, without one, from the front."""
    directory = find_directory(window)
    if directory is None or not sound(window, directory):
        return zipsalvage.walk(window, prefix, context)
    return zips.walk(window, directory, prefix, context)


def _random(
    window: Window, form: Form | None, prefix: str, context: Context, depth: int
) -> Iterator[Read]:
    if form is Form.PARQUET:
        yield from expand(parquet.nested_parts(window, prefix, context), context, depth + 1)
    else:
        yield from expand(zip_parts(window, prefix, context), context, depth + 1)


def _open_held(part: Held, form: Form | None, context: Context, depth: int) -> Iterator[Read]:
    data, locator = part.data, part.locator
    prefix = f"{locator}!/"
    if form is None:
        yield from _open_unmarked(part, context, depth)
    elif _too_deep(context, depth):
        yield Content(locator, data, part.declared)
        yield NoContent(prefix, Reason.TOO_DEEP)
    else:
        yield Content(locator, data, part.declared, expanded=True)
        window = MemoryWindow(data)
        context.held += len(data)
        try:
            if form in SEQUENTIAL:
                parts = sequential(WindowStream(window), form, prefix, locator, context)
                inside = expand(parts, context, depth + 1)
            else:
                inside = _random(window, form, prefix, context, depth)
            yield from guarded(inside, prefix)
        finally:
            context.held -= len(data)


def _open_unmarked(part: Held, context: Context, depth: int) -> Iterator[Read]:
    """A table of text, or a picture (or anything) with a zip behind it."""
    data, locator = part.data, part.locator
    prefix = f"{locator}!/"
    window = MemoryWindow(data)
    if not data:
        yield NoContent(locator, Reason.EMPTY, part.declared)
        return
    layout = delimited.detect(data[: delimited.SNIFFED]) if _may_be_table(locator) else None
    behind = _zip_behind(window) if layout is None else None
    if layout is None and behind is None:
        yield Content(locator, data, part.declared)
        return
    # a picture with a zip behind it is still to be decoded, so it is not called expanded
    too_deep = _too_deep(context, depth)
    yield Content(locator, data, part.declared, expanded=layout is not None and not too_deep)
    if too_deep:
        yield NoContent(prefix, Reason.TOO_DEEP)
    elif layout is not None:
        rows = delimited.nested_parts(WindowStream(window), layout, prefix)
        yield from guarded(expand(rows, context, depth + 1), prefix)
    elif behind is not None:
        members = zips.walk(window, behind, prefix, context)
        yield from guarded(expand(members, context, depth + 1), prefix)


def _open_flowing(part: Flowing, context: Context, depth: int) -> Iterator[Read]:
    locator = part.locator
    try:
        form = sniff(part.stream.peek(HEAD))
        if form is None:
            yield from _plain(part, context, depth)
        elif _too_deep(context, depth):
            yield _content_or_digests(part, context.limits.max_item_bytes)
            yield NoContent(f"{locator}!/", Reason.TOO_DEEP)
        elif form in SEQUENTIAL:
            yield from _open_sequential(part, form, context, depth)
        else:
            yield from _open_random(part, form, context, depth)
    except BrokenStreamError as error:
        yield NoContent(locator, error.reason, part.declared)


def _plain(part: Flowing, context: Context, depth: int) -> Iterator[Read]:
    item = _content_or_digests(part, context.limits.max_item_bytes)
    if isinstance(item, Content):
        held = Held(item.locator, item.data, item.declared)
        yield from _open_held(held, None, context, depth)
        return
    area = part.stream.area
    behind = _zip_behind(area) if area is not None else None
    yield item
    if area is not None and behind is not None and not _too_deep(context, depth):
        prefix = f"{item.locator}!/"
        members = zips.walk(area, behind, prefix, context)
        yield from guarded(expand(members, context, depth + 1), prefix)


def _zip_behind(window: Window) -> Directory | None:
    if not ends_as_zip(window.pread(max(0, window.size - 22), 22)):
        return None
    directory = find_directory(window)
    return directory if directory is not None and sound(window, directory) else None


def _content_or_digests(part: Flowing, limit: int) -> Content | Streamed:
    """Read a part to its end: its bytes if they are at most `limit`, else their digests.

    Raises BrokenStreamError.
    """
    pieces = []
    total = 0
    digester: Digester | None = None
    while piece := part.stream.read_some():
        total += len(piece)
        if digester is None:
            pieces.append(piece)
            if total > limit:
                digester = Digester()
                for held in pieces:
                    digester.update(held)
                pieces.clear()
        else:
            digester.update(piece)
    if digester is None:
        return Content(part.locator, b"".join(pieces), part.declared)
    return streamed(part.locator, digester, part.declared)


def streamed(
    locator: str, digester: Digester, declared: tuple[Declared, ...] = (), expanded: bool = False
) -> Streamed:
    """The item for bytes that went past a digester."""
    return Streamed(locator, digester.digests, digester.size, digester.head, declared, expanded)


def _open_sequential(part: Flowing, form: Form, context: Context, depth: int) -> Iterator[Read]:
    raw = Tee(part.stream)
    prefix = f"{part.locator}!/"
    parts = sequential(raw, form, prefix, part.locator, context)
    yield from guarded(expand(parts, context, depth + 1), prefix, raw)
    raw.drain()
    yield streamed(part.locator, raw.digester, part.declared, expanded=True)


def _open_random(part: Flowing, form: Form, context: Context, depth: int) -> Iterator[Read]:
    """A zip or Parquet: held if there is room, else through a window where its bytes lie."""
    area = part.stream.region(part.size) if part.size is not None else None
    room = context.limits.max_item_bytes - context.held
    item = _content_or_digests(part, min(room, HOLD) if area is not None else room)
    prefix = f"{part.locator}!/"
    if isinstance(item, Content):
        held = Held(item.locator, item.data, item.declared)
        yield from _open_held(held, form, context, depth)
    elif area is None:
        yield item
        yield NoContent(prefix, Reason.TOO_LARGE)
    else:
        yield Streamed(
            item.locator, item.digests, item.size, item.head, item.declared, expanded=True
        )
        yield from guarded(_random(area, form, prefix, context, depth), prefix)
