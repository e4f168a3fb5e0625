"""The files of a folder shard as parts."""

from __future__ import annotations

from collections.abc import Iterator

from brightline.sources.files import NOT_READ, opened
from brightline.sources.parts import SMALL, Context, Flowing, Held, Part, take
from brightline.sources.paths import decode_path, printable
from brightline.sources.streams import BrokenStreamError, FileWindow, WindowStream
from brightline.types import NoContent, Reason, Shard

REASONS = {reason.code: reason for reason in (Reason.LINK, Reason.SPECIAL, Reason.UNREADABLE)}


def locator_of(path: bytes, source: bytes) -> str:
    """A file's path relative to its source; the base name where the source is that file."""
    base = source.rstrip(b"/") + b"/"
    return printable(path[len(base) :] if path.startswith(base) else path.rpartition(b"/")[2])


def parts(shard: Shard, context: Context) -> Iterator[Part]:
    """One part for each file; a Flowing one is to be read before the next is asked for."""
    source = decode_path(shard.source)
    small = min(SMALL, context.limits.max_item_bytes)
    not_read: dict[str, str] = shard.options.get("not_read", {})
    for number, stamp in enumerate(shard.files):
        path = decode_path(stamp.path)
        locator = locator_of(path, source)
        if stamp.size == NOT_READ:
            yield NoContent(locator, REASONS[not_read[str(number)]])
            continue
        if stamp.size == 0:
            yield NoContent(locator, Reason.EMPTY)
            continue
        part: Part
        try:
            with opened(path, stamp.size, context.on_bytes) as window:
                if stamp.size <= small:
                    part = _whole(locator, window)
                    yield part
                    continue
                part = take(locator, WindowStream(window), stamp.size, context)
                if isinstance(part, Flowing):
                    yield part
                    continue
        except OSError:
            part = NoContent(locator, Reason.UNREADABLE)
        yield part


def _whole(locator: str, window: FileWindow) -> Part:
    try:
        data = window.pread(0, window.size)
    except BrokenStreamError as error:
        return NoContent(locator, error.reason)
    if len(data) < window.size:
        return NoContent(locator, Reason.UNREADABLE)
    return Held(locator, data)
