"""Screening images against lists of known illegal material, by hash alone.

The public names; each is loaded on first use, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from brightline._version import __version__

if TYPE_CHECKING:
    from brightline.api import (
        Examination,
        HashList,
        Screener,
        Summary,
        audit,
        examine_origin,
        hash_bytes,
        open_list,
    )
    from brightline.types import Outcome, Signals

_HOME = {
    "Examination": "brightline.api",
    "HashList": "brightline.api",
    "Outcome": "brightline.types",
    "Screener": "brightline.api",
    "Signals": "brightline.types",
    "Summary": "brightline.api",
    "audit": "brightline.api",
    "examine_origin": "brightline.api",
    "hash_bytes": "brightline.api",
    "open_list": "brightline.api",
}

__all__ = [
    "Examination",
    "HashList",
    "Outcome",
    "Screener",
    "Signals",
    "Summary",
    "__version__",
    "audit",
    "examine_origin",
    "hash_bytes",
    "open_list",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'brightline' has no attribute {name!r}")
