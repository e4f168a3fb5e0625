"""Reading matched files again from their source: for an upload, or for declared addresses.

The shard is read as the audit read it, up to the last file wanted; bytes stay in memory, and
each file must have the digest that the audit saw.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import TypeAlias, assert_never

from brightline.referral.casefile import CaseItem
from brightline.referral.errors import ReferralError
from brightline.referral.gather import shard_places
from brightline.screen.parameters import Parameters
from brightline.screen.runs import read_run, run_folder
from brightline.sources import ShardReader
from brightline.types import Content, NoContent, Rows, Streamed
from brightline.workspace import Workspace

#: an item of its own, with its bytes, without, or too large to be held
Single: TypeAlias = Content | Streamed | NoContent


def read_again(
    workspace: Workspace, run: str, items: Sequence[CaseItem]
) -> Iterator[tuple[CaseItem, Single]]:
    """Each item with its content, shard by shard; rows of a table that are read together are
    left out.

    Raises SourceChangedError if a source is no longer what the run's manifest froze, and
    ReferralError, with the item's number, if a file is not the one that was matched.
    """
    places = shard_places(workspace, run)
    limits = Parameters.from_json(read_run(run_folder(workspace, run))["parameters"]).limits
    by_shard: dict[tuple[str, str], dict[int, CaseItem]] = {}
    for item in items:
        by_shard.setdefault((item.source, item.shard), {})[item.ordinal] = item
    for place, wanted in by_shard.items():
        _, shard = places[place]
        ordinal, last = 0, max(wanted)
        for read in ShardReader(shard, limits):
            if isinstance(read, Rows):
                ordinal += read.count
            else:
                item_here = wanted.get(ordinal)
                if item_here is not None:
                    yield item_here, _same(item_here, read)
                ordinal += 1
            if ordinal > last:
                break


class Fetcher:
    """Files' bytes for uploads, one at a time. Asked in order, a shard is read once."""

    def __init__(self, workspace: Workspace, run: str, items: Sequence[CaseItem]) -> None:
        """`items` are all of a case; nothing is read yet."""
        self._workspace, self._run = workspace, run
        self._items = [item for item in items if item.sha256 is not None]
        self._reading: Iterator[tuple[CaseItem, Single]] = iter(())

    def __call__(self, item: CaseItem) -> bytes:
        """One file's bytes. Raises as `read_again`, or if it has none here."""
        data = self._next(item)
        if data is None:
            # the first, or after what was uploaded before this process began
            rest = [other for other in self._items if other.number >= item.number]
            self._reading = read_again(self._workspace, self._run, rest)
            data = self._next(item)
        if data is None:
            raise ReferralError(
                f"file {item.number} has no bytes here that could be uploaded (a table's row, or "
                "too large to hold); submit without --upload"
            )
        return data

    def _next(self, item: CaseItem) -> bytes | None:
        for there, read in self._reading:
            if there.number == item.number and isinstance(read, Content):
                return read.data
            break
        return None


def _same(item: CaseItem, read: Single) -> Single:
    digest: str | None
    match read:
        case Content(data=data):
            digest = hashlib.sha256(data).hexdigest()
        case Streamed(digests=digests):
            digest = digests.sha256.hex()
        case NoContent():
            digest = None
        case _:
            assert_never(read)
    if read.locator != item.item or digest != item.sha256:
        raise ReferralError(
            f"file {item.number} is no longer the one that was matched; nothing of it was sent"
        )
    return read
