"""The JSON report: a stable schema, only what it names, and refusal of what cannot be true."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from brightline.errors import DamagedError
from brightline.report import SCHEMA, build_report, render_html
from brightline.types import Reason
from tests.report import summaries


def paths(value: object, prefix: str = "") -> set[str]:
    """Every key's path; the keys of counts, which the corpus chooses, are left out."""
    found: set[str] = set()
    if isinstance(value, dict):
        for key, inner in value.items():
            here = f"{prefix}.{key}".lstrip(".")
            found |= {here}
            counts = isinstance(inner, dict) and here in COUNTS
            found |= set() if counts else paths(inner, here)
    elif isinstance(value, list):
        for inner in value:
            found |= paths(inner, f"{prefix}[]")
    return found


COUNTS = {
    "media_types",
    "pixels",
    "bytes_histogram",
    "pdq_quality",
    "reconciliation",
    "parameters",
    "observations.by_signal",
    "observations.by_distance",
    "observations.by_via",
    "observations.by_category",
    "lists[].counts",
    "sources[].kinds",
}

# version 1: to change or remove a line is to raise SCHEMA
VERSION_1 = frozenset(
    re.findall(
        r"\S+",
        """
schema tool tool.name tool.version run run.name run.state run.started run.finished run.elapsed_s
run.workers run.shards_total run.shards_committed headline items items.items items.screened
items.exact_only items.skipped items.failed items.gaps reasons reasons[].code reasons[].count
reasons[].kind reasons[].gap reasons[].text notes notes[].code notes[].count notes[].text
observations observations.total observations.items observations.known_good observations.by_list
observations.by_list[].list observations.by_list[].role observations.by_list[].count
observations.by_signal observations.by_distance observations.by_via observations.by_category
lists lists[].name lists[].version lists[].digest lists[].entries lists[].role lists[].pipeline
lists[].pdq_threshold lists[].pdq_min_quality lists[].counts sources sources[].path
sources[].kinds sources[].shards sources[].bytes sources[].items sources[].manifest_digest
sources[].content_digest parameters media_types pixels bytes_histogram pdq_quality below_quality
reconciliation throughput throughput[].t_s throughput[].items throughput[].bytes checks
origin origin.mode origin.examined origin.no_evidence origin.not_examined origin.claims
origin.claims[].claim origin.claims[].strength origin.claims[].count origin.claims[].text
origin.contradictions origin.contradictions[].code origin.contradictions[].count
origin.contradictions[].text origin.notes origin.notes[].code origin.notes[].count
origin.notes[].text origin.not_examined_reasons origin.not_examined_reasons[].code
origin.not_examined_reasons[].count origin.not_examined_reasons[].text origin.caution
origin.not_checked
checks[].text checks[].holds limits commands commands[].command commands[].purpose glossary
glossary[].term glossary[].meaning
""",
    )
)


def test_schema_is_stable() -> None:
    assert SCHEMA == "brightline-report/1"
    assert paths(build_report(summaries.full())) == VERSION_1


@pytest.mark.parametrize("name", summaries.ALL)
def test_every_top_level_key_is_always_there(name: str) -> None:
    report = build_report(summaries.ALL[name]())
    assert set(report) == {path for path in VERSION_1 if "." not in path}
    assert json.loads(json.dumps(report, allow_nan=False)) == report


@pytest.mark.parametrize("key", summaries.full())
def test_any_key_may_be_missing_or_null(key: str) -> None:
    for change in ("missing", "null"):
        made = summaries.full()
        del made[key]
        if change == "null":
            made[key] = None
        render_html(build_report(made))


def test_what_is_missing_is_not_nought() -> None:
    report = build_report({})
    assert report["observations"] is None
    assert set(report["items"].values()) == {None}
    assert report["below_quality"] is None
    assert "Observations are not recorded. That is not the same as none." in report["headline"]
    assert all(check["holds"] is None for check in report["checks"])


def test_only_what_the_schema_names_is_taken() -> None:
    secret = "holiday/beach-0042.jpg"
    made = summaries.full()
    made["findings"] = [{"item": secret}]
    made["locator"] = secret
    for inner in ("matches", "tool", "shards"):
        made[inner]["item"] = secret
    for inner in ("sources", "lists", "throughput"):
        made[inner][0]["item"] = secret
    report = build_report(made)
    assert secret not in json.dumps(report)
    assert secret not in render_html(report)
    assert report == build_report(summaries.full())


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("items", -1),
        ("items", "12"),
        ("items", True),
        ("items", 1.0),
        ("screened", [1]),
        ("run", 7),
        ("state", {"a": 1}),
        ("elapsed_s", float("nan")),
        ("elapsed_s", float("inf")),
        ("elapsed_s", -0.5),
        ("elapsed_s", True),
        ("elapsed_s", "1"),
        ("reasons", {"empty": "3"}),
        ("reasons", [1]),
        ("matches", 3),
        ("matches", {"by_list": {"a": -3}}),
        ("matches", {"by_distance": {"seven": 1}}),
        ("matches", {"by_distance": {"257": 1}}),
        ("matches", {"by_distance": {"-1": 1}}),
        ("matches", {"by_distance": {"²": 1}}),
        ("lists", {"name": "x"}),
        ("lists", ["x"]),
        ("lists", [{"entries": 1.5}]),
        ("sources", "x"),
        ("limits", "x"),
        ("limits", [1]),
        ("parameters", [1]),
        ("throughput", [{"t_s": "1", "items": 1}]),
    ],
)
def test_a_wrong_type_is_refused_and_its_value_not_told(place: str, value: Any) -> None:
    made = summaries.full() | {place: value}
    with pytest.raises(DamagedError, match=place) as caught:
        build_report(made)
    assert "\n" not in str(caught.value)
    assert "seven" not in str(caught.value)


def test_reasons_carry_their_words() -> None:
    report = build_report(summaries.many_reasons())
    by_code = {reason["code"]: reason for reason in report["reasons"]}
    assert len(by_code) == 200
    for reason in Reason:
        found = by_code[reason.code]
        assert (found["text"], found["kind"], found["gap"]) == (
            reason.text,
            reason.kind,
            reason.gap,
        )
    later = by_code["reason_of_later_0"]
    assert later["kind"] is None
    assert later["gap"]


def test_gaps_come_first_and_are_summed() -> None:
    report = build_report(summaries.full())
    flags = [reason["gap"] for reason in report["reasons"]]
    assert flags == sorted(flags, reverse=True)
    assert report["items"]["gaps"] == 13 + 42 + 9


def test_a_list_without_observations_is_still_counted() -> None:
    found = build_report(summaries.zero())["observations"]
    assert found is not None
    assert [(entry["list"], entry["count"]) for entry in found["by_list"]] == [
        ("north-hotline@2031-04", 0),
        ("south-agency@7", 0),
        ("stock-photos@3", 0),
    ]


def test_a_list_that_the_run_did_not_name_is_not_dropped() -> None:
    made = summaries.full()
    made["matches"]["by_list"]["stranger@1"] = 99
    found = build_report(made)["observations"]
    assert found is not None
    assert found["by_list"][0] == {"list": "stranger@1", "role": None, "count": 99}


def test_distances_ascend_as_numbers() -> None:
    found = build_report(summaries.full())["observations"]
    assert found is not None
    assert list(found["by_distance"]) == ["0", "7", "22", "31"]


def test_parameters_are_flat() -> None:
    assert build_report(summaries.full())["parameters"] == {
        "orientations": False,
        "max_pixels": 200_000_000,
        "item_seconds": 30.5,
        "engine": "local",
        "limits.max_depth": 8,
        "views": "stored, exif",
    }
