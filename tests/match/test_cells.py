"""The directory of buckets says what the list of starts said."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from brightline.match._cells import bucket_range, cell_count, fill_cells, spill_size


@settings(deadline=None, max_examples=100)
@given(
    st.integers(0, 9),
    st.integers(0, 2**32 - 1),
    st.sampled_from([1, 3, 7, 8, 9, 500]),
    st.floats(0, 1),
    st.integers(0, 3),
)
def test_cells(width: int, seed: int, most: int, occupied: float, spilled: int) -> None:
    rng = np.random.default_rng(seed)
    sizes = rng.integers(0, most + 1, 1 << width) * (rng.random(1 << width) < occupied)
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    cells = np.zeros(4 * cell_count(width), np.uint64)
    spill = np.zeros(spill_size(starts), np.uint32)
    fill_cells(starts, cells, spill, spilled)
    spill = np.concatenate([np.zeros(spilled, np.uint32), spill])
    cells.setflags(write=False)
    spill.setflags(write=False)
    total = int(starts[-1])
    for bucket in range(1 << width):
        at = 4 * (bucket >> 6)
        union = int(cells[at + 1] | cells[at + 2] | cells[at + 3])
        assert union >> (bucket & 63) & 1 == (sizes[bucket] > 0)
        if sizes[bucket] > 0:
            begin, end = bucket_range(cells, at, bucket & 63, spill, total)
            assert (begin, end) == (starts[bucket], starts[bucket + 1])
    # at most four bytes an item, as the module says
    assert 4 * (len(spill) - spilled) <= 4 * total


def test_a_cell_that_points_nowhere() -> None:
    spill = np.zeros(4, np.uint32)
    for head in (2**63, 2**63 + 3, 2**64 - 1, 2**62, 100):
        cells = np.array([head, 1, 0, 0], np.uint64)
        for array in (cells, spill):
            array.setflags(write=False)
        assert bucket_range(cells, 0, 0, spill, 50) == (0, -1)
