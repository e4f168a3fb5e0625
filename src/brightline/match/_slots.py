"""Building the slots of a radius index.

A code is cut into slots. Slot 0 needs no table: codes are kept in its order. Each other slot
has, in the order of its key, one *record* of 4 to 6 bytes a code, little-endian: the code's
number in the low `id_bits`, and above it a *fragment*, the first bits of the next slot's key
(the last slot's next is slot 0). The fragment is what lets a search dismiss a candidate
without fetching its code; `_probe` says why that loses nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from brightline.kernels import kernel
from brightline.match._cells import cell_count, fill_cells, spill_size
from brightline.match._codes import U32, U64, WORDS, field
from brightline.types import I64, U8

#: the fragment has at least this many bits (fewer if the next slot is narrower)
MIN_FRAGMENT = 12
#: a slot is at least this wide; its sorting begins with so many bits
PARTITION_BITS = 8
MIN_WIDTH, MAX_WIDTH = PARTITION_BITS, PARTITION_BITS + 16
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


def slot_table(widths: tuple[int, ...], codes: int) -> I64:
    """(m, 4): the columns named above, for slots of these widths over so many codes."""
    offsets = np.concatenate([[0], np.cumsum(widths)]).astype(np.int64)
    room = 8 * record_bytes(codes) - id_bits(codes)
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


@kernel
def _partition(words: U64, slot: I64, number_bits: int, bounds: I64, out: U64) -> None:
    """Records in the order of the highest bits of their key, below the rest of that key.

    `bounds` (partitions + 1,) is filled with where each partition begins and the last ends,
    `out` (n,) with record | rest << RECORD_BITS. Partitioning first keeps the sorting that
    follows within the cache.
    """
    offset, width = slot[OFFSET], slot[WIDTH]
    after, fragment = slot[NEXT], slot[FRAGMENT]
    rest = width - PARTITION_BITS
    bounds[:] = 0
    for i in range(out.size):
        bounds[field(words, i, offset, PARTITION_BITS) + 1] += 1
    for p in range(1, bounds.size):
        bounds[p] += bounds[p - 1]
    place = bounds.copy()
    for i in range(out.size):
        key = field(words, i, offset, width)
        record = i | (field(words, i, after, fragment) << number_bits)
        p = key >> rest
        out[place[p]] = np.uint64(record | ((key & ((1 << rest) - 1)) << RECORD_BITS))
        place[p] += 1


@kernel
def _sort_partitions(
    partitioned: U64, bounds: I64, size: int, starts: I64, records: U8, base: int
) -> None:
    """Write a slot's records, in the order of its key, from byte `base` on.

    `starts` (2**width + 1,) is filled with where each bucket begins.
    """
    partitions = bounds.size - 1
    buckets = (starts.size - 1) // partitions
    place = np.empty(buckets, np.int64)
    shift = np.uint64(RECORD_BITS)
    for p in range(partitions):
        place[:] = 0
        for i in range(bounds[p], bounds[p + 1]):
            place[np.int64(partitioned[i] >> shift)] += 1
        begin = bounds[p]
        for b in range(buckets):
            count = place[b]
            starts[p * buckets + b] = begin
            place[b] = begin
            begin += count
        for i in range(bounds[p], bounds[p + 1]):
            bucket = np.int64(partitioned[i] >> shift)
            at = base + place[bucket] * size
            place[bucket] += 1
            for byte in range(size):
                records[at + byte] = np.uint8((partitioned[i] >> np.uint64(8 * byte)) & 255)
    starts[starts.size - 1] = partitioned.size


def build_slots(words: U64, widths: tuple[int, ...]) -> Slots:
    """Build the slots over permuted codes (flat), which are in ascending order."""
    codes = len(words) // WORDS
    size = record_bytes(codes)
    table = slot_table(widths, codes)
    records = np.zeros(slot_sizes(widths, codes).records, np.uint8)
    cells: list[U64] = [np.empty(0, np.uint64)]
    spills: list[U32] = [np.empty(0, np.uint32)]
    lists: list[U32] = [np.empty(0, np.uint32)]
    spilled = 0
    partitioned = np.empty(codes, np.uint64)
    bounds = np.empty((1 << PARTITION_BITS) + 1, np.int64)
    for k, width in enumerate(widths):
        starts = np.empty((1 << width) + 1, np.int64)
        _partition(words, table[k], id_bits(codes), bounds, partitioned)
        # slot 0's records are not kept: codes stand in its order
        target = records if k > 0 else np.empty(codes * size, np.uint8)
        base = max(0, k - 1) * codes * size
        _sort_partitions(partitioned, bounds, size, starts, target, base)
        if is_dense(width, codes):
            lists.append(starts.astype(np.uint32))
        else:
            spill = np.empty(spill_size(starts), np.uint32)
            slot_cells = np.empty(cell_count(width) * WORDS, np.uint64)
            fill_cells(starts, slot_cells, spill, spilled)
            spilled += len(spill)
            cells.append(slot_cells)
            spills.append(spill)
    return Slots(np.concatenate(cells), np.concatenate(spills), np.concatenate(lists), records)
