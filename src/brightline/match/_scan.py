"""Radius search by comparing with every code: for small lists, and for large radii.

Codes are taken a block at a time, turned into four planes (all first words, all second words,
…), and every query is compared with the block while it lies in the first-level cache. Whether
two codes may match is first asked of the union of two words of their difference, whose bits are
counted in half the time; codes of different pictures differ in about half of their bits, so for
any radius in use it says no almost always. It needs no branch, so that the compiler compares
four codes at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from brightline.kernels import kernel, leaf
from brightline.match._bits import popcount
from brightline.match._codes import U64, WORDS
from brightline.types import I64

#: codes in a block
_BLOCK = 512
#: words from one plane to the next; planes a page apart would share their places in the cache
_PLANE = _BLOCK + 8
#: codes that are compared one by one where any of them may match
_GROUP = 256
_FIRST_ROOM = 1024

#: two words of the difference of unrelated codes have 48 bits in their union, give or take 3.5:
#: up to this radius one union says no almost always, and beyond it two do
UNION_RADIUS = 33


@kernel
def grown(out: I64, used: int, room: int) -> I64:
    """`out` (triples, flat) with the `used` ones it holds, and room for `room` more."""
    if 3 * (used + room) <= out.size:
        return out
    larger = np.empty(max(2 * out.size, 3 * (used + room)), np.int64)
    for i in range(3 * used):
        larger[i] = out[i]
    return larger


@leaf
def _turn(codes: U64, begin: int, end: int, planes: U64) -> None:
    """Write the codes from `begin` to `end` as planes."""
    for i in range(end - begin):
        at = np.uint64(WORDS * (begin + i))
        for word in range(WORDS):
            planes[np.uint64(word * _PLANE + i)] = codes[at + np.uint64(word)]


@leaf
def _any_near(planes: U64, begin: int, end: int, queries: U64, query: int, radius: int) -> Any:
    """Whether any of these codes of the block may be within the radius; if not, none is."""
    q = np.uint64(WORDS * query)
    q0, q1 = queries[q], queries[q + np.uint64(1)]
    q2, q3 = queries[q + np.uint64(2)], queries[q + np.uint64(3)]
    near = 0
    if radius <= UNION_RADIUS:
        for i in range(begin, end):
            x0 = planes[np.uint64(i)] ^ q0
            x1 = planes[np.uint64(i + _PLANE)] ^ q1
            near += popcount(x0 | x1) <= radius
    else:
        for i in range(begin, end):
            x0 = planes[np.uint64(i)] ^ q0
            x1 = planes[np.uint64(i + _PLANE)] ^ q1
            x2 = planes[np.uint64(i + 2 * _PLANE)] ^ q2
            x3 = planes[np.uint64(i + 3 * _PLANE)] ^ q3
            near += popcount(x0 | x1) + popcount(x2 | x3) <= radius
    return near > 0


@leaf
def _compare(
    codes: U64, begin: int, end: int, queries: U64, query: int, radius: int, out: I64, used: int
) -> int:
    """Append the codes from `begin` to `end` that match; returns how many triples there are."""
    q = np.uint64(WORDS * query)
    q0, q1 = queries[q], queries[q + np.uint64(1)]
    q2, q3 = queries[q + np.uint64(2)], queries[q + np.uint64(3)]
    for i in range(begin, end):
        c = np.uint64(WORDS * i)
        distance = popcount(codes[c] ^ q0) + popcount(codes[c + np.uint64(1)] ^ q1)
        if distance > radius:
            continue
        distance += popcount(codes[c + np.uint64(2)] ^ q2)
        distance += popcount(codes[c + np.uint64(3)] ^ q3)
        if distance > radius:
            continue
        out[3 * used] = query
        out[3 * used + 1] = i
        out[3 * used + 2] = distance
        used += 1
    return used


@kernel
def scan(queries: U64, rows: I64, codes: U64, radius: int) -> tuple[I64, int]:
    """Compare the queries numbered `rows` with every code.

    Returns triples (query, code, distance), flat, and how many.
    """
    n = codes.size // WORDS
    out = np.empty(3 * _FIRST_ROOM, np.int64)
    planes = np.empty(WORDS * _PLANE, np.uint64)
    used = 0
    for block in range(0, n, _BLOCK):
        block_end = min(block + _BLOCK, n)
        _turn(codes, block, block_end, planes)
        for r in range(rows.size):
            for begin in range(block, block_end, _GROUP):
                end = min(begin + _GROUP, block_end)
                if _any_near(planes, begin - block, end - block, queries, rows[r], radius):
                    out = grown(out, used, end - begin)
                    used = _compare(codes, begin, end, queries, rows[r], radius, out, used)
    return out, used
