"""Bytes to signals: against python-threatexchange, and against the bare decoding of the bytes.

    python -m bench.hashing [--pictures N] [--rounds N]

Web-size JPEGs are crops of the harmless photographs (`bench.photos`), the longer side 384, 512,
640, 768 or 1024 pixels, quality 75 to 95, three in four with halved chroma: each drawn at random
with a fixed seed. Large ones are the photographs enlarged or reduced to 8 to 20 megapixels.

Every way takes the same bytes in turn, a batch at a time, several rounds over, on one thread. Of
each batch the median of the rounds counts, in CPU time of the thread, and the batches are summed.
Brightline's way is an audit's: `perceive_many` and `digests_many` over the batch, with pipeline
`full` alone, as threatexchange has it.
"""

from __future__ import annotations

import argparse
import io
import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import simplejpeg
from PIL import Image

from bench import conditions, table
from bench.photos import crops, photos
from brightline.signals.decode import Picture, decode
from brightline.signals.digests import digests_many
from brightline.signals.media import sniff
from brightline.signals.pdq import pdq
from brightline.signals.perceive import outcome_of, perceive_many
from brightline.types import Outcome, Pipeline

SEED = 5
BATCH = 60
_WEB_SIDES = (384, 512, 640, 768, 1024)
_QUALITIES = (75, 82, 85, 90, 95)
_LARGE_MEGAPIXELS = (8, 12, 16, 20)
_NO_LIMIT = 1 << 40

Way = Callable[[Sequence[bytes]], object]


@dataclass(frozen=True, slots=True)
class Costs:
    """Milliseconds a picture of each way, and what the pictures are."""

    pictures: int
    bytes_each: float
    pixels_each: float
    ms: dict[str, float]

    def ratio(self, way: str, to: str) -> float:
        """How many times the cost of one way another has."""
        return self.ms[way] / self.ms[to]


def _encoded(pixels: Image.Image, rng: random.Random) -> bytes:
    out = io.BytesIO()
    pixels.save(out, "JPEG", quality=rng.choice(_QUALITIES), subsampling=rng.choice((0, 2, 2, 2)))
    return out.getvalue()


def web_pictures(count: int, *, debian: bool = True) -> list[bytes]:
    """Web-size JPEGs."""
    rng = random.Random(SEED)
    found = []
    for crop in crops(count, SEED, debian=debian):
        image = Image.fromarray(crop.pixels)
        side = rng.choice(_WEB_SIDES)
        image.thumbnail((side, side), Image.Resampling.LANCZOS)
        found.append(_encoded(image, rng))
    return found


def large_pictures(count: int, *, debian: bool = True) -> list[bytes]:
    """JPEGs of 8 to 20 megapixels."""
    rng = random.Random(SEED)
    sources = photos(400, debian=debian)
    found = []
    for k in range(count):
        photo = sources[k % len(sources)]
        image = Image.fromarray(photo.pixels())
        scale = (_LARGE_MEGAPIXELS[k % 4] * 1e6 / (image.width * image.height)) ** 0.5
        size = round(image.width * scale), round(image.height * scale)
        found.append(_encoded(image.resize(size, Image.Resampling.LANCZOS), rng))
    return found


def signals(
    data: Sequence[bytes], pipelines: Sequence[Pipeline] = (Pipeline.FULL,)
) -> list[Outcome]:
    """The signals of a batch, as an audit makes them but for the further pipelines.

    Those the peers don't make; what they cost is in `bench.pipelines`.
    """
    kinds = [sniff(one)[0] for one in data]
    pictures = [(one, kind, ()) for one, kind in zip(data, kinds, strict=True)]
    seen = perceive_many(pictures, max_pixels=_NO_LIMIT, pipelines=pipelines)
    parts = zip(digests_many(data), kinds, seen, strict=True)
    return [outcome_of(digest, kind, perception) for digest, kind, perception in parts]


def grey(data: Sequence[bytes]) -> None:
    """The bare libjpeg-turbo decoding to grey."""
    for one in data:
        simplejpeg.decode_jpeg(one, "GRAY")


def peer() -> Way:
    """python-threatexchange's PDQ of bytes."""
    from threatexchange.signal_type.pdq.signal import PdqSignal

    return lambda data: [PdqSignal.hash_from_bytes(one) for one in data]


def _hashing(data: Sequence[bytes]) -> Way:
    """PDQ alone, of pictures decoded beforehand."""
    decoded = [decode(one, "image/jpeg", _NO_LIMIT) for one in data]
    pixels = [picture.pixels for picture in decoded if isinstance(picture, Picture)]
    return lambda _: [pdq(one) for one in pixels]


def measure(data: Sequence[bytes], rounds: int, *, batch: int = BATCH) -> Costs:
    """All ways over the same pictures, in turn."""
    threatexchange = peer()
    totals: dict[str, float] = {}
    for first in range(0, len(data), batch):
        part = data[first : first + batch]
        ways: dict[str, Way] = {
            "threatexchange": threatexchange,
            "brightline": signals,
            "grey decoding": grey,
            "digests alone": digests_many,
            "PDQ alone": _hashing(part),
        }
        times: dict[str, list[float]] = {name: [] for name in ways}
        for way in ways.values():  # compiled and in the caches
            way(part)
        for turn in range(rounds):
            for name, way in ways.items():
                if name == "threatexchange" and turn % 3:
                    continue  # so slow that a third of the rounds will do
                begin = time.thread_time()
                way(part)
                times[name].append(time.thread_time() - begin)
        for name, seconds in times.items():
            totals[name] = totals.get(name, 0.0) + statistics.median(seconds)
    pixels = [np.prod(simplejpeg.decode_jpeg_header(one)[:2]) for one in data]
    return Costs(
        pictures=len(data),
        bytes_each=sum(map(len, data)) / len(data),
        pixels_each=float(np.mean(pixels)),
        ms={name: 1e3 * seconds / len(data) for name, seconds in totals.items()},
    )


def rows(name: str, costs: Costs) -> list[Sequence[object]]:
    """Table rows: each way's cost, and as multiples of the two yardsticks."""
    return [
        (
            name,
            way,
            f"{ms:.3f}",
            f"{costs.ms['threatexchange'] / ms:.1f}",
            f"{ms / costs.ms['grey decoding']:.2f}",
        )
        for way, ms in costs.ms.items()
    ]


HEAD = ("pictures", "way", "ms each", "times faster than threatexchange", "times grey decoding")
PACKAGES = ("brightline", "threatexchange", "pdqhash", "simplejpeg", "pillow", "numba", "numpy")


def run(*, small: bool, debian: bool = True) -> dict[str, Costs]:
    """Both sizes; `small` only shows that it works."""
    return {
        "web-size": measure(
            web_pictures(12 if small else 480, debian=debian), 3 if small else 9, batch=BATCH
        ),
        "8 to 20 megapixels": measure(
            large_pictures(1 if small else 24, debian=debian), 3, batch=6
        ),
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--small", action="store_true", help="only see that it works")
    parser.add_argument("--no-debian", action="store_true", help="only what packages ship")
    options = parser.parse_args()
    print(conditions("python -m bench.hashing", PACKAGES) + "\n")
    found = run(small=options.small, debian=not options.no_debian)
    print(table(HEAD, [row for name, costs in found.items() for row in rows(name, costs)]))
    for costs in found.values():
        print(asdict(costs))


if __name__ == "__main__":
    main()
