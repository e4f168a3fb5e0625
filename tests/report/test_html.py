"""The page: well formed, self-contained, complete, accessible, and of plain words."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brightline.errors import UsageError
from brightline.report import Report, build_report, render_html
from brightline.report.figures import number
from tests.report import summaries
from tests.report.page import Page, holds, parse

PAGES = {name: render_html(build_report(make())) for name, make in summaries.ALL.items()}
PARSED = {name: parse(html) for name, html in PAGES.items()}

each_page = pytest.mark.parametrize("name", PAGES)


def figures_in(value: object) -> Iterator[int | float]:
    """Every number of a summary, the distances among its keys too."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(key, str) and key.isdigit():
                yield int(key)
            yield from figures_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from figures_in(inner)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield value


@each_page
def test_is_well_formed(name: str) -> None:
    assert PARSED[name].faults == []
    assert PAGES[name].lstrip().startswith("<!DOCTYPE html>")


def test_the_parser_used_here_finds_faults() -> None:
    assert parse("<p><b>x</p></b>").faults
    assert parse("<p>x").faults
    assert parse('<p id="a" id="b">x</p>').faults
    assert not holds("12\u202f345", "345")
    assert not holds("12\u202f345", "12")
    assert holds("12\u202f345.", "12\u202f345")
    assert holds("(12\u202f345.5\u202fs)", "12\u202f345.5")


@each_page
def test_asks_for_nothing_from_anywhere(name: str) -> None:
    page, html = PARSED[name], PAGES[name]
    assert {"script", "img", "iframe", "object", "embed", "form", "base"}.isdisjoint(
        tag for tag, _ in page.tags
    )
    for tag, attrs in page.tags:
        assert not any(key.startswith("on") for key in attrs), tag
        assert {"src", "srcset", "style", "data", "action", "xlink:href"}.isdisjoint(attrs), tag
        target = attrs.get("href")
        assert target is None or target.startswith("#") or target == "data:,"
    style = html[html.index("<style>") : html.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    assert "//" not in style
    (policy,) = (m for m in page.named("meta") if m.get("http-equiv"))
    assert str(policy["content"]).startswith("default-src 'none'; style-src 'unsafe-inline'")


@each_page
def test_is_accessible(name: str) -> None:
    page = PARSED[name]
    (root,) = page.named("html")
    assert root["lang"] == "en"
    idents = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(idents) == len(set(idents))
    for _, attrs in page.tags:
        for ident in str(attrs.get("aria-labelledby", "")).split():
            assert ident in idents
        target = attrs.get("href") or ""
        assert not target.startswith("#") or target[1:] in idents
    charts = [attrs for attrs in page.named("svg") if attrs.get("class") == "chart"]
    assert charts
    assert all(c["role"] == "img" and c["aria-labelledby"] for c in charts)
    tags = [tag for tag, _ in page.tags]
    assert tags.count("desc") == len(charts)
    assert tags.count("figure") == tags.count("details") == len(charts) - 1
    assert tags.count("table") == tags.count("caption")
    assert all(attrs.get("scope") in ("col", "row") for attrs in page.named("th"))
    levels = [int(tag[1]) for tag in tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))


@pytest.mark.parametrize("scheme", ["light", "dark", "print"])
def test_contrast_is_sufficient(scheme: str) -> None:
    """WCAG 2.2, 1.4.3 (4.5 for text) and 1.4.11 (3 for graphics)."""
    style = PAGES["full"]
    blocks = re.findall(r":root \{(.*?)\}", style, re.S)
    assert len(blocks) == 3
    block = blocks[["light", "dark", "print"].index(scheme)]
    colours = dict(re.findall(r"--(\w+): #(\w+)", block))

    def luminance(colour: str) -> float:
        full = colour if len(colour) == 6 else "".join(c * 2 for c in colour)
        parts = [int(full[k : k + 2], 16) / 255 for k in (0, 2, 4)]
        r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    def contrast(one: str, other: str) -> float:
        low, high = sorted((luminance(colours[one]), luminance(colours[other])))
        return (high + 0.05) / (low + 0.05)

    for text in ("ink", "soft", "accent"):
        assert contrast(text, "paper") >= 4.5
    assert contrast("ink", "wash") >= 4.5
    for graphic in ("accent", "exact", "skipped", "failed"):
        assert contrast(graphic, "paper") >= 3


@pytest.mark.parametrize(
    "name", ["full", "zero", "nothing_in_it", "many_lists", "many_reasons", "huge", "incomplete"]
)
def test_every_figure_of_the_summary_is_there(name: str) -> None:
    text = PARSED[name].text
    missing = [n for n in figures_in(summaries.ALL[name]()) if not holds(text, number(n))]
    assert missing == []


