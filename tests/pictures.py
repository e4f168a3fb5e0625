"""Harmless pictures for the tests: drawn by code, or photographs of things that packages ship."""

from __future__ import annotations

import functools
import importlib
import io
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

U8 = npt.NDArray[np.uint8]


@functools.cache
def photos() -> tuple[U8, ...]:
    """Photographs of things and landscapes, (h, w, 3) uint8."""
    data: Any = importlib.import_module("skimage.data")
    from sklearn.datasets import load_sample_image

    return (
        data.coffee(),
        data.chelsea(),
        data.rocket(),
        data.hubble_deep_field(),
        load_sample_image("china.jpg"),
        load_sample_image("flower.jpg"),
    )


def photo(number: int, width: int, height: int) -> U8:
    """A crop of a photograph, different for each number, resized."""
    rng = np.random.default_rng(number)
    whole = photos()[number % len(photos())]
    h = int(whole.shape[0] * rng.uniform(0.45, 1.0))
    w = int(whole.shape[1] * rng.uniform(0.45, 1.0))
    y = int(rng.integers(0, whole.shape[0] - h + 1))
    x = int(rng.integers(0, whole.shape[1] - w + 1))
    image = Image.fromarray(whole[y : y + h, x : x + w])
    return np.array(image.resize((width, height), Image.Resampling.LANCZOS))


def drawn(number: int, width: int, height: int) -> U8:
    """Shapes on a gradient, different for each number."""
    rng = np.random.default_rng(number + 1_000_003)
    a, b = rng.integers(0, 256, 3), rng.integers(0, 256, 3)
    ramp = np.linspace(0, 1, max(width, 2))[:width, None]
    row = (a * (1 - ramp) + b * ramp).astype(np.uint8)
    image = Image.fromarray(np.broadcast_to(row, (height, width, 3)).copy())
    draw = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(3, 14))):
        x0, x1 = sorted(int(v) for v in rng.integers(0, width, 2))
        y0, y1 = sorted(int(v) for v in rng.integers(0, height, 2))
        colour = tuple(int(v) for v in rng.integers(0, 256, 3))
        shape = draw.ellipse if rng.random() < 0.5 else draw.rectangle
        shape((x0, y0, x1, y1), fill=colour)
    return np.array(image)


def encode(pixels: U8, form: str = "JPEG", **options: Any) -> bytes:
    """A file in memory."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, form, **options)
    return out.getvalue()
