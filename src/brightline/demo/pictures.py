"""Harmless pictures: drawn by code, and photographs of things that two packages ship.

Every picture is uint8 of shape (h, w, 3). A drawn one follows from its number alone.
"""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from brightline.types import U8

#: cup, cat, rocket, galaxies, temple, flower: none of them shows people
_PHOTOGRAPHS = (
    ("skimage", "data/coffee.png"),
    ("skimage", "data/chelsea.png"),
    ("skimage", "data/rocket.jpg"),
    ("skimage", "data/hubble_deep_field.jpg"),
    ("sklearn", "datasets/images/china.jpg"),
    ("sklearn", "datasets/images/flower.jpg"),
)

#: heights from deep water to snow, each with its colour
_RELIEF = (
    (0.00, (18, 44, 92)),
    (0.38, (42, 104, 158)),
    (0.42, (212, 198, 148)),
    (0.55, (86, 136, 62)),
    (0.74, (104, 92, 78)),
    (0.90, (150, 144, 140)),
    (1.00, (246, 248, 250)),
)

_PAINT = np.stack(
    [
        np.interp(
            np.linspace(0.0, 1.0, 256),
            [height for height, _ in _RELIEF],
            [colour[channel] for _, colour in _RELIEF],
        )
        for channel in range(3)
    ],
    axis=1,
).astype(np.float32)


def photographs() -> tuple[U8, ...]:
    """The photographs that are installed: all six, or fewer, or none.

    The files are opened where the packages lie. Calling scikit-image for them could download
    one that is missing, and nothing here uses the network.
    """
    found = []
    for package, name in _PHOTOGRAPHS:
        spec = importlib.util.find_spec(package)
        path = Path(spec.origin).parent / name if spec is not None and spec.origin else None
        if path is not None and path.is_file():
            with Image.open(path) as image:
                image.thumbnail((640, 640))
                found.append(np.array(image.convert("RGB")))
    return tuple(found)


def drawn(number: int, width: int, height: int) -> U8:
    """A picture of its own for each number: a landscape for even ones, shapes for odd ones."""
    return (landscape if number % 2 == 0 else shapes)(number, width, height)


def landscape(number: int, width: int, height: int) -> U8:
    """Land and sea from above: noise summed over octaves, coloured by height, lit from a side."""
    rng = np.random.default_rng((number, 1))
    relief = np.zeros((height, width), np.float32)
    cells, strength = 3, 1.0
    while cells < min(width, height):
        coarse = rng.random((cells + 1, cells + 1), np.float32)
        fine = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
        relief += strength * np.asarray(fine)
        cells, strength = cells * 2, strength * 0.55
    relief = (relief - relief.min()) / (relief.max() - relief.min())
    painted = _PAINT[np.rint(relief * 255).astype(np.uint8)]
    light = 1.0 + 5.0 * (np.gradient(relief, axis=1) - np.gradient(relief, axis=0))
    return _to_u8(painted * light[..., None])


def shapes(number: int, width: int, height: int) -> U8:
    """Discs, boxes and triangles on a gradient."""
    rng = np.random.default_rng((number, 2))
    draw_on = Image.fromarray(gradient(number, width, height))
    pen = ImageDraw.Draw(draw_on)
    for _ in range(int(rng.integers(12, 22))):
        colour = tuple(int(v) for v in rng.integers(0, 256, 3))
        x, y = int(rng.integers(0, width)), int(rng.integers(0, height))
        reach = int(rng.integers(min(width, height) // 14, min(width, height) // 3))
        match int(rng.integers(0, 3)):
            case 0:
                pen.ellipse((x - reach, y - reach, x + reach, y + reach), fill=colour)
            case 1:
                pen.rectangle((x - reach, y - reach // 2, x + reach, y + reach // 2), fill=colour)
            case _:
                pen.regular_polygon((x, y, reach), 3, int(rng.integers(0, 120)), fill=colour)
    return np.array(draw_on)


def gradient(number: int, width: int, height: int) -> U8:
    """From one colour to another and nothing else: too little in it for PDQ to go by."""
    rng = np.random.default_rng((number, 3))
    first, last = rng.integers(0, 256, (2, 3))
    ramp = np.linspace(0.0, 1.0, width)[:, None]
    row = (first * (1.0 - ramp) + last * ramp).astype(np.uint8)
    return np.repeat(row[None], height, axis=0)


def encode(pixels: npt.NDArray[Any], form: str, **options: Any) -> bytes:
    """A picture file in memory, in a format by Pillow's name for it, or HEIF."""
    out = io.BytesIO()
    image = Image.fromarray(pixels)
    if form == "HEIF":
        import pillow_heif

        pillow_heif.from_pillow(image).save(out, **options)
    else:
        image.save(out, form, **options)
    return out.getvalue()


def writable(form: str) -> bool:
    """Whether this machine's libraries can write the format; reading it is another matter."""
    if form == "HEIF":
        import pillow_heif

        return bool(pillow_heif.libheif_info()["HEIF"])
    Image.init()
    return form in Image.SAVE


def resized(pixels: U8, width: int, height: int) -> U8:
    """Scaled to a size, whatever its sides were to each other."""
    return np.array(Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS))


def brightened(pixels: U8, share: float) -> U8:
    """Lighter by a share of the light there is: 0.15 is 15 % more."""
    return _to_u8(pixels.astype(np.float32) * (1.0 + share))


def _to_u8(values: npt.NDArray[np.floating[Any]]) -> U8:
    clipped: U8 = np.clip(values, 0, 255).astype(np.uint8)
    return clipped


def padded(pixels: U8, side: int) -> U8:
    """On a white square, its longer side scaled to the square's: as img2dataset's `border`."""
    height, width = pixels.shape[:2]
    longer = max(width, height)
    inner = resized(pixels, round(width * side / longer), round(height * side / longer))
    square = np.full((side, side, 3), 255, np.uint8)
    top, left = (side - inner.shape[0]) // 2, (side - inner.shape[1]) // 2
    square[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
    return square


#: what happened to a picture before its hash came on the list: nothing that PDQ minds
ALTERATIONS: dict[str, Callable[[U8], bytes]] = {
    "recompressed": lambda pixels: encode(pixels, "JPEG", quality=40),
    "resized": lambda pixels: encode(
        resized(pixels, pixels.shape[1] * 2 // 3, pixels.shape[0] * 2 // 3), "JPEG", quality=85
    ),
    "brightened": lambda pixels: encode(brightened(pixels, 0.12), "JPEG", quality=90),
}
