"""Worker processes and their watchdog.

Every worker comes from the nursery: it inherits modules, but no locks, threads or open files of
this process. The parent sends a job when a worker is free, so at most one job a worker is in
flight however long the manifest. A worker that dies or stops showing signs of life is replaced
and its job done again with the decoders in a process of their own; after `ATTEMPTS` the job is
given up, which the caller counts.
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from brightline.errors import TaskError, WorkspaceError
from brightline.screen.nursery import nursery
from brightline.screen.task import Job, Setting
from brightline.screen.worker import (
    ALIVE,
    BYTES,
    DECODING,
    ITEMS,
    Broken,
    Done,
    Full,
    Refused,
    new_slots,
    work,
)

#: how often a job is begun before it is given up; from the second time on with a guard
ATTEMPTS = 4
_TICK = 0.2
#: what a worker may take beyond the limit for one picture before it counts as hung
_GRACE = 5.0
#: reading can wait for a slow disk, and a guard for its start: so many times as long as decoding
#: may take, and not less than so many seconds
_READING = 10.0
_READING_SECONDS = 90.0
_START_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Finished:
    """A job's counts as committed, of each of its shards."""

    job: Job
    counts: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A job whose reader crashed or hung every time."""

    job: Job


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed: items and bytes done so far by jobs that are or were under way."""

    items: int
    bytes: int
    restarts: int


Event = Finished | GivenUp | Tick


@dataclass(slots=True)
class _Worker:
    process: BaseProcess
    pipe: Connection
    slots: Any
    job: Job | None = None
    isolated: bool = False
    # of finished jobs, so that a job done twice is not counted twice
    items: float = 0.0
    bytes: float = 0.0

    def settle(self) -> None:
        self.items, self.bytes = self.slots[ITEMS], self.slots[BYTES]
        self.job = None


class Pool:
    """A fixed number of worker processes. Use as a context manager: leaving kills them."""

    def __init__(self, setting: Setting, size: int) -> None:
        self._setting = setting
        self._size = size
        self._workers: list[_Worker] = []
        self._again: deque[Job] = deque()
        self._attempts: dict[str, int] = {}
        self._settled = [0.0, 0.0]
        self._restarts = 0

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.join()
            worker.pipe.close()
        self._workers.clear()

    def run(self, jobs: Iterator[Job]) -> Iterator[Event]:
        """Do the jobs, in no particular order. Jobs are drawn as workers become free.

        Raises what stops the whole run: SourceChangedError and other refusals, WorkspaceError
        where results cannot be written, TaskError for a fault of this program.
        """
        while True:
            yield from self._assign(jobs)
            busy = [worker for worker in self._workers if worker.job is not None]
            if not busy:
                return
            ready = set(
                wait([w.pipe for w in busy] + [w.process.sentinel for w in busy], timeout=_TICK)
            )
            events: list[Event] = []
            try:
                for worker in busy:
                    if worker.pipe in ready:
                        events.extend(self._receive(worker))
                    elif worker.process.sentinel in ready:
                        events.extend(self._lost(worker))
                # first: a worker need not stand idle while its result is put on the ledger
                yield from self._assign(jobs)
            finally:
                yield from events
            for worker in [w for w in self._workers if w.job is not None]:
                if self._hung(worker):
                    worker.process.kill()
                    yield from self._lost(worker)
            yield self._tick()

    def _assign(self, jobs: Iterator[Job]) -> Iterator[Event]:
        idle = [worker for worker in self._workers if worker.job is None]
        while len(idle) + sum(w.job is not None for w in self._workers) < self._size:
            job = self._next(jobs)
            if job is None:
                return
            self._start(self._spawn(), job)
        for worker in idle:
            job = self._next(jobs)
            if job is None:
                return
            self._start(worker, job)
        yield from ()

    def _next(self, jobs: Iterator[Job]) -> Job | None:
        return self._again.popleft() if self._again else next(jobs, None)

    def _spawn(self) -> _Worker:
        context = nursery()
        ours, theirs = context.Pipe()
        slots = new_slots()
        process = context.Process(target=work, args=(theirs, slots, self._setting))
        process.start()
        theirs.close()
        worker = _Worker(process, ours, slots)
        self._workers.append(worker)
        return worker

    def _start(self, worker: _Worker, job: Job) -> None:
        tried = self._attempts.get(job.task, 0)
        self._attempts[job.task] = tried + 1
        worker.job, worker.isolated = job, tried > 0
        if worker.slots[ALIVE] == 0.0:
            # a new process still has to start
            worker.slots[ALIVE] = time.monotonic() + _START_SECONDS
        else:
            worker.slots[ALIVE] = time.monotonic()
        with contextlib.suppress(OSError):  # it died just now: its sentinel tells in the next round
            worker.pipe.send((job, worker.isolated))

    def _receive(self, worker: _Worker) -> Iterator[Event]:
        try:
            answer = worker.pipe.recv()
        except (EOFError, OSError):
            yield from self._lost(worker)
            return
        job = worker.job
        assert job is not None
        match answer:
            case Done():
                self._attempts.pop(job.task, None)
                worker.settle()
                yield Finished(job, answer.counts)
            case Refused():
                raise answer.error
            case Full():
                raise WorkspaceError(
                    f"cannot read a source or write a result in {self._setting.folder}: "
                    f"{answer.trouble}; mend that and give the same command again"
                )
            case Broken():
                raise TaskError(f"internal error in shard {job.shard.name}: {answer.trouble}")
            case other:
                raise TaskError(f"a worker sent {type(other).__name__}")

    def _lost(self, worker: _Worker) -> Iterator[Event]:
        """A worker is gone: what it had settled counts, its job is done again or given up."""
        worker.process.join()
        worker.pipe.close()
        self._workers.remove(worker)
        self._settled[0] += worker.items
        self._settled[1] += worker.bytes
        self._restarts += 1
        job = worker.job
        if job is None:
            return
        if self._attempts[job.task] >= ATTEMPTS:
            del self._attempts[job.task]
            yield GivenUp(job)
        else:
            self._again.append(job)

    def _hung(self, worker: _Worker) -> bool:
        limit = self._setting.limits.item_seconds
        if worker.isolated or not worker.slots[DECODING]:
            limit = max(limit * _READING, _READING_SECONDS)
        return bool(time.monotonic() - worker.slots[ALIVE] > limit + _GRACE)

    def _tick(self) -> Tick:
        items = self._settled[0] + sum(w.slots[ITEMS] for w in self._workers)
        count = self._settled[1] + sum(w.slots[BYTES] for w in self._workers)
        return Tick(int(items), int(count), self._restarts)
