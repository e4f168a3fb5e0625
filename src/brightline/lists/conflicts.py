"""Where lists contradict each other, in counts; and the entries themselves, to be sealed.

Two kinds are looked for, by equality of values (PDQ codes too: nearness is no contradiction):

- *role*: a value is known-bad on one list and known-good on another;
- *category*: two lists of one scheme both categorise a value, and not alike. A list may have a
  value in several categories; then the sets of them are compared, and the list contradicts
  itself too. Uncategorised contradicts nothing. Lists of which no scheme is known are taken to
  have one: the categories are compared as they are written.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from brightline.lists.collected import TYPES
from brightline.lists.provenance import Mask
from brightline.lists.snapshot import HashList
from brightline.types import I64, U8, SignalType


class ConflictKind(enum.StrEnum):
    """How two lists contradict each other."""

    ROLE = "role"
    CATEGORY = "category"


@dataclass(frozen=True, slots=True)
class Conflict:
    """How many values two lists (`NAME@VERSION`) contradict each other on, by type.

    `first` and `second` are the same for a list that contradicts itself.
    """

    kind: ConflictKind
    first: str
    second: str
    values: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Shared:
    """Values that two lists share.

    Pair p says that entry `entries[0][p]` of the first list equals entry `entries[1][p]` of
    the second; `value[p]` numbers the value, which row `row[p]` of `values` holds.
    """

    values: U8
    row: I64
    value: I64
    entries: tuple[I64, I64]


def conflicts(lists: Sequence[HashList]) -> list[Conflict]:
    """Count how lists contradict each other and themselves.

    Of two lists every kind that could be, also 0; of one only what there is. Reads the
    smaller list of each pair into memory. DamagedError if a file is damaged.
    """
    found = []
    for first, second, kinds in _comparable(lists):
        values: dict[ConflictKind, dict[str, int]] = {kind: {} for kind in kinds}
        for signal, shared in _shared(first, second):
            for kind in kinds:
                count = len(np.unique(shared.value[_contradicting(kind, first, second, shared)]))
                if count:
                    values[kind][str(signal)] = count
        found += [
            Conflict(kind, _reference(first), _reference(second), values[kind])
            for kind in kinds
            if values[kind] or first is not second
        ]
    return found


def conflicting_entries(lists: Sequence[HashList]) -> Iterator[dict[str, Any]]:
    """Every contradicting value with what each list says of it: for sealing, never for output.

    A line has `conflict`, `signal`, `value` in hex, and `lists` with `list`, `version`, `role`,
    `entries` and `categories`: two of them, or the one that contradicts itself.
    """
    for first, second, kinds in _comparable(lists):
        opened = (first,) if first is second else (first, second)
        for signal, shared in _shared(first, second):
            for kind in kinds:
                places = np.flatnonzero(_contradicting(kind, first, second, shared))
                order = places[np.argsort(shared.value[places], kind="stable")]
                numbers = shared.value[order]
                for group in np.split(order, np.flatnonzero(np.diff(numbers)) + 1):
                    if not len(group):
                        continue
                    yield {
                        "conflict": str(kind),
                        "signal": str(signal),
                        "value": shared.values[shared.row[group[0]]].tobytes().hex(),
                        "lists": [
                            _side(one, np.unique(entries[group]))
                            for one, entries in zip(opened, shared.entries, strict=False)
                        ],
                    }


def _side(opened: HashList, entries: I64) -> dict[str, Any]:
    return {
        "list": opened.manifest.name,
        "version": opened.manifest.version,
        "role": str(opened.manifest.role),
        "entries": entries.tolist(),
        "categories": opened.category(entries),
    }


def _comparable(
    lists: Sequence[HashList],
) -> Iterator[tuple[HashList, HashList, list[ConflictKind]]]:
    """Pairs of lists that could contradict each other, and lists that could themselves."""
    for opened in lists:
        if len(opened.manifest.categories) > 1:
            yield opened, opened, [ConflictKind.CATEGORY]
    for first, second in combinations(lists, 2):
        one, other = first.manifest, second.manifest
        kinds = []
        if one.role is not other.role:
            kinds.append(ConflictKind.ROLE)
        if one.scheme == other.scheme and one.categories and other.categories:
            kinds.append(ConflictKind.CATEGORY)
        if kinds:
            yield first, second, kinds


def _shared(first: HashList, second: HashList) -> Iterator[tuple[SignalType, _Shared]]:
    swapped = len(first) > len(second)
    small, large = (second, first) if swapped else (first, second)
    entries = small.entries()
    numbers = small.numbers()
    for signal in TYPES:
        values = entries.values[signal]
        row, there = large.search_exact(signal, values)
        here = numbers[entries.ids(signal)[row]]
        # all rows with one value meet the same entries: the first of these numbers the value
        starts = np.flatnonzero(np.diff(row, prepend=-1))
        value = np.repeat(there[starts], np.diff(np.append(starts, len(row))))
        yield (
            signal,
            _Shared(values, row, value, (there, here) if swapped else (here, there)),
        )


def _contradicting(kind: ConflictKind, first: HashList, second: HashList, shared: _Shared) -> Mask:
    """Which pairs are of values that the lists contradict each other on."""
    if kind is ConflictKind.ROLE:
        return np.ones(len(shared.value), np.bool_)
    names: dict[str | None, int] = {None: 0}
    sides = []
    for opened, entries in zip((first, second), shared.entries, strict=True):
        codes = [names.setdefault(name, len(names)) for name in opened.category(entries)]
        sides.append(np.array(codes, np.int64))
    if first is second:
        told = np.unique((shared.value * len(names) + sides[0])[sides[0] > 0]) // len(names)
        several = told[1:][told[1:] == told[:-1]]
        within: Mask = np.isin(shared.value, several)
        return within
    # a value and a category of it as one number
    one, other = (np.unique((shared.value * len(names) + side)[side > 0]) for side in sides)
    both = np.intersect1d(one // len(names), other // len(names))
    differs = np.intersect1d(np.setxor1d(one, other) // len(names), both)
    found: Mask = np.isin(shared.value, differs)
    return found


def _reference(opened: HashList) -> str:
    return f"{opened.manifest.name}@{opened.manifest.version}"
