"""What the workspace knows of one release while it is being made."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from brightline import storage
from brightline.errors import DamagedError
from brightline.release.manifest import Entry, File, Link
from brightline.release.plan import Sealed
from brightline.sources.paths import decode_path, encode_path


class State:
    """The release of one plan to one place.

    `temporary` is the folder beside the place that is written into; `lock` keeps a second
    process out. What is done is one line a piece, with the digests of its files.
    """

    def __init__(self, sealed: Sealed, dest: Path) -> None:
        place = hashlib.sha256(os.fsencode(dest)).hexdigest()[:12]
        self._plan = sealed.digest
        self._done = sealed.folder / f"{place}.done"
        self._ready = sealed.folder / f"{place}.ready"
        self.lock = sealed.folder / f".lock-{place}"
        self.temporary = dest.with_name(f"{storage.TEMPORARY}release-{place}")

    def ready(self) -> dict[str, Any] | None:
        """What was complete and about to be renamed, or None."""
        try:
            found: dict[str, Any] = json.loads(self._ready.read_bytes())
        except FileNotFoundError:
            return None
        except ValueError:
            raise DamagedError(f"{self._ready} is damaged; delete it and try again") from None
        return found

    def done(self) -> dict[int, list[Entry]]:
        """The entries of the pieces that were written. A cut-off last line is left out."""
        found: dict[int, list[Entry]] = {}
        if not self.temporary.is_dir():
            return found
        with contextlib.suppress(FileNotFoundError, ValueError, KeyError, TypeError):
            for line in self._done.read_bytes().split(b"\n")[:-1]:
                document = json.loads(line)
                if document["plan"] == self._plan:
                    found[document["piece"]] = [_entry(e) for e in document["entries"]]
        return found

    def begin(self, done: dict[int, list[Entry]]) -> None:
        """Make the folder to write into, and the list of what is done, of whole lines."""
        storage.make_directory(self.temporary.parent, 0o755)
        self.temporary.mkdir(mode=0o755, exist_ok=True)
        lines = [self._line(piece, entries) for piece, entries in done.items()]
        storage.write_atomic(self._done, b"".join(lines))

    def add(self, piece: int, entries: Sequence[Entry]) -> None:
        """A piece was written."""
        storage.append_durable(self._done, self._line(piece, entries))

    def _line(self, piece: int, entries: Sequence[Entry]) -> bytes:
        listed = [_listed(entry) for entry in entries]
        document = {"plan": self._plan, "piece": piece, "entries": listed}
        return json.dumps(document).encode() + b"\n"

    def prepare(self, document: dict[str, Any]) -> None:
        """All is written and about to be renamed."""
        storage.write_atomic(self._ready, json.dumps(document, sort_keys=True).encode())

    def finish(self) -> None:
        """All is renamed and on the ledger."""
        self._done.unlink(missing_ok=True)
        self._ready.unlink(missing_ok=True)


def _listed(entry: Entry) -> list[str | int]:
    match entry:
        case File():
            return [encode_path(entry.path), entry.sha256, entry.size]
        case Link():
            return [encode_path(entry.path), encode_path(entry.target)]


def _entry(listed: list[Any]) -> Entry:
    if len(listed) == 2:
        path, target = listed
        return Link(decode_path(path), decode_path(target))
    path, digest, size = listed
    return File(decode_path(path), str(digest), int(size))


def still_there(root: Path, entries: Sequence[Entry]) -> bool:
    """Whether files that were written are still what they were."""
    try:
        for entry in entries:
            path = Path(os.fsdecode(os.path.join(os.fsencode(root), entry.path)))  # noqa: PTH118
            match entry:
                case Link():
                    if os.readlink(os.fsencode(path)) != entry.target:  # noqa: PTH115
                        return False
                case File():
                    if path.is_symlink() or path.stat().st_size != entry.size:
                        return False
                    if storage.sha256_file(path) != entry.sha256:
                        return False
    except OSError:
        return False
    return True
