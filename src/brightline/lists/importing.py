"""Importing a list file: read, collapse, compile, commit as a whole or not at all."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from brightline import storage
from brightline.errors import ListError
from brightline.lists.collected import Collected
from brightline.lists.entries import Entries, content_digest, finish
from brightline.lists.entries_file import ENTRIES, write_entries
from brightline.lists.formats import read_entries
from brightline.lists.manifest import MANIFEST, ListManifest
from brightline.lists.snapshot import (
    CATEGORY_FILE,
    checked_name,
    entry_ids_file,
    index_file,
    list_versions,
    ordinal,
)
from brightline.match import ExactIndex, HammingIndex
from brightline.types import (
    EXACT_TYPES,
    PDQ_MIN_QUALITY,
    PDQ_THRESHOLD,
    Pipeline,
    Role,
    SignalType,
)

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

#: called with bytes read and bytes in all (0 where that is not known, as from a pipe)
Progress = Callable[[int, int], None]

_BUFFER = 1 << 20
_MAX_BITS = 256


def import_list(
    workspace_lists: Path,
    name: str,
    file: Path,
    *,
    format: str | None = None,
    role: Role = Role.KNOWN_BAD,
    pipeline: Pipeline = Pipeline.UNKNOWN,
    pdq_threshold: int = PDQ_THRESHOLD,
    pdq_min_quality: int = PDQ_MIN_QUALITY,
    progress: Progress | None = None,
) -> tuple[ListManifest, bool]:
    """Make a list file the newest version of list `name`.

    `format` is a name from `formats.FORMATS`, or None to recognise it. `pdq_threshold` is in
    bits, `pdq_min_quality` 0 to 100. Returns the version's manifest and whether it is new:
    content that any version holds already, under the same role, pipeline and thresholds, is
    not stored again. Importing what has no entries works; the caller should warn.

    Raises ListError if the name, a number or the file cannot be used, and ListFormatError if
    any line is faulty. Then, and also if the machine stops midway, the list is as it was.
    """
    checked_name(name)
    if not 0 <= pdq_threshold <= _MAX_BITS:
        raise ListError(f"a PDQ threshold is 0 to {_MAX_BITS} bits, not {pdq_threshold}")
    if not 0 <= pdq_min_quality <= 100:
        raise ListError(f"a PDQ quality is 0 to 100, not {pdq_min_quality}")
    collected, source_sha256, source_format = _read(file, format, progress)
    entries, duplicates = finish(collected)
    digest = content_digest(
        entries,
        role=role,
        pipeline=pipeline,
        pdq_threshold=pdq_threshold,
        pdq_min_quality=pdq_min_quality,
    )
    home = workspace_lists / name
    with storage.locked(home / ".lock", f"list {name}", wait=True):
        storage.remove_temporary(home)
        present = list_versions(workspace_lists, name)
        for manifest in present:
            if manifest.digest == digest:
                return manifest, False
        number = ordinal(present[-1].version) + 1 if present else 1
        version = f"{number:04d}-{digest.removeprefix('sha256:')[:12]}"
        manifest = ListManifest(
            name=name,
            version=version,
            digest=digest,
            created=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            role=role,
            pipeline=pipeline,
            pdq_threshold=pdq_threshold,
            pdq_min_quality=pdq_min_quality,
            entries=len(entries),
            duplicates=duplicates,
            counts=entries.counts(),
            categories=entries.category_counts(),
            source_sha256=source_sha256,
            source_format=source_format,
            files={},
        )

        def fill(folder: Path) -> None:
            _compile(folder, entries, pdq_threshold)
            manifest.files.update(_close(folder))
            storage.write_atomic(folder / MANIFEST, manifest.to_json())

        storage.commit_directory(home / version, fill)
    return manifest, True


class _Hashing(io.RawIOBase):
    """The file's bytes as they are read, digested and counted on the way.

    What is parsed is then what was digested, and a list can come through a pipe.
    """

    def __init__(self, raw: io.FileIO, progress: Progress | None) -> None:
        self._raw = raw
        self._progress = progress
        self._total = os.fstat(raw.fileno()).st_size
        self._done = 0
        self.sha256 = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int | None:
        view = memoryview(buffer).cast("B")
        count = self._raw.readinto(view)
        if count:
            self.sha256.update(view[:count])
            self._done += count
            if self._progress is not None:
                self._progress(self._done, self._total)
        return count


def _read(
    file: Path, format_name: str | None, progress: Progress | None
) -> tuple[Collected, str, str]:
    """Entries, the SHA-256 of the file and its format."""
    try:
        with io.FileIO(file) as raw, _Hashing(raw, progress) as hashing:
            stream: io.BufferedReader = io.BufferedReader(hashing, _BUFFER)
            collected, found = read_entries(stream, str(file), format_name)
            return collected, hashing.sha256.hexdigest(), found
    except OSError as error:
        raise ListError(f"cannot read the list file {file}: {error.strerror}") from None


def _compile(folder: Path, entries: Entries, pdq_threshold: int) -> None:
    """Write everything but the manifest."""
    write_entries(folder / ENTRIES, entries)
    np.save(folder / CATEGORY_FILE, entries.categories)
    for signal in EXACT_TYPES:
        if len(values := entries.values[signal]):
            ExactIndex.build(values).save(folder / index_file(signal))
            np.save(folder / entry_ids_file(signal), entries.ids(signal))
    if len(codes := entries.values[SignalType.PDQ]):
        HammingIndex.build(codes, radius=pdq_threshold).save(folder / index_file(SignalType.PDQ))
        np.save(folder / entry_ids_file(SignalType.PDQ), entries.ids(SignalType.PDQ))


def _close(folder: Path) -> dict[str, str]:
    """Make all files the owner's only; returns their SHA-256 by name relative to the folder."""
    digests = {}
    for here, _, names in os.walk(folder):
        Path(here).chmod(0o700)
        for name in names:
            path = Path(here, name)
            path.chmod(0o600)
            digests[path.relative_to(folder).as_posix()] = storage.sha256_file(path)
    return dict(sorted(digests.items()))
