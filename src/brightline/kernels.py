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


def _cache_folder() -> str:
    """A folder for this very source: beside it where we may write, else in the user's cache.

    Empty where neither can be; numba then decides by itself.
    """
    here = Path(__file__).parent
    digest = hashlib.sha256(numba.__version__.encode())
    files = [p for room in _ROOMS for p in sorted((here / room).glob("*.py"))]
    for path in (Path(__file__), *files):
        digest.update(path.read_bytes())
    name = f"kernels-{digest.hexdigest()[:16]}"
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111
    for parent in (here / "__pycache__", Path(home, "brightline")):
        if _is_ours(parent / name):
            return str(parent / name)
    return ""


def _is_ours(folder: Path) -> bool:
    """Whether we can write there and nobody else can: machine code is loaded from it."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
    except OSError:
        return False
    private = status.st_uid == os.getuid() and not status.st_mode & 0o022
    return private and os.access(folder, os.W_OK)


_config: Any = numba.config
if not _config.CACHE_DIR:
    _config.CACHE_DIR = _cache_folder()


def kernel(function: F) -> F:
    """Compile strictly: IEEE order of operations, no fused multiply-add."""
    compiled = numba.njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)(function)
    return cast(F, compiled)
