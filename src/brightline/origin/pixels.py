"""Decoding for the checks that look at pixels, alpha kept, within a limit."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from typing import TYPE_CHECKING, Final

from brightline.origin.containers import Container
from brightline.origin.evidence import NotRun

if TYPE_CHECKING:
    from brightline.types import U8

#: Pillow's own formats alone: some of its others run programs that a file can talk to
_FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "DIB", "AVIF", "HEIF")
#: pixels of a picture that is decoded here
PIXELS: Final = 64_000_000


def decode(data: bytes, container: Container) -> U8 | NotRun:
    """The first picture as (h, w, 3) or (h, w, 4) uint8, as stored; or why it was not decoded."""
    if container.width and container.height and container.width * container.height > PIXELS:
        return NotRun("pixels", "more pixels than are decoded here")
    import numpy as np
    from PIL import Image, UnidentifiedImageError

    if container.media_type == "image/heic":
        import pillow_heif

        pillow_heif.register_heif_opener()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
                if image.width * image.height > PIXELS:
                    return NotRun("pixels", "more pixels than are decoded here")
                alpha = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
                return np.asarray(image.convert("RGBA" if alpha else "RGB"))
        except (
            UnidentifiedImageError,
            Image.DecompressionBombError,
            OSError,
            SyntaxError,
            ValueError,
            TypeError,
            IndexError,
            KeyError,
            AttributeError,
            OverflowError,
            MemoryError,
            EOFError,
            RuntimeError,
            NotImplementedError,
            struct.error,
            zlib.error,
        ):  # what Pillow's readers let through on damaged files
            return NotRun("pixels", "the picture could not be decoded")
