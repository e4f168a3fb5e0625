"""Doing the pieces of a release, two at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from brightline.release.clean import Archive, Setting
from brightline.release.coupling import couplings
from brightline.release.folders import Folder
from brightline.release.layout import Layout, Piece
from brightline.release.manifest import Entry
from brightline.release.plan import Options, Plan
from brightline.release.state import still_there
from brightline.screen.watch import Listener, Progress
from brightline.sources.files import check
from brightline.types import Limits

_WORKERS = 2
#: pieces that are begun and not yet recorded, at most
_AHEAD = 6
#: seconds between two reports of progress
_TICK = 0.25


class _StoppedError(Exception):
    """Another piece failed, or the user stopped the command."""


@dataclass(frozen=True, slots=True)
class Made:
    """A piece: its number, the entries of its files, and whether it was written just now."""

    number: int
    entries: list[Entry]
    fresh: bool


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
        self._setting = Setting(
            plan=plan,
            coupled=couplings(layout),
            root=root,
            keep_unscreened=options.keep_unscreened,
            limits=Limits(**{name: limits[name] for name in Limits.__slots__}),
            on_bytes=self._wrote,
        )

    def run(self, done: dict[int, list[Entry]]) -> Iterator[Made]:
        """All pieces as they come; those in `done` only if they are no longer as they were.

        Raises SourceChangedError where a source is not as the run froze it, SourceError, and
        OSError where the release cannot be written.
        """
        waiting: set[Future[Made]] = set()
        with ThreadPoolExecutor(_WORKERS) as pool:
            try:
                for number, piece in enumerate(self._layout.pieces()):
                    waiting.add(pool.submit(self._one, number, piece, done.get(number)))
                    while len(waiting) >= _AHEAD:
                        yield from self._finished(waiting)
                while waiting:
                    yield from self._finished(waiting)
            finally:
                self._stopped.set()
                for future in waiting:
                    future.cancel()

    def _finished(self, waiting: set[Future[Made]]) -> Iterator[Made]:
        """What is done of the waiting, taken from among them; those that failed come last."""
        done, _ = wait(waiting, _TICK, FIRST_COMPLETED)
        waiting -= done
        self._tell()
        for future in sorted(done, key=lambda f: f.exception() is not None):
            yield future.result()

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

    def _wrote(self, count: int) -> None:
        if self._stopped.is_set():
            raise _StoppedError
        with self._lock:
            self._bytes += count

    def _one(self, number: int, piece: Piece, done: list[Entry] | None) -> Made:
        fresh = done is None or not still_there(self._root, done)
        if fresh:
            for stamp in piece.shard.files:
                check(stamp)
            writer = Folder if piece.kind == "folder" else Archive
            entries = list(writer(self._setting, piece).write())
            for stamp in piece.shard.files:
                check(stamp)
        else:
            entries = done or []
            self._wrote(piece.size)
        with self._lock:
            self._pieces += len(piece.tasks)
        return Made(number, entries, fresh)
