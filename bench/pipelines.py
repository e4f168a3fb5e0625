"""What it gains to hash by each list's PDQ pipeline; writes a section of docs/recall.md.

    python -m bench.pipelines [--count N] [--no-debian] [--write] [--cost]

The list's hashes are made as the field's tools make them, of the original's pixels: `full` and
`nearest-512` by `pdqhash` over NumPy's choice of pixels, `thumbnail-512` by `pdqhash` over Pillow's
`thumbnail`. The copies are files' bytes that go the way of an item (`screen_bytes`). `--cost` only
measures what the further pipelines cost, beside decoding, digests and `full`.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import functools
import io
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pdqhash
import simplejpeg
from PIL import Image

from bench import conditions, percentile, share, table
from bench.hashing import BATCH, large_pictures, signals, web_pictures
from bench.photos import Crop, crops, photos
from brightline.signals.pdq import pdq
from brightline.signals.perceive import screen_bytes
from brightline.signals.pipelines import FAMILIES, SIDE
from brightline.signals.resized import pdq_nearest, pdq_thumbnail
from brightline.types import PDQ_MIN_QUALITY, PDQ_THRESHOLD, U8, Pipeline

SEED = 3
PAGE = Path("docs/recall.md")
BEGIN, END = "<!-- pipelines -->", "<!-- /pipelines -->"
_PACKAGES = ("brightline", "pdqhash", "numpy", "pillow", "simplejpeg")

#: name, scale, JPEG quality
COPIES = (
    ("JPEG 90", 1.0, 90),
    ("JPEG 75", 1.0, 75),
    ("JPEG 50", 1.0, 50),
    ("×0.75, JPEG 75", 0.75, 75),
    ("×0.5, JPEG 75", 0.5, 75),
    ("×1.5, JPEG 75", 1.5, 75),
)


def _reference(pixels: U8) -> tuple[bytes, int]:
    vector, quality = pdqhash.compute(np.ascontiguousarray(pixels))
    return np.packbits(vector.astype(np.uint8)).tobytes(), int(quality)


def listed(image: Image.Image, family: Pipeline) -> tuple[bytes, int]:
    """The hash and quality that a tool of the field gives of an RGB picture over 512 px."""
    if family is Pipeline.THUMBNAIL_512:
        small = image.copy()
        small.thumbnail((SIDE, SIDE))
        return _reference(np.array(small))
    pixels = np.array(image)
    if family is Pipeline.NEAREST_512:
        h, w = pixels.shape[:2]
        pixels = pixels[np.arange(SIDE) * h // SIDE][:, np.arange(SIDE) * w // SIDE]
    return _reference(pixels)


def _copy(image: Image.Image, scale: float, quality: int) -> bytes:
    size = round(image.width * scale), round(image.height * scale)
    out = io.BytesIO()
    image.resize(size, Image.Resampling.LANCZOS).save(out, "JPEG", quality=quality)
    return out.getvalue()


def _distance(a: bytes, b: bytes) -> int:
    return (int.from_bytes(a) ^ int.from_bytes(b)).bit_count()


@dataclass(frozen=True, slots=True)
class Measured:
    """One picture.

    `codes` are a list's hashes by pipeline, `qualities` theirs; `copies[k][family]` are the k-th
    copy's usable hashes by every pipeline, in FAMILIES' order, None where the quality is under 50;
    `off` is how many bits a JPEG's hash by our pipelines is from the tools' over the same file,
    `same` the bits over the same pixels.
    """

    photo: str
    codes: tuple[bytes, ...]
    qualities: tuple[int, ...]
    copies: tuple[tuple[bytes | None, ...], ...]
    off: tuple[tuple[int, ...], ...]
    same: tuple[int, ...]


def _hashes(data: bytes) -> tuple[bytes | None, ...]:
    signals = screen_bytes(data).signals
    if signals is None or not signals.views:
        raise RuntimeError("a copy could not be hashed")
    usable = [v.hash if v.quality >= PDQ_MIN_QUALITY else None for v in signals.views]
    return tuple(usable) if len(usable) == len(FAMILIES) else (usable[0],) * len(FAMILIES)


def measure(crop: Crop, copies: Sequence[tuple[str, float, int]] = COPIES) -> Measured:
    """Make a list's hashes and every copy of one picture."""
    image = Image.fromarray(crop.pixels)
    made = [listed(image, family) for family in FAMILIES]
    files = [_copy(image, scale, quality) for _, scale, quality in copies]
    off = []
    for (_, scale, _), data in zip(copies, files, strict=True):
        with Image.open(io.BytesIO(data)) as opened:
            signals = screen_bytes(data).signals
            if scale != 1.0 or signals is None:
                continue
            # `thumbnail` comes before the conversion, so that it may decode at a lower scale
            tool = []
            for family in FAMILIES:
                with Image.open(io.BytesIO(data)) as fresh:
                    lazily = fresh if family is Pipeline.THUMBNAIL_512 else opened.convert("RGB")
                    if family is Pipeline.THUMBNAIL_512:
                        lazily.thumbnail((SIDE, SIDE))
                        tool.append(_reference(np.array(lazily.convert("RGB")))[0])
                    else:
                        tool.append(listed(lazily, family)[0])
            off.append(
                tuple(_distance(v.hash, t) for v, t in zip(signals.views, tool, strict=True))
            )
    return Measured(
        crop.photo,
        tuple(code for code, _ in made),
        tuple(quality for _, quality in made),
        tuple(_hashes(data) for data in files),
        tuple(off),
        tuple(
            _distance(hashed(crop.pixels).hash, code)
            for hashed, (code, _) in zip((pdq, pdq_nearest, pdq_thumbnail), made, strict=True)
        ),
    )


