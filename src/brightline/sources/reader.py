"""Reading one shard: every item of it exactly once."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager

from brightline.sources import delimited, folder, parquet, tars, zips, zipsalvage
from brightline.sources.compression import decompressed
from brightline.sources.files import check, opened
from brightline.sources.nested import expand, guarded
from brightline.sources.parts import Context, Part
from brightline.sources.paths import decode_path
from brightline.sources.sniff import Form
from brightline.sources.streams import (
    BrokenStreamError,
    Budget,
    FileWindow,
    Stream,
    Window,
    WindowStream,
)
from brightline.sources.webdataset import MOST_STATS, Reconciliation, Sidecars
from brightline.sources.zipdirectory import find_directory
from brightline.types import FileStamp, Limits, NoContent, Read, Reason, Shard


def read(
    shard: Shard, limits: Limits, *, on_bytes: Callable[[int], None] | None = None
) -> ShardReader:
    """Read every item of a shard.

    `on_bytes(n)` is called as n bytes are read from disk, and with 0 while something expands.
    Raises SourceChangedError while iterating: see `ShardReader`.
    """
    return ShardReader(shard, limits, on_bytes)


def _ignore(_: int) -> None:
    """Nobody asked for progress."""


class ShardReader(Iterator[Read]):
    """The items of a shard, in order; afterwards, what its side files say against them.

    Iterating raises SourceChangedError where a file of the shard is not as the manifest froze
    it, before the first item or after the last one.
    """

    def __init__(
        self, shard: Shard, limits: Limits, on_bytes: Callable[[int], None] | None = None
    ) -> None:
        self._shard = shard
        self._limits = limits
        self._on_bytes = on_bytes or _ignore
        self._items = self._read()
        #: counts from the side files; None without such files or before the last item
        self.reconciliation: Reconciliation | None = None

    def __next__(self) -> Read:
        return next(self._items)

    def close(self) -> None:
        """Let go of open files; needed only if not all items are read."""
        self._items.close()

    def _read(self) -> Generator[Read, None, None]:
        shard = self._shard
        for stamp in shard.files:
            check(stamp)
        context = self._context(0)
        if shard.kind == "folder":
            yield from expand(folder.parts(shard, context), context, 0)
        else:
            yield from self._file()
        for stamp in shard.files:
            check(stamp)

    def _context(self, size: int) -> Context:
        budget = Budget(self._limits, size, self._on_bytes)
        return Context(self._limits, budget, self._on_bytes)

    def _file(self) -> Iterator[Read]:
        stamp = self._shard.files[0]
        context = self._context(stamp.size)
        try:
            with self._opened(stamp) as window:
                sidecars = self._sidecars()
                parts = self._parts(window, context)
                yield from guarded(expand(parts, context, 1, sidecars), "")
                if sidecars is not None:
                    yield from sidecars.leftovers()
                    self.reconciliation = sidecars.reconciliation()
        except OSError:
            yield NoContent(self._shard.name, Reason.UNREADABLE)

    def _parts(self, window: FileWindow, context: Context) -> Iterator[Part]:
        """The parts of the shard's archive or table. Raises BrokenStreamError, as they do."""
        shard = self._shard
        if shard.kind == "parquet":
            yield from parquet.parts(window, context, shard.start, shard.stop)
        elif shard.kind == "zip":
            directory = None if shard.options.get("salvage") else find_directory(window.quiet())
            if directory is None:
                yield from zipsalvage.walk(window, "", context)
            else:
                at, end = shard.options["at"], shard.options["end"]
                yield from zips.walk(window, directory, "", context, at, end)
        elif shard.kind == "csv":
            stream = self._stream(window, context)
            layout = delimited.detect(stream.peek(delimited.SNIFFED))
            if layout is None:
                raise BrokenStreamError(Reason.DAMAGED_ARCHIVE)
            yield from delimited.parts(stream, layout)
        else:
            stop = None if shard.stop < 0 else shard.stop - shard.start
            yield from tars.walk(self._stream(window, context), "", context, stop)

    def _stream(self, window: Window, context: Context) -> Stream:
        shard = self._shard
        stop = None if shard.stop < 0 else shard.stop
        stream = WindowStream(window, shard.start, stop)
        codec = shard.options.get("codec")
        return stream if codec is None else decompressed(stream, Form(codec), context.budget)

    def _sidecars(self) -> Sidecars | None:
        options, files = self._shard.options, self._shard.files
        if "table" not in options and "stats" not in options:
            return None
        stats: bytes | None = None
        try:
            if "stats" in options:
                with self._opened(files[options["stats"]]) as window:
                    stats = window.pread(0, MOST_STATS)
            if "table" in options:
                with self._opened(files[options["table"]]) as window:
                    return Sidecars(window, stats)
        except (OSError, BrokenStreamError):
            return Sidecars(None, stats, damaged=True)
        return Sidecars(None, stats)

    def _opened(self, stamp: FileStamp) -> AbstractContextManager[FileWindow]:
        return opened(decode_path(stamp.path), stamp.size, self._on_bytes)
