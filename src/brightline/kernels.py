"""Compiling numeric kernels: one decorator, one cache, one place that says it out loud.

numba caches machine code on disk, so that a kernel compiles once for each machine and is then
loaded by every later run and every worker. Only modules that hold kernels import this one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])

#: float operations keep the order they are written in: results may not depend on the CPU
KERNELS: list[Any] = []


def kernel(function: F) -> F:
    """Compile strictly: IEEE order of operations, no fused multiply-add."""
    compiled = numba.njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)(function)
    KERNELS.append(compiled)
    return cast(F, compiled)


def inline(function: F) -> F:
    """A helper that is inlined into the kernels that call it."""
    return cast(
        F, numba.njit(cache=True, nogil=True, error_model="numpy", inline="always")(function)
    )
