"""Writing one piece of a release: an archive or a table with its side files.

A file of which nothing leaves is copied bit for bit. Everything else is rewritten by the same
code whatever the reason for which something leaves, and all files get the time and mode of their
source: what was rewritten for a match looks like what was rewritten for cover.

Where not everything of an archive could be read, only what was read stays, unless what could not
be screened is to stay. What cannot be taken apart (a zip without its directory, a table without
its footer) leaves as a whole. A compressed archive is compressed anew, with the usual settings.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeAlias, cast

import numpy as np
import pyarrow as pa

from brightline.errors import SourceError
from brightline.release import tables, tars, zips
from brightline.release.copying import Output, Sink, dress
from brightline.release.coupling import Coupling
from brightline.release.digesting import Written
from brightline.release.layout import Piece
from brightline.release.manifest import Entry, File
from brightline.release.plan import Plan
from brightline.release.stats import (
    Loss,
    keep_by_key,
    keys_of,
    loss_of,
    lost_pictures,
    reduced,
    sliced,
)
from brightline.release.tables import Bools, KeepRows
from brightline.release.units import base_key, has_table, items, row_of, sample_of
from brightline.sources.compression import decompressed
from brightline.sources.files import opened
from brightline.sources.paths import IMAGE_EXTENSIONS, decode_path, extension, printable
from brightline.sources.sniff import Form
from brightline.sources.streams import Budget, FileWindow, Stream, WindowStream
from brightline.sources.webdataset import MOST_STATS
from brightline.types import FileStamp, Limits

#: while only headers of a tar are wanted, this much is read at once
_STEP = 4096
_GZIP_LEVEL = 6
_UNLIMITED = Limits(expansion_base=1 << 62)

OnBytes: TypeAlias = Callable[[int], None]
#: what was written: a file whose digest is known, or is to be taken, or a link
Draft: TypeAlias = Entry | Written
#: writes a new file's content from its source; False to leave the file out
Fill: TypeAlias = Callable[[FileWindow, int, Output], bool]


@dataclass(frozen=True, slots=True)
class Setting:
    """What all pieces of a release share. `root` is the folder that is written into.

    Files of `later` bytes or more are digested when they are written; None: none are.
    """

    plan: Plan
    coupled: Mapping[str, Coupling]
    root: Path
    keep_unscreened: bool
    limits: Limits
    on_bytes: OnBytes
    later: int | None = None


def copy_whole(window: FileWindow, fd: int, out: Output) -> bool:
    """Bit for bit."""
    out.copy(fd, 0, window.size)
    return True


def make(setting: Setting, piece: Piece, stamp: FileStamp, fill: Fill) -> Iterator[Draft]:
    """Write the file of a stamp; gives what was written, or nothing if it is left out.

    Raises SourceError if the source cannot be read, and OSError if the release cannot be
    written.
    """
    source = decode_path(stamp.path)
    path = piece.source.target(source)
    target = os.path.join(os.fsencode(setting.root), path)  # noqa: PTH118 - bytes stay bytes
    os.makedirs(os.path.dirname(target), exist_ok=True)  # noqa: PTH103, PTH120
    try:
        fd = os.open(source, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError as error:
        raise SourceError(
            f"{printable(source)} cannot be read ({error.strerror}); start a new run"
        ) from None
    try:
        window = FileWindow(fd, stamp.size, _ignore)
        now = setting.later is None or stamp.size < setting.later
        with Output(target, setting.on_bytes, digest=now) as out:
            stays = fill(window, fd, out)
            digest, size = out.sha256, out.size
        if stays:
            dress(target, os.fstat(fd))
            yield Written(path, size) if digest is None else File(path, digest, size)
        else:
            os.unlink(target)  # noqa: PTH108
    finally:
        os.close(fd)


def _ignore(_: int) -> None:
    """What is read is no progress: what is written is."""


class Archive:
    """One archive or table, and the files that belong to it."""

    def __init__(self, setting: Setting, piece: Piece) -> None:
        self._setting = setting
        self._piece = piece
        self._leaving = setting.plan.leaving(piece.space)
        self._pictures = 0
        self._keyed = has_table(piece.shard)
        damaged = piece.space in setting.plan.damaged or piece.space in setting.plan.unscreened
        #: what may stay, where not all of the file was read
        self._known: set[str] | None = None
        if damaged and not setting.keep_unscreened:
            self._known = {
                item.locator for task in piece.tasks for item in items(task) if not item.event
            }

    def write(self) -> Iterator[Draft]:
        """Write all files of the piece; gives what was written."""
        stamps = self._piece.shard.files
        coupling = self._setting.coupled.get(self._piece.space)
        samples = self._setting.plan.leaving(self._piece.source.space)
        coupled = coupling is not None and not all(map(samples.isdisjoint, coupling.rows))
        if not self._leaving and self._known is None and not coupled:
            for stamp in stamps:
                yield from make(self._setting, self._piece, stamp, copy_whole)
            return
        fills: dict[str, Fill] = {
            "tar": self._tar,
            "zip": self._zip,
            "parquet": self._parquet,
            "csv": self._csv,
        }
        yield from make(self._setting, self._piece, stamps[0], fills[self._piece.kind])
        yield from self._side_files()

    def _keeps(self, locator: str) -> bool:
        """Whether a member stays; pictures that do not are counted."""
        stays = not self._leaves(locator) and (self._known is None or locator in self._known)
        if not stays and extension(locator) in IMAGE_EXTENSIONS:
            self._pictures += 1
        return stays

    def _reaches(self, locator: str) -> bool:
        """Whether what a link points to stays; the member's name may begin with `./`."""
        names = locator, f"./{locator}"
        known = self._known is None or not self._known.isdisjoint(names)
        return known and not any(map(self._leaves, names))

    def _leaves(self, locator: str) -> bool:
        unit = sample_of(locator)
        return (base_key(unit) if self._keyed else unit) in self._leaving

    def _tar(self, window: FileWindow, fd: int, out: Output) -> bool:
        damage = self._setting.keep_unscreened
        codec = self._piece.shard.options.get("codec")
        if codec is None:
            stream: Stream = WindowStream(window, piece=_STEP)
            ranges = tars.Ranges(fd, window.size, out)
            tars.rewrite(stream, ranges, self._keeps, self._reaches, damage=damage)
            return True
        with compressor(Form(codec), out) as sink:
            stream = self._expanded(window, Form(codec))
            target = tars.Written(sink.write)
            tars.rewrite(stream, target, self._keeps, self._reaches, damage=damage)
        return True

    def _expanded(self, window: FileWindow, form: Form) -> Stream:
        limits = _UNLIMITED if self._setting.keep_unscreened else self._setting.limits
        raw = WindowStream(window)
        return decompressed(raw, form, Budget(limits, window.size, _ignore))

    def _zip(self, window: FileWindow, fd: int, out: Output) -> bool:
        salvaged = bool(self._piece.shard.options.get("salvage"))
        damage = self._setting.keep_unscreened
        return not salvaged and zips.rewrite(fd, window, out, self._keeps, damage=damage)

    def _parquet(self, window: FileWindow, _: int, out: Output) -> bool:
        return tables.rewrite_parquet(window, out, self._rows())

    def _csv(self, window: FileWindow, _: int, out: Output) -> bool:
        codec = self._piece.shard.options.get("codec")
        if codec is None:
            return tables.rewrite_text(WindowStream(window), out.write, self._rows())
        with compressor(Form(codec), out) as sink:
            stream = self._expanded(window, Form(codec))
            return tables.rewrite_text(stream, sink.write, self._rows())

    def _rows(self) -> KeepRows:
        known = None
        if self._known is not None:
            known = np.array(sorted({r for k in self._known if (r := row_of(k)) is not None}))
        return rows_that_stay(self._setting, self._piece.source.space, self._piece.space, known)

    def _side_files(self) -> Iterator[Draft]:
        shard = self._piece.shard
        loss = None
        if "table" in shard.options:
            stamp = shard.files[shard.options["table"]]
            mask = self._side_mask(stamp)
            if mask is not None:
                with opened(decode_path(stamp.path), stamp.size, _ignore) as window:
                    loss = loss_of(window, mask)
                keep = sliced(mask)
                yield from make(
                    self._setting,
                    self._piece,
                    stamp,
                    copy_whole
                    if mask.all()
                    else lambda w, _, out: tables.rewrite_parquet(w, out, keep),
                )
        if "stats" in shard.options:
            lost = lost_pictures(self._pictures) if loss is None else loss
            stamp = shard.files[shard.options["stats"]]
            yield from make(self._setting, self._piece, stamp, filled_stats(lost))

    def _side_mask(self, stamp: FileStamp) -> Bools | None:
        """Which rows of the side table stay; None if it cannot be read, and leaves."""
        with opened(decode_path(stamp.path), stamp.size, _ignore) as window:
            keys = keys_of(window)
        return None if keys is None else keep_by_key(keys, self._leaving)


