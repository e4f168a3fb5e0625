"""The open watermark of early diffusion-model releases: the dwtDct scheme, read in NumPy.

The scheme is that of the `invisible-watermark` library (github.com/ShieldMnt), method
`dwtDct`: the chroma plane U, one level of a Haar transform, blocks of 4 × 4 of its low band;
in each block the coefficient of the largest magnitude but the first is moved into the upper
or lower half of a step of 36. A block carries one bit; blocks take the bits in turn, so each
bit is voted on by every n-th block.

Payloads are public constants of the release scripts, so anybody can stamp a photograph with
one: this is evidence about a file, weaker than a signature. It rarely outlives a JPEG.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
import numpy.typing as npt

from brightline.origin.evidence import (
    CheckResult,
    Claim,
    Evidence,
    NotRun,
    Strength,
    value_digest,
)
from brightline.types import U8

CHECK: Final = "watermark"

F32 = npt.NDArray[np.float32]

_STEP: Final = 36.0
#: the library itself refuses smaller pictures
_MIN_PIXELS: Final = 256 * 256
_MAX_PIXELS: Final = 4_000_000


@dataclass(frozen=True, slots=True)
class Payload:
    """A public payload: its bits as text, and how many of them must agree."""

    name: str
    bits: str
    at_least: int
    generator: str


def _text_bits(text: bytes) -> str:
    return "".join(f"{byte:08b}" for byte in text)


#: Sources: SDXL: Stability-AI/generative-models, `scripts/demo/streamlit_helpers.py`. FLUX:
#: black-forest-labs/flux, `src/flux/util.py`; it spells its 48 bits with Python's bin(), which
#: loses the two leading zeros, so 46 are embedded. SD 1 and 2: CompVis/stable-diffusion
#: `scripts/txt2img.py` and its successor, texts as bytes. The thresholds let through none of
#: the harmless pictures in docs/watermark.md.
PAYLOADS: Final = (
    Payload(
        "sdxl",
        "101100111110110010010000011110111011000110011110",
        44,
        "SDXL scripts",
    ),
    Payload("flux", "1010101111111010000111100111001111010100101110", 42, "FLUX reference scripts"),
    Payload("sd1", _text_bits(b"StableDiffusionV1"), 120, "Stable Diffusion 1 scripts"),
    Payload("sd2", _text_bits(b"SDV2"), 32, "Stable Diffusion 2 scripts"),
)


def find_marks(pixels: U8) -> CheckResult:
    """Payloads that an RGB picture (h, w, 3) carries.

    Writers hand the library their pixels in either channel order and as bytes or floats, and
    what it then writes differs; all four ways are tried. Of a picture over 4 megapixels the
    upper part is read, which keeps the blocks' numbering.
    """
    height, width = pixels.shape[:2]
    if height * width < _MIN_PIXELS or min(height, width) < 8:
        return CheckResult(not_run=NotRun(CHECK, "the picture is smaller than the scheme marks"))
    if width * 8 > _MAX_PIXELS:
        return CheckResult(not_run=NotRun(CHECK, "the picture is wider than this check reads"))
    best: dict[str, tuple[int, str]] = {}
    for payload, way, agree in agreements(pixels):
        if agree >= payload.at_least and agree > best.get(payload.name, (0, ""))[0]:
            best[payload.name] = agree, way
    found = [_evidence(p, *best[p.name]) for p in PAYLOADS if p.name in best]
    return CheckResult(tuple(found))


def agreements(pixels: U8) -> Iterator[tuple[Payload, str, int]]:
    """How many bits of each payload an RGB picture agrees with, read in each of four ways."""
    height, width = pixels.shape[:2]
    rows = min(height, _MAX_PIXELS // width) // 4 * 4
    part = pixels[:rows, : width // 4 * 4, :3]
    for floats, swapped in product((False, True), (False, True)):
        votes = _block_bits(_chroma(part, floats=floats, swapped=swapped))
        way = f"{'float' if floats else 'byte'} {'rgb' if swapped else 'bgr'}"
        for payload in PAYLOADS:
            yield payload, way, _agreeing(votes, payload.bits)


def _chroma(rgb: U8, *, floats: bool, swapped: bool) -> F32:
    """The plane U, as the library's colour conversion makes it, (h, w) float32.

    `swapped` is the conversion of pixels whose red it takes for blue. Byte pixels give
    rounded bytes around 128 (fixed point of 14 bits, as OpenCV defines BGR2YUV); floats give
    what the formula gives, around one half.
    """
    first, last = (0, 2) if swapped else (2, 0)  # which channel is taken for blue and for red
    if floats:
        blue = rgb[..., first].astype(np.float32)
        luma = 0.114 * blue + 0.587 * rgb[..., 1] + 0.299 * rgb[..., last]
        half: F32 = ((blue - luma) * np.float32(0.492) + np.float32(0.5)).astype(np.float32)
        return half
    fixed = rgb.astype(np.int32)
    luma = (fixed[..., first] * 1868 + fixed[..., 1] * 9617 + fixed[..., last] * 4899 + 8192) >> 14
    chroma = ((fixed[..., first] - luma) * 8061 + (128 << 14) + 8192) >> 14
    rounded: F32 = np.clip(chroma, 0, 255).astype(np.float32)
    return rounded


def _block_bits(plane: F32) -> npt.NDArray[np.bool_]:
    """The bit that each 4 × 4 block of the Haar low band holds, in the order of the blocks."""
    low = (
        plane[0::2, 0::2] + plane[0::2, 1::2] + plane[1::2, 0::2] + plane[1::2, 1::2]
    ) * np.float32(0.5)
    rows, columns = low.shape[0] // 4, low.shape[1] // 4
    blocks = low[: rows * 4, : columns * 4].reshape(rows, 4, columns, 4).transpose(0, 2, 1, 3)
    magnitudes = np.abs(blocks.reshape(rows * columns, 16))
    largest: F32 = magnitudes[:, 1:].max(axis=1)
    bits: npt.NDArray[np.bool_] = largest % np.float32(_STEP) > np.float32(_STEP / 2)
    return bits


def _agreeing(votes: npt.NDArray[np.bool_], bits: str) -> int:
    """How many bits of a payload the majority of its blocks agrees with."""
    count = len(bits)
    whole = len(votes) // count
    if whole == 0:
        return 0
    share = votes[: whole * count].reshape(whole, count).mean(axis=0)
    wanted = np.frombuffer(bits.encode(), np.uint8) == ord("1")
    return int(((share > 0.5) == wanted).sum())


def _evidence(payload: Payload, agree: int, way: str) -> Evidence:
    sha256, _ = value_digest(payload.bits)
    return Evidence(
        rule_id=f"watermark.{payload.name}",
        claim=Claim.AI_GENERATED,
        strength=Strength.OPEN_WATERMARK,
        field=f"pixels, dwtDct, {way}",
        value_sha256=sha256,
        value_length=(len(payload.bits) + 7) // 8,
        extracted={
            "generator": payload.generator,
            "label": f"{agree} of {len(payload.bits)} bits",
        },
        forgeable=True,
    )
