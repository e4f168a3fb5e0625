"""One item's bytes to its signals: which views of a picture are hashed, and why.

The stored picture always comes first. Further views exist because lists hold hashes of other
states of the same picture: upright where EXIF turns it, on white and on black where it is not
opaque, without the border that a dataset's resizing added. Each is hashed by every pipeline that
makes another picture of it (docs/adr/0015).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from brightline.signals.decode import Picture, Undecoded, decode
from brightline.signals.digests import digests
from brightline.signals.media import Sort, sniff
from brightline.signals.memory import Arena
from brightline.signals.pdq import MIN_SIDE, ORIENTATIONS, Hashed, pdq
from brightline.signals.pipelines import FAMILIES, is_resized, named
from brightline.signals.resized import pdq_nearest, pdq_thumbnail
from brightline.signals.unpad import unpadded
from brightline.types import (
    U8,
    Declared,
    Digests,
    ExactOnly,
    Failed,
    Kind,
    Limits,
    Outcome,
    Perceptual,
    Pipeline,
    Reason,
    Screened,
    Signals,
)

STORED = "stored bytes"
PARTIAL = "partial decode"
UPRIGHT = "exif orientation"
ON_WHITE = "on white"
ON_BLACK = "on black"
UNPADDED = "unpadded crop"

#: a picture's bytes, its media type, and what is declared of it
Encoded: TypeAlias = tuple[bytes, str, tuple[Declared, ...]]

#: bytes of pixels that may wait to be hashed
_HELD = 1 << 24


@dataclass(frozen=True, slots=True)
class Perception:
    """What the pixels gave: views, size and notes; `reason` where it fell short."""

    views: tuple[Perceptual, ...] = ()
    width: int | None = None
    height: int | None = None
    notes: tuple[str, ...] = ()
    reason: Reason | None = None


def _upright(pixels: U8, orientation: int) -> U8:
    """Turn as EXIF says (Exif 2.32, tag 0x0112)."""
    if orientation in (2, 4, 5, 7):
        pixels = pixels[:, ::-1]
        orientation = {2: 1, 4: 3, 5: 8, 7: 6}[orientation]
    quarter_turns = {1: 0, 3: 2, 6: 3, 8: 1}[orientation]
    return np.ascontiguousarray(np.rot90(pixels, quarter_turns))


def _on(pixels: U8, alpha: U8, ground: int) -> U8:
    weight = alpha.astype(np.uint16)
    if pixels.ndim == 3:
        weight = weight[..., None]
    mixed = pixels.astype(np.uint16) * weight + ground * (255 - weight) + 127
    return (mixed // 255).astype(np.uint8)


def _seen(
    picture: Picture, declared: tuple[Declared, ...]
) -> Iterator[tuple[str, U8, U8 | None, bool]]:
    """What is hashed of a picture: why, the pixels, their alpha, and if they are of a palette."""
    pixels, alpha, palette = picture.pixels, picture.alpha, picture.palette
    yield PARTIAL if picture.partial else STORED, pixels, alpha, palette
    if picture.orientation != 1:
        turned = None if alpha is None else _upright(alpha, picture.orientation)
        yield UPRIGHT, _upright(pixels, picture.orientation), turned, palette
    if alpha is not None:
        for via, ground in ((ON_WHITE, 255), (ON_BLACK, 0)):
            yield via, _on(pixels, alpha, ground), None, palette
    sizes = {(d.width, d.height) for d in declared if d.width and d.height}
    for width, height in sorted(sizes):
        crop = unpadded(pixels, width, height)
        if crop is not None:
            yield UNPADDED, crop, None, palette


def _views(
    picture: Picture,
    declared: tuple[Declared, ...],
    orientations: bool,
    pipelines: Sequence[Pipeline],
) -> list[Perceptual]:
    """Every view by every pipeline: pipeline after pipeline, in the order of FAMILIES."""
    found: dict[Pipeline, list[Perceptual]] = {family: [] for family in FAMILIES}

    def add(family: Pipeline, via: str, hashed: Hashed) -> None:
        turned = tuple(zip(ORIENTATIONS, hashed.turned, strict=True)) if orientations else ()
        name = named(family, picture.pipeline)
        found[family].append(Perceptual(via, hashed.hash, hashed.quality, name, turned))

    for via, pixels, alpha, palette in _seen(picture, declared):
        add(Pipeline.FULL, via, pdq(pixels, turned=orientations))
        if not is_resized(picture.width, picture.height):
            continue
        if Pipeline.NEAREST_512 in pipelines:
            add(Pipeline.NEAREST_512, via, pdq_nearest(pixels, turned=orientations))
        if Pipeline.THUMBNAIL_512 in pipelines:
            small = pdq_thumbnail(pixels, alpha, palette=palette, turned=orientations)
            add(Pipeline.THUMBNAIL_512, via, small)
    return [view for family in FAMILIES for view in found[family]]


def _hashed(
    picture: Picture,
    declared: tuple[Declared, ...],
    orientations: bool,
    pipelines: Sequence[Pipeline],
) -> Perception:
    """What a decoded picture gives."""
    try:
        views = _views(picture, declared, orientations, pipelines)
    except MemoryError:
        return Perception((), picture.width, picture.height, (), Reason.DECODER_MEMORY)
    reason = None
    if picture.partial:
        reason = Reason.TRUNCATED_IMAGE
    elif min(picture.width, picture.height) < MIN_SIDE:
        reason = Reason.TOO_SMALL
    return Perception(tuple(views), picture.width, picture.height, picture.notes, reason)


def perceive_many(
    pictures: Sequence[Encoded],
    *,
    max_pixels: int,
    orientations: bool = False,
    pipelines: Sequence[Pipeline] = FAMILIES,
    begin: Callable[[], None] = lambda: None,
) -> list[Perception]:
    """Decode and hash every view of every picture. The only function that touches a decoder.

    pipelines: which are made beside `full`, of pictures that they resize.

    Several are decoded before they are hashed: a processor that lowers its clock for wide
    registers stays slow for most of a millisecond, which the next decoding would spend
    (docs/adr/0010). `begin` is called as each decoding begins.
    """
    found: dict[int, Perception] = {}
    decoded: list[tuple[int, Picture]] = []
    arena = Arena("luma", _HELD)
    held = 0
    for place, (data, media_type, _) in enumerate(pictures):
        begin()
        picture = decode(data, media_type, max_pixels, arena)
        if isinstance(picture, Undecoded):
            found[place] = Perception((), picture.width, picture.height, (), picture.reason)
        else:
            decoded.append((place, picture))
            held += picture.pixels.nbytes
        if held >= _HELD // 2 or place == len(pictures) - 1:
            for number, picture in decoded:
                seen = _hashed(picture, pictures[number][2], orientations, pipelines)
                found[number] = seen
            decoded.clear()
            arena.clear()
            held = 0
    return [found[place] for place in range(len(pictures))]


def perceive(
    data: bytes,
    media_type: str,
    declared: tuple[Declared, ...] = (),
    *,
    max_pixels: int,
    orientations: bool = False,
    pipelines: Sequence[Pipeline] = FAMILIES,
) -> Perception:
    """`perceive_many` for one."""
    one = (data, media_type, declared)
    return perceive_many(
        [one], max_pixels=max_pixels, orientations=orientations, pipelines=pipelines
    )[0]


def outcome_of(digest: Digests, media_type: str, seen: Perception) -> Outcome:
    """Put digests and perception together."""
    signals = Signals(
        digest.md5,
        digest.sha1,
        digest.sha256,
        media_type,
        seen.width,
        seen.height,
        seen.views,
        seen.notes,
    )
    if seen.reason is None:
        return Screened(signals)
    if seen.reason.kind is Kind.EXACT_ONLY:
        return ExactOnly(signals, seen.reason)
    return Failed(seen.reason, signals)


_WITHOUT_PIXELS = {
    Sort.UNSUPPORTED_PICTURE: Reason.UNSUPPORTED_IMAGE,
    Sort.TIMED: Reason.VIDEO_OR_AUDIO,
    Sort.CONTAINER: Reason.UNSUPPORTED_CONTAINER,
    Sort.OTHER: Reason.NOT_AN_IMAGE,
    Sort.PICTURE: Reason.TOO_LARGE,
}


def without_pixels(
    digest: Digests, media_type: str, sort: Sort, *, expanded: bool = False, awaited: bool = False
) -> Outcome:
    """The outcome of an item of which no pixels are decoded.

    `expanded`: its members are items of their own; `awaited`: its name or place says picture.
    """
    signals = Signals(digest.md5, digest.sha1, digest.sha256, media_type)
    if expanded:
        return ExactOnly(signals, Reason.CONTAINER)
    if sort is Sort.OTHER and awaited:
        return ExactOnly(signals, Reason.UNRECOGNISED)
    reason = _WITHOUT_PIXELS[sort]
    if reason.kind is Kind.FAILED:
        return Failed(reason, signals)
    return ExactOnly(signals, reason)


def screen_bytes(
    data: bytes,
    declared: tuple[Declared, ...] = (),
    *,
    limits: Limits | None = None,
    orientations: bool = False,
    pipelines: Sequence[Pipeline] = FAMILIES,
) -> Outcome:
    """All signals of some bytes, in this process and with no time limit."""
    media_type, sort = sniff(data)
    digest = digests(data)
    if sort is not Sort.PICTURE:
        return without_pixels(digest, media_type, sort)
    limits = limits or Limits()
    seen = perceive(
        data,
        media_type,
        declared,
        max_pixels=limits.max_pixels,
        orientations=orientations,
        pipelines=pipelines,
    )
    return outcome_of(digest, media_type, seen)
