"""The four ways in which an item is accounted for, and every reason for three of them."""

from __future__ import annotations

import enum


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
    UNRECOGNISED = (
        "unrecognised",
        Kind.EXACT_ONLY,
        True,
        "data of no known kind where a picture was to be expected: matched by digest only",
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
