"""Hash lists: from a file that a hotline gives to immutable, memory-mapped snapshots."""

from __future__ import annotations

from brightline.lists.changes import Added, Change, Removed, apply_changes
from brightline.lists.conflicts import Conflict, ConflictKind, conflicting_entries, conflicts
from brightline.lists.content import Settings
from brightline.lists.delta import open_delta
from brightline.lists.difference import ListDiff, diff
from brightline.lists.formats import FORMATS
from brightline.lists.importing import import_list
from brightline.lists.manifest import ListManifest
from brightline.lists.matchers import OpaqueMatcher, load_matcher, matcher_kinds
from brightline.lists.provenance import Provenance
from brightline.lists.references import list_names, list_versions, open_list
from brightline.lists.schemes import Scheme, find_scheme, load_schemes
from brightline.lists.snapshot import HashList, OpaqueSignal

__all__ = [
    "FORMATS",
    "Added",
    "Change",
    "Conflict",
    "ConflictKind",
    "HashList",
    "ListDiff",
    "ListManifest",
    "OpaqueMatcher",
    "OpaqueSignal",
    "Provenance",
    "Removed",
    "Scheme",
    "Settings",
    "apply_changes",
    "conflicting_entries",
    "conflicts",
    "diff",
    "find_scheme",
    "import_list",
    "list_names",
    "list_versions",
    "load_matcher",
    "load_schemes",
    "matcher_kinds",
    "open_delta",
    "open_list",
]
