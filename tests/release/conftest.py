"""One audited corpus for all tests of releases: auditing it takes longer than any of them."""

from __future__ import annotations

import pytest

from tests.release.corpus import Corpus, everything


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return everything(tmp_path_factory.mktemp("release"))
