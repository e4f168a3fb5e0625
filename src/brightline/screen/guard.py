"""A process of its own for decoders and origin checks: whatever they do costs one item.

Most shards never need it: a worker does both by itself. Only when a worker died or hung on a
shard is that shard done again with every picture handled in a guard, which the worker kills
and replaces when it crashes or takes too long (docs/adr/0005).
"""

from __future__ import annotations

import multiprocessing as mp
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

import numpy as np

from brightline.kernels import without_blas
from brightline.origin import Examination
from brightline.screen.confine import confine
from brightline.screen.examining import NotExamined, load_rules, look_at
from brightline.signals.pdq import pdq
from brightline.signals.perceive import Perception, perceive
from brightline.types import Declared, Limits, Reason

#: a guard's own start takes seconds on a busy machine; that is not the decoder's time
_START_SECONDS = 120.0


class Guard:
    """Decodes in a child process; same results as `perceive`, plus the three ways to fail.

    examines: whether origins will be examined too.
    """

    def __init__(self, limits: Limits, orientations: bool, *, examines: bool = False) -> None:
        self._limits = limits
        self._orientations = orientations
        self._examines = examines
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None

    def perceive(self, data: bytes, media_type: str, declared: tuple[Declared, ...]) -> Perception:
        """Like `signals.perceive.perceive`; a crash or delay becomes a reason."""
        try:
            seen = self._ask(data, media_type, declared)
        except TimeoutError:
            return Perception(reason=Reason.DECODER_TIMEOUT)
        except (EOFError, OSError):
            return Perception(reason=Reason.DECODER_CRASHED)
        assert isinstance(seen, Perception)
        return seen

    def look(self, data: bytes, list_match: bool) -> Examination | NotExamined:
        """Like `examining.look_at`; a crash or delay becomes a reason."""
        try:
            seen = self._ask(data, list_match)
        except TimeoutError:
            return NotExamined.TIMEOUT
        except (EOFError, OSError):
            return NotExamined.CRASHED
        assert isinstance(seen, Examination | NotExamined)
        return seen

    def _ask(self, *request: object) -> object:
        """The child's answer. Raises TimeoutError, EOFError or OSError, and is closed then."""
        pipe = self._ready()
        try:
            pipe.send(request)
            if not pipe.poll(self._limits.item_seconds):
                raise TimeoutError
            return pipe.recv()
        except (EOFError, OSError):
            self.close()
            raise

    def _ready(self) -> Connection:
        if self._pipe is None:
            context = mp.get_context("spawn")
            self._pipe, theirs = context.Pipe()
            self._process = context.Process(
                target=_serve,
                args=(theirs, self._limits, self._orientations, self._examines),
                daemon=True,
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


def _serve(pipe: Connection, limits: Limits, orientations: bool, examines: bool) -> None:
    without_blas()
    confine(limits.worker_bytes)
    # loading kernels and rules must not count as the first picture's time
    blank = np.zeros((150, 140, 3), np.uint8)
    for pixels in (blank, blank[:, :, 0].copy()):
        pdq(pixels, turned=orientations)
    if examines:
        load_rules()
    pipe.send("ready")
    while True:
        try:
            request = pipe.recv()
        except EOFError:
            return
        match request:
            case (bytes(data), bool(list_match)):
                pipe.send(look_at(data, list_match))
            case (bytes(data), str(media_type), tuple(declared)):
                seen = perceive(
                    data,
                    media_type,
                    declared,
                    max_pixels=limits.max_pixels,
                    orientations=orientations,
                )
                pipe.send(seen)
            case _:
                raise AssertionError("a guard is asked for two things only")
