"""EnCase hash sets (`.hash`), versions 4 and later: a binary file of MD5s.

Layout as the Forensics Wiki ("EnCase hash files") and The Sleuth Kit describe it: magic
`HASH\\r\\n\\xff\\0`; at 0x10 the number of hashes (little-endian, 32 bits); at 0x408 the set's
name and at 0x458 its category, UTF-16LE, padded with zeros; from 0x480 records of 18 bytes,
an MD5 and two zero bytes, up to the end. The category becomes that of every entry; the set's
name is not kept, since the list has its own.
"""

from __future__ import annotations

from brightline.errors import ListFormatError
from brightline.lists.collected import Collected
from brightline.lists.formats.faults import Fault, Faults, FaultyRecordError, Unit
from brightline.lists.formats.interface import Source
from brightline.lists.formats.values import take_signal
from brightline.types import Role, SignalType

_MAGIC = b"HASH\r\n\xff\0"
_COUNT = slice(0x10, 0x14)
_CATEGORY = slice(0x458, 0x480)
_HEADER = 0x480
_MD5 = SignalType.MD5.width
_RECORD = _MD5 + 2
_BATCH = _RECORD << 14


class EnCase:
    """EnCase `.hash`."""

    name = "encase"
    unit: Unit = "record"
    role: Role | None = None

    def recognises(self, head: bytes) -> bool:
        """Whether it starts with the magic."""
        return head.startswith(_MAGIC)

    def read(self, source: Source, entries: Collected, faults: Faults) -> None:
        """Read the whole stream; ListFormatError if it is cut off or not of this layout."""
        header = source.stream.read(_HEADER)
        if not header.startswith(_MAGIC) or len(header) < _HEADER:
            raise _damaged(source, "its header is not that of an EnCase hash set, or is cut off")
        try:
            category = header[_CATEGORY].decode("utf-16-le").partition("\0")[0].strip()
        except UnicodeDecodeError:
            raise _damaged(source, "the name of its category is not UTF-16") from None
        expected = int.from_bytes(header[_COUNT], "little")
        count = 0
        while batch := source.stream.read(_BATCH):
            if len(batch) % _RECORD:
                raise _damaged(source, f"record {count + len(batch) // _RECORD + 1} is cut off")
            for start in range(0, len(batch), _RECORD):
                count += 1
                try:
                    if batch[start + _MD5] or batch[start + _MD5 + 1]:
                        raise FaultyRecordError(Fault.PADDING)
                    value = batch[start : start + _MD5]
                    take_signal(SignalType.MD5, value, category, entries)
                except FaultyRecordError as error:
                    faults.add(count, error.fault)
        if count != expected:
            raise _damaged(source, f"its header counts {expected} hashes and there are {count}")


def _damaged(source: Source, trouble: str) -> ListFormatError:
    return ListFormatError(
        f"{source.file} was refused and nothing was imported: {trouble}; "
        "get the file from its source again"
    )
