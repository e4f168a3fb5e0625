"""What happens to files of a release after they are written: made durable, and digested.

Both go on while other files are written. Files wait until there are enough of them to be digested
side by side, or more of them than the page cache can be trusted to hold.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from pathlib import Path

from brightline import storage
from brightline.release.clean import Draft
from brightline.release.digesting import FEWEST, Written, digests_of
from brightline.release.manifest import Entry, File
from brightline.signals._digest_rounds import LANES
from brightline.signals.digests import has_lanes_for_sha

#: files of fewer bytes are digested as they are written, and synced with all others at the end
LARGE = 1 << 18
#: under so many bytes in all, loading the kernels takes longer than they save
_WORTH = 1 << 26
#: this share of the machine's memory may wait to be digested
_SHARE = 4


@dataclass(frozen=True, slots=True)
class Drafted:
    """A piece as it was written: its number and its files."""

    number: int
    drafts: Sequence[Draft]
    fresh: bool = True


@dataclass(frozen=True, slots=True)
class Made:
    """A piece: its number, the entries of its files, and whether it was written just now."""

    number: int
    entries: list[Entry]
    fresh: bool


@dataclass(slots=True)
class _Batch:
    """Pieces that are finished together."""

    pieces: list[Drafted] = field(default_factory=list)
    syncs: list[Future[None]] = field(default_factory=list)
    digests: list[tuple[list[Written], Future[list[str]]]] = field(default_factory=list)

    def futures(self) -> list[Future[None] | Future[list[str]]]:
        return [*self.syncs, *(future for _, future in self.digests)]


def worth_waiting(shards: int, size: int) -> bool:
    """Whether digests are better taken later, for a corpus of so many shards and bytes."""
    return shards >= FEWEST and size >= _WORTH and has_lanes_for_sha()


class Finishing:
    """Pieces between being written and being done, of about so many shards in all. Used by one
    thread."""

    def __init__(
        self,
        root: Path,
        syncing: Executor,
        digesting: Executor,
        alive: Callable[[], None],
        shards: int,
    ) -> None:
        self._root = os.fsencode(root)
        self._syncing = syncing
        self._digesting = digesting
        self._alive = alive
        self._most = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // _SHARE
        # no batch much smaller than the others: a lane that is empty costs as much as a full one
        self._many = -(-shards // max(1, -(-shards // LANES)))
        self._next = _Batch()
        self._files: list[Written] = []
        self._begun: list[_Batch] = []

    @property
    def count(self) -> int:
        """Pieces that are not done."""
        return len(self._next.pieces) + sum(len(batch.pieces) for batch in self._begun)

    def futures(self) -> set[Future[None] | Future[list[str]]]:
        """What is under way."""
        batches = [self._next, *self._begun]
        return {future for batch in batches for future in batch.futures() if not future.done()}

    def take(self, piece: Drafted) -> None:
        """A piece was written, or is as an earlier command left it."""
        batch = self._next
        batch.pieces.append(piece)
        for draft in piece.drafts if piece.fresh else ():
            match draft:
                case Written():
                    self._files.append(draft)
                    batch.syncs.append(self._syncing.submit(self._sync, draft.path))
                case File(size=size) if size >= LARGE:
                    batch.syncs.append(self._syncing.submit(self._sync, draft.path))
                case _:
                    pass  # the end of the release makes them durable
        many = max(len(self._files), len(batch.pieces)) >= self._many
        if many or not self._files or sum(file.size for file in self._files) >= self._most:
            self.flush()

    def flush(self) -> None:
        """Wait for no more pieces before digesting those that are there."""
        if not self._next.pieces:
            return
        files, batch = self._files, self._next
        # too few for lanes are digested each by itself, and so in parallel
        for group in [files] if len(files) >= FEWEST else [[file] for file in files]:
            if group:
                future = self._digesting.submit(digests_of, self._root, group, self._alive)
                batch.digests.append((group, future))
        self._begun.append(batch)
        self._files, self._next = [], _Batch()

    def done(self) -> Iterator[Made]:
        """Pieces that are done, each once. Raises what their finishing raised."""
        ready = [b for b in self._begun if all(future.done() for future in b.futures())]
        for batch in ready:
            self._begun.remove(batch)
            for sync in batch.syncs:
                sync.result()
            digests = {
                file.path: digest
                for files, future in batch.digests
                for file, digest in zip(files, future.result(), strict=True)
            }
            for piece in batch.pieces:
                entries: list[Entry] = [
                    File(d.path, digests[d.path], d.size) if isinstance(d, Written) else d
                    for d in piece.drafts
                ]
                yield Made(piece.number, entries, piece.fresh)

    def _sync(self, path: bytes) -> None:
        self._alive()
        storage.fsync_file(Path(os.fsdecode(os.path.join(self._root, path))))  # noqa: PTH118
