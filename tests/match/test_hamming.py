"""Radius search equals brute force, whatever the codes, the radius and the way it is done."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brightline.match import HammingIndex, _plan, _slots
from brightline.types import I64, U8
from tests.match.oracle import KINDS, brute, flip, make, questions

SIZES = st.one_of(st.integers(0, 4), st.integers(0, 400), st.sampled_from([1_000, 6_000, 20_000]))
SEEDS = st.integers(0, 2**32 - 1)
WIDTHS = st.lists(st.integers(_slots.MIN_WIDTH, 20), min_size=1, max_size=20).filter(
    lambda widths: sum(widths) <= 256
)
SLOTS = st.one_of(
    WIDTHS.map(tuple),
    st.sampled_from(
        [(16,) * 16, (8,) * 32, (24,) * 10, (8,), (24,), (9, 8), (22,) * 8 + (20,) * 4]
    ),
)


def same(left: tuple[I64, ...], right: tuple[I64, ...]) -> None:
    assert [array.dtype for array in left] == [np.dtype(np.int64)] * 3
    for a, b in zip(left, right, strict=True):
        np.testing.assert_array_equal(a, b)


def built(codes: U8, widths: tuple[int, ...], radius: int = 31) -> HammingIndex:
    """An index with these slots, whatever the plan would have chosen."""
    with mock.patch.object(_plan, "design", lambda count, _: widths if count else ()):
        return HammingIndex.build(codes, radius=radius)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(SIZES, SEEDS, st.sampled_from(KINDS), st.integers(0, 63))
def test_search_equals_brute_force(count: int, seed: int, kind: str, radius: int) -> None:
    rng = np.random.default_rng(seed)
    codes = make(rng, kind, count)
    queries = questions(rng, codes, radius, 12)
    index = HammingIndex.build(codes)
    assert len(index) == count
    same(index.search(queries, radius), brute(codes, queries, radius))


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), SIZES.filter(bool), SEEDS, st.sampled_from(KINDS), SLOTS)
def test_slots_equal_brute_force_for_any_thresholds(
    data: st.DataObject, count: int, seed: int, kind: str, widths: tuple[int, ...]
) -> None:
    """Any thresholds t_k >= -1 find all within R, where the sum of t_k + 1 is R + 1."""
    limits = tuple(data.draw(st.integers(-1, 3), label="t") for _ in widths)
    radius = sum(limit + 1 for limit in limits) - 1
    if radius < 0:
        limits, radius = (0, *limits[1:]), 0
    rng = np.random.default_rng(seed)
    codes = make(rng, kind, count)
    queries = questions(rng, codes, radius, 8)
    found = built(codes, widths)._probed(queries, radius, limits, 2**62)
    same(found, brute(codes, queries, radius))


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(SEEDS, st.sampled_from(KINDS), st.integers(0, 31), st.integers(0, 5_000))
def test_slots_and_scan_agree(seed: int, kind: str, radius: int, most_records: int) -> None:
    """Also where some queries are left to the scan since they meet too many records."""
    rng = np.random.default_rng(seed)
    codes = make(rng, kind, 5_000)
    queries = questions(rng, codes, radius, 12)
    index = built(codes, (16,) * 16)
    allocation = _plan.allocate(index.widths, len(index.codes) // 4, radius)
    assert allocation is not None
    same(
        index._probed(queries, radius, allocation.limits, most_records),
        index._scanned(queries, radius),
    )


@pytest.mark.parametrize("radius", [64, 100, 128, 200, 255, 256])
@pytest.mark.parametrize("kind", KINDS)
def test_large_radii(kind: str, radius: int) -> None:
    rng = np.random.default_rng(radius)
    codes = make(rng, kind, 5_000)
    queries = questions(rng, codes, radius, 3)
    same(HammingIndex.build(codes).search(queries, radius), brute(codes, queries, radius))


@pytest.mark.parametrize("tuned", [0, 1, 8, 31, 63, 256])
def test_a_radius_that_the_index_was_not_tuned_for(tuned: int) -> None:
    rng = np.random.default_rng(tuned)
    codes = make(rng, "random", 20_000)
    index = HammingIndex.build(codes, radius=tuned)
    for radius in (0, 7, 31, 40, 63):
        queries = questions(rng, codes, radius, 20)
        same(index.search(queries, radius), brute(codes, queries, radius))


def test_a_large_list_is_searched_through_slots() -> None:
    rng = np.random.default_rng(5)
    codes = make(rng, "random", 20_000)
    index = HammingIndex.build(codes)
    assert index.widths
    with mock.patch.object(HammingIndex, "_scanned", side_effect=AssertionError):
        index.search(codes[:5], 31)
        with pytest.raises(AssertionError):
            index.search(codes[:5], 120)


@pytest.mark.parametrize("copies", [1, 2, 3, 4, 5, 7, 8, 9, 16, 1_000])
def test_copies_of_one_code_survive_a_save(copies: int, tmp_path: Path) -> None:
    """What faiss' multi-hash index loses (ThreatExchange issue 1318)."""
    code = np.random.default_rng(copies).integers(0, 256, (1, 32), dtype=np.uint8)
    HammingIndex.build(np.repeat(code, copies, axis=0)).save(tmp_path / "index")
    query, entry, distance = HammingIndex.open(tmp_path / "index").search(code, 31)
    assert query.tolist() == [0] * copies
    assert entry.tolist() == list(range(copies))
    assert distance.tolist() == [0] * copies


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(SIZES, SEEDS, st.sampled_from(KINDS), st.integers(0, 40), st.booleans())
def test_a_saved_index_gives_the_same(
    tmp_path_factory: pytest.TempPathFactory,
    count: int,
    seed: int,
    kind: str,
    radius: int,
    forced: bool,
) -> None:
    path = tmp_path_factory.mktemp("saved") / "index"
    rng = np.random.default_rng(seed)
    codes = make(rng, kind, count)
    queries = questions(rng, codes, radius, 8)
    index = built(codes, (16,) * 15) if forced else HammingIndex.build(codes, radius=radius)
    index.save(path)
    opened = HammingIndex.open(path)
    assert (len(opened), opened.radius, opened.widths) == (count, index.radius, index.widths)
    same(opened.search(queries, radius), brute(codes, queries, radius))
    if forced and count:
        limits = tuple(2 if k < radius + 1 - 2 * 15 else 1 for k in range(15))
        enough = min(radius, sum(limit + 1 for limit in limits) - 1)
        same(opened._probed(queries, enough, limits, 2**62), brute(codes, queries, enough))


