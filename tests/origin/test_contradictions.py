"""Contradictions: each by its name where it is, and none where there is none."""

from __future__ import annotations

from brightline.origin.contradictions import find_contradictions
from brightline.origin.evidence import Claim, Evidence, Facts, Strength


def piece(
    rule: str, claim: Claim = Claim.AI_GENERATED, field: str = "png tEXt parameters"
) -> Evidence:
    strength = {
        "c2pa": Strength.CRYPTO_TRUSTED,
        "declared": Strength.DECLARED_STANDARD,
        "heuristic": Strength.HEURISTIC,
    }.get(rule.split(".")[0], Strength.GENERATOR_ARTIFACT)
    return Evidence(rule, claim, strength, field, "0" * 64, 4)


GENERATED = piece("generator.a1111")
CAPTURE = piece("c2pa.camera_capture", Claim.CAMERA_CAPTURE, "c2pa active manifest")
CAMERA = Facts(make="Maker", camera_fields=frozenset(("exposure", "iso", "lens")))


def names(evidence: list[Evidence], facts: Facts | None = None) -> list[str]:
    return [found.name for found in find_contradictions(evidence, facts or Facts())]


def test_none() -> None:
    assert names([]) == names([GENERATED]) == names([CAPTURE]) == names([], CAMERA) == []
    assert names([CAPTURE], CAMERA) == []
    few = Facts(make="Maker", camera_fields=frozenset(("exposure", "iso")))
    assert names([GENERATED], few) == []
    assert names([GENERATED], Facts(camera_fields=CAMERA.camera_fields)) == []
    assert names([piece("generator.comfyui", Claim.AI_TOOL_PROCESSED)], CAMERA) == []


def test_camera_exif_and_ai_claim() -> None:
    assert names([GENERATED], CAMERA) == ["camera_exif_and_ai_claim"]


def test_c2pa_capture_and_ai_metadata() -> None:
    assert names([CAPTURE, GENERATED]) == ["c2pa_capture_and_ai_metadata"]


def test_ai_ingredient_in_capture() -> None:
    below = piece("c2pa.ai_generated", field="c2pa ingredient manifest, depth 1")
    assert names([CAPTURE, below]) == ["ai_ingredient_in_capture"]


def test_declared_capture() -> None:
    declared = piece("declared.capture", Claim.CAMERA_CAPTURE, "xmp")
    assert names([declared, GENERATED]) == ["declared_capture_and_ai_claim"]


def test_list_match() -> None:
    assert names([GENERATED], Facts(list_match=True)) == ["list_match_and_ai_claim"]
    assert names([CAPTURE], Facts(list_match=True)) == []
    (found,) = find_contradictions([GENERATED], Facts(list_match=True))
    assert "potentially real" in found.note and found.rule_ids == ("generator.a1111",)


def test_sizes() -> None:
    def stored(width: int, height: int) -> Facts:
        return Facts(width=width, height=height, declared_sizes=(("parameters", 512, 768),))

    assert names([GENERATED], stored(512, 768)) == names([GENERATED], stored(768, 512)) == []
    assert names([GENERATED], stored(512, 512)) == ["size_and_metadata"]
    assert names([GENERATED], stored(1024, 768)) == ["size_and_metadata"]
    assert names([], Facts(declared_sizes=(("parameters", 512, 768),))) == []


def test_several_generators() -> None:
    comfy = piece("generator.comfyui.prompt")
    assert names([GENERATED, comfy]) == ["several_generators"]
    assert names([GENERATED, piece("generator.a1111.exif")]) == []
    assert names([GENERATED, piece("heuristic.software")]) == []
    assert names([GENERATED, piece("stealth.pnginfo")]) == []
