"""What PDQ at the standard rule finds again after ordinary changes; writes docs/recall.md.

    python -m bench.recall [--count N] [--no-debian] [-o FILE]

Every changed picture is encoded to a file's bytes and goes through `screen_bytes`, the way of
an item of a corpus. The list's hash is that of the original as a PNG file.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import functools
import io
import multiprocessing
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from bench import conditions, percentile, share, table
from bench.photos import Crop, crops
from bench.pipelines import section
from brightline.signals.pdq import ORIENTATIONS
from brightline.signals.perceive import screen_bytes
from brightline.types import PDQ_MIN_QUALITY, PDQ_THRESHOLD, U8, Perceptual

SEED = 1
_PACKAGES = ("brightline", "numpy", "numba", "pillow", "simplejpeg", "scikit-image", "scikit-learn")
_RESAMPLERS = Image.Resampling

Make: TypeAlias = Callable[[U8], bytes]


@dataclass(frozen=True, slots=True)
class Change:
    """One row: what is done to the pixels, and how the file comes about."""

    section: str
    name: str
    make: Make
    orientations: bool = False


# --- changes --------------------------------------------------------------------------------


def _file(pixels: U8, form: str = "BMP", **options: Any) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, form, **options)
    return out.getvalue()


def _png(pixels: U8) -> bytes:
    return _file(pixels, "PNG", compress_level=1)


def _resaved(data: bytes, form: str, **options: Any) -> bytes:
    with Image.open(io.BytesIO(data)) as image:
        return _file(np.array(image.convert("RGB")), form, **options)


def _resized(pixels: U8, factor: float, resampler: int) -> U8:
    size = round(pixels.shape[1] * factor), round(pixels.shape[0] * factor)
    return np.asarray(Image.fromarray(pixels).resize(size, resampler), np.uint8)


def _toned(pixels: U8, gain: float, pivot: float) -> U8:
    changed = (pixels.astype(np.float32) - pivot) * gain + pivot
    return changed.clip(0, 255).round().astype(np.uint8)


def _cropped(pixels: U8, part: float) -> U8:
    y, x = round(pixels.shape[0] * part), round(pixels.shape[1] * part)
    return np.ascontiguousarray(pixels[y : pixels.shape[0] - y, x : pixels.shape[1] - x])


def _caption(pixels: U8, part: float, *, below: bool) -> U8:
    """Black text on a white strip, over the picture's foot or added below it."""
    h, w = pixels.shape[:2]
    strip = round(h * part)
    sheet = Image.new("RGB", (w, h + strip if below else h), "white")
    sheet.paste(Image.fromarray(pixels if below else pixels[: h - strip]))
    font = ImageFont.load_default(strip * 0.7)
    at = (w * 0.02, sheet.height - strip)
    ImageDraw.Draw(sheet).text(at, "a line of text as websites add it, 2025", "black", font)
    return np.array(sheet)


def _watermark(pixels: U8) -> U8:
    """Half-transparent white letters, 5 % of the height, in the lower right corner."""
    image = Image.fromarray(pixels).convert("RGBA")
    layer = Image.new("RGBA", image.size, (255, 255, 255, 0))
    font = ImageFont.load_default(image.height * 0.05)
    corner = (image.width * 0.98, image.height * 0.98)
    ImageDraw.Draw(layer).text(corner, "example.org", (255, 255, 255, 128), font, anchor="rs")
    return np.array(Image.alpha_composite(image, layer).convert("RGB"))


# how a camera stores an upright picture under each value (Exif 2.32, tag 0x0112)
_STORED: dict[int, Callable[[U8], U8]] = {
    1: lambda x: x,
    2: lambda x: x[:, ::-1],
    3: lambda x: np.rot90(x, 2),
    4: lambda x: x[::-1],
    5: lambda x: np.swapaxes(x, 0, 1),
    6: lambda x: np.rot90(x, 1),
    7: lambda x: np.swapaxes(np.rot90(x, 2), 0, 1),
    8: lambda x: np.rot90(x, 3),
}


def _exif(pixels: U8, value: int) -> bytes:
    tags = Image.Exif()
    tags[0x0112] = value
    stored = np.ascontiguousarray(_STORED[value](pixels))
    return _file(stored, "JPEG", quality=95, exif=tags.tobytes())


def _turned_file(pixels: U8, value: int) -> bytes:
    return _file(np.ascontiguousarray(_STORED[value](pixels)))


