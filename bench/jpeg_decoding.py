"""How far Brightline's and cheaper ways of decoding a JPEG are from the reference's hash.

    python -m bench.jpeg_decoding [--count N] [--no-debian] [--write]

The yardstick is the pipeline `full`: Pillow decodes to RGB, `pdqhash` hashes. Against it stand
the luma plane alone, as Brightline decodes, and grey decoding at 1/2, 1/4 or 1/8 in the DCT
domain. `--write` puts the tables into docs/adr/0002.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import functools
import io
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pdqhash
import simplejpeg
from PIL import Image

from bench import conditions, percentile, share, table, write_between_markers
from bench.photos import Crop, crops, photos
from brightline.signals.decode import Picture, decode
from brightline.signals.pdq import pdq
from brightline.types import PDQ_MIN_QUALITY, PDQ_THRESHOLD, U8

SEED = 2
ADR = Path("docs/adr/0002-luma-and-scaled-jpeg.md")
_PACKAGES = ("brightline", "numpy", "pillow", "simplejpeg", "pdqhash")
_SAMPLINGS = {"4:4:4": 0, "4:2:2": 1, "4:2:0": 2}
_QUALITIES = (30, 50, 70, 85, 95)
_LONGER_SIDES = (384, 512, 640, 768, 1024)
#: a scale is tried where it leaves both sides at least this many pixels
_FLOORS = (512, 256, 128)
_MEGAPIXEL = 1_000_000
_WEB, _LARGE = "384–1024 px", "over 1.5 megapixels"


@dataclass(frozen=True, slots=True)
class Sample:
    """A JPEG file in memory."""

    size: str
    sampling: str
    quality: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Way:
    """One way of decoding a sample: distance and quality difference to `full`, and the
    decoded size as (width, height)."""

    distance: int
    quality: int
    pixels: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Result:
    """One sample: its reference quality, and each way by name."""

    sample: tuple[str, str, int]
    quality: int
    ways: dict[str, Way]


def _encoded(pixels: U8, quality: int, sampling: str) -> bytes:
    out = io.BytesIO()
    image = Image.fromarray(pixels)
    image.save(out, "JPEG", quality=quality, subsampling=_SAMPLINGS[sampling])
    return out.getvalue()


def _web_size(crop: Crop, longer: int) -> U8:
    image = Image.fromarray(crop.pixels)
    image.thumbnail((longer, longer), Image.Resampling.LANCZOS)
    return np.array(image)


def web_samples(crop: Crop, longer: int) -> Iterator[Sample]:
    """Every sampling and quality of one web-size picture."""
    pixels = _web_size(crop, longer)
    for sampling in _SAMPLINGS:
        for quality in _QUALITIES:
            data = _encoded(pixels, quality, sampling)
            yield Sample(_WEB, sampling, quality, data)


def large_samples(name: str, debian: bool) -> Iterator[Sample]:
    """Every sampling of one whole photograph, at two qualities."""
    photo = next(p for p in photos(debian=debian) if p.name == name)
    pixels = photo.pixels()
    for sampling in _SAMPLINGS:
        for quality in (50, 85):
            yield Sample(_LARGE, sampling, quality, _encoded(pixels, quality, sampling))


def _rgb(data: bytes) -> U8:
    with Image.open(io.BytesIO(data)) as image:
        return np.array(image.convert("RGB"))


def _grey(data: bytes) -> U8:
    picture = decode(data, "image/jpeg", 1 << 40)
    if not isinstance(picture, Picture):
        raise RuntimeError("a sample could not be decoded")
    return picture.pixels


def _scaled(data: bytes, floor: int) -> U8:
    """At the smallest of 1/8, 1/4 and 1/2 that leaves both sides `floor` pixels, else whole.

    libjpeg-turbo has other eighths too, but fast code for these only.
    """
    height, width, _, _ = simplejpeg.decode_jpeg_header(data)
    fits = [k for k in (8, 4, 2, 1) if min(height, width) // k >= floor]
    divisor = fits[0] if fits else 1
    pixels: U8 = simplejpeg.decode_jpeg(
        data,
        "GRAY",
        fastdct=False,
        fastupsample=False,
        min_height=-(-height // divisor),
        min_width=-(-width // divisor),
    )[:, :, 0]
    return pixels


def _reference(pixels: U8) -> tuple[bytes, int]:
    """`pdqhash` gives bit 255 first, as Brightline's bytes do."""
    vector, quality = pdqhash.compute(pixels)
    return np.packbits(vector.astype(np.uint8)).tobytes(), int(quality)


