"""Building the slots of a radius index.

A code is cut into slots. Slot 0 needs no table: codes are kept in its order. Each other slot
has, in the order of its key, one *record* of 4 to 6 bytes a code, little-endian: the code's
number in the low `id_bits`, and above it a *fragment*, the first bits of the next slot's key
(the last slot's next is slot 0). The fragment is what lets a search dismiss a candidate
without fetching its code; `_probe` says why that loses nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from brightline.kernels import leaf
from brightline.match._bits import store64
from brightline.match._cells import cell_count, fill_cells, spill_size
from brightline.match._codes import U32, U64, WORDS, field, on_a_line
from brightline.types import I64, U8

#: the fragment has at least this many bits (fewer if the next slot is narrower)
MIN_FRAGMENT = 12
#: a slot is at least this wide; its sorting begins with so many bits
PARTITION_BITS = 8
MIN_WIDTH, MAX_WIDTH = PARTITION_BITS, PARTITION_BITS + 16
ALL_WIDTHS = range(MIN_WIDTH, MAX_WIDTH + 1)
#: a record takes at most so many bits
RECORD_BITS = 48
#: codes a bucket from where on a slot has a list of starts in place of cells
DENSE_LOAD = 4
#: readers load eight bytes at a record, the last one too
PADDING = 8

#: columns of a slot table: where its key lies, how wide it is, and where its fragment lies
OFFSET, WIDTH, NEXT, FRAGMENT = range(4)


@dataclass(frozen=True, slots=True)
class Slots:
    """The slots of an index over n codes; all arrays flat."""

    cells: U64
    spill: U32
    starts: U32
    records: U8


@dataclass(frozen=True, slots=True)
class Sizes:
    """Lengths of the arrays of `Slots` that follow from the widths and the number of codes."""

    cells: int
    starts: int
    records: int


def id_bits(codes: int) -> int:
    """Bits of a code's number."""
    return max(1, (codes - 1).bit_length())