def _changes() -> list[Change]:
    rows = [
        Change("JPEG", f"quality {q}", functools.partial(_file, form="JPEG", quality=q))
        for q in (95, 85, 70, 50, 30)
    ]

    def pixels_only(section: str, name: str, change: Callable[[U8], U8]) -> None:
        rows.append(Change(section, name, lambda x: _file(change(x))))

    for factor in (0.25, 0.5, 0.75, 1.5, 2.0):
        kinds = [_RESAMPLERS.LANCZOS]
        if factor in (0.25, 0.5, 2.0):
            kinds += [_RESAMPLERS.BICUBIC, _RESAMPLERS.BILINEAR, _RESAMPLERS.NEAREST]
        for kind in kinds:
            change = functools.partial(_resized, factor=factor, resampler=kind)
            pixels_only("Size", f"×{factor:g}, {kind.name.lower()}", change)

    def jpeg_then_webp(x: U8) -> bytes:
        return _resaved(_file(x, "JPEG", quality=90), "WEBP", quality=80)

    rows += [
        Change("Format", "WebP 80", lambda x: _file(x, "WEBP", quality=80)),
        Change("Format", "AVIF 60", lambda x: _file(x, "AVIF", quality=60, speed=8)),
        Change("Format", "GIF, 256 colours", lambda x: _file(x, "GIF")),
        Change("Format", "PNG → JPEG 90 → WebP 80", jpeg_then_webp),
        Change(
            "Format",
            "PNG → JPEG 50 → PNG",
            lambda x: _resaved(_file(x, "JPEG", quality=50), "PNG", compress_level=1),
        ),
    ]
    pixels_only("Tone", "brightness +5 %", lambda x: _toned(x, 1.05, 0))
    pixels_only("Tone", "brightness −5 %", lambda x: _toned(x, 0.95, 0))
    pixels_only("Tone", "contrast +5 %", lambda x: _toned(x, 1.05, float(x.mean())))
    pixels_only("Tone", "contrast −5 %", lambda x: _toned(x, 0.95, float(x.mean())))
    for part in (0.01, 0.02, 0.05):
        change = functools.partial(_cropped, part=part)
        pixels_only("Edges and marks", f"{part:.0%} cut off each side".replace("%", " %"), change)
    pixels_only(
        "Edges and marks", "caption over the lower 6 %", lambda x: _caption(x, 0.06, below=False)
    )
    pixels_only(
        "Edges and marks", "caption of 6 % added below", lambda x: _caption(x, 0.06, below=True)
    )
    pixels_only("Edges and marks", "small watermark", _watermark)
    half = functools.partial(_resized, factor=0.5, resampler=_RESAMPLERS.LANCZOS)
    rows += [
        Change(
            "Combined", "×0.5, lanczos, then JPEG 50", lambda x: _file(half(x), "JPEG", quality=50)
        ),
        Change(
            "Combined",
            "small watermark, ×0.5, then JPEG 50",
            lambda x: _file(half(_watermark(x)), "JPEG", quality=50),
        ),
    ]
    rows += [
        Change("EXIF", f"orientation {value}", functools.partial(_exif, value=value))
        for value in range(1, 9)
    ]
    # the same seven turns in the order of ORIENTATIONS
    rows += [
        Change("Turned", name, functools.partial(_turned_file, value=value), orientations=True)
        for name, value in zip(ORIENTATIONS, (6, 3, 8, 4, 2, 5, 7), strict=True)
    ]
    return rows


CHANGES = tuple(_changes())


# --- measuring ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Measured:
    """One picture. Arrays have a row for each change.

    `stored` and `best` are distances of the stored view as it lies, and of the nearest of all
    that is matched (other views, turned variants); `found_stored` and `found` say whether the
    standard rule matches; `codes` are the stored views' hashes.
    """

    photo: str
    code: U8
    same_md5: npt.NDArray[np.bool_]
    stored: npt.NDArray[np.int64]
    best: npt.NDArray[np.int64]
    found_stored: npt.NDArray[np.bool_]
    found: npt.NDArray[np.bool_]
    codes: U8


def _distance(a: bytes, b: bytes) -> int:
    return (int.from_bytes(a) ^ int.from_bytes(b)).bit_count()


def _nearest(view: Perceptual, code: bytes) -> int:
    return min(_distance(code, other) for other in (view.hash, *(h for _, h in view.turned)))


