"""What is planted in the corpus of malformed files, and what an audit may say of it."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from tests.pictures import drawn, encode

#: the code of an item that needs no reason
SCREENED = "screened"
#: what may become of a picture that is not whole
NOT_WHOLE = frozenset(
    ("undecodable", "truncated_image", "unrecognised", "unsupported_image", "video_or_audio")
)
#: what may become of an archive that is not whole
NOT_WHOLE_ARCHIVE = frozenset(
    ("truncated_archive", "damaged_archive", "damaged_member", "unsupported_container")
)


@dataclass(frozen=True, slots=True)
class Plant:
    """A file by its relative name; `codes` are what it may end as, none if anything is fine.

    Of an archive, one code or more must be among its items.
    """

    name: str
    data: bytes
    codes: frozenset[str] = frozenset()

    @property
    def broken(self) -> bool:
        """Whether it must not pass as screened."""
        return bool(self.codes) and SCREENED not in self.codes


def plant(name: str, data: bytes, codes: str | Iterable[str] = ()) -> Plant:
    """A plant; `codes` one or several."""
    return Plant(name, data, frozenset((codes,)) if isinstance(codes, str) else frozenset(codes))


@functools.cache
def picture(number: int, form: str = "JPEG") -> bytes:
    """A small good picture."""
    if form == "HEIF":
        import pillow_heif

        pillow_heif.register_heif_opener()
    if form == "PROGRESSIVE":
        return encode(drawn(number, 96, 80), "JPEG", progressive=True, quality=85)
    return encode(drawn(number, 96, 80), form)


def cuts(data: bytes, count: int) -> list[bytes]:
    """The first part of some bytes, cut at evenly spaced places before the last tenth."""
    return [data[: len(data) * (k + 1) * 9 // (10 * (count + 1))] for k in range(count)]


def flipped(data: bytes, seed: int, start: int, stop: int, count: int) -> bytes:
    """The bytes with `count` random bits turned over between two places."""
    rng = np.random.default_rng(seed)
    out = bytearray(data)
    for at in rng.integers(start, min(stop, len(data)), count):
        out[at] ^= 1 << int(rng.integers(8))
    return bytes(out)
