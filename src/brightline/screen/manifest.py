"""The frozen list of a run's shards: written once, whole, before anything is screened."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from brightline.errors import DamagedError
from brightline.screen.parameters import canonical, shard_identity
from brightline.types import FileStamp, Shard

_SCHEMA = pa.schema(
    [
        ("source", pa.string()),
        ("name", pa.string()),
        ("kind", pa.string()),
        ("start", pa.int64()),
        ("stop", pa.int64()),
        ("size", pa.int64()),
        ("items_hint", pa.int64()),
        ("options", pa.string()),
        ("files", pa.binary()),
    ]
)
_BATCH = 64


@dataclass(slots=True)
class SourceTotals:
    """What the manifest holds of one source."""

    kinds: dict[str, int] = field(default_factory=dict)
    shards: int = 0
    bytes: int = 0
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Frozen:
    """What was written: shards and bytes in all, and by source in the order they were given."""

    shards: int
    bytes: int
    digest: str
    sources: dict[str, SourceTotals]


def freeze(
    shards: Iterable[Shard], path: Path, on_shard: Callable[[int, int], None] | None = None
) -> Frozen:
    """Write the manifest; `on_shard(shards, bytes)` is told how far it is."""
    whole = hashlib.sha256()
    by_source: dict[str, SourceTotals] = {}
    digests: dict[str, hashlib._Hash] = {}
    count = total = 0
    batch: list[dict[str, object]] = []
    with pq.ParquetWriter(path, _SCHEMA, compression="zstd", write_statistics=False) as writer:
        for shard in shards:
            line = canonical(shard_identity(shard)) + b"\n"
            whole.update(line)
            digests.setdefault(shard.source, hashlib.sha256()).update(line)
            totals = by_source.setdefault(shard.source, SourceTotals())
            totals.kinds[shard.kind] = totals.kinds.get(shard.kind, 0) + 1
            totals.shards += 1
            totals.bytes += shard.size
            count += 1
            total += shard.size
            batch.append(_row(shard))
            if len(batch) == _BATCH:
                writer.write_table(pa.Table.from_pylist(batch, _SCHEMA))
                batch = []
            if on_shard is not None:
                on_shard(count, total)
        writer.write_table(pa.Table.from_pylist(batch, _SCHEMA))
    for source, digest in digests.items():
        by_source[source].digest = f"sha256:{digest.hexdigest()}"
    return Frozen(count, total, f"sha256:{whole.hexdigest()}", by_source)


def _row(shard: Shard) -> dict[str, object]:
    return {
        "source": shard.source,
        "name": shard.name,
        "kind": shard.kind,
        "start": shard.start,
        "stop": shard.stop,
        "size": shard.size,
        "items_hint": shard.items_hint,
        "options": json.dumps(shard.options, sort_keys=True),
        "files": _packed(shard.files),
    }


def _packed(files: tuple[FileStamp, ...]) -> bytes:
    """Deflated, since a folder's shard has a thousand of them."""
    text = json.dumps([[f.path, f.size, f.mtime_ns] for f in files], separators=(",", ":"))
    return zlib.compress(text.encode())


def _unpacked(data: bytes) -> tuple[FileStamp, ...]:
    return tuple(FileStamp(*stamp) for stamp in json.loads(zlib.decompress(data)))


def thaw(path: Path) -> Iterator[Shard]:
    """The shards in their order, a few at a time in memory.

    Raises DamagedError if the manifest cannot be read.
    """
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=_BATCH):
                for row in batch.to_pylist():
                    yield Shard(
                        source=row["source"],
                        name=row["name"],
                        kind=row["kind"],
                        files=_unpacked(row["files"]),
                        start=row["start"],
                        stop=row["stop"],
                        items_hint=row["items_hint"],
                        options=json.loads(row["options"]),
                    )
    except (OSError, ValueError, zlib.error, pa.ArrowException) as error:
        raise DamagedError(
            f"the manifest {path} cannot be read ({type(error).__name__}); start a new run"
        ) from None