def measure_whole(photo: Crop) -> Measured:
    """The same of a whole photograph, which takes seconds: of one copy."""
    return measure(photo, COPIES[1:2])


def _near(code: bytes, hashes: Sequence[bytes | None]) -> bool:
    return any(h is not None and _distance(code, h) <= PDQ_THRESHOLD for h in hashes)


def _recall(seen: Sequence[Measured]) -> str:
    rows = []
    for place, family in enumerate(FAMILIES):
        known = [m for m in seen if m.qualities[place] >= PDQ_MIN_QUALITY]
        for k, (name, _, _) in enumerate(COPIES):
            ways = ((0,), (place,), range(len(FAMILIES)))
            found = [
                sum(_near(m.codes[place], [m.copies[k][way] for way in each]) for m in known)
                for each in ways
            ]
            full = [(m.codes[place], m.copies[k][0]) for m in known]
            far = [_distance(code, copy) for code, copy in full if copy is not None]
            shares = [share(count, len(known)) for count in found]
            rows.append((family, name, len(known), *shares, percentile(far, 95), max(far)))
    head = ("list made by", "copy", "n", "by `full` alone", "by the list's pipeline")
    return table((*head, "by all (`unknown`)", "from `full`: p95", "max"), rows)


def _false(seen: Sequence[Measured]) -> str:
    rows = []
    for place, family in enumerate(FAMILIES):
        codes = np.array([np.frombuffer(m.codes[place], np.uint8) for m in seen])
        names = np.array([m.photo for m in seen])
        for label, ways in (("the list's pipeline", (place,)), ("all (`unknown`)", range(3))):
            pairs = within = 0
            least = 256
            for m in seen:
                others = codes[names != m.photo]
                for hashes in m.copies:
                    used = [hashes[way] for way in ways]
                    made = [np.frombuffer(h, np.uint8) for h in used if h is not None]
                    if not made:
                        continue
                    d = np.min(
                        [np.bitwise_count(others ^ h).sum(axis=1, dtype=np.int64) for h in made],
                        axis=0,
                    )
                    pairs += d.size
                    within += int((d <= PDQ_THRESHOLD).sum())
                    least = min(least, int(d.min(initial=256)))
            rows.append((family, label, f"{pairs:,}", within, least))
    return table(("list made by", "screened by", "pairs", "within 31", "least distance"), rows)


def _off(web: Sequence[Measured], whole: Sequence[Measured]) -> str:
    rows = []
    for size, seen in (("513 to 1024 px", web), ("whole photographs", whole)):
        for place, family in enumerate(FAMILIES):
            files = [each[place] for m in seen for each in m.off]
            for what, bits in (("JPEG", files), ("pixels", [m.same[place] for m in seen])):
                apart = sum(b > 0 for b in bits)
                figures = len(bits), apart, percentile(bits, 50), percentile(bits, 99), max(bits)
                rows.append((size, what, family, *figures))
    head = ("pictures", "of the same", "pipeline", "n", "not equal", "median", "p99", "max")
    return table(head, rows)


