"""New files of a release: written front to back and digested as they are written."""

from __future__ import annotations

import os
from collections.abc import Callable
from hashlib import sha256
from types import TracebackType

from brightline.errors import SourceError

PIECE = 1 << 20


class Output:
    """A file that is being written; `sha256` and `size` are of what was written so far.

    `on_bytes(n)` is told of every n bytes. An older file of the name is replaced: it is what
    an interrupted release left. Raises OSError.
    """

    def __init__(self, path: bytes, on_bytes: Callable[[int], None]) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        self._on_bytes = on_bytes
        self._digest = sha256()
        self._room = memoryview(bytearray(PIECE))
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
    def sha256(self) -> str:
        """Hex digest of what was written."""
        return self._digest.hexdigest()

    def write(self, data: bytes | memoryview) -> None:
        """Write all of it."""
        view = memoryview(data)
        self._digest.update(view)
        self.size += len(view)
        self._on_bytes(len(view))
        while view:
            view = view[os.write(self._fd, view) :]

    def copy(self, fd: int, start: int, stop: int) -> None:
        """Bytes `start` to `stop` of an open file. Raises SourceError if it ends before."""
        at = start
        while at < stop:
            count = os.preadv(fd, [self._room[: stop - at]], at)
            if not count:
                raise SourceError("a source became shorter while it was copied; start a new run")
            self.write(self._room[:count])
            at += count


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
