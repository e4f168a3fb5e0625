"""Digests of many items in lanes: padding, and which lane works on which item."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from brightline.kernels import kernel
from brightline.signals._digest_rounds import (
    BLOCK,
    LANES,
    START,
    gather,
    md5_block,
    sha1_block,
    sha256_block,
)

I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]

#: bytes kept for the end of an item: what is left of it, and padding, are one block or two
TAIL = 2 * BLOCK
#: words of the three digests
WORDS = START.size


@kernel
def pad(rests: U8, sizes: I64, tails: U8, tail_blocks: I64) -> None:
    """Lay out the last blocks of items as MD5 does (RFC 1321 §3.1, §3.2).

    rests: the bytes of each item after its last whole block, joined (read-only); sizes: (n,)
    whole sizes in bytes; tails: (n, TAIL) zeros, filled; tail_blocks: (n,) becomes 1 or 2.
    """
    start = 0
    for item in range(sizes.size):
        count = sizes[item] % BLOCK
        blocks = 1 if count < BLOCK - 8 else 2
        for k in range(count):
            tails[item, k] = rests[start + k]
        tails[item, count] = 0x80
        bits = 8 * sizes[item]
        for k in range(8):
            tails[item, blocks * BLOCK - 8 + k] = (bits >> (8 * k)) & 0xFF
        tail_blocks[item] = blocks
        start += count


@kernel
def swap(word: np.uint32) -> np.uint32:
    """Reverse the four bytes."""
    return np.uint32((word << 24) | ((word & 0xFF00) << 8) | ((word >> 8) & 0xFF00) | (word >> 24))


@kernel
def length_for_sha(words: U32, lane: int) -> None:
    """Make MD5's length at the end of a block SHA's: eight bytes in the opposite order.

    FIPS 180-4 §5.1.1 pads like RFC 1321 but for this.
    """
    low = words[14, lane]
    words[14, lane] = swap(words[15, lane])
    words[15, lane] = swap(low)


@kernel
def hash_lanes(
    bodies: I64, body_blocks: I64, tails: U8, tail_blocks: I64, sha: bool, out: U32
) -> None:
    """MD5 and, if asked for, SHA-1 and SHA-256 of n items; longest first wastes least.

    bodies: (n,) addresses of body_blocks[i] * BLOCK readable bytes; tails, tail_blocks: as `pad`
    makes them; out: (n, WORDS) words of the digests in the functions' order, each word in the
    machine's; without `sha` only the first four are meant.
    """
    state = np.empty((WORDS, LANES), np.uint32)
    words = np.empty((16, LANES), np.uint32)
    places = np.zeros(LANES, np.int64)
    left = np.zeros(LANES, np.int64)  # blocks until the lane's item, or its body, ends
    items = np.full(LANES, -1, np.int64)
    ends = np.zeros(LANES, np.bool_)  # whether the lane is in its item's tail
    first_tail = np.int64(tails.ctypes.data)
    given = 0
    while True:
        run = np.int64(0)
        some = -1
        for lane in range(LANES):
            item = items[lane]
            if item >= 0 and left[lane] == 0:
                if ends[lane]:
                    for k in range(WORDS):
                        out[item, k] = state[k, lane]
                    item = -1
                else:
                    ends[lane] = True
                    places[lane] = first_tail + item * TAIL
                    left[lane] = tail_blocks[item]
            if item < 0 and given < bodies.size:
                item = given
                given += 1
                for k in range(WORDS):
                    state[k, lane] = START[k]
                ends[lane] = False
                places[lane] = bodies[item]
                left[lane] = body_blocks[item]  # if 0, the run is 0 and the tail comes next
            items[lane] = item
            if item >= 0 and (some < 0 or left[lane] < run):
                run = left[lane]
                some = lane
        if some < 0:
            return
        for lane in range(LANES):
            if items[lane] < 0:
                places[lane] = places[some]  # idle lanes read along, to no effect
        for block in range(run):
            gather(places, block * BLOCK, words)
            md5_block(state, words)
            if sha:
                if block == run - 1:
                    for lane in range(LANES):
                        if ends[lane] and left[lane] == run:
                            length_for_sha(words, lane)
                sha1_block(state, words)
                sha256_block(state, words)
        for lane in range(LANES):
            places[lane] += run * BLOCK
            left[lane] -= run