def measure(crop: Crop) -> Measured | None:
    """Make, encode and screen every change of one picture; None where its quality is under
    50, since such a hash does not get onto a list."""
    original = screen_bytes(_png(crop.pixels)).signals
    if original is None or original.pdq is None or original.pdq_quality is None:
        raise RuntimeError("an original could not be hashed")
    if original.pdq_quality < PDQ_MIN_QUALITY:
        return None
    code = original.pdq
    count = len(CHANGES)
    stored, best = np.zeros(count, np.int64), np.zeros(count, np.int64)
    same, found, found_stored = (np.zeros(count, np.bool_) for _ in range(3))
    codes = np.zeros((count, 32), np.uint8)
    for k, change in enumerate(CHANGES):
        outcome = screen_bytes(change.make(crop.pixels), orientations=change.orientations)
        signals = outcome.signals
        if signals is None or not signals.views:
            raise RuntimeError(f"no hash after: {change.section}, {change.name}")
        first = signals.views[0]
        usable = [v for v in signals.views if v.quality >= PDQ_MIN_QUALITY]
        stored[k] = _distance(code, first.hash)
        best[k] = min(_nearest(view, code) for view in signals.views)
        found_stored[k] = first in usable and stored[k] <= PDQ_THRESHOLD
        found[k] = any(_nearest(view, code) <= PDQ_THRESHOLD for view in usable)
        same[k] = signals.md5 == original.md5
        codes[k] = np.frombuffer(first.hash, np.uint8)
    return Measured(
        crop.photo,
        np.frombuffer(code, np.uint8),
        same,
        stored,
        best,
        found_stored,
        found,
        codes,
    )


@dataclass(frozen=True, slots=True)
class Pairs:
    """Distances between different pictures: how many, how many matched, the least."""

    count: int
    matched: int
    least: int

    def cells(self) -> tuple[str, str, str]:
        """For a table."""
        return f"{self.count:,}", f"{self.matched:,}", str(self.least) if self.count else "none"


def _pairs(queries: U8, entries: U8, counted: npt.NDArray[np.bool_]) -> Pairs:
    """queries (n, 32), entries (m, 32), counted (n, m)."""
    total, matched, least = 0, 0, 257
    for query, mask in zip(queries, counted, strict=True):
        distances = np.bitwise_count(entries[mask] ^ query).sum(axis=1, dtype=np.int64)
        total += distances.size
        matched += int((distances <= PDQ_THRESHOLD).sum())
        least = min(least, int(distances.min(initial=257)))
    return Pairs(total, matched, least)


# --- the page -------------------------------------------------------------------------------


def _plain_rows(section: str, seen: Sequence[Measured]) -> str:
    rows = []
    for k, change in enumerate(CHANGES):
        if change.section == section:
            d = np.array([m.best[k] for m in seen])
            found = sum(bool(m.found[k]) for m in seen)
            near = int((d <= PDQ_THRESHOLD).sum())
            rows.append(
                (change.name, len(seen), share(found, len(seen)), near - found)
                + (percentile(d, 50), percentile(d, 95), int(d.max()))
            )
    head = ("change", "n", "matched", "near but quality < 50", "median", "p95", "max")
    return table(head, rows)


def _turned_rows(section: str, seen: Sequence[Measured], with_: str, without: str) -> str:
    rows = []
    for k, change in enumerate(CHANGES):
        if change.section == section:
            best = np.array([m.best[k] for m in seen])
            stored = np.array([m.stored[k] for m in seen])
            found = sum(bool(m.found[k]) for m in seen)
            near = int((best <= PDQ_THRESHOLD).sum())
            rows.append(
                (change.name, len(seen), share(found, len(seen)), near - found)
                + (percentile(best, 50), percentile(best, 95), int(best.max()))
                + (share(sum(bool(m.found_stored[k]) for m in seen), len(seen)),)
                + (percentile(stored, 50),)
            )
    head = ("change", "n", f"matched {with_}", "near but quality < 50", "median", "p95", "max")
    return table((*head, f"matched {without}", "median"), rows)


def _false_rows(seen: Sequence[Measured]) -> str:
    codes = np.array([m.code for m in seen])
    names = np.array([m.photo for m in seen])
    same = names[:, None] == names[None, :]
    once = np.triu(np.ones(same.shape, np.bool_), 1)
    plain = [k for k, c in enumerate(CHANGES) if c.section not in ("EXIF", "Turned")]
    turned = [k for k, c in enumerate(CHANGES) if c.section == "Turned"]

    def changed(kinds: list[int]) -> Pairs:
        queries = np.concatenate([m.codes[kinds] for m in seen])
        return _pairs(queries, codes, np.repeat(~same, len(kinds), axis=0))

    rows = [
        ("originals of different photos", *_pairs(codes, codes, once & ~same).cells()),
        ("crops of one photo, not overlapping", *_pairs(codes, codes, once & same).cells()),
        ("changed pictures against originals of other photos", *changed(plain).cells()),
        ("turned pictures against originals of other photos", *changed(turned).cells()),
    ]
    return table(("pairs of different pictures", "pairs", "within 31", "least distance"), rows)