def filled_stats(loss: Loss) -> Fill:
    """Statistics without what their shard loses."""

    def fill(window: FileWindow, fd: int, out: Output) -> bool:
        if window.size > MOST_STATS:
            return copy_whole(window, fd, out)
        out.write(reduced(window.pread(0, window.size), loss))
        return True

    return fill


def rows_that_stay(
    setting: Setting, files: str, space: str, known: np.ndarray[Any, Any] | None = None
) -> KeepRows:
    """Which rows of a table stay: `files` is the space of the plain files beside it.

    With `known`, sorted row numbers, no other row stays.
    """
    own = setting.plan.leaving(space)
    leaving = np.array(sorted(unit for unit in own if isinstance(unit, int)), np.int64)
    coupling = setting.coupled.get(space)
    samples = setting.plan.leaving(files) if coupling is not None else set()

    def keep(first: int, count: int) -> Bools:
        rows = np.arange(first, first + count, dtype=np.int64)
        mask: Bools = ~np.isin(rows, leaving)
        if known is not None:
            mask &= np.isin(rows, known)
        if coupling is not None:
            there = coupling.rows[first : first + count]
            mask[: len(there)] &= np.array([*map(samples.isdisjoint, there)], np.bool_)
        return mask

    return keep


@contextlib.contextmanager
def compressor(form: Form, out: Output) -> Iterator[IO[bytes]]:
    """A writable file that compresses into the output."""
    sink = cast("IO[bytes]", Sink(out))
    match form:
        case Form.GZ:
            # no name and no time: they would tell when it was rewritten
            with gzip.GzipFile("", "wb", _GZIP_LEVEL, sink, mtime=0) as stream:
                yield cast("IO[bytes]", stream)
        case Form.BZ2:
            with bz2.BZ2File(sink, "wb") as stream_bz2:
                yield cast("IO[bytes]", stream_bz2)
        case Form.XZ:
            with lzma.LZMAFile(sink, "wb") as stream_xz:
                yield cast("IO[bytes]", stream_xz)
        case Form.ZST:
            with pa.CompressedOutputStream(pa.PythonFile(sink, mode="w"), "zstd") as stream_zst:
                yield stream_zst
        case Form.TAR | Form.ZIP | Form.PARQUET:
            raise AssertionError(f"{form} is no compression")
