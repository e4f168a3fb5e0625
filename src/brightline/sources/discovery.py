"""Listing what will be read, lazily, in the order of the names' bytes.

Archives and tables, told by their content, become shards of their own if they have 1 MiB or a
name that is not a picture's; everything else goes into folder shards. Links are not followed:
each is an item, and so is each device and each folder that cannot be read. Only one folder's
names (and those of the folders around it) are in memory.

Side files of a tar (see `webdataset`) belong to the tar's shard.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

from brightline.errors import SourceError
from brightline.sources.files import NOT_READ, opened
from brightline.sources.folder import locator_of
from brightline.sources.identify import Found, identify
from brightline.sources.paths import (
    IMAGE_EXTENSIONS,
    TEXT_EXTENSIONS,
    decode_path,
    encode_path,
    extension,
    printable,
)
from brightline.sources.shards import cut
from brightline.sources.sidecar import key_of
from brightline.sources.streams import MIB, BrokenStreamError
from brightline.sources.webdataset import MOST_STATS, read_stats, side_table
from brightline.types import FileStamp, Limits, Reason, Shard

#: what a user may say that a source is; `auto` is to look
SOURCE_TYPES = ("auto", "folder", "zip", "tar", "webdataset", "parquet", "csv")

FILES = 1000
FOLDER_BYTES = 256 * MIB
#: how many files more a shard may take so that a picture stays with its sidecar
SLACK = 16
_PLAIN = IMAGE_EXTENSIONS | TEXT_EXTENSIONS


def discover(
    sources: Sequence[Path],
    limits: Limits,  # noqa: ARG001 - as every reader; listing itself has nothing to limit
    *,
    source_type: str | None = None,
) -> Iterator[Shard]:
    """List the shards of all sources, in order.

    Raises SourceError at once for a source that is missing, unreadable, inside another one, or
    not of the type named; for a folder without any file of that type, at the end of listing it.
    """
    wanted = None if source_type in (None, "auto") else source_type
    if wanted is not None and wanted not in SOURCE_TYPES:
        raise SourceError(f"unknown source type {wanted!r}; use one of {', '.join(SOURCE_TYPES)}")
    wanted = "tar" if wanted == "webdataset" else wanted
    tops = [_top(path, wanted) for path in sources]
    _refuse_overlap(tops)
    return _all(tops, wanted)


def _all(tops: Sequence[bytes], wanted: str | None) -> Iterator[Shard]:
    for top in tops:
        yield from _Walk(top, wanted).shards()


def _top(path: Path, wanted: str | None) -> bytes:
    raw = os.fsencode(path)
    shown = printable(raw)
    try:
        facts = path.stat()
        mode = facts.st_mode
        if stat.S_ISDIR(mode):
            with os.scandir(raw):
                return raw
    except FileNotFoundError:
        raise SourceError(f"{shown} does not exist; check the path") from None
    except OSError as error:
        raise SourceError(
            f"{shown} cannot be read ({error.strerror}); check its permissions"
        ) from None
    if not stat.S_ISREG(mode):
        raise SourceError(f"{shown} is neither a file nor a folder; name one of these")
    if wanted is not None:
        found = _identify(raw, facts.st_size)
        if found is None or found.kind != wanted:
            what = "a plain file" if found is None else f"of type {found.kind}"
            raise SourceError(f"{shown} is {what}, not {wanted}; leave out the source type")
    return raw


def _refuse_overlap(tops: Sequence[bytes]) -> None:
    real = sorted(os.path.realpath(top) for top in tops)
    for k in range(1, len(real)):
        if real[k] == real[k - 1] or real[k].startswith(real[k - 1].rstrip(b"/") + b"/"):
            raise SourceError(
                f"{printable(real[k])} lies in another source and would be counted twice; "
                "name it once"
            )


def _identify(path: bytes, size: int) -> Found | None:
    try:
        with opened(path, size, _ignore) as window:
            return identify(window, printable(path))
    except OSError:
        return None


def _ignore(_: int) -> None:
    """Listing shows no progress in bytes."""


class _Files:
    """Plain files on their way into a folder shard."""

    def __init__(self, source: str, top: bytes) -> None:
        self._source = source
        self._top = top
        self._stamps: list[FileStamp] = []
        self._not_read: dict[str, str] = {}
        self._bytes = 0
        self._last = ""
        self._listed = 0

    def add(self, path: bytes, stamp: FileStamp, reason: Reason | None) -> Iterator[Shard]:
        """Take a file; yields the shard that was full before it."""
        key = key_of(printable(path))
        count = len(self._stamps)
        size = max(0, stamp.size)
        full = count >= FILES or self._bytes + size > FOLDER_BYTES
        together = key == self._last and count < FILES + SLACK and size <= MIB
        if count and full and not together:
            yield from self.flush()
        if reason is not None:
            self._not_read[str(len(self._stamps))] = reason.code
        self._stamps.append(stamp)
        self._bytes += size
        self._last = key

    def flush(self) -> Iterator[Shard]:
        """The shard of what is left."""
        if not self._stamps:
            return
        first, last = self._listed + 1, self._listed + len(self._stamps)
        self._listed = last
        yield Shard(
            source=self._source,
            # numbers, since shards are named in messages and files are items
            name=f"files {first}-{last}" if last > first else f"file {first}",
            kind="folder",
            files=tuple(self._stamps),
            items_hint=len(self._stamps),
            options={"not_read": self._not_read} if self._not_read else {},
        )
        self._stamps, self._not_read, self._bytes = [], {}, 0


#: one folder's entries: by name, and those still to come
_Listing: TypeAlias = tuple[dict[bytes, "os.DirEntry[bytes]"], Iterator["os.DirEntry[bytes]"]]


class _Walk:
    """One source."""

    def __init__(self, top: bytes, wanted: str | None) -> None:
        self._top = top
        self._wanted = wanted
        self._source = encode_path(top)
        self._files = _Files(self._source, top)
        self._kinds: set[str] = {"folder"}

    def shards(self) -> Iterator[Shard]:
        top = Path(os.fsdecode(self._top))
        try:
            facts = top.stat()
            first = self._listed(self._top) if stat.S_ISDIR(facts.st_mode) else None
        except OSError:
            raise SourceError(
                f"{printable(self._top)} went away while it was listed; check the path"
            ) from None
        if first is None:
            yield from self._file(self._top, facts, {})
            yield from self._files.flush()
            return
        yield from self._folder(first)
        yield from self._files.flush()
        if self._wanted is not None and self._wanted not in self._kinds:
            raise SourceError(
                f"{printable(self._top)} holds no file of type {self._wanted}; "
                "leave out the source type"
            )

    def _folder(self, first: _Listing) -> Iterator[Shard]:
        stack = [first]
        while stack:
            names, listing = stack[-1]
            entry = next(listing, None)
            if entry is None:
                stack.pop()
            elif entry.is_dir(follow_symlinks=False):
                try:
                    stack.append(self._listed(entry.path))
                except OSError:
                    yield from self._not_read(entry.path, Reason.UNREADABLE)
            else:
                yield from self._entry(entry, names)

    def _listed(self, path: bytes) -> _Listing:
        with os.scandir(path) as found:
            entries = sorted(found, key=lambda entry: entry.name)
        return {entry.name: entry for entry in entries}, iter(entries)

    def _entry(
        self, entry: os.DirEntry[bytes], names: dict[bytes, os.DirEntry[bytes]]
    ) -> Iterator[Shard]:
        try:
            facts = entry.stat(follow_symlinks=False)
        except OSError:
            yield from self._not_read(entry.path, Reason.UNREADABLE)
            return
        if stat.S_ISLNK(facts.st_mode):
            yield from self._not_read(entry.path, Reason.LINK)
        elif not stat.S_ISREG(facts.st_mode):
            yield from self._not_read(entry.path, Reason.SPECIAL)
        else:
            yield from self._file(entry.path, facts, names)

    def _not_read(self, path: bytes, reason: Reason) -> Iterator[Shard]:
        stamp = FileStamp(encode_path(path), NOT_READ, 0)
        yield from self._files.add(path, stamp, reason)

    def _file(
        self, path: bytes, facts: os.stat_result, names: dict[bytes, os.DirEntry[bytes]]
    ) -> Iterator[Shard]:
        stamp = _stamp(path, facts)
        if self._is_side_file(path, names):
            return
        plain_name = extension(printable(path)) in _PLAIN
        found = None
        if stamp.size and (stamp.size >= MIB or not plain_name):
            found = _identify(path, stamp.size)
        if found is None:
            yield from self._files.add(path, stamp, None)
            return
        self._kinds.add(found.kind)
        files, options = [stamp], {}
        if found == Found("tar"):
            for label, side in _side_files(path, names):
                options[label] = len(files)
                files.append(side)
        try:
            with opened(path, stamp.size, _ignore) as window:
                name = locator_of(path, self._top)
                yield from cut(self._source, name, found, tuple(files), window, options)
        except OSError:
            # it was readable a moment ago: the reader will say what it is now
            yield from self._files.add(path, stamp, None)

    def _is_side_file(self, path: bytes, names: dict[bytes, os.DirEntry[bytes]]) -> bool:
        for suffix in (b".parquet", b"_stats.json"):
            if path.endswith(suffix):
                tar = path.removesuffix(suffix) + b".tar"
                entry = names.get(tar.rpartition(b"/")[2])
                if entry is None or not entry.is_file(follow_symlinks=False):
                    return False
                if _identify(tar, entry.stat(follow_symlinks=False).st_size) != Found("tar"):
                    return False
                return any(decode_path(s.path) == path for _, s in _side_files(tar, names))
        return False


def _stamp(path: bytes, facts: os.stat_result) -> FileStamp:
    return FileStamp(encode_path(path), facts.st_size, facts.st_mtime_ns)


def _side_files(
    tar: bytes, names: dict[bytes, os.DirEntry[bytes]]
) -> Iterator[tuple[str, FileStamp]]:
    """The table and the statistics that belong to a tar, where they are what they seem."""
    for label, suffix in (("table", b".parquet"), ("stats", b"_stats.json")):
        path = tar.removesuffix(b".tar") + suffix
        entry = names.get(path.rpartition(b"/")[2])
        if entry is None or not tar.endswith(b".tar"):
            continue
        try:
            if not entry.is_file(follow_symlinks=False):
                continue
            facts = entry.stat(follow_symlinks=False)
            with opened(path, facts.st_size, _ignore) as window:
                if label == "table":
                    good = side_table(window) is not None
                else:
                    small = facts.st_size <= MOST_STATS
                    good = small and read_stats(window.pread(0, MOST_STATS)) is not None
        except (OSError, BrokenStreamError):
            continue
        if good:
            yield label, _stamp(path, facts)
