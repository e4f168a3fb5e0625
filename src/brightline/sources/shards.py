"""Cutting one archive or table into shards.

Shards are of about 128 MiB (tar) or 256 MiB (zip, Parquet with pictures), of at most 5,000
members or 1,000,000 rows of metadata. A Parquet row group is never cut. `options["bytes"]` says
how much of the file a range of a zip or Parquet covers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from brightline.sources import zipdirectory
from brightline.sources.identify import Found
from brightline.sources.parquet import open_table
from brightline.sources.streams import MIB, BrokenStreamError, Window, WindowStream
from brightline.sources.tars import Entry, entries
from brightline.types import FileStamp, Shard

TAR_BYTES = 128 * MIB
MEMBERS = 5000
RANGE_BYTES = 256 * MIB
METADATA_ROWS = 1_000_000
#: while only headers are wanted, this much is read at once
_STEP = 64 << 10


def cut(
    source: str,
    name: str,
    found: Found,
    files: tuple[FileStamp, ...],
    window: Window,
    options: dict[str, Any],
) -> Iterator[Shard]:
    """The shards of one file, in order. `files[0]` is open as `window`."""
    codec = {} if found.codec is None else {"codec": found.codec.value}
    options = {**options, **codec}
    ranges: Iterator[tuple[int, int, int | None, dict[str, Any]]]
    if codec or len(files) > 1 or found.kind == "csv":
        ranges = iter([(0, -1, None, {})])
    elif found.kind == "tar":
        ranges = _tar(window)
    elif found.kind == "zip":
        ranges = _zip(window)
    else:
        ranges = _parquet(window)
    for start, stop, hint, extra in ranges:
        whole = start == 0 and stop == -1
        yield Shard(
            source=source,
            name=name if whole else f"{name} [{start}:{'' if stop < 0 else stop}]",
            kind=found.kind,
            files=files,
            start=start,
            stop=stop,
            items_hint=hint,
            options={**options, **extra},
        )


def _tar(window: Window) -> Iterator[tuple[int, int, int | None, dict[str, Any]]]:
    start = count = 0
    fixed = False
    try:
        for entry in entries(WindowStream(window, piece=_STEP)):
            if not isinstance(entry, Entry):
                continue
            fixed = fixed or entry.inherits
            full = count >= MEMBERS or entry.start - start >= TAR_BYTES
            if count and full and not fixed:
                yield start, entry.start, count, {}
                start, count = entry.start, 0
            count += 1
    except BrokenStreamError:
        # the disk fails here: the reader will say so in the last range
        count = max(count, 1)
    yield start, -1, count, {}


def _zip(window: Window) -> Iterator[tuple[int, int, int | None, dict[str, Any]]]:
    try:
        directory = zipdirectory.find_directory(window)
        found = directory and zipdirectory.ranges(window, directory, MEMBERS, RANGE_BYTES)
    except BrokenStreamError:
        found = None
    if not found:
        yield 0, -1, None, {"salvage": True}
        return
    for r in found:
        whole = r.start == 0 and r is found[-1]
        extra = {"at": r.at, "end": r.end, "bytes": r.bytes}
        yield r.start, -1 if whole else r.stop, r.stop - r.start, extra


def _parquet(window: Window) -> Iterator[tuple[int, int, int | None, dict[str, Any]]]:
    try:
        table = open_table(window)
    except BrokenStreamError:
        table = None
    if table is None:
        yield 0, -1, None, {}
        return
    scale = window.size / max(1, sum(table.group_bytes))
    most = METADATA_ROWS if not table.plans else 1 << 62
    start = row = size = 0
    for count, expanded in zip(table.group_rows, table.group_bytes, strict=True):
        own = int(expanded * scale)
        if row > start and (row - start + count > most or size + own > RANGE_BYTES):
            yield start, row, row - start, {"bytes": size}
            start, size = row, 0
        row += count
        size += own
    yield start, -1, row - start, {"bytes": size}
