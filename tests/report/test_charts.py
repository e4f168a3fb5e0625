"""Charts: lengths that are true to their figures."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from brightline.report import charts
from tests.report.page import Page, parse


def drawn(svg: Markup) -> Page:
    page = parse(svg)
    assert page.faults == []
    return page


def percent(value: str | None) -> float:
    assert value is not None
    assert value.endswith("%")
    return float(value[:-1])


def widths(page: Page, style: str) -> list[float]:
    return [percent(a["width"]) for a in page.named("rect") if a["class"] == style]


@given(st.lists(st.integers(0, 10**20), min_size=1, max_size=6))
@settings(deadline=None)
def test_stacked_bar_fills_its_width(values: list[int]) -> None:
    segments = [charts.Segment(f"s{k}", v, f"s{k}") for k, v in enumerate(values)]
    page = drawn(charts.stacked_bar("c", "t", "d", segments))
    parts = [a for a in page.named("rect") if a["class"] != "track"]
    assert len(parts) == sum(1 for v in values if v)
    if any(values):
        ends = [percent(a["x"]) + percent(a["width"]) for a in parts]
        assert ends[-1] == pytest.approx(100, abs=0.01)
        assert all(percent(a["width"]) >= 0.399 for a in parts)
        starts = [percent(a["x"]) for a in parts]
        assert starts == pytest.approx([0.0, *ends[:-1]], abs=0.01)


def test_stacked_bar_is_in_proportion() -> None:
    segments = [charts.Segment("a", 60, "a"), charts.Segment("b", 30, "b")]
    segments += [charts.Segment("c", 0, "c"), charts.Segment("d", 10, "d")]
    page = drawn(charts.stacked_bar("c", "t", "d", segments))
    assert [widths(page, s) for s in "abcd"] == [[60.0], [30.0], [], [10.0]]
    assert len(page.named("line")) == 2


def test_bars_are_in_proportion_and_nought_is_empty() -> None:
    page = drawn(charts.bars("c", "t", "d", [("a", 1000), ("b", 250), ("c", 1), ("d", 0)]))
    assert widths(page, "accent") == [100.0, 25.0, 0.4, 0.0]
    assert [t for t in page.texts if t.strip()][2:] == ["a", "1\u202f000", "b", "250"] + [
        "c",
        "1",
        "d",
        "0",
    ]


def test_histogram_columns_are_in_proportion() -> None:
    page = drawn(charts.histogram("c", "t", "d", [("0", 0), ("1", 50), ("2", 100)], "axis"))
    heights = [float(str(a["height"])) for a in page.named("rect")]
    assert heights[0] == 0
    assert heights[2] == 2 * heights[1] > 0
    assert all(
        float(str(a["y"])) + h == 132 for a, h in zip(page.named("rect"), heights, strict=True)
    )


@pytest.mark.parametrize(("columns", "labels"), [(1, 1), (6, 6), (10, 5), (32, 6), (257, 6)])
def test_histogram_labels_never_crowd(columns: int, labels: int) -> None:
    data = [(f"<{k}>", 1) for k in range(columns)]
    page = drawn(charts.histogram("c", "t", "d", data, "axis"))
    assert sum(text.startswith("<") for text in page.texts) == labels


def test_line_scales_to_its_box() -> None:
    page = drawn(charts.line("c", "t", "d", [(0, 0), (5, 10), (10, 5)], ("start", "end")))
    (stroke,) = page.named("polyline")
    assert stroke["points"] == "0.00,100.00 50.00,0.00 100.00,50.00"
    assert "largest: 10 items a second" in page.texts


@pytest.mark.parametrize("data", [[], [("a", 0)], [("a", 0), ("b", 0)]])
def test_nothing_to_draw_is_no_error(data: list[tuple[str, int]]) -> None:
    drawn(charts.bars("c", "t", "d", data))
    drawn(charts.histogram("c", "t", "d", data, "axis"))
    drawn(charts.stacked_bar("c", "t", "d", [charts.Segment(k, v, k) for k, v in data]))
    drawn(charts.line("c", "t", "d", [], ("0", "1")))


def test_text_is_escaped() -> None:
    evil = '</title><script>"&'
    page = drawn(charts.bars("c", evil, evil, [(evil, 1)]))
    assert page.texts.count(evil) == 3
    assert not page.named("script")
