"""The nouns. Imports nothing of ours but `reasons`; everything else may import it."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from brightline.reasons import Kind as Kind
from brightline.reasons import Reason as Reason

if TYPE_CHECKING:  # `--help` needs the nouns and no arrays
    import numpy as np
    import numpy.typing as npt

U8: TypeAlias = "npt.NDArray[np.uint8]"
I64: TypeAlias = "npt.NDArray[np.int64]"


class SignalType(enum.StrEnum):
    """A kind of fingerprint. `url` is kept as SHA-256 of the normalised address."""

    MD5 = "md5"
    SHA1 = "sha1"
    SHA256 = "sha256"
    PDQ = "pdq"
    URL = "url"

    @property
    def width(self) -> int:
        """Bytes in one value."""
        return _WIDTH[self]


_WIDTH = {
    SignalType.MD5: 16,
    SignalType.SHA1: 20,
    SignalType.SHA256: 32,
    SignalType.PDQ: 32,
    SignalType.URL: 32,
}

#: the signals that match by equality
EXACT_TYPES = (SignalType.MD5, SignalType.SHA1, SignalType.SHA256, SignalType.URL)

#: PDQ's recommended match distance and lowest usable quality (ThreatExchange, pdq/README.md)
PDQ_THRESHOLD = 31
PDQ_MIN_QUALITY = 50


class Role(enum.StrEnum):
    """What being on a list means."""

    KNOWN_BAD = "known-bad"
    KNOWN_GOOD = "known-good"


class Pipeline(enum.StrEnum):
    """How the images behind a list's PDQ hashes were resized before hashing."""

    FULL = "full"
    NEAREST_512 = "nearest-512"
    THUMBNAIL_512 = "thumbnail-512"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Digests:
    """Digests over the stored bytes, raw."""

    md5: bytes
    sha1: bytes
    sha256: bytes


@dataclass(frozen=True, slots=True)
class Perceptual:
    """One PDQ hash of one view of an image.

    `via` says which view ("stored bytes", "unpadded crop", "exif orientation", …); `hash` is
    32 bytes, most significant first, as its hex is printed; `quality` 0 to 100; `pipeline`
    names every step that can change the hash (`signals.pipelines`); `turned` holds the other seven
    dihedral variants as (orientation, hash) when they were asked for.
    """

    via: str
    hash: bytes
    quality: int
    pipeline: str
    turned: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Signals:
    """All signals of one item.

    `pdq`, `pdq_quality` and `pdq_pipeline` are those of the stored image; `width` and `height`
    its stored pixels; `views` every perceptual hash that is matched, the stored image first;
    `notes` codes such as `first_frame_only`.
    """

    md5: bytes
    sha1: bytes
    sha256: bytes
    media_type: str
    width: int | None = None
    height: int | None = None
    views: tuple[Perceptual, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def pdq(self) -> bytes | None:
        """32 bytes, or None where no perceptual hash applies."""
        return self.views[0].hash if self.views else None

    @property
    def pdq_quality(self) -> int | None:
        """0 to 100; under 50 a hash is not matched."""
        return self.views[0].quality if self.views else None

    @property
    def pdq_pipeline(self) -> str | None:
        """The pipeline's name, for example `full` or `full+luma`."""
        return self.views[0].pipeline if self.views else None


# --- what a source yields -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Declared:
    """What a dataset says of an item's *original*: hash columns, address, size in pixels."""

    md5: bytes | None = None
    sha1: bytes | None = None
    sha256: bytes | None = None
    url: str | None = None
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """An item with its bytes. `locator` is a member path, key or row, as text."""

    locator: str
    data: bytes
    declared: tuple[Declared, ...] = ()
    expanded: bool = False  # an archive whose members follow as items of their own


@dataclass(frozen=True, slots=True)
class Streamed:
    """An item too large to hold: digests taken while it went past, and its first bytes."""

    locator: str
    digests: Digests
    size: int
    head: bytes
    declared: tuple[Declared, ...] = ()
    expanded: bool = False


@dataclass(frozen=True, slots=True)
class NoContent:
    """An item of which nothing, or not everything, could be read."""

    locator: str
    reason: Reason
    declared: tuple[Declared, ...] = ()


@dataclass(frozen=True, slots=True)
class Rows:
    """Consecutive rows of a table without bytes; row `first + k` is item `k`.

    `exact[t]` holds an (n, width) uint8 array of values, and `valid[t]` an (n,) bool array
    saying which rows have one. `bad` marks rows of which some hash value was not a hash.
    """

    first: int
    count: int
    exact: dict[SignalType, U8]
    valid: dict[SignalType, npt.NDArray[np.bool_]]
    bad: npt.NDArray[np.bool_]


Read: TypeAlias = Content | Streamed | NoContent | Rows


# --- matches --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Match:
    """A signal within a list's threshold. An observation about bytes, about nobody.

    `pipeline` names what made the PDQ hash that matched, as `Perceptual.pipeline`; None for
    every other signal.
    """

    signal: SignalType
    distance: int
    threshold: int
    list: str
    list_version: str
    role: Role
    entry: int
    category: str | None
    via: str
    orientation: str = "as stored"
    pdq_quality: int | None = None
    pipeline: str | None = None


# --- outcomes -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Screened:
    """Every signal that applies was made and matched."""

    signals: Signals
    matches: tuple[Match, ...] = ()


@dataclass(frozen=True, slots=True)
class ExactOnly:
    """Digests were matched; by its nature there is no perceptual signal. `signals` is None for a
    table's row, of which there are only the values it declares."""

    signals: Signals | None
    reason: Reason
    matches: tuple[Match, ...] = ()


@dataclass(frozen=True, slots=True)
class Skipped:
    """There was nothing to read; a hash that the dataset declares may match all the same."""

    reason: Reason
    matches: tuple[Match, ...] = ()
    signals: None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """It should have been screened in full and was not; what could be had is in `signals`."""

    reason: Reason
    signals: Signals | None = None
    matches: tuple[Match, ...] = ()


Outcome: TypeAlias = Screened | ExactOnly | Skipped | Failed


@dataclass(frozen=True, slots=True)
class Limits:
    """What one item, and one archive, may cost. Sizes in bytes, time in seconds."""

    max_item_bytes: int = 256 << 20
    max_pixels: int = 200_000_000
    item_seconds: float = 30.0
    worker_bytes: int = 3 << 30
    max_depth: int = 8
    expansion_base: int = 1 << 30
    expansion_factor: int = 200


@dataclass(frozen=True, slots=True)
class FileStamp:
    """A file as the manifest froze it."""

    path: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Shard:
    """A part of a source that is screened as one task.

    `files[0]` is the file that is read (for kind `folder`: all of `files` are); further files
    are its companions (side table, statistics). `start` and `stop` are byte offsets (tar),
    member numbers (zip) or rows (tables); stop -1 means to the end. `name` is what reports and
    errors call it: the path relative to the source plus the range.
    """

    source: str
    name: str
    kind: str
    files: tuple[FileStamp, ...]
    start: int = 0
    stop: int = -1
    items_hint: int | None = None
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes that reading it takes, about."""
        if "bytes" in self.options:
            return int(self.options["bytes"])
        if self.kind == "tar" and self.stop >= 0:
            return self.stop - self.start
        return sum(f.size for f in self.files)
