"""New files of a release: written front to back, and digested as they are written or later."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from hashlib import sha256
from types import TracebackType

from brightline.errors import SourceError

_PIECE = 1 << 20
#: bytes that the kernel is asked to copy at once
_STRETCH = 1 << 23
#: file systems between which, or on which, the kernel does not copy by itself
_NOT_HERE = frozenset(
    (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM, errno.EBADF)
)


class Output:
    """A file that is being written; `sha256` and `size` are of what was written so far.

    `on_bytes(n)` is told of every n bytes. With `digest` false nothing is digested, and the
    kernel copies where it can. An older file of the name is replaced: it is what an interrupted
    release left. Raises OSError.
    """

    def __init__(
        self, path: bytes, on_bytes: Callable[[int], None], *, digest: bool = True
    ) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        self._on_bytes = on_bytes
        self._digest = sha256() if digest else None
        self.size = 0

    def __enter__(self) -> Output:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._fd)

    @property
    def sha256(self) -> str | None:
        """Hex digest of what was written; None if it is to be taken later."""
        return None if self._digest is None else self._digest.hexdigest()

    def write(self, data: bytes | memoryview) -> None:
        """Write all of it."""
        view = memoryview(data)
        if self._digest is not None:
            self._digest.update(view)
        self.size += len(view)
        self._on_bytes(len(view))
        while view:
            view = view[os.write(self._fd, view) :]

    def copy(self, fd: int, start: int, stop: int) -> None:
        """Bytes `start` to `stop` of an open file. Raises SourceError if it ends before."""
        at = start if self._digest is not None else self._copy_in_kernel(fd, start, stop)
        if at == stop:
            return
        room = memoryview(bytearray(min(_PIECE, stop - at)))
        while at < stop:
            count = os.preadv(fd, [room[: stop - at]], at)
            if not count:
                raise SourceError("a source became shorter while it was copied; start a new run")
            self.write(room[:count])
            at += count

    def _copy_in_kernel(self, fd: int, start: int, stop: int) -> int:
        """Copy as far as the kernel does it by itself; returns how far that was."""
        at = start
        while at < stop:
            try:
                count = os.copy_file_range(fd, self._fd, min(_STRETCH, stop - at), at)
            except OSError as error:
                if error.errno in _NOT_HERE:
                    break
                raise
            if not count:
                # the end of the file, or of what this file system can do: reading will tell
                break
            at += count
            self.size += count
            self._on_bytes(count)
        return at


class Sink:
    """An `Output` as the writable file that pyarrow and the compressors ask for."""

    closed = False

    def __init__(self, out: Output) -> None:
        self._out = out

    def write(self, data: bytes) -> int:
        """Write all of it."""
        view = memoryview(data).cast("B")
        self._out.write(view)
        return len(view)

    def tell(self) -> int:
        """Bytes written."""
        return self._out.size

    def flush(self) -> None:
        """Nothing is held back."""

    def readable(self) -> bool:
        """It is not."""
        return False

    def writable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is not."""
        return False

    def close(self) -> None:
        """The output belongs to someone else."""


def dress(path: bytes, facts: os.stat_result) -> None:
    """Give a new file the mode and the time of the one that it stands for.

    All files get them alike: a time of its own would tell which were rewritten.
    """
    os.chmod(path, facts.st_mode & 0o777 | 0o400)  # noqa: PTH101 - bytes stay bytes
    os.utime(path, ns=(facts.st_mtime_ns, facts.st_mtime_ns))
