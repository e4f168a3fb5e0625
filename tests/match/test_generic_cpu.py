"""The kernels give the same answers compiled for a processor without popcount or vectors."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from brightline.match import DeltaIndex, ExactIndex, HammingIndex, _plan
from tests.match.oracle import brute, make, questions


def answers() -> str:
    """A digest over index files and search results, each checked against brute force."""
    digest = hashlib.sha256()
    for seed, kind in enumerate(["random", "clustered", "duplicated"]):
        rng = np.random.default_rng(seed)
        codes = make(rng, kind, 2_000)
        queries = questions(rng, codes, 31, 30)
        with mock.patch.object(_plan, "design", lambda *_: (18, 16, 16, 12, 10, 8) * 3):
            index = HammingIndex.build(codes)
        found = index._probed(queries, 35, (1,) * 18, 2**40)
        for left, right in zip(found, brute(codes, queries, 35), strict=True):
            np.testing.assert_array_equal(left, right)
        exact = ExactIndex.build(codes)
        delta = DeltaIndex.build(codes)
        assert kind != "random" or delta.nbytes
        near = delta.search(queries)
        for left, right in zip(near, brute(codes, queries, 31), strict=True):
            np.testing.assert_array_equal(left, right)
        results = (*found, *near, *index._scanned(queries, 90), *exact.search(queries))
        for array in (*index._arrays().values(), *exact._arrays().values(), *results):
            digest.update(array.tobytes())
    return digest.hexdigest()


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_generic_processor(tmp_path: Path) -> None:
    environment = os.environ | {
        "NUMBA_CPU_NAME": "generic",
        "NUMBA_CACHE_DIR": str(tmp_path),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    other = subprocess.run(
        [
            sys.executable,
            "-c",
            "from tests.match.test_generic_cpu import answers; print(answers())",
        ],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert other.stdout.strip() == answers()
