"""Files of a workspace against the digests that its ledger has of them."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from brightline.errors import VerificationError


@dataclass(slots=True)
class Compared:
    """How much was compared, and what the ledger does not cover, in a line each."""

    runs: int = 0
    shards: int = 0
    lists: int = 0
    files: int = 0
    not_covered: list[str] = field(default_factory=list)


def check_extra(done: Compared, where: str, *, pending: bool) -> None:
    if not pending:
        raise VerificationError(f"{where} is not on the ledger")
    done.not_covered.append(f"{where}: not on the ledger, or not yet")


def check_file(
    root: Path, where: str, digest: str, done: Compared, beat: Callable[[int], None]
) -> None:
    path = root / where
    if path.is_symlink() or not path.is_file():
        raise VerificationError(f"{where} is missing")
    try:
        with path.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
            size = os.fstat(stream.fileno()).st_size
    except OSError as error:
        raise VerificationError(f"{where} cannot be read: {error.strerror}") from None
    if found != digest:
        raise VerificationError(f"{where} is not what the ledger says")
    done.files += 1
    beat(size)


def files_below(folder: Path) -> Iterator[str]:
    """Every file and link below a folder, by its path in it."""
    for here, _, names in os.walk(folder):
        for name in sorted(names):
            yield Path(here, name).relative_to(folder).as_posix()


def folders_in(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(p for p in folder.iterdir() if p.is_dir() and not is_temporary(p.name))


def is_temporary(path: str) -> bool:
    return any(part.startswith(".tmp-") for part in path.split("/"))


def is_held(lock: Path) -> bool:
    """Whether another process works there."""
    try:
        fd = os.open(lock, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False
