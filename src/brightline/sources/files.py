"""Opening files as the manifest froze them."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterator

from brightline.errors import SourceChangedError
from brightline.sources.paths import decode_path, printable
from brightline.sources.streams import FileWindow
from brightline.types import FileStamp

#: a stamp with this size is of something that is not read: a link, a device, a closed folder
NOT_READ = -1
#: a pipe that took a file's place must not block the reader
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK


@contextlib.contextmanager
def opened(path: bytes, size: int, on_bytes: Callable[[int], None]) -> Iterator[FileWindow]:
    """A window on a file. Raises OSError."""
    fd = os.open(path, _FLAGS)
    try:
        yield FileWindow(fd, size, on_bytes)
    finally:
        os.close(fd)


def check(stamp: FileStamp) -> None:
    """Raises SourceChangedError unless the file is still as its stamp says."""
    path = decode_path(stamp.path)
    try:
        # a Path would cost as much as reading a small file
        now = os.stat(path, follow_symlinks=stamp.size != NOT_READ)  # noqa: PTH116
    except OSError as error:
        if stamp.size == NOT_READ and not isinstance(error, FileNotFoundError):
            return
        raise SourceChangedError(
            f"{printable(path)} is gone or cannot be reached; start a new run"
        ) from None
    if stamp.size == NOT_READ:
        same = not stat.S_ISREG(now.st_mode)
    else:
        same = (now.st_size, now.st_mtime_ns) == (stamp.size, stamp.mtime_ns)
    if not same:
        raise SourceChangedError(
            f"{printable(path)} has changed since the run listed it; start a new run"
        )
