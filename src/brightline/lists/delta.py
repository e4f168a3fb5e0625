"""What one version of a list adds to another, as a list that is searched by itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from brightline import storage
from brightline.lists.collected import TYPES
from brightline.lists.entries import Entries, concatenate
from brightline.lists.indexes import write_indexes
from brightline.lists.manifest import MANIFEST, DeltaManifest
from brightline.lists.provenance import Mask
from brightline.lists.references import open_list
from brightline.lists.segment import Segment
from brightline.lists.snapshot import HashList, delta_folder
from brightline.lists.versions import close_folder, private
from brightline.types import I64, U8, SignalType


def open_delta(workspace_lists: Path, name: str, old: str, new: str) -> HashList:
    """The entries of version `new` of a list that version `old` has not.

    An entry is in it unless `old` has one of the same type, value and category. It is the
    newer version, with its numbers, categories and provenance, of which `len`, `search_exact`,
    `search_pdq`, `numbers` and `entries` are those of the entries added; `since` names the
    older one. It is compiled when it is first opened, and kept beside the versions.

    Versions that share segments are compared only in what they do not share. Raises ListError
    for a version that there is not, and DamagedError if a file of one is damaged.
    """
    before = open_list(workspace_lists, f"{name}@{old}")
    after = open_list(workspace_lists, f"{name}@{new}")
    since = before.manifest.version
    folder = delta_folder(after.path, since)
    if not (folder / MANIFEST).is_file():
        home = workspace_lists / name
        with storage.locked(home / ".lock", f"list {name}", wait=True):
            storage.remove_temporary(folder.parent)
            with private():
                storage.commit_directory(folder, lambda made: _compile(made, before, after))
    return HashList(after.path, since)


def _compile(folder: Path, before: HashList, after: HashList) -> None:
    shared = {segment.folder: segment for segment in before.segments}
    values: dict[SignalType, list[U8]] = {signal: [] for signal in TYPES}
    ids: dict[SignalType, list[I64]] = {signal: [] for signal in TYPES}
    for segment in after.segments:
        entries, numbers = _candidates(segment, shared.get(segment.folder))
        for signal in TYPES:
            of = entries.ids(signal)
            new = ~_present(before, entries, signal)
            values[signal].append(entries.values[signal][new])
            ids[signal].append(numbers[of[new]] + segment.start)
    raw = {t: np.concatenate([np.empty((0, t.width), np.uint8), *values[t]]) for t in TYPES}
    numbered = {t: np.concatenate([np.empty(0, np.int64), *ids[t]]) for t in TYPES}
    write_indexes(folder, raw, numbered, after.manifest.pdq_threshold)
    counts = {str(t): len(raw[t]) for t in TYPES if len(raw[t])}
    manifest = DeltaManifest(sum(counts.values()), counts, close_folder(folder))
    storage.write_atomic(folder / MANIFEST, manifest.to_json())


def _candidates(segment: Segment, older: Segment | None) -> tuple[Entries, I64]:
    """Entries that may be new, with their own numbers; `older` is the same segment before."""
    keep = np.ones(segment.own.entries, np.bool_)
    if older is not None:
        keep[:] = False
        keep[older.removed] = True
    keep[segment.removed] = False
    numbers = np.flatnonzero(keep)
    if not len(numbers):
        return concatenate([]), numbers
    whole = segment.whole()
    return (whole if len(numbers) == len(keep) else whole.select(keep)), numbers


def _present(before: HashList, entries: Entries, signal: SignalType) -> Mask:
    """Which entries of a type the older version has in the same category."""
    found = np.zeros(len(entries.values[signal]), np.bool_)
    query, entry = before.search_exact(signal, entries.values[signal])
    names = (None, *entries.category_names)
    codes = entries.categories[entries.ids(signal)[query]].tolist()
    same = [
        names[code] == category
        for code, category in zip(codes, before.category(entry), strict=True)
    ]
    found[query[np.array(same, np.bool_)]] = True
    return found
