"""Writing one piece of a release: plain files of a folder, and its links.

Files are copied bit for bit, but for two kinds that speak of other files: an image folder's
metadata and img2dataset's statistics follow what they speak of. A link stays if it points to
something in its source that stays; a link to elsewhere leaves, since what it points to was never
screened. Devices, pipes and what cannot be read cannot be copied.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator

from brightline.errors import SourceError
from brightline.release.clean import (
    Draft,
    Fill,
    Setting,
    copy_whole,
    filled_stats,
    make,
    rows_that_stay,
)
from brightline.release.copying import Output
from brightline.release.coupling import is_plain_metadata, locators, without_rows
from brightline.release.layout import Piece
from brightline.release.manifest import Link
from brightline.release.stats import keys_of, loss_of
from brightline.release.units import items, sample_of
from brightline.sources.files import NOT_READ, opened
from brightline.sources.paths import decode_path, encode_path, printable
from brightline.sources.streams import FileWindow
from brightline.types import Reason

_STATS, _TABLE = b"_stats.json", b".parquet"


class Folder:
    """The plain files of one shard."""

    def __init__(self, setting: Setting, piece: Piece) -> None:
        self._setting = setting
        self._piece = piece
        plan = setting.plan
        self._leaving = plan.leaving(piece.space)
        self._known: set[str] | None = None
        damaged = piece.space in plan.damaged or piece.space in plan.unscreened
        if damaged and not setting.keep_unscreened:
            self._known = {
                item.locator for task in piece.tasks for item in items(task) if not item.event
            }

    def write(self) -> Iterator[Draft]:
        """Write the files that stay; gives what was written."""
        shard = self._piece.shard
        for number, (stamp, locator) in enumerate(zip(shard.files, locators(shard), strict=True)):
            path = decode_path(stamp.path)
            if self._piece.source.is_about(path) or sample_of(locator) in self._leaving:
                continue
            if self._known is not None and locator not in self._known:
                continue
            if stamp.size == NOT_READ:
                if shard.options["not_read"][str(number)] == Reason.LINK.code:
                    yield from self._link(path, locator)
                continue
            yield from make(self._setting, self._piece, stamp, self._fill(path, locator))

    def _fill(self, path: bytes, locator: str) -> Fill:
        if is_plain_metadata(locator) and self._leaving:
            return lambda window, fd, out: self._metadata(locator, window, fd, out)
        if path.endswith(_STATS):
            found = self._statistics(path)
            if found is not None:
                return found
        return copy_whole

    def _metadata(self, locator: str, window: FileWindow, fd: int, out: Output) -> bool:
        data = without_rows(locator, window.pread(0, window.size), self._leaving)
        if data is None:
            return copy_whole(window, fd, out)
        out.write(data)
        return True

    def _statistics(self, path: bytes) -> Fill | None:
        """Statistics of a table of which rows leave; None if there is no such table."""
        table = path.removesuffix(_STATS) + _TABLE
        space = encode_path(self._piece.source.target(table))
        if not self._setting.plan.leaving(space) and space not in self._setting.coupled:
            return None
        try:
            size = os.stat(table).st_size  # noqa: PTH116 - bytes stay bytes
            with opened(table, size, lambda _: None) as window:
                keys = keys_of(window)
                if keys is None:
                    return None
                keep = rows_that_stay(self._setting, self._piece.source.space, space)
                return filled_stats(loss_of(window, keep(0, len(keys))))
        except OSError as error:
            raise SourceError(
                f"{printable(table)} cannot be read ({error.strerror}); start a new run"
            ) from None

    def _link(self, path: bytes, locator: str) -> Iterator[Link]:
        try:
            points_to = os.readlink(path)  # noqa: PTH115 - bytes stay bytes
        except OSError as error:
            raise SourceError(
                f"{printable(path)} cannot be read ({error.strerror}); start a new run"
            ) from None
        if not self._setting.keep_unscreened and points_to.startswith(b"/"):
            return
        there = posixpath.normpath(posixpath.join(posixpath.dirname(locator), printable(points_to)))
        outside = there == ".." or there.startswith("../")
        if (outside and not self._setting.keep_unscreened) or sample_of(there) in self._leaving:
            return
        name = self._piece.source.target(path)
        target = os.path.join(os.fsencode(self._setting.root), name)  # noqa: PTH118
        os.makedirs(os.path.dirname(target), exist_ok=True)  # noqa: PTH103, PTH120
        if os.path.lexists(target):
            os.unlink(target)  # noqa: PTH108
        os.symlink(points_to, target)  # noqa: PTH211
        yield Link(name, points_to)
