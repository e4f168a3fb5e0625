"""SHA-256 of several large files at once, each in a lane of SIMD registers.

As `digests` does for items: where the processor has no SHA instructions, sixteen files side by
side take the time of about two by hashlib. Here a file is read where it is mapped, and work goes
on in stretches, so that a caller can say that it is alive.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from brightline.kernels import kernel
from brightline.signals._digest_rounds import BLOCK, LANES, START, gather, sha256_block
from brightline.signals.digests import has_lanes_for_sha
from brightline.types import I64, U8

U32: TypeAlias = npt.NDArray[np.uint32]

#: rows of the state that are SHA-256's
_ROWS = slice(9, 17)
#: blocks of each lane that are digested between two signs of life: 8 MiB
_STRETCH = 1 << 17
#: under so many files hashlib is as fast
_FEWEST = 4


@kernel
def advance(places: I64, blocks: int, words: U32, state: U32) -> None:
    """Digest the next blocks of every lane.

    places: (LANES,) addresses with `blocks` readable blocks at each; words: (16, LANES) room;
    state: (START.size, LANES), of which SHA-256's rows change.
    """
    for block in range(blocks):
        gather(places, block * BLOCK, words)
        sha256_block(state, words)


def sha256_many(datas: Sequence[U8], alive: Callable[[], None] = lambda: None) -> list[str]:
    """Hex digests of flat, contiguous arrays of bytes, in their order.

    `alive` is called every now and then. Best from 16 on, of about the same size.
    """
    found: list[str] = []
    for first in range(0, len(datas), LANES):
        some = datas[first : first + LANES]
        if len(some) < _FEWEST or not has_lanes_for_sha():
            found += [_alone(data, alive) for data in some]
        else:
            found += _together(some, alive)
    return found


def _alone(data: U8, alive: Callable[[], None]) -> str:
    digest = hashlib.sha256()
    for start in range(0, len(data), _STRETCH * BLOCK):
        digest.update(data[start : start + _STRETCH * BLOCK].data)
        alive()
    return digest.hexdigest()


def _together(datas: Sequence[U8], alive: Callable[[], None]) -> list[str]:
    """Digests of at most LANES arrays. A lane that has ended reads along with another's."""
    state = np.repeat(START[:, None], LANES, axis=1)
    words = np.empty((16, LANES), np.uint32)
    tails = [_tail(data) for data in datas]
    ends = np.empty((START.size, LANES), np.uint32)
    # each lane has two parts: the data's whole blocks, then its padded end
    parts = [
        [(data.ctypes.data, len(data) // BLOCK), (tail.ctypes.data, len(tail) // BLOCK)]
        for data, tail in zip(datas, tails, strict=True)
    ]
    while any(parts):
        for lane, part in enumerate(parts):
            while part and part[0][1] == 0:
                part.pop(0)
                if not part:
                    ends[:, lane] = state[:, lane]
        busy = [part[0] for part in parts if part]
        if not busy:
            break
        blocks = min(_STRETCH, min(left for _, left in busy))
        places = np.full(LANES, busy[0][0], np.int64)
        for lane, part in enumerate(parts):
            if part:
                place, left = part[0]
                places[lane] = place
                part[0] = place + blocks * BLOCK, left - blocks
        advance(places, blocks, words, state)
        alive()
    rows = np.ascontiguousarray(ends[_ROWS].T[: len(datas)]).astype(">u4")
    return [row.tobytes().hex() for row in rows]


def _tail(data: U8) -> U8:
    """What follows the whole blocks, padded to blocks (FIPS 180-4 §5.1.1)."""
    rest = data[len(data) // BLOCK * BLOCK :].tobytes()
    zeros = -(len(rest) + 9) % BLOCK
    padded = rest + b"\x80" + bytes(zeros) + (8 * len(data)).to_bytes(8, "big")
    return np.frombuffer(padded, np.uint8)
