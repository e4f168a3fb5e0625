"""The open watermark: false marks on harmless pictures, and what survives; docs/watermark.md.

    python -m bench.watermark [--pictures 6000] [-o FILE]

Every picture is read in four ways, which makes four decodes of each.
"""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from tests.origin.stamp import stamp
from tests.pictures import drawn, photo

from bench import conditions, table
from brightline.origin.watermark import PAYLOADS, agreements, find_marks
from brightline.types import U8

_PACKAGES = ("brightline", "numpy", "pillow", "scikit-image", "scikit-learn")
_SIDES = ((512, 512), (640, 480), (400, 600), (768, 512))
_MARKED = 32


def _harmless(count: int) -> Iterator[tuple[str, U8]]:
    """Photographs of things, drawings and noise, half of them after JPEG."""
    dice = np.random.default_rng(20261122)
    for number in range(count):
        width, height = _SIDES[number % len(_SIDES)]
        match number % 8:
            case 0:
                kind, pixels = "drawing", drawn(number, width, height)
            case 1:
                kind, pixels = "noise", dice.integers(0, 256, (height, width, 3), np.uint8)
            case _:
                kind, pixels = "photograph", photo(number, width, height)
        if number % 2:
            pixels = _again(pixels, "JPEG", quality=int(dice.integers(50, 96)))
        yield kind, pixels


def _again(pixels: U8, form: str, **options: int) -> U8:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, form, **options)
    return np.asarray(Image.open(out).convert("RGB"))


def _false_marks(count: int) -> list[str]:
    highest: dict[tuple[str, str], int] = {}
    kinds: dict[str, int] = {}
    found = decodes = 0
    spent = pixels_read = 0.0
    for kind, pixels in _harmless(count):
        kinds[kind] = kinds.get(kind, 0) + 1
        before = time.perf_counter()
        rows = list(agreements(pixels))
        spent += time.perf_counter() - before
        pixels_read += pixels.shape[0] * pixels.shape[1] / 1e6
        decodes += len({way for _, way, _ in rows})
        for payload, _, agree in rows:
            key = payload.name, kind
            highest[key] = max(highest.get(key, 0), agree)
            found += agree >= payload.at_least
    head = [
        "payload",
        "bits",
        "threshold",
        *(f"highest, {kind} (n = {kinds[kind]})" for kind in kinds),
    ]
    body = [
        [p.name, str(len(p.bits)), str(p.at_least), *(str(highest[p.name, kind]) for kind in kinds)]
        for p in PAYLOADS
    ]
    return [
        "## False marks",
        "",
        f"{count} harmless pictures, {decodes} decodes: **{found} marks found**. The table has "
        "the most bits that any of them agreed with a payload by chance. "
        f"{spent / pixels_read * 1e3:.0f} ms a megapixel, all four ways together.",
        "",
        table(head, body),
    ]


_WAYS: tuple[tuple[str, Callable[[U8], U8]], ...] = (
    ("PNG", lambda p: _again(p, "PNG")),
    ("WebP, lossless", lambda p: _again(p, "WEBP", lossless=1)),
    ("JPEG quality 95", lambda p: _again(p, "JPEG", quality=95)),
    ("JPEG quality 95, 4:4:4", lambda p: _again(p, "JPEG", quality=95, subsampling=0)),
    ("JPEG quality 85", lambda p: _again(p, "JPEG", quality=85)),
    ("WebP quality 90", lambda p: _again(p, "WEBP", quality=90)),
    ("one column cut off", lambda p: np.ascontiguousarray(p[:, 1:])),
    ("the lower half cut off", lambda p: p[: p.shape[0] // 2]),
)


def _survival() -> list[str]:
    writers = [(floats, swapped) for floats in (False, True) for swapped in (False, True)]
    body = []
    for name, change in _WAYS:
        row = [name]
        for floats, swapped in writers:
            found = 0
            for number in range(_MARKED):
                width, height = _SIDES[number % len(_SIDES)]
                marked = stamp(
                    photo(number, width, height), PAYLOADS[0], floats=floats, swapped=swapped
                )
                found += bool(find_marks(change(marked)).evidence)
            row.append(f"{found} of {_MARKED}")
        body.append(row)
    head = [
        "afterwards",
        *(f"{'float' if f else 'byte'} {'RGB' if s else 'BGR'} writer" for f, s in writers),
    ]
    return [
        "## What survives",
        "",
        f"The SDXL payload, written by the tests' own writer on {_MARKED} photographs in each of "
        "the four ways in which releases did, then saved or changed:",
        "",
        table(head, body),
    ]


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=6000)
    parser.add_argument("-o", type=Path, default=Path("docs/watermark.md"))
    options = parser.parse_args()
    lines = [
        "# The open watermark, and how far it can be relied on",
        "",
        "This page is written whole by `bench/watermark.py`. "
        f"{conditions('python -m bench.watermark', _PACKAGES)}",
        "",
        "`brightline origin --watermark` reads the dwtDct scheme of the first Stable Diffusion "
        "releases (`src/brightline/origin/watermark.py` has the steps and their sources). It is "
        "off unless asked for: it costs more than all other checks together. The payloads are "
        "public and anyone can write them onto a photograph, so that a mark is evidence about a "
        "file and no more. A picture without a mark says nothing: most generators never wrote "
        "one, and it rarely outlives a re-compression, as the second table shows.",
        "",
        *_false_marks(options.pictures),
        "",
        *_survival(),
        "",
    ]
    options.o.write_text("\n".join(lines))


if __name__ == "__main__":
    main()
