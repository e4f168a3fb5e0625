"""Radius search: microseconds a query, bytes an entry, seconds to build, milliseconds to open.

    python bench/search.py --entries 100000 1000000 --queries 5000

One thread, timed by its own CPU clock, so that other work on the machine disturbs little but the
memory. Queries are random codes unless the row says otherwise, one in fifty within 31 bits of an
entry. The figure is the best of five, with kernels compiled beforehand. `photos` takes
codes of crops of the photographs that scikit-image and scikit-learn ship (things, an animal,
landscapes), blown up to the wanted size by flipping bits, and queries that are other crops.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from brightline.match import HammingIndex
from brightline.types import U8

RADIUS = 31
PHOTOS = (
    "skimage:brick.png", "skimage:chelsea.png", "skimage:clock_motion.png", "skimage:coffee.png",
    "skimage:coins.png", "skimage:grass.png", "skimage:gravel.png",
    "skimage:hubble_deep_field.jpg", "skimage:moon.png", "skimage:motorcycle_left.png",
    "skimage:page.png", "skimage:rocket.jpg", "skimage:text.png", "sklearn:china.jpg",
    "sklearn:flower.jpg",
)  # fmt: skip


def random_codes(rng: np.random.Generator, count: int) -> U8:
    return rng.integers(0, 256, (count, 32), dtype=np.uint8)


def flipped(rng: np.random.Generator, codes: U8, most: int) -> U8:
    """Each code with 0 to `most` random bits turned (a bit may be turned back)."""
    out = codes.copy()
    rows = np.arange(len(codes))
    flips = rng.integers(0, most + 1, len(codes))
    for turn in range(most):
        bits = rng.integers(0, 256, len(codes))
        active = flips > turn
        np.bitwise_xor.at(
            out, (rows[active], bits[active] >> 3), (1 << (bits[active] & 7)).astype(np.uint8)
        )
    return out


def clustered(rng: np.random.Generator, count: int) -> U8:
    """A thousandth as many centres as codes, codes 0 to 40 flips from one."""
    centres = random_codes(rng, max(1, count // 1000))
    return flipped(rng, centres[rng.integers(0, len(centres), count)], 40)


def duplicated(rng: np.random.Generator, count: int) -> U8:
    """Each distinct code about a hundred times."""
    distinct = random_codes(rng, max(1, count // 100))
    return distinct[rng.integers(0, len(distinct), count)]


def photo_codes(rng: np.random.Generator, crops: int) -> U8:
    """PDQ of random crops of the photographs named above."""
    import pdqhash
    import skimage
    import sklearn
    from PIL import Image

    folders = {
        "skimage": Path(skimage.__file__).parent / "data",
        "sklearn": Path(sklearn.__file__).parent / "datasets" / "images",
    }
    out = []
    for name in PHOTOS:
        package, file = name.split(":")
        pixels = np.asarray(Image.open(folders[package] / file).convert("RGB"))
        height, width = pixels.shape[:2]
        for _ in range(crops):
            h, w = (int(side * rng.uniform(0.15, 0.7)) for side in (height, width))
            y, x = rng.integers(0, height - h + 1), rng.integers(0, width - w + 1)
            bits, quality = pdqhash.compute(np.ascontiguousarray(pixels[y : y + h, x : x + w]))
            if quality >= 50:
                out.append(np.packbits(bits))
    return np.array(out)


def best(repeats: int, run: Callable[[], object]) -> float:
    """The shortest of several runs, in seconds."""
    times = []
    for _ in range(repeats):
        begin = time.thread_time()
        run()
        times.append(time.thread_time() - begin)
    return min(times)


def row(kind: str, entries: U8, queries: U8) -> None:
    """Build, save, open and search; print a line."""
    begin = time.thread_time()
    built = HammingIndex.build(entries)
    build = time.thread_time() - begin
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "index")
        built.save(path)
        size = path.stat().st_size
        opened = best(5, lambda: HammingIndex.open(path))
        index = HammingIndex.open(path)
        search = best(5, lambda: index.search(queries, RADIUS))
        pairs = len(index.search(queries, RADIUS)[0])
    print(
        f"{kind:<11}{len(entries):>10,}  {1e6 * search / len(queries):>8.1f} µs a query"
        f"  {pairs / len(queries):>8.2f} pairs a query  {size / len(entries):>6.1f} B an entry"
        f"  build {build:>6.2f} s  open {1e3 * opened:>5.1f} ms  slots {built.widths}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--entries", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--queries", type=int, default=5_000)
    parser.add_argument("--kinds", nargs="+", default=["random", "clustered", "duplicated"],
                        choices=["random", "clustered", "duplicated", "photos"])  # fmt: skip
    arguments = parser.parse_args()
    rng = np.random.default_rng(1)
    HammingIndex.build(random_codes(rng, 20_000)).search(random_codes(rng, 2), RADIUS)
    photos = photo_codes(rng, 400) if "photos" in arguments.kinds else None
    for count in arguments.entries:
        for kind in arguments.kinds:
            queries = random_codes(rng, arguments.queries)
            if kind == "photos":
                assert photos is not None
                rng.shuffle(photos)
                half = len(photos) // 2
                entries = flipped(rng, photos[rng.integers(0, half, count)], 80)
                queries = photos[half + rng.integers(0, len(photos) - half, arguments.queries)]
            elif kind == "clustered":
                entries = clustered(rng, count)
            elif kind == "duplicated":
                entries = duplicated(rng, count)
            else:
                entries = random_codes(rng, count)
            near = queries[::50]
            near[:] = flipped(rng, entries[rng.integers(0, count, len(near))], RADIUS)
            row(kind, entries, queries)


if __name__ == "__main__":
    main()
