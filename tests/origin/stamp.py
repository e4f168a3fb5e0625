"""A writer of the open watermark, for tests and measurements of its reader.

The payloads are public and mark what a generator made; here they go onto photographs of things
and drawings, to see where the reader finds them again.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from brightline.origin.watermark import Payload
from brightline.types import U8

F64 = npt.NDArray[np.float64]


def stamp(rgb: U8, payload: Payload, *, floats: bool, swapped: bool) -> U8:
    """The scheme's writer, after its description: moves each block's largest coefficient."""
    pixels = rgb[..., ::-1] if not swapped else rgb  # the library calls the first channel blue
    blue, green, red = (pixels[..., k].astype(np.float64) for k in range(3))
    luma = 0.114 * blue + 0.587 * green + 0.299 * red
    first = 0.492 * (blue - luma) + (0.5 if floats else 128)
    second = 0.877 * (red - luma)
    if not floats:
        luma, first = np.rint(luma), np.rint(first)
    first = _marked(first, payload.bits)
    if not floats:
        first = np.floor(np.clip(first, 0, 255))
    offset = 0.5 if floats else 128
    blue = luma + (first - offset) / 0.492
    red = luma + second / 0.877
    green = (luma - 0.114 * blue - 0.299 * red) / 0.587
    out = np.clip(np.rint(np.stack([blue, green, red], axis=-1)), 0, 255).astype(np.uint8)
    return np.ascontiguousarray(out if swapped else out[..., ::-1])


def _marked(plane: F64, bits: str) -> F64:
    a, b, c, d = (plane[i::2, j::2] for i in (0, 1) for j in (0, 1))
    low = (a + b + c + d) / 2
    across, down, cross = (a - b + c - d) / 2, (a + b - c - d) / 2, (a - b - c + d) / 2
    number = 0
    for i in range(0, low.shape[0] // 4 * 4, 4):
        for j in range(0, low.shape[1] // 4 * 4, 4):
            block = low[i : i + 4, j : j + 4]
            place = int(np.argmax(np.abs(block.reshape(-1)[1:]))) + 1
            value = block[place // 4, place % 4]
            bit = int(bits[number % len(bits)])
            moved = (abs(value) // 36 + 0.25 + 0.5 * bit) * 36
            block[place // 4, place % 4] = moved if value >= 0 else -moved
            number += 1
    out = np.empty_like(plane)
    out[0::2, 0::2] = (low + across + down + cross) / 2
    out[0::2, 1::2] = (low - across + down - cross) / 2
    out[1::2, 0::2] = (low + across - down - cross) / 2
    out[1::2, 1::2] = (low - across - down + cross) / 2
    return out
