"""What is planned is always exact and fits; what it costs is only an opinion."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brightline.match import _plan, _slots


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 3 * 10**8), st.integers(0, 256))
def test_design_fits_a_code_and_finds_all(codes: int, radius: int) -> None:
    widths = _plan.design(codes, radius)
    assert sum(widths) <= 256
    assert all(_slots.MIN_WIDTH <= width <= _slots.MAX_WIDTH for width in widths)
    if widths:
        allocation = _plan.allocate(widths, codes, radius)
        assert allocation is not None
        assert allocation.cost < _plan.scan_cost(codes, radius)


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.integers(8, 24), max_size=12).map(tuple),
    st.integers(1, 10**8),
    st.integers(0, 256),
)
def test_thresholds_add_up(widths: tuple[int, ...], codes: int, radius: int) -> None:
    allocation = _plan.allocate(widths, codes, radius)
    if allocation is None:
        assert radius + 1 > 5 * len(widths)
    else:
        assert sum(limit + 1 for limit in allocation.limits) == radius + 1
        assert len(allocation.limits) == len(widths)
        assert min(allocation.limits) >= -1


@pytest.mark.parametrize("codes", [10**5, 10**6, 10**7, 10**8])
def test_bytes_an_entry(codes: int) -> None:
    widths = _plan.design(codes, 31)
    sizes = _slots.slot_sizes(widths, codes)
    total = 32 * codes + 4 * codes + 8 * sizes.cells + 4 * sizes.starts + sizes.records
    assert total / codes <= _plan.MAX_BYTES


@pytest.mark.parametrize(("width", "limit"), [(0, 0), (0, 3), (1, 2), (6, 2), (9, 3), (7, 0)])
def test_flips_are_all_there(width: int, limit: int) -> None:
    expected = {
        sum(1 << bit for bit in bits)
        for flips in range(limit + 1)
        for bits in itertools.combinations(range(width), flips)
    }
    masks = _plan.flips(width, limit).tolist()
    assert len(masks) == len(expected)
    assert set(masks) == expected
    flips = [mask.bit_count() for mask in masks]
    assert flips == sorted(flips)


def test_the_ball_in_a_cell() -> None:
    tables = _plan.tables((10, 10), 50, (2, -1))
    ball = tables.ball.reshape(3, 64)
    for reach, bucket in itertools.product(range(3), range(64)):
        within = {other for other in range(64) if (bucket ^ other).bit_count() <= reach}
        assert {b for b in range(64) if int(ball[reach, bucket]) >> b & 1} == within
    assert tables.runs == _plan.ball_size(10, 2)


def test_more_codes_never_make_a_slot_cheaper() -> None:
    for width, limit in itertools.product((8, 16, 24), (0, 1, 2)):
        costs = [_plan._slot_cost(width, limit, 10**power) for power in range(2, 9)]
        assert np.all(np.diff(costs) > 0)
