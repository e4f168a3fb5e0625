"""What a walk through one container has found so far, and the limits that it keeps to.

A walker never trusts a length, an offset or a count of the file. Texts, inflated bytes and
fields are limited for the whole file, and what goes over a limit is noted, not read.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Final

from brightline.origin.evidence import Field

#: bytes of one value, and of all values of a file, that are looked at
VALUE_BYTES: Final = 2 << 20
FILE_BYTES: Final = 4 << 20
#: bytes that one compressed value may inflate to
INFLATED_BYTES: Final = 2 << 20
FIELDS: Final = 512
#: of one file: EXIF blocks and XMP packets, values, directory entries, boxes and their items,
#: pieces of XMP markup
BLOCKS: Final = 12
BOXES: Final = 20_000
VALUES: Final = 2048
ENTRIES: Final = 4096
EVENTS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Container:
    """What a container holds besides pixels.

    `manifest` says that a C2PA manifest store is embedded, `remote_manifest` that XMP points
    to one elsewhere. `width` and `height` are the stored pixels as the container states them.
    `make` and `camera_fields` are as in `evidence.Facts`; `sizes` are sizes that metadata
    states. `notes` are codes.
    """

    media_type: str
    fields: tuple[Field, ...] = ()
    manifest: bool = False
    remote_manifest: bool = False
    width: int | None = None
    height: int | None = None
    make: str | None = None
    camera_fields: frozenset[str] = frozenset()
    sizes: tuple[tuple[str, int, int], ...] = ()
    notes: tuple[str, ...] = ()


class Found:
    """Collects fields while a container is walked."""

    __slots__ = (
        "blocks",
        "boxes",
        "camera",
        "entries",
        "events",
        "fields",
        "height",
        "left",
        "make",
        "manifest",
        "notes",
        "remote",
        "sizes",
        "values",
        "width",
    )

    def __init__(self) -> None:
        self.fields: list[Field] = []
        self.notes: dict[str, None] = {}
        self.left = FILE_BYTES
        self.blocks = BLOCKS
        self.boxes = BOXES
        self.values = VALUES
        self.entries = ENTRIES
        self.events = EVENTS
        self.manifest = False
        self.remote = False
        self.width: int | None = None
        self.height: int | None = None
        self.make: str | None = None
        self.camera: set[str] = set()
        self.sizes: list[tuple[str, int, int]] = []

    def add(self, where: str, key: str, text: str, path: str) -> None:
        """Keep a field; its bytes were taken before."""
        if not text:
            return
        if len(self.fields) >= FIELDS:
            self.note("metadata_limit")
            return
        self.fields.append(Field(where, key[:80], text, path))

    def take(self, raw: bytes) -> bytes:
        """A value's bytes, cut to what may still be looked at in this file."""
        self.values -= 1
        most = min(VALUE_BYTES, self.left) if self.values >= 0 else 0
        if len(raw) > most:
            self.note("metadata_limit")
            raw = raw[:most]
        self.left -= len(raw)
        return raw

    def room(self) -> bool:
        """Whether one more EXIF block or XMP packet is read; counts it."""
        self.blocks -= 1
        if self.blocks < 0 or self.left <= 0:
            self.note("metadata_limit")
            return False
        return True

    def inflate(self, raw: bytes) -> bytes:
        """A zlib stream's content up to the limit; what came before damage is kept."""
        engine = zlib.decompressobj()
        self.values -= 1
        if self.left <= 0 or self.values < 0:
            self.note("metadata_limit")
            return b""
        try:
            out = engine.decompress(raw, min(INFLATED_BYTES, self.left))
            self.left -= len(out)
        except zlib.error:
            self.note("metadata_damaged")
            return b""
        if engine.unconsumed_tail:
            self.note("metadata_limit")
        elif not engine.eof:
            self.note("metadata_damaged")
        return out

    def pixels(self, width: int, height: int) -> None:
        """The stored size; the first that the container states counts."""
        if self.width is None and 0 < width < 1 << 31 and 0 < height < 1 << 31:
            self.width, self.height = width, height

    def note(self, code: str) -> None:
        """Keep a code once."""
        self.notes[code] = None

    def container(self, media_type: str) -> Container:
        """Everything that was found."""
        return Container(
            media_type,
            tuple(self.fields),
            self.manifest,
            self.remote,
            self.width,
            self.height,
            self.make,
            frozenset(self.camera),
            tuple(self.sizes),
            tuple(self.notes),
        )


def text_of(raw: bytes) -> str:
    """Text whose encoding is not told: UTF-8 if it is that, else Latin-1, cut at a NUL at its end.

    PNG's `tEXt` is Latin-1 and EXIF's type ASCII is 7-bit by their specifications; programs
    write UTF-8 into both all the same.
    """
    raw = raw.rstrip(b"\0")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
