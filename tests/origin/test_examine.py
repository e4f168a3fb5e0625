"""`examine`: evidence without texts, checks accounted for, counts that name no file."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from brightline.origin import Claim, Examination, NotRun, Strength, examine, summary_counts
from brightline.origin.containers import read_container
from brightline.origin.evidence import Evidence, value_digest
from brightline.origin.pixels import decode
from tests.origin import writers
from tests.origin.hostile import TRAINED
from tests.pictures import drawn, encode

PROMPT = "a lighthouse of a very particular colour"
A1111 = (
    f"{PROMPT}\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1234567890, "
    f"Size: {writers.WIDTH}x{writers.HEIGHT}, Model hash: 6ce0161689, Model: v1-5"
)


def test_texts_are_kept_as_hash_and_length_only() -> None:
    for data in (
        writers.png_text("parameters", A1111),
        writers.jpeg_exif(writers.exif_block({"usercomment": A1111})),
        writers.gif_comment(A1111),
        writers.stealth("parameters", A1111),
    ):
        one = examine(data, stealth=True)
        piece = next(p for p in one.evidence if p.rule_id == "generator.a1111.parameters")
        assert (piece.value_sha256, piece.value_length) == value_digest(A1111)
        wanted = {"seed": "1234567890", "model_hash": "6ce0161689", "model_name": "v1-5"}
        assert wanted.items() <= piece.extracted.items()
        assert "lighthouse" not in json.dumps(one.to_json())
        assert "lighthouse" not in repr(one)


def test_every_check_is_accounted_for() -> None:
    names = {"metadata", "c2pa", "stealth", "watermark"}
    for options in (
        {},
        {"stealth": True},
        {"watermark": True},
        {"c2pa": False},
        {"watermark": True, "stealth": True, "c2pa": False},
    ):
        large = encode(drawn(2, 300, 280), "PNG")
        for data in (large, writers.plain("PNG"), writers.plain("JPEG"), b"no picture", b""):
            one = examine(data, **options)  # type: ignore[arg-type]
            missing = {n.check for n in one.checks_not_run}
            assert set(one.checks_run) | missing == names, options
            assert not set(one.checks_run) & missing
            assert all(n.why for n in one.checks_not_run)
            assert {"synthid", "trustmark"} <= {n.check for n in one.not_checkable}


def test_no_verdict_anywhere() -> None:
    one = examine(writers.png_text("parameters", A1111), watermark=True, stealth=True)

    def values(node: Any) -> list[Any]:
        if isinstance(node, dict):
            return [v for child in node.values() for v in values(child)]
        if isinstance(node, list):
            return [v for child in node for v in values(child)]
        return [node]

    document = one.to_json()
    forgeable = [piece.pop("forgeable") for piece in document["evidence"]]
    assert forgeable == [True]
    assert not [v for v in values(document) if isinstance(v, bool)]
    text = json.dumps(document).lower()
    for word in ("fake", "safe", "illegal", "authentic", '"real"'):
        assert word not in text


def test_strongest_first() -> None:
    block = writers.exif_block({"software": "Adobe Firefly", "usercomment": A1111})
    packet = writers.xmp_packet("Iptc4xmpExt:DigitalSourceType", TRAINED)
    data = writers.jpeg(
        (0xE1, b"Exif\0\0" + block), (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet)
    )
    ranks = [piece.strength.rank for piece in examine(data).evidence]
    assert ranks == [2, 3, 5]


def test_the_same_value_at_two_places_is_two_pieces() -> None:
    block = writers.exif_block({"usercomment": A1111, "imagedescription": A1111})
    places = {piece.field for piece in examine(writers.jpeg_exif(block)).evidence}
    assert places == {"jpeg EXIF UserComment", "jpeg EXIF ImageDescription"}
    twice = writers.jpeg(*[(0xFE, A1111.encode())] * 2)
    assert len(examine(twice).evidence) == 1


def test_contradictions_come_through() -> None:
    data = writers.png_text("parameters", A1111.replace(f"{writers.WIDTH}x", "512x"))
    assert [c.name for c in examine(data).contradictions] == ["size_and_metadata"]
    right = writers.png_text("parameters", A1111)
    assert not examine(right).contradictions
    assert [c.name for c in examine(right, list_match=True).contradictions] == [
        "list_match_and_ai_claim"
    ]


def test_pixels_may_be_given() -> None:
    data = writers.stealth("parameters", A1111)
    pixels = decode(data, read_container(data))
    assert not isinstance(pixels, NotRun)
    assert pixels.shape[2] == 4
    given = examine(data, stealth=True, pixels=pixels)
    assert given.to_json() == examine(data, stealth=True).to_json()
    other = np.ascontiguousarray(drawn(1, 90, 90))
    assert not examine(data, stealth=True, pixels=other).evidence


@pytest.mark.parametrize(
    "data",
    [
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        writers.plain("PNG")[:200],
        writers.plain("WEBP")[:60],
        b"BM" + bytes(60),
    ],
)
def test_what_cannot_be_decoded_is_said(data: bytes) -> None:
    one = examine(data, stealth=True, watermark=True)
    assert {"stealth", "watermark"} <= {n.check for n in one.checks_not_run}


def test_too_many_pixels_are_not_decoded() -> None:
    whole = writers.plain("PNG")
    data = whole[:16] + (40_000).to_bytes(4, "big") * 2 + whole[24:]
    one = examine(data, stealth=True)
    assert [n.why for n in one.checks_not_run if n.check == "stealth"] == [
        "more pixels than are decoded here"
    ]


def _piece(claim: Claim, strength: Strength) -> Evidence:
    return Evidence("r", claim, strength, "f", "0" * 64, 1)


def test_counts_by_claim_and_strongest_evidence() -> None:
    weak = _piece(Claim.AI_GENERATED, Strength.HEURISTIC)
    strong = _piece(Claim.AI_GENERATED, Strength.CRYPTO_TRUSTED)
    capture = _piece(Claim.CAMERA_CAPTURE, Strength.DECLARED_STANDARD)
    counts = summary_counts(
        [
            Examination("image/png", (weak, strong, weak)),
            Examination("image/png", (weak,)),
            Examination("image/png", (capture, weak)),
            Examination("image/png"),
        ]
    )
    assert counts == {
        "examined": 4,
        "no_evidence": 1,
        "claims": {
            "ai_generated": {"crypto_trusted": 1, "heuristic": 2},
            "camera_capture": {"declared_standard": 1},
        },
        "contradictions": {},
    }
    assert summary_counts([])["examined"] == 0


def test_a_manifest_is_noted_even_where_it_is_not_read() -> None:
    assert examine(writers.png(b"x", b"caBX"), c2pa=False).notes == ("c2pa_manifest",)
    packet = writers.xmp_packet("dc:description", "x").replace(
        b"<rdf:Description",
        b'<rdf:Description xmlns:t="http://purl.org/dc/terms/" t:provenance="http://a.invalid/"',
    )
    assert examine(writers.jpeg_xmp(packet), c2pa=False).notes == ("c2pa_remote_ref",)


def test_an_unknown_format_is_not_called_examined() -> None:
    one = examine(b"no picture at all")
    assert not one.checks_run
    assert {"metadata", "c2pa"} <= {n.check for n in one.checks_not_run}
