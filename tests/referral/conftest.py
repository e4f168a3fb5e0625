"""One audited corpus for every test of this room."""

from __future__ import annotations

import pytest

from tests.referral.scene import Scene, make_scene


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Shared: tests draft referrals of their own from its run."""
    return make_scene(tmp_path_factory.mktemp("scene"))
