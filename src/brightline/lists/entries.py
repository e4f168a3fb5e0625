"""The entries of a list as columns: duplicates collapsed, and the digest of their content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from brightline.lists.collected import LABEL_SEPARATOR, TYPES, Collected
from brightline.types import I64, U8, Pipeline, Role, SignalType

U16 = npt.NDArray[np.uint16]

_DIGEST_FORMAT = "brightline-list-1"


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels of the entries that have some, in the order of the entries.

    The labels of entry `entries[k]` end at `ends[k]` in `text`, joined with NUL.
    """

    entries: I64
    ends: I64
    text: bytes

    def items(self) -> Iterator[tuple[int, tuple[str, ...]]]:
        """(entry, its labels)."""
        start = 0
        for entry, end in zip(self.entries.tolist(), self.ends.tolist(), strict=True):
            yield entry, tuple(self.text[start:end].decode("utf-8").split(LABEL_SEPARATOR))
            start = end

    @classmethod
    def pack(cls, labelled: dict[int, tuple[str, ...]]) -> Labels:
        """From a mapping whose keys ascend."""
        texts = [LABEL_SEPARATOR.join(labels).encode("utf-8") for labels in labelled.values()]
        return cls(
            np.fromiter(labelled, np.int64, len(labelled)),
            np.cumsum([len(text) for text in texts], dtype=np.int64),
            b"".join(texts),
        )


@dataclass(frozen=True, slots=True)
class Entries:
    """A list's entries in file order; an entry's id is its position.

    `types` (n,) uint8 codes into `collected.TYPES`; `values[t]` (n of type t, width) uint8 in
    the order of the entries; `categories` (n,) uint16, 0 for none, else the number of a name
    in `category_names` from 1, numbered in order of first use.
    """

    types: U8
    values: dict[SignalType, U8]
    categories: U16
    category_names: tuple[str, ...]
    labels: Labels

    def __len__(self) -> int:
        return len(self.types)

    def ids(self, signal: SignalType) -> I64:
        """Entry ids of one type, ascending: row r of `values[signal]` is entry `ids[r]`."""
        return np.flatnonzero(self.types == TYPES.index(signal)).astype(np.int64, copy=False)

    def counts(self) -> dict[str, int]:
        """Entries of each type that occurs."""
        return {str(t): len(values) for t, values in self.values.items() if len(values)}

    def category_counts(self) -> dict[str, int]:
        """Entries of each category, in the order of their numbers."""
        counts = np.bincount(self.categories, minlength=len(self.category_names) + 1)
        return dict(zip(self.category_names, counts[1:].tolist(), strict=True))


def finish(collected: Collected) -> tuple[Entries, int]:
    """Collapse entries equal in type, value and category; returns how many were left out.

    The first of them stays in its place, with the labels of all.
    """
    types = np.frombuffer(collected.types, np.uint8)
    categories = np.frombuffer(collected.categories, np.uint16)
    keep = np.ones(len(types), np.bool_)
    values: dict[SignalType, U8] = {}
    doubles: list[I64] = []
    originals: list[I64] = []
    for code, signal in enumerate(TYPES):
        rows = np.frombuffer(collected.values[code], np.uint8).reshape(-1, signal.width)
        ids = np.flatnonzero(types == code)
        double, original = _duplicates(rows, categories[ids])
        if len(double):
            keep[ids[double]] = False
            doubles.append(ids[double])
            originals.append(ids[original])
            rows = rows[keep[ids]]
        values[signal] = rows
    if not doubles:
        labels = Labels(
            np.frombuffer(collected.label_entries, np.int64),
            np.frombuffer(collected.label_ends, np.int64),
            bytes(collected.label_text),
        )
        names = tuple(collected.category_names)
        return Entries(types, values, categories, names, labels), 0
    stands_for = np.arange(len(types))
    stands_for[np.concatenate(doubles)] = np.concatenate(originals)
    new_ids = np.cumsum(keep) - 1
    return (
        Entries(
            types[keep],
            values,
            categories[keep],
            tuple(collected.category_names),
            _merge_labels(collected, new_ids[stands_for]),
        ),
        int(np.count_nonzero(~keep)),
    )


