"""Which of many digests are on a list: ours, DuckDB and pyarrow, one thread each.

    python -m bench.exact --entries 30000000 --look-ups 100000000

MD5, 16 bytes each; half a percent of what is looked up is listed. Everybody is given the same
values in memory: ours as arrays, pyarrow and DuckDB as Arrow tables. `whole` is what one
comparison of a corpus costs: preparing the list and asking for everything. pyarrow and DuckDB
prepare the list anew for every question; ours is built once and kept in a file, and `asking` is
what it costs from then on.

DuckDB takes 16-byte binary as BLOB, whose comparison is slower than that of numbers;
as a second way it is given each value as two UBIGINT columns.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bench import conditions, table
from brightline.match import ExactIndex
from brightline.types import U8

WIDTH = 16
#: one value in so many is listed
_LISTED = 200


@dataclass(frozen=True, slots=True)
class Result:
    """One way: seconds to prepare and to ask (None where that is one step), and what was found."""

    name: str
    prepare_s: float | None
    ask_s: float | None
    whole_s: float
    found: int


def data(entries: int, look_ups: int, seed: int = 5) -> tuple[U8, U8]:
    """A list, and what is looked up: (n, 16) each."""
    rng = np.random.default_rng(seed)
    listed = np.frombuffer(rng.bytes(entries * WIDTH), np.uint8).reshape(-1, WIDTH)
    asked = np.frombuffer(bytearray(rng.bytes(look_ups * WIDTH)), np.uint8).reshape(-1, WIDTH)
    known = np.arange(0, look_ups, _LISTED)
    asked[known] = listed[rng.integers(0, entries, len(known))]
    return listed, asked


def _brightline(listed: U8, asked: U8) -> Result:
    begin = time.perf_counter()
    index = ExactIndex.build(listed)
    built = time.perf_counter()
    query, _ = index.search(asked)
    end = time.perf_counter()
    return Result("brightline", built - begin, end - built, end - begin, len(query))


def _binary(values: U8) -> pa.Array:
    """Values as fixed-size binary, without a copy."""
    return pa.Array.from_buffers(
        pa.binary(WIDTH), len(values), [None, pa.py_buffer(np.ascontiguousarray(values))]
    )


def _pyarrow(listed: U8, asked: U8) -> Result:
    table_of, values = _binary(listed), _binary(asked)
    threads = pa.cpu_count()
    pa.set_cpu_count(1)
    try:
        begin = time.perf_counter()
        found = pc.sum(pc.is_in(values, value_set=table_of)).as_py() or 0
        whole = time.perf_counter() - begin
    finally:
        pa.set_cpu_count(threads)
    return Result("pyarrow is_in", None, None, whole, found)


def _duckdb(name: str, tables: Callable[[U8], Any], join: str) -> Callable[[U8, U8], Result]:
    def run(listed: U8, asked: U8) -> Result:
        try:
            import duckdb
        except ImportError:
            raise SystemExit("comparing with DuckDB needs it: pip install duckdb") from None
        with duckdb.connect() as connection:
            connection.execute("SET threads = 1")
            connection.execute("SET enable_progress_bar = false")
            connection.register("listed", tables(listed))
            connection.register("asked", tables(asked))
            begin = time.perf_counter()
            row = connection.execute(
                f"SELECT count(*) FROM asked SEMI JOIN listed USING ({join})"
            ).fetchone()
            whole = time.perf_counter() - begin
        return Result(name, None, None, whole, row[0] if row else 0)

    return run


def _blobs(values: U8) -> pa.Table:
    return pa.table({"value": _binary(values)})


def _numbers(values: U8) -> pa.Table:
    words = np.ascontiguousarray(values).view(np.uint64)
    return pa.table({"high": words[:, 0].copy(), "low": words[:, 1].copy()})


def ways() -> dict[str, Callable[[U8, U8], Result]]:
    """Every way by its name, ours first."""
    return {
        "brightline": _brightline,
        "pyarrow is_in": _pyarrow,
        "DuckDB, BLOB": _duckdb("DuckDB, BLOB", _blobs, "value"),
        "DuckDB, 2 × UBIGINT": _duckdb("DuckDB, 2 × UBIGINT", _numbers, "high, low"),
    }


def compare(
    entries: int, look_ups: int, rounds: int = 1, only: Sequence[str] | None = None
) -> list[Result]:
    """Every way, taking turns; of each the round with the median of the whole.

    Raises ValueError if they do not find as many.
    """
    listed, asked = data(entries, look_ups)
    warm = ExactIndex.build(listed[:10])
    warm.search(asked[:10])
    chosen = {name: run for name, run in ways().items() if only is None or name in only}
    results: dict[str, list[Result]] = {name: [] for name in chosen}
    for _ in range(rounds):
        for name, run in chosen.items():
            results[name].append(run(listed, asked))
    out = []
    for several in results.values():
        several.sort(key=lambda result: result.whole_s)
        out.append(several[len(several) // 2])
    if len({result.found for result in out}) > 1:
        raise ValueError("they do not find as many")
    return out


def opened(index: ExactIndex, look_ups: int, chunk: int, rounds: int = 3) -> float:
    """Median nanoseconds a look-up in an index, so many at a time, made as they are needed."""
    times = []
    for _ in range(rounds):
        spent = 0.0
        for part in _chunks(look_ups, chunk):
            begin = time.perf_counter()
            index.search(part)
            spent += time.perf_counter() - begin
        times.append(1e9 * spent / look_ups)
    return statistics.median(times)


def _chunks(total: int, chunk: int) -> Iterator[U8]:
    rng = np.random.default_rng(6)
    for first in range(0, total, chunk):
        count = min(chunk, total - first)
        yield np.frombuffer(rng.bytes(count * WIDTH), np.uint8).reshape(-1, WIDTH)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--look-ups", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=1)
    arguments = parser.parse_args()
    packages = ["brightline", "numpy", "numba", "pyarrow", "duckdb"]
    print(conditions("python -m bench.exact", packages))
    rows = compare(arguments.entries, arguments.look_ups, arguments.rounds)
    print()
    print(
        table(
            ("way", "preparing s", "asking s", "whole s", "ns a look-up", "found"),
            [
                (r.name, "–" if r.prepare_s is None else f"{r.prepare_s:.2f}",
                 "–" if r.ask_s is None else f"{r.ask_s:.2f}", f"{r.whole_s:.2f}",
                 f"{1e9 * (r.ask_s or r.whole_s) / arguments.look_ups:.0f}", f"{r.found:,}")
                for r in rows
            ],
        )
    )  # fmt: skip


if __name__ == "__main__":
    main()
