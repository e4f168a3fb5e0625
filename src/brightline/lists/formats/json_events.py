"""A JSON document as a stream of values, in memory that does not grow with the file.

Over ijson's events (yajl in C where there is a wheel for it, else Python). A part that nobody
asks for is passed over without being built.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BufferedReader
from typing import Any

import ijson

from brightline.lists.formats.faults import Fault
from brightline.lists.formats.lines import BOM

#: a plain JSON value; a number with a point or an exponent comes as float
Scalar = Any

_BLOCK = 1 << 16
#: bytes without a single token: longer strings are no part of any list
_MAX_TOKEN = 1 << 20
_MAX_DEPTH = 64
_OPENING = frozenset(("start_map", "start_array"))
_CLOSING = frozenset(("end_map", "end_array"))
_TROUBLES = (ijson.JSONError, ValueError)


class DocumentError(Exception):
    """The document cannot be read any further."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


class Structure:
    """What stands in for an array or object where a plain value was asked for."""


STRUCTURE = Structure()


class _Feed:
    """The stream without its byte-order mark; stops where a token does not end."""

    def __init__(self, stream: BufferedReader) -> None:
        self._stream = stream
        self._first = True
        self.pending = 0

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        if self._first and size:
            self._first = False
            data = data.removeprefix(BOM) or self._stream.read(size)
        self.pending += len(data)
        if self.pending > _MAX_TOKEN:
            raise DocumentError(Fault.TEXT_TOO_LONG)
        return data


class JsonEvents:
    """A cursor over a JSON document, or over several one after another.

    Every method raises DocumentError where the bytes are not JSON, are cut off, nest more than
    64 deep, or hold a token of more than 1 MiB or a whole number of more than 64 bits.
    """

    def __init__(self, stream: BufferedReader, *, several: bool = False) -> None:
        self._feed = _Feed(stream)
        # Decimals, ijson's default, would come with a trap: a number that Python refuses (of 5000
        # digits) does not stop the C backend of 3.6.0, which goes on with that exception pending
        self._events: Iterator[tuple[str, Any]] = ijson.basic_parse(
            self._feed, buf_size=_BLOCK, multiple_values=several, use_float=True
        )
        self.ended = False

    def next(self) -> tuple[str, Any]:
        """The next event: its kind and, for keys and plain values, the value."""
        try:
            event = next(self._events)
        except StopIteration:
            self.ended = True
            return "end", None
        except _TROUBLES:
            raise DocumentError(Fault.NOT_JSON) from None
        self._feed.pending = 0
        return event

    def members(self) -> Iterator[str]:
        """Keys of the object that has just begun; take or skip each one's value in between."""
        feed = self._feed
        try:
            for event, value in self._events:
                feed.pending = 0
                if event != "map_key":
                    return
                yield value
        except _TROUBLES:
            raise DocumentError(Fault.NOT_JSON) from None

    def items(self) -> Iterator[tuple[str, Any]]:
        """First events of the elements of the array that has just begun."""
        while True:
            event = self.next()
            if event[0] == "end_array":
                return
            yield event

    def skip(self, event: str) -> None:
        """Pass over the rest of the value that has begun with this event."""
        if event not in _OPENING:
            return
        depth = 1
        feed = self._feed
        try:
            for kind, _ in self._events:
                feed.pending = 0
                if kind in _OPENING:
                    depth += 1
                    if depth > _MAX_DEPTH:
                        raise DocumentError(Fault.TOO_DEEP)
                elif kind in _CLOSING:
                    depth -= 1
                    if not depth:
                        return
        except _TROUBLES:
            raise DocumentError(Fault.NOT_JSON) from None

    def skip_value(self) -> None:
        """Pass over the next value."""
        event, _ = self.next()
        if event in _OPENING:
            self.skip(event)

    def scalar(self) -> Scalar:
        """The next value if it is plain, else STRUCTURE."""
        event, value = self.next()
        return self.plain(event, value) if event in _OPENING else value

    def plain(self, event: str, value: Any) -> Scalar:
        """The value that begins with this event if it is plain, else STRUCTURE."""
        if event in _OPENING:
            self.skip(event)
            return STRUCTURE
        return value

    def end(self) -> None:
        """Nothing but white space may follow."""
        if self.next()[0] != "end":
            raise DocumentError(Fault.NOT_JSON)

    def objects(self) -> Iterator[tuple[str, Any]]:
        """First events of the records of a file that holds one, several, or arrays of them."""
        while True:
            event, value = self.next()
            if self.ended:
                return
            if event == "start_array":
                yield from self.items()
            else:
                yield event, value