def _merge_labels(collected: Collected, entry_of: I64) -> Labels:
    merged: dict[int, dict[str, None]] = {}
    raw = Labels(
        np.frombuffer(collected.label_entries, np.int64),
        np.frombuffer(collected.label_ends, np.int64),
        bytes(collected.label_text),
    )
    for line, labels in raw.items():
        merged.setdefault(int(entry_of[line]), {}).update(dict.fromkeys(labels))
    return Labels.pack({entry: tuple(merged[entry]) for entry in sorted(merged)})


def words(values: U8) -> npt.NDArray[np.uint64]:
    """Values (n, w) as big-endian 64-bit words (n, ⌈w/8⌉), so that sorting is a few passes."""
    n, width = values.shape
    if width % 8:
        padded = np.zeros((n, -(-width // 8) * 8), np.uint8)
        padded[:, :width] = values
        values = padded
    return np.ascontiguousarray(values).view(">u8").astype(np.uint64)


def _duplicates(values: U8, categories: U16) -> tuple[I64, I64]:
    """Rows equal to an earlier one in value and category, and for each the first such row."""
    # digests hardly ever share 8 bytes: only rows that do are compared in full
    first = words(values[:, :8])[:, 0]
    order = np.argsort(first, kind="stable")
    first = first[order]
    equal = first[1:] == first[:-1]
    near = np.zeros(len(order), np.bool_)
    near[1:] |= equal
    near[:-1] |= equal
    rows = np.sort(order[near])
    key, category = words(values[rows]), categories[rows]
    by_value = np.lexsort((category, *key.T[::-1]))
    rows, key, category = rows[by_value], key[by_value], category[by_value]
    same = np.all(key[1:] == key[:-1], axis=1) & (category[1:] == category[:-1])
    is_first = np.concatenate(([True], ~same))
    starts = np.flatnonzero(is_first)
    group = np.cumsum(is_first) - 1
    double = np.flatnonzero(same) + 1
    return rows[double], rows[starts[group[double]]]


def content_digest(
    entries: Entries, *, role: Role, pipeline: Pipeline, pdq_threshold: int, pdq_min_quality: int
) -> str:
    """`sha256:` and the hex SHA-256 of what a list says and how it is to be matched.

    It does not depend on the list's name, the file's name or format, or the date. Hashed are,
    one after another:

    1. a JSON object with sorted keys, no spaces and ASCII escapes, and a line feed:
       `categories` (names in order of first use), `entries` (n), `format`
       ("brightline-list-1"), `pdq_min_quality`, `pdq_threshold`, `pipeline`, `role`;
    2. n bytes: the type of each entry, 0 md5, 1 sha1, 2 sha256, 3 pdq, 4 url;
    3. n little-endian 16-bit numbers: the category of each entry, 0 for none, else its
       position among the names from 1;
    4. for each type in that order, the values of its entries;
    5. for each entry with labels a JSON array `[entry, label, …]`, spelt likewise, and a line
       feed.

    Entries count from 0 and stand in file order, because findings name entries by number.
    """
    head = {
        "categories": entries.category_names,
        "entries": len(entries),
        "format": _DIGEST_FORMAT,
        "pdq_min_quality": pdq_min_quality,
        "pdq_threshold": pdq_threshold,
        "pipeline": str(pipeline),
        "role": str(role),
    }
    sha = hashlib.sha256(_json_line(head))
    sha.update(entries.types.data)
    sha.update(np.ascontiguousarray(entries.categories.astype("<u2", copy=False)).data)
    for signal in TYPES:
        if len(entries.values[signal]):
            sha.update(np.ascontiguousarray(entries.values[signal]).data)
    for entry, labels in entries.labels.items():
        sha.update(_json_line([entry, *labels]))
    return f"sha256:{sha.hexdigest()}"


def _json_line(document: object) -> bytes:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return text.encode("ascii") + b"\n"
