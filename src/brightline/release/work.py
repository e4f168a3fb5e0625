"""Doing the pieces of a release: two are written at a time, while others are finished."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from brightline.errors import BrightlineError
from brightline.release.clean import Archive, Draft, Setting
from brightline.release.coupling import couplings
from brightline.release.finishing import LARGE, Drafted, Finishing, Made, worth_waiting
from brightline.release.folders import Folder
from brightline.release.layout import Layout, Piece
from brightline.release.manifest import Entry
from brightline.release.plan import Options, Plan
from brightline.release.state import still_there
from brightline.screen.watch import Listener, Progress
from brightline.sources.files import check
from brightline.types import Limits

_WORKERS = 2
#: threads that sync, and threads that digest, at least
_SYNCING, _DIGESTING = 2, 2
#: pieces that are given to the writers ahead of time, and pieces that wait to be done, at most
_GIVEN, _AHEAD = 4, 64
#: seconds between two reports of progress
_TICK = 0.25


class _StoppedError(Exception):
    """Another piece failed, or the user stopped the command."""


class Work:
    """Writes all pieces of a layout into a folder."""

    def __init__(
        self, layout: Layout, plan: Plan, options: Options, root: Path, listen: Listener
    ) -> None:
        self._layout = layout
        self._listen = listen
        self._root = root
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._bytes = 0
        self._pieces = 0
        self._total = sum(source["shards"] for source in layout.summary["sources"])
        self._total_bytes = sum(source["bytes"] for source in layout.summary["sources"])
        limits = layout.summary["parameters"]
        later = worth_waiting(self._total, self._total_bytes)
        self._setting = Setting(
            plan=plan,
            coupled=couplings(layout),
            root=root,
            keep_unscreened=options.keep_unscreened,
            limits=Limits(**{name: limits[name] for name in Limits.__slots__}),
            on_bytes=self._wrote,
            later=LARGE if later else None,
        )

    def run(self, done: dict[int, list[Entry]]) -> Iterator[Made]:
        """All pieces as they come; those in `done` only if they are no longer as they were.

        Raises SourceChangedError where a source is not as the run froze it, SourceError, and
        OSError where the release cannot be written.
        """
        waiting: set[Future[Drafted]] = set()
        digesting = max(_DIGESTING, (os.cpu_count() or 1) // 4)
        with (
            ThreadPoolExecutor(_WORKERS) as pool,
            ThreadPoolExecutor(_SYNCING) as syncs,
            ThreadPoolExecutor(digesting) as digests,
        ):
            finishing = Finishing(self._root, syncs, digests, self._alive, self._total)
            try:
                for number, piece in enumerate(self._layout.pieces()):
                    waiting.add(pool.submit(self._one, number, piece, done.get(number)))
                    while len(waiting) >= _GIVEN or finishing.count >= _AHEAD:
                        yield from self._step(waiting, finishing)
                while waiting or finishing.count:
                    if not waiting:
                        finishing.flush()
                    yield from self._step(waiting, finishing)
            except (OSError, BrightlineError):
                # what was written before the failure is finished, so that it need not be again
                finishing.flush()
                while finishing.count:
                    yield from self._step(set(), finishing)
                raise
            finally:
                self._stopped.set()
                for future in (*waiting, *finishing.futures()):
                    future.cancel()

    def _step(self, waiting: set[Future[Drafted]], finishing: Finishing) -> Iterator[Made]:
        """Wait for something to end; gives what is done, and raises what failed after that."""
        under_way: set[Future[Any]] = {*waiting, *finishing.futures()}
        wait(under_way, _TICK, FIRST_COMPLETED)
        self._tell()
        yield from finishing.done()
        written = {future for future in waiting if future.done()}
        waiting -= written
        for future in sorted(written, key=lambda one: one.exception() is not None):
            finishing.take(future.result())

    def _tell(self) -> None:
        self._listen(
            Progress(
                "copying",
                shards=self._pieces,
                shards_total=self._total,
                bytes=self._bytes,
                bytes_total=self._total_bytes,
            )
        )

    def _alive(self) -> None:
        if self._stopped.is_set():
            raise _StoppedError

    def _wrote(self, count: int) -> None:
        self._alive()
        with self._lock:
            self._bytes += count

    def _one(self, number: int, piece: Piece, done: list[Entry] | None) -> Drafted:
        drafts: list[Draft]
        fresh = done is None or not still_there(self._root, done)
        if fresh:
            for stamp in piece.shard.files:
                check(stamp)
            writer = Folder if piece.kind == "folder" else Archive
            drafts = list(writer(self._setting, piece).write())
            for stamp in piece.shard.files:
                check(stamp)
        else:
            drafts = [*(done or ())]
            self._wrote(piece.size)
        with self._lock:
            self._pieces += len(piece.tasks)
        return Drafted(number, drafts, fresh)
