"""A sifted list finds what its index finds."""

from __future__ import annotations

import numpy as np
import pytest

from brightline.match import ExactIndex, SiftedIndex
from brightline.match.sifted import MOST
from brightline.types import U8


def random(seed: int, count: int, width: int) -> U8:
    return np.random.default_rng(seed).integers(0, 256, (count, width), dtype=np.uint8)


@pytest.mark.parametrize("width", [16, 20, 32])
@pytest.mark.parametrize("entries", [1, 2, 255, 3000])
@pytest.mark.parametrize("shift", [0, 1, 3])
def test_as_the_index(width: int, entries: int, shift: int) -> None:
    listed = random(entries, entries, width)
    listed[0], listed[-1] = 0, 255
    listed = np.concatenate([listed, listed[: entries // 2]])  # equal ones are entries each
    index = ExactIndex.build(listed)
    values = random(7, 4000, width)
    values[::3] = listed[np.arange(len(values[::3])) % len(listed)]
    values[1::30] = values[::30][: len(values[1::30])]
    values[1::30, -1] ^= 1  # the same beginning, and not the same
    apart: U8 = np.frombuffer(bytes(shift) + values.tobytes(), np.uint8)[shift:]
    found = SiftedIndex.over(index).search(apart.reshape(-1, width))
    expected = index.search(values)
    assert len(expected[0]) >= 1300
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_beginnings_all_alike() -> None:
    listed = random(1, 500, 20)
    listed[:, :12] = 9
    found = SiftedIndex.over(ExactIndex.build(listed)).search(listed[::-1])
    np.testing.assert_array_equal(found[1], np.arange(500)[::-1])


def test_strides_and_nothing() -> None:
    listed = random(2, 100, 16)
    sifted = SiftedIndex.over(ExactIndex.build(listed))
    wide = random(3, 200, 40)
    wide[::2, 8:24] = listed
    query, entry = sifted.search(wide[:, 8:24])
    np.testing.assert_array_equal(query, np.arange(0, 200, 2))
    np.testing.assert_array_equal(entry, np.arange(100))
    assert [len(part) for part in sifted.search(listed[:0])] == [0, 0]


def test_what_is_refused_and_when_it_suits() -> None:
    index = ExactIndex.build(random(4, 10, 16))
    with pytest.raises(ValueError, match="uint8"):
        SiftedIndex.over(index).search(random(5, 10, 20))
    assert SiftedIndex.suits(index)
    assert not SiftedIndex.suits(ExactIndex.build(random(6, 0, 16)))
    assert not SiftedIndex.suits(ExactIndex.build(random(6, MOST + 1, 16)))
