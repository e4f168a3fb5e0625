"""What says that an image came from a generator, as evidence and never as a verdict."""

from __future__ import annotations

from brightline.origin.evidence import (
    Claim,
    Contradiction,
    Evidence,
    Examination,
    NotRun,
    Strength,
    summary_counts,
)
from brightline.origin.examine import examine

__all__ = [
    "Claim",
    "Contradiction",
    "Evidence",
    "Examination",
    "NotRun",
    "Strength",
    "examine",
    "summary_counts",
]
