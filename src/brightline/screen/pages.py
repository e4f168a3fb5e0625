"""Values of a Parquet column where they lie in the file.

Digests and PDQ hashes are archived as they are: fixed in size, neither compressed nor encoded.
Where no value of a column chunk is null, its pages then are nothing but values after a short
head, and decoding them would be a slow way to copy. Layout and numbers: Apache Parquet format
2.11, `parquet.thrift` and "Data Pages"; heads are in Thrift's compact protocol.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import pyarrow.parquet as pq

from brightline.types import U8

_DATA_PAGE = 0
_PLAIN = 0
_RLE = 3
#: fields of PageHeader, and of its DataPageHeader
_TYPE, _SIZE, _STORED_SIZE, _HEAD = 1, 2, 3, 5
_COUNT, _ENCODING, _LEVEL_ENCODING = 1, 2, 3
_LENGTH_BYTES = 4
#: a page's statistics are a struct in a struct in its head
_DEPTH = 2

_Fields: TypeAlias = dict[int, Any]


def plain_values(data: U8, chunk: pq.ColumnChunkMetaData, width: int) -> list[U8] | None:
    """A chunk's values page by page, each (n, width), without a copy.

    data: the whole file. chunk: of a column of fixed-size binary that may be null and is not
    inside another. None if it has a null, or is stored in any other way than said above.
    """
    if (
        chunk.physical_type != "FIXED_LEN_BYTE_ARRAY"
        or chunk.compression != "UNCOMPRESSED"
        or chunk.dictionary_page_offset is not None
    ):
        return None
    pages = []
    at, left = chunk.data_page_offset, chunk.num_values
    try:
        while left > 0:
            head, at = _struct(data, at)
            page = head[_HEAD]
            count, size = page[_COUNT], head[_SIZE]
            if (
                head[_TYPE] != _DATA_PAGE
                or head[_STORED_SIZE] != size
                or page[_ENCODING] != _PLAIN
                or page[_LEVEL_ENCODING] != _RLE
                or not 0 < count <= left
            ):
                return None
            start, end = _after_levels(data, at, count), at + size
            if start is None or end - start != count * width or end > len(data):
                return None
            pages.append(data[start:end].reshape(count, width))
            at, left = end, left - count
    except (IndexError, KeyError, TypeError):
        return None
    return pages


def _after_levels(data: U8, at: int, count: int) -> int | None:
    """Where a page's values begin; None unless one run of its levels says that all are there."""
    length = int.from_bytes(data[at : at + _LENGTH_BYTES].tobytes(), "little")
    at += _LENGTH_BYTES
    run, after = _number(data, at)
    # an even number is twice the length of a run of one value, which follows in one byte
    if run != count << 1 or data[after] != 1 or after + 1 != at + length:
        return None
    return after + 1


def _number(data: U8, at: int) -> tuple[int, int]:
    """A variable-length number, and where it ends."""
    value = shift = 0
    while True:
        byte = int(data[at])
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _struct(data: U8, at: int, depth: int = 0) -> tuple[_Fields, int]:
    """A Thrift struct's numbers and structs by field, and where it ends.

    Raises KeyError for what the head of a page does not have, and IndexError at the end of data.
    """
    if depth > _DEPTH:
        raise KeyError(depth)
    fields: _Fields = {}
    field = 0
    while head := int(data[at]):
        at += 1
        field, kind = field + (head >> 4), head & 15
        if not head >> 4:
            number, at = _number(data, at)
            field = number >> 1 ^ -(number & 1)
        match kind:
            case 1 | 2:  # true and false
                fields[field] = kind == 1
            case 3:  # a byte
                at += 1
            case 4 | 5 | 6:  # 16, 32 and 64 bits
                number, at = _number(data, at)
                fields[field] = number >> 1 ^ -(number & 1)
            case 8:  # bytes
                length, at = _number(data, at)
                at += length
            case 12:  # a struct
                fields[field], at = _struct(data, at, depth + 1)
            case _:
                raise KeyError(kind)
    return fields, at + 1
