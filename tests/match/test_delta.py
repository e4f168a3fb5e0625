"""The small list's search equals brute force, whatever the list and however it is laid out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brightline.match import DeltaIndex, HammingIndex, _delta, _plan, delta
from brightline.types import I64, U8
from tests.match.oracle import KINDS, brute, flip, make, questions

SIZES = st.one_of(st.integers(0, 4), st.integers(0, 400), st.sampled_from([1_000, 3_000]))
SEEDS = st.integers(0, 2**32 - 1)
SLOTS = st.one_of(
    st.lists(st.tuples(st.integers(8, 12), st.integers(0, 2)), min_size=1, max_size=21).map(tuple),
    st.sampled_from([((16, 1),) * 16, ((8, 0),) * 32, ((13, 2),), ((14, 2), (8, 0))]),
)


def same(left: tuple[I64, ...], right: tuple[I64, ...]) -> None:
    assert [array.dtype for array in left] == [np.dtype(np.int64)] * 3
    for a, b in zip(left, right, strict=True):
        np.testing.assert_array_equal(a, b)


def laid_out(codes: U8, radius: int, slots: tuple[tuple[int, int], ...], row: int) -> DeltaIndex:
    """An index with these rows, whatever the model would have chosen."""
    index = HammingIndex.build(codes, radius=radius)
    return DeltaIndex(index, (delta._build_rows(index, delta._Design(slots, row, 0.0)),))


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(SIZES, SEEDS, st.sampled_from(KINDS), st.integers(0, 63))
def test_search_equals_brute_force(count: int, seed: int, kind: str, radius: int) -> None:
    rng = np.random.default_rng(seed)
    codes = make(rng, kind, count)
    queries = questions(rng, codes, radius, 12)
    index = DeltaIndex.build(codes, radius=radius)
    assert len(index) == count
    same(index.search(queries), brute(codes, queries, radius))


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(SIZES.filter(bool), SEEDS, st.sampled_from(KINDS), SLOTS, st.sampled_from([8, 16, 32]))
def test_rows_equal_brute_force(
    count: int, seed: int, kind: str, slots: tuple[tuple[int, int], ...], row: int
) -> None:
    """Any rows find all within R, where the sum of t_k + 1 is R + 1; full ones too."""
    radius = sum(limit + 1 for _, limit in slots) - 1
    rng = np.random.default_rng(seed)
    codes = make(rng, kind, count)
    queries = questions(rng, codes, radius, 12)
    same(laid_out(codes, radius, slots, row).search(queries), brute(codes, queries, radius))


@pytest.mark.parametrize(("count", "row"), [(40, 8), (700, 8), (2_000, 32)])
def test_rows_are_used_and_some_overflow(count: int, row: int) -> None:
    """Both ways meet in one search, and its pairs stay in order."""
    rng = np.random.default_rng(count)
    codes = make(rng, "random", count)
    # the same key in most slots
    codes[: 2 * row] = flip(rng, np.repeat(codes[:1], 2 * row, axis=0), 3)
    index = laid_out(codes, 31, ((16, 1),) * 16, row)
    queries = np.concatenate([questions(rng, codes, 31, 50), codes])
    same(index.search(queries), brute(codes, queries, 31))
    empty = _delta.empty_record(int(count - 1).bit_length())
    assert (index.rows[0].rows == (empty | 1)).any()
    assert (index.rows[0].rows == empty).any()


@pytest.mark.parametrize("copies", [1, 2, 3, 4, 5, 7, 8, 9, 16, 1_000])
def test_copies_of_one_code(copies: int) -> None:
    code = np.random.default_rng(copies).integers(0, 256, (1, 32), dtype=np.uint8)
    query, entry, distance = DeltaIndex.build(np.repeat(code, copies, axis=0)).search(code)
    assert query.tolist() == [0] * copies
    assert entry.tolist() == list(range(copies))
    assert distance.tolist() == [0] * copies


def test_more_queries_than_are_held_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delta, "_CHUNK", 7)
    rng = np.random.default_rng(1)
    codes = make(rng, "clustered", 1_000)
    queries = questions(rng, codes, 31, 100)
    index = laid_out(codes, 31, ((16, 1),) * 16, 8)
    same(index.search(queries), brute(codes, queries, 31))


@pytest.mark.parametrize("codes", [0, 1, 50, 1_000, 10_000, 50_000, 10**6, 10**8])
@pytest.mark.parametrize("radius", [0, 7, 31, 63, 256])
def test_what_is_designed_finds_all_and_fits(codes: int, radius: int) -> None:
    designs = delta._designs(codes, _plan.design(codes, radius), radius)
    assert designs or (codes, radius) not in ((1_000, 31), (10_000, 31))
    for design in designs:
        assert sum(limit + 1 for _, limit in design.slots) == radius + 1
        assert sum(width for width, _ in design.slots) <= 256
    assert sum(design.nbytes for design in designs) <= delta.MAX_BYTES
    costs = [design.cost for design in designs]
    assert costs == sorted(costs)


@settings(deadline=None, max_examples=15)
@given(SEEDS, st.sampled_from(KINDS))
def test_one_after_the_other(seed: int, kind: str) -> None:
    """What overflows in small rows is asked of larger ones, and then of the index."""
    rng = np.random.default_rng(seed)
    codes = make(rng, kind, 2_000)
    index = HammingIndex.build(codes, radius=31)
    designs = [delta._Design(((12, 1),) * 16, row, 0.0) for row in (8, 16)]
    rows = tuple(delta._build_rows(index, design) for design in designs)
    queries = questions(rng, codes, 31, 40)
    same(DeltaIndex(index, rows).search(queries), brute(codes, queries, 31))


def test_what_a_small_list_is_built_with() -> None:
    rng = np.random.default_rng(2)
    assert DeltaIndex.build(make(rng, "random", 20)).nbytes == 0
    assert 0 < DeltaIndex.build(make(rng, "random", 2_000)).nbytes <= delta.MAX_BYTES


@pytest.mark.parametrize("count", [0, 20, 2_000])
def test_no_queries_and_what_is_no_array_of_codes(count: int) -> None:
    index = DeltaIndex.build(make(np.random.default_rng(3), "random", count))
    assert [len(array) for array in index.search(np.zeros((0, 32), np.uint8))] == [0, 0, 0]
    with pytest.raises(ValueError, match=r"\(n, 32\)"):
        index.search(np.zeros((3, 31), np.uint8))
    with pytest.raises(ValueError, match="0 to 256"):
        DeltaIndex.build(np.zeros((3, 32), np.uint8), radius=257)
