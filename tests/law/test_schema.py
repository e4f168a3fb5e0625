"""What the schema refuses, and that a refusal names the file and the element."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from brightline.errors import UsageError
from brightline.law import load, read
from tests.law.tables import MINIMAL, write

#: (what is replaced, by what, the element named, a word of the reason)
MUTATIONS = {
    "schema as a flag": ("schema = 1", "schema = true", "schema", "must be 1"),
    "code of three letters": ('jurisdiction = "AQ"', 'jurisdiction = "ATA"', "jurisdiction", "ISO"),
    "code in small letters": ('jurisdiction = "AQ"', 'jurisdiction = "aq"', "jurisdiction", "ISO"),
    "name of two lines": ('"Testland"', '"Test\\nland"', "name", "control characters"),
    "source with a control character": (
        'sources = ["act", "blog"]',
        'sources = ["act", "blog", "\\u001b"]',
        "row[1] (one).sources",
        "control characters",
    ),
    "review that never comes": (
        "review_due = 2026-12-31",
        "review_due = 2028-01-01",
        "row[1] (one).review_due",
        "by a year at most",
    ),
    "in force by a day that no source can show": (
        'in_force_by = 2021-12-31\nstart_basis = "citation"',
        'in_force_by = 2031-12-31\nstart_basis = "source"',
        "duty[1] (keep).in_force_by",
        "no source can show it yet",
    ),
    "ceiling under the floor": (
        'retention_max = "P2Y"',
        'retention_max = "P11M"',
        "duty[1] (keep).retention_max",
        "shorter than retention_min",
    ),
    "retention of nothing": (
        'retention_min = "P1Y"',
        'retention_min = "P0D"',
        "duty[1] (keep).retention_min",
        "must be a period",
    ),
    "empty deadline": (
        'trigger = "a report was made"',
        'trigger = "a report was made"\ndeadline = ""',
        "duty[1] (keep).deadline",
        "leave it out",
    ),
    "schema": ("schema = 1", "schema = 2", "schema", "must be 1"),
    "unknown code": ('jurisdiction = "AQ"', 'jurisdiction = "QQ"', "jurisdiction", "ISO 3166-1"),
    "code of another file": (
        'jurisdiction = "AQ"',
        'jurisdiction = "BV"',
        "jurisdiction",
        "file's name",
    ),
    "no name": ('name = "Testland"', 'name = " "', "name", "not empty"),
    "unknown top key": ('name = "Testland"', 'name = "T"\nnames = "x"', "names", "not a key"),
    "unknown source type": (
        'type = "statute"',
        'type = "rumour"',
        "source[1] (act).type",
        "'rumour' is not one of",
    ),
    "unknown support": (
        'support = "primary"',
        'support = "P"',
        "source[1] (act).support",
        "is not one of",
    ),
    "no citation": (
        'citation = "Test Act 1"',
        'citation_id = "x"',
        "source[1] (act).citation",
        "is missing",
    ),
    "source twice": ('id = "blog"', 'id = "act"', "source[2] (act).id", "twice"),
    "source cited by nothing": ('["act", "blog"]', '["act"]', "source (blog)", "cited by nothing"),
    "unknown source": (
        '["act", "blog"]',
        '["act", "blog", "x"]',
        "row (one).sources",
        "'x' is not among",
    ),
    "no sources": ('["act", "blog"]', "[]", "row[1] (one).sources", "not empty"),
    "yes by a secondary source": (
        '["act", "blog"]',
        '["blog"]',
        "row (one).coverage",
        "yes needs a statute",
    ),
    "no by a secondary source": (
        'coverage = "yes"\nconduct_basis = "stated"\nstatus = "in_force"\n'
        'valid_from = 2020-01-01\nvalid_to = 2024-12-31\nsources = ["act", "blog"]',
        'coverage = "no"\nconduct_basis = "stated"\nstatus = "in_force"\n'
        'valid_from = 2020-01-01\nvalid_to = 2024-12-31\nsources = ["blog"]',
        "row (one).coverage",
        "no needs a statute",
    ),
    "draft not marked": (
        'support = "primary"',
        'support = "secondary"',
        "row (one).draft",
        "must be marked as a draft",
    ),
    "draft not marked, general knowledge": (
        'support = "primary"',
        'support = "general"',
        "duty (keep).draft",
        "must be marked as a draft",
    ),
    "a bill is no law": (
        'citation = "Test Act 1"',
        'citation = "Test Bill 1"\nenacted = false',
        "row (one).draft",
        "must be marked as a draft",
    ),
    "draft missing": ("draft = false", "", "row[1] (one).draft", "is missing"),
    "draft not a flag": ("draft = false", 'draft = "no"', "row[1] (one).draft", "true or false"),
    "valid_from missing": (
        "valid_from = 2020-01-01\n",
        "",
        "row[1] (one).valid_from",
        "is missing",
    ),
    "valid_from with a time": (
        "valid_from = 2020-01-01",
        "valid_from = 2020-01-01T00:00:00Z",
        "row[1] (one).valid_from",
        "must be a day",
    ),
    "valid_from as text": (
        "valid_from = 2020-01-01",
        'valid_from = "2020"',
        "row[1] (one).valid_from",
        "must be a day",
    ),
    "last_checked missing": (
        "last_checked = 2026-01-01\n",
        "",
        "row[1] (one).last_checked",
        "is missing",
    ),
    "review_due missing": (
        "review_due = 2026-12-31\n",
        "",
        "row[1] (one).review_due",
        "is missing",
    ),
    "recorded missing": ("recorded = 2026-01-31\n", "", "row[1] (one).recorded", "is missing"),
    "checked after it was recorded": (
        "last_checked = 2026-01-01",
        "last_checked = 2026-02-01",
        "row[1] (one).last_checked",
        "after recorded",
    ),
    "recorded before a source was read": (
        'citation = "Test Act 1"\n',
        'citation = "Test Act 1"\nread = 2026-02-01\nexcerpt = true\n',
        "row (one).recorded",
        "was read (2026-02-01)",
    ),
    "excerpt is no flag": (
        'citation = "Test Act 1"\n',
        'citation = "Test Act 1"\nexcerpt = "part"\n',
        "source[1] (act).excerpt",
        "true or false",
    ),
    "review due at once": (
        "review_due = 2026-12-31",
        "review_due = 2026-01-31",
        "row[1] (one).review_due",
        "must lie after",
    ),
    "ends before it begins": (
        "valid_to = 2024-12-31",
        "valid_to = 2019-12-31",
        "row[1] (one).valid_to",
        "before the first day",
    ),
    "overlap by a day": (
        "valid_to = 2024-12-31",
        "valid_to = 2025-01-01",
        "row (two).valid_from",
        "overlaps the validity of row (one)",
    ),
    "overlap, open end": (
        "valid_to = 2024-12-31\n",
        "",
        "row (two).valid_from",
        "overlaps the validity of row (one)",
    ),
    "overlap, unknown start": (
        "valid_from = 2025-01-01",
        'valid_from = "unknown"',
        "row (two).valid_from",
        "overlaps the validity of row (one)",
    ),
    "block twice": ('id = "two"', 'id = "one"', "row (one).id", "twice"),
    "unknown conduct": (
        '["produce", "possess"]',
        '["produce", "hoard"]',
        "row[1] (one).conduct",
        "'hoard' is not one of",
    ),
    "conduct twice": (
        '["produce", "possess"]',
        '["produce", "produce"]',
        "row[1] (one).conduct",
        "twice",
    ),
    "no conduct": ('["produce", "possess"]', "[]", "row[1] (one).conduct", "empty"),
    "unknown depiction": (
        'depiction = "photoreal_synthetic"',
        'depiction = "ai"',
        "row[1] (one).depiction",
        "'ai' is not one of",
    ),
    "unknown coverage": (
        'coverage = "yes"',
        'coverage = "maybe"',
        "row[1] (one).coverage",
        "'maybe' is not one of",
    ),
    "unknown status": (
        'status = "in_force"',
        'status = "active"',
        "row[1] (one).status",
        "'active' is not one of",
    ),
    "unknown confidence": (
        'confidence = "high"',
        'confidence = "certain"',
        "row[1] (one).confidence",
        "is not one of",
    ),
    "unknown provision": (
        'provision = "s1"',
        'provision = "s9"',
        "row[1] (one).provision",
        "'s9' is not among",
    ),
    "partial without a part": (
        'test = "Only on Tuesdays"\n',
        "",
        "row (two).test",
        "which part",
    ),
    "misspelt key": (
        'confidence = "high"',
        'confidence = "high"\nexeptions = ["x"]',
        "row[1] (one).exeptions",
        "not a key",
    ),
    "supersedes nothing": (
        'id = "two"',
        'id = "two"\nsupersedes = ["zero"]',
        "row (two).supersedes",
        "'zero' is no other row",
    ),
    "supersedes what was recorded with it": (
        'id = "two"',
        'id = "two"\nsupersedes = ["one"]',
        "row (two).recorded",
        "must lie after that of 'one'",
    ),
    "unknown role": ('["hosting"]', '["host"]', "duty[1] (keep).roles", "'host' is not one of"),
    "unknown duty": ('type = "preserve"', 'type = "keep"', "duty[1] (keep).type", "is not one of"),
    "retention in words": (
        '"P1Y"',
        '"one year"',
        "duty[1] (keep).retention_min",
        "must be a period",
    ),
    "retention that is no period": ('"P2Y"', '"P"', "duty[1] (keep).retention_max", "a period"),
    "deadline that is nearly a period": (
        'retention_min = "P1Y"',
        'deadline = "P24H"',
        "duty[1] (keep).deadline",
        "must be a period",
    ),
    "citation's year not at its end": (
        "in_force_by = 2021-12-31",
        "in_force_by = 2021-06-30",
        "duty (keep).in_force_by",
        "last day of the year",
    ),
    "in force before it can have begun": (
        "not_before = 2020-01-01",
        "not_before = 2022-01-01",
        "duty[1] (keep).in_force_by",
        "before not_before",
    ),
    "start source missing": (
        'start_source = "act"\n',
        "",
        "duty[1] (keep).start_source",
        "is missing",
    ),
    "start source unknown": (
        'start_source = "act"',
        'start_source = "x"',
        "duty (keep).start_source",
        "'x' is not among",
    ),
    "bounds beside an exact day": (
        "valid_from = 2020-01-01",
        "valid_from = 2020-01-01\nnot_before = 2019-01-01",
        "row[1] (one).not_before",
        'goes only with valid_from = "unknown"',
    ),
    "unknown parent": (
        'name = "Testland"',
        'name = "Testland"\ninherits = ["EU"]',
        "inherits",
        "'EU' has no other file",
    ),
    "address without https": (
        'citation = "Test Act 1"',
        'citation = "Test Act 1"\nurl = "http://example.org/"',
        "source[1] (act).url",
        "https://",
    ),
    "not TOML": ("schema = 1", "schema = ", "file", "is not TOML"),
}


def test_the_unmutated_file_is_taken(tmp_path: Path) -> None:
    table, problems = read(write(tmp_path / "law", MINIMAL))
    assert problems == ()
    assert len(table.jurisdictions["AQ"].rows) == 3  # a list of conducts is a row for each


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mutated_file_is_refused_by_name_and_element(name: str, tmp_path: Path) -> None:
    old, new, element, reason = MUTATIONS[name]
    assert old in MINIMAL
    folder = write(tmp_path / "law", MINIMAL.replace(old, new, 1))
    _, problems = read(folder)
    found = [p for p in problems if p.element == element and reason in p.text]
    assert found, [str(p) for p in problems]
    assert {p.file for p in problems} == {"aq.toml"}
    with pytest.raises(UsageError, match=r"aq\.toml"):
        load(folder)


def test_a_second_file_of_the_same_code_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "law", MINIMAL)
    write(folder, MINIMAL, "bv.toml")
    _, problems = read(folder)
    assert any("has a file already" in p.text and p.file == "bv.toml" for p in problems)


@pytest.mark.parametrize(
    ("old", "new", "element"),
    [
        ("recorded = 2026-01-31", "recorded = 2026-02-02", "row (one).recorded"),
        (
            "recorded = 2026-01-31\nlast_checked = 2026-01-01",
            "recorded = 2026-02-02\nlast_checked = 2026-02-02",
            "row (one).last_checked",
        ),
        ('"Test Act 1"', '"Test Act 1"\nread = 2026-02-02', "source (act).read"),
    ],
)
def test_a_reading_of_tomorrow_is_refused_by_the_check(
    old: str, new: str, element: str, tmp_path: Path
) -> None:
    folder = write(tmp_path, MINIMAL.replace(old, new, 1))
    _, problems = read(folder, today=date(2026, 2, 1))
    assert element in {problem.element for problem in problems}
    _, problems = read(write(tmp_path, MINIMAL), today=date(2026, 2, 1))
    assert problems == ()


def test_rows_that_supersede_each_other_are_refused(tmp_path: Path) -> None:
    due = "review_due = 2026-12-31\n"
    one, two, rest = MINIMAL.split(due, 2)
    text = f'{one}{due}supersedes = ["two"]\n{two}{due}supersedes = ["one"]\n{rest}'
    _, problems = read(write(tmp_path, text))
    assert {p.element for p in problems} == {"row (one).recorded", "row (two).recorded"}


def test_a_folder_named_as_a_file_is_named(tmp_path: Path) -> None:
    write(tmp_path, MINIMAL)
    (tmp_path / "bv.toml").mkdir()
    _, problems = read(tmp_path)
    assert [(p.file, p.element) for p in problems] == [("bv.toml", "file")]


def test_an_operation_is_there_once(tmp_path: Path) -> None:
    write(tmp_path, MINIMAL)
    block = """