_PAGE = """\
# What is found again, and what is not

This page is written whole by `bench/recall.py`. {conditions}

**The rule.** A picture matches where a view of it has PDQ quality ≥ 50 and lies at a Hamming \
distance ≤ 31 from the list's hash. The list's hash is that of the original as a PNG file. Every \
changed picture was encoded to a file's bytes and went the whole way of an item. Where only \
pixels change, the file is BMP, so that nothing is added by compression.

**The pictures.** {drawn} pictures of things and landscapes, without people: non-overlapping \
crops of {photos} photographs, sides of 400 to 1024 px (the rule is in `bench/photos.py`). \
{low} of them have a quality under 50: sky, water, blurred ground. The standard rule cannot find \
those, and they are left out below; **n = {n}**, of {listed_photos} photographs. Crops of one \
photograph resemble each other in sharpness and light, so that the shares are less certain than \
n independent pictures would make them. Real lists and corpora hold other pictures: take the \
figures as an order of size.

## Changes

*Matched* is the share found by the rule. *Near but quality < 50* counts pictures within 31 bits \
that the rule leaves out for their quality. Distances are in bits of 256.

### JPEG

4:2:0, Pillow.

{jpeg}

### Size

{size}

### Formats

{format}

### Brightness and contrast

Factors of 1.05 and 0.95, clipped to 0 … 255; contrast about the picture's mean.

{tone}

### Edges and marks

**PDQ does not withstand cropping.** Cutting 2 % off each side leaves {crop2} of the pictures \
matched, and 5 % leaves {crop5}. A cropped copy has to be expected to be missed.

{edges}

### Combined

{combined}

### EXIF orientation

The list holds the upright picture; the file's pixels lie as the orientation says, JPEG quality \
95. Brightline hashes the stored pixels and, where the tag says that they are turned, the \
upright picture too (the view "exif orientation"). Without that view only the stored pixels \
would be compared.

{exif}

### Rotated and mirrored

The pixels themselves are turned and no tag says so. With `--orientations` all eight positions \
are compared; that is off by default. The hash of a turned copy is then found at distance 0, but \
its quality can fall below 50, since the filter's windows are not symmetric.

{turned}

## False matches

Pairs that should not match. Crops of one photograph are different pictures, but of the same \
scene, and are counted apart. Changed and turned pictures repeat the same content, so their \
pairs are not independent of one another.

{false}

These pictures differ from each other. A list of millions of entries, series from one camera \
position, and pictures that consist mostly of the same text or frame will show near pairs that \
this sample cannot.

## Exact digests

MD5, SHA-1 and SHA-256 find a file only as long as every byte is the same: renaming, moving and \
copying keep them. Of the {files:,} changed files above {same_md5:,} kept their MD5.
"""


def page(listed: Sequence[Measured], drawn: Sequence[Crop], where: str) -> str:
    """docs/recall.md from the measurements."""
    n = len(listed)

    def matched(name: str) -> str:
        k = next(k for k, change in enumerate(CHANGES) if change.name == name)
        return share(sum(bool(m.found[k]) for m in listed), n)

    return _PAGE.format(
        conditions=where,
        drawn=len(drawn),
        photos=len({crop.photo for crop in drawn}),
        low=len(drawn) - n,
        n=n,
        listed_photos=len({m.photo for m in listed}),
        jpeg=_plain_rows("JPEG", listed),
        size=_plain_rows("Size", listed),
        format=_plain_rows("Format", listed),
        tone=_plain_rows("Tone", listed),
        edges=_plain_rows("Edges and marks", listed),
        combined=_plain_rows("Combined", listed),
        crop2=matched("2 % cut off each side"),
        crop5=matched("5 % cut off each side"),
        exif=_turned_rows("EXIF", listed, "with the view", "without"),
        turned=_turned_rows("Turned", listed, "with --orientations", "without"),
        false=_false_rows(listed),
        files=n * len(CHANGES),
        same_md5=sum(int(m.same_md5.sum()) for m in listed),
    )


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=520, help="pictures to draw (520)")
    parser.add_argument("--no-debian", action="store_true", help="only what packages ship")
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/recall.md"))
    asked = parser.parse_args()
    start = time.monotonic()
    pictures = list(crops(asked.count, SEED, debian=not asked.no_debian))
    workers = os.cpu_count() or 1
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(workers, context) as pool:
        seen = [m for m in pool.map(measure, pictures, chunksize=4) if m is not None]
    command = f"python -m bench.recall --count {asked.count}"
    command += " --no-debian" if asked.no_debian else ""
    where = conditions(command, _PACKAGES)
    whole = page(seen, pictures, where) + "\n" + section(asked.count, debian=not asked.no_debian)
    asked.output.write_text(whole, encoding="utf-8")
    seconds = time.monotonic() - start
    print(f"{len(seen)} of {len(pictures)} pictures, {len(CHANGES)} changes, {seconds:.0f} s")


if __name__ == "__main__":
    main()
