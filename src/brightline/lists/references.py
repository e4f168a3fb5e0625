"""Lists by name: which there are, which versions they have, and what a reference means."""

from __future__ import annotations

import re
from pathlib import Path

from brightline.errors import ListError
from brightline.lists.manifest import VERSION, ListManifest, read_manifest
from brightline.lists.snapshot import HashList

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_ORDINAL = re.compile(r"[0-9]{1,5}")
_DIGEST = re.compile(r"(?:sha256:)?([0-9a-f]{6,64})")


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
    found = (path.name for path in home.iterdir() if VERSION.fullmatch(path.name))
    return sorted(found, key=lambda version: (ordinal(version), version))
