"""img2dataset's side files: the table and the statistics beside a tar.

`00000.parquet` and `00000_stats.json` beside `00000.tar` are metadata of that tar, read by this
tool; they are no items. The table's rows are declared of the members with their key. A row
without a member is an item: NOT_STORED if its status says that it was never stored, else
MISSING_MEMBER. So that each row is accounted for exactly once, a tar with side files is never
cut into ranges. A table of more than 250,000 rows is no side table: it is screened by itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import pyarrow as pa

from brightline.sources import columns
from brightline.sources.parquet import Table, open_table
from brightline.sources.paths import printable_text
from brightline.sources.streams import MIB, BrokenStreamError, Window
from brightline.types import Declared, NoContent, Reason

MOST_ROWS = 250_000
MOST_STATS = MIB
SUCCESS = "success"
_FAILED_TO_DOWNLOAD = "failed_to_download"
_FAILED_TO_RESIZE = "failed_to_resize"


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What a dataset says of its shards against what they hold. Counts only; they add up.

    `rows` to `other_status` are from side tables, `stats_*` from statistics files; `images` are
    the picture members found, `missing` rows that succeeded and have none, `unlisted` pictures
    that no row names, `revived` pictures whose row says that they failed; `disagreeing` counts
    the shards in which these do not agree.
    """

    shards: int = 0
    rows: int = 0
    successes: int = 0
    failed_to_download: int = 0
    failed_to_resize: int = 0
    other_status: int = 0
    stats_files: int = 0
    stats_count: int = 0
    stats_successes: int = 0
    stats_failed_to_download: int = 0
    stats_failed_to_resize: int = 0
    images: int = 0
    missing: int = 0
    unlisted: int = 0
    revived: int = 0
    disagreeing: int = 0

    def __add__(self, other: Reconciliation) -> Reconciliation:
        return Reconciliation(
            **{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)}
        )

    @property
    def agrees(self) -> bool:
        """Whether all shards hold what their side files say."""
        return self.disagreeing == 0


def side_table(window: Window) -> Table | None:
    """The table if it can be a tar's side table, else None."""
    try:
        table = open_table(window)
    except BrokenStreamError:
        return None
    if table is None or table.plans or table.file.metadata.num_rows > MOST_ROWS:
        return None
    if not table.layout.signals and table.layout.status is None:
        return None
    return table if "key" in table.file.schema_arrow.names else None


def read_stats(data: bytes) -> dict[str, int] | None:
    """img2dataset's statistics, or None if these are none."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    names = ("count", "successes", _FAILED_TO_DOWNLOAD, _FAILED_TO_RESIZE)
    values = {n: found[n] for n in names if isinstance(found.get(n), int)}
    return values if {"count", "successes"} <= values.keys() else None


class Sidecars:
    """The side files of one tar while its members are read.

    `damaged` is for a side file that cannot be read, and becomes so where the table is damaged.
    """

    def __init__(self, table: Window | None, stats: bytes | None, *, damaged: bool = False) -> None:
        self._keys: list[str] = []
        self._declared: list[tuple[Declared, ...]] = []
        self._status: list[str] = []
        self._rows: dict[str, list[int]] = {}
        self._images = self._unlisted = self._revived = 0
        self._has_table = table is not None
        self.damaged = damaged
        self._stats = None if stats is None else read_stats(stats)
        if table is not None:
            self._load(table)
        self._found = bytearray(len(self._keys))

    def _load(self, window: Window) -> None:
        try:
            table = side_table(window)
            if table is None:
                self.damaged = True
                return
            for batch in table.file.iter_batches(use_threads=False):
                self._add(batch, table.layout)
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - pyarrow raises many kinds on a damaged file
            self.damaged = True

    def _add(self, batch: pa.RecordBatch, layout: columns.Layout) -> None:
        keys = batch.column("key").to_pylist()
        said = columns.declared_rows(batch.columns, layout, batch.num_rows)
        status = [SUCCESS] * batch.num_rows
        if layout.status is not None:
            status = [str(s) for s in batch.column(layout.status).to_pylist()]
        for k, key in enumerate(keys):
            text = "" if key is None else str(key)
            self._rows.setdefault(text, []).append(len(self._keys))
            self._keys.append(text)
            self._declared.append(said.declared[k])
            self._status.append(status[k])

    def declared(self, key: str, *, image: bool) -> tuple[Declared, ...]:
        """What the rows with this key say; for an image, they count as found.

        A member in a folder is also looked for by its base name.
        """
        rows = self._rows.get(key) or self._rows.get(key.rpartition("/")[2]) or []
        out: tuple[Declared, ...] = ()
        for row in rows:
            out += tuple(d for d in self._declared[row] if d not in out)
            if image:
                self._found[row] = 1
        if image:
            self._images += 1
            self._unlisted += not rows
            self._revived += any(self._status[row] != SUCCESS for row in rows)
        return out

    def leftovers(self) -> Iterator[NoContent]:
        """The rows without a member, and the table's damage."""
        if self.damaged:
            yield NoContent("(side files)", Reason.DAMAGED_ARCHIVE)
        for row, key in enumerate(self._keys):
            if not self._found[row]:
                stored = self._status[row] == SUCCESS
                reason = Reason.MISSING_MEMBER if stored else Reason.NOT_STORED
                yield NoContent(f"key {printable_text(key)}", reason, self._declared[row])

    def reconciliation(self) -> Reconciliation:
        """The counts, once all members were read."""
        successes = self._status.count(SUCCESS)
        downloads = self._status.count(_FAILED_TO_DOWNLOAD)
        resizes = self._status.count(_FAILED_TO_RESIZE)
        missing = sum(
            s == SUCCESS and not f for s, f in zip(self._status, self._found, strict=True)
        )
        rows = len(self._keys)
        stats = self._stats
        agree = not (missing or self._unlisted or self._revived or self.damaged)
        if not self._has_table:
            agree = not self.damaged and (stats is None or stats["successes"] == self._images)
        elif stats is not None:
            agree = agree and stats["successes"] == successes and stats["count"] == rows
        said: dict[str, Any] = stats or {}
        return Reconciliation(
            shards=1,
            rows=rows,
            successes=successes,
            failed_to_download=downloads,
            failed_to_resize=resizes,
            other_status=rows - successes - downloads - resizes,
            stats_files=int(stats is not None),
            stats_count=said.get("count", 0),
            stats_successes=said.get("successes", 0),
            stats_failed_to_download=said.get(_FAILED_TO_DOWNLOAD, 0),
            stats_failed_to_resize=said.get(_FAILED_TO_RESIZE, 0),
            images=self._images,
            missing=missing,
            unlisted=self._unlisted if self._has_table else 0,
            revived=self._revived,
            disagreeing=int(not agree),
        )
