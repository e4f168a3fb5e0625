"""Codes to test with, and the plain search that the indexes must equal."""

from __future__ import annotations

import numpy as np

from brightline.types import I64, U8

KINDS = ("random", "clustered", "duplicated", "constant", "narrow")


def brute(entries: U8, queries: U8, radius: int) -> tuple[I64, I64, I64]:
    """Every pair within the radius, query by query, by counting bits with NumPy."""
    found = []
    for row, query in enumerate(queries):
        distance = np.bitwise_count(entries ^ query).sum(axis=1, dtype=np.int64)
        near = np.flatnonzero(distance <= radius)
        found.append((np.full(len(near), row), near, distance[near]))
    if not found:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64)
    query_rows, entry_rows, distances = zip(*found, strict=True)
    return np.concatenate(query_rows), np.concatenate(entry_rows), np.concatenate(distances)


def flip(rng: np.random.Generator, codes: U8, flips: int) -> U8:
    """Each code with exactly `flips` different bits turned."""
    bits = np.unpackbits(codes, axis=1)
    for row in bits:
        row[rng.choice(256, flips, replace=False)] ^= 1
    return np.packbits(bits, axis=1).reshape(-1, 32)


def make(rng: np.random.Generator, kind: str, count: int) -> U8:
    """Codes (count, 32) of one of KINDS."""
    codes = rng.integers(0, 256, (count, 32), dtype=np.uint8)
    if kind == "clustered":
        centres = rng.integers(0, 256, (3, 32), dtype=np.uint8)
        near = [flip(rng, centres[rng.integers(0, 3, 1)], int(rng.integers(0, 41)))
                for _ in range(min(count, 200))]  # fmt: skip
        if near:
            pool = np.concatenate(near)
            codes = pool[rng.integers(0, len(pool), count)]
            # one more bit, so that a large cluster is not all copies
            rows = np.arange(count)
            codes[rows, rng.integers(0, 32, count)] ^= (1 << rng.integers(0, 8, count)).astype(
                np.uint8
            )
    elif kind == "duplicated":
        pool = codes[: max(1, count // 50)]
        codes = pool[rng.integers(0, len(pool), count)] if count else codes
    elif kind == "constant":
        codes[:] = codes[:1] if rng.random() < 0.5 else 0
    elif kind == "narrow":
        # only a few bits vary: most slots hold all codes in one bucket
        codes[:, 3:] = 0
    return codes


def questions(rng: np.random.Generator, entries: U8, radius: int, count: int) -> U8:
    """Queries: random ones, and ones at, just inside and just outside the radius of entries."""
    out = rng.integers(0, 256, (count, 32), dtype=np.uint8)
    for row in range(count):
        if len(entries) and row % 4:
            flips = min(256, max(0, radius + int(rng.integers(-2, 2))))
            out[row] = flip(rng, entries[rng.integers(0, len(entries), 1)], flips)[0]
    return out
