"""Columns and arrays of an import that lie in temporary files once they are large.

What a list needs while it is compiled is several times what is compiled. Kept in files that are
mapped into memory, it is the system's to keep or to write out, and the process's own memory does
not grow with the list. The files have no name, so that nothing is left of them whatever happens,
and only their owner can read them; their room is taken before it is used, so that a full disk is
an error here and not a signal later.
"""

from __future__ import annotations

import errno
import mmap
import os
import tempfile
from array import array
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from brightline import storage
from brightline.errors import ListError

#: an array of fewer bytes is kept in memory
SMALL_BYTES = 1 << 20
#: rows that are worked on together; a column has no more of them in memory
BLOCK_ROWS = 1 << 16
#: and texts are written out from so many bytes on
BLOCK_BYTES = 1 << 22

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Scratch:
    """Where large arrays go: files in a folder, or just memory if there is none.

    Leaving its context closes the files; arrays stay valid.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self.rows = BLOCK_ROWS
        self._files = ExitStack()

    def __enter__(self) -> Scratch:
        return self

    def __exit__(self, *_: object) -> None:
        self._files.close()

    def empty(self, shape: int | tuple[int, int], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """An array of any content. ListError if the disk has no room for it."""
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        if self.folder is None or size <= SMALL_BYTES:
            return np.empty(shape, dtype)
        with self.file() as file:
            try:
                # a hole that cannot be filled later would kill the process
                os.posix_fallocate(file.fileno(), 0, size)
            except OSError as error:
                raise self.trouble(error) from None
            return _map(file, size, dtype).reshape(shape)

    def blocks(self, count: int) -> Iterator[slice]:
        """Consecutive slices of so many rows."""
        for start in range(0, count, self.rows):
            yield slice(start, min(start + self.rows, count))

    def file(self) -> IO[bytes]:
        """A file without a name."""
        if self.folder is None:
            raise ValueError("there is no folder for files")
        try:
            storage.make_directory(self.folder)
            file: IO[bytes] = tempfile.TemporaryFile(  # noqa: SIM115 - closed with the others
                dir=self.folder, prefix=storage.TEMPORARY
            )
        except OSError as error:
            raise self.trouble(error) from None
        self._files.callback(_close, file)
        return file

    def table(self, batches: Iterable[Any], schema: Any) -> Any:
        """Arrow record batches one after another as a table."""
        if self.folder is None:
            return pa.Table.from_batches(batches, schema)
        with self.file() as file:
            try:
                with pa.ipc.new_stream(file, schema) as writer:
                    for batch in batches:
                        writer.write_batch(batch)
                file.flush()
            except OSError as error:
                raise self.trouble(error) from None
            mapped = _map(file, os.fstat(file.fileno()).st_size, np.uint8)
        return pa.ipc.open_stream(pa.py_buffer(mapped)).read_all()

    def trouble(self, error: OSError) -> ListError:
        """What to say when a temporary file cannot be made or written."""
        do = "free some room and try" if error.errno in _NO_ROOM else "see to it and try"
        return ListError(
            f"cannot write temporary files in {self.folder}: {error.strerror}; {do} again; "
            "nothing was imported"
        )


#: for what is small, or has to be in memory anyway
IN_MEMORY = Scratch()


class Column:
    """A growing column: `head` is its end, to which is appended; what went before is in a file."""

    __slots__ = ("_file", "_scratch", "before", "head")

    def __init__(self, head: bytearray | array[int], scratch: Scratch) -> None:
        self.head: Any = head
        self.before = 0
        self._scratch = scratch
        self._file: IO[bytes] | None = None

    def __len__(self) -> int:
        return self.before + len(self.head)

    def spill(self) -> None:
        """Write out what is in memory; ListError if that cannot be."""
        if self._file is None:
            self._file = self._scratch.file()
        try:
            self._file.write(self.head)
            self._file.flush()
        except OSError as error:
            raise self._scratch.trouble(error) from None
        self.before += len(self.head)
        del self.head[:]

    def whole(self) -> npt.NDArray[Any]:
        """All of it, as an array that stays valid; nothing may be appended any more."""
        dtype = np.dtype(np.uint8 if isinstance(self.head, bytearray) else self.head.typecode)
        if self._file is None:
            return np.frombuffer(self.head, dtype)
        if self.head:
            self.spill()
        if not self.before:
            return np.empty(0, dtype)
        with self._file:
            return _map(self._file, self.before * dtype.itemsize, dtype)


class Texts:
    """Many byte strings one after another: string k is at `ends[k]` to `ends[k + 1]` in `data`."""

    __slots__ = ("data", "ends")

    def __init__(self, scratch: Scratch) -> None:
        self.data = Column(bytearray(), scratch)
        self.ends = Column(array("q", [0]), scratch)

    def add(self, text: bytes) -> None:
        """Append one."""
        self.data.head += text
        self.ends.head.append(self.data.before + len(self.data.head))


def _close(file: IO[bytes]) -> None:
    """What a full disk did not take is not wanted any more."""
    with suppress(OSError):
        file.close()


def _map(file: IO[bytes], size: int, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    return np.frombuffer(mmap.mmap(file.fileno(), size), dtype)
