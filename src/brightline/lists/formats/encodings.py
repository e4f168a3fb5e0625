"""Text lists in UTF-16, as programs for Windows write them: read as if they were UTF-8.

Recognised by the byte-order mark (Unicode Standard, 23.8) or, without one, by two characters of
ASCII at the beginning, each with its zero byte. No other list begins so.
"""

from __future__ import annotations

import codecs
import io
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_BLOCK = 1 << 18
_LITTLE = re.compile(rb"\xff\xfe(?!\0\0)|(?:[\t\r\n -~]\0){2}")
_BIG = re.compile(rb"\xfe\xff|(?:\0[\t\r\n -~]){2}")
#: no UTF-8 has this byte: it makes the place a fault where the text breaks off
_BROKEN = b"\xff"


def utf16_of(head: bytes) -> str | None:
    """The codec of a file that begins so if it is UTF-16, else None."""
    if _LITTLE.match(head):
        return "utf-16-le"
    return "utf-16-be" if _BIG.match(head) else None


def recoded(stream: io.BufferedReader, codec: str) -> io.BufferedReader:
    """The stream's UTF-16 as UTF-8 without a byte-order mark.

    What is no UTF-16 (half a surrogate pair, half a unit at the end) comes out as bytes that are
    no UTF-8, so that whoever reads finds the fault where it is.
    """
    return io.BufferedReader(_Recoded(stream, codec), _BLOCK)


class _Recoded(io.RawIOBase):
    def __init__(self, stream: io.BufferedReader, codec: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(codec)("surrogatepass")
        self._ready = b""
        self._first = True
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        while not self._ready and not self._ended:
            data = self._stream.read(_BLOCK)
            self._ended = not data
            self._ready = self._decoded(data)
        count = min(len(view), len(self._ready))
        view[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def _decoded(self, data: bytes) -> bytes:
        try:
            text = self._decoder.decode(data, not data)
        except UnicodeDecodeError:
            self._ended = True
            return _BROKEN
        if self._first and text:
            self._first = False
            text = text.removeprefix("\ufeff")
        return text.encode("utf-8", "surrogatepass")
