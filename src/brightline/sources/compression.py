"""Compressed streams: gzip, bzip2, xz, zstd, and the raw methods that zip uses.

Several streams one after the other count as one, as gzip(1) and xz(1) do. What was expanded
before damage is delivered before the stream breaks: TRUNCATED_ARCHIVE where the input ends
early, DAMAGED_ARCHIVE where it is wrong or followed by something else.
"""

from __future__ import annotations

import bz2
import contextlib
import lzma
import zlib
from collections.abc import Callable
from typing import Protocol

import pyarrow as pa

from brightline.sources.sniff import Form
from brightline.sources.streams import MIB, BrokenStreamError, Budget, Stream
from brightline.types import Reason

#: compressed bytes fed, and expanded bytes taken, at a time
INPUT = 64 << 10
OUTPUT = 256 << 10
#: what pyarrow is asked for at a time: on damage at most this much before it is lost
ZSTD_STEP = 4096
#: xz refuses dictionaries that need more memory than this
XZ_MEMORY = 256 * MIB

_ERRORS = (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError)


class Engine(Protocol):
    """One compressed stream: feed it input, get output; `hungry` when it needs more input."""

    eof: bool
    hungry: bool
    unused: bytes

    def feed(self, data: bytes) -> bytes: ...


class Inflate:
    """zlib's inflate; on damage it still gives what comes before the first wrong byte."""

    def __init__(self, wbits: int) -> None:
        self._engine = zlib.decompressobj(wbits)
        self._tail = b""
        self._error: zlib.error | None = None
        self.eof = False
        self.hungry = True
        self.unused = b""

    def feed(self, data: bytes) -> bytes:
        if self._error is not None:
            raise self._error
        data = self._tail + data
        before = self._engine.copy()
        try:
            out = self._engine.decompress(data, OUTPUT)
        except zlib.error as error:
            out = _up_to_damage(before, data)
            self._error = error
            self.hungry = False
            return out
        self._tail = self._engine.unconsumed_tail
        self.eof = self._engine.eof
        self.unused = self._engine.unused_data
        self.hungry = not self._tail and len(out) < OUTPUT
        return out


def _up_to_damage(engine: zlib._Decompress, data: bytes) -> bytes:
    out = bytearray()
    with contextlib.suppress(zlib.error):
        for k in range(len(data)):
            out += engine.decompress(data[k : k + 1])
    return bytes(out)


class Blocks:
    """bz2's and lzma's decompressors, which share an interface."""

    def __init__(self, engine: bz2.BZ2Decompressor | lzma.LZMADecompressor) -> None:
        self._engine = engine
        self.eof = False
        self.hungry = True
        self.unused = b""

    def feed(self, data: bytes) -> bytes:
        out = self._engine.decompress(data, OUTPUT)
        self.eof = self._engine.eof
        self.unused = self._engine.unused_data if self.eof else b""
        self.hungry = not self.eof and self._engine.needs_input
        return out


def gzip_engine() -> Engine:
    return Inflate(31)


def deflate_engine() -> Engine:
    """Raw deflate, as in zip."""
    return Inflate(-15)


def bzip2_engine() -> Engine:
    return Blocks(bz2.BZ2Decompressor())


def xz_engine() -> Engine:
    return Blocks(lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY))


class Decompressed(Stream):
    """What a compressed stream expands to.

    With `single`, reading ends with the first compressed stream; `used` then says how many
    bytes of `raw` it took.
    """

    def __init__(
        self,
        raw: Stream,
        start: Callable[[], Engine],
        budget: Budget,
        *,
        single: bool = False,
        truncated: Reason = Reason.TRUNCATED_ARCHIVE,
        damaged: Reason = Reason.DAMAGED_ARCHIVE,
    ) -> None:
        super().__init__()
        self._raw = raw
        self._start = start
        self._budget = budget
        self._single = single
        self._truncated = truncated
        self._damaged = damaged
        self._pending = b""
        self._streams = 0
        self._engine: Engine | None = None

    @property
    def used(self) -> int:
        """Bytes of the raw stream that belong to what was expanded so far."""
        return self._raw.position - len(self._pending)

    def _begin(self) -> bool:
        if self._streams and self._single:
            return False
        if self._streams:
            self._pending = self._pending.lstrip(b"\0")
            while not self._pending:
                more = self._raw.read_some()
                if not more:
                    return False
                self._pending = more.lstrip(b"\0")
        self._streams += 1
        self._engine = self._start()
        return True

    def _fill(self) -> bytes:
        while True:
            if self._engine is None and not self._begin():
                return b""
            engine = self._engine
            if engine is None:
                return b""
            data = b""
            if engine.hungry:
                data = self._pending or self._raw.read_some(INPUT)
                self._pending = b""
                if not data:
                    raise BrokenStreamError(self._truncated)
            try:
                out = engine.feed(data)
            except _ERRORS:
                raise BrokenStreamError(self._damaged) from None
            if engine.eof:
                self._pending = engine.unused
                self._engine = None
            if out:
                self._budget.charge(len(out))
                return out


class _Handle:
    """The least that pyarrow asks of a Python file."""

    closed = False

    def __init__(self, raw: Stream) -> None:
        self._raw = raw
        self.ended = False

    def read(self, count: int) -> bytes:
        data = self._raw.read_some(count)
        self.ended = self.ended or not data
        return data

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    def close(self) -> None:
        """Nothing to close: the stream below belongs to someone else."""


class Zstd(Stream):
    """What zstd frames expand to, by pyarrow's decompressor.

    `broken_off`, where given, is the reason for truncation and damage alike.
    """

    def __init__(self, raw: Stream, budget: Budget, broken_off: Reason | None = None) -> None:
        super().__init__()
        self._broken_off = broken_off
        self._handle = _Handle(raw)
        self._stream = pa.CompressedInputStream(pa.PythonFile(self._handle, mode="r"), "zstd")
        self._budget = budget
        self._failed: Reason | None = None

    def _fill(self) -> bytes:
        if self._failed is not None:
            raise BrokenStreamError(self._failed)
        pieces = []
        have = 0
        while have < OUTPUT:
            piece = b""
            try:
                piece = self._stream.read(ZSTD_STEP)
            except BrokenStreamError as error:
                self._failed = error.reason
            except (pa.ArrowException, OSError, ValueError):
                ended = self._handle.ended
                self._failed = self._broken_off or (
                    Reason.TRUNCATED_ARCHIVE if ended else Reason.DAMAGED_ARCHIVE
                )
            if not piece:
                break
            pieces.append(piece)
            have += len(piece)
        if not pieces and self._failed is not None:
            raise BrokenStreamError(self._failed)
        self._budget.charge(have)
        return b"".join(pieces)


def decompressed(raw: Stream, form: Form, budget: Budget) -> Stream:
    """The expanded stream of a compressed one. `form` must be one of the compressions."""
    if form is Form.ZST:
        return Zstd(raw, budget)
    return Decompressed(raw, _ENGINES[form], budget)


_ENGINES: dict[Form, Callable[[], Engine]] = {
    Form.GZ: gzip_engine,
    Form.BZ2: bzip2_engine,
    Form.XZ: xz_engine,
}
