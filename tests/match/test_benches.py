"""The benches run at small sizes, and whoever is compared finds the same."""

from __future__ import annotations

import pytest
from bench import delta, exact, search

from brightline.types import SignalType


def test_growth() -> None:
    rows = search.growth([500, 3_000], ["random", "near"], queries=50, rounds=1)
    assert [(row.kind, row.entries) for row in rows] == [
        ("random", 500), ("near", 500), ("random", 3_000), ("near", 3_000)
    ]  # fmt: skip
    assert all(row.query_us > 0 and row.pairs_a_query > 0 for row in rows)


def test_every_way_of_a_radius() -> None:
    rows = search.ways(20_000, [0, 31, 90], queries=20, rounds=1)
    assert [row.radius for row in rows] == [0, 31, 90]
    assert rows[1].index_us is not None
    assert all(row.factor > 0 for row in rows)


def test_a_list_against_an_archive() -> None:
    row = delta.codes(1_000, 5_000, rounds=1)
    assert row.pairs >= 5
    assert delta.values(SignalType.SHA1, 1_000, 5_000, rounds=1).pairs == 25


def test_digests_of_a_corpus() -> None:
    rows = exact.compare(2_000, 20_000, only=["brightline", "pyarrow is_in"])
    assert [row.found for row in rows] == [100, 100]


def test_digests_in_duckdb() -> None:
    pytest.importorskip("duckdb")
    rows = exact.compare(2_000, 20_000)
    assert [row.found for row in rows] == [100] * 4


def test_indexes_of_others() -> None:
    pytest.importorskip("faiss")
    rows = search.peers(2_000, queries=50, rounds=1)
    assert [row.name for row in rows] == ["brightline", "faiss flat", "faiss multi-hash"]