def _seconds(way: Callable[[], object]) -> float:
    begin = time.thread_time()
    way()
    return time.thread_time() - begin


def cost(*, debian: bool = True, rounds: int = 9) -> str:
    """CPU time of decoding, digests and PDQ, with `full` alone and with every pipeline.

    The two take turns over the same batch; of each batch the median of the rounds counts.
    """
    web = web_pictures(240, debian=debian)
    sides = [max(simplejpeg.decode_jpeg_header(data)[:2]) for data in web]
    sorts = {
        "web-size, all": web,
        "web-size, up to 512 px": [d for d, side in zip(web, sides, strict=True) if side <= SIDE],
        "web-size, 513 to 1024 px": [d for d, side in zip(web, sides, strict=True) if side > SIDE],
        "8 to 20 megapixels": large_pictures(8, debian=debian),
    }
    rows = []
    for name, data in sorts.items():
        sums = [0.0, 0.0]
        for first in range(0, len(data), BATCH):
            part = data[first : first + BATCH]
            ways = [functools.partial(signals, part, which) for which in (FAMILIES[:1], FAMILIES)]
            times = [[_seconds(way) for way in ways] for _ in range(1 + rounds)][1:]
            for k in (0, 1):
                sums[k] += statistics.median(pair[k] for pair in times)
        alone, every = (1e3 * seconds / len(data) for seconds in sums)
        rows.append((name, len(data), f"{alone:.3f}", f"{every:.3f}", f"{every / alone - 1:+.1%}"))
    return table(("JPEGs", "n", "`full` alone, ms", "every pipeline, ms", "more"), rows)


_SECTION = """\
{begin}
## Pipelines

Three habits of the field make a picture smaller, or not, before PDQ (docs/adr/0015). A list's \
hashes were made by one of them. Here the list's hashes are made as the field's tools make them, \
and copies are screened by `full` alone, by the list's own pipeline, and by all three, as for a \
list whose pipeline is `unknown`. {n} pictures with a side over 512 px, of {photos} photographs; \
left out for each pipeline are those whose hash by it has a quality under 50.

{recall}

**False matches.** The same copies against the hashes of other photographs: a copy that is hashed \
three ways has three chances to come near a stranger.

{false}

**How near Brightline's pipelines are to the tools'.** Bits between Brightline's hash and the \
tools': of the same pixels, and of the same JPEG file (quality 90, 75 and 50 of \
the pictures above, 75 of whole photographs), where Brightline takes \
the luma plane, and the tools go by way of RGB and, for `thumbnail-512`, by the scale at which \
Pillow chooses to decode.

{off}

{conditions}
{end}
"""


def section(count: int, *, debian: bool = True) -> str:
    """The section of docs/recall.md, measured now."""
    pictures = [c for c in crops(count, SEED, debian=debian) if max(c.pixels.shape[:2]) > SIDE]
    large = [Crop(p.name, p.name, p.pixels()) for p in photos(SIDE + 1, debian=debian)]
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count() or 1, context) as pool:
        web = list(pool.map(measure, pictures, chunksize=4))
        whole = list(pool.map(measure_whole, large))
    command = f"python -m bench.pipelines --count {count} --write"
    return _SECTION.format(
        begin=BEGIN,
        end=END,
        n=len(web),
        photos=len({m.photo for m in web}),
        recall=_recall(web),
        false=_false(web),
        off=_off(web, whole),
        conditions=conditions(command + ("" if debian else " --no-debian"), _PACKAGES),
    )


def main() -> None:
    """Measure, and print or write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=400, help="pictures to draw (400)")
    parser.add_argument("--no-debian", action="store_true", help="only what packages ship")
    parser.add_argument("--write", action="store_true", help="into docs/recall.md")
    parser.add_argument("--cost", action="store_true", help="only what the pipelines cost")
    asked = parser.parse_args()
    if asked.cost:
        print(cost(debian=not asked.no_debian))
        return
    made = section(asked.count, debian=not asked.no_debian)
    if not asked.write:
        print(made)
        return
    before, found, rest = PAGE.read_text().partition(BEGIN)
    after = rest.partition(END)[2] if found else ""
    PAGE.write_text(f"{before.rstrip()}\n\n{made.rstrip()}\n{after}")


if __name__ == "__main__":
    main()
