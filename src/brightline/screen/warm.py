"""Compile every kernel once, before workers start that would each wait for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np

from brightline.match import warm_up
from brightline.signals.pdq import pdq

_QUIET_SECONDS = 2.5


def warm(say: Callable[[str], None]) -> None:
    """Load the kernels from the cache, or compile and cache them and say so."""
    started = time.monotonic()
    timer = threading.Timer(
        _QUIET_SECONDS, say, ["compiling numeric kernels, once for this machine; about a minute"]
    )
    timer.daemon = True
    timer.start()
    try:
        ramp = np.arange(150 * 140, dtype=np.uint32).astype(np.uint8).reshape(150, 140)
        for picture in (ramp, np.dstack([ramp, ramp.T[:140].repeat(2, 0)[:150, :140], ramp])):
            pdq(picture, turned=True)
            pdq(np.zeros_like(picture))
            pdq(picture[:64, :64])
        warm_up()
    finally:
        timer.cancel()
    elapsed = time.monotonic() - started
    if elapsed > _QUIET_SECONDS:
        say(f"kernels ready after {elapsed:.0f} s; later runs load them from the cache")
