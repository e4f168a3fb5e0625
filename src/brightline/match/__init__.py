"""Signals × list → matches: equality of digests, and radius search over PDQ codes."""

from __future__ import annotations

from brightline.match.delta import DeltaIndex
from brightline.match.exact import ExactIndex
from brightline.match.hamming import HammingIndex
from brightline.match.sifted import SiftedIndex

__all__ = ["DeltaIndex", "ExactIndex", "HammingIndex", "SiftedIndex"]
