"""The sieve finds what comparing with every code finds, and gives back the bits of an index."""

from __future__ import annotations

import numpy as np
import pytest

from brightline.match import DeltaIndex, HammingIndex
from brightline.match._codes import spread
from brightline.match.sieve import FEWEST, MOST, _gathered, suits
from brightline.types import U8


def near(rng: np.random.Generator, codes: U8, low: int, high: int) -> U8:
    """The codes with so many bits flipped."""
    bits = np.unpackbits(codes, axis=1)
    for row in bits:
        row[rng.choice(256, rng.integers(low, high + 1), replace=False)] ^= 1
    return np.packbits(bits, axis=1)


@pytest.mark.parametrize(
    ("entries", "radius"),
    [
        *((64, 31), (700, 31), (700, 32), (700, 30), (300, 20), (300, 5), (300, 2), (300, 0)),
        pytest.param(MOST - 2, 31, marks=pytest.mark.long),
    ],
)
def test_as_every_other_way(entries: int, radius: int) -> None:
    rng = np.random.default_rng(entries + radius)
    listed = rng.integers(0, 256, (entries, 32), dtype=np.uint8)
    listed[-1] = near(rng, listed[:1], 1, 1)[0]
    listed = np.concatenate([listed, listed[3:5]])  # equal entries are entries each
    queries = rng.integers(0, 256, (3001, 32), dtype=np.uint8)
    some = listed[rng.integers(0, len(listed), 1500)]
    queries[:1500] = near(rng, some, max(0, radius - 6), radius + 3)
    index = DeltaIndex.build(listed, radius=radius)
    assert index.sieve is not None
    assert index.nbytes > 0
    found = index.search(queries)
    expected = HammingIndex.build(listed).search(queries, radius)
    assert len(expected[0]) > 300
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)
    nothing = index.search(queries[:0])
    assert [len(part) for part in nothing] == [0, 0, 0]


def test_clustered_bits() -> None:
    """Differences that all fall into one slot, or one into each."""
    rng = np.random.default_rng(1)
    listed = rng.integers(0, 256, (100, 32), dtype=np.uint8)
    bits = np.unpackbits(listed, axis=1)
    together = bits.copy()
    together[:, 40:71] ^= 1
    apart = bits.copy()
    apart[:, ::9] ^= 1  # 29 bits
    apart[:, [1, 2]] ^= 1
    too_far = together.copy()
    too_far[:, 200] ^= 1
    queries = np.packbits(np.concatenate([together, apart, too_far]), axis=1)
    query, entry, distance = DeltaIndex.build(listed).search(queries)
    np.testing.assert_array_equal(query, np.arange(200))
    np.testing.assert_array_equal(entry, np.tile(np.arange(100), 2))
    assert set(distance.tolist()) == {31}


def test_bits_are_put_back() -> None:
    codes = np.random.default_rng(2).integers(0, 256, (50, 32), dtype=np.uint8)
    np.testing.assert_array_equal(_gathered(spread(codes)), codes)


def test_when_it_suits() -> None:
    assert suits(FEWEST, 31)
    assert suits(MOST, 32)
    assert not suits(FEWEST - 1, 31)
    assert not suits(MOST + 1, 31)
    assert not suits(1000, 33)
