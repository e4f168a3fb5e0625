"""Undo the white border that img2dataset's default `resize_mode=border` adds.

It scales the longer side of the original to the side of a square and centres the picture on
white. The picture's place follows from the original's size; the border's colour proves that
it was that mode and not a crop.
"""

from __future__ import annotations

from brightline.types import U8

#: a border pixel as JPEG leaves it, and how many of them must be
_WHITE = 235
_SHARE = 0.98


def _span(side: int, inner: int) -> tuple[int, int]:
    first = int((side - inner) / 2.0)
    return first, first + inner


def unpadded(pixels: U8, original_width: int, original_height: int) -> U8 | None:
    """The picture within its border, or None where there is none.

    pixels (h, w) or (h, w, 3); the sizes are the original's, in pixels.
    """
    h, w = pixels.shape[:2]
    if h != w or original_width <= 0 or original_height <= 0:
        return None
    longer = max(original_width, original_height)
    inner_w = round(original_width * w / longer)
    inner_h = round(original_height * h / longer)
    if (inner_w, inner_h) == (w, h) or min(inner_w, inner_h) < 1:
        return None
    left, right = _span(w, inner_w)
    top, bottom = _span(h, inner_h)
    # a pixel of slack on the inside: rounding differs between versions, and JPEG blurs edges
    outside = [pixels[: max(top - 1, 0)], pixels[bottom + 1 :]]
    outside += [pixels[:, : max(left - 1, 0)], pixels[:, right + 1 :]]
    parts = [part for part in outside if part.size]
    if not parts or min(float((part >= _WHITE).mean()) for part in parts) < _SHARE:
        return None
    return pixels[top:bottom, left:right]