_WAYS: dict[str, Callable[[bytes], U8]] = {
    "luma plane": _grey,
    **{f"scaled, sides ≥ {floor}": functools.partial(_scaled, floor=floor) for floor in _FLOORS},
}


def compare(sample: Sample) -> Result:
    """Hash one sample every way."""
    expected, quality = _reference(_rgb(sample.data))
    ways = {}
    for name, decoder in _WAYS.items():
        pixels = decoder(sample.data)
        hashed = pdq(pixels)
        distance = (int.from_bytes(hashed.hash) ^ int.from_bytes(expected)).bit_count()
        ways[name] = Way(distance, hashed.quality - quality, (pixels.shape[1], pixels.shape[0]))
    return Result((sample.size, sample.sampling, sample.quality), quality, ways)


def compare_web(crop: Crop, longer: int) -> list[Result]:
    """All of one web-size picture."""
    return [compare(sample) for sample in web_samples(crop, longer)]


def compare_large(name: str, debian: bool) -> list[Result]:
    """All of one whole photograph."""
    return [compare(sample) for sample in large_samples(name, debian)]


# --- times ----------------------------------------------------------------------------------


def _seconds(call: Callable[[], Any]) -> float:
    """The least of three: other programs share the machine."""
    taken = []
    for _ in range(3):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return min(taken)


def timed(data: Sequence[bytes]) -> list[tuple[str, float, float]]:
    """(way, decode, hash): mean milliseconds a picture, one thread."""
    rows = []
    ways: list[tuple[str, Callable[[bytes], U8], Callable[[U8], Any]]] = [
        ("Pillow RGB + pdqhash", _rgb, _reference),
        ("Pillow RGB + Brightline's PDQ", _rgb, pdq),
    ]
    ways += [(name, decoder, pdq) for name, decoder in _WAYS.items()]
    for name, decoder, hasher in ways:
        decoding, hashing = 0.0, 0.0
        for one in data:
            pixels = decoder(one)
            decoding += _seconds(functools.partial(decoder, one))
            hashing += _seconds(functools.partial(hasher, pixels))
        rows.append((name, 1e3 * decoding / len(data), 1e3 * hashing / len(data)))
    return rows


def _time_table(data: Sequence[bytes]) -> str:
    rows = timed(data)
    base = next(decoding + hashing for name, decoding, hashing in rows if name == "luma plane")
    return table(
        ("way", "decode ms", "hash ms", "sum ÷ luma plane's"),
        [(n, f"{d:.1f}", f"{h:.2f}", f"{(d + h) / base:.2f}") for n, d, h in rows],
    )


# --- tables ---------------------------------------------------------------------------------

_HEAD = ("median", "p90", "p99", "max", "> 0", "> 10", "> 31", "quality off by, p99", "max")


def _cells(ways: Sequence[Way]) -> tuple[object, ...]:
    d: npt.NDArray[np.int64] = np.array([way.distance for way in ways])
    q = np.array([abs(way.quality) for way in ways])
    return (
        *(percentile(d, p) for p in (50, 90, 99)),
        int(d.max()),
        *(share(int((d > limit).sum()), d.size) for limit in (0, 10, PDQ_THRESHOLD)),
        percentile(q, 99),
        int(q.max()),
    )


def _luma_table(results: Sequence[Result], size: str) -> str:
    rows = []
    for sampling in _SAMPLINGS:
        for quality in _QUALITIES:
            ways = [r.ways["luma plane"] for r in results if r.sample == (size, sampling, quality)]
            if ways:
                rows.append((f"{sampling}, quality {quality}", len(ways), *_cells(ways)))
    ways = [r.ways["luma plane"] for r in results if r.sample[0] == size]
    rows.append(("all", len(ways), *_cells(ways)))
    return table(("JPEG", "n", *_HEAD), rows)


