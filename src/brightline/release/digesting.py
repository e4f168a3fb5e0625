"""SHA-256 of files that were just written, many side by side.

A release needs the digest of each file for its manifest. Where the processor has no SHA
instructions, hashlib takes longer for that than everything else together. So files are written
first and digested from the page cache then: up to sixteen at once, each in a lane of SIMD
registers (`signals.checksums`). A lane whose file has ended takes the next one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np

from brightline.errors import SourceError
from brightline.signals._digest_rounds import BLOCK, LANES, START
from brightline.signals.checksums import advance
from brightline.sources.paths import printable
from brightline.types import I64, U8

#: bytes of a file that are read at once
_ROOM = 1 << 19
#: under so many files hashlib is as fast
FEWEST = 4
#: rows of the state that are SHA-256's
_ROWS = slice(9, 17)


@dataclass(slots=True)
class _Lane:
    """A file on its way: `place` bytes of its `ready` ones in the room are digested already."""

    number: int
    fd: int
    read: int = 0
    place: int = 0
    ready: int = 0
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """A file of a release that is yet to be digested: its path in the release, and its size."""

    path: bytes
    size: int


def digests_of(root: bytes, files: Sequence[Written], alive: Callable[[], None]) -> list[str]:
    """Hex digests of files below a folder, in their order; `alive` is called every now and then.

    Raises OSError, and SourceError if a file has not the size that was written.
    """
    if len(files) < FEWEST:
        return [_alone(root, file, alive) for file in files]
    return _together(root, files, alive)


def _open(root: bytes, file: Written) -> int:
    path = os.path.join(root, file.path)  # noqa: PTH118 - bytes stay bytes
    return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)


def _check(file: Written, size: int) -> None:
    if size != file.size:
        raise SourceError(
            f"{printable(file.path)} was changed while the release was written; "
            "give the same command again"
        )


def _alone(root: bytes, file: Written, alive: Callable[[], None]) -> str:
    digest, size = sha256(), 0
    room = memoryview(bytearray(_ROOM))
    fd = _open(root, file)
    try:
        while count := os.readv(fd, [room]):
            digest.update(room[:count])
            size += count
            alive()
    finally:
        os.close(fd)
    _check(file, size)
    return digest.hexdigest()


def _together(root: bytes, files: Sequence[Written], alive: Callable[[], None]) -> list[str]:
    found = [""] * len(files)
    waiting = iter(enumerate(files))
    rooms = np.empty((LANES, _ROOM + 2 * BLOCK), np.uint8)
    bases = rooms.ctypes.data + np.arange(LANES, dtype=np.int64) * rooms.strides[0]
    words = np.empty((16, LANES), np.uint32)
    state = np.repeat(START[:, None], LANES, axis=1)
    lanes: dict[int, _Lane] = {}
    try:
        for slot in range(LANES):
            _next(root, waiting, lanes, slot)
        while lanes:
            for slot, lane in lanes.items():
                if lane.place == lane.ready:
                    _fill(lane, rooms[slot])
            blocks = min(lane.ready - lane.place for lane in lanes.values()) // BLOCK
            advance(_places(lanes, bases), blocks, words, state)
            for slot, lane in list(lanes.items()):
                lane.place += blocks * BLOCK
                if lane.ended and lane.place == lane.ready:
                    _check(files[lane.number], lane.read)
                    found[lane.number] = state[_ROWS, slot].astype(">u4").tobytes().hex()
                    state[:, slot] = START
                    os.close(lanes.pop(slot).fd)
                    _next(root, waiting, lanes, slot)
            alive()
    finally:
        for lane in lanes.values():
            os.close(lane.fd)
    return found


def _next(
    root: bytes, waiting: Iterator[tuple[int, Written]], lanes: dict[int, _Lane], slot: int
) -> None:
    """Give a lane the next file, if there is one."""
    for number, file in waiting:
        lanes[slot] = _Lane(number, _open(root, file))
        return


def _fill(lane: _Lane, room: U8) -> None:
    """Read on; where the file ends, pad it to whole blocks (FIPS 180-4, section 5.1.1)."""
    filled = 0
    view = room.data
    while filled < _ROOM:
        count = os.readv(lane.fd, [view[filled:_ROOM]])
        if not count:
            lane.ended = True
            break
        filled += count
    lane.read += filled
    lane.place, lane.ready = 0, filled
    if lane.ended:
        zeros = -(filled + 9) % BLOCK
        tail = b"\x80" + bytes(zeros) + (8 * lane.read).to_bytes(8, "big")
        lane.ready += len(tail)
        view[filled : lane.ready] = tail


def _places(lanes: dict[int, _Lane], bases: I64) -> I64:
    """Where each lane reads; one without a file reads along with another's."""
    first = next(iter(lanes))
    places = np.full(LANES, bases[first] + lanes[first].place, np.int64)
    for slot, lane in lanes.items():
        places[slot] = bases[slot] + lane.place
    return places
