"""A process of its own for the decoders, so that whatever they do costs one item.

Most shards never need it: a worker decodes by itself. Only when a worker died or hung on a
shard is that shard done again with every picture decoded in a guard, which the worker kills
and replaces when it crashes or takes too long (docs/adr/0005).
"""

from __future__ import annotations

import multiprocessing as mp
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

import numpy as np

from brightline.kernels import without_blas
from brightline.screen.confine import confine
from brightline.signals.pdq import pdq
from brightline.signals.perceive import Perception, perceive
from brightline.types import Declared, Limits, Reason

#: a guard's own start takes seconds on a busy machine; that is not the decoder's time
_START_SECONDS = 120.0


class Guard:
    """Decodes in a child process; same results as `perceive`, plus the three ways to fail."""

    def __init__(self, limits: Limits, orientations: bool) -> None:
        self._limits = limits
        self._orientations = orientations
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None

    def perceive(self, data: bytes, media_type: str, declared: tuple[Declared, ...]) -> Perception:
        """Like `signals.perceive.perceive`; a crash or delay becomes a reason."""
        pipe = self._ready()
        try:
            pipe.send((data, media_type, declared))
            if not pipe.poll(self._limits.item_seconds):
                self.close()
                return Perception(reason=Reason.DECODER_TIMEOUT)
            seen = pipe.recv()
        except (EOFError, OSError):
            self.close()
            return Perception(reason=Reason.DECODER_CRASHED)
        assert isinstance(seen, Perception)
        return seen

    def _ready(self) -> Connection:
        if self._pipe is None:
            context = mp.get_context("spawn")
            self._pipe, theirs = context.Pipe()
            self._process = context.Process(
                target=_serve, args=(theirs, self._limits, self._orientations), daemon=True
            )
            self._process.start()
            theirs.close()
            if not self._pipe.poll(_START_SECONDS) or self._pipe.recv() != "ready":
                raise RuntimeError("the decoder's process did not start")
        return self._pipe

    def close(self) -> None:
        """Kill the child, whatever it is doing."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process = None
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None


def _serve(pipe: Connection, limits: Limits, orientations: bool) -> None:
    without_blas()
    confine(limits.worker_bytes)
    # loading the kernels must not count as the first picture's time
    blank = np.zeros((150, 140, 3), np.uint8)
    for pixels in (blank, blank[:, :, 0].copy()):
        pdq(pixels, turned=orientations)
    pipe.send("ready")
    while True:
        try:
            data, media_type, declared = pipe.recv()
        except EOFError:
            return
        pipe.send(
            perceive(
                data,
                media_type,
                declared,
                max_pixels=limits.max_pixels,
                orientations=orientations,
            )
        )
