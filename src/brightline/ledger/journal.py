"""A ledger kept as one text file: a canonical JSON object a line, fsynced line by line."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from brightline import storage
from brightline.errors import DamagedError
from brightline.ledger.records import JSON, Event, Record

_NAME = "journal.jsonl"


class Journal:
    """The ledger in `folder/journal.jsonl`.

    Any number of processes may append: each holds the folder's lock for the time of one
    record, and waits for its turn. Nothing is read or created before the first use.

    A last line without its newline was cut off by a crash and never acknowledged. Readers
    leave it out; the next `append` cuts it away and adds a record of kind `recovered` with
    the number of bytes. A damaged line anywhere else raises DamagedError.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / _NAME
        self._lock = folder / ".lock"
        self._end = 0  # bytes that are known to be whole lines, and how many lines
        self._count = 0

    def append(self, kind: Event, fields: Mapping[str, JSON]) -> int:
        """Add a record, durable when this returns; returns its sequence number.

        `fields` must never hold a locator or a hash of a match. Raises DamagedError if the
        journal is damaged, and OSError if it cannot be written; then nothing was added.
        """
        with storage.locked(self._lock, "the ledger", wait=True):
            torn = self._catch_up()
            if torn:
                os.truncate(self.path, self._end)
                self._write(Event.RECOVERED, {"bytes": torn})
            return self._write(kind, fields)

    def records(self) -> Iterator[Record]:
        """Every record from the first on; DamagedError names the line that is damaged."""
        try:
            stream = self.path.open("rb")
        except FileNotFoundError:
            return
        with stream:
            for record, _ in _read(stream, self.path, 0):
                yield record

    def _catch_up(self) -> int:
        """Read what others appended since; returns the bytes of a cut-off last line."""
        try:
            stream = self.path.open("rb")
        except FileNotFoundError:
            if self._count:
                raise DamagedError(f"{self.path} is gone; restore it from a copy") from None
            return 0
        with stream:
            size = os.fstat(stream.fileno()).st_size
            if size < self._end:
                raise DamagedError(f"{self.path} has become shorter; restore it from a copy")
            stream.seek(self._end)
            for record, length in _read(stream, self.path, self._count):
                self._count = record.seq + 1
                self._end += length
        return size - self._end

    def _write(self, kind: Event, fields: Mapping[str, JSON]) -> int:
        seq = self._count
        time = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        line = _encode(Record(seq, time, str(kind), dict(fields)))
        try:
            storage.append_durable(self.path, line)
        except OSError:
            # a record that was not acknowledged should not turn up later
            with contextlib.suppress(OSError):
                os.truncate(self.path, self._end)
            raise
        self._count += 1
        self._end += len(line)
        return seq


def _encode(record: Record) -> bytes:
    """The record's one spelling: sorted keys, no spaces, ASCII, one line."""
    document = {
        "seq": record.seq,
        "time": record.time,
        "kind": record.kind,
        "fields": record.fields,
    }
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode("ascii") + b"\n"


def _read(stream: BinaryIO, path: Path, seq: int) -> Iterator[tuple[Record, int]]:
    """Whole lines from the stream's position on, the first being number `seq`."""
    for line in stream:
        if not line.endswith(b"\n"):
            return
        record = _decode(line, seq)
        if record is None:
            raise DamagedError(f"{path} is damaged at line {seq + 1}; restore it from a copy")
        yield record, len(line)
        seq += 1


def _decode(line: bytes, seq: int) -> Record | None:
    """The record that a line spells canonically under this number, or None."""
    try:
        document = json.loads(line)
    except ValueError:
        return None
    match document:
        case {"seq": int(), "time": str(time), "kind": str(kind), "fields": dict(fields)}:
            record = Record(seq, time, kind, fields)
        case _:
            return None
    # comparing the spelling catches all else: another number, further keys, doubled keys
    return record if _encode(record) == line else None
