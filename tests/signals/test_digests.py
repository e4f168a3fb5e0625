"""Digests of many items are hashlib's, in whichever way they are made."""

from __future__ import annotations

import functools
import hashlib
import operator
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brightline.signals import _digest_kernels as kernels
from brightline.signals import _digest_rounds as rounds
from brightline.signals import digests as module
from brightline.signals.digests import digests, digests_many
from brightline.types import Digests

LANES = module._Way(lanes=True, sha=True, cost=0.0)  # at no cost: everything goes in lanes
MD5_ONLY = module._Way(lanes=True, sha=False, cost=0.0)
HASHLIB = module._Way(lanes=False, sha=False, cost=1.0)
AVX2 = "+avx,+avx2,+bmi,+bmi2,+popcnt,+sse4.1,+sse4.2,+ssse3"


def by_hashlib(data: bytes) -> Digests:
    return Digests(*(hashlib.new(name, data).digest() for name in ("md5", "sha1", "sha256")))


def some_bytes(size: int, seed: int = 0) -> bytes:
    return np.random.default_rng([seed, size]).bytes(size)


def check(datas: list[bytes], way: module._Way) -> None:
    with mock.patch.object(module, "_way", lambda: way):
        assert digests_many(datas) == [by_hashlib(data) for data in datas]


EDGES = [
    block * 64 + near for block in (1, 2, 3, 16, 17, 100) for near in (-9, -8, -7, -1, 0, 1, 55, 56)
]


def check_edges() -> None:
    """Every length of up to four blocks, and those around where padding needs another block."""
    datas = [some_bytes(size) for size in (*range(301), *EDGES)]
    for way in (LANES, MD5_ONLY):
        check(datas, way)
        check(datas[::-1], way)


def test_every_length() -> None:
    check_edges()


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("name", "vectors"),
    [
        ("generic", ""),
        pytest.param(
            "haswell",
            AVX2,
            marks=pytest.mark.skipif(
                not set(AVX2.split(",")) <= set(module._host_features()),
                reason="no AVX2 on this processor",
            ),
        ),
    ],
)
def test_another_processor(name: str, vectors: str, tmp_path: Path) -> None:
    environment = {
        "NUMBA_CPU_NAME": name,
        "NUMBA_CPU_FEATURES": vectors,
        "NUMBA_CACHE_DIR": str(tmp_path),
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2]), *sys.path]),
    }
    done = subprocess.run(
        [sys.executable, "-c", "from tests.signals.test_digests import main; main()"],
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(bool(vectors)), "False"]


def main() -> None:
    """In a process of its own: check, and say for which vectors kernels were compiled."""
    check_edges()
    compiled = module._kernel_features()
    print("+avx2" in compiled, "+avx512f" in compiled)


@given(
    sizes=st.lists(st.integers(0, 2_000) | st.integers(0, 130), max_size=60),
    seed=st.integers(0, 2**32),
    way=st.sampled_from([LANES, MD5_ONLY, HASHLIB]),
)
@settings(deadline=None, max_examples=150)
def test_random_batches(sizes: list[int], seed: int, way: module._Way) -> None:
    check([some_bytes(size, seed + k) for k, size in enumerate(sizes)], way)


@pytest.mark.parametrize("way", [LANES, MD5_ONLY])
@pytest.mark.parametrize("where", [0, 20, 40])
def test_a_long_item_among_short_ones(way: module._Way, where: int) -> None:
    datas = [some_bytes(size) for size in range(200, 240)]
    datas.insert(where, some_bytes(1_000_003))
    check(datas, way)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 15, 16, 17, 33])
def test_counts_around_the_lanes(count: int) -> None:
    datas = [some_bytes(640, seed) for seed in range(count)]
    assert digests_many(datas) == [by_hashlib(data) for data in datas]
    check(datas, LANES)


def test_equal_items_and_a_tuple() -> None:
    datas = (some_bytes(4_000),) * 20 + (b"",) * 20
    assert digests_many(datas) == [digests(data) for data in datas]


def test_this_machines_choice_changes_nothing() -> None:
    sizes = np.random.default_rng(5).lognormal(9, 1.5, 200).astype(int).tolist()
    datas = [some_bytes(size) for size in sizes]
    assert digests_many(datas) == [digests(data) for data in datas]


