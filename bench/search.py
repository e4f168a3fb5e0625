"""Radius search: growth with the list, every radius, and other people's indexes.

    python -m bench.search --entries 10000 100000 1000000 --peers 1000000 --radii 100000

One thread. Every time is the median of some rounds, kernels compiled beforehand; where several
ways are compared they take turns, so that a slow spell of the machine falls on all. Queries come in
one batch; one in fifty is within 31 bits of an entry.

Lists are of three kinds: `random` codes; `photo`, codes of parts of photographs (see
`bench.photos`), at many places, sizes and brightnesses, fresh and from JPEG, of which the entries
and the queries are different parts; and `near` copies, where a tenth of the entries is within 8
bits of others. Where a photo list is larger than the codes there are, it goes on with codes that
are 1 to 8 bits from one of those: `real` says how many are not.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from bench import conditions, table
from bench.photos import cache_folder, photos
from brightline.match import HammingIndex, _plan
from brightline.types import I64, PDQ_MIN_QUALITY, PDQ_THRESHOLD, U8

KINDS = ("random", "photo", "near")
Found = tuple[I64, I64, I64]

#: photographs are shrunk to this for their parts, whose shorter side is at least the other
_LONGEST_SIDE = 1400
_SHORTEST_PART = 128


@dataclass(frozen=True, slots=True)
class Growth:
    """One list: its kind and size, how many codes of it are real, and what it costs."""

    kind: str
    entries: int
    real: int
    query_us: float
    pairs_a_query: float
    bytes_an_entry: float
    build_s: float
    open_ms: float


@dataclass(frozen=True, slots=True)
class Ways:
    """One radius: microseconds a query as chosen, through the index, and by comparing with all.

    `index_us` is None where the index can not find everything within the radius.
    """

    entries: int
    radius: int
    chosen_us: float
    index_us: float | None
    scan_us: float

    @property
    def factor(self) -> float:
        """How much slower the choice was than the better way."""
        return self.chosen_us / min(self.scan_us, self.index_us or self.scan_us)


@dataclass(frozen=True, slots=True)
class Peer:
    """One index over the same entries: seconds to build, microseconds a query, pairs found."""

    name: str
    entries: int
    queries: int
    build_s: float
    query_us: float
    pairs: int


def random_codes(rng: np.random.Generator, count: int) -> U8:
    return rng.integers(0, 256, (count, 32), dtype=np.uint8)


def flipped(rng: np.random.Generator, codes: U8, least: int, most: int) -> U8:
    """Each code with `least` to `most` random bits turned (a bit may be turned back)."""
    out = codes.copy()
    flips = rng.integers(least, most + 1, len(codes))
    for turn in range(most):
        rows = np.flatnonzero(flips > turn)
        bits = rng.integers(0, 256, len(rows))
        out[rows, bits >> 3] ^= (1 << (bits & 7)).astype(np.uint8)
    return out


def near_copies(rng: np.random.Generator, count: int) -> U8:
    """Random codes, of which a tenth is in clusters of about 100 within 8 bits of each other."""
    codes = random_codes(rng, count)
    tenth = count // 10
    centres = random_codes(rng, max(1, tenth // 100))
    codes[:tenth] = flipped(rng, centres[rng.integers(0, len(centres), tenth)], 0, 4)
    return codes[rng.permutation(count)]


def timed(ways: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median seconds of each, taking turns."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, run in ways.items():
            begin = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - begin)
    return {name: statistics.median(seconds) for name, seconds in times.items()}


# --- codes of photographs -------------------------------------------------------------------


def _parts(rng: np.random.Generator, count: int) -> tuple[U8, I64]:
    """PDQ of `count` parts of the photographs, and the number of the photograph of each."""
    import simplejpeg
    from PIL import Image

    from brightline.signals.pdq import pdq

    sources = photos(2 * _SHORTEST_PART)
    codes, origins = [], []
    for number, photo in enumerate(sources):
        picture = Image.fromarray(photo.pixels())
        picture.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
        whole = np.asarray(picture)
        height, width = whole.shape[:2]
        for _ in range(-(-count // len(sources))):
            shorter = int(rng.integers(_SHORTEST_PART, min(height, width) // 2))
            longer = int(shorter * rng.uniform(1, 1.6))
            h, w = (shorter, longer) if rng.random() < 0.5 else (longer, shorter)
            h, w = min(h, height), min(w, width)
            y, x = int(rng.integers(0, height - h + 1)), int(rng.integers(0, width - w + 1))
            part = whole[y : y + h, x : x + w]
            light = rng.uniform(0.7, 1.3)
            part = np.minimum(part * light, 255).astype(np.uint8)
            if rng.random() < 0.3:
                data = simplejpeg.encode_jpeg(part, int(rng.integers(40, 90)))
                part = simplejpeg.decode_jpeg(data)
            hashed = pdq(np.ascontiguousarray(part))
            if hashed.quality >= PDQ_MIN_QUALITY:
                codes.append(np.frombuffer(hashed.hash, np.uint8))
                origins.append(number)
    return np.array(codes).reshape(-1, 32), np.array(origins, np.int64)


@cache
def photo_codes(count: int) -> U8:
    """About `count` codes of parts of photographs, in random order, kept in a cache folder."""
    path = cache_folder() / f"parts-{count}.npy"
    if path.exists():
        return np.load(path)  # type: ignore[no-any-return]
    rng = np.random.default_rng(20)
    codes, _ = _parts(rng, count)
    codes = codes[rng.permutation(len(codes))]
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, codes)
    return codes


def entries_and_queries(
    kind: str, entries: int, queries: int, real: int, seed: int = 1
) -> tuple[U8, U8, int]:
    """Codes of a list and of queries, and how many of the list's are not made by flips."""
    rng = np.random.default_rng(seed)
    known = entries
    if kind == "photo":
        parts = photo_codes(real)
        half = len(parts) * 4 // 5
        known = min(entries, half)
        listed = parts[:known]
        more = flipped(rng, listed[rng.integers(0, known, entries - known)], 1, 8)
        listed = np.concatenate([listed, more])[rng.permutation(entries)]
        asked = parts[half + rng.integers(0, len(parts) - half, queries)]
    else:
        listed = near_copies(rng, entries) if kind == "near" else random_codes(rng, entries)
        asked = random_codes(rng, queries)
    near = range(0, queries, 50)
    asked[near] = flipped(rng, listed[rng.integers(0, entries, len(near))], 0, PDQ_THRESHOLD)
    return listed, asked, known


