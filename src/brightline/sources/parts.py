"""What containers hand to `nested.expand`: one part for each member, not yet looked into."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from brightline.sources.sniff import SEQUENTIAL, sniff
from brightline.sources.streams import HEAD, MIB, BrokenStreamError, Budget, Stream
from brightline.types import Declared, Limits, NoContent, Reason, Rows

#: members up to this size are held, unless they are archives that can be read as a stream
HOLD = 64 * MIB
SMALL = MIB


@dataclass(frozen=True, slots=True)
class Held:
    """A member whose bytes are in memory."""

    locator: str
    data: bytes
    declared: tuple[Declared, ...] = ()


@dataclass(frozen=True, slots=True)
class Flowing:
    """A member that is read from its container as it goes; `size` is a claim, or None."""

    locator: str
    stream: Stream
    size: int | None
    declared: tuple[Declared, ...] = ()


Part: TypeAlias = Held | Flowing | NoContent | Rows


@dataclass(slots=True)
class Context:
    """What is shared while one file is read.

    `held` counts the bytes of containers that are in memory while their members are read;
    together they may take `limits.max_item_bytes`.
    """

    limits: Limits
    budget: Budget
    on_bytes: Callable[[int], None]
    held: int = 0


def take(locator: str, stream: Stream, size: int, context: Context) -> Part:
    """A part for a member of the claimed size: held if it is small enough.

    Reads one byte more than claimed, so that the stream notices a wrong claim. What cannot be
    read is the member's NoContent.
    """
    try:
        if size <= min(HOLD, context.limits.max_item_bytes) and (
            size <= SMALL or sniff(stream.peek(HEAD)) not in SEQUENTIAL
        ):
            data = stream.read(size + 1)
            if len(data) != size:
                return NoContent(locator, Reason.DAMAGED_MEMBER)
            return Held(locator, data)
    except BrokenStreamError as error:
        return NoContent(locator, error.reason)
    return Flowing(locator, stream, size)