def record_bytes(codes: int) -> int:
    """Bytes in a record: room for a code's number and MIN_FRAGMENT bits."""
    return max(4, (id_bits(codes) + MIN_FRAGMENT + 7) // 8)


def is_dense(width: int, codes: int) -> bool:
    """Whether a slot's buckets hold so many codes that a cell would spill: then plain starts."""
    return codes >= DENSE_LOAD << width


def fragment_bits(codes: int) -> int:
    """Bits that a record has for a fragment."""
    return 8 * record_bytes(codes) - id_bits(codes)


def slot_table(widths: tuple[int, ...], room: int) -> I64:
    """(m, 4): the columns named above, for slots of these widths, fragments of `room` bits."""
    offsets = np.concatenate([[0], np.cumsum(widths)]).astype(np.int64)
    rows = []
    for k, width in enumerate(widths):
        after = (k + 1) % len(widths)
        rows.append((offsets[k], width, offsets[after], min(room, widths[after])))
    return np.array(rows, np.int64).reshape(len(widths), 4)


def slot_sizes(widths: tuple[int, ...], codes: int) -> Sizes:
    """The lengths for slots of these widths over so many codes."""
    dense = [width for width in widths if is_dense(width, codes)]
    sparse = [width for width in widths if not is_dense(width, codes)]
    return Sizes(
        cells=sum(cell_count(width) * WORDS for width in sparse),
        starts=sum((1 << width) + 1 for width in dense),
        records=max(0, len(widths) - 1) * codes * record_bytes(codes) + PADDING,
    )


@leaf
def _partition(words: U64, slot: I64, number_bits: int, ends: I64, out: U64) -> None:
    """Records in the order of the highest bits of their key, below the rest of that key.

    `ends` (partitions,) is filled with where each partition ends, `out` (n,) with
    record | rest << RECORD_BITS. Partitioning first keeps the sorting that follows within the
    cache.
    """
    offset, width = slot[OFFSET], slot[WIDTH]
    after, fragment = slot[NEXT], slot[FRAGMENT]
    rest = width - PARTITION_BITS
    ends[:] = 0
    for i in range(out.size):
        ends[np.uint64(field(words, i, offset, PARTITION_BITS))] += 1
    begin = 0
    for p in range(ends.size):
        begin += ends[p]
        ends[p] = begin - ends[p]
    for i in range(out.size):
        key = field(words, i, offset, width)
        record = i | (field(words, i, after, fragment) << number_bits)
        partition = np.uint64(key >> rest)
        place = np.uint64(ends[partition])
        out[place] = np.uint64(record | ((key & ((1 << rest) - 1)) << RECORD_BITS))
        ends[partition] += 1


@leaf
def _sort_partitions(
    partitioned: U64,
    ends: I64,
    size: int,
    place: I64,
    ordered: U64,
    starts: I64,
    records: U8,
    base: int,
) -> None:
    """Write a slot's records, in the order of its key, from byte `base` on.

    `ends` says where each partition ends. `place` (buckets of a partition,) and `ordered` (as
    long as the longest partition) are room to work in. `starts` (2**width + 1,) is filled with
    where each bucket begins. Up to 8 - `size` bytes behind the last record are overwritten.
    """
    buckets = place.size
    shift = np.uint64(RECORD_BITS)
    begin = 0
    for p in range(ends.size):
        end = ends[p]
        place[:] = 0
        for i in range(begin, end):
            place[partitioned[i] >> shift] += 1
        at = 0
        for b in range(buckets):
            count = place[b]
            starts[p * buckets + b] = begin + at
            place[b] = at
            at += count
        for i in range(begin, end):
            bucket = partitioned[i] >> shift
            ordered[np.uint64(place[bucket])] = partitioned[i]
            place[bucket] += 1
        byte = base + begin * size
        for i in range(end - begin):
            # eight bytes, of which the next record overwrites those that are not its own
            store64(records, byte, ordered[i])
            byte += size
        begin = end
    starts[starts.size - 1] = partitioned.size


def build_slots(
    words: U64, widths: tuple[int, ...], empty: Callable[[int, Any], Any] = on_a_line
) -> Slots:
    """Build the slots over permuted codes (flat), which are in ascending order.

    empty: makes the arrays that grow with the codes, by length and type; they need not be zero.
    """
    codes = len(words) // WORDS
    size = record_bytes(codes)
    table = slot_table(widths, fragment_bits(codes))
    records = empty(slot_sizes(widths, codes).records, np.uint8)
    cells = empty(slot_sizes(widths, codes).cells, np.uint64)
    spills: list[U32] = [np.empty(0, np.uint32)]
    lists: list[U32] = [np.empty(0, np.uint32)]
    spilled = begin = 0
    partitioned = empty(codes, np.uint64)
    ends = np.empty(1 << PARTITION_BITS, np.int64)
    # slot 0's records are not kept: codes stand in its order
    aside = empty(codes * size + PADDING if widths else 0, np.uint8)
    # in their order: behind its records each slot overwrites a few bytes of the next one's
    for k, width in enumerate(widths):
        starts = empty((1 << width) + 1, np.int64)
        _partition(words, table[k], id_bits(codes), ends, partitioned)
        ordered = empty(int(np.diff(ends, prepend=0).max()), np.uint64)
        place = np.empty(1 << (width - PARTITION_BITS), np.int64)
        target = records if k > 0 else aside
        base = max(0, k - 1) * codes * size
        _sort_partitions(partitioned, ends, size, place, ordered, starts, target, base)
        if is_dense(width, codes):
            lists.append(starts.astype(np.uint32))
        else:
            spill = empty(spill_size(starts), np.uint32)
            end = begin + cell_count(width) * WORDS
            fill_cells(starts, cells[begin:end], spill, spilled)
            begin = end
            spilled += len(spill)
            spills.append(spill)
    # the padding behind the last record is part of the file: always the same
    records[len(records) - PADDING :] = 0
    return Slots(cells, np.concatenate(spills), np.concatenate(lists), records)
