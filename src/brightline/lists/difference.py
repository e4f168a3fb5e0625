"""What changed between two versions of a list."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from brightline.lists.collected import TYPES
from brightline.lists.entries import Entries, words
from brightline.lists.snapshot import HashList
from brightline.types import SignalType


@dataclass(frozen=True, slots=True)
class ListDiff:
    """Counts of values by type, for each type that either version has.

    A value is `recategorised` if both versions have it and its categories differ.
    """

    added: dict[str, int]
    removed: dict[str, int]
    recategorised: dict[str, int]
    unchanged: dict[str, int]


def diff(old: HashList, new: HashList) -> ListDiff:
    """Compare two snapshots; reads both in full. DamagedError if an entries file is damaged."""
    return compare(old.entries(), new.entries())


def compare(before: Entries, after: Entries) -> ListDiff:
    """`diff` of entries in memory."""
    names = {"": 0}
    for name in (*before.category_names, *after.category_names):
        names.setdefault(name, len(names))
    result = ListDiff({}, {}, {}, {})
    for signal in TYPES:
        if not len(before.values[signal]) and not len(after.values[signal]):
            continue
        counts = _compare_type(before, after, names, signal)
        for column, count in zip(
            (result.added, result.removed, result.recategorised, result.unchanged),
            counts,
            strict=True,
        ):
            column[str(signal)] = count
    return result


def _compare_type(
    before: Entries, after: Entries, names: dict[str, int], signal: SignalType
) -> tuple[int, int, int, int]:
    """Values of one type added, removed, recategorised and unchanged."""
    key = words(np.concatenate([before.values[signal], after.values[signal]]))
    category = np.concatenate(
        [_categories(before, names, signal), _categories(after, names, signal)]
    )
    is_new = np.zeros(len(key), np.bool_)
    is_new[len(before.values[signal]) :] = True
    order = np.lexsort((is_new, category, *key.T[::-1]))
    key, category, is_new = key[order], category[order], is_new[order]
    # records of several origins may say the same: within a version that is said once
    same_pair = np.all(key[1:] == key[:-1], axis=1) & (category[1:] == category[:-1])
    once = np.concatenate(([True], ~(same_pair & (is_new[1:] == is_new[:-1]))))
    key, category, is_new = key[once], category[once], is_new[once]
    same_value = np.concatenate(([False], np.all(key[1:] == key[:-1], axis=1)))
    same_pair = same_value.copy()
    same_pair[1:] &= category[1:] == category[:-1]
    starts = np.flatnonzero(~same_value)
    size = np.add.reduceat(np.ones(len(key), np.int64), starts)
    in_new = np.add.reduceat(is_new.astype(np.int64), starts)
    # a pair of value and category that is met again is in both versions
    shared = np.add.reduceat(same_pair.astype(np.int64), starts)
    added = in_new == size
    removed = in_new == 0
    unchanged = 2 * shared == size
    recategorised = ~(added | removed | unchanged)
    return (
        int(np.count_nonzero(added)),
        int(np.count_nonzero(removed)),
        int(np.count_nonzero(recategorised)),
        int(np.count_nonzero(unchanged)),
    )


def _categories(
    entries: Entries, names: dict[str, int], signal: SignalType
) -> npt.NDArray[np.int64]:
    """Category numbers that both versions share, for the entries of one type."""
    table = np.array([names[name] for name in ("", *entries.category_names)], np.int64)
    return table[entries.categories[entries.ids(signal)]]
