"""Nothing is screened against but the lists that the ledger has.

A list's newest version is used where none is named. So whoever can put a folder into `lists/`
could have everything screened against a list of their own, an empty one for example, and take it
away afterwards. Before a run begins, each of its lists that lies in the workspace is therefore
compared with the ledger and, if it is of known material, read through once and compared with the
digests in its manifest: a byte that changed could be a miss, and no match would tell of it.

Lists opened from elsewhere, which only the Python interface can, are the caller's to vouch for.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from brightline import storage
from brightline.errors import DamagedError, ListError
from brightline.ledger import Event
from brightline.lists import HashList, open_delta
from brightline.lists.manifest import MANIFEST, read_delta, read_manifest
from brightline.lists.snapshot import delta_folder
from brightline.screen.watch import Say
from brightline.types import Role
from brightline.workspace import Workspace

#: in a list's folder: held while a delta is compiled and recorded
_LOCK = ".lock-deltas"
#: from so many bytes, reading a list through takes long enough to be told of
_GIB = 1 << 30

_Imported: TypeAlias = "Mapping[tuple[str, str], Mapping[str, Any]]"


def checked(workspace: Workspace, lists: Sequence[HashList], say: Say) -> tuple[HashList, ...]:
    """The lists, each as the ledger has it; a delta that it does not have is compiled anew.

    Raises ListError for a version that lies in the workspace and is not on the ledger, and
    DamagedError for one that is not what the ledger or its manifest says.
    """
    home = workspace.lists_dir.resolve()
    imported = {
        (str(record.fields.get("name")), str(record.fields.get("version"))): record.fields
        for record in workspace.ledger.records(Event.LIST_IMPORTED)
    }
    found = []
    read: set[Path] = set()
    for each in lists:
        if not each.path.resolve().is_relative_to(home):
            found.append(each)
            continue
        for version in _versions(each):
            _compare(version, imported)
        if each.since is not None:
            each = _delta(workspace, each, each.since)
        if each.manifest.role is Role.KNOWN_BAD:
            _read_through(each, read, say)
        found.append(each)
    return tuple(found)


def _versions(opened: HashList) -> list[Path]:
    """The folders of the versions that a list is made of."""
    folders = [opened.path, *(segment.folder for segment in opened.segments)]
    if opened.since is not None:
        folders.append(opened.path.with_name(opened.since))
    return list(dict.fromkeys(folders))


def _compare(version: Path, imported: _Imported) -> None:
    name = f"{version.parent.name}@{version.name}"
    fields = imported.get((version.parent.name, version.name))
    if fields is None:
        raise ListError(
            f"list {name} lies in the workspace and is not on its ledger, so nothing tells who "
            f"put it there: remove {version}, and import its file with `brightline list import`"
        )
    same = read_manifest(version).digest == fields.get("digest")
    # imports of early versions have no digest of the manifest itself
    if "manifest" in fields:
        same &= storage.sha256_file(version / MANIFEST) == fields["manifest"]
    if not same:
        raise DamagedError(
            f"list {name} is not what the ledger says was imported; restore {version} from a copy"
        )


def _delta(workspace: Workspace, opened: HashList, since: str) -> HashList:
    """A delta as it was recorded when it was compiled; else compiled and recorded now."""
    folder = delta_folder(opened.path, since)
    of = {"name": opened.manifest.name, "version": opened.manifest.version, "since": since}
    home = opened.path.parent
    with storage.locked(home / _LOCK, f"the deltas of list {home.name}", wait=True):
        recorded = [
            record.fields.get("manifest")
            for record in workspace.ledger.records(Event.DELTA_COMPILED, **of)
        ]
        if recorded[-1:] != [storage.sha256_file(folder / MANIFEST)]:
            aside = folder.with_name(f"{storage.TEMPORARY}{folder.name}")
            shutil.rmtree(aside, ignore_errors=True)
            storage.rename(folder, aside)
            shutil.rmtree(aside)
            opened = open_delta(workspace.lists_dir, home.name, since, opened.path.name)
            digest = storage.sha256_file(folder / MANIFEST)
            workspace.ledger.append(Event.DELTA_COMPILED, {**of, "manifest": digest})
    return opened


def _read_through(opened: HashList, read: set[Path], say: Say) -> None:
    """Digest the files that are searched; `read` are folders that were read already."""
    if opened.since is not None:
        folder = delta_folder(opened.path, opened.since)
        named = {folder: read_delta(folder).files}
    else:
        named = {folder: read_manifest(folder).files for folder in _versions(opened)}
    wanted = [
        (folder / name, digest)
        for folder, files in named.items()
        if folder not in read
        for name, digest in files.items()
    ]
    total = sum(path.stat().st_size for path, _ in wanted if path.is_file())
    if total >= _GIB:
        say(f"reading list {opened.manifest.name} through: {total / _GIB:.1f} GiB")
    for path, digest in wanted:
        if not path.is_file() or storage.sha256_file(path) != digest:
            mend = f"remove {path.parent}: it is compiled again" if opened.since else "restore it"
            raise DamagedError(
                f"{path} is missing or is not what the list's manifest says, so matches could be "
                f"missed; {mend}"
            )
    read |= named.keys()
