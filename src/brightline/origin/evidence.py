"""The closed vocabulary of origin evidence: what can be claimed, how strongly, and by which rule.

There is no verdict here and no place for one. A piece of evidence says that a field holds what
a rule looks for; an examination says which checks were made, which were not and why, and which
nobody can make offline. Absence of evidence proves nothing.

Free text (prompts, captions) never leaves the reader: a piece of evidence keeps the SHA-256
and the length of the text, and the few short values in `EXTRACTED` that link pictures to one
installation or model.
"""

from __future__ import annotations

import dataclasses
import enum
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple


class Strength(enum.StrEnum):
    """How much a piece of evidence weighs, strongest first."""

    CRYPTO_TRUSTED = "crypto_trusted"
    CRYPTO_VALID_UNLISTED = "crypto_valid_unlisted"
    DECLARED_STANDARD = "declared_standard"
    GENERATOR_ARTIFACT = "generator_artifact"
    OPEN_WATERMARK = "open_watermark"
    HEURISTIC = "heuristic"

    @property
    def rank(self) -> int:
        """0 for the strongest, rising as evidence gets weaker."""
        return _RANKS[self]


_RANKS: Final = {strength: rank for rank, strength in enumerate(Strength)}


class Claim(enum.StrEnum):
    """What a mark says of the picture that carries it."""

    AI_GENERATED = "ai_generated"
    AI_EDITED = "ai_edited"
    AI_TOOL_PROCESSED = "ai_tool_processed"
    CAMERA_CAPTURE = "camera_capture"
    RESCREENED = "rescreened"


#: claims that name a generator
AI_CLAIMS: Final = frozenset((Claim.AI_GENERATED, Claim.AI_EDITED, Claim.AI_TOOL_PROCESSED))

#: names that `Evidence.extracted` may hold
EXTRACTED: Final = (
    "seed",
    "model_hash",
    "model_name",
    "sampler",
    "version",
    "width",
    "height",
    "label",
    "producer",
    "job_id",
    "generator",
    "issuer",
    "source_type",
)


class Field(NamedTuple):
    """One named value of a container, as a rule sees it. A tuple, as a corpus has many.

    `where` is one of `WHERES`; `key` the field's name in its own standard (`parameters`,
    `Software`, `Iptc4xmpExt:DigitalSourceType`); `text` the decoded value, capped; `path` says
    for a person where it stood (`png tEXt`, `jpeg APP1 EXIF`).
    """

    where: str
    key: str
    text: str
    path: str = ""


#: kinds of place a field can come from; a rule names one or several of them
WHERES: Final = ("text", "comment", "exif", "xmp", "iptc", "stealth")


@dataclass(frozen=True, slots=True)
class Evidence:
    """A rule found what it looks for in one field.

    `field` names the place, never the value; `value_sha256` (64 hex digits) and `value_length`
    (bytes of UTF-8, or of the raw value) identify the value without holding it. `forgeable`
    says that anyone with a text editor can write it, onto a real photograph too.
    """

    rule_id: str
    claim: Claim
    strength: Strength
    field: str
    value_sha256: str
    value_length: int
    extracted: Mapping[str, str] = dataclasses.field(default_factory=dict)
    validation_codes: tuple[str, ...] = ()
    forgeable: bool = True

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready mapping with every field."""
        return {
            "rule_id": self.rule_id,
            "claim": self.claim.value,
            "strength": self.strength.value,
            "field": self.field,
            "value_sha256": self.value_sha256,
            "value_length": self.value_length,
            "extracted": dict(self.extracted),
            "validation_codes": list(self.validation_codes),
            "forgeable": self.forgeable,
        }


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Evidence that does not agree, for a person to look into. Never settled by the program."""

    name: str
    rule_ids: tuple[str, ...]
    note: str

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready mapping."""
        return {"name": self.name, "rule_ids": list(self.rule_ids), "note": self.note}


@dataclass(frozen=True, slots=True)
class NotRun:
    """A check that could have been made and was not, and why."""

    check: str
    why: str


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one check brings back: evidence, fields for the rules, notes, or that it did not run.

    `notes` are short codes (`c2pa_remote_ref`, `metadata_truncated`), never values of a file.
    """

    evidence: tuple[Evidence, ...] = ()
    fields: tuple[Field, ...] = ()
    notes: tuple[str, ...] = ()
    not_run: NotRun | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a picture besides evidence; contradictions are found with it.

    `make` is the camera maker in EXIF; `camera_fields` those of `exposure`, `iso`,
    `focal_length`, `lens`, `maker_note` that EXIF holds; `width` and `height` the stored
    pixels as the container says, or None; `declared_sizes` sizes that metadata states as
    (field, width, height); `list_match` whether a hash list's entry matched it.
    """

    make: str | None = None
    camera_fields: frozenset[str] = frozenset()
    width: int | None = None
    height: int | None = None
    declared_sizes: tuple[tuple[str, int, int], ...] = ()
    list_match: bool = False


@dataclass(frozen=True, slots=True)
class Examination:
    """Everything that was found out about one picture's origin, and what was not.

    Evidence is sorted strongest first. `notes` are codes about the container.
    """

    media_type: str
    evidence: tuple[Evidence, ...] = ()
    contradictions: tuple[Contradiction, ...] = ()
    checks_run: tuple[str, ...] = ()
    checks_not_run: tuple[NotRun, ...] = ()
    not_checkable: tuple[NotRun, ...] = ()
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready mapping. It holds no boolean verdict, on purpose."""
        return {
            "media_type": self.media_type,
            "evidence": [piece.to_json() for piece in self.evidence],
            "contradictions": [found.to_json() for found in self.contradictions],
            "checks_run": list(self.checks_run),
            "checks_not_run": [{"check": n.check, "why": n.why} for n in self.checks_not_run],
            "not_checkable": [{"check": n.check, "why": n.why} for n in self.not_checkable],
            "notes": list(self.notes),
        }


def value_digest(value: str | bytes) -> tuple[str, int]:
    """SHA-256 in hex and the length in bytes of a value; text is taken as UTF-8."""
    raw = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
    return hashlib.sha256(raw).hexdigest(), len(raw)


def summary_counts(examinations: Iterable[Examination]) -> dict[str, Any]:
    """Pictures by claim and strength, and by contradiction: what a report may hold.

    A picture counts once under a claim, at the strongest evidence for it; `none` counts those
    on which nothing was found, which says nothing about where they come from.
    """
    total = none = 0
    claims: dict[str, dict[str, int]] = {}
    contradictions: dict[str, int] = {}
    for one in examinations:
        total += 1
        best: dict[Claim, Strength] = {}
        for piece in one.evidence:
            held = best.get(piece.claim)
            if held is None or piece.strength.rank < held.rank:
                best[piece.claim] = piece.strength
        none += not best
        for claim, strength in best.items():
            row = claims.setdefault(claim.value, {})
            row[strength.value] = row.get(strength.value, 0) + 1
        for name in {found.name for found in one.contradictions}:
            contradictions[name] = contradictions.get(name, 0) + 1
    return {
        "examined": total,
        "no_evidence": none,
        "claims": {
            claim.value: {s.value: row[s.value] for s in Strength if s.value in row}
            for claim in Claim
            for row in (claims.get(claim.value, {}),)
            if row
        },
        "contradictions": dict(sorted(contradictions.items())),
    }
