"""The list: entries whose matches are known beforehand, among many that match nothing."""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from brightline.api import hash_bytes
from brightline.demo.pictures import ALTERATIONS
from brightline.types import U8, SignalType

CATEGORIES = ("demo-A", "demo-B")
#: entries made from random numbers, for each type: they are nobody's pictures
_FILLERS = {
    SignalType.MD5: 120,
    SignalType.SHA1: 60,
    SignalType.SHA256: 60,
    SignalType.PDQ: 120,
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the list, and how many items of the corpus it matches."""

    indicator: str
    signal: SignalType
    category: str
    matches: int = 1


@dataclass(slots=True)
class Planting:
    """Gathers entries while the corpus is written."""

    entries: list[Entry] = field(default_factory=list)

    def digest(self, signal: SignalType, data: bytes) -> None:
        """The file's digest of a type, in upper-case hex every other time."""
        text = hashlib.new(signal.value, data).hexdigest()
        self._add(text.upper() if len(self.entries) % 2 else text, signal)

    def altered(self, how: str, pixels: U8, matches: int = 1) -> None:
        """The PDQ of a copy that was altered in one of `pictures.ALTERATIONS`."""
        code = hash_bytes(ALTERATIONS[how](pixels)).pdq
        assert code is not None
        self._add(code.hex(), SignalType.PDQ, matches)

    def address(self, text: str) -> None:
        """An address, as it is written."""
        self._add(text, SignalType.URL)

    def _add(self, indicator: str, signal: SignalType, matches: int = 1) -> None:
        category = CATEGORIES[len(self.entries) % len(CATEGORIES)]
        self.entries.append(Entry(indicator, signal, category, matches))

    def by_signal(self) -> dict[str, int]:
        """The matches to be found, for each type of signal."""
        found: Counter[str] = Counter()
        for entry in self.entries:
            found[entry.signal.value] += entry.matches
        return dict(found)

    def to_csv(self) -> str:
        """The list as `indicator,type,category`, the planted entries somewhere among fillers."""
        rng = np.random.default_rng(20240229)
        lines = [(e.indicator, e.signal.value, e.category) for e in self.entries]
        for signal, count in _FILLERS.items():
            lines += [
                (rng.bytes(signal.width).hex(), signal.value, CATEGORIES[k % len(CATEGORIES)])
                for k in range(count)
            ]
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(("indicator", "type", "category"))
        writer.writerows(lines[k] for k in rng.permutation(len(lines)))
        return out.getvalue()
