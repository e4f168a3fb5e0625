"""Look-ups: asking a hotline about hashes instead of holding its list."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


class Classification(enum.StrEnum):
    """What the hotline says of a hash, in its own words."""

    CSAM = "csam"
    HARMFUL = "harmful-abusive-material"
    NO_KNOWN_MATCH = "no-known-match"


class MatchType(enum.StrEnum):
    """How the hash matches one that the hotline knows."""

    EXACT = "exact"
    NEAR = "near"


@dataclass(frozen=True, slots=True)
class NearMatch:
    """A file that the hotline knows and that is near: its digest and classification."""

    sha256: bytes
    classification: Classification


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer about one hash; an observation of the hotline's, repeated as it is."""

    classification: Classification
    match_type: MatchType | None = None
    near: tuple[NearMatch, ...] = ()


class Lookup(Protocol):
    """A service that answers about hashes.

    The hashes of the items asked about leave this machine. A PDQ hash shows a coarse outline of
    its image: ask only a service that may see the images too, and only if the law and the
    corpus's owner allow it.
    """

    def look_up(self, hashes: Sequence[bytes]) -> list[Answer]:
        """An answer for each hash, in their order; FeedError if any is without one."""
        ...
