"""Watching a run: how far it is, and how fast it went."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from brightline.screen.pool import Tick

#: points that the report's curve of throughput is drawn from, at most
_POINTS = 240


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is. Bytes are those of the sources as they lie on disk."""

    stage: str
    shards: int = 0
    shards_total: int = 0
    items: int = 0
    bytes: int = 0
    bytes_total: int = 0
    restarts: int = 0


Listener: TypeAlias = Callable[[Progress], None]
Say: TypeAlias = Callable[[str], None]


@dataclass(slots=True)
class Curve:
    """Items and bytes over time, thinned so that it never grows beyond `_POINTS`."""

    started: float
    step: float = 0.5
    points: list[dict[str, float]] = field(default_factory=list)

    def add(self, items: int, count: int) -> None:
        now = time.monotonic() - self.started
        if self.points and now - self.points[-1]["t_s"] < self.step:
            return
        self.points.append({"t_s": round(now, 2), "items": items, "bytes": count})
        if len(self.points) >= _POINTS:
            self.points = self.points[::2]
            self.step *= 2


class Watch:
    """Turns what happens into `Progress`."""

    def __init__(self, listen: Listener, manifest: dict[str, Any], started: float) -> None:
        self._listen = listen
        self.total = int(manifest["shards"])
        self._bytes_total = int(manifest["bytes"])
        self.shards = 0
        self._items_before = 0
        self._bytes_before = 0
        self.curve = Curve(started)

    def elsewhere(self, size: int) -> None:
        """A shard that another part of the run does."""
        self.total -= 1
        self._bytes_total -= size

    def done_before(self, counts: dict[str, Any], size: int) -> None:
        """A shard that was committed before this process began."""
        self.shards += 1
        self._items_before += counts["tally"]["items"]
        self._bytes_before += size

    def finished(self) -> None:
        """A shard was committed."""
        self.shards += 1

    def tick(self, event: Tick) -> None:
        """Time has passed."""
        self.curve.add(event.items, event.bytes)
        self._listen(
            Progress(
                "screening",
                self.shards,
                self.total,
                self._items_before + event.items,
                self._bytes_before + event.bytes,
                self._bytes_total,
                event.restarts,
            )
        )
