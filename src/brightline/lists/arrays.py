"""Reading arrays that a snapshot keeps as `.npy` files (NumPy enhancement proposal 1)."""

from __future__ import annotations

import tokenize
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from brightline.errors import DamagedError


def load(path: Path, *, mapped: bool = False) -> npt.NDArray[Any]:
    """The array in a file, mapped into memory if asked.

    Raises DamagedError for whatever is wrong with its content, OSError if it cannot be read.
    """
    try:
        array: npt.NDArray[Any] = np.load(path, mmap_mode="r" if mapped else None)
    except (ValueError, tokenize.TokenError, SyntaxError, EOFError, OverflowError, TypeError):
        # the header is a Python literal, and its reader raises whatever that needs
        raise DamagedError(
            f"{path} is damaged; restore it from a copy, or import the list again"
        ) from None
    return array
