"""Generation parameters hidden in the lowest bits of a picture ("stealth pnginfo").

Some tools write their parameters into the pixels themselves, so that they outlive the loss of
metadata: down the columns, one bit a pixel in alpha, or three in red, green and blue. The
layout is that of the sd-webui-stealth-pnginfo extension, which NovelAI writes as well: a magic
of 15 letters, the length in bits (32 bits, big-endian), the text, in gzip where it says `comp`.
"""

from __future__ import annotations

import json
import zlib
from typing import Final

import numpy as np
import numpy.typing as npt

from brightline.origin.evidence import CheckResult, Claim, Evidence, Field, Strength, value_digest
from brightline.types import U8

#: magic → where its bits lie, and whether the text is packed
MAGICS: Final = {
    b"stealth_pnginfo": ("alpha", False),
    b"stealth_pngcomp": ("alpha", True),
    b"stealth_rgbinfo": ("rgb", False),
    b"stealth_rgbcomp": ("rgb", True),
}
_HEAD_BITS: Final = 15 * 8 + 32
_MAX_TEXT: Final = 2 << 20
_MAX_KEYS: Final = 64


def read_stealth(pixels: U8) -> CheckResult:
    """Text hidden in a picture (h, w, 3 or 4), as evidence and as fields for the rules.

    Only the first columns are looked at unless they hold a magic. Text that is a JSON object
    becomes a field for each of its keys, as the same tools write it into PNG chunks; other
    text is the field `parameters`. A damaged payload is noted (`stealth_unreadable`).
    """
    planes = [("alpha", pixels[..., 3:4])] if pixels.shape[2] == 4 else []
    planes.append(("rgb", pixels[..., :3]))
    for name, plane in planes:
        head = _bits(plane, 0, _HEAD_BITS)
        if len(head) < _HEAD_BITS:
            continue
        raw = np.packbits(head).tobytes()
        magic, size = raw[:15], int.from_bytes(raw[15:19], "big")
        place, packed = MAGICS.get(magic, ("", False))
        if place != name:
            continue
        return _read(plane, magic.decode("ascii"), size, packed=packed)
    return CheckResult()


def _bits(plane: U8, start: int, stop: int) -> npt.NDArray[np.uint8]:
    """Lowest bits `start` to `stop`, column by column; fewer where the picture ends."""
    height, width, depth = plane.shape
    each = height * depth
    if each == 0:
        return np.zeros(0, np.uint8)
    first, last = start // each, min(-(-stop // each), width)
    columns = plane[:, first:last].transpose(1, 0, 2).reshape(-1)
    return (columns[start - first * each : stop - first * each] & 1).astype(np.uint8)


def _read(plane: U8, magic: str, size: int, *, packed: bool) -> CheckResult:
    payload = b""
    if 0 < size <= _MAX_TEXT * 8 and size % 8 == 0:
        bits = _bits(plane, _HEAD_BITS, _HEAD_BITS + size)
        if len(bits) == size:
            payload = np.packbits(bits).tobytes()
    sha256, length = value_digest(payload)
    notes: tuple[str, ...] = ()
    try:
        raw = _unpacked(payload) if packed else payload
        text = raw.decode("utf-8")
    except (zlib.error, UnicodeDecodeError):
        text = ""
    if not text:
        notes = ("stealth_unreadable",)
    fields = tuple(_fields(text, f"LSB {magic}")) if text else ()
    if any('"signed_hash"' in field.text for field in fields):
        notes = (*notes, "novelai_signed_hash_not_verified")
    piece = Evidence(
        rule_id=f"stealth.{magic.removeprefix('stealth_')}",
        claim=Claim.AI_GENERATED,
        strength=Strength.GENERATOR_ARTIFACT,
        field=f"pixels, LSB {magic}",
        value_sha256=sha256,
        value_length=length,
    )
    return CheckResult((piece,), fields, notes)


def _unpacked(payload: bytes) -> bytes:
    """gzip (RFC 1952) to text; what unfolds past the cap is refused."""
    inflater = zlib.decompressobj(16 + zlib.MAX_WBITS)
    text = inflater.decompress(payload, _MAX_TEXT)
    if not inflater.eof:
        raise zlib.error("cut off, or larger than a text of parameters can be")
    return text


def _fields(text: str, path: str) -> list[Field]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        return [Field("stealth", "parameters", text, path)]
    return [
        Field("stealth", key, value if isinstance(value, str) else json.dumps(value), path)
        for key, value in list(document.items())[:_MAX_KEYS]
    ]
