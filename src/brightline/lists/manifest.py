"""A snapshot's manifest: what the list is, and the digests of the files that hold it."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from brightline.errors import DamagedError, ListError
from brightline.types import Pipeline, Role

MANIFEST = "manifest.json"
FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class ListManifest:
    """One immutable version of a hash list.

    `version` is the ordinal and the start of the digest, `0001-3f2a9c…`; `digest` is
    `sha256:…` over the content (`entries.content_digest`); `created` is UTC. `counts` are
    entries by type, `categories` by category in the order of their numbers (entries without
    one are in neither), `duplicates` lines left out because they repeat an entry.
    `source_sha256` is of the imported file; `files` maps each file's name in the snapshot,
    relative, to its SHA-256 in hex.
    """

    name: str
    version: str
    digest: str
    created: str
    role: Role
    pipeline: Pipeline
    pdq_threshold: int
    pdq_min_quality: int
    entries: int
    duplicates: int
    counts: dict[str, int]
    categories: dict[str, int]
    source_sha256: str
    source_format: str
    files: dict[str, str]
    format_version: int = FORMAT_VERSION

    def to_json(self) -> bytes:
        """As `manifest.json` holds it."""
        document = {item.name: getattr(self, item.name) for item in fields(self)}
        # pairs, because the order of categories means something
        document["categories"] = list(self.categories.items())
        return json.dumps(document, indent=1).encode("ascii") + b"\n"


def read_manifest(folder: Path) -> ListManifest:
    """The manifest of the snapshot in a folder.

    Raises DamagedError if it is missing or not a manifest, and ListError if a newer version
    of Brightline wrote it.
    """
    path = folder / MANIFEST
    try:
        document = json.loads(path.read_bytes())
        version = document["format_version"]
        if isinstance(version, int) and version > FORMAT_VERSION:
            raise ListError(f"{folder} was written by a newer Brightline; use that or a later one")
        return _from_document(document)
    except OSError as error:
        raise DamagedError(
            f"cannot read {path}: {error.strerror}; remove {folder} and import the list again"
        ) from None
    except (ValueError, TypeError, KeyError):
        raise DamagedError(
            f"{path} is damaged; remove {folder} and import the list again"
        ) from None


def _from_document(document: dict[str, Any]) -> ListManifest:
    values = dict(document)
    values["role"] = Role(values["role"])
    values["pipeline"] = Pipeline(values["pipeline"])
    values["categories"] = dict(values["categories"])
    for name in ("counts", "files"):
        values[name] = dict(values[name])
    manifest = ListManifest(**values)
    for name in ("entries", "duplicates", "pdq_threshold", "pdq_min_quality", "format_version"):
        if not isinstance(values[name], int):
            raise TypeError(name)
    return manifest
