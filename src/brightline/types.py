"""The nouns. Imports nothing of ours; everything else may import it."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

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


class Kind(enum.StrEnum):
    """The four ways in which an item is accounted for."""

    SCREENED = "screened"
    EXACT_ONLY = "exact_only"
    SKIPPED = "skipped"
    FAILED = "failed"


class Reason(enum.Enum):
    """Why an item was not fully screened.

    Each has a code (as in JSON), the kind it leads to, whether it leaves a *gap* (something
    that could have held an image was not screened in full; a run with a gap and no match ends
    with status 3), and a sentence for the report.
    """

    # exact_only: the bytes' digests were matched, and no perceptual signal applies
    NOT_AN_IMAGE = ("not_an_image", Kind.EXACT_ONLY, False, "text or other data, not a picture")
    CONTAINER = (
        "container",
        Kind.EXACT_ONLY,
        False,
        "an archive: itself matched by digest, its members are items of their own",
    )
    METADATA_ROW = (
        "metadata_row",
        Kind.EXACT_ONLY,
        False,
        "a row without bytes: its hash and address columns were matched",
    )
    TOO_SMALL = (
        "too_small",
        Kind.EXACT_ONLY,
        False,
        "a side under 5 pixels: PDQ is not defined there",
    )
    VIDEO_OR_AUDIO = (
        "video_or_audio",
        Kind.EXACT_ONLY,
        True,
        "video or audio: matched by digest only",
    )
    UNSUPPORTED_IMAGE = (
        "unsupported_image",
        Kind.EXACT_ONLY,
        True,
        "a picture format that is not decoded: matched by digest only",
    )
    UNSUPPORTED_CONTAINER = (
        "unsupported_container",
        Kind.EXACT_ONLY,
        True,
        "a container that is not opened: matched by digest only",
    )
    # skipped: there was nothing to read
    DIRECTORY = ("directory", Kind.SKIPPED, False, "an archive's entry for a folder")
    LINK = (
        "link",
        Kind.SKIPPED,
        False,
        "a link: what it points to is screened where it lies, if that is in the source",
    )
    SPECIAL = ("special", Kind.SKIPPED, False, "a device, pipe or socket")
    EMPTY = ("empty", Kind.SKIPPED, False, "no bytes")
    NULL_BYTES = ("null_bytes", Kind.SKIPPED, False, "a row whose image is null")
    BYTES_ELSEWHERE = (
        "bytes_elsewhere",
        Kind.SKIPPED,
        True,
        "a row that only names a file elsewhere",
    )
    NOT_STORED = (
        "not_stored",
        Kind.SKIPPED,
        False,
        "the dataset's own table says that it was never downloaded",
    )
    NO_SIGNAL_COLUMN = ("no_signal", Kind.SKIPPED, True, "a row without a usable hash or address")
    # failed: it should have been screened and was not
    UNREADABLE = ("unreadable", Kind.FAILED, True, "the file could not be opened or read")
    TRUNCATED_ARCHIVE = (
        "truncated_archive",
        Kind.FAILED,
        True,
        "the archive ends early: what came before the cut was screened",
    )
    DAMAGED_ARCHIVE = ("damaged_archive", Kind.FAILED, True, "part of the archive is damaged")
    DAMAGED_MEMBER = (
        "damaged_member",
        Kind.FAILED,
        True,
        "an archive member is damaged (checksum, compression or length)",
    )
    ENCRYPTED = ("encrypted", Kind.FAILED, True, "an encrypted archive member")
    UNSUPPORTED_COMPRESSION = (
        "unsupported_compression",
        Kind.FAILED,
        True,
        "compressed in a way that is not supported",
    )
    TOO_LARGE = ("too_large", Kind.FAILED, True, "more bytes than the limit for one picture")
    TOO_DEEP = ("too_deep", Kind.FAILED, True, "archives nested deeper than the limit")
    EXPANSION = ("expansion_limit", Kind.FAILED, True, "the archive expands beyond the limit")
    MISSING_MEMBER = (
        "missing_member",
        Kind.FAILED,
        True,
        "the dataset's own table names it, and the archive does not hold it",
    )
    BAD_HASH = ("bad_hash", Kind.FAILED, True, "a hash column holds something that is not a hash")
    TOO_MANY_PIXELS = (
        "too_many_pixels",
        Kind.FAILED,
        True,
        "more pixels than the limit: not decoded",
    )
    UNDECODABLE = (
        "undecodable",
        Kind.FAILED,
        True,
        "a damaged picture: digests matched, pixels could not be decoded",
    )
    TRUNCATED_IMAGE = (
        "truncated_image",
        Kind.FAILED,
        True,
        "a cut-off picture: digests matched, and PDQ over what could be decoded",
    )
    DECODER_CRASHED = ("decoder_crashed", Kind.FAILED, True, "the decoder crashed on it")
    DECODER_TIMEOUT = (
        "decoder_timeout",
        Kind.FAILED,
        True,
        "the decoder took longer than the limit",
    )
    DECODER_MEMORY = (
        "decoder_memory",
        Kind.FAILED,
        True,
        "the decoder asked for more memory than the limit",
    )
    READER_CRASHED = (
        "reader_crashed",
        Kind.FAILED,
        True,
        "the shard could not be read to its end: the reader crashed or hung each time",
    )

    def __init__(self, code: str, kind: Kind, gap: bool, text: str) -> None:
        self.code = code
        self.kind = kind
        self.gap = gap
        self.text = text


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
    names every step that can change the hash; `turned` holds the other seven dihedral
    variants as (orientation, hash) when they were asked for.
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
    """A signal within a list's threshold. An observation about bytes, about nobody."""

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


# --- outcomes -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Screened:
    """Every signal that applies was made and matched."""

    signals: Signals
    matches: tuple[Match, ...] = ()


@dataclass(frozen=True, slots=True)
class ExactOnly:
    """Digests were matched; by its nature or our limits there is no perceptual signal."""

    signals: Signals
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
        if self.kind == "tar" and self.stop >= 0:
            return self.stop - self.start
        return sum(f.size for f in self.files)
