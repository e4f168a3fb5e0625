"""Which of a run's matched files go into a case file: `--select`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from brightline.referral.casefile import CaseItem
from brightline.referral.errors import ReferralError
from brightline.types import SignalType

_RANGE = re.compile(r"(\d{1,9})(?:-(\d{1,9}))?")
_UNREFERRED = "unreferred"
_WORDS = ("list=NAME[@VERSION]", "signal=NAME", "category=NAME", "items=1-10,14", _UNREFERRED)


@dataclass(frozen=True, slots=True)
class Selection:
    """What a file must have: each kind of word narrows, words of one kind widen.

    `unreferred`: only files that no other referral has; `takes` does not know that.
    """

    lists: tuple[tuple[str, str | None], ...] = ()
    signals: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    ranges: tuple[tuple[int, int], ...] = ()
    unreferred: bool = False

    def takes(self, item: CaseItem) -> bool:
        """Whether a file, numbered among all of the run's matched files, is selected."""
        if self.ranges and not any(a <= item.number <= b for a, b in self.ranges):
            return False
        return any(
            (not self.signals or o.signal in self.signals)
            and (not self.categories or o.category in self.categories)
            and (
                not self.lists
                or any(o.list == n and v in (None, o.list_version) for n, v in self.lists)
            )
            for o in item.observations
        )


def parse_selection(words: Sequence[str]) -> Selection:
    """`list=…`, `signal=…`, `category=…`, `items=…`, `unreferred`, in any number; ReferralError
    otherwise."""
    chosen = Selection()
    for word in words:
        if word == _UNREFERRED:
            chosen = replace(chosen, unreferred=True)
            continue
        key, _, value = word.partition("=")
        if not value:
            raise ReferralError(f"--select takes {', '.join(_WORDS)}")
        match key:
            case "list":
                name, _, version = value.partition("@")
                chosen = replace(chosen, lists=(*chosen.lists, (name, version or None)))
            case "signal" if value in set(SignalType):
                chosen = replace(chosen, signals=chosen.signals | {value})
            case "category":
                chosen = replace(chosen, categories=chosen.categories | {value})
            case "items":
                chosen = replace(chosen, ranges=(*chosen.ranges, *_ranges(value)))
            case _:
                raise ReferralError(f"--select takes {', '.join(_WORDS)}")
    return chosen


def _ranges(text: str) -> list[tuple[int, int]]:
    found = []
    for piece in text.split(","):
        match = _RANGE.fullmatch(piece.strip())
        if match is None:
            raise ReferralError("--select items= takes numbers and ranges, such as 1-10,14")
        first = int(match[1])
        last = int(match[2] or first)
        if first < 1 or last < first:
            raise ReferralError("--select items= counts from 1, and a range runs upwards")
        found.append((first, last))
    return found
