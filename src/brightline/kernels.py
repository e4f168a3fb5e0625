"""Compiling numeric kernels: one decorator, one cache.

numba caches machine code on disk, so that a kernel compiles once for each machine and is then
loaded by every later run and every worker. It looks only at the kernel's own file for changes,
not at helpers elsewhere that were compiled into it; so the cache's folder is named by a digest
of all files that kernels live in, and stale code can never be loaded.

Only modules that hold kernels import this one.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])

_ROOMS = ("match", "signals")


def _cache_folder() -> Path | None:
    """A folder of the user's own for this very source; None where there cannot be one."""
    here = Path(__file__).parent
    digest = hashlib.sha256(numba.__version__.encode())
    for path in (
        Path(__file__),
        *(p for room in _ROOMS for p in sorted((here / room).glob("*.py"))),
    ):
        digest.update(path.read_bytes())
    try:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        folder = home / "brightline" / f"kernels-{digest.hexdigest()[:16]}"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
    except (OSError, RuntimeError):
        return None
    # machine code is loaded from here: it must be ours to write, and nobody else's
    if status.st_uid != os.getuid() or status.st_mode & 0o022 or not os.access(folder, os.W_OK):
        return None
    return folder


_config: Any = numba.config
if not _config.CACHE_DIR:
    _config.CACHE_DIR = str(_cache_folder() or "")


def kernel(function: F) -> F:
    """Compile strictly: IEEE order of operations, no fused multiply-add."""
    compiled = numba.njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)(function)
    return cast(F, compiled)
