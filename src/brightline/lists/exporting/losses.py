"""What a format cannot hold, counted while a list is written in it."""

from __future__ import annotations

import enum
from collections import Counter
from dataclasses import dataclass, field


class Loss(enum.StrEnum):
    """What does not come back when the file is imported again, and what is counted of it."""

    NO_MD5 = "records without an MD5, which the format needs"
    PARTS = "records with more hashes than are read back"
    TIES = "records whose signals are no longer tied together"
    PROVENANCE = "records whose submitter, id or date is not held"
    OPAQUE = "opaque signals"
    CATEGORIES = "records whose category is no number"
    UNEVEN = "records whose entries differ in category or labels"
    TEXTS = "entries with a label or category that is blank at an end or too long"


@dataclass(slots=True)
class Exported:
    """What was written: entries of `entries`, and what was lost, by kind."""

    entries: int = 0
    written: int = 0
    lost: Counter[Loss] = field(default_factory=Counter)

    def sentences(self) -> list[str]:
        """The losses for people, counts only."""
        found = [f"{loss}: {count}" for loss, count in sorted(self.lost.items())]
        if self.written < self.entries:
            found.insert(0, f"entries not written: {self.entries - self.written} of {self.entries}")
        return found
