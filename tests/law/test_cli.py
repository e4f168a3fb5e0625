"""`brightline law`: commands, formats, statuses; every view carries the caveats."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from brightline.cli import run
from brightline.law import Conduct, Depiction, Role, reading, words
from tests.law.tables import MINIMAL, write

KNOWN = ("--known", "2026-11-23")
VIEWS = {
    "show": ("show", "DK", "--on", "2025-06-30"),
    "show all of the EU": ("show", "EU"),
    "matrix": ("matrix",),
    "one cell each": ("matrix", "--conduct", "possess", "--depiction", "photoreal_synthetic"),
    "duties": ("duties", "--role", "hosting", "--jurisdiction", "US,DK")
    + ("--found", "2026-11-22T10:00Z"),
    "no duties": ("duties", "--role", "police", "--jurisdiction", "NO")
    + ("--found", "2026-11-22T10:00Z"),
    "operation": ("operation", "cumberland", "--on", "2025-02-26"),
    "countries": ("operation", "DE,FR"),
}


@pytest.fixture
def law(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(reading, "today", lambda: date(2026, 11, 23))

    def call(*arguments: str, status: int = 0) -> str:
        assert run(["law", *arguments]) == status
        captured = capsys.readouterr()
        return captured.out if status in (0, 1) else captured.err

    return call


@pytest.mark.parametrize("name", VIEWS)
def test_every_view_says_what_every_view_says(name: str, law: Any) -> None:
    text = " ".join(law(*VIEWS[name], *KNOWN).split())
    for caveat in words.CAVEATS:
        assert caveat in text
    assert "Last checked 2026-10-01" in text
    document = json.loads(law(*VIEWS[name], *KNOWN, "--json"))
    assert document["caveats"] == list(words.CAVEATS)
    assert document["not_legal_advice"] is True
    assert document["known"] == "2026-11-23"
    assert document["last_checked"].startswith("2026-10-01")


def test_show_reads_denmark_for_a_day(law: Any) -> None:
    before = json.loads(law("show", "DK", "--on", "2025-06-30", *KNOWN, "--json"))
    after = json.loads(law("show", "dk", "--on", "2025-07-01", *KNOWN, "--json"))
    assert {row["coverage"] for row in before["rows"]} == {"unclear"}
    assert {row["why"] for row in before["rows"]} == {"not_yet"}
    read = {row["conduct"]: row["coverage"] for row in after["rows"]}
    assert read == {"produce": "partial", "distribute": "yes", "possess": "yes"}
    (made,) = (row for row in after["rows"] if row["conduct"] == "produce")
    assert (made["id"], made["supersedes"]) == ("226-2", ["226"])
    assert (made["valid_from"], made["valid_to"], made["in_force_by"]) == ("2025-07-01", None, None)
    assert all(row["draft"] and row["sources"] for row in after["rows"])
    assert {d["law_of"] for d in after["duties"]} == {"EU"}
    assert "DRAFT" in law("show", "DK", *KNOWN)


def test_show_after_the_review_date_is_unclear(law: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "today", lambda: date(2027, 5, 2))
    document = json.loads(law("show", "DE", "--known", "2027-05-01", "--json"))
    assert {row["coverage"] for row in document["rows"]} == {"unclear"}
    assert {row["why"] for row in document["rows"]} == {"past_review"}
    assert "past its review date" in law("show", "DE", "--known", "2027-05-01")


def test_the_matrix_names_source_and_support_of_each_cell(law: Any) -> None:
    document = json.loads(law("matrix", *KNOWN, "--format", "json"))
    assert len(document["cells"]) > 80
    for cell in document["cells"]:
        assert cell["sources"]
        assert cell["support"]
        assert cell["last_checked"]
        assert isinstance(cell["draft"], bool)


def test_the_matrix_as_a_page_in_a_file(law: Any, tmp_path: Path) -> None:
    target = tmp_path / "matrix.html"
    assert law("matrix", *KNOWN, "--format", "html", "-o", str(target)) == ""
    assert target.read_text("utf-8").startswith("<!DOCTYPE html>")
    assert law("matrix", *KNOWN, "--format", "html") == target.read_text("utf-8")


def test_the_matrix_of_some(law: Any) -> None:
    document = json.loads(law("matrix", "--jurisdiction", "uk,DE", *KNOWN, "--json"))
    assert {cell["jurisdiction"] for cell in document["cells"]} == {"GB", "DE"}


def test_what_has_no_row_is_named(law: Any) -> None:
    text = law("matrix", "--conduct", "access", "--jurisdiction", "DK,CH", *KNOWN)
    assert "The table holds no row for: real_modified, identifiable_likeness, non_photoreal" in text
    gaps = json.loads(law("matrix", "--jurisdiction", "DK", *KNOWN, "--json"))
    assert {"jurisdiction": "DK", "conduct": "possess", "depiction": "real"} in gaps["gaps"]
    assert len(gaps["gaps"]) + len(gaps["cells"]) == len(Conduct) * len(Depiction)
    assert "says nothing about the law" in gaps["gaps_mean"]
    text = law("matrix", "--conduct", "access", "--depiction", "text", *KNOWN)
    assert "The table holds no row for: text." in text


def test_the_operation_view_names_limits_and_the_support_of_its_figures(law: Any) -> None:
    text = " ".join(law("operation", "cumberland", "--on", "2026-11-23", *KNOWN).split())
    assert "DK production: Only with intent to sell or otherwise distribute" in text
    assert "DE possession: Of a person of 14 to 17: only of an actual event" in text
    assert "DE production: Production alone only of a real event" in text
    assert "read in a secondary source, DRAFT." in text


def test_an_excerpt_is_named_in_every_view(law: Any) -> None:
    said = "read in the primary or an official text, as an excerpt"
    for name in ("show", "matrix", "duties"):
        arguments = ("show", "US") if name == "show" else VIEWS[name]
        form = ("--format", "html") if name == "matrix" else ()
        assert said in " ".join(law(*arguments, *KNOWN, *form).split()), name
    cells = json.loads(law("matrix", "--jurisdiction", "GB", *KNOWN, "--json"))["cells"]
    assert {c["support"] for c in cells if not c["draft"]} == {said}


def test_a_draft_is_marked_in_a_conflict_as_well(law: Any) -> None:
    sheet = ("duties", "--role", "hosting", "--jurisdiction", "CA,US,DK")
    text = " ".join(law(*sheet, "--found", "2026-11-22T10:00Z", *KNOWN).split())
    assert "(Mandatory Reporting Act, draft)" in text
    assert "(Mandatory Reporting Act as amended by C-16, draft, unclear)" in text
    assert "US can ask to destroy before (18 USC 2258B, draft)" in text


def test_a_day_that_nobody_has_read_about_is_unclear(law: Any) -> None:
    document = json.loads(law("show", "DE", "--on", "2030-01-01", *KNOWN, "--json"))
    assert {row["coverage"] for row in document["rows"]} == {"unclear"}


def test_the_duty_sheet(law: Any) -> None:
    document = json.loads(law(*VIEWS["duties"], *KNOWN, "--json"))
    assert document["found"] == "2026-11-22T10:00:00Z"
    kept = {d["jurisdiction"]: d["keep_until"] for d in document["duties"] if d["keep_until"]}
    assert kept == {"US": "2027-11-22T10:00:00Z"}
    assert {c["kind"] for c in document["conflicts"]} >= {"keep without a period"}
    page = law(*VIEWS["duties"], *KNOWN, "--format", "html")
    assert page.startswith("<!DOCTYPE html>")
    elsewhere = [part.replace("10:00Z", "23:00+13:00") for part in VIEWS["duties"]]
    assert json.loads(law(*elsewhere, *KNOWN, "--json")) == document
    nothing = json.loads(law(*VIEWS["no duties"], *KNOWN, "--json"))
    assert nothing["duties"] == []
    assert nothing["no_duty_recorded"] == ["NO"]
    assert nothing["no_duty_means"] == f"{words.NO_DUTY} {words.PROVIDERS}"
    assert words.no_duty(Role.TELECOM) == words.NO_DUTY
    for form in ("table", "html"):
        text = " ".join(law(*VIEWS["no duties"], *KNOWN, "--format", form).split())
        assert f"{words.NO_DUTY} {words.PROVIDERS}" in text


def test_the_operation_view_counts(law: Any) -> None:
    document = json.loads(law("operation", "cumberland", "--on", "2026-11-23", *KNOWN, "--json"))
    assert document["counts"]["produce"] == {"yes": 15, "partial": 2, "unclear": 2, "no": 0}
    assert document["not_simply_covered"] == ["BA", "CZ", "DK", "DE"]
    assert document["operation"]["draft"] is True
    assert len(document["jurisdictions"]) == 19


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show", "XX"), "no jurisdiction 'XX'"),
        (("show", "DK", "--on", "yesterday"), "write it as 2026-11-22"),
        (("matrix", "--conduct", "draw"), "no conduct 'draw'"),
        (("matrix", "--depiction", "ai"), "no depiction class 'ai'"),
        (("operation", "atlantis"), "no jurisdiction 'atlantis'"),
        (
            ("duties", "--role", "judge", "--jurisdiction", "US", "--found", "2026-01-01T00:00Z"),
            "no role 'judge'",
        ),
        (
            ("duties", "--role", "police", "--jurisdiction", "US", "--found", "2026-01-01T00:00"),
            "needs its offset",
        ),
        (("check", "/nonexistent"), "holds no law table"),
        (("show", "DK", "--known", "2026-11-24"), "2026-11-24 lies ahead"),
        (("show", ""), "a jurisdiction is empty"),
        (("show", "DK,SE"), "no jurisdiction 'DK,SE'"),
        (("matrix", "--jurisdiction", ""), "a jurisdiction is empty"),
        (("matrix", "--jurisdiction", "DK,,SE"), "a jurisdiction is empty"),
        (("matrix", "-o", "/tmp"), "/tmp is a folder"),
        (("operation", " , "), "name an operation"),
        (
            ("duties", "--role", "police", "--jurisdiction", ",", "--found", "2026-01-01T00:00Z"),
            "a jurisdiction is empty",
        ),
        (
            ("duties", "--role", "police", "--jurisdiction", "US")
            + ("--found", "0001-01-01T00:00+14:00"),
            "outside the years 1 to 9999",
        ),
    ],
)
def test_usage_errors_are_one_line(arguments: tuple[str, ...], said: str, law: Any) -> None:
    text = law(*arguments, status=2)
    assert said in text
    assert text.count("\n") == 1


def test_check_names_file_and_element(law: Any, tmp_path: Path) -> None:
    assert law("check") == ""
    folder = write(tmp_path / "law", MINIMAL.replace('coverage = "yes"', 'coverage = "sure"'))
    text = law("check", str(folder), status=1)
    assert "aq.toml" in text
    assert "row[1] (one).coverage" in text
    document = json.loads(law("check", str(folder), "--json", status=1))
    assert [p["element"] for p in document["problems"]] == ["row[1] (one).coverage"]
    assert json.loads(law("check", "--json"))["problems"] == []
    assert "row[1] (one).coverage" in law("show", "AQ", "--data", str(folder), status=2)


def test_a_table_of_ones_own(law: Any, tmp_path: Path) -> None:
    folder = write(tmp_path / "law", MINIMAL)
    document = json.loads(
        law("show", "AQ", "--data", str(folder), "--known", "2026-06-01", "--json")
    )
    assert document["name"] == "Testland"
