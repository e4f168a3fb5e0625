"""One picture's origin: containers, rules, and the checks that others make, put together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from brightline.origin.containers import Container, read_container
from brightline.origin.contradictions import find_contradictions
from brightline.origin.evidence import (
    CheckResult,
    Contradiction,
    Evidence,
    Examination,
    Facts,
    NotRun,
)
from brightline.origin.rules import rule_book

if TYPE_CHECKING:
    from brightline.types import U8

#: what nobody can look for without the maker's service; a suspect file is never sent there
NOT_CHECKABLE: Final = (
    NotRun("synthid", "Google's watermark can only be read by Google"),
    NotRun("trustmark", "no usable local decoder"),
    NotRun("private watermarks", "other makers' marks, read by their makers alone"),
    NotRun("pixels", "no statistical or learned detector is used: none is evidence"),
)
_NOTHING: Final = CheckResult()
_UNASKED: Final = {
    name: CheckResult(not_run=NotRun(name, "not asked for"))
    for name in ("c2pa", "stealth", "watermark")
}
_NO_PIXELS: Final = NotRun("pixels", "not asked for")
_LOSSLESS: Final = ("image/png", "image/webp", "image/tiff", "image/bmp")


def examine(
    data: bytes,
    *,
    watermark: bool = False,
    c2pa: bool = True,
    stealth: bool = False,
    pixels: U8 | None = None,
    c2pa_trust: bytes | None = None,
    list_match: bool = False,
) -> Examination:
    """What a picture's bytes say about where it comes from. Never raises on any bytes.

    `watermark` looks for the open watermark of the first Stable Diffusion releases (44 ms a
    megapixel), `stealth` for parameters in the lowest bits; both need decoded pixels: give
    `pixels` (h, w, 3 or 4, uint8, alpha kept) or they are decoded here. `c2pa` reads manifests
    where there are any, with `c2pa_trust` (PEM) instead of the pinned list. `list_match` says
    that a hash list's entry matched, which contradicts a claim that it was generated.
    """
    container = read_container(data)
    run, not_run, notes = list[str](), list[NotRun](), list(container.notes)
    if "unknown_container" in notes:
        not_run.append(NotRun("metadata", "no picture format that is read; only XMP was searched"))
    else:
        run.append("metadata")
    if container.manifest:
        notes.append("c2pa_manifest")
    if container.remote_manifest:
        notes.append("c2pa_remote_ref")
    evidence = list(rule_book().match(container.fields))

    def take(name: str, result: CheckResult) -> None:
        if result.not_run is not None:
            not_run.append(result.not_run)
            return
        run.append(name)
        if result is not _NOTHING:
            evidence.extend(result.evidence)
            evidence.extend(rule_book().match(result.fields))
            notes.extend(result.notes)

    if not c2pa:
        take("c2pa", _UNASKED["c2pa"])
    else:
        take("c2pa", _c2pa(data, container, c2pa_trust))
    if pixels is None and (watermark or (stealth and container.media_type in _LOSSLESS)):
        from brightline.origin.pixels import decode

        decoded = decode(data, container)
    else:
        decoded = pixels if pixels is not None else _NO_PIXELS
    take("stealth", _stealth(decoded, container, stealth))
    take("watermark", _watermark(decoded, watermark))
    found: tuple[Contradiction, ...] = ()
    if evidence or container.sizes:
        evidence.sort(key=lambda piece: (piece.strength.rank, piece.rule_id))
        found = find_contradictions(evidence, _facts(container, evidence, list_match))
    return Examination(
        container.media_type,
        tuple(evidence),
        found,
        tuple(run),
        tuple(not_run),
        NOT_CHECKABLE,
        tuple(dict.fromkeys(notes)),
    )


def _c2pa(data: bytes, container: Container, trust: bytes | None) -> CheckResult:
    if "unknown_container" in container.notes:
        return CheckResult(not_run=NotRun("c2pa", "no picture format that is read"))
    if not container.manifest and not container.remote_manifest:
        return _NOTHING
    from brightline.origin.c2pa import read_manifests

    return read_manifests(data, container.media_type, trust)


def _stealth(pixels: U8 | NotRun, container: Container, wanted: bool) -> CheckResult:
    if not wanted:
        return _UNASKED["stealth"]
    if container.media_type not in _LOSSLESS:
        why = "only looked for in PNG, WebP, TIFF and BMP, which keep the lowest bits"
        return CheckResult(not_run=NotRun("stealth", why))
    if isinstance(pixels, NotRun):
        return CheckResult(not_run=NotRun("stealth", pixels.why))
    from brightline.origin.stealth import read_stealth

    return read_stealth(pixels)


def _watermark(pixels: U8 | NotRun, wanted: bool) -> CheckResult:
    if not wanted:
        return _UNASKED["watermark"]
    if isinstance(pixels, NotRun):
        return CheckResult(not_run=NotRun("watermark", pixels.why))
    from brightline.origin.watermark import find_marks

    return find_marks(pixels[:, :, :3])


def _facts(container: Container, evidence: list[Evidence], list_match: bool) -> Facts:
    sizes = list(container.sizes)
    for piece in evidence:
        width, height = piece.extracted.get("width", ""), piece.extracted.get("height", "")
        if width.isdigit() and height.isdigit():
            sizes.append((piece.rule_id, int(width), int(height)))
    return Facts(
        container.make,
        container.camera_fields,
        container.width,
        container.height,
        tuple(sizes),
        list_match,
    )
