"""Importing a list file: read, collapse, compile, commit as a whole or not at all."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from brightline import storage
from brightline.errors import ListError
from brightline.lists.collected import Collected
from brightline.lists.content import Settings
from brightline.lists.duplicates import finish
from brightline.lists.formats import read_entries, suggested_role
from brightline.lists.manifest import ListManifest
from brightline.lists.references import checked_name, list_versions
from brightline.lists.schemes import find_scheme
from brightline.lists.scratch import Scratch
from brightline.lists.versions import Draft, check_settings, commit_version
from brightline.types import PDQ_MIN_QUALITY, PDQ_THRESHOLD, Pipeline, Role

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

#: called with bytes read and bytes in all (0 where that is not known, as from a pipe)
Progress = Callable[[int, int], None]

_BUFFER = 1 << 20


def import_list(
    workspace_lists: Path,
    name: str,
    file: Path,
    *,
    format: str | None = None,
    role: Role | None = None,
    pipeline: Pipeline = Pipeline.UNKNOWN,
    pdq_threshold: int = PDQ_THRESHOLD,
    pdq_min_quality: int = PDQ_MIN_QUALITY,
    scheme: str | None = None,
    deltas: Sequence[Path] = (),
    progress: Progress | None = None,
) -> tuple[ListManifest, bool]:
    """Make a list file the newest version of list `name`.

    `format` is a name from `formats.FORMATS`, or None to recognise it. `role` is by default
    what a list of the format always is, else known-bad. `pdq_threshold` is in bits,
    `pdq_min_quality` 0 to 100; `scheme` names what the categories stand for, as
    `schemes.load_schemes` knows it; `deltas` as in `formats.read_entries`. Returns the
    version's manifest and whether it is new: content that any version holds already, under the
    same settings, is not stored again, if that version was compiled whole. Importing what has
    no entries works; the caller should warn.

    Raises ListError if the name, a number, the scheme or the file cannot be used, and
    ListFormatError if any line is faulty. Then, and also if the machine stops midway, the list
    is as it was.
    """
    checked_name(name)
    settings = Settings(role or Role.KNOWN_BAD, pipeline, pdq_threshold, pdq_min_quality, scheme)
    check_settings(settings)
    if scheme is not None:
        find_scheme(workspace_lists, scheme)
    with Scratch(workspace_lists) as scratch:
        collected, source_sha256, source_format = _read(file, format, deltas, progress, scratch)
        if role is None and (usual := suggested_role(source_format)) is not None:
            settings = replace(settings, role=usual)
        entries, duplicates = finish(collected)
        draft = Draft(
            settings=settings,
            segments=(),
            own=entries,
            duplicates=duplicates,
            skipped={str(reason): count for reason, count in sorted(collected.skipped.items())},
            source_sha256=source_sha256,
            source_format=source_format,
        )
        home = workspace_lists / name
        with storage.locked(home / ".lock", f"list {name}", wait=True):
            storage.remove_temporary(home)
            present = list_versions(workspace_lists, name)
            return commit_version(home, draft, present, known=present, scratch=scratch)


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

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        count = 0
        # a pipe gives what has just come: the format is told from more than a few bytes
        while count < len(view) and (more := self._raw.readinto(view[count:])):
            count += more
        if count:
            self.sha256.update(view[:count])
            self._done += count
            if self._progress is not None:
                self._progress(self._done, self._total)
        return count


def _read(
    file: Path,
    format_name: str | None,
    deltas: Sequence[Path],
    progress: Progress | None,
    scratch: Scratch,
) -> tuple[Collected, str, str]:
    """Entries, the SHA-256 of the file and its format."""
    try:
        with io.FileIO(file) as raw, _Hashing(raw, progress) as hashing:
            stream: io.BufferedReader = io.BufferedReader(hashing, _BUFFER)
            collected, found = read_entries(stream, str(file), format_name, deltas, scratch)
            return collected, hashing.sha256.hexdigest(), found
    except OSError as error:
        raise ListError(f"cannot read the list file {file}: {error.strerror}") from None
