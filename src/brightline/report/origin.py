"""The report's part on origin evidence: counts, and the words that must stand beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from brightline.origin.evidence import Claim, Strength
from brightline.origin.examine import NOT_CHECKABLE
from brightline.report.fields import Fields
from brightline.report.figures import counted, words
from brightline.report.schema import Origin, OriginCount, OriginNote
from brightline.screen.examining import NotExamined, OriginMode

_CLAIMS: Final = {
    Claim.AI_GENERATED: "says that a generator made it",
    Claim.AI_EDITED: "says that a generator changed a part of it",
    Claim.AI_TOOL_PROCESSED: "names a tool that works with a model",
    Claim.CAMERA_CAPTURE: "says that a camera took it",
    Claim.RESCREENED: "says that it is a picture of a picture",
}
_STRENGTHS: Final = {
    Strength.CRYPTO_TRUSTED: "a signature whose certificate is on the trust list",
    Strength.CRYPTO_VALID_UNLISTED: "a signature that holds, by a certificate on no list",
    Strength.DECLARED_STANDARD: "a field that a standard defines; anyone can write it",
    Strength.GENERATOR_ARTIFACT: "what a known program writes; anyone can write it",
    Strength.OPEN_WATERMARK: "a published payload in the pixels; anyone can write it",
    Strength.HEURISTIC: "a name or a form that others may use too",
}

_UNKNOWN: Final = "not known to this version"

#: what stands beside the counts each time
CAUTION: Final = (
    "Finding no evidence proves nothing: marks are lost at the first upload, and many generators "
    "leave none.",
    "Evidence is not proof: nearly every mark can be forged, and written onto a photograph of a "
    "real person too.",
    "No figure here may lower the priority of an item, a victim or a case. A picture that says it "
    "was generated may show a real person, or have been made from pictures of one.",
)
_NOT_RUN: Final = (
    "pixels: the open watermark and parameters in the lowest bits are not looked for in an audit; "
    "`brightline origin` looks for them",
)


def origin_of(fields: Fields) -> Origin | None:
    """The part of a summary, `origin`, as the report has it; None where there is none."""
    if "origin" not in fields:
        return None
    found = fields.object("origin")
    return {
        "mode": found.text("mode"),
        "examined": found.count("examined"),
        "no_evidence": found.count("no_evidence"),
        "not_examined": found.count("not_examined"),
        "claims": _claims(found.object("claims")),
        "contradictions": _notes(found.counts("contradictions"), {}),
        "notes": _notes(found.counts("notes"), {}),
        "not_examined_reasons": _notes(
            found.counts("not_examined_reasons"), {str(why): why.text for why in NotExamined}
        ),
        "caution": list(CAUTION),
        "not_checked": [*_NOT_RUN, *(f"{one.check}: {one.why}" for one in NOT_CHECKABLE)],
    }


def _claims(found: Fields) -> list[OriginCount]:
    """In the vocabulary's own order; claims and strengths of another version come last."""
    return [
        {
            "claim": claim,
            "strength": strength,
            "count": count,
            "text": f"{_meaning(claim, _CLAIMS)}: {_meaning(strength, _STRENGTHS)}",
        }
        for claim in _sorted(found.keys(), _CLAIMS)
        for strengths in (found.counts(claim),)
        for strength in _sorted(strengths, _STRENGTHS)
        for count in (strengths[strength],)
    ]


def _sorted(codes: Iterable[str], known: Iterable[str]) -> list[str]:
    places = {str(code): place for place, code in enumerate(known)}
    return sorted(codes, key=lambda code: (places.get(code, len(places)), code))


def _meaning(code: str, known: Mapping[Any, str]) -> str:
    return next((text for one, text in known.items() if one == code), _UNKNOWN)


def _notes(counts: Mapping[str, int], texts: Mapping[str, str]) -> list[OriginNote]:
    return [
        {"code": code, "count": count, "text": texts.get(code, words(code))}
        for code, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    ]


def lead(origin: Origin) -> str:
    """Of how many items evidence was looked for, and on how many there was none."""
    every = origin["mode"] == OriginMode.ALL
    what = "items, pictures among them," if every else "items that a known-bad list matched"
    examined, without = origin["examined"], origin["no_evidence"]
    if examined is None:
        return f"Evidence was looked for on {what}, in a number that is not recorded."
    told = f"Of the {what} {counted(examined, 'was', 'were')} examined"
    if origin["not_examined"] is not None:
        told += f" and {counted(origin['not_examined'], 'was', 'were')} not"
    if without is None:
        return f"{told}. On how many there was no evidence is not recorded."
    return f"{told}. On {counted(without, 'item')} of those examined there was no evidence."
