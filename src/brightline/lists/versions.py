"""Making a version: its digest, its files, its manifest, committed together or not at all."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from brightline import storage
from brightline.errors import ListError
from brightline.lists.content import (
    SegmentContent,
    Settings,
    content_digest,
    version_digest,
)
from brightline.lists.entries import Entries
from brightline.lists.manifest import MANIFEST, ListManifest, Own, SegmentReference
from brightline.lists.references import ordinal
from brightline.lists.scratch import IN_MEMORY, Scratch
from brightline.lists.segment import Segment, own_facts, write_segment
from brightline.lists.snapshot import category_counts, removed_file, removed_records_file

_MAX_BITS = 256
_NONE = np.empty(0, np.uint32)


@dataclass(frozen=True, slots=True)
class Draft:
    """A version before it has a name.

    `segments` are those of earlier versions that it keeps, with what it removes of them; `own`
    are the entries that follow on them, None if there are none.
    """

    settings: Settings
    segments: tuple[Segment, ...]
    own: Entries | None
    duplicates: int
    skipped: Mapping[str, int]
    source_sha256: str
    source_format: str


def check_settings(settings: Settings) -> None:
    """Raise ListError for a threshold or quality out of range."""
    if not 0 <= settings.pdq_threshold <= _MAX_BITS:
        raise ListError(f"a PDQ threshold is 0 to {_MAX_BITS} bits, not {settings.pdq_threshold}")
    if not 0 <= settings.pdq_min_quality <= 100:
        raise ListError(f"a PDQ quality is 0 to 100, not {settings.pdq_min_quality}")


def commit_version(
    home: Path,
    draft: Draft,
    present: Sequence[ListManifest],
    known: Sequence[ListManifest],
    scratch: Scratch = IN_MEMORY,
) -> tuple[ListManifest, bool]:
    """Make the next version in the list's folder, whose lock the caller holds.

    `present` are its versions, oldest first. If one of `known` has the very content of the
    draft, that is returned and nothing is written. Returns the manifest and whether it is new.
    """
    own_digest = None if draft.own is None else content_digest(draft.own, draft.settings)
    digest = _digest(draft, own_digest)
    for manifest in known:
        if manifest.digest == digest:
            return manifest, False
    number = ordinal(present[-1].version) + 1 if present else 1
    version = f"{number:04d}-{digest.removeprefix('sha256:')[:12]}"
    own = None if draft.own is None else own_facts(draft.own, own_digest or "")
    manifest = _manifest(home.name, version, digest, draft, own)

    def fill(folder: Path) -> None:
        if draft.own is not None:
            write_segment(folder, draft.own, draft.settings.pdq_threshold, scratch)
        for place, segment in enumerate(draft.segments):
            if len(segment.removed):
                np.save(folder / removed_file(place), segment.removed)
            if len(segment.removed_records):
                np.save(folder / removed_records_file(place), segment.removed_records)
        manifest.files.update(close_folder(folder))
        storage.write_atomic(folder / MANIFEST, manifest.to_json())

    with private():
        storage.commit_directory(home / version, fill)
    return manifest, True


@contextmanager
def private() -> Iterator[None]:
    """Files that are made meanwhile are their owner's only from the first byte on.

    Libraries that write files by themselves leave the mode to the process's umask.
    """
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def close_folder(folder: Path) -> dict[str, str]:
    """Make all files the owner's only; returns their SHA-256 by name relative to the folder."""
    digests = {}
    for here, _, names in os.walk(folder):
        Path(here).chmod(0o700)
        for name in names:
            path = Path(here, name)
            path.chmod(0o600)
            digests[path.relative_to(folder).as_posix()] = storage.sha256_file(path)
    return dict(sorted(digests.items()))


def now() -> str:
    """UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _digest(draft: Draft, own_digest: str | None) -> str:
    contents = [segment.content for segment in draft.segments]
    if own_digest is not None:
        contents.append(SegmentContent(own_digest, _NONE, _NONE))
    return version_digest(contents, draft.settings)


def _manifest(name: str, version: str, digest: str, draft: Draft, own: Own | None) -> ListManifest:
    settings = draft.settings
    counts: Counter[str] = Counter()
    opaque: Counter[str] = Counter()
    categories = Counter(category_counts(draft.segments))
    references = []
    for segment in draft.segments:
        counts.update(segment.counts())
        opaque.update(segment.opaque_counts())
        references.append(
            SegmentReference(
                segment.folder.name, len(segment.removed), len(segment.removed_records)
            )
        )
    if own is not None:
        counts.update(own.counts)
        opaque.update(own.opaque)
        categories.update(own.categories)
        references.append(SegmentReference(version))
    return ListManifest(
        name=name,
        version=version,
        digest=digest,
        created=now(),
        role=settings.role,
        pipeline=settings.pipeline,
        pdq_threshold=settings.pdq_threshold,
        pdq_min_quality=settings.pdq_min_quality,
        entries=counts.total(),
        duplicates=draft.duplicates,
        counts={kind: count for kind, count in counts.items() if count},
        categories=dict(categories),
        source_sha256=draft.source_sha256,
        source_format=draft.source_format,
        files={},
        scheme=settings.scheme,
        skipped=dict(draft.skipped),
        opaque={kind: count for kind, count in opaque.items() if count},
        own=own,
        segments=tuple(references),
    )