# --- measurements ---------------------------------------------------------------------------


def warm_up() -> None:
    """Compile every kernel."""
    codes = random_codes(np.random.default_rng(0), 20_000)
    index = HammingIndex.build(codes)
    index.search(codes[:2], PDQ_THRESHOLD)
    index.search(codes[:2], 200)


def growth(
    sizes: Sequence[int],
    kinds: Sequence[str] = KINDS,
    queries: int = 2_000,
    rounds: int = 5,
    real: int = 60_000,
) -> list[Growth]:
    """Search time, size and build time of lists of these sizes and kinds."""
    warm_up()
    out = []
    for size in sizes:
        for kind in kinds:
            listed, asked, known = entries_and_queries(kind, size, queries, real)
            begin = time.perf_counter()
            built = HammingIndex.build(listed)
            build = time.perf_counter() - begin
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, "index")
                built.save(path)
                length = path.stat().st_size
                opened = timed({"open": partial(HammingIndex.open, path)}, rounds)["open"]
                index = HammingIndex.open(path)
                pairs = len(index.search(asked, PDQ_THRESHOLD)[0])
                seconds = timed({"": partial(index.search, asked, PDQ_THRESHOLD)}, rounds)[""]
            out.append(
                Growth(
                    kind, size, known, 1e6 * seconds / queries, pairs / queries, length / size,
                    build, 1e3 * opened,
                )
            )  # fmt: skip
    return out


def ways(
    entries: int,
    radii: Sequence[int] = range(64),
    queries: int = 200,
    rounds: int = 3,
    kind: str = "random",
    real: int = 60_000,
) -> list[Ways]:
    """Every radius with the index, by comparing with all, and as `HammingIndex` chooses."""
    warm_up()
    listed, asked, _ = entries_and_queries(kind, entries, queries, real)
    index = HammingIndex.build(listed)
    out = []
    for radius in radii:
        allocation = _plan.allocate(index.widths, index.distinct, radius)
        runs: dict[str, Callable[[], object]] = {
            "chosen": partial(index.search, asked, radius),
            "scan": partial(index._scanned, asked, radius),
        }
        if allocation is not None:
            runs["index"] = partial(index._probed, asked, radius, allocation.limits, 2**62)
        seconds = timed(runs, rounds)
        us = {name: 1e6 * value / queries for name, value in seconds.items()}
        out.append(Ways(entries, radius, us["chosen"], us.get("index"), us["scan"]))
    return out


def _faiss() -> Any:
    try:
        import faiss
    except ImportError:
        raise SystemExit("comparing with faiss needs it: pip install faiss-cpu") from None
    faiss.omp_set_num_threads(1)
    return faiss


