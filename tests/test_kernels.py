"""Compiled code is cached apart for each state of the sources it was made from."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import brightline

CODE = "import brightline.kernels, numba; print(numba.config.CACHE_DIR)"


def cache_folder(package: Path, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        env={**os.environ, "PYTHONPATH": str(package.parent), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    package = tmp_path / "lib" / "brightline"
    shutil.copytree(Path(brightline.__file__).parent, package)
    return package


def test_a_helpers_change_is_another_folder(copy: Path, tmp_path: Path) -> None:
    home = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "NUMBA_CACHE_DIR": ""}
    first = cache_folder(copy, **home)
    assert Path(first).parent == copy / "__pycache__"
    assert cache_folder(copy, **home) == first
    helper = copy / "match" / "_cells.py"
    helper.write_text(helper.read_text() + "\n# changed\n")
    assert cache_folder(copy, **home) != first
    assert not (tmp_path / "cache").exists()


def test_folders_that_others_can_write_are_not_used(copy: Path, tmp_path: Path) -> None:
    home = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "NUMBA_CACHE_DIR": ""}
    Path(cache_folder(copy, **home)).chmod(0o777)
    second = Path(cache_folder(copy, **home))
    assert second.parent == tmp_path / "cache" / "brightline"
    second.chmod(0o777)
    assert cache_folder(copy, **home) == ""


def test_a_folder_that_the_user_chose_is_kept(copy: Path, tmp_path: Path) -> None:
    assert cache_folder(copy, NUMBA_CACHE_DIR=str(tmp_path)) == str(tmp_path)


STAMP = """
from brightline import kernels
print(kernels.are_warm())
kernels.note_warm()
print(kernels.are_warm())
"""


def warmth(package: Path, cache: Path, **environment: str) -> list[str]:
    chosen = {"PYTHONPATH": str(package.parent), "NUMBA_CACHE_DIR": str(cache), **environment}
    done = subprocess.run(
        [sys.executable, "-c", STAMP],
        env={**os.environ, **chosen},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


def test_warmth_is_of_one_source_and_one_processor(copy: Path, tmp_path: Path) -> None:
    cache = tmp_path / "chosen"
    cache.mkdir()
    assert warmth(copy, cache) == ["False", "True"]
    assert warmth(copy, cache) == ["True", "True"]
    assert warmth(copy, cache, NUMBA_CPU_NAME="generic") == ["False", "True"]
    helper = copy / "signals" / "_lanes.py"
    helper.write_text(helper.read_text() + "\n# changed\n")
    assert warmth(copy, cache) == ["False", "True"]


BLAS = """
import sys
from brightline.kernels import without_blas
without_blas()
import numba.np.arraymath
print("scipy.linalg" in sys.modules)
import scipy.linalg
print(scipy.linalg.__name__)
"""


def test_blas_is_not_loaded_and_not_in_the_way() -> None:
    pytest.importorskip("scipy")
    done = subprocess.run([sys.executable, "-c", BLAS], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "scipy.linalg"]
