"""What is done to a workspace is noticed, or a row of one table proves that it does no harm."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tamper.files import KINDS, RELEASED, Kinds
from tests.tamper.page import PAGE
from tests.tamper.scene import Scene
from tests.tamper.sweeping import Swept, sweep_release, sweep_workspace
from tests.tamper.verdicts import ROWS

NOT_IN_THE_SCENE = {"referral: sent and answered", "referral: step"}


def holds(swept: Swept, kinds: Kinds) -> None:
    assert not swept.faults, (len(swept.faults), swept.faults[:20])
    present = {kind for _, kind in kinds} - NOT_IN_THE_SCENE
    assert present <= set(swept.made)
    assert all(count > 0 for count in swept.made.values())


def test_a_sample_of_all_that_can_be_done_to_a_workspace(scene: Scene, tmp_path: Path) -> None:
    swept = sweep_workspace(scene, tmp_path, every=False)
    holds(swept, KINDS)
    assert swept.rows() == set(ROWS)
    assert swept.made.total() > 500


@pytest.mark.long
def test_all_that_can_be_done_to_a_workspace(scene: Scene, tmp_path: Path) -> None:
    swept = sweep_workspace(scene, tmp_path, every=True)
    holds(swept, KINDS)
    assert swept.rows() == set(ROWS)
    assert swept.made.total() > 2500


def test_the_page_has_every_row_and_kind() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for row in ROWS:
        assert f"| {row.what} |" in text and row.why in text, row.what
    for _, kind in (*KINDS, *RELEASED):
        if kind not in NOT_IN_THE_SCENE:
            assert f"\n| {kind} |" in text, kind


def test_a_sample_of_all_that_can_be_done_to_a_release(scene: Scene, tmp_path: Path) -> None:
    holds(sweep_release(scene, tmp_path, every=False), RELEASED)


@pytest.mark.long
def test_all_that_can_be_done_to_a_release(scene: Scene, tmp_path: Path) -> None:
    holds(sweep_release(scene, tmp_path, every=True), RELEASED)