def _scaled_table(results: Sequence[Result], size: str) -> str:
    rows = []
    for name in _WAYS:
        ways = [
            r.ways[name]
            for r in results
            if r.sample[0] == size and (name == "luma plane" or _shrunk(r, name))
        ]
        if ways:
            rows.append((name, len(ways), *_cells(ways)))
    return table(("way", "n", *_HEAD), rows)


def _shrunk(result: Result, name: str) -> bool:
    return result.ways[name].pixels != result.ways["luma plane"].pixels


_TEXT = """\
{where}

The distances are those to `full`: Pillow's RGB decoding and `pdqhash`. Photographs of \
`bench/photos.py` whose quality under `full` is at least 50. n counts files, not photographs: \
{web_n} web-size pictures in each of 15 settings, {large_n} whole photographs in each of 6.

**The luma plane, 384 to 1024 px**

{luma_web}

**The luma plane, over 1.5 megapixels**

{luma_large}

**Scaled grey decoding, over 1.5 megapixels.** Only the files that are in fact decoded smaller.

{scaled_large}

**Scaled grey decoding, 384 to 1024 px**

{scaled_web}

**Time, web size** ({timed_web} files, quality 85, 4:2:0; mean a picture, one thread, the least \
of three)

{time_web}

**Time, over 1.5 megapixels** ({timed_large} files, {megapixels:.1f} megapixels on average)

{time_large}
"""


def main() -> None:
    """Measure, print, and write if asked."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=180, help="web-size pictures to draw (180)")
    parser.add_argument("--no-debian", action="store_true", help="only what packages ship")
    parser.add_argument("--write", action="store_true", help=f"put the tables into {ADR}")
    asked = parser.parse_args()
    debian = not asked.no_debian
    pictures = list(crops(asked.count, SEED, debian))
    longer = [_LONGER_SIDES[k % len(_LONGER_SIDES)] for k in range(len(pictures))]
    whole = [p for p in photos(debian=debian) if p.width * p.height > 1.5 * _MEGAPIXEL]
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count(), context) as pool:
        parts = list(pool.map(compare_web, pictures, longer))
        names = [p.name for p in whole]
        parts += list(pool.map(compare_large, names, [debian] * len(names)))
    results = [r for part in parts for r in part if r.quality >= PDQ_MIN_QUALITY]
    web = [
        _encoded(_web_size(crop, side), 85, "4:2:0")
        for crop, side in list(zip(pictures, longer, strict=True))[::3]
    ]
    large = [_encoded(p.pixels(), 85, "4:2:0") for p in whole[::2]]
    settings = {(r.sample[1], r.sample[2]) for r in results}
    command = f"python -m bench.jpeg_decoding --count {asked.count}"
    text = _TEXT.format(
        where=conditions(command + (" --no-debian" if asked.no_debian else ""), _PACKAGES),
        web_n=_most(results, _WEB, settings),
        large_n=_most(results, _LARGE, settings),
        luma_web=_luma_table(results, _WEB),
        luma_large=_luma_table(results, _LARGE) if whole else "No such photographs here.",
        scaled_large=_scaled_table(results, _LARGE) if whole else "No such photographs here.",
        scaled_web=_scaled_table(results, _WEB),
        timed_web=len(web),
        time_web=_time_table(web),
        timed_large=len(large),
        megapixels=sum(p.width * p.height for p in whole[::2]) / _MEGAPIXEL / max(len(large), 1),
        time_large=_time_table(large) if large else "No such photographs here.",
    )
    print(text)
    if asked.write:
        write_between_markers(ADR, text)


def _most(results: Sequence[Result], size: str, settings: set[tuple[str, int]]) -> int:
    """How many pictures the fullest setting has: some fall under quality 50 in a few."""
    return max(sum(r.sample == (size, *s) for r in results) for s in settings)


if __name__ == "__main__":
    main()
