"""What a statement is about: a release, or a corpus as it lies now, checked before it is signed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brightline import storage
from brightline.errors import SourceChangedError, UsageError, VerificationError
from brightline.ledger import Event
from brightline.release.manifest import (
    ABOUT,
    NAME,
    Differences,
    Entry,
    Found,
    Hook,
    check,
    list_entries,
    read_manifest,
    walk,
    walk_corpus,
    write_entries,
)
from brightline.release.statement import Subject
from brightline.release.strict import load_json
from brightline.screen.manifest import thaw
from brightline.screen.runs import MANIFEST, read_run, run_folder
from brightline.sources import decode_path
from brightline.sources.files import check as check_stamp
from brightline.workspace import Workspace

#: what the release itself says, and the manifest as it was before Croissant fields were added
RELEASE = "release.json"
RELEASED = "manifest.released.jsonl"

_MOST = 1 << 20
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Release:
    """A release whose files are those that the ledger's record names.

    `manifest` is the file as it was released, `counts` what `release.json` holds.
    """

    root: Path
    manifest: Path
    counts: dict[str, Any]

    def entries(self) -> Iterator[Entry]:
        """What was released, in order."""
        return read_manifest(self.manifest)


def find_release(
    workspace: Workspace, run: str, root: Path, added: bytes | None, hook: Hook | None
) -> Release:
    """Check a release against its manifest, and the manifest against the ledger.

    `added` is the path of a file that may differ or be new: the Croissant metadata. Raises
    UsageError if this is no release of the run, and SourceChangedError, which names files, if it
    is not as it was made.
    """
    about = root / ABOUT
    kept = about / RELEASED
    manifest = kept if kept.is_file() else about / NAME
    try:
        counts = load_json((about / RELEASE).read_bytes(), str(about / RELEASE), _MOST)
        digest = f"sha256:{storage.sha256_file(manifest)}"
    except (OSError, VerificationError):
        raise UsageError(
            f"{root} is not a release: make one with `brightline release {run} {root}`"
        ) from None
    made = workspace.ledger.records(Event.RELEASE_MADE, run=run, manifest=digest)
    if not any(True for _ in made) or not isinstance(counts, dict):
        raise UsageError(
            f"{root} is not a release that this ledger knows run {run} by; make it again"
        )
    differences = check(
        (entry for entry in read_manifest(manifest) if entry.path != added),
        (found for found in walk(root) if found.path != added),
        hook,
    )
    if not differences.none:
        raise SourceChangedError(_changed(root, differences))
    return Release(root, manifest, counts)


def _changed(root: Path, differences: Differences) -> str:
    told = []
    for what in ("changed", "missing", "extra"):
        names: tuple[str, ...] = getattr(differences, what)
        if names:
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            told.append(f"{what}: {', '.join(names[:_NAMED])}{more}")
    return f"{root} is not as it was released ({'; '.join(told)}); make the release again"


def add_to_release(release: Release, path: Path, data: bytes) -> None:
    """Write a file into a release and put it into the manifest.

    The manifest as it was released is kept beside the new one. Doing it again, also after it
    was stopped halfway, gives the same result.
    """
    name = bytes(path.relative_to(release.root))
    kept = release.root / ABOUT / RELEASED
    if release.manifest != kept:
        storage.write_atomic(kept, release.manifest.read_bytes(), mode=0o644)
    storage.write_atomic(path, data, mode=0o644)
    (added,) = list_entries([Found(name, bytes(path), len(data))])
    entries = [entry for entry in read_manifest(kept) if entry.path != name]
    entries.append(added)
    write_entries(release.root / ABOUT / NAME, sorted(entries, key=lambda entry: entry.path))


def release_subjects(release: Release) -> tuple[Subject, ...]:
    """The manifest and what the release says of itself; the manifest vouches for the rest."""
    about = release.root / ABOUT
    names = [NAME, RELEASE]
    if (about / RELEASED).is_file():
        names.append(RELEASED)
    return tuple(Subject(f"{ABOUT}/{n}", storage.sha256_file(about / n)) for n in names)


def corpus_sources(workspace: Workspace, run: str) -> list[Path]:
    """The sources of a run, in the order in which they were given."""
    document = read_run(run_folder(workspace, run))
    return [Path(source) for source in document["parameters"]["sources"]]


def corpus_entries(workspace: Workspace, run: str, hook: Hook | None) -> Iterator[Entry]:
    """The entries of a run's corpus as it lies now, in order.

    Every file is checked against the run's frozen manifest before and after it is read. Raises
    SourceChangedError if one was changed, added or taken away since.
    """
    frozen = run_folder(workspace, run) / MANIFEST
    listed = _unchanged(frozen)
    sources = corpus_sources(workspace, run)
    yield from list_entries(_known(walk_corpus(sources), listed), hook)
    _unchanged(frozen)


def _unchanged(frozen: Path) -> set[bytes]:
    listed = set()
    for shard in thaw(frozen):
        for stamp in shard.files:
            check_stamp(stamp)
            listed.add(decode_path(stamp.path))
    return listed


def _known(found: Iterator[Found], listed: set[bytes]) -> Iterator[Found]:
    for here in found:
        if here.where not in listed:
            # not named: what a corpus's files are called may be anything
            raise SourceChangedError(
                "the corpus holds a file that the run did not list; start a new run"
            )
        yield here


def outside(path: Path, sources: Sequence[Path]) -> Path:
    """The path, absolute; UsageError if it lies in a source, which a run has frozen."""
    whole = path.absolute()
    for source in sources:
        if whole.resolve().is_relative_to(source.resolve()):
            raise UsageError(f"{path} lies in the corpus, which would change it; write elsewhere")
    return whole
