"""Stored bytes to pixels, one rule for each kind of picture (docs/adr/0002).

What a decoder raises ends here: it becomes a `Reason`. What it does otherwise (crash, hang,
eat memory) is contained by `screen.guard`.
"""

from __future__ import annotations

import io
import threading
import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import simplejpeg
from PIL import Image, ImageFile

from brightline.signals.jpeg import JpegHeader, jpeg_header
from brightline.signals.memory import Arena
from brightline.types import U8, Reason

# the limit on pixels is ours and comes before decoding; Pillow's would differ by format
Image.MAX_IMAGE_PIXELS = None

_FORMATS = {
    "image/jpeg": ("JPEG", "MPO"),
    "image/png": ("PNG",),
    "image/gif": ("GIF",),
    "image/webp": ("WEBP",),
    "image/tiff": ("TIFF",),
    "image/bmp": ("BMP", "DIB"),
    "image/avif": ("AVIF",),
    "image/heic": ("HEIF",),
}

_partial_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Picture:
    """Decoded pixels, uint8: (h, w) grey or (h, w, 3) RGB, as stored.

    `alpha` (h, w) only where something is not opaque; `orientation` is the EXIF value that
    says how to turn it upright; `partial` says that the data ended early; `palette` that the
    file holds a palette or single bits.
    """

    pixels: U8
    pipeline: str
    width: int
    height: int
    alpha: U8 | None = None
    orientation: int = 1
    notes: tuple[str, ...] = ()
    partial: bool = False
    palette: bool = False


@dataclass(frozen=True, slots=True)
class Undecoded:
    """Why there are no pixels; the size where the header gave one."""

    reason: Reason
    width: int | None = None
    height: int | None = None


def decode(
    data: bytes, media_type: str, max_pixels: int, arena: Arena | None = None
) -> Picture | Undecoded:
    """Decode one picture whose media type `media.sniff` gave. Never raises but for exits.

    The pixels may lie in the arena, if one is given.
    """
    try:
        if media_type == "image/jpeg":
            return _jpeg(data, max_pixels, arena)
        return _pillow(data, media_type, max_pixels)
    except MemoryError:
        return Undecoded(Reason.DECODER_MEMORY)
    except Exception:  # noqa: BLE001 - the item boundary: decoders raise anything
        return Undecoded(Reason.UNDECODABLE)


def _jpeg(data: bytes, max_pixels: int, arena: Arena | None) -> Picture | Undecoded:
    """The luma plane where there is one; Pillow for CMYK and what libjpeg-turbo refuses."""
    header = jpeg_header(data)
    if header is None:
        return Undecoded(Reason.UNDECODABLE)
    size = header.width, header.height
    if header.width * header.height > max_pixels:
        return Undecoded(Reason.TOO_MANY_PIXELS, *size)
    if header.precision != 8:
        return Undecoded(Reason.UNSUPPORTED_IMAGE, *size)
    if header.components not in (1, 3):
        return _pillow(data, "image/jpeg", max_pixels)
    pipeline = "full+luma" if header.components == 3 else "full"
    try:
        room = arena.take(header.width * header.height) if arena is not None else None
        pixels = _luma(data, strict=True, room=room)
    except ValueError as error:
        return _warned(data, header, pipeline, max_pixels, str(error).lower())
    return Picture(pixels, pipeline, *size, orientation=header.orientation)


def _warned(
    data: bytes, header: JpegHeader, pipeline: str, max_pixels: int, warning: str
) -> Picture | Undecoded:
    """A JPEG that strict decoding stops at. Pillow tells the harmless from the cut-off, but not
    where an end marker stands behind the cut: libjpeg's warning does (jerror.h, JWRN_HIT_MARKER).
    """
    try:
        picture = _pillow(data, "image/jpeg", max_pixels)
    except OSError:
        picture = Undecoded(Reason.UNDECODABLE)
    if isinstance(picture, Picture):
        if "premature end" in warning:
            return replace(picture, partial=True)
        return replace(picture, notes=(*picture.notes, "decoder_warning"))
    if picture.reason is not Reason.UNDECODABLE:
        return picture
    pixels = _luma(data, strict=False)
    return Picture(
        pixels,
        pipeline,
        header.width,
        header.height,
        orientation=header.orientation,
        partial=True,
    )


def _luma(data: bytes, *, strict: bool, room: U8 | None = None) -> U8:
    pixels: U8 = simplejpeg.decode_jpeg(
        data, "GRAY", fastdct=False, fastupsample=False, strict=strict, buffer=room
    )
    return pixels[:, :, 0]


