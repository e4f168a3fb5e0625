"""Digests over the stored bytes, of one item or of many at once.

hashlib works on one item at a time and, where the processor has no SHA instructions, waits for
one round to end before the next begins. Digests of many items are independent of each other,
so they are made side by side, each in a lane of SIMD registers (multi-buffer hashing, as Intel's
isa-l_crypto does it). The results are the same.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numba.core import codegen, registry

from brightline.signals import _digest_kernels as kernels
from brightline.signals._digest_rounds import BLOCK, LANES
from brightline.types import U8, Digests

#: bytes of the three digests, in their order
_WIDTH = 16 + 20 + 32
#: under this many items hashlib is faster in any case
_FEWEST = 3
#: hashlib digests this many blocks in the time of its calls for one item
_CALL_BLOCKS = 4


@dataclass(frozen=True, slots=True)
class _Way:
    """What lanes are good for: MD5 where there are any, the SHAs too if `sha`.

    `cost` is the time of a step of all lanes, a block in each, in blocks through hashlib.
    """

    lanes: bool
    sha: bool
    cost: float


def _host_features() -> list[str]:
    """What the processor has, in LLVM's words: `+` or `-` and a name."""
    numba: Any = codegen
    features: str = numba.get_host_cpu_features()
    return features.split(",")


def _kernel_features() -> list[str]:
    """The same for the processor that numba compiles for; its settings may ask for another."""
    numba: Any = registry.cpu_target.target_context.codegen()
    features: str = numba.magic_tuple()[2]
    return features.split(",")


@functools.cache
def _way() -> _Way:
    """The way for this processor, and for the one that kernels are compiled for."""
    host, compiled = _host_features(), _kernel_features()
    return _way_for(
        sys.byteorder == "little",
        sha="+sha" in host or "+sha2" in host,  # x86's name, and Arm's
        avx2="+avx2" in compiled,
        avx512="+avx512f" in compiled,
    )


def _way_for(little_endian: bool, *, sha: bool, avx2: bool, avx512: bool) -> _Way:
    """Decide by the host's SHA instructions and the vectors that kernels are compiled for.

    Cycles a byte (Cascade Lake, OpenSSL 3.0) for MD5, SHA-1 and SHA-256: hashlib 4.1, 2.9, 6.3;
    lanes of AVX-512 0.3, 0.4, 0.8; of AVX2 0.4, 0.9, 2.2; of SSE2 1.0, 3.0, 12. SHA instructions
    are said to take 1 to 2 for either SHA (not measured here): behind AVX-512, ahead of AVX2.
    """
    if avx512:
        return _Way(little_endian, True, 2.0)
    if avx2:
        return _Way(little_endian, not sha, 2.0 if sha else 4.5)
    return _Way(little_endian, False, 4.0)


def has_lanes_for_sha() -> bool:
    """Whether lanes are faster than hashlib for SHA-256 here."""
    way = _way()
    return way.lanes and way.sha


def digests(data: bytes) -> Digests:
    """MD5, SHA-1 and SHA-256 while the bytes are in the cache."""
    return Digests(
        hashlib.md5(data, usedforsecurity=False).digest(),
        hashlib.sha1(data, usedforsecurity=False).digest(),
        hashlib.sha256(data).digest(),
    )


def digests_many(datas: Sequence[bytes]) -> list[Digests]:
    """What `digests` gives for each item, in their order, and faster together than one by one.

    Best from 32 items on. Items are read where they lie: nothing is copied but their ends.
    """
    held = list(datas)  # keeps alive what is read by address
    way = _way()
    if len(held) < _FEWEST or not way.lanes:
        return [digests(data) for data in held]
    sizes = np.array([len(data) for data in held], np.int64)
    order = np.argsort(-sizes, kind="stable")
    alone = _alone(sizes[order], way.cost)
    found = [digests(held[place]) for place in order[:alone]]
    if alone < len(held):
        found += _in_lanes([held[place] for place in order[alone:]], sizes[order[alone:]], way.sha)
    return [found[rank] for rank in np.argsort(order)]


def _alone(sizes: npt.NDArray[np.int64], cost: float) -> int:
    """How many of the longest items are better left to hashlib, all for too few.

    sizes: (n,) in bytes, longest first. Lanes take as many steps as the longest item has blocks,
    or as all items have shared out among lanes, whichever is more.
    """
    blocks = sizes / BLOCK + 1
    singly = np.concatenate([[0.0], np.cumsum(blocks + _CALL_BLOCKS)])
    rest = np.cumsum(blocks[::-1])[::-1]
    steps = np.concatenate([np.maximum(blocks, rest / LANES), [0.0]])
    return int(np.argmin(singly + cost * steps))


def _in_lanes(held: list[bytes], sizes: npt.NDArray[np.int64], sha: bool) -> list[Digests]:
    """Digests of items, longest first: MD5 in lanes, and so the others if `sha`."""
    count = len(held)
    body_blocks = sizes // BLOCK
    ends = (body_blocks * BLOCK).tolist()
    pointers = (ctypes.c_char_p * count)(*held)
    bodies = np.frombuffer(memoryview(pointers), np.int64)
    # one byte more: there is no view of an empty buffer
    joined = b"".join([data[end:] for data, end in zip(held, ends, strict=True)]) + b"\0"
    rests: U8 = np.frombuffer(joined, np.uint8)
    tails = np.zeros((count, kernels.TAIL), np.uint8)
    tail_blocks = np.empty(count, np.int64)
    kernels.pad(rests, sizes, tails, tail_blocks)
    out = np.empty((count, kernels.WORDS), np.uint32)
    kernels.hash_lanes(bodies, body_blocks, tails, tail_blocks, sha, out)
    out[:, 4:].byteswap(inplace=True)
    made = out.tobytes()
    starts = range(0, len(made), _WIDTH)
    if sha:
        return [
            Digests(made[k : k + 16], made[k + 16 : k + 36], made[k + 36 : k + 68]) for k in starts
        ]
    return [
        Digests(
            made[k : k + 16],
            hashlib.sha1(data, usedforsecurity=False).digest(),
            hashlib.sha256(data).digest(),
        )
        for k, data in zip(starts, held, strict=True)
    ]