def test_every_reason_and_list_is_there() -> None:
    for code in summaries.many_reasons()["reasons"]:
        assert code in PARSED["many_reasons"].texts
    for entry in summaries.many_lists()["lists"]:
        assert f"{entry['name']}@1" in PARSED["many_lists"].texts


@each_page
def test_says_nothing_that_it_must_not(name: str) -> None:
    text = PARSED[name].text.lower()
    for word in ("illegal", "csam", "guilt", "guilty", "innocent", "safe", "verified free"):
        assert re.search(rf"\b{word}\b", text) is None, word
    sentence = "that is not a statement that the corpus is clean"
    assert text.count("clean") == text.count(sentence)


def test_zero_matches_is_not_called_clean() -> None:
    text = PARSED["zero"].text
    assert "No item's signal was within a listed threshold." in text
    assert "not a statement that the corpus is clean" in text
    assert "not a statement" not in PARSED["full"].text


def test_hostile_text_is_shown_as_text() -> None:
    page = PARSED["hostile"]
    for text in ("<script>alert(1)</script>", "\"&'><img src=https://example.org/x onerror=x>"):
        assert text in page.texts
    assert "{{ 7 * 7 }}{% raw %}" in page.texts
    assert "n" * 300 in page.texts
    assert "صور/المناظر الطبيعية" in page.texts
    assert "evil\\u202egpj.exe\\u2066" in page.texts
    assert "bell\\x07null\\x00line\\x0abreak\\u2028sep" in page.texts
    assert "lone\\udcffsurrogate" in page.texts
    PAGES["hostile"].encode("utf-8")


def with_text(text: str) -> dict[str, Any]:
    """A summary with one text wherever text from outside can stand."""
    made = summaries.full()
    made |= {"run": text, "started": text, "state": text, "limits": [text]}
    made["tool"] = {"name": text, "version": text}
    made["parameters"] = {text: text}
    made["sources"] = [{"path": text, "kinds": {text: 1}, "manifest_digest": text}]
    made["lists"] = [{"name": text, "version": text, "digest": text, "role": text}]
    for key in ("media_types", "pixels", "pdq_quality", "reasons", "notes", "reconciliation"):
        made[key] = {text: 1}
    for key in ("by_list", "by_signal", "by_via", "by_category"):
        made["matches"][key] = {text: 1}
    return made


@given(st.text(st.characters(exclude_categories=()), min_size=1, max_size=60))
@settings(deadline=None, max_examples=60)
def test_text_never_changes_the_page(text: str) -> None:
    # the sign at the end keeps it from being a word that has a meaning: a role, a reason's code
    usual = parse(render_html(build_report(with_text("plain~"))))
    page = parse(render_html(build_report(with_text(f"{text}~"))))
    assert page.faults == []
    assert page.shape == usual.shape


@given(
    st.sampled_from("\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c\x00\x1b")
)
@settings(deadline=None, max_examples=13)
def test_controls_never_reach_the_page(control: str) -> None:
    assert control not in render_html(build_report(with_text(f"a{control}b")))


def test_the_same_page_from_the_report_read_back() -> None:
    report = build_report(summaries.full())
    again: Report = json.loads(json.dumps(report))
    assert render_html(again) == PAGES["full"]


def test_another_schema_is_refused() -> None:
    report = build_report(summaries.full())
    report["schema"] = "brightline-report/2"
    with pytest.raises(UsageError, match="brightline-report/1"):
        render_html(report)
    with pytest.raises(UsageError):
        render_html({})  # type: ignore[typeddict-item]


def test_a_long_run_s_points_are_thinned_and_said_to_be() -> None:
    made = summaries.full()
    made["throughput"] = [{"t_s": k + 1, "items": 50 * k, "bytes": 9 * k} for k in range(1_001)]
    page = parse(render_html(build_report(made)))
    assert any("of 1\u202f001 points" in text for text in page.texts)
    assert holds(page.text, "50\u202f000")
    assert len(PAGES["full"]) < len(render_html(build_report(made))) < 2 * len(PAGES["full"])


def test_a_clock_that_goes_back_breaks_nothing() -> None:
    made = summaries.full()
    made["throughput"] = [{"t_s": t, "items": n} for t, n in ((1, 9), (1, 9), (3, 20), (2, 4))]
    page: Page = parse(render_html(build_report(made)))
    assert page.faults == []
    assert "-" not in str(page.named("polyline")[0]["points"])
