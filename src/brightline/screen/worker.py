"""A worker process: takes shards one at a time, says how far it is, commits results."""

from __future__ import annotations

import ctypes
import functools
import multiprocessing as mp
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from brightline.errors import BrightlineError
from brightline.origin import Examination
from brightline.screen.confine import confine
from brightline.screen.examining import Look, NotExamined, OriginMode, load_rules
from brightline.screen.guard import Guard
from brightline.screen.items import See
from brightline.screen.reuse import Sheaf, match_sheaf
from brightline.screen.task import Job, Setting, direct, run_task
from brightline.signals.perceive import Encoded, Perception

#: slots of the shared array: items done, bytes read, time of the last sign of life, decoding?
ITEMS, BYTES, ALIVE, DECODING = range(4)
SLOTS = 4


class SharedBeat:
    """Signs of life in memory that the parent reads without asking."""

    __slots__ = ("_slots",)

    def __init__(self, slots: Any) -> None:
        self._slots = slots

    def item(self) -> None:
        """The next picture is about to be decoded."""
        self._slots[ALIVE] = time.monotonic()
        self._slots[DECODING] = 1.0

    def read(self, count: int) -> None:
        """So many more bytes were read."""
        self._slots[BYTES] += count
        self._slots[ALIVE] = time.monotonic()
        self._slots[DECODING] = 0.0

    def done(self, items: int) -> None:
        """So many more items are done."""
        self._slots[ITEMS] += items
        self._slots[ALIVE] = time.monotonic()
        self._slots[DECODING] = 0.0


def new_slots() -> Any:
    """Shared memory for one worker."""
    return mp.get_context("forkserver").RawArray(ctypes.c_double, SLOTS)


@dataclass(frozen=True, slots=True)
class Done:
    """The job is committed; the counts of its shards."""

    counts: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Refused:
    """The job cannot be done as the run was set up; an error of ours, with its message."""

    error: BrightlineError


@dataclass(frozen=True, slots=True)
class Full:
    """The result could not be written: the operating system's words, without a path."""

    trouble: str


@dataclass(frozen=True, slots=True)
class Broken:
    """A fault of this program: type and places in the code, never a message.

    Messages of other libraries may quote names or content.
    """

    trouble: str


Answer = Done | Refused | Full | Broken


def describe(error: BaseException) -> str:
    """An exception's type and where it came from, nothing else."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    places = " < ".join(f"{Path(f.filename).name}:{f.lineno}" for f in reversed(frames))
    return f"{type(error).__name__} at {places}"


def work(pipe: Connection, slots: Any, setting: Setting) -> None:
    """The main loop of a worker; ends when the parent closes the pipe."""
    for hash_list in setting.lists:
        len(hash_list)
    confine(setting.limits.worker_bytes)
    beat = SharedBeat(slots)
    see = direct(setting, beat)
    examines = setting.origin is not OriginMode.NONE
    if examines:
        load_rules()
    while True:
        try:
            job, isolated = pipe.recv()
        except EOFError:
            return
        if isolated:
            guard = Guard(setting.limits, setting.orientations, examines=examines)
            try:
                answer = _do(setting, job, beat, _guarded(guard, beat), _looking(guard, beat))
            finally:
                guard.close()
        else:
            answer = _do(setting, job, beat, see)
        pipe.send(answer)


def _guarded(guard: Guard, beat: SharedBeat) -> See:
    """Decode in the guard, one picture at a time, with a sign of life after each."""

    def see(pictures: Sequence[Encoded]) -> list[Perception]:
        seen = []
        for picture in pictures:
            seen.append(guard.perceive(*picture))
            beat.read(0)
        return seen

    return see


def _looking(guard: Guard, beat: SharedBeat) -> Look:
    """Examine in the guard, with a sign of life after each."""

    def look(data: bytes, list_match: bool) -> Examination | NotExamined:
        seen = guard.look(data, list_match)
        beat.read(0)
        return seen

    return look


def _do(setting: Setting, job: Job, beat: SharedBeat, see: See, look: Look | None = None) -> Answer:
    beat.read(0)
    try:
        if isinstance(job, Sheaf):
            read = functools.partial(run_task, setting, beat=beat, see=see, look=look)
            return Done(match_sheaf(setting, job, beat, read))
        return Done([run_task(setting, job, beat, see, look)])
    except BrightlineError as error:
        return Refused(error)
    except MemoryError:
        raise  # ends this process; the shard is tried again with the decoders apart
    except OSError as error:
        return Full(f"{error.strerror or type(error).__name__} (errno {error.errno})")
    except Exception as error:  # noqa: BLE001 - the process boundary
        return Broken(describe(error))
