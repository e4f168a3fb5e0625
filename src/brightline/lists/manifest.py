"""A version's manifest: what the list is, and the digests of the files that hold it."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from brightline.errors import DamagedError, ListError
from brightline.lists.content import Settings
from brightline.types import Pipeline, Role

MANIFEST = "manifest.json"
FORMAT_VERSION = 2

#: a version's name, which is also its folder's
VERSION = re.compile(r"([0-9]{4,})-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Own:
    """The entries that were compiled with this version and lie in its folder.

    `entries` and `records` are how many there are, later removals or not; `categories` are
    counts in the order of the numbers that the files use; `digest` is
    `content.content_digest` of them.
    """

    entries: int
    records: int
    counts: dict[str, int]
    categories: dict[str, int]
    opaque: dict[str, int]
    digest: str


@dataclass(frozen=True, slots=True)
class SegmentReference:
    """The `Own` entries of a version, this one or an earlier, and how many are removed."""

    version: str
    removed: int = 0
    removed_records: int = 0


@dataclass(frozen=True, slots=True)
class ListManifest:
    """One immutable version of a hash list.

    `version` is the ordinal and the start of the digest, `0001-3f2a9c…`; `digest` is
    `content.version_digest`; `created` is UTC. `entries` and `counts` (by type), `categories`
    (in order of first use; entries without one are in none) and `opaque` (signals by kind) count
    what is not removed, `duplicates` what was left out because it repeats an entry, `skipped`
    the records that gave no entry, by reason. `source_sha256` is of the imported file, or the
    token of the changes; `segments` are where the entries are, in the order of their numbers;
    `own` is None if the version only removes some. `files` maps each file's name in the
    folder, relative, to its SHA-256 in hex.
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
    scheme: str | None = None
    skipped: dict[str, int] = field(default_factory=dict)
    opaque: dict[str, int] = field(default_factory=dict)
    own: Own | None = None
    segments: tuple[SegmentReference, ...] = ()
    format_version: int = FORMAT_VERSION

    @property
    def settings(self) -> Settings:
        """What the list means and how it is matched."""
        return Settings(
            self.role, self.pipeline, self.pdq_threshold, self.pdq_min_quality, self.scheme
        )

    def to_json(self) -> bytes:
        """As `manifest.json` holds it."""
        document: dict[str, Any] = {item.name: getattr(self, item.name) for item in fields(self)}
        # pairs, because the order of categories means something
        document["categories"] = list(self.categories.items())
        document["segments"] = [asdict(segment) for segment in self.segments]
        if self.own is not None:
            document["own"] = {
                **asdict(self.own),
                "categories": list(self.own.categories.items()),
            }
        return json.dumps(document, indent=1).encode("ascii") + b"\n"


@dataclass(frozen=True, slots=True)
class DeltaManifest:
    """What one version adds to another, compiled: entries, by type too, and digests of files."""

    entries: int
    counts: dict[str, int]
    files: dict[str, str]

    def to_json(self) -> bytes:
        """As `manifest.json` holds it."""
        return json.dumps(asdict(self), indent=1).encode("ascii") + b"\n"


def read_delta(folder: Path) -> DeltaManifest:
    """The manifest of a delta's folder; DamagedError if it is missing or not one."""
    path = folder / MANIFEST
    try:
        delta = DeltaManifest(**json.loads(path.read_bytes()))
        if delta.entries != sum(delta.counts.values()) or not isinstance(delta.files, dict):
            raise ValueError(delta)
        return delta
    except (OSError, ValueError, TypeError, AttributeError):
        raise DamagedError(
            f"{path} is missing or damaged; remove {folder}, it is made again when it is needed"
        ) from None


def read_manifest(folder: Path) -> ListManifest:
    """The manifest of the version in a folder, also of one that an earlier Brightline wrote.

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
    except (ValueError, TypeError, KeyError, AttributeError):
        raise DamagedError(
            f"{path} is damaged; remove {folder} and import the list again"
        ) from None


def _from_document(document: dict[str, Any]) -> ListManifest:
    values = dict(document)
    values["role"] = Role(values["role"])
    values["pipeline"] = Pipeline(values["pipeline"])
    for name in ("categories", "counts", "files"):
        values[name] = dict(values[name])
    if values["format_version"] == 1:
        # the version is its only segment, and knows nothing of records
        values["own"] = {
            **{name: values[name] for name in ("entries", "counts", "categories", "digest")},
            "records": 0,
            "opaque": {},
        }
        values["segments"] = [{"version": values["version"]}]
    if values["own"] is not None:
        own = dict(values["own"])
        for name in ("counts", "categories", "opaque"):
            own[name] = dict(own[name])
        values["own"] = Own(**own)
    values["segments"] = tuple(SegmentReference(**segment) for segment in values["segments"])
    for name in ("skipped", "opaque"):
        values[name] = dict(values.get(name, {}))
    manifest = ListManifest(**values)
    _check(manifest)
    return manifest


def _check(manifest: ListManifest) -> None:
    """Raise TypeError or ValueError for a manifest that would mislead its reader."""
    numbers: list[object] = [
        getattr(manifest, name)
        for name in ("entries", "duplicates", "pdq_threshold", "pdq_min_quality", "format_version")
    ]
    for segment in manifest.segments:
        numbers += [segment.removed, segment.removed_records]
        # it becomes a path
        if not VERSION.fullmatch(segment.version):
            raise ValueError(segment)
    if manifest.own is not None:
        numbers += [manifest.own.entries, manifest.own.records]
    if not all(isinstance(number, int) and number >= 0 for number in numbers):
        raise TypeError(numbers)
