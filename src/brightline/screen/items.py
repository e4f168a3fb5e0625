"""What a reader yields → items with their outcome, some of them screened together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias, assert_never

from brightline.screen.examining import Held, NotExamined
from brightline.signals.digests import digests_many
from brightline.signals.media import Sort, sniff
from brightline.signals.perceive import Encoded, Perception, outcome_of, without_pixels
from brightline.sources.paths import IMAGE_EXTENSIONS, extension
from brightline.types import (
    Content,
    Declared,
    ExactOnly,
    Failed,
    Kind,
    NoContent,
    Outcome,
    Reason,
    Rows,
    Skipped,
    Streamed,
)

#: items screened together: how many at most, and how many bytes of them
_TOGETHER = 64
_TOGETHER_BYTES = 8 << 20

#: decodes and hashes pictures, however it contains the decoders
See = Callable[[Sequence[Encoded]], list[Perception]]

Readable: TypeAlias = Content | Streamed | NoContent

_PICTURES = (Sort.PICTURE, Sort.UNSUPPORTED_PICTURE)


@dataclass(frozen=True, slots=True)
class Item:
    """What became of one item of `size` bytes.

    `held` are its bytes if they were asked for; `picture` whether its first bytes are those of a
    picture's format, one that cannot be decoded here included.
    """

    locator: str
    outcome: Outcome
    size: int
    declared: tuple[Declared, ...] = ()
    held: Held = NotExamined.NO_BYTES
    picture: bool = False


def batches(reads: Iterable[Readable | Rows]) -> Iterator[list[Readable] | Rows]:
    """What was read, in order: items gathered to be screened together, rows as they come."""
    waiting: list[Readable] = []
    size = 0
    for read in reads:
        if isinstance(read, Rows):
            yield waiting
            yield read
            waiting, size = [], 0
            continue
        waiting.append(read)
        size += len(read.data) if isinstance(read, Content) else 0
        if len(waiting) >= _TOGETHER or size >= _TOGETHER_BYTES:
            yield waiting
            waiting, size = [], 0
    yield waiting


def screen(reads: Sequence[Readable], see: See, *, hold: bool) -> Iterator[Item]:
    """What becomes of some items, in order; with their bytes if `hold` says so."""
    filled = [read for read in reads if isinstance(read, Content) and read.data]
    sorts = [sniff(read.data) for read in filled]
    pictures = [
        (read.data, media_type, read.declared) if _is_picture(read, sort) else None
        for read, (media_type, sort) in zip(filled, sorts, strict=True)
    ]
    seen = iter(see([picture for picture in pictures if picture is not None]))
    digests = digests_many([read.data for read in filled])
    known = zip(sorts, pictures, digests, strict=True)
    for read in reads:
        match read:
            case NoContent():
                yield Item(read.locator, _unread(read.reason), 0, read.declared)
            case Content():
                if not read.data:
                    yield Item(read.locator, Skipped(Reason.EMPTY), 0, read.declared)
                    continue
                (media_type, sort), picture, digest = next(known)
                if picture is not None:
                    outcome = outcome_of(digest, media_type, next(seen))
                else:
                    outcome = without_pixels(
                        digest,
                        media_type,
                        sort,
                        expanded=read.expanded,
                        awaited=_is_awaited(read.locator),
                    )
                yield Item(
                    read.locator,
                    outcome,
                    len(read.data),
                    read.declared,
                    _held(read, sort) if hold else NotExamined.NO_BYTES,
                    sort in _PICTURES,
                )
            case Streamed():
                media_type, sort = sniff(read.head)
                outcome = without_pixels(read.digests, media_type, sort, expanded=read.expanded)
                yield Item(
                    read.locator,
                    outcome,
                    read.size,
                    read.declared,
                    NotExamined.TOO_LARGE,
                    sort in _PICTURES,
                )
            case _:
                assert_never(read)


def _held(read: Content, sort: Sort) -> Held:
    # what an archive stores unpacked would be taken for the archive's own
    return NotExamined.ARCHIVE if read.expanded or sort is Sort.CONTAINER else read.data


def _is_picture(read: Content, sort: Sort) -> bool:
    """Whether its pixels are looked at."""
    return sort is Sort.PICTURE and not read.expanded


def _is_awaited(locator: str) -> bool:
    """Whether a picture is to be expected there: by its name, or as a table's cell of bytes."""
    return locator.startswith("row ") or extension(locator) in IMAGE_EXTENSIONS


def _unread(reason: Reason) -> Outcome:
    match reason.kind:
        case Kind.SKIPPED:
            return Skipped(reason)
        case Kind.FAILED:
            return Failed(reason)
        case Kind.EXACT_ONLY:
            return ExactOnly(None, reason)
        case Kind.SCREENED:
            raise AssertionError("a reason says why an item was not screened")
        case _:
            assert_never(reason.kind)


def row_reasons(rows: Rows) -> list[Reason]:
    """How each row of a table is accounted for."""
    usable = None
    for valid in rows.valid.values():
        usable = valid if usable is None else usable | valid
    reasons = []
    for k in range(rows.count):
        if rows.bad[k]:
            reasons.append(Reason.BAD_HASH)
        elif usable is not None and usable[k]:
            reasons.append(Reason.METADATA_ROW)
        else:
            reasons.append(Reason.NO_SIGNAL_COLUMN)
    return reasons
