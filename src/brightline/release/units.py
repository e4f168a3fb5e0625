"""What leaves together: samples of an archive or a folder, rows of a table.

A *unit* is the smallest thing that a release leaves out. In a folder, a zip or a tar it is a
sample: all files with one key (`sources.sidecar.key_of`). A row is a unit of a table. What lies
in a nested archive belongs to the outermost member: where it matched, that whole member leaves.

A *space* is where units are told apart: an archive or a table, or all plain files of a source.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from brightline import storage
from brightline.errors import DamagedError
from brightline.screen.task import SIGNALS
from brightline.sources.sidecar import key_of
from brightline.types import Kind, Reason, Shard

Unit: TypeAlias = "str | int"

_NESTED = "!/"
_CONTENT = ("sha256", "declared")
_GAPS = pa.array([reason.code for reason in Reason if reason.gap])
_NO_ROW = frozenset((Reason.NOT_STORED.code, Reason.MISSING_MEMBER.code))
#: reasons of rows, which could have matched by what they declare
_DECLARING = pa.array(
    [Reason.METADATA_ROW.code, Reason.NOT_STORED.code, Reason.NULL_BYTES.code, "too_small"]
)


@dataclass(frozen=True, slots=True)
class Task:
    """A shard with its committed folder and the digest that its archive must have."""

    shard: Shard
    folder: Path
    archive_digest: str


class Item(NamedTuple):
    """One row of a signal archive, as far as a release asks: a tuple, since there are billions.

    `gap`: it could not be screened in full. `sampled`: it could have matched, so it may leave
    as cover. `event` says that it stands for damage, not for a member, a file or a row.
    `content` is a digest of its bytes or, for a row without, what it declares; None without any.
    """

    locator: str
    gap: bool
    sampled: bool
    event: bool
    reason: str | None
    content: bytes | None = None


def items(task: Task) -> Iterator[Item]:
    """The items of a task in order. Raises DamagedError if the archive is not what was
    committed."""
    path = task.folder / SIGNALS
    try:
        if storage.sha256_file(path) != task.archive_digest:
            raise DamagedError(
                f"{path} is not what was committed; restore it from a copy or start a new run"
            )
        with pq.ParquetFile(path) as file:
            names = ["item", "outcome", "reason", "size", *_CONTENT]
            for batch in file.iter_batches(batch_size=8192, columns=names):
                yield from map(Item._make, _columns(batch))
    except (OSError, pa.ArrowException) as error:
        raise DamagedError(
            f"{path} cannot be read ({type(error).__name__}); start a new run"
        ) from None


def _columns(batch: pa.RecordBatch) -> Iterator[tuple[object, ...]]:
    """The fields of each item, found for all rows of a column at once."""
    locator = batch.column("item")
    outcome, reason = (batch.column(name).cast(pa.string()) for name in ("outcome", "reason"))
    sampled = pc.or_(pc.equal(outcome, Kind.SCREENED.value), pc.is_in(reason, _DECLARING))
    empty = pc.equal(pc.fill_null(batch.column("size"), 0), 0)
    named = pc.and_(pc.starts_with(locator, "("), pc.ends_with(locator, ")"))
    event = pc.and_(pc.and_(pc.equal(outcome, Kind.FAILED.value), empty), named)
    columns = (locator, pc.is_in(reason, _GAPS), sampled, event, reason)
    found = (column.to_numpy(zero_copy_only=False).tolist() for column in columns)
    return zip(*found, _contents(batch), strict=True)


def _contents(batch: pa.RecordBatch) -> list[bytes | None]:
    """For each item a digest that its exact copies share, or None."""
    stored = batch.column("sha256")
    found: list[bytes | None] = stored.to_numpy(zero_copy_only=False).tolist()
    if stored.null_count:
        for row, declared in enumerate(batch.column("declared").to_pylist()):
            if found[row] is None and declared:
                first = declared[0]
                names = ("sha256", "md5", "sha1", "url")
                found[row] = next((first[name] for name in names if first[name]), None)
    return found


def sample_of(locator: str) -> str:
    """The sample that a member or file belongs to, or that a thing nested in it does."""
    return key_of(locator.partition(_NESTED)[0])


def row_of(locator: str) -> int | None:
    """The row that a table's item is of, or None if it is of none."""
    if not locator.startswith("row "):
        return None
    digits = locator[4:].partition(_NESTED)[0].partition(",")[0]
    return int(digits) if digits.isdigit() else None


def unit_of(shard: Shard, item: Item) -> Unit:
    """The unit of an item; that of an event names nothing that exists."""
    if shard.kind in ("parquet", "csv"):
        row = row_of(item.locator)
        return item.locator if row is None else row
    if has_table(shard):
        if item.reason in _NO_ROW and item.locator.startswith("key "):
            return base_key(item.locator[4:])
        return base_key(sample_of(item.locator))
    return sample_of(item.locator)


def unit_of_finding(shard: Shard, locator: str) -> Unit:
    """The unit of a finding's item."""
    if has_table(shard) and locator.startswith("key "):
        return base_key(locator[4:])
    return unit_of(shard, Item(locator, False, True, False, None))


def has_table(shard: Shard) -> bool:
    """Whether a tar has a side table, whose keys know no folders."""
    return "table" in shard.options


def base_key(key: str) -> str:
    """A sample's key as a side table has it: without folders."""
    return key.rpartition("/")[2]
