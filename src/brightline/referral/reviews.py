"""Review records: a person states what they did with one file. Sealed, kept, the latest counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Review:
    """What `by` stated at `at` (UTC) about file `item`.

    `viewed`: whether a person opened this file (`fileViewedByEsp`: it decides whether a warrant
    is needed, US v. Wilson, 13 F.4th 961, 9th Cir. 2021); `exif_viewed` likewise for its
    metadata, None where nothing is stated; `generative_ai`: whether the person believes the
    file to be generated, None where nothing is stated.
    """

    item: int
    viewed: bool
    by: str
    at: str
    exif_viewed: bool | None = None
    generative_ai: bool | None = None
    note: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Review:
        """What `to_json` gave."""
        return cls(**document)


def latest(reviews: Iterable[Review]) -> dict[int, Review]:
    """The newest review of each reviewed file.

    A statement that a file was viewed is not undone by a later review that was about something
    else: what was once viewed stays viewed, and likewise its metadata.
    """
    found: dict[int, Review] = {}
    for review in reviews:
        before = found.get(review.item)
        if before is not None:
            review = Review(
                item=review.item,
                viewed=review.viewed or before.viewed,
                by=review.by,
                at=review.at,
                exif_viewed=_either(review.exif_viewed, before.exif_viewed),
                generative_ai=before.generative_ai
                if review.generative_ai is None
                else review.generative_ai,
                note=review.note,
            )
        found[review.item] = review
    return found


def _either(new: bool | None, old: bool | None) -> bool | None:
    return True if old else new if new is not None else old
