"""Hot kernels hold no reference counting: it costs more than what they do."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

from brightline.kernels import leaf

MODULES = ("_cells", "_codes", "_delta", "_probe", "_scan", "_slots", "exact")


def test_a_leaf_may_not_make_an_array() -> None:
    @leaf
    def makes(count: int) -> Any:
        return np.empty(count, np.int64)

    with pytest.raises(Exception, match="array"):
        makes(3)


@pytest.mark.parametrize("name", MODULES)
def test_kernels_that_are_called_by_kernels_are_leaves(name: str) -> None:
    """Whatever a kernel hands arrays to must be one; `_scan.grown` returns an array."""
    module = importlib.import_module(f"brightline.match.{name}")
    for attribute, function in vars(module).items():
        options = getattr(function, "targetoptions", None)
        if options is not None and attribute not in ("probe", "scan", "probe_rows", "grown"):
            assert options.get("_nrt") is False, attribute
