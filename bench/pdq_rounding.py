"""How far rounding parts Brightline's fast PDQ from the reference's order of operations.

    python -m bench.pdq_rounding [--count N] [--no-debian]
    python -m bench.pdq_rounding --orientations [--count N] [--no-debian] [--write]

The first measures again what `_GAP` and `_PIXEL` in `brightline.signals.pdq` rest on and ends
with status 1 if one of them leaves less than twice the largest error seen. The second compares
the reference's shortcut for turned pictures with hashing the turned pixels (docs/adr/0004).
"""

from __future__ import annotations

import argparse
import concurrent.futures
import functools
import math
import multiprocessing
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pdqhash
from PIL import Image

from bench import conditions, percentile, share, table, write_between_markers
from bench.photos import Crop, crops
from brightline.signals import _pdq_kernels as kernels
from brightline.signals import pdq as fast
from brightline.signals.pdq import ORIENTATIONS, pdq
from brightline.types import PDQ_MIN_QUALITY, PDQ_THRESHOLD, U8

SEED = 3
SAFETY = 2.0
ADR = Path("docs/adr/0004-orientations.md")
_PACKAGES = ("brightline", "numpy", "numba", "pdqhash", "pillow")
_DRAWN = ("noise", "flat", "nearly flat", "ramp", "checker")

F32 = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Errors:
    """One picture, both as stored and turned by 180°; `size` is (h, w).

    `coefficient` is the largest |B_fast − B_reference|, `pixel` the largest error of a
    difference between neighbours of the 64×64 picture, both over √(h + w); `reference` says
    that `pdq` would take the slow path; `unsafe` that the fast path would be taken and its
    hash or quality is not the reference's.
    """

    kind: str
    size: tuple[int, int]
    coefficient: float
    pixel: float
    reference: bool
    unsafe: bool


# --- pictures -------------------------------------------------------------------------------


def _side(rng: np.random.Generator) -> int:
    """5 to 4000, each order of size as often as another."""
    return round(5 * math.exp(rng.random() * math.log(4000 / 5)))


