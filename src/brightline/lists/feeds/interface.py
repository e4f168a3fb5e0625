"""What every feed gives: pages of changes for a range, and where to go on."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol, TypeAlias

from brightline.lists.records import Record


@dataclass(frozen=True, slots=True)
class Upsert:
    """A record as it is at the source now, new or changed; `record.source_id` says which."""

    record: Record


@dataclass(frozen=True, slots=True)
class Delete:
    """A record that is no longer at the source. `changed` as in `Record`."""

    source_id: str
    changed: str = ""


Change: TypeAlias = Upsert | Delete

#: Makes a version of the list from changes and returns its name. The second argument is a
#: token, 64 hex digits, for these very changes on top of the version published before:
#: called again with a token of which it has made a version, it returns that version's name
#: and makes none.
Publish: TypeAlias = Callable[[Iterable[Change], str], str]


class Unusable(enum.StrEnum):
    """Why something in a page was left out; counted, never dropped in silence."""

    UNSUPPORTED = "signal of a type that is not used"
    NOT_A_HASH = "value that is not a hash of its type"
    NO_SIGNAL = "record without a usable signal"
    UNKNOWN_STATUS = "record with an unknown status, kept"
    UNREADABLE_TIME = "time that cannot be read"


@dataclass(frozen=True, slots=True)
class Range:
    """A part of the feed that is fetched as a whole, in the feed's own notation.

    `end` is empty where the feed cannot be asked for an end. `last` says that nothing lies
    behind it yet.
    """

    start: str
    end: str
    last: bool


@dataclass(frozen=True, slots=True)
class Page:
    """One answer. `next` is the cursor of the following page, None if this is the last one.

    `checkpoint` is where the feed says to go on after this range; empty for the range's end.
    """

    changes: tuple[Change, ...]
    next: str | None
    checkpoint: str = ""
    unusable: Mapping[Unusable, int] = field(default_factory=dict)


class Feed(Protocol):
    """A hotline's feed. Stateless: where it stands is kept by `state.State`."""

    @property
    def cursor_lifetime(self) -> timedelta:
        """How old a cursor may be when it is used again."""
        ...

    def plan(self, checkpoint: str | None, now: datetime) -> Range:
        """The range to fetch next, given how far ranges are exhausted (None: nothing is).

        `now` is when the sync began, in UTC.
        """
        ...

    def page(self, part: Range, cursor: str | None) -> Page:
        """The first page of a range, or that of a cursor; one attempt.

        Raises `CursorExpiredError`, `BadPageError`, `TransientError`, `RefusedError` or
        another `FeedError`.
        """
        ...

    def split(self, part: Range) -> tuple[Range, ...]:
        """Smaller ranges that cover this one, empty if it cannot be divided further."""
        ...