def _pillow(data: bytes, media_type: str, max_pixels: int) -> Picture | Undecoded:
    if media_type == "image/heic":
        import pillow_heif

        pillow_heif.register_heif_opener()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of odd metadata; counts are our log
        try:
            image = Image.open(io.BytesIO(data), formats=_FORMATS[media_type])
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - metadata before the pixels that Pillow refuses
            return _partial(data, media_type, max_pixels)
        with image:
            width, height = image.size
            if width * height > max_pixels:
                return Undecoded(Reason.TOO_MANY_PIXELS, width, height)
            try:
                image.load()
            except MemoryError:
                raise
            except Exception:  # noqa: BLE001 - decoders raise anything; see what there is
                return _partial(data, media_type, max_pixels)
            return _picture(image, partial=False)


def _partial(data: bytes, media_type: str, max_pixels: int) -> Picture | Undecoded:
    """What of a damaged picture can be decoded, so that it can at least be compared."""
    with _partial_lock:
        ImageFile.LOAD_TRUNCATED_IMAGES = True
        try:
            with Image.open(io.BytesIO(data), formats=_FORMATS[media_type]) as image:
                if image.width * image.height > max_pixels:
                    return Undecoded(Reason.TOO_MANY_PIXELS, image.width, image.height)
                image.load()
                return _picture(image, partial=True)
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = False


def _picture(image: Image.Image, *, partial: bool) -> Picture:
    orientation = 1
    try:
        value = image.getexif().get(0x0112, 1)
        orientation = value if isinstance(value, int) and 1 <= value <= 8 else 1
    except Exception:  # noqa: BLE001 - broken metadata must not cost the picture
        orientation = 1
    pixels, alpha = _pixels(image)
    height, width = pixels.shape[:2]
    notes = []
    if _several_frames(image):
        notes.append("first_frame_only")
    if alpha is not None:
        notes.append("alpha")
    return Picture(
        pixels,
        "full",
        width,
        height,
        alpha,
        orientation,
        tuple(notes),
        partial=partial,
        palette=image.mode in ("1", "P"),
    )


def _several_frames(image: Image.Image) -> bool:
    try:
        return bool(getattr(image, "is_animated", False)) or getattr(image, "n_frames", 1) > 1
    except Exception:  # noqa: BLE001 - a broken second frame is still a second frame
        return True


def _pixels(image: Image.Image) -> tuple[U8, U8 | None]:
    """Pixels and what of them is not opaque. Alpha is dropped, as the reference drops it."""
    mode = image.mode
    if mode.startswith("I;16"):
        # the high byte, as libpng's and libtiff's own 16-to-8-bit reduction
        return _to_u8(np.asarray(image).astype(np.uint16) >> 8), None
    if mode in ("I", "F"):
        return _to_u8(_scaled(np.asarray(image))), None
    if mode in ("L", "1"):
        grey = image if mode == "L" else image.convert("L")
        if "transparency" not in image.info:
            return _to_u8(np.asarray(grey)), None
        image = grey
    alpha = _alpha(image)
    if mode in ("L", "LA", "La", "1"):
        return _to_u8(np.asarray(image.convert("L"))), alpha
    if mode == "RGBa":
        image = image.convert("RGBA")
    return _to_u8(np.asarray(image.convert("RGB"))), alpha


def _alpha(image: Image.Image) -> U8 | None:
    if image.mode in ("RGBa", "La"):
        image = image.convert("RGBA")
    if "A" in image.getbands():
        alpha = _to_u8(np.asarray(image.getchannel("A")))
    elif "transparency" in image.info:
        alpha = _to_u8(np.asarray(image.convert("RGBA").getchannel("A")))
    else:
        return None
    return None if alpha.min() == 255 else alpha


def _scaled(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """32-bit samples to 0 … 255: the high byte of 16-bit data, 0 … 1 floats times 255."""
    finite = np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    top = float(finite.max(initial=0.0))
    if values.dtype.kind == "f" and top <= 1.0:
        finite = finite * 255.0
    elif top > 65535.0:
        finite = finite * (255.0 / top)
    elif top > 255.0:
        finite = finite / 256.0
    clipped: np.ndarray[Any, Any] = np.clip(finite, 0.0, 255.0)
    return clipped


def _to_u8(values: np.ndarray[Any, Any]) -> U8:
    return np.ascontiguousarray(values, dtype=np.uint8)
