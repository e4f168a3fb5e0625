"""Origin evidence of items while their bytes are at hand: of which, by what, and why not."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:  # the command line needs the modes and no rules
    from brightline.origin import Examination


class OriginMode(enum.StrEnum):
    """Of which items an audit looks for origin evidence.

    `matched`: those that a known-bad list's entry matched. `all`: every picture besides.
    """

    NONE = "none"
    MATCHED = "matched"
    ALL = "all"


class NotExamined(enum.StrEnum):
    """Why an item was not examined though the mode asks for it."""

    NO_BYTES = "no_bytes"
    TOO_LARGE = "too_large"
    ARCHIVE = "archive"
    NOT_A_PICTURE = "not_a_picture"
    TIMEOUT = "origin_timeout"
    CRASHED = "origin_crashed"
    FAILED = "origin_failed"

    @property
    def text(self) -> str:
        """The same in words."""
        return _TEXTS[self]

    def to_json(self) -> dict[str, Any]:
        """What a finding holds in place of an examination."""
        return {"not_examined": str(self), "why": self.text}


_TEXTS = {
    NotExamined.NO_BYTES: "nothing but hashes or an address was there, or nothing could be read",
    NotExamined.TOO_LARGE: "too large to be held in memory",
    NotExamined.ARCHIVE: "an archive: what it holds is examined, if at all, as items of its own",
    NotExamined.NOT_A_PICTURE: "no picture",
    NotExamined.TIMEOUT: "the examination took too long",
    NotExamined.CRASHED: "the examination ended its process",
    NotExamined.FAILED: "the examination failed: a fault of this program",
}

#: an item's bytes, or why there are none to examine
Held: TypeAlias = bytes | NotExamined
#: examines bytes, told whether a known-bad list's entry matched; however it is contained
Look: TypeAlias = "Callable[[bytes, bool], Examination | NotExamined]"


def look_at(data: bytes, list_match: bool) -> Examination | NotExamined:
    """Examine in this process. Pixels are not looked at, and no network is used."""
    from brightline.origin import examine

    try:
        return examine(data, list_match=list_match)
    except MemoryError:
        raise  # the process is at its limit, and another has to go on
    except Exception:  # noqa: BLE001 - the item boundary
        return NotExamined.FAILED


def directly(begin: Callable[[], None]) -> Look:
    """`look_at`, after a sign of life each time."""

    def look(data: bytes, list_match: bool) -> Examination | NotExamined:
        begin()
        return look_at(data, list_match)

    return look


def load_rules() -> None:
    """Read the rules now, so that it does not count as the first item's time."""
    look_at(b"", False)
