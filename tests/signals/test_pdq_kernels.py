"""The 64x64 picture equals a plain statement of the reference's sums, to the last bit."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brightline.kernels import kernel
from brightline.signals import _pdq_kernels as kernels
from brightline.signals._lanes import BLOCK, LANES, advance, transpose
from brightline.signals._pdq_bits import hash_picture
from brightline.types import U8

F32 = npt.NDArray[np.float32]


def means(X: F32) -> F32:
    """Means along each row by a running sum in single precision, one operation after another."""
    n = X.shape[1]
    w = (n + 127) // 128
    reach = (w + 2) // 2
    total = np.zeros(len(X), np.float32)
    out = np.empty_like(X)
    for step in range(n + reach - 1):
        at = step - (reach - 1)
        if step < n:
            total = total + X[:, step]
        if at - (w - reach) > 0:
            total = total - X[:, at - (w - reach) - 1]
        if at >= 0:
            size = min(n, at + reach) - max(0, at - (w - reach))
            out[:, at] = total / np.float32(size)
    return out


def plain(X: U8) -> F32:
    """PDQ's blur, blur and decimate as the reference orders them."""
    if X.shape[2] == 1:
        luma = X[..., 0].astype(np.float32)
    else:
        planes = X.astype(np.float64)
        red, green, blue = planes[..., 0], planes[..., 1], planes[..., 2]
        luma = (red * 0.299 + green * 0.587 + blue * 0.114).astype(np.float32)
    for _ in range(2):
        luma = means(means(luma).T.copy()).T.copy()
    rows, columns = ([int((k + 0.5) * side / 64) for k in range(64)] for side in X.shape[:2])
    return luma[np.ix_(rows, columns)]


def ours(X: U8) -> F32:
    """The same by the kernels, in scratch memory full of what must not matter."""
    X = X.copy()
    X.flags.writeable = False
    A = np.empty((64, 64), np.float32)
    scratch = np.full(kernels.scratch_size(*X.shape), np.nan, np.float32)
    guard = np.full(1000, 7.0, np.float32)
    memory = np.concatenate([scratch, guard])
    rows = np.full(kernels.padded_size(*X.shape[:2]) + 1000, 9, np.uint8)
    kernels.picture(X, memory[: len(scratch)], rows[:-1000], A)
    assert (memory[len(scratch) :] == 7.0).all()
    assert (rows[-1000:] == 9).all()
    return A


def pixels(h: int, w: int, channels: int, seed: int) -> U8:
    rng = np.random.default_rng(seed)
    low = int(rng.integers(0, 255))
    return rng.integers(low, 256, (h, w, channels), dtype=np.uint8)


@given(st.integers(5, 420), st.integers(5, 420), st.sampled_from([1, 3]), st.integers(0, 2**32 - 1))
@settings(max_examples=150, deadline=None)
def test_equals_the_plain_statement(h: int, w: int, channels: int, seed: int) -> None:
    X = pixels(h, w, channels, seed)
    np.testing.assert_array_equal(ours(X), plain(X))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("h", "w"),
    [(5, 5), (63, 64), (64, 65), (65, 95), (128, 129), (192, 193), (512, 384), (600, 1024)]
    + [(1537, 70), (70, 1537), (40, 1536), (1664, 1700), (5, 3000), (3000, 5), (257, 97)],
)
def test_equals_the_plain_statement_at_edges(h: int, w: int, channels: int) -> None:
    X = pixels(h, w, channels, h * w)
    np.testing.assert_array_equal(ours(X), plain(X))


@kernel
def _advanced(scratch: F32, size: float, inverse: float, length: int) -> None:
    advance(scratch, 0, length, 2 * length, np.float32(size), np.float32(inverse), 0, length)


@given(st.integers(1, 400), st.integers(0, 2**32 - 1))
@settings(max_examples=200, deadline=None)
def test_a_mean_is_the_correctly_rounded_quotient(size: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    totals = (rng.random(64 * BLOCK) * 255 * size).astype(np.float32)
    totals[: 16 * BLOCK] = rng.integers(0, 255 * size + 1, 16 * BLOCK)
    totals[-BLOCK:] *= np.float32(2.0**-20)
    scratch = np.concatenate([totals, np.zeros(2 * len(totals), np.float32)])
    _advanced(scratch, size, float(np.float32(1) / np.float32(size)), len(totals))
    np.testing.assert_array_equal(scratch[: len(totals)], totals / np.float32(size))


@kernel
def _turned(source: F32, out: F32) -> None:
    transpose(source, 3, 20, out, 5, 11)


def test_squares_are_turned() -> None:
    source = np.arange(200, dtype=np.float32)
    out = np.zeros(100, np.float32)
    _turned(source, out)
    expected = np.zeros(100, np.float32)
    for i in range(8):
        for j in range(8):
            expected[5 + 11 * j + i] = source[3 + 20 * i + j]
    np.testing.assert_array_equal(out, expected)


def plain_bits(A: F32, D: F32) -> bytes:
    B = np.zeros((16, 16), np.float32)
    T = np.zeros((16, 64), np.float32)
    for k in range(64):
        T += D[:, k : k + 1] * A[k]
    for k in range(64):
        B += T[:, k : k + 1] * D[:, k]
    flat = B.reshape(256)
    set_bits = flat > np.sort(flat)[127]
    return np.packbits(set_bits[::-1]).tobytes()


@pytest.mark.parametrize("kind", ["noise", "flat", "black", "few values", "negative zero"])
def test_bits_are_those_above_the_lower_median(kind: str) -> None:
    from brightline.signals.pdq import _D, _DT

    rng = np.random.default_rng(len(kind))
    D = _D
    for _ in range(20):
        A = (rng.random((64, 64)) * 255).astype(np.float32)
        if kind == "flat":
            A[:] = A[0, 0]
        elif kind == "black":
            A[:] = 0
        elif kind == "few values":
            A = np.kron(A[:8, :8], np.ones((8, 8))).astype(np.float32)
        elif kind == "negative zero":
            D = np.zeros_like(_D)
            D[::2, 0] = -1.0
            A[0] = 0
        out = np.empty(32, np.uint8)
        hash_picture(A, D, np.ascontiguousarray(D.T) if D is not _D else _DT, out)
        assert out.tobytes() == plain_bits(A, D)


def answers() -> str:
    """A digest of what the kernels make of pictures that reach every path."""
    digest = hashlib.sha256()
    for number, (h, w) in enumerate([(9, 300), (64, 64), (427, 640), (200, 1600), (600, 129)]):
        for channels in (1, 3):
            X = pixels(h, w, channels, number)
            A = ours(X)
            np.testing.assert_array_equal(A, plain(X))
            digest.update(A.tobytes())
    return digest.hexdigest()


@pytest.mark.long
@pytest.mark.parametrize("features", ["", "+avx2"])
def test_other_processors(tmp_path: Path, features: str) -> None:
    """Without wide registers and without fused multiply-add."""
    environment = os.environ | {
        "NUMBA_CPU_NAME": "generic",
        "NUMBA_CPU_FEATURES": features,
        "NUMBA_CACHE_DIR": str(tmp_path),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    program = "from tests.signals.test_pdq_kernels import answers; print(answers())"
    other = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert other.stdout.strip() == answers()


def test_lanes_are_whole_blocks() -> None:
    assert LANES % BLOCK == 0