def test_kernels_compile_once() -> None:
    check([some_bytes(500, k) for k in range(20)], LANES)
    check([some_bytes(k) for k in range(70)], MD5_ONLY)
    compiled: list[Any] = [kernels.pad, kernels.hash_lanes]
    assert [len(kernel.signatures) for kernel in compiled] == [1, 1]


@given(rest=st.integers(0, 63), whole=st.integers(0, 2**34))
@settings(deadline=None)
def test_padding(rest: int, whole: int) -> None:
    """RFC 1321 §3.1 and §3.2, for sizes whose count of bits needs more than one word too."""
    size = whole * 64 + rest
    data = some_bytes(rest)
    tails = np.zeros((1, kernels.TAIL), np.uint8)
    blocks = np.zeros(1, np.int64)
    kernels.pad(np.frombuffer(data + b"\0", np.uint8), np.array([size]), tails, blocks)
    padded = data + b"\x80"
    padded += bytes(-(len(padded) + 8) % 64) + (8 * size).to_bytes(8, "little")
    assert tails.tobytes()[: 64 * int(blocks[0])] == padded


@given(bits=st.integers(0, 2**64 - 1), lane=st.integers(0, 15))
@settings(deadline=None)
def test_shas_length_is_in_the_opposite_order(bits: int, lane: int) -> None:
    words = np.arange(16 * 16, dtype=np.uint32).reshape(16, 16)
    words[14:, lane] = np.frombuffer(bits.to_bytes(8, "little"), np.uint32)
    before = words.copy()
    kernels.length_for_sha(words, lane)
    assert words[14:, lane].tobytes() == bits.to_bytes(8, "big")
    words[14:, lane] = before[14:, lane]
    np.testing.assert_array_equal(words, before)


def test_the_bits_of_roots() -> None:
    """First and last of the constants that FIPS 180-4 §4.2.1, §4.2.2 and §5.3.3 print."""
    assert [rounds.root_bits(n, 2, 30) for n in (2, 10)] == [0x5A827999, 0xCA62C1D6]
    assert rounds.root_bits(311, 3, 32) & 0xFFFFFFFF == 0xC67178F2
    assert (rounds.START[9], rounds.START[16]) == (0x6A09E667, 0x5BE0CD19)


def alone(sizes: list[int], cost: float) -> int:
    return module._alone(np.array(sorted(sizes, reverse=True)), cost)


def test_what_is_left_to_hashlib() -> None:
    assert alone([40_000] * 32, 2.0) == 0
    assert alone([40_000] * 3, 4.5) == 3
    assert alone([40_000] * 32 + [10_000_000], 2.0) == 1
    assert alone([10_000_000] * 32, 2.0) == 0
    assert alone([40_000] * 32 + [50_000], 4.5) == 0


@given(sizes=st.lists(st.integers(0, 100_000), min_size=1, max_size=40), cost=st.floats(0.5, 5.0))
@settings(deadline=None)
def test_no_other_division_would_be_cheaper(sizes: list[int], cost: float) -> None:
    longest_first = sorted(sizes, reverse=True)

    def price(first: int) -> float:
        blocks = [size / 64 + 1 for size in longest_first]
        steps = max([*blocks[first:], sum(blocks[first:]) / 16], default=0.0)
        return sum(blocks[:first]) + module._CALL_BLOCKS * first + cost * steps

    best = min(map(price, range(len(sizes) + 1)))
    assert price(alone(sizes, cost)) == pytest.approx(best)


def test_the_way_follows_the_processor() -> None:
    way = functools.partial(module._way_for, True)
    assert way(sha=True, avx2=True, avx512=True).sha
    assert way(sha=False, avx2=True, avx512=False).sha
    assert not way(sha=True, avx2=True, avx512=False).sha
    assert not way(sha=False, avx2=False, avx512=False).sha
    both = (False, True)
    ways = [way(sha=s, avx2=a, avx512=b) for s in both for a in both for b in both]
    assert all(map(operator.attrgetter("lanes"), ways))
    assert not module._way_for(False, sha=False, avx2=True, avx512=True).lanes
