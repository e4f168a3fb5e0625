"""Hostile files: no exception, little time, little memory."""

from __future__ import annotations

import functools
import random
import subprocess
import sys
import time
import tracemalloc

import pytest

from brightline.origin import examine
from tests.origin.hostile import bombs, mutations
from tests.origin.labelled import labelled

SECONDS = 0.05
BYTES = 64 << 20
#: a machine under load runs a process in slices, and its caches are cold: not a timing test here
SLACK = 6


_bombs = functools.cache(bombs)


def _seconds(data: bytes) -> float:
    best = 9.0
    for _ in range(3):  # the least of three: another process's turn is no cost of ours
        start = time.process_time()
        examine(data, c2pa=False)
        best = min(best, time.process_time() - start)
        if best < SECONDS:
            break
    return best


def test_bombs_cost_little() -> None:
    examine(b"")
    for name, data in _bombs().items():
        assert _seconds(data) < SECONDS * SLACK, name


def test_bombs_take_little_memory() -> None:
    files = _bombs()
    examine(b"")
    tracemalloc.start()
    try:
        for name in (
            "items that overlap",
            "EXIF values that overlap",
            "iTXt of 50 MB",
            "XMP depth",
        ):
            before = tracemalloc.get_traced_memory()[0]
            tracemalloc.reset_peak()
            examine(files[name], c2pa=False)
            assert tracemalloc.get_traced_memory()[1] - before < BYTES, name
    finally:
        tracemalloc.stop()


def test_some_mutated_files() -> None:
    dice = random.Random(7)
    files = [one.data for one in labelled(short=True)][::7]
    for _ in range(700):
        examine(mutations(dice.choice(files), dice), c2pa=False)


_MANY = """
import random, resource, time
from brightline.origin import examine
from tests.origin.hostile import mutations
from tests.origin.labelled import labelled
files = [one.data for one in labelled()]
dice = random.Random(11)
for data in files:
    examine(data, c2pa=False)
worst = 0.0
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for number in range(10_000):
    data = mutations(dice.choice(files), dice)
    took = 9.0
    for _ in range(3):
        start = time.process_time()
        examine(data, c2pa=False)
        took = min(took, time.process_time() - start)
        if took < 0.05:
            break
    worst = max(worst, took)
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(worst, (after - before) << 10)
"""


@pytest.mark.long
def test_ten_thousand_mutated_files() -> None:
    """No exception, none over 50 ms, and no more than 64 MB more than before."""
    done = subprocess.run(
        [sys.executable, "-c", _MANY], capture_output=True, text=True, timeout=500
    )
    assert done.returncode == 0, done.stderr
    worst, grown = map(float, done.stdout.split())
    assert worst < SECONDS
    assert grown < BYTES
