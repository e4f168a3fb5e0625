"""Equality look-up equals a dictionary of lists."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brightline.match import ExactIndex
from brightline.types import I64, U8

KINDS = ("random", "duplicated", "one prefix", "one suffix", "few bits", "constant")


def make(rng: np.random.Generator, kind: str, count: int, width: int) -> U8:
    values = rng.integers(0, 256, (count, width), dtype=np.uint8)
    if kind == "duplicated" and count:
        values = values[rng.integers(0, max(1, count // 10), count)]
    elif kind == "one prefix":
        values[:, :14] = 7
    elif kind == "one suffix":
        values[:, 2:] = 255
    elif kind == "few bits":
        values = (values < 3).astype(np.uint8) * 128
    elif kind == "constant":
        values[:] = 255
    return values


def reference(entries: U8, queries: U8) -> tuple[list[int], list[int]]:
    where: dict[bytes, list[int]] = {}
    for row, value in enumerate(entries):
        where.setdefault(value.tobytes(), []).append(row)
    pairs = [(q, e) for q, value in enumerate(queries) for e in where.get(value.tobytes(), [])]
    return [q for q, _ in pairs], [e for _, e in pairs]


def same(found: tuple[I64, I64], expected: tuple[list[int], list[int]]) -> None:
    assert [array.dtype for array in found] == [np.dtype(np.int64)] * 2
    assert (found[0].tolist(), found[1].tolist()) == expected


@settings(deadline=None, max_examples=100)
@given(
    st.one_of(st.integers(0, 4), st.integers(0, 300), st.sampled_from([2_000, 20_000])),
    st.integers(0, 2**32 - 1),
    st.sampled_from(KINDS),
    st.sampled_from([16, 20, 32]),
    st.booleans(),
)
def test_look_up_equals_a_dictionary(
    tmp_path_factory: pytest.TempPathFactory,
    count: int,
    seed: int,
    kind: str,
    width: int,
    saved: bool,
) -> None:
    rng = np.random.default_rng(seed)
    entries = make(rng, kind, count, width)
    known = entries[rng.integers(0, count, 50)] if count else entries
    near = known.copy()
    near[:, rng.integers(0, width)] ^= 1
    queries = np.concatenate([known, near, make(rng, kind, 50, width)])
    rng.shuffle(queries)
    index = ExactIndex.build(entries)
    if saved:
        path = tmp_path_factory.mktemp("saved") / "index"
        index.save(path)
        index = ExactIndex.open(path)
    assert len(index) == count
    same(index.search(queries), reference(entries, queries))


def test_more_queries_than_are_held_at_once() -> None:
    rng = np.random.default_rng(1)
    entries = make(rng, "random", 1_000, 16)
    queries = np.concatenate([make(rng, "random", 300_000, 16), entries[::-1]])
    query, entry = ExactIndex.build(entries).search(queries)
    assert query.tolist() == list(range(300_000, 301_000))
    assert entry.tolist() == list(range(999, -1, -1))


def test_words_compare_as_bytes_do() -> None:
    """Values that differ only in one byte, at each place, are told apart."""
    entries = np.zeros((20, 20), np.uint8)
    entries[np.arange(20), np.arange(20)] = 1
    same(ExactIndex.build(entries).search(entries), (list(range(20)), list(range(20))))


def test_the_same_values_give_the_same_file(tmp_path: Path) -> None:
    values = make(np.random.default_rng(2), "duplicated", 5_000, 20)
    ExactIndex.build(values).save(tmp_path / "a")
    ExactIndex.build(values.copy()).save(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(
    "values", [np.zeros((3, 31), np.uint8), np.zeros(32, np.uint8), np.zeros((3, 32), np.int8)]
)
def test_what_is_no_array_of_values(values: U8) -> None:
    with pytest.raises(ValueError, match="uint8"):
        ExactIndex.build(values)
    with pytest.raises(ValueError, match="uint8"):
        ExactIndex.build(np.zeros((3, 32), np.uint8)).search(values)


def test_values_of_another_width() -> None:
    with pytest.raises(ValueError, match="32"):
        ExactIndex.build(np.zeros((3, 32), np.uint8)).search(np.zeros((3, 16), np.uint8))
