"""One workspace for all tests of tampering: making it takes longer than any of them."""

from __future__ import annotations

import pytest

from tests.tamper.scene import Scene, make_scene


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return make_scene(tmp_path_factory.mktemp("tamper"))
