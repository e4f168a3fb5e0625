"""How far the reference's shortcut for turned pictures is from hashing the turned pixels.

    python -m bench.pdq_orientations [--count N] [--no-debian] [--write]

`--write` puts the table into docs/adr/0004.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import functools
import multiprocessing
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pdqhash

from bench import conditions, percentile, share, table, write_between_markers
from bench.photos import Crop, crops
from brightline.signals.pdq import ORIENTATIONS, pdq
from brightline.types import PDQ_MIN_QUALITY, PDQ_THRESHOLD, U8

SEED = 3
ADR = Path("docs/adr/0004-orientations.md")
_PACKAGES = ("brightline", "numpy", "numba", "pdqhash", "pillow")

_TURN: tuple[Callable[[U8], U8], ...] = (
    functools.partial(np.rot90, k=1),
    functools.partial(np.rot90, k=2),
    functools.partial(np.rot90, k=3),
    functools.partial(np.flip, axis=0),
    functools.partial(np.flip, axis=1),
    functools.partial(np.swapaxes, axis1=0, axis2=1),
    lambda x: np.swapaxes(np.rot90(x, 2), 0, 1),
)


def _packed(vector: npt.ArrayLike) -> int:
    return int.from_bytes(np.packbits(np.asarray(vector, np.uint8)).tobytes())


def _turns(crop: Crop) -> tuple[list[int], int] | None:
    """(shortcut's distance to the turned pixels' hash for each turn, how many of Brightline's
    seven differ from it); None under quality 50."""
    vectors, quality = pdqhash.compute_dihedral(crop.pixels)
    if quality < PDQ_MIN_QUALITY:
        return None
    ours = pdq(crop.pixels, turned=True).turned
    distances, unequal = [], 0
    for shortcut, turn, hashed in zip(vectors[1:], _TURN, ours, strict=True):
        expected = _packed(pdqhash.compute(np.ascontiguousarray(turn(crop.pixels)))[0])
        distances.append((_packed(shortcut) ^ expected).bit_count())
        unequal += int.from_bytes(hashed) != expected
    return distances, unequal


def orientations(pictures: Sequence[Crop], pool: concurrent.futures.Executor, where: str) -> str:
    """The distribution as Markdown."""
    seen = [one for one in pool.map(_turns, pictures, chunksize=4) if one is not None]
    rows = []
    for k, name in (*enumerate(ORIENTATIONS), (-1, "all seven")):
        d = np.array([x for one, _ in seen for x in (one if k < 0 else one[k : k + 1])])
        rows.append(
            (name, d.size, share(int((d == 0).sum()), d.size))
            + tuple(percentile(d, p) for p in (50, 90, 99))
            + (int(d.max()), int((d > PDQ_THRESHOLD).sum()))
        )
    head = ("turn", "n", "equal", "median", "p90", "p99", "max", "> 31")
    unequal = sum(count for _, count in seen)
    return (
        f"{where} {len(seen)} pictures with quality ≥ 50, of `bench/photos.py`.\n\n"
        f"{table(head, rows)}\n\n"
        f"Brightline's hashes that differ from hashing the turned pixels with `pdqhash`: "
        f"{unequal} of {len(seen) * len(ORIENTATIONS)}."
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=520, help="pictures")
    parser.add_argument("--no-debian", action="store_true", help="only what packages ship")
    parser.add_argument("--write", action="store_true", help=f"into {ADR}")
    asked = parser.parse_args()
    pictures = list(crops(asked.count, SEED, debian=not asked.no_debian))
    where = conditions(f"python -m bench.pdq_orientations --count {asked.count}", _PACKAGES)
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count(), context) as pool:
        text = orientations(pictures, pool, where)
    print(text)
    if asked.write:
        write_between_markers(ADR, text)


if __name__ == "__main__":
    main()
