"""The script that turns TopoJSON into the map's paths."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

_PATH = Path(__file__).parents[2] / "docs" / "make_map.py"


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_map", _PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


make_map = _load()


def topology(code: str) -> dict[str, Any]:
    """A square that two neighbours share an edge of, quantised by 1 degree."""
    return {
        "type": "Topology",
        "transform": {"scale": [1.0, 1.0], "translate": [-10.0, 40.0]},
        # the shared edge, then the rest of the left and of the right square
        "arcs": [
            [[20, 0], [0, 10]],
            [[20, 10], [-10, 0], [0, -10], [10, 0]],
            [[20, 10], [10, 0], [0, -10], [-10, 0]],
        ],
        "objects": {
            "countries": {
                "type": "GeometryCollection",
                "geometries": [
                    {"type": "Polygon", "arcs": [[0, 1]], "id": code},
                    {"type": "MultiPolygon", "arcs": [[[0, 2]]], "id": "999"},
                ],
            }
        },
    }


def test_arcs_are_decoded_by_their_deltas() -> None:
    arcs = make_map.decode(topology("208"))
    assert arcs[0] == [(10.0, 40.0), (10.0, 50.0)]
    assert arcs[1] == [(10.0, 50.0), (0.0, 50.0), (0.0, 40.0), (10.0, 40.0)]


def test_neighbours_keep_one_border() -> None:
    flat = lambda lon, lat: (lon, -lat)  # noqa: E731
    drawn = make_map.draw(topology("208"), flat, (-10.0, -60.0), 10.0, (400, 300), 0.5, 1.0)
    assert [shape["code"] for shape in drawn["shapes"]] == ["DK"]
    # x of the shared edge: 10 degrees east of -10, ten pixels a degree, tenths of a pixel
    assert "M2000,2000l0,-1000" in drawn["shapes"][0]["d"]
    assert "M2000,2000l0,-1000" in drawn["others"]
    x, y = drawn["shapes"][0]["at"]
    assert 100 < x < 200
    assert 100 < y < 200


@pytest.mark.parametrize("project", [make_map.europe, make_map.world])
def test_the_projections_keep_area(project: Any) -> None:
    """Both are equal-area: a small square's area on paper goes with the cosine of its latitude."""
    from math import cos, radians

    def patch(lon: float, lat: float) -> float:
        d = 0.01
        corners = [(lon, lat), (lon + d, lat), (lon + d, lat + d), (lon, lat + d)]
        return abs(float(make_map.area([project(*corner) for corner in corners])))

    reference = patch(10, 50) / cos(radians(50.005))
    for lon, lat in ((-20, 40), (0, 65), (30, 70), (25, 36), (10, 0.5)):
        found = patch(lon, lat) / cos(radians(lat + 0.005))
        assert found == pytest.approx(reference, rel=2e-3)


POINTS = st.lists(
    st.tuples(st.floats(-50, 150), st.floats(-50, 150)), min_size=3, max_size=30, unique=True
)


@given(POINTS)
@settings(deadline=None)
def test_what_is_clipped_lies_in_the_frame_and_is_no_larger(ring: list[Any]) -> None:
    cut = make_map.clipped(ring, 100.0, 100.0)
    for x, y in cut:
        assert -1e-9 <= x <= 100 + 1e-9
        assert -1e-9 <= y <= 100 + 1e-9
    inside = [p for p in ring if 0 <= p[0] <= 100 and 0 <= p[1] <= 100]
    assert set(inside) <= set(cut)


@given(POINTS, st.floats(0, 20))
@settings(deadline=None)
def test_simplifying_keeps_both_ends_and_adds_no_point(line: list[Any], tolerance: float) -> None:
    kept = make_map.simplified(line, tolerance)
    assert kept[0] == line[0]
    assert kept[-1] == line[-1]
    assert [p for p in line if p in set(kept)] == kept
