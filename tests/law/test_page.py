"""The printed pages: self-contained, nothing by colour alone, foreign text escaped."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from html.parser import HTMLParser

import pytest

from brightline.law import conflicts, duties, gaps, load, matrix, words
from brightline.law.map import draw_map, shapes
from brightline.law.model import Conduct, Coverage, Depiction, Role, Table
from brightline.law.page import render_duties, render_matrix
from brightline.law.reading import visible
from tests.law import tables

NOW = date(2026, 11, 23)
FOUND = datetime(2026, 11, 22, 10, tzinfo=UTC)


class Reader(HTMLParser):
    """Tags, attributes and text; void elements are the only ones left open."""

    VOID = frozenset({"meta", "link", "path", "rect", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag in self.VOID:
            self.open.remove(tag) if tag in self.open else None
            return
        assert self.open, tag
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


def matrix_page(table: Table | None = None) -> str:
    held = table or load()
    return render_matrix(held, matrix(held, on=NOW, known=NOW), on=NOW, known=NOW)


def duty_page() -> str:
    held, codes = load(), ["US", "DK", "CA", "NO"]
    clocks = duties(held, codes, Role.HOSTING, FOUND, known=NOW)
    return render_duties(
        held,
        clocks,
        conflicts(held, codes, clocks),
        gaps(held, codes, clocks),
        role=Role.HOSTING,
        codes=codes,
        found=FOUND.astimezone(timezone(timedelta(hours=9))),
        on=NOW,
        known=NOW,
    )


@pytest.mark.parametrize("page", [matrix_page, duty_page])
def test_a_page_loads_nothing(page: object) -> None:
    text = page()  # type: ignore[operator]
    found = read(text)
    for tag, attributes in found.tags:
        assert tag not in {"script", "img", "iframe", "object", "embed", "form", "base", "a"}
        for name in ("src", "href", "srcset", "action"):
            assert attributes.get(name) in (None, "data:,")
        assert not any(name.startswith("on") for name in attributes)
    assert "@import" not in text
    assert re.findall(r"url\((?!#)", text) == []
    assert "default-src 'none'" in text
    assert "A4 landscape" in text


@pytest.mark.parametrize("page", [matrix_page, duty_page])
def test_a_page_says_what_every_view_says(page: object) -> None:
    text = "".join(read(page()).text)  # type: ignore[operator]
    for caveat in words.CAVEATS:
        assert caveat in text
    assert "Last checked 2026-10-01" in text


def test_the_caveats_hold_what_they_must() -> None:
    said = " ".join(words.CAVEATS)
    for part in (
        "not legal advice",
        "last checked",
        "never means that something is lawful",
        "potentially real",
        "not a person's finding",
        "classifier's score",
        "Do not view, copy or pass on",
        "floors and ceilings",
        "destruction on request",
        "private messages in the EU needs a legal basis",
    ):
        assert part in said


def test_every_jurisdiction_has_a_line_and_drafts_are_hatched() -> None:
    text = matrix_page()
    for place in load().jurisdictions.values():
        assert f'{place.code} <span class="fine">{place.name}</span>' in text
    cells = [c for c in matrix(load(), on=NOW, known=NOW) if c.coverage is not None]
    hatched = re.findall(r'<span class="chip [a-z]+ draft" title', text)
    assert len(hatched) == sum(c.draft for c in cells)
    plain = re.findall(r'<span class="chip (?:yes|no|partial|unclear)" title', text)
    assert len(plain) == sum(not c.draft for c in cells)


def test_every_mark_has_its_letter() -> None:
    text = matrix_page()
    for coverage, letter in re.findall(r'class="chip (\w+)(?: draft)?" title[^>]*><b>(.)', text):
        assert letter == ("–" if coverage == "none" else words.LETTER[coverage])


def test_every_cited_source_is_a_footnote_and_every_number_leads_to_one() -> None:
    text = matrix_page()
    numbers = {int(n) for n in re.findall(r'<li value="(\d+)"', text)}
    cited = {
        int(n) for group in re.findall(r"<sup>([\d, ]+)</sup>", text) for n in group.split(",")
    }
    lines = re.findall(r'<td class="fine numbers">([\d, ]*)</td>', text)
    assert {int(n) for line in lines for n in line.split(",")} == cited
    assert cited == numbers == set(range(1, len(numbers) + 1))
    plain = "".join(read(text).text)
    for place in load().jurisdictions.values():
        for row in visible(place.rows, NOW):
            for name in row.standing.cited:
                assert place.sources[name].citation in plain, (place.code, name)


def test_foreign_text_is_escaped() -> None:
    evil = '<script>alert("x")</script>'
    row = replace(tables.row(), test=evil, exceptions=(f"{evil} too",))
    held = tables.table(replace(tables.place(rows=(row,)), name=evil))
    known = date(2026, 6, 1)
    text = render_matrix(held, matrix(held, on=known, known=known), on=known, known=known)
    assert "<script" not in text
    assert text.count("&lt;script&gt;") >= 3
    read(text)


def test_one_conduct_and_one_class() -> None:
    held = load()
    cells = matrix(
        held,
        conducts=[Conduct.PRODUCE],
        depictions=[Depiction.PHOTOREAL_SYNTHETIC],
        on=NOW,
        known=NOW,
    )
    text = render_matrix(
        held, cells, on=NOW, known=NOW, conduct=Conduct.PRODUCE, depiction=cells[0].depiction
    )
    assert "Production, wholly synthetic, realistic" in text
    assert text.count('scope="col"') == 3
    assert "<title>DE: partly covered</title>" in text  # on the map as in the table


def test_the_duty_sheet_has_clocks_drafts_conflicts_and_gaps() -> None:
    text = " ".join(" ".join(read(duty_page()).text).split())
    assert "Keep until at least 2027-11-22" in text.replace("\xa0", " ")
    assert "Found 2026-11-22 10:00 UTC" in text.replace("\xa0", " ")
    assert "Keep or destroy" in text
    assert "For the role hosting the table holds no duty in: Norway" in text
    assert "unclear: passed, and not known to have commenced" in text
    assert duty_page().count('class="flag draft"') == 4


def test_the_map_knows_every_state_and_stays_in_its_frame() -> None:
    made = shapes()
    assert {s["code"] for s in made["world"]["shapes"]} == set(load().jurisdictions) - {"EU"}
    assert "public domain" in made["credit"]
    for name in ("europe", "world"):
        frame = made[name]
        for path in (frame["others"], *(s["d"] for s in frame["shapes"])):
            assert re.fullmatch(r"(M-?\d+,-?\d+l(-?\d+,-?\d+ ?)+z)+", path)
            for start, steps in re.findall(r"M([-\d,]+)l([-\d, ]+)z", path):
                x, y = map(int, start.split(","))
                points = [(x, y)]
                for step in steps.split():
                    dx, dy = map(int, step.split(","))
                    x, y = x + dx, y + dy
                    points.append((x, y))
                assert all(-1 <= x <= frame["width"] * 10 + 1 for x, _ in points)
                assert all(-1 <= y <= frame["height"] * 10 + 1 for _, y in points)
    assert len(json.dumps(made)) < 150_000


def test_the_map_is_coloured_by_coverage_with_letters() -> None:
    held = load()
    cells = matrix(
        held, conducts=[Conduct.PRODUCE], depictions=[Depiction.PHOTOREAL_SYNTHETIC], on=NOW,
        known=NOW,
    )  # fmt: skip
    drawn = draw_map({c.jurisdiction: c for c in cells})
    europe, world = str(drawn["europe"]), str(drawn["world"])
    assert re.search(r'class="place partial" d="[^"]+"><title>DE: partly covered</title>', europe)
    assert re.search(r'class="place unclear" d="[^"]+"><title>CZ: unclear, draft</title>', europe)
    assert re.search(r">DE P</text>", europe)
    assert re.search(r">JP N</text>", world)
    shown = {s["code"] for s in shapes()["europe"]["shapes"]}
    drafts = [c.coverage for c in cells if c.draft and c.jurisdiction in shown]
    # white stripes would not show on the pale colours
    dark = drafts.count(Coverage.YES)
    assert 0 < dark < len(drafts)
    assert europe.count("url(#hatch-europe)") == dark
    assert europe.count("url(#ink-europe)") == len(drafts) - dark
    # Europe is too small in the world's frame for letters
    assert ">DE P</text>" not in world
