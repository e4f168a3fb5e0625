"""Building archives and reading them back, for the tests of this room."""

from __future__ import annotations

import io
import tarfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from brightline.sources import discover, read
from brightline.types import Content, Limits, NoContent, Read, Reason, Rows, Streamed

LIMITS = Limits()


def tar_of(
    members: Iterable[tuple[str, bytes]], tar_format: int = tarfile.PAX_FORMAT, pad: bool = True
) -> bytes:
    """A tar with these regular members; without `pad`, no more than the two end blocks."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tar_format) as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        end = tar.offset
    return out.getvalue() if pad else out.getvalue()[: end + 1024]


def zstd(data: bytes) -> bytes:
    """One zstd frame."""
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return bytes(sink.getvalue())


def read_all(path: Path, limits: Limits = LIMITS, source_type: str | None = None) -> list[Read]:
    """Every item of a source, shard by shard."""
    return [
        item
        for shard in discover([path], limits, source_type=source_type)
        for item in read(shard, limits)
    ]


def summary(items: Iterable[Read]) -> list[tuple[str, str]]:
    """(locator, what) for each item: its length, or the code of its reason."""
    out = []
    for item in items:
        match item:
            case Content():
                out.append((item.locator, f"{len(item.data)}{'+' if item.expanded else ''}"))
            case Streamed():
                out.append((item.locator, f"{item.size}~{'+' if item.expanded else ''}"))
            case NoContent():
                out.append((item.locator, item.reason.code))
            case Rows():
                out.append((f"rows {item.first}", str(item.count)))
    return out


def contents(items: Iterable[Read]) -> list[tuple[str, bytes]]:
    """(locator, bytes) of the items that have bytes."""
    return [(i.locator, i.data) for i in items if isinstance(i, Content)]


def reasons(items: Iterable[Read]) -> Counter[Reason]:
    """How many items have no content, by reason."""
    return Counter(i.reason for i in items if isinstance(i, NoContent))


def count(items: Iterable[Read]) -> int:
    """Items, rows counted one by one."""
    return sum(i.count if isinstance(i, Rows) else 1 for i in items)
