"""Comparing with every code equals brute force, at block and group edges and for any radius."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brightline.match import HammingIndex, _scan
from tests.match.oracle import KINDS, brute, flip, make, questions


@settings(deadline=None, max_examples=80)
@given(
    st.one_of(st.integers(0, 600), st.sampled_from([255, 256, 257, 511, 512, 513, 1024, 1300])),
    st.integers(0, 2**32 - 1),
    st.sampled_from(KINDS),
    st.one_of(
        st.integers(0, 63),
        st.sampled_from([_scan.UNION_RADIUS, _scan.UNION_RADIUS + 1, 72, 128, 255, 256]),
    ),
)
def test_scan_equals_brute_force(count: int, seed: int, kind: str, radius: int) -> None:
    rng = np.random.default_rng(seed)
    codes = make(rng, kind, count)
    queries = questions(rng, codes, radius, 5)
    found = HammingIndex.build(codes)._scanned(queries, radius)
    for left, right in zip(found, brute(codes, queries, radius), strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("radius", [0, 31, 33, 34, 100])
def test_a_match_anywhere_in_a_block(radius: int) -> None:
    """The only match is found wherever it stands, its difference lying in any two words."""
    rng = np.random.default_rng(radius)
    codes = make(rng, "random", 1_100)
    index = HammingIndex.build(codes)
    for row in (0, 1, 255, 256, 511, 512, 513, 1_023, 1_024, 1_099):
        query, entry, distance = index._scanned(flip(rng, codes[row : row + 1], radius), radius)
        at = entry.tolist().index(row)
        assert (query[at], distance[at]) == (0, radius)
