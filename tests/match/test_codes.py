"""Spreading bits, cutting fields, sorting rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brightline.match._codes import WORDS, field, gather, sort_rows, spread
from brightline.types import U8


def _single_bits() -> U8:
    """256 codes; code k has bit k alone, as PDQ numbers them (bit 255 comes first)."""
    return np.packbits(np.eye(256, dtype=np.uint8)[:, ::-1], axis=1)


def test_spreading_moves_every_bit_to_a_place_of_its_own() -> None:
    words = spread(_single_bits()).reshape(256, WORDS)
    bits = np.unpackbits(words.astype(">u8").view(np.uint8), axis=1)
    assert (bits.sum(axis=0) == 1).all()
    assert (bits.sum(axis=1) == 1).all()


def test_sixteen_bits_in_a_row_come_from_sixteen_rows_and_columns_apart() -> None:
    words = spread(_single_bits()).reshape(256, WORDS)
    place = np.argmax(np.unpackbits(words.astype(">u8").view(np.uint8), axis=1), axis=1)
    origin = np.argsort(place)
    for first in range(0, 256, 16):
        rows, columns = np.divmod(origin[first : first + 16], 16)
        assert sorted(rows.tolist()) == list(range(16))
        by_row = columns[np.argsort(rows)]
        assert set(((by_row[1:] - by_row[:-1]) % 16).tolist()) <= {5, 11}


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_spreading_keeps_distances(seed: int) -> None:
    codes = np.random.default_rng(seed).integers(0, 256, (20, 32), dtype=np.uint8)
    words = spread(codes).reshape(-1, WORDS)
    before = np.bitwise_count(codes[:, None] ^ codes).sum(axis=2)
    after = np.bitwise_count(words[:, None] ^ words).sum(axis=2)
    np.testing.assert_array_equal(before, after)


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 2**256 - 1), st.integers(1, 32), st.data())
def test_fields(value: int, width: int, data: st.DataObject) -> None:
    offset = data.draw(st.integers(0, 256 - width))
    words = np.frombuffer(bytes(32) + value.to_bytes(32, "big"), ">u8").astype(np.uint64)
    words.setflags(write=False)
    assert field(words, 1, offset, width) == (value >> (256 - offset - width)) & ((1 << width) - 1)


@settings(deadline=None)
@given(
    st.lists(st.tuples(*[st.sampled_from([0, 1, 2**63, 2**64 - 1])] * 3), max_size=40),
    st.booleans(),
)
def test_sorting_rows(values: list[tuple[int, int, int]], copies_only: bool) -> None:
    if copies_only:
        values = [(first, 5, 5) for first, _, _ in values]
    rows = np.array(values, np.uint64).reshape(-1, 3)
    order, firsts = sort_rows(rows)
    assert order.tolist() == sorted(range(len(values)), key=lambda row: (values[row], row))
    ordered = [values[row] for row in order]
    assert firsts.tolist() == [
        place for place in range(len(ordered)) if place == 0 or ordered[place] != ordered[place - 1]
    ]


@pytest.mark.parametrize("count", [0, 1])
def test_sorting_next_to_nothing(count: int) -> None:
    order, firsts = sort_rows(np.zeros((count, 4), np.uint64))
    assert order.tolist() == firsts.tolist() == list(range(count))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(0, 60), st.integers(1, 4))
def test_gathering(seed: int, count: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, 2**63, (40, width)).astype(np.uint64)
    chosen = rng.integers(0, 40, count)
    np.testing.assert_array_equal(gather(rows, chosen), rows[chosen].reshape(-1))


def test_codes_that_begin_at_any_byte_are_left_as_they_are() -> None:
    buffer = np.random.default_rng(1).integers(0, 256, 323, dtype=np.uint8)
    codes = buffer[3:].reshape(10, 32)
    np.testing.assert_array_equal(spread(codes), spread(codes.copy()))
    assert codes.flags.writeable
