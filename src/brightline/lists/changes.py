"""Changes to a list: what was added and removed becomes the next version.

Only what is added is compiled, into a segment of its own; of the segments that there are, the
version says which entries are removed. What has to be found in them is found through their
indexes, so that the work grows with the changes and not with the list.

**Compaction.** A segment that is not more than `MERGE_FACTOR` times as large as all that
follows it, or of which more than `REMOVED_SHARE` is removed, is compiled anew with all that
follows it. A version of n entries so has at most about log8(n) + 1 segments, and an entry is
compiled a few times in its life.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, assert_never

from brightline import storage
from brightline.errors import ListError
from brightline.lists.collected import RefusedRecordError
from brightline.lists.content import Settings
from brightline.lists.entries import Entries, concatenate
from brightline.lists.manifest import ListManifest
from brightline.lists.records import Record
from brightline.lists.references import checked_name, list_versions
from brightline.lists.resolve import ChangeLog, resolve
from brightline.lists.schemes import find_scheme
from brightline.lists.segment import Segment
from brightline.lists.snapshot import HashList
from brightline.lists.versions import Draft, check_settings, commit_version
from brightline.types import SignalType

MERGE_FACTOR = 8
REMOVED_SHARE = 0.25

_FORMAT = "changes"


@dataclass(frozen=True, slots=True)
class Added:
    """A record as it is now. One with a source id takes the place of all that have the same.

    A record without one adds the signals that the list has not, in this category and from this
    submitter, and its labels to those that it has.
    """

    record: Record


@dataclass(frozen=True, slots=True)
class Removed:
    """All records with a source id, or all entries of a type with a value."""

    what: str | tuple[SignalType, bytes]


Change: TypeAlias = Added | Removed


def apply_changes(
    workspace_lists: Path,
    name: str,
    changes: Iterable[Change],
    *,
    settings: Settings | None = None,
    token: str = "",
) -> tuple[ListManifest, bool]:
    """Make the next version of list `name` out of its newest one and changes, in their order.

    `settings` are the list's; if it has versions already and they are given, they must be the
    newest one's. `token` names these very changes: a version that was made with it is
    returned as it is, so that giving them again after a crash changes nothing. Returns the
    manifest of the newest version and whether it is new; changes that change nothing make no
    version. A list that has none gets one in any case.

    Removing what is not there is no error. Opaque signals of a record without a source id are
    kept each time it is added. Raises ListError if the name or a change cannot be used or the
    settings are others, and ValueError for a value that has not its type's width. Then, and
    also if the machine stops midway, the list is as it was.
    """
    checked_name(name)
    log = _collect(changes)
    home = workspace_lists / name
    with storage.locked(home / ".lock", f"list {name}", wait=True):
        storage.remove_temporary(home)
        present = list_versions(workspace_lists, name)
        for manifest in present:
            if token and (manifest.source_format, manifest.source_sha256) == (_FORMAT, token):
                return manifest, False
        newest = HashList(home / present[-1].version) if present else None
        agreed = _settings(workspace_lists, name, newest, settings)
        segments = () if newest is None else newest.segments
        resolved = resolve(segments, log)
        if newest is not None and not resolved.changed:
            return newest.manifest, False
        kept, own = compact(resolved.segments, resolved.added)
        former = None if newest is None else newest.manifest
        skipped = dict(former.skipped) if former is not None else {}
        for reason, count in log.collected.skipped.items():
            skipped[str(reason)] = skipped.get(str(reason), 0) + count
        draft = Draft(
            settings=agreed,
            segments=kept,
            own=own,
            duplicates=resolved.duplicates + (former.duplicates if former is not None else 0),
            skipped=dict(sorted(skipped.items())),
            source_sha256=token,
            source_format=_FORMAT,
        )
        # a state that an earlier version had is a version again: it is the newest now
        return commit_version(home, draft, present, known=())


def compact(
    segments: Sequence[Segment], added: Entries
) -> tuple[tuple[Segment, ...], Entries | None]:
    """The segments that stay, and the entries to compile: those added and those of the rest."""
    kept = kept_segments(
        [(s.own.entries, s.own.entries - len(s.removed)) for s in segments], len(added)
    )
    parts = [segment.entries() for segment in segments[kept:]]
    if not parts and segments and not _says_something(added):
        return tuple(segments), None
    own = concatenate([*parts, added]) if parts else added
    if kept and not _says_something(own):
        return tuple(segments[:kept]), None
    return tuple(segments[:kept]), own


def kept_segments(sizes: Sequence[tuple[int, int]], added: int) -> int:
    """How many segments, from the first on, stay as they are.

    sizes: of each the entries that it has, and how many of them are not removed.
    """
    kept = len(sizes)
    following = added
    merged = added > 0
    for place in range(len(sizes) - 1, -1, -1):
        has, left = sizes[place]
        if (merged and has <= MERGE_FACTOR * following) or has - left > REMOVED_SHARE * has:
            kept = place
            merged = True
            following = added + sum(size for _, size in sizes[place:])
    return kept


def _says_something(entries: Entries) -> bool:
    return len(entries) > 0 or entries.opaque is not None


def _settings(
    workspace_lists: Path, name: str, newest: HashList | None, given: Settings | None
) -> Settings:
    if newest is None:
        settings = given or Settings()
        check_settings(settings)
        if settings.scheme is not None:
            find_scheme(workspace_lists, settings.scheme)
        return settings
    if given is not None and given != newest.manifest.settings:
        raise ListError(
            f"list {name} has another role, pipeline, threshold, quality or scheme than these "
            "changes; import it whole under the new ones, or change it under its own"
        )
    return newest.manifest.settings


def _collect(changes: Iterable[Change]) -> ChangeLog:
    log = ChangeLog()
    for number, change in enumerate(changes, 1):
        try:
            _take(log, change)
        except (RefusedRecordError, UnicodeEncodeError):
            raise ListError(
                f"change {number} cannot be used: its texts hold NUL or are not Unicode, or there "
                "are too many different categories; nothing was changed"
            ) from None
    return log


def _take(log: ChangeLog, change: Change) -> None:
    match change:
        case Added():
            log.collected.add_record(change.record)
        case Removed():
            if isinstance(change.what, str):
                log.remove_id(change.what)
            else:
                log.remove_value(*change.what)
        case _:
            assert_never(change)