[[operation]]
id = "x"
name = "X"
day = 2026-01-01
jurisdictions = ["AQ"]
source = "a page"
support = "secondary"
"""
    write(tmp_path, f"schema = 1\n{block}{block}", "operations.toml")
    _, problems = read(tmp_path)
    assert [p.element for p in problems] == ["operation[2] (x).id"]


def test_an_operation_of_unknown_countries_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "law", MINIMAL)
    operation = """
schema = 1
[[operation]]
id = "test"
name = "Operation Test"
day = 2025-01-01
jurisdictions = ["AQ", "BV"]
source = "none"
support = "general"
"""
    write(folder, operation, "operations.toml")
    _, problems = read(folder)
    assert [(p.file, p.element) for p in problems] == [
        ("operations.toml", "operation (test).jurisdictions")
    ]


def test_a_correction_may_overlap_what_it_supersedes(tmp_path: Path) -> None:
    later = (
        MINIMAL.replace("valid_to = 2024-12-31\n", "")
        .replace('id = "two"', 'id = "two"\nsupersedes = ["one"]')
        .replace("recorded = 2026-01-31", "recorded = 2026-03-01", 2)
        .replace("recorded = 2026-03-01", "recorded = 2026-01-31", 1)
    )
    _, problems = read(write(tmp_path / "law", later))
    assert problems == ()


def test_all_problems_are_found_at_once(tmp_path: Path) -> None:
    text = MINIMAL.replace('status = "in_force"', 'status = "x"').replace('"high"', '"y"')
    _, problems = read(write(tmp_path / "law", text))
    assert len(problems) == 5


@pytest.mark.parametrize("missing", [True, False])
def test_a_folder_without_files_is_refused(missing: bool, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no law table"):
        read(tmp_path / "no" if missing else tmp_path)
