"""Sparse tar members: the old GNU format and pax formats 0.0, 0.1 and 1.0.

Source: GNU tar manual, appendix "Storing Sparse Files". The stored pieces are put back between
their holes, so that the digests are those of the file that was archived.
"""

from __future__ import annotations

from collections.abc import Iterator

from brightline.sources.streams import PIECE, BrokenStreamError, Budget, Stream
from brightline.sources.tarheader import BLOCK, MOST, SparseMap, number
from brightline.types import Reason

#: more pieces than this are taken for damage
MOST_PIECES = 1_000_000
#: digits in one number of a map, at most
MOST_DIGITS = 20

_MALFORMED = SparseMap(None, -1)
_ZEROS = bytes(PIECE)


def old_gnu_map(block: bytes, stream: Stream) -> SparseMap | None:
    """The map of a type S header, with its extension blocks read from the stream.

    None if it is malformed or cut off.
    """
    pieces: list[tuple[int, int]] = []
    real_size = number(block[483:495])
    if real_size is None or not _add_pieces(pieces, block[386:482]):
        return None
    more = block[482]
    while more:
        extension = stream.read(BLOCK)
        if len(extension) < BLOCK or len(pieces) > MOST_PIECES:
            return None
        if not _add_pieces(pieces, extension[:504]):
            return None
        more = extension[504]
    return SparseMap(tuple(pieces), real_size)


def _add_pieces(pieces: list[tuple[int, int]], fields: bytes) -> bool:
    for at in range(0, len(fields), 24):
        if not fields[at]:
            break
        offset, length = number(fields[at : at + 12]), number(fields[at + 12 : at + 24])
        if offset is None or length is None:
            return False
        pieces.append((offset, length))
    return True


def pax_map(records: list[tuple[bytes, bytes]]) -> SparseMap | None:
    """The map in a member's pax records, or None if the member is not sparse.

    A malformed map comes back as one that `SparseStream` refuses.
    """
    sparse = [(k.removeprefix(b"GNU.sparse."), v) for k, v in records if k[:11] == b"GNU.sparse."]
    if not sparse:
        return None
    values = dict(sparse)
    real_size = _integer(values.get(b"realsize") or values.get(b"size") or b"")
    if real_size is None:
        return _MALFORMED
    if values.get(b"major") == b"1":
        return SparseMap(None, real_size)
    if b"map" in values:
        numbers = [_integer(v) for v in values[b"map"].split(b",")] if values[b"map"] else []
    else:
        numbers = [_integer(v) for k, v in sparse if k in (b"offset", b"numbytes")]
    whole = [n for n in numbers if n is not None]
    if len(whole) != len(numbers) or len(whole) % 2:
        return _MALFORMED
    return SparseMap(tuple(zip(whole[::2], whole[1::2], strict=True)), real_size)


def _integer(text: bytes) -> int | None:
    if not text.isdigit() or len(text) > MOST_DIGITS:
        return None
    value = int(text)
    return value if value <= MOST else None


class SparseStream(Stream):
    """The whole file of a sparse member; holes are charged to the budget.

    Breaks as DAMAGED_MEMBER where map and stored bytes do not fit each other.
    """

    def __init__(self, body: Stream, sparse: SparseMap, budget: Budget) -> None:
        super().__init__()
        if sparse.real_size < 0:
            raise BrokenStreamError(Reason.DAMAGED_MEMBER)
        pieces = _map_before_data(body) if sparse.pieces is None else sparse.pieces
        end = 0
        for offset, length in pieces:
            if offset < end or offset + length > sparse.real_size:
                raise BrokenStreamError(Reason.DAMAGED_MEMBER)
            end = offset + length
        self._source = _fill_holes(body, pieces, sparse.real_size, budget)

    def _fill(self) -> bytes:
        return next(self._source, b"")


def _map_before_data(body: Stream) -> tuple[tuple[int, int], ...]:
    data = body.read(BLOCK)
    numbers: list[int] = []
    want = 1
    at = 0
    while len(numbers) < want:
        end = data.find(b"\n", at, at + MOST_DIGITS + 1)
        if end < 0:
            more = body.read(BLOCK) if len(data) - at <= MOST_DIGITS else b""
            if not more:
                raise BrokenStreamError(Reason.DAMAGED_MEMBER)
            data = data[at:] + more
            at = 0
            continue
        value = _integer(data[at:end])
        if value is None or len(numbers) > 2 * MOST_PIECES:
            raise BrokenStreamError(Reason.DAMAGED_MEMBER)
        numbers.append(value)
        at = end + 1
        if len(numbers) == 1:
            want = 1 + 2 * value
    return tuple(zip(numbers[1::2], numbers[2::2], strict=True))


def _fill_holes(
    body: Stream, pieces: tuple[tuple[int, int], ...], real_size: int, budget: Budget
) -> Iterator[bytes]:
    at = 0
    for offset, length in (*pieces, (real_size, 0)):
        while at < offset:
            hole = _ZEROS[: offset - at]
            budget.charge(len(hole))
            at += len(hole)
            yield hole
        while at < offset + length:
            data = body.read_some(min(PIECE, offset + length - at))
            if not data:
                raise BrokenStreamError(Reason.DAMAGED_MEMBER)
            at += len(data)
            yield data
    if body.read_some():
        raise BrokenStreamError(Reason.DAMAGED_MEMBER)
