"""Hash lists: from a file that a hotline gives to immutable, memory-mapped snapshots."""

from __future__ import annotations

from brightline.lists.difference import ListDiff, diff
from brightline.lists.formats import FORMATS
from brightline.lists.importing import import_list
from brightline.lists.manifest import ListManifest
from brightline.lists.snapshot import HashList, list_names, list_versions, open_list

__all__ = [
    "FORMATS",
    "HashList",
    "ListDiff",
    "ListManifest",
    "diff",
    "import_list",
    "list_names",
    "list_versions",
    "open_list",
]