def _drawn(kind: str, rng: np.random.Generator) -> U8:
    h, w = _side(rng), _side(rng)
    y, x = np.arange(h)[:, None], np.arange(w)[None, :]
    level = int(rng.integers(0, 256))
    if kind == "noise":
        return rng.integers(0, 256, (h, w), np.uint8)
    if kind == "flat":
        return np.full((h, w), level, np.uint8)
    if kind == "nearly flat":
        values = level + rng.integers(-1, 2, (h, w))
    elif kind == "ramp":
        slope_y, slope_x = rng.uniform(-1, 1, 2)
        plane = slope_y * y / h + slope_x * x / w
        values = 255 * (plane - plane.min()) / max(float(np.ptp(plane)), 1e-9)
    else:
        period = int(rng.integers(1, max(2, min(h, w))))
        values = 255 * ((y // period + x // period) % 2)
    return np.clip(values, 0, 255).astype(np.uint8)


def _photo(crop: Crop, rng: np.random.Generator) -> U8:
    size = _side(rng), _side(rng)
    image = Image.fromarray(crop.pixels).resize(size, Image.Resampling.BILINEAR)
    return np.array(image)


# --- rounding -------------------------------------------------------------------------------


def _dct(A: F32) -> F32:
    B = np.empty((16, 16), np.float32)
    kernels.dct(A, fast._D, fast._DT, np.empty((16, 64), np.float32), B)
    return B


def _errors(kind: str, X: U8) -> Errors:
    spread = math.sqrt(sum(X.shape[:2]))
    coefficient, pixel, slow, unsafe = 0.0, 0.0, False, False
    for reverse in (False, True):
        turned = np.ascontiguousarray(X[::-1, ::-1]) if reverse else X
        A = fast._columns(fast._rows(fast._frozen(X), reverse), reverse)
        A = np.ascontiguousarray(A[::-1, ::-1]) if reverse else A
        R = fast._reference(turned)
        coefficient = max(coefficient, float(np.abs(_dct(A) - _dct(R)).max()))
        off = A.astype(np.float64) - R.astype(np.float64)
        pixel = max(pixel, *(float(np.abs(np.diff(off, axis=a)).max()) for a in (0, 1)))
        low, high = kernels.quality_range(A, fast._PIXEL * spread)
        hashed, gap = fast._bits(A)
        if low != high or gap <= fast._GAP * spread:
            slow = slow or not reverse
        elif hashed != fast._bits(R)[0] or low != kernels.quality_range(R, 0.0)[0]:
            unsafe = True
    return Errors(
        kind, (X.shape[0], X.shape[1]), coefficient / spread, pixel / spread, slow, unsafe
    )


def _errors_drawn(kind: str, seed: int) -> Errors:
    return _errors(kind, _drawn(kind, np.random.default_rng((SEED, seed))))


def _errors_photo(crop: Crop, seed: int) -> list[Errors]:
    """As it is, and at a random size."""
    rng = np.random.default_rng((SEED, seed))
    return [_errors("photo", crop.pixels), _errors("photo resized", _photo(crop, rng))]


def rounding(pictures: Sequence[Crop], count: int, pool: concurrent.futures.Executor) -> int:
    """Print the figures; 1 where a constant leaves less than `SAFETY` times the error."""
    kinds = [_DRAWN[k % len(_DRAWN)] for k in range(count)]
    seen = list(pool.map(_errors_drawn, kinds, range(count), chunksize=16))
    for pair in pool.map(_errors_photo, pictures, range(len(pictures)), chunksize=4):
        seen += pair
    rows = []
    for kind in sorted({e.kind for e in seen}):
        some = [e for e in seen if e.kind == kind]
        rows.append(
            (kind, len(some), f"{max(e.coefficient for e in some):.2e}")
            + (f"{max(e.pixel for e in some):.2e}",)
            + (share(sum(e.reference for e in some), len(some)), sum(e.unsafe for e in some))
        )
    head = ("kind", "pictures", "coefficient", "difference", "reference path", "wrong and accepted")
    print(table(head, rows))
    print(f"\n{len(seen)} pictures; errors over √(h + w)")
    factors = _factors("all", seen)
    _factors("those on the fast path", [e for e in seen if not e.reference])
    photographs = [e for e in seen if e.kind == "photo"]
    slow = share(sum(e.reference for e in photographs), len(photographs))
    print(f"photographs that need the reference path: {slow} of {len(photographs)}")
    return int(any(e.unsafe for e in seen) or min(factors) < SAFETY)


def _factors(name: str, seen: Sequence[Errors]) -> tuple[float, float]:
    """Print and return how many times the largest error each constant is."""
    worst = max(seen, key=lambda e: e.coefficient)
    # both coefficients at the median may move, towards each other
    gap = fast._GAP / (2 * worst.coefficient)
    print(
        f"{name}: largest coefficient error {worst.coefficient:.2e} ({worst.kind}, {worst.size}); "
        f"_GAP {fast._GAP:g} is {gap:.2f} times twice that"
    )
    worst = max(seen, key=lambda e: e.pixel)
    pixel = fast._PIXEL / worst.pixel
    print(
        f"{name}: largest error of a difference {worst.pixel:.2e} ({worst.kind}, {worst.size}); "
        f"_PIXEL {fast._PIXEL:g} is {pixel:.2f} times that"
    )
    return gap, pixel


# --- orientations ---------------------------------------------------------------------------

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
    parser.add_argument("--count", type=int, help="pictures (drawn ones: 2000; crops: 520)")
    parser.add_argument("--no-debian", action="store_true", help="only what packages ship")
    parser.add_argument("--orientations", action="store_true", help="measure the turned hashes")
    parser.add_argument("--write", action="store_true", help=f"with --orientations: into {ADR}")
    asked = parser.parse_args()
    if asked.write and not asked.orientations:
        parser.error("--write goes with --orientations")
    default = 520 if asked.orientations else 2000
    count = default if asked.count is None else asked.count
    pictures = list(crops(min(count, 520), SEED, debian=not asked.no_debian))
    command = "python -m bench.pdq_rounding" + (" --orientations" if asked.orientations else "")
    where = conditions(f"{command} --count {count}", _PACKAGES)
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count(), context) as pool:
        if not asked.orientations:
            print(where + "\n")
            sys.exit(rounding(pictures, count, pool))
        text = orientations(pictures, pool, where)
    print(text)
    if asked.write:
        write_between_markers(ADR, text)


if __name__ == "__main__":
    main()
