"""States follow from steps, and only from steps that make sense."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brightline.errors import DamagedError
from brightline.referral.states import (
    Drafted,
    Expired,
    Finished,
    Opened,
    Opening,
    Retracted,
    Unknown,
    Vanished,
    fold,
    follow,
    may_open,
    report_of,
)

AT = "2026-03-01T12:00:00Z"
KINDS = (
    "opening", "not_opened", "unknown", "opened", "uploading", "uploaded", "not_uploaded",
    "filing", "filed", "not_filed", "no_details", "finishing", "not_finished", "finished",
    "retracting", "not_retracted", "retracted", "expired", "vanished",
)  # fmt: skip


def step(kind: str, item: int = 1) -> dict[str, Any]:
    return {
        "n": 0,
        "kind": kind,
        "at": AT,
        "attempt": 1,
        "files": 3,
        "reviews": 0,
        "upload": True,
        "endpoint": "e",
        "report_id": "7",
        "item": item,
    }


@given(st.lists(st.tuples(st.sampled_from(KINDS), st.integers(1, 3)), max_size=60))
@settings(deadline=None, max_examples=80)
def test_no_path_opens_twice_or_leaves_an_end(choices: list[tuple[str, int]]) -> None:
    """Walk at random, taking the steps that are allowed."""
    steps: list[dict[str, Any]] = []
    state: Any = Drafted()
    for kind, item in choices:
        try:
            after = follow(state, step(kind, item))
        except DamagedError:
            continue
        if isinstance(after, Opening):
            assert may_open(state)
        assert not isinstance(state, Finished), "nothing follows the end"
        if isinstance(after, Finished):
            assert report_of(state) is not None
        if isinstance(state, (Opening, Unknown)):
            assert isinstance(after, (Drafted, Unknown, Opened))
        if isinstance(state, Vanished):
            assert isinstance(after, (Expired, Finished))
        report, before = report_of(after), report_of(state)
        if report is not None and before is not None:
            assert report.filed >= before.filed
            assert report.report_id == before.report_id
        steps.append(step(kind, item))
        state = after
    assert fold(steps) == state


@pytest.mark.parametrize("kind", [k for k in KINDS if k != "opening"])
def test_nothing_but_an_opening_comes_first(kind: str) -> None:
    with pytest.raises(DamagedError, match="cannot follow"):
        fold([step(kind)])


@pytest.mark.parametrize(
    "wrong", [{"kind": "opening", "at": AT}, {"kind": "hop", "at": AT}, step("opening") | {"at": 3}]
)
def test_a_step_that_cannot_be_read_is_damage(wrong: dict[str, Any]) -> None:
    with pytest.raises(DamagedError):
        fold([wrong, step("opened")])


def test_the_service_deletes_after_a_day_or_an_hour_whichever_is_later() -> None:
    state = fold([step("opening"), step("opened")])
    assert isinstance(state, Opened)
    assert state.report.deleted_at.isoformat() == "2026-03-02T12:00:00+00:00"
    late = {**step("filed"), "at": "2026-03-02T11:30:00Z"}
    state = fold([step("opening"), step("opened"), step("filing"), late])
    assert isinstance(state, Opened)
    assert state.report.deleted_at.isoformat() == "2026-03-02T12:30:00+00:00"


def test_after_a_retraction_a_new_report_may_be_opened() -> None:
    steps = [step(k) for k in ("opening", "opened", "retracting", "retracted")]
    assert isinstance(fold(steps), Retracted)
    assert may_open(fold(steps))
    assert isinstance(fold([*steps, step("opening")]), Opening)
