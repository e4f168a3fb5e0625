"""Compile every kernel once, before workers start that would each wait for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np
import pyarrow as pa

from brightline.kernels import are_warm, note_warm, without_blas
from brightline.match import DeltaIndex, ExactIndex, HammingIndex, SiftedIndex
from brightline.signals.checksums import sha256_many
from brightline.signals.digests import digests_many
from brightline.signals.pdq import pdq
from brightline.signals.resized import pdq_nearest, pdq_thumbnail
from brightline.signals.url_column import url_digests
from brightline.types import PDQ_THRESHOLD

_QUIET_SECONDS = 2.5


def _search() -> None:
    """Every kind of look-up, on lists of the sizes at which the search changes its ways."""
    rng = np.random.default_rng(0)
    for entries in (8, 30_000):
        codes = rng.integers(0, 256, (entries, 32), dtype=np.uint8)
        HammingIndex.build(codes).search(codes[:4], PDQ_THRESHOLD)
        for few in (5_000, 12_000):
            DeltaIndex.build(codes[:few]).search(codes[:4])
        for width in (16, 20, 32):
            values = np.ascontiguousarray(codes[:, :width])
            index = ExactIndex.build(values)
            index.search(values[:4])
            SiftedIndex.over(index).search(values[:4])


def warm(say: Callable[[str], None]) -> None:
    """Compile and cache the kernels, and say so, unless that was done before."""
    if are_warm():
        return
    without_blas()
    started = time.monotonic()
    timer = threading.Timer(
        _QUIET_SECONDS, say, ["compiling numeric kernels, once for this machine; about a minute"]
    )
    timer.daemon = True
    timer.start()
    try:
        grey = np.zeros((96, 96), np.uint8)
        for picture in (
            grey,
            np.dstack([grey] * 3),
            grey[:64, :64],
            np.dstack([grey[:64, :64]] * 3),
        ):
            pdq(picture)
            pdq_nearest(picture)
            pdq_thumbnail(np.ascontiguousarray(np.repeat(picture, 6, axis=0)))
        digests_many([bytes(4096)] * 32)
        sha256_many([grey.ravel()] * 16)
        url_digests(pa.array([b"http://example.org/a"], pa.large_binary()))
        _search()
        note_warm()
    finally:
        timer.cancel()
    elapsed = time.monotonic() - started
    if elapsed > _QUIET_SECONDS:
        say(f"kernels ready after {elapsed:.0f} s; later runs load them from the cache")
