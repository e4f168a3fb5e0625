"""Numbers as people read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brightline.report import figures
from brightline.report.figures import THIN


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (999, "999"), (1000, "1 000"), (1234567, "1 234 567"), (30.0, "30")]
    + [(1234.5, "1 234.5"), (0.1234, "0.123"), (10**20, "100 000 000 000 000 000 000")],
)
def test_number(value: float, text: str) -> None:
    assert figures.number(value) == text.replace(" ", THIN)


@given(st.integers(min_value=0))
def test_number_reads_back(value: int) -> None:
    assert int(figures.number(value).replace(THIN, "")) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 bytes"), (1, "1 byte"), (999, "999 bytes"), (1000, "1.00 kB")]
    + [(123_456, "123 kB"), (999_499, "999 kB"), (999_500, "1.00 MB"), (9_994, "9.99 kB")]
    + [(9_995, "10.0 kB"), (99_950, "100 kB"), (98_765_432_101, "98.8 GB"), (10**21, "1 000 EB")],
)
def test_size(value: int, text: str) -> None:
    assert figures.size(value).replace(THIN, " ") == text


@given(st.integers(min_value=1000, max_value=10**21 - 1))
def test_size_is_within_half_a_hundredth(value: int) -> None:
    amount, unit = figures.size(value).rsplit(THIN, 1)
    power = ("kB", "MB", "GB", "TB", "PB", "EB").index(unit) + 1
    shown = float(amount.replace(THIN, "")) * 1000**power
    assert abs(shown - value) <= 0.0051 * value


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (0.844, "0.84 s"), (12.34, "12.3 s"), (59.94, "59.9 s"), (59.96, "1 min")]
    + [(245, "4 min 5 s"), (3599.9, "1 h"), (11_520, "3 h 12 min"), (11_549, "3 h 12 min")]
    + [(86_399, "1 d"), (187_200, "2 d 4 h"), (10 * 86_400, "10 d"), (20, "20 s")],
)
def test_duration(seconds: float, text: str) -> None:
    assert figures.duration(seconds).replace(THIN, " ") == text


@given(st.floats(min_value=0, max_value=1e9))
def test_duration_has_at_most_two_units(seconds: float) -> None:
    parts = figures.duration(seconds).split(" ")
    assert 1 <= len(parts) <= 2
    assert all(part for part in parts)


@given(st.integers(1, 10**15), st.data())
def test_share_says_none_and_all_only_of_none_and_all(whole: int, data: st.DataObject) -> None:
    part = data.draw(st.integers(0, whole))
    said = figures.share(part, whole).replace(THIN, " ")
    assert (said == "0 %") == (part == 0)
    assert (said == "100 %") == (part == whole)
    assert said not in ("0.0 %", "100.0 %")


def test_share_of_nothing() -> None:
    assert figures.share(0, 0) == "–"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2031-05-04T09:30:00Z", "2031-05-04 09:30:00 UTC"),
        ("2031-05-04T09:30:00.75+02:00", "2031-05-04 07:30:00 UTC"),
        ("2031-05-04T09:30:00", "2031-05-04T09:30:00"),
        ("0001-01-01T00:00:00+05:00", "0001-01-01T00:00:00+05:00"),
        ("yesterday", "yesterday"),
    ],
)
def test_moment(text: str, shown: str) -> None:
    assert figures.moment(text) == shown


@given(st.text(st.characters(exclude_categories=())))
def test_visible_text_can_be_written(text: str) -> None:
    shown = figures.visible(text)
    shown.encode("utf-8")
    assert figures.visible(shown) == shown


def test_visible_leaves_letters_alone() -> None:
    for text in ("plain / text", "Ünïcødé", "日本語", "العربية", "a\u202fb", "\U0001f3d4"):
        assert figures.visible(text) == text
    assert figures.visible("a\U0010ffff") == "a\\U0010ffff"


@given(st.text(), st.integers(3, 40))
def test_shorten_keeps_both_ends(text: str, limit: int) -> None:
    short = figures.shorten(text, limit)
    assert len(short) <= limit
    if len(text) > limit:
        assert short[0] == text[0]
        assert short[-1] == text[-1]
    else:
        assert short == text
