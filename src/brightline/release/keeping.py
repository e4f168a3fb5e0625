"""What a workspace keeps of its releases, sealed: in place only after the ledger has its digest.

Anyone can seal a file to the custodians, since their recipients are no secret. A plan or a seed
that somebody put there would decide what leaves. So each is sealed beside its place, announced
on the ledger, and then renamed; and none is opened that is not what the ledger says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from brightline import storage
from brightline.errors import DamagedError
from brightline.findings import Identity, open_sealed, seal
from brightline.ledger import JSON, Event
from brightline.workspace import Workspace

_WAITING = f"{storage.TEMPORARY}announced-"


def releases_dir(workspace: Workspace) -> Path:
    """Where a workspace keeps what it must know about its releases."""
    return workspace.root / "releases"


def put(
    workspace: Workspace,
    contents: Mapping[Path, Iterable[Mapping[str, Any]]],
    kind: Event,
    fields: Mapping[str, JSON],
) -> None:
    """Seal files to the custodians of today, announce them, put them in place.

    `contents` maps paths below `releases_dir` to lines; the record of this kind has their
    digests, and `fields`. The caller holds the lock of `releases_dir`.
    """
    root = releases_dir(workspace)
    digests: dict[str, JSON] = {}
    for path, lines in contents.items():
        seal(lines, workspace.sealers(), _waiting(path))
        digests[path.relative_to(root).as_posix()] = storage.sha256_file(_waiting(path))
    workspace.ledger.append(kind, {"releases": digests, **fields})
    for path in contents:
        storage.rename(_waiting(path), path)


def settle(workspace: Workspace) -> None:
    """Complete what a crash cut off after it was announced, and throw away what was not.

    The caller holds the lock of `releases_dir`.
    """
    root = releases_dir(workspace)
    waiting = sorted(root.rglob(f"{_WAITING}*"))
    said = _announced(workspace) if waiting else {}
    for path in waiting:
        target = path.with_name(path.name.removeprefix(_WAITING))
        if storage.sha256_file(path) == said.get(target.relative_to(root).as_posix()):
            storage.rename(path, target)
        else:
            path.unlink()


def announced(workspace: Workspace, path: Path) -> bool:
    """Whether the ledger knows of a file below `releases_dir`, be it there or not."""
    return path.relative_to(releases_dir(workspace)).as_posix() in _announced(workspace)


def take(workspace: Workspace, path: Path, identity: Identity) -> list[dict[str, Any]]:
    """The lines of a file, opened. Raises DamagedError unless it is what the ledger says."""
    said = _announced(workspace).get(path.relative_to(releases_dir(workspace)).as_posix())
    if not path.is_file() or storage.sha256_file(path) != said:
        raise DamagedError(f"{path} is not what the ledger says; restore it from a copy")
    return open_sealed(path, identity)


def _waiting(path: Path) -> Path:
    return path.with_name(f"{_WAITING}{path.name}")


def _announced(workspace: Workspace) -> dict[str, object]:
    """The newest digest of each file, by its path below `releases_dir`."""
    found: dict[str, object] = {}
    for record in workspace.ledger.records():
        if record.kind in (Event.RELEASE_PLANNED, Event.FINDINGS_RESEALED):
            releases = record.fields.get("releases")
            found |= releases if isinstance(releases, dict) else {}
    return found
