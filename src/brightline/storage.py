"""The one module that fsyncs and renames.

Crash safety as in docs/adr/0003: write under a temporary name in the same folder, fsync the
file, rename, fsync the folder. A name that exists is therefore always a whole file.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from brightline.errors import WorkspaceError

TEMPORARY = ".tmp-"
#: of more files than this, the whole file system is synced instead of each
_SYNC_EACH = 1000


def fsync_directory(path: Path) -> None:
    """Make the names in a folder durable."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def fsync_file(path: Path) -> None:
    """Make a file's content durable."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def make_directory(path: Path, mode: int = 0o700) -> None:
    """Create a folder and its parents, each made durable in its own parent."""
    missing = []
    here = path
    while not here.exists():
        missing.append(here)
        here = here.parent
    for folder in reversed(missing):
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=mode)
        fsync_directory(folder.parent)


def write_atomic(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Replace a file as a whole, or not at all."""

    def fill(temporary: Path) -> None:
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(fd, "wb") as out:
            out.write(data)

    write_atomic_with(path, fill)


def write_new(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Write a file durably under a name that nothing has; FileExistsError if something has."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(fd, "wb") as out:
            out.write(data)
        fsync_file(path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    fsync_directory(path.parent)


def write_in_place(path: Path, data: bytes, *, durable: bool) -> None:
    """Overwrite a small file of constant length without a new name; a crash may tear it."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.pwrite(fd, data, 0)
        if durable:
            os.fdatasync(fd)
    finally:
        os.close(fd)


def rename(path: Path, target: Path) -> None:
    """Give a file another name in the same folder, durably; replaces what has the name."""
    path.replace(target)
    fsync_directory(target.parent)


def write_atomic_with(path: Path, fill: Callable[[Path], None]) -> None:
    """Like `write_atomic` for content that `fill` writes to the temporary path it is given."""
    make_directory(path.parent)
    temporary = path.with_name(f"{TEMPORARY}{secrets.token_hex(6)}-{path.name}")
    try:
        fill(temporary)
        fsync_file(temporary)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    fsync_directory(path.parent)


def commit_directory(path: Path, fill: Callable[[Path], None]) -> bool:
    """Make a folder appear with all its files, or not at all.

    `fill` writes into the temporary folder that it is given. Returns False, leaving what is
    there, if `path` exists already: committing again changes nothing.
    """
    make_directory(path.parent)
    temporary = path.with_name(f"{TEMPORARY}{secrets.token_hex(6)}-{path.name}")
    temporary.mkdir(mode=0o700)
    try:
        fill(temporary)
        for folder, _, names in os.walk(temporary):
            for name in names:
                # libraries that write files by themselves leave them to the umask
                Path(folder, name).chmod(0o600)
                fsync_file(Path(folder, name))
            fsync_directory(Path(folder))
        try:
            temporary.rename(path)
        except OSError:
            if path.is_dir():
                shutil.rmtree(temporary)
                return False
            raise
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    fsync_directory(path.parent)
    return True


def publish_directory(temporary: Path, path: Path) -> None:
    """Give a finished folder its name, durably with all that is in it.

    Unlike `commit_directory`, the folder was written bit by bit, and the modes of its files are
    kept. Raises FileExistsError if something has the name.
    """
    left = _SYNC_EACH
    for folder, _, files in os.walk(temporary):
        for name in files[: max(0, left)]:
            if not Path(folder, name).is_symlink():
                fsync_file(Path(folder, name))
        left -= len(files)
        fsync_directory(Path(folder))
    if left < 0:
        os.sync()
    if os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, "something has this name already", str(path))
    temporary.rename(path)
    fsync_directory(path.parent)


def link(path: Path, target: Path) -> None:
    """Give a file that is never changed a second name, or a copy where that cannot be.

    A file system may not know hard links, or allow no more of one file.
    """
    try:
        os.link(path, target, follow_symlinks=False)
    except OSError:
        shutil.copyfile(path, target, follow_symlinks=False)


def remove_temporary(folder: Path) -> int:
    """Delete what an interrupted writer left in a folder; returns how many names."""
    count = 0
    for path in folder.glob(f"{TEMPORARY}*"):
        count += 1
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    return count


def append_durable(path: Path, data: bytes) -> None:
    """Append and fsync; the caller holds the lock that makes it the only writer."""
    new = not path.exists()
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view) :]
        os.fsync(fd)
    finally:
        os.close(fd)
    if new:
        fsync_directory(path.parent)


@contextlib.contextmanager
def locked(
    path: Path,
    what: str,
    *,
    wait: bool = False,
    shared: bool = False,
    patience: float | None = None,
) -> Iterator[None]:
    """Hold a lock, exclusive or shared, or say who cannot go on.

    Raises WorkspaceError if another process holds it and `wait` is false, or holds it for more
    than `patience` seconds.
    """
    make_directory(path.parent)
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    mode = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    deadline = time.monotonic() + (patience or 0)
    try:
        while True:
            try:
                fcntl.flock(fd, mode | (0 if wait and patience is None else fcntl.LOCK_NB))
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise WorkspaceError(
                        f"{what} is in use by another brightline process; "
                        "wait for it to end and try again"
                    ) from None
            # a turn takes some ten milliseconds; all waiting at the same beat would starve some
            time.sleep(0.002 + secrets.randbelow(8) / 1000)
        yield
    finally:
        os.close(fd)


def sha256_file(path: Path) -> str:
    """Hex digest of a file, read in pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
