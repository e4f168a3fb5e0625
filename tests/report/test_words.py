"""What the report says, and when it says it."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

from brightline.report import build_report
from tests.report import summaries


def check(made: dict[str, Any], start: str) -> bool | None:
    (found,) = (c for c in build_report(made)["checks"] if c["text"].startswith(start))
    return found["holds"]


def test_headline_of_a_run_with_observations() -> None:
    assert build_report(summaries.full())["headline"] == [
        "1\u202f234\u202f567 items: 1\u202f200\u202f000 screened, 30\u202f011 matched by digest "
        "only, 4\u202f505 skipped, 51 failed.",
        "19 observations on 17 items. An observation is a signal within a list's threshold. It "
        "is about bytes; nobody looked at a picture.",
        "6 signals within the threshold of a known-good list.",
        "64 items could have held a picture and were not screened in full.",
        "1\u202f115 pictures had too little detail for PDQ.",
    ]


def test_headline_of_a_run_without_lists() -> None:
    assert build_report(summaries.nothing_in_it())["headline"] == [
        "The sources held no items.",
        "No hash list is recorded for this run, so nothing could be observed.",
    ]


def test_headline_says_first_that_a_run_is_incomplete() -> None:
    first = build_report(summaries.incomplete())["headline"][0]
    assert first.startswith("The run is incomplete: 31 of 67 shards are committed")
    made = summaries.full() | {"state": "incomplete", "shards": None}
    assert build_report(made)["headline"][0].startswith("The run is incomplete, and")


def test_known_good_signals_do_not_make_an_observation() -> None:
    made = summaries.zero()
    made["matches"]["known_good"] = 1
    said = build_report(made)["headline"]
    assert any(s.startswith("No item's signal was within a known-bad list's") for s in said)
    assert "1 signal within the threshold of a known-good list." in said


def test_one_is_singular() -> None:
    made = summaries.full() | {"items": 1, "below_quality": 1, "reasons": {"undecodable": 1}}
    made["matches"] = {"total": 1, "items": 1}
    said = " ".join(build_report(made)["headline"])
    assert "1 item:" in said
    assert "1 observation on 1 item." in said
    assert "1 item could have held a picture and was not" in said
    assert "1 picture had" in said


def test_checks_hold_and_fail_with_their_sums() -> None:
    good, bad = summaries.full(), summaries.incomplete()
    assert [c["holds"] for c in build_report(good)["checks"]] == [True] * 5
    for start in ("Screened", "Every item", "Every shard", "The datasets'"):
        assert check(bad, start) is False
    good["sources"][0]["items"] += 1
    assert check(good, "The sources'") is False
    good["sources"][0]["items"] = None
    assert check(good, "The sources'") is None


def test_limits_name_the_run_s_own_figures() -> None:
    limits = build_report(summaries.full())["limits"]
    said = " ".join(limits)
    assert limits[0].startswith("Known hashes only.")
    assert limits[-1] == "Known hashes only, as this summary says it."
    assert "a distance of 24 or 31 of 256 bits" in said
    assert "misses crops, rotations, mirrored copies" in said
    assert "under 50 or 60" in said
    assert "matched by digest only: 1\u202f115." in said
    assert "failed (51) or were skipped (4\u202f505)" in said
    assert "north-hotline@2031-04, south-agency@7, stock-photos@3" in said
    assert "behind 1 list were resized" in said


def test_limits_follow_the_parameters() -> None:
    made = summaries.full()
    made["parameters"]["orientations"] = True
    said = " ".join(build_report(made)["limits"])
    assert "Turned and mirrored copies were looked for." in said
    assert "rotations" not in said


def test_a_recorded_limit_is_not_said_twice() -> None:
    made = summaries.full()
    made["limits"] = build_report(made)["limits"]
    assert build_report(made)["limits"] == made["limits"]


@pytest.mark.parametrize("path", ["/a b", "it's", "$(touch x)", "`x`; y", "-rf", "n\nm"])
def test_commands_are_quoted(path: str) -> None:
    made = summaries.full()
    made["sources"][0]["path"] = path
    made["run"] = f"r {path}"
    first, second, *_ = build_report(made)["commands"]
    words = shlex.split(first["command"])
    assert words[2] == (f"./{path}" if path.startswith("-") else path)
    assert words[4:6] == ["--list", "north-hotline@2031-04"]
    assert shlex.split(second["command"]) == ["brightline", "run", "show", f"r {path}", "--json"]


def test_commands_stay_short() -> None:
    made = summaries.many_lists()
    made["sources"] *= 20
    command = build_report(made)["commands"][0]["command"]
    assert command == "brightline audit SOURCE… --list NAME@VERSION… --origin all"