def peers(
    entries: int, queries: int = 512, rounds: int = 3, kind: str = "random", real: int = 60_000
) -> list[Peer]:
    """faiss as threatexchange 1.2.17 sets it up, and ours, on the same entries and queries.

    Raises ValueError if they do not find the same pairs.
    """
    faiss = _faiss()
    warm_up()
    listed, asked, _ = entries_and_queries(kind, entries, queries, real)
    numbers = np.arange(entries)
    flat = faiss.IndexBinaryIDMap2(faiss.index_binary_factory(256, "BFlat"))
    multi = faiss.IndexBinaryMultiHash(256, 16, 16)
    multi.nflip = PDQ_THRESHOLD // 16
    hashed = faiss.IndexBinaryIDMap2(multi)
    build = {
        "faiss flat": timed({"": lambda: flat.add_with_ids(listed, numbers)}, 1)[""],
        "faiss multi-hash": timed({"": lambda: hashed.add_with_ids(listed, numbers)}, 1)[""],
    }
    begin = time.perf_counter()
    index = HammingIndex.build(listed)
    build["brightline"] = time.perf_counter() - begin

    def theirs(peer: Any) -> Found:
        # faiss finds what is nearer than the radius it is given
        limits, distance, entry = peer.range_search(asked, PDQ_THRESHOLD + 1)
        query = np.repeat(np.arange(queries), np.diff(limits.astype(np.int64)))
        order = np.lexsort((entry, query))
        return query[order], entry[order], distance[order].astype(np.int64)

    search: dict[str, Callable[[], Found]] = {
        "brightline": lambda: index.search(asked, PDQ_THRESHOLD),
        "faiss flat": lambda: theirs(flat),
        "faiss multi-hash": lambda: theirs(hashed),
    }
    found = {name: run() for name, run in search.items()}
    for name, pairs in found.items():
        if not all(map(np.array_equal, pairs, found["brightline"])):
            raise ValueError(f"{name} and brightline do not find the same pairs")
    seconds = timed(dict(search), rounds)
    return [
        Peer(name, entries, queries, build[name], 1e6 * seconds[name] / queries, len(pairs[0]))
        for name, pairs in found.items()
    ]


# --- on the command line --------------------------------------------------------------------


def _growth_table(rows: Sequence[Growth]) -> str:
    head = ("list", "entries", "real", "µs a query", "pairs a query", "B an entry", "build s",
            "open ms")  # fmt: skip
    return table(
        head,
        [
            (r.kind, f"{r.entries:,}", f"{r.real:,}", f"{r.query_us:.1f}",
             f"{r.pairs_a_query:.2f}", f"{r.bytes_an_entry:.0f}", f"{r.build_s:.2f}",
             f"{r.open_ms:.2f}")
            for r in rows
        ],
    )  # fmt: skip


def _ways_table(rows: Sequence[Ways]) -> str:
    return table(
        ("entries", "radius", "µs as chosen", "index", "scan", "worse than the better"),
        [
            (f"{r.entries:,}", r.radius, f"{r.chosen_us:.1f}",
             f"{r.index_us:.1f}" if r.index_us else "–", f"{r.scan_us:.1f}", f"{r.factor:.2f}")
            for r in rows
        ],
    )  # fmt: skip


def _peer_table(rows: Sequence[Peer]) -> str:
    return table(
        ("index", "entries", "build s", "µs a query", "pairs"),
        [(r.name, f"{r.entries:,}", f"{r.build_s:.2f}", f"{r.query_us:.1f}", r.pairs)
         for r in rows],
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--entries", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=KINDS)
    parser.add_argument("--queries", type=int, default=2_000)
    parser.add_argument("--real", type=int, default=60_000, help="codes made of photographs")
    parser.add_argument("--radii", type=int, nargs="*", default=[], help="sizes for every radius")
    parser.add_argument("--peers", type=int, nargs="*", default=[], help="sizes to compare with")
    arguments = parser.parse_args()
    packages = ["brightline", "numpy", "numba"] + (["faiss-cpu"] if arguments.peers else [])
    print(conditions("python -m bench.search", packages))
    rows = growth(arguments.entries, arguments.kinds, arguments.queries, real=arguments.real)
    print(f"\n{_growth_table(rows)}")
    for size in arguments.radii:
        measured = ways(size)
        print(f"\n{_ways_table(measured)}")
        print(f"\nWorst choice: {max(r.factor for r in measured):.2f} of the better way.")
    for size in arguments.peers:
        print(f"\n{_peer_table(peers(size))}")


if __name__ == "__main__":
    main()