def test_an_opened_index_is_mapped_and_read_only(tmp_path: Path) -> None:
    HammingIndex.build(make(np.random.default_rng(1), "random", 20_000)).save(tmp_path / "index")
    index = HammingIndex.open(tmp_path / "index")
    for array in index._arrays().values():
        assert not array.flags.writeable
        base = array
        while isinstance(base.base, np.ndarray):
            base = base.base
        assert isinstance(base, np.memmap)


def test_the_same_codes_give_the_same_file(tmp_path: Path) -> None:
    codes = make(np.random.default_rng(2), "clustered", 20_000)
    HammingIndex.build(codes).save(tmp_path / "a")
    HammingIndex.build(codes.copy()).save(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_bytes_an_entry(tmp_path: Path) -> None:
    codes = make(np.random.default_rng(3), "random", 100_000)
    HammingIndex.build(codes).save(tmp_path / "index")
    assert (tmp_path / "index").stat().st_size / len(codes) <= _plan.MAX_BYTES


def test_equal_codes_are_kept_once() -> None:
    codes = make(np.random.default_rng(4), "constant", 20_000)
    index = HammingIndex.build(codes)
    assert len(index.codes) == 4
    query, entry, _ = index.search(flip(np.random.default_rng(4), codes[:1], 31), 31)
    assert len(query) == 20_000
    assert entry.tolist() == list(range(20_000))


def test_no_queries() -> None:
    index = HammingIndex.build(make(np.random.default_rng(6), "random", 20_000))
    assert [len(array) for array in index.search(np.zeros((0, 32), np.uint8), 31)] == [0, 0, 0]


def test_codes_that_do_not_lie_together_in_memory() -> None:
    rng = np.random.default_rng(7)
    wide = rng.integers(0, 256, (600, 64), dtype=np.uint8)
    codes = wide[::2, ::2]
    same(HammingIndex.build(codes).search(codes, 100), brute(codes, codes, 100))


@pytest.mark.parametrize(
    "codes",
    [
        np.zeros((3, 31), np.uint8),
        np.zeros(32, np.uint8),
        np.zeros((3, 32), np.int8),
        np.zeros((3, 4), np.uint64),
    ],
)
def test_what_is_no_array_of_codes(codes: U8) -> None:
    with pytest.raises(ValueError, match=r"\(n, 32\)"):
        HammingIndex.build(codes)
    with pytest.raises(ValueError, match=r"\(n, 32\)"):
        HammingIndex.build(np.zeros((3, 32), np.uint8)).search(codes, 31)


@pytest.mark.parametrize("radius", [-1, 257])
def test_what_is_no_radius(radius: int) -> None:
    codes = np.zeros((3, 32), np.uint8)
    with pytest.raises(ValueError, match="0 to 256"):
        HammingIndex.build(codes, radius=radius)
    with pytest.raises(ValueError, match="0 to 256"):
        HammingIndex.build(codes).search(codes, radius)
