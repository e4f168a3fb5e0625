"""What is done to a workspace is noticed, or a row of one table proves that it does no harm."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tamper.files import KINDS, RELEASED
from tests.tamper.scene import Scene, make_scene
from tests.tamper.sweeping import Swept, sweep_release, sweep_workspace
from tests.tamper.verdicts import ROWS


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return make_scene(tmp_path_factory.mktemp("tamper"))


def holds(swept: Swept, kinds: tuple[tuple[str, str], ...]) -> None:
    assert not swept.faults, (len(swept.faults), swept.faults[:20])
    present = {kind for _, kind in kinds} - {"referral: sent and answered", "referral: step"}
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


def test_a_sample_of_all_that_can_be_done_to_a_release(scene: Scene, tmp_path: Path) -> None:
    holds(sweep_release(scene, tmp_path, every=False), RELEASED)


@pytest.mark.long
def test_all_that_can_be_done_to_a_release(scene: Scene, tmp_path: Path) -> None:
    holds(sweep_release(scene, tmp_path, every=True), RELEASED)
