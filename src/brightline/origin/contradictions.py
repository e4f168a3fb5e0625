"""Evidence that does not agree. Named for a person to look into, never settled here.

A contradiction raises a question; it never lowers a priority and outweighs nothing: a real
child may be at risk whatever a file says of its making.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from brightline.origin.evidence import AI_CLAIMS, Claim, Contradiction, Evidence, Facts, Strength

#: AI claims about the whole picture or parts of it; a tool that only processed it is no conflict
_MADE: Final = frozenset((Claim.AI_GENERATED, Claim.AI_EDITED))
#: a maker alone is a field that tools copy; a maker with three of the exposure's is a camera's
_CAMERA_FIELDS: Final = 3


def find_contradictions(evidence: Sequence[Evidence], facts: Facts) -> tuple[Contradiction, ...]:
    """Every contradiction in some evidence, each once, in a fixed order."""
    made = [piece for piece in evidence if piece.claim in _MADE]
    captured = [piece for piece in evidence if piece.claim is Claim.CAMERA_CAPTURE]
    signed = [piece for piece in captured if piece.rule_id.startswith("c2pa.")]
    ingredients = [piece for piece in made if "ingredient" in piece.field]
    found: list[Contradiction] = []

    def report(name: str, note: str, pieces: Iterable[Evidence]) -> None:
        found.append(Contradiction(name, tuple(dict.fromkeys(p.rule_id for p in pieces)), note))

    if made and facts.make and len(facts.camera_fields) >= _CAMERA_FIELDS:
        report(
            "camera_exif_and_ai_claim",
            "EXIF names a camera and its exposure; another field names a generator. "
            "Either may have been copied from another file.",
            made,
        )
    if signed and (rest := [p for p in made if not p.rule_id.startswith("c2pa.")]):
        report(
            "c2pa_capture_and_ai_metadata",
            "A C2PA manifest claims a capture; metadata beside it names a generator.",
            (*signed, *rest),
        )
    if captured and ingredients:
        report(
            "ai_ingredient_in_capture",
            "The picture claims to be a capture; a manifest among its ingredients claims a "
            "generator.",
            (*captured, *ingredients),
        )
    if captured and made and not signed:
        report(
            "declared_capture_and_ai_claim",
            "One field declares a capture, another a generator.",
            (*captured, *made),
        )
    if facts.list_match and (ai := [p for p in evidence if p.claim in AI_CLAIMS]):
        report(
            "list_match_and_ai_claim",
            "A hash list holds this picture and a field claims a generator. The list may hold "
            "generated pictures; the field may be forged. Treat as potentially real.",
            ai,
        )
    declared = [
        name
        for name, width, height in facts.declared_sizes
        if facts.width and facts.height and not _same(facts, width, height)
    ]
    if declared:
        report(
            "size_and_metadata",
            f"The stored picture is not of the size that {', '.join(dict.fromkeys(declared))} "
            "states: it was resized or cropped, or the field is another picture's.",
            made,
        )
    families = _families(evidence)
    if len(families) > 1:
        report(
            "several_generators",
            f"Artefacts of several generators: {', '.join(sorted(families))}. Pictures pass "
            "through several tools, and fields are copied.",
            [piece for piece in evidence if piece.strength is Strength.GENERATOR_ARTIFACT],
        )
    return tuple(found)


def _same(facts: Facts, width: int, height: int) -> bool:
    """Whether the size is the declared one, upright or turned."""
    return {(facts.width, facts.height), (facts.height, facts.width)} >= {(width, height)}


def _families(evidence: Sequence[Evidence]) -> set[str]:
    """Generator families that left artefacts: the second part of such rules' names."""
    return {
        piece.rule_id.split(".")[1]
        for piece in evidence
        if piece.strength is Strength.GENERATOR_ARTIFACT
        and piece.claim is not Claim.AI_TOOL_PROCESSED
        and piece.rule_id.split(".")[0] == "generator"
        and "." in piece.rule_id
    }
