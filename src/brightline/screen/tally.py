"""Counting what became of every item: sums that add up over shards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, assert_never

from brightline.origin import Examination, summary_counts
from brightline.screen.examining import NotExamined
from brightline.types import (
    PDQ_MIN_QUALITY,
    ExactOnly,
    Failed,
    Kind,
    Match,
    Outcome,
    Reason,
    Role,
    Screened,
    Signals,
    Skipped,
)

_PIXELS = (
    (0.1, "<0.1 MP"),
    (0.5, "0.1–0.5 MP"),
    (1.0, "0.5–1 MP"),
    (4.0, "1–4 MP"),
    (16.0, "4–16 MP"),
    (64.0, "16–64 MP"),
    (float("inf"), "≥64 MP"),
)
_BYTES = (
    (1e4, "<10 kB"),
    (1e5, "10–100 kB"),
    (1e6, "0.1–1 MB"),
    (1e7, "1–10 MB"),
    (float("inf"), "≥10 MB"),
)
_QUALITY = tuple(f"{low}–{low + 9 if low < 90 else 100}" for low in range(0, 100, 10))

_ORDER = {
    "pixels": [label for _, label in _PIXELS],
    "bytes_histogram": [label for _, label in _BYTES],
    "pdq_quality": list(_QUALITY),
}

REASONS = {reason.code: reason for reason in Reason}


def _bucket(buckets: tuple[tuple[float, str], ...], value: float) -> str:
    return next(label for limit, label in buckets if value < limit)


def kind_of(outcome: Outcome) -> tuple[Kind, Reason | None]:
    """How an outcome is accounted for."""
    match outcome:
        case Screened():
            return Kind.SCREENED, None
        case ExactOnly():
            return Kind.EXACT_ONLY, outcome.reason
        case Skipped():
            return Kind.SKIPPED, outcome.reason
        case Failed():
            return Kind.FAILED, outcome.reason
        case _:
            assert_never(outcome)


#: counters by their name in JSON
_COUNTERS = (
    "kinds",
    "reasons",
    "notes",
    "media_types",
    "pixels",
    "bytes_histogram",
    "pdq_quality",
    "by_list",
    "by_signal",
    "by_distance",
    "by_via",
    "by_category",
    "by_role",
)
#: of examinations: written only where there are any, so that runs without stay as they were
_ORIGIN_COUNTERS = (
    "origin_counts",
    "origin_claims",
    "origin_contradictions",
    "origin_notes",
    "origin_not_examined",
)


@dataclass(slots=True)
class Tally:
    """Counters by name, plus the numbers that are not counters."""

    counters: dict[str, Counter[str]] = field(
        default_factory=lambda: {name: Counter() for name in _COUNTERS + _ORIGIN_COUNTERS}
    )
    items: int = 0
    bytes: int = 0
    matched_items: int = 0
    below_quality: int = 0

    def add(self, outcome: Outcome, size: int) -> None:
        """Count one item of `size` bytes."""
        kind, reason = kind_of(outcome)
        self.items += 1
        self.bytes += size
        self.counters["kinds"][kind] += 1
        if reason is not None:
            self.counters["reasons"][reason.code] += 1
        if outcome.signals is not None:
            self._add_signals(outcome.signals, size)

    def add_many(self, count: int, reason: Reason) -> None:
        """Count items without bytes that share a reason."""
        if count:
            self.items += count
            self.counters["kinds"][reason.kind] += count
            self.counters["reasons"][reason.code] += count

    def _add_signals(self, signals: Signals, size: int) -> None:
        counters = self.counters
        counters["media_types"][signals.media_type] += 1
        counters["bytes_histogram"][_bucket(_BYTES, size)] += 1
        for note in signals.notes:
            counters["notes"][note] += 1
        if signals.width is not None and signals.height is not None:
            megapixels = signals.width * signals.height / 1e6
            counters["pixels"][_bucket(_PIXELS, megapixels)] += 1
        if signals.pdq_quality is not None:
            counters["pdq_quality"][_QUALITY[min(signals.pdq_quality // 10, 9)]] += 1
            self.below_quality += signals.pdq_quality < PDQ_MIN_QUALITY

    def add_matches(self, matches: Iterable[tuple[int, Match]]) -> None:
        """Count matches, each with its item's number; all of an item must come at once."""
        bad_items = set()
        for owner, match in matches:
            self.counters["by_role"][match.role] += 1
            if match.role is not Role.KNOWN_BAD:
                continue
            bad_items.add(owner)
            self.counters["by_list"][f"{match.list}@{match.list_version}"] += 1
            self.counters["by_signal"][match.signal] += 1
            self.counters["by_distance"][str(match.distance)] += 1
            self.counters["by_via"][match.via] += 1
            if match.category is not None:
                self.counters["by_category"][match.category] += 1
        self.matched_items += len(bad_items)

    def add_examination(self, seen: Examination | NotExamined, count: int = 1) -> None:
        """Count what was found out about an item's origin, or so many that were not examined.

        A claim counts once an item, at the strongest evidence for it, as `claim/strength`.
        """
        if isinstance(seen, NotExamined):
            self.counters["origin_not_examined"][seen] += count
            return
        counts = summary_counts([seen])
        for name in ("examined", "no_evidence"):
            self.counters["origin_counts"][name] += count * counts[name]
        for claim, strengths in counts["claims"].items():
            for strength in strengths:
                self.counters["origin_claims"][f"{claim}/{strength}"] += count
        for name in counts["contradictions"]:
            self.counters["origin_contradictions"][name] += count
        for note in seen.notes:
            # what follows a colon is of the file, not of the walker
            self.counters["origin_notes"][note.partition(":")[0]] += count

    def merge(self, document: dict[str, Any]) -> None:
        """Add what another tally's `to_json` gave."""
        for name, counts in document["counters"].items():
            self.counters[name].update(counts)
        self.items += document["items"]
        self.bytes += document["bytes"]
        self.matched_items += document["matched_items"]
        self.below_quality += document["below_quality"]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, in a fixed order."""
        return {
            "items": self.items,
            "bytes": self.bytes,
            "matched_items": self.matched_items,
            "below_quality": self.below_quality,
            "counters": {
                name: ordered(name, counter)
                for name, counter in sorted(self.counters.items())
                if counter or name not in _ORIGIN_COUNTERS
            },
        }

    @property
    def gaps(self) -> int:
        """Items of which something that could hold a picture was not screened in full."""
        return sum(n for code, n in self.counters["reasons"].items() if REASONS[code].gap)


def ordered(name: str, counter: Counter[str]) -> dict[str, int]:
    """A counter as a dict: histograms from low to high, distances as numbers, else by name."""
    if name in _ORDER:
        return {label: counter[label] for label in _ORDER[name] if counter[label]}
    if name == "by_distance":
        return {key: counter[key] for key in sorted(counter, key=int) if counter[key]}
    return {str(key): counter[key] for key in sorted(counter) if counter[key]}
