"""The machine instructions say what plain Python says."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from brightline.kernels import leaf
from brightline.match._bits import lowest_bit, passing, popcount, store64, swapped

WORDS = st.integers(0, 2**64 - 1)


@leaf
def _of_a_word(word: Any) -> tuple[int, int, Any]:
    return popcount(word), lowest_bit(word), swapped(word)


@leaf
def _passing(words: Any, at: int, shift: int, fragment: int, mask: int, limit: int) -> Any:
    return passing(words, at, shift, fragment, mask, limit)


@leaf
def _store(data: Any, at: int, word: Any) -> None:
    store64(data, at, word)


@settings(deadline=None)
@given(WORDS)
def test_bits_of_a_word(word: int) -> None:
    count, lowest, turned = _of_a_word(np.uint64(word))
    assert count == word.bit_count()
    assert lowest == (word & -word).bit_length() - 1 if word else lowest == 64
    assert int(turned).to_bytes(8, "big") == word.to_bytes(8, "little")


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 2**32 - 1), min_size=20, max_size=20),
    st.integers(0, 12),
    st.integers(1, 20),
    st.integers(0, 2**9 - 1),
    st.integers(0, 9),
    st.integers(0, 12),
)
def test_eight_records_at_once(
    words: list[int], at: int, shift: int, fragment: int, bits: int, limit: int
) -> None:
    mask = (1 << bits) - 1
    expected = 0
    for lane in range(8):
        rest = words[at + lane] >> shift
        apart = ((rest >> 3 ^ fragment) & mask).bit_count() + (rest & 7)
        expected |= (apart <= limit) << lane
    found = _passing(np.array(words, np.uint32), at, shift, fragment, mask, limit)
    assert int(found) == expected


@settings(deadline=None)
@given(WORDS, st.integers(0, 24))
def test_store_at_any_place(word: int, at: int) -> None:
    data = np.full(32, 7, np.uint8)
    _store(data, at, np.uint64(word))
    expected = bytearray(b"\x07" * 32)
    expected[at : at + 8] = word.to_bytes(8, "little")
    assert data.tobytes() == bytes(expected)
