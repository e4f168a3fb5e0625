"""Compiling numeric kernels: one decorator, one cache.

numba caches machine code on disk, so that a kernel compiles once for each machine and is then
loaded by every later run and every worker. It looks only at the kernel's own file for changes,
not at helpers elsewhere that were compiled into it; so the cache's folder is named by a digest
of all files that kernels live in, and stale code can never be loaded.

Only modules that hold kernels import this one.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import llvmlite.binding
import numba

F = TypeVar("F", bound=Callable[..., Any])

_WARM = "warm"
_BLAS = "scipy.linalg"
_ROOMS = ("match", "signals")


def _sources() -> str:
    """A digest of all files that kernels live in, and of numba's version."""
    here = Path(__file__).parent
    digest = hashlib.sha256(numba.__version__.encode())
    files = [p for room in _ROOMS for p in sorted((here / room).glob("*.py"))]
    for path in (Path(__file__), *files):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _cache_folder() -> str:
    """A folder for this very source: beside it where we may write, else in the user's cache.

    Empty where neither can be; numba then decides by itself.
    """
    here = Path(__file__).parent
    name = f"kernels-{_DIGEST}"
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


_DIGEST = _sources()
_config: Any = numba.config
if not _config.CACHE_DIR:
    _config.CACHE_DIR = _cache_folder()


def kernel(function: F) -> F:
    """Compile strictly: IEEE order of operations, no fused multiply-add."""
    compiled = numba.njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)(function)
    return cast(F, compiled)


def leaf(function: F) -> F:
    """Compile as `kernel` does, without the counting of references.

    For a function that neither makes an array nor returns one; another is refused when it is
    compiled. numba counts the references to an array with atomic instructions at every call that
    passes one on, and takes them out again only where it can prove that they cancel; in an inner
    loop they can cost more than the work (partitioning ten million codes: 0.44 s with them, 0.18 s
    without). `_nrt` is numba's own option, used for its own helpers.
    """
    options: dict[str, Any] = {"_nrt": False}  # not among the options that numba declares
    compiled = numba.njit(
        cache=True, nogil=True, error_model="numpy", boundscheck=False, **options
    )(function)
    return cast(F, compiled)


def without_blas() -> None:
    """Spare this process what numba loads of SciPy, where that is installed, for BLAS.

    No kernel of ours uses it, and it takes a third of the time to the first one. For processes
    of our own only: other people's numba functions in the same process would miss it.
    """
    if _BLAS in sys.modules or "numba.np.arraymath" in sys.modules:
        return
    sys.modules[_BLAS] = cast(Any, None)  # an import of it now fails
    try:
        importlib.import_module("numba.np.arraymath")
    finally:
        del sys.modules[_BLAS]


def _stamp() -> Path | None:
    """The file that says that this very processor's kernels are all in the cache."""
    folder = _config.CACHE_DIR
    if not folder:
        return None
    host = llvmlite.binding.get_host_cpu_name(), llvmlite.binding.get_host_cpu_features().flatten()
    asked = _config.CPU_NAME, _config.CPU_FEATURES, sys.version, _DIGEST
    return Path(folder, f"{_WARM}-{hashlib.sha256(repr((host, asked)).encode()).hexdigest()[:16]}")


def are_warm() -> bool:
    """Whether `note_warm` was called for these kernels and this processor."""
    stamp = _stamp()
    return stamp is not None and stamp.is_file()


def note_warm() -> None:
    """Note that every kernel was compiled and cached."""
    stamp = _stamp()
    if stamp is not None and stamp.parent.is_dir():
        stamp.touch()
