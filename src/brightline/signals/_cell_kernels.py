"""SHA-256 of many short texts that lie one behind the other, each in a lane of SIMD registers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from brightline.kernels import kernel
from brightline.signals._digest_rounds import BLOCK, LANES, START, gather, sha256_block

I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]

#: bytes that padding adds to a text at least: a bit and the length (FIPS 180-4 §5.1.1)
PADDING = 9
#: where SHA-256's words begin in a lane's state
_FIRST = START.size - 8


@kernel
def sha256_cells(head: U8, data: U8, starts: I64, ends: I64, order: I64, out: U32) -> None:
    """Digests of head followed by data[starts[i]:ends[i]], for each of n cells.

    head, data: read-only; order: (n,) the cells' numbers, longest first; out: (n, 8) words of the
    digests, each in the machine's order.
    """
    count = order.size
    if count == 0:
        return
    state = np.empty((START.size, LANES), np.uint32)
    words = np.empty((16, LANES), np.uint32)
    longest = head.size + ends[order[0]] - starts[order[0]]
    width = -(-(longest + PADDING) // BLOCK) * BLOCK
    room = np.zeros((LANES, width), np.uint8)
    places = np.empty(LANES, np.int64)
    blocks = np.zeros(LANES, np.int64)
    for lane in range(LANES):
        places[lane] = np.int64(room.ctypes.data) + lane * width
    for first in range(0, count, LANES):
        lanes = min(LANES, count - first)
        for lane in range(lanes):
            cell = order[first + lane]
            length = head.size + ends[cell] - starts[cell]
            blocks[lane] = -(-(length + PADDING) // BLOCK)
            line = room[lane]
            for k in range(head.size):
                line[k] = head[k]
            for k in range(ends[cell] - starts[cell]):
                line[head.size + k] = data[starts[cell] + k]
            line[length] = 0x80
            for k in range(length + 1, blocks[lane] * BLOCK):
                line[k] = 0
            bits = 8 * length
            for k in range(8):
                line[blocks[lane] * BLOCK - 1 - k] = (bits >> (8 * k)) & 0xFF
        for lane in range(LANES):
            for k in range(START.size):
                state[k, lane] = START[k]
        for block in range(blocks[0]):
            gather(places, block * BLOCK, words)
            sha256_block(state, words)
            for lane in range(lanes):
                if blocks[lane] == block + 1:
                    for k in range(8):
                        out[order[first + lane], k] = state[_FIRST + k, lane]
