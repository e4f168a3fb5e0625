"""Compiling indexes of any size in little memory.

They are the very indexes of `ExactIndex.build` and `HammingIndex.build`, made a block of rows at
a time in scratch files.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from brightline.lists.scratch import Scratch
from brightline.lists.sorting import U64, in_order
from brightline.match import ExactIndex, HammingIndex, _plan, _slots
from brightline.match._cells import cell_count, fill_cells, spill_size
from brightline.match._codes import U32, WORDS, sort_rows, spread
from brightline.match.exact import _bucket_starts, _word_count, _words, directory_width
from brightline.types import I64, U8


def exact_index(values: U8, scratch: Scratch) -> ExactIndex:
    """`ExactIndex.build` of values (n, 16 or 20 or 32); ListError if the disk is full."""
    if len(values) <= scratch.rows:
        return ExactIndex.build(values)
    words = _word_count(values.shape[1])
    rows, starts, entries = _sorted(
        lambda part: _words(values[part, :8])[:, 0],
        lambda chosen: _words(values[chosen]),
        (len(values), words),
        scratch,
    )
    bits = directory_width(len(rows) // words)
    bucket_starts = scratch.empty((1 << bits) + 1, np.int64)
    _bucket_starts(rows, words, bits, bucket_starts)
    cells = scratch.empty(cell_count(bits) * WORDS, np.uint64)
    spill = scratch.empty(spill_size(bucket_starts), np.uint32)
    fill_cells(bucket_starts, cells, spill, 0)
    return ExactIndex(None, values.shape[1], rows, starts, entries, cells, spill)


def hamming_index(codes: U8, radius: int, scratch: Scratch) -> HammingIndex:
    """`HammingIndex.build` of codes (n, 32); ListError if the disk is full."""
    if len(codes) <= scratch.rows:
        return HammingIndex.build(codes, radius=radius)
    words = scratch.empty((len(codes), WORDS), np.uint64)
    for part in scratch.blocks(len(codes)):
        words[part] = spread(codes[part]).reshape(-1, WORDS)
    distinct, starts, entries = _sorted(
        lambda part: words[part, 0], lambda chosen: words[chosen], words.shape, scratch
    )
    widths = _plan.design(len(distinct) // WORDS, radius)
    slots = _slots.build_slots(distinct, widths, scratch.empty)
    return HammingIndex(None, radius, widths, distinct, starts, entries, slots)


def _sorted(
    first: Callable[[slice], U64],
    chosen: Callable[[I64], U64],
    shape: tuple[int, int],
    scratch: Scratch,
) -> tuple[U64, U32, U32]:
    """Different rows, flat and in order; where each one's entries begin, unless all differ; and
    the entries, in the order of the rows.

    first: the first words of consecutive rows; chosen: rows by number, (n, words).
    """
    count, words = shape
    rows = scratch.empty(count * words, np.uint64)
    starts = scratch.empty(count + 1, np.uint32)
    entries = scratch.empty(count, np.uint32)
    done = different = 0
    for numbers, _ in in_order(first, count, scratch):
        found = chosen(numbers)
        order, firsts = sort_rows(found)
        entries[done : done + len(order)] = numbers[order]
        stop = different + len(firsts)
        rows[different * words : stop * words] = found[order[firsts]].reshape(-1)
        starts[different:stop] = firsts + done
        done += len(order)
        different = stop
    starts[different] = count
    return rows[: different * words], starts[: different + 1 if different < count else 0], entries
