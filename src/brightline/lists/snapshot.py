"""Snapshots: immutable versions of a list, memory-mapped and shared by processes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from brightline import storage
from brightline.errors import DamagedError, ListError
from brightline.lists.entries import U16, Entries, content_digest
from brightline.lists.entries_file import ENTRIES, read_entries_file
from brightline.lists.manifest import MANIFEST, ListManifest, read_manifest
from brightline.match import ExactIndex, HammingIndex
from brightline.types import EXACT_TYPES, I64, SignalType

CATEGORY_FILE = "category.npy"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_VERSION = re.compile(r"([0-9]{4,})-[0-9a-f]{12}")
_ORDINAL = re.compile(r"[0-9]{1,5}")
_DIGEST = re.compile(r"(?:sha256:)?([0-9a-f]{6,64})")


def index_file(signal: SignalType) -> str:
    """The compiled index of one type, a file or folder in the snapshot."""
    return f"{signal}.idx"


def entry_ids_file(signal: SignalType) -> str:
    """Which entry each row of that index is."""
    return f"{signal}.entries.npy"


class HashList:
    """An opened snapshot.

    Opening reads the manifest only; indexes and columns are mapped when first asked for, so
    that workers of one machine share their pages. Pickles as its path.
    """

    def __init__(self, path: Path) -> None:
        """Open the snapshot in a folder; DamagedError if its manifest cannot be read."""
        self.path = path
        self.manifest: ListManifest = read_manifest(path)
        self._exact: dict[SignalType, ExactIndex] = {}
        self._pdq: HammingIndex | None = None
        self._ids: dict[SignalType, I64] = {}
        self._categories: U16 | None = None
        self._names: tuple[str | None, ...] = (None, *self.manifest.categories)

    def __len__(self) -> int:
        return self.manifest.entries

    def __reduce__(self) -> tuple[type[HashList], tuple[Path]]:
        return HashList, (self.path,)

    def exact(self, signal: SignalType) -> ExactIndex | None:
        """The index of an exact type, None if the list has no entry of it.

        Its rows are not entry ids: see `entry_ids`.
        """
        if signal not in EXACT_TYPES or not self._has(signal):
            return None
        if signal not in self._exact:
            self._exact[signal] = ExactIndex.open(self._file(index_file(signal)))
        return self._exact[signal]

    @property
    def pdq(self) -> HammingIndex | None:
        """The index of PDQ hashes, None if the list has none.

        Its rows are not entry ids: see `entry_ids`.
        """
        if not self._has(SignalType.PDQ):
            return None
        if self._pdq is None:
            self._pdq = HammingIndex.open(self._file(index_file(SignalType.PDQ)))
        return self._pdq

    def entry_ids(self, signal: SignalType) -> I64:
        """(rows,) int64: the entry of each row of this type's index."""
        if not self._has(signal):
            return np.empty(0, np.int64)
        if signal not in self._ids:
            self._ids[signal] = np.load(self._file(entry_ids_file(signal)), mmap_mode="r")
        return self._ids[signal]

    def category(self, entries: Sequence[int] | I64) -> list[str | None]:
        """The category of each of these entries, None for those without; touches only them."""
        if self._categories is None:
            # an empty file cannot be mapped
            path = self._file(CATEGORY_FILE)
            self._categories = np.load(path, mmap_mode="r") if len(self) else np.empty(0, "u2")
        codes = self._categories[np.asarray(entries, np.int64)].tolist()
        return [self._names[code] for code in codes]

    def entries(self) -> Entries:
        """All entries, read into memory; DamagedError if their file is damaged."""
        return read_entries_file(self._file(ENTRIES), tuple(self.manifest.categories))

    def verify(self) -> None:
        """Digest every file and the content anew; DamagedError names what is not as it was."""
        expected = self.manifest.files
        found = {
            path.relative_to(self.path).as_posix()
            for path in self.path.rglob("*")
            if path.is_file() and path.name != MANIFEST
        }
        for file in sorted(expected.keys() | found):
            if file not in found:
                raise self._damaged(file, "is missing")
            if storage.sha256_file(self.path / file) != expected.get(file):
                raise self._damaged(file, "is not what the snapshot's manifest says")
        entries = self.entries()
        digest = content_digest(
            entries,
            role=self.manifest.role,
            pipeline=self.manifest.pipeline,
            pdq_threshold=self.manifest.pdq_threshold,
            pdq_min_quality=self.manifest.pdq_min_quality,
        )
        if (
            digest != self.manifest.digest
            or not self.path.name.endswith(f"-{digest.removeprefix('sha256:')[:12]}")
            or len(entries) != self.manifest.entries
            or entries.counts() != self.manifest.counts
            or entries.category_counts() != self.manifest.categories
        ):
            raise self._damaged(MANIFEST, "does not describe the entries beside it")

    def _has(self, signal: SignalType) -> bool:
        return self.manifest.counts.get(signal, 0) > 0

    def _file(self, name: str) -> Path:
        path = self.path / name
        if not path.exists():
            raise self._damaged(name, "is missing")
        return path

    def _damaged(self, file: str, trouble: str) -> DamagedError:
        return DamagedError(
            f"{self.path / file} {trouble}; remove {self.path} and import the list again"
        )


def checked_name(name: str) -> str:
    """The name, if a list can have it; ListError otherwise."""
    if not _NAME.fullmatch(name):
        raise ListError(
            "a list's name is 1 to 64 letters, digits, dots, dashes and underscores, "
            "and starts with a letter or digit"
        )
    return name


def ordinal(version: str) -> int:
    """The number that a version starts with."""
    return int(version.partition("-")[0])


def list_names(root: Path) -> list[str]:
    """The lists that have a version, sorted."""
    if not root.is_dir():
        return []
    return sorted(path.name for path in root.iterdir() if _version_names(path))


def list_versions(root: Path, name: str) -> list[ListManifest]:
    """The versions of a list, oldest first; empty if there is no such list."""
    home = root / checked_name(name)
    return [read_manifest(home / version) for version in _version_names(home)]


def open_list(root: Path, reference: str) -> HashList:
    """Open `NAME` (its newest version), `NAME@VERSION` or `NAME@DIGEST`.

    VERSION may be only its number, DIGEST the first six hex digits or more. Raises ListError,
    naming what there is, if nothing or more than one version is meant.
    """
    name, at, wanted = reference.partition("@")
    home = root / checked_name(name)
    versions = _version_names(home)
    if not versions:
        known = ", ".join(list_names(root))
        raise ListError(
            f"there is no list named {name}; "
            + (f"there are: {known}" if known else "import one with `brightline list import`")
        )
    if not at:
        return HashList(home / versions[-1])
    found = [version for version in versions if _means(home / version, wanted)]
    if len(found) != 1:
        trouble = "more than one version" if found else "no version"
        raise ListError(
            f"list {name} has {trouble} that this reference means; "
            f"its versions are: {', '.join(versions)}"
        )
    return HashList(home / found[0])


def _means(folder: Path, wanted: str) -> bool:
    if folder.name == wanted:
        return True
    if _ORDINAL.fullmatch(wanted):
        return ordinal(folder.name) == int(wanted)
    if digest := _DIGEST.fullmatch(wanted.lower()):
        return read_manifest(folder).digest.startswith(f"sha256:{digest[1]}")
    return False


def _version_names(home: Path) -> list[str]:
    if not home.is_dir():
        return []
    found = (path.name for path in home.iterdir() if _VERSION.fullmatch(path.name))
    return sorted(found, key=lambda version: (ordinal(version), version))
