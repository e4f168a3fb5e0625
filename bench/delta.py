"""A small new list against a huge archive of signals: codes and digests a second.

    python -m bench.delta --entries 1000 10000 100000 --codes 1000000

One thread; medians of some rounds that take turns. The archive is random codes, one in a thousand
within 31 bits of an entry, or codes of parts of photographs against a list of such (see
`bench.search`). `index` is `HammingIndex` over the list, asked a part of the codes.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench import conditions, table
from bench.search import entries_and_queries, flipped, random_codes, timed, warm_up
from brightline.match import DeltaIndex, ExactIndex, HammingIndex
from brightline.types import PDQ_THRESHOLD, SignalType

#: the slower way is asked one code in so many
_PART = 20


@dataclass(frozen=True, slots=True)
class Codes:
    """Archived codes against a list: millions a second by each way, and the table's size."""

    kind: str
    entries: int
    codes: int
    delta_mps: float
    index_mps: float
    build_s: float
    table_mb: float
    pairs: int


@dataclass(frozen=True, slots=True)
class Values:
    """Archived digests against a list: millions a second."""

    signal: SignalType
    entries: int
    values: int
    mps: float
    pairs: int


def codes(entries: int, count: int, rounds: int = 5, kind: str = "random",
          real: int = 60_000) -> Codes:  # fmt: skip
    """Time `DeltaIndex` and `HammingIndex` over one list.

    Raises ValueError if they do not find the same pairs.
    """
    warm_up()
    if kind == "photo":
        listed, archive, _ = entries_and_queries(kind, entries, count, real)
    else:
        rng = np.random.default_rng(3)
        listed, archive = random_codes(rng, entries), random_codes(rng, count)
        near = range(0, count, 1000)
        known = listed[rng.integers(0, entries, len(near))]
        archive[near] = flipped(rng, known, 0, PDQ_THRESHOLD)
    begin = time.perf_counter()
    delta = DeltaIndex.build(listed)
    build = time.perf_counter() - begin
    index = HammingIndex.build(listed)
    part = archive[: max(1, count // _PART)]
    pairs = delta.search(archive)
    within = pairs[0] < len(part)
    expected = index.search(part, PDQ_THRESHOLD)
    if not all(np.array_equal(a[within], b) for a, b in zip(pairs, expected, strict=True)):
        raise ValueError("DeltaIndex and HammingIndex do not find the same pairs")
    seconds = timed(
        {
            "delta": lambda: delta.search(archive),
            "index": lambda: index.search(part, PDQ_THRESHOLD),
        },
        rounds,
    )
    return Codes(
        kind, entries, count,
        delta_mps=count / seconds["delta"] / 1e6,
        index_mps=len(part) / seconds["index"] / 1e6,
        build_s=build,
        table_mb=delta.nbytes / 2**20,
        pairs=len(pairs[0]),
    )  # fmt: skip


def values(signal: SignalType, entries: int, count: int, rounds: int = 5) -> Values:
    """Time `ExactIndex` over a list, one archived digest in 200 being listed."""
    rng = np.random.default_rng(4)
    listed = rng.integers(0, 256, (entries, signal.width), dtype=np.uint8)
    archive = rng.integers(0, 256, (count, signal.width), dtype=np.uint8)
    known = range(0, count, 200)
    archive[known] = listed[rng.integers(0, entries, len(known))]
    index = ExactIndex.build(listed)
    pairs = len(index.search(archive)[0])
    seconds = timed({"": lambda: index.search(archive)}, rounds)[""]
    return Values(signal, entries, count, count / seconds / 1e6, pairs)


def _tables(of_codes: Sequence[Codes], of_values: Sequence[Values]) -> str:
    first = table(
        ("archive", "entries", "codes", "M/s", "through the index", "build s", "MB", "pairs"),
        [
            (c.kind, f"{c.entries:,}", f"{c.codes:,}", f"{c.delta_mps:.2f}",
             f"{c.index_mps:.2f}", f"{c.build_s:.2f}", f"{c.table_mb:.0f}", f"{c.pairs:,}")
            for c in of_codes
        ],
    )  # fmt: skip
    second = table(
        ("digest", "entries", "values", "M/s", "pairs"),
        [
            (v.signal, f"{v.entries:,}", f"{v.values:,}", f"{v.mps:.1f}", f"{v.pairs:,}")
            for v in of_values
        ],
    )
    return f"{first}\n\n{second}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--entries", type=int, nargs="+", default=[100, 1_000, 10_000, 100_000])
    parser.add_argument("--codes", type=int, default=1_000_000)
    parser.add_argument("--kinds", nargs="+", default=["random"], choices=["random", "photo"])
    arguments = parser.parse_args()
    print(conditions("python -m bench.delta", ["brightline", "numpy", "numba"]))
    of_codes = [codes(size, arguments.codes, kind=kind)
                for kind in arguments.kinds for size in arguments.entries]  # fmt: skip
    of_values = [values(signal, size, 4 * arguments.codes)
                 for signal in (SignalType.MD5, SignalType.SHA1, SignalType.SHA256)
                 for size in arguments.entries]  # fmt: skip
    print(f"\n{_tables(of_codes, of_values)}")


if __name__ == "__main__":
    main()
