"""Text in the lowest bits: read back from each of the four layouts, refused where damaged."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brightline.origin.evidence import Claim, Strength
from brightline.origin.stealth import MAGICS, read_stealth
from brightline.types import U8

TEXT = "a harbour\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 12345, Model hash: abcdef12"


def hide(magic: bytes, text: bytes, width: int = 96, height: int = 70, seed: int = 1) -> U8:
    """A noise picture (RGBA for alpha, else RGB) with a text in it."""
    place, packed = MAGICS[magic]
    data = gzip.compress(text) if packed else text
    raw = magic + (len(data) * 8).to_bytes(4, "big") + data
    return hide_raw(place, raw, width, height, seed)


def hide_raw(place: str, raw: bytes, width: int = 96, height: int = 70, seed: int = 1) -> U8:
    bits = np.unpackbits(np.frombuffer(raw, np.uint8))
    dice = np.random.default_rng(seed)
    depth = 4 if place == "alpha" else 3
    pixels = dice.integers(0, 256, (height, width, depth), np.uint8)
    plane = pixels[..., 3:4] if place == "alpha" else pixels
    columns = plane.transpose(1, 0, 2).reshape(-1).copy()
    assert len(bits) <= len(columns)
    columns[: len(bits)] = columns[: len(bits)] & 0xFE | bits
    changed = columns.reshape(width, height, -1).transpose(1, 0, 2)
    if place == "alpha":
        pixels[..., 3:4] = changed
    else:
        pixels = np.ascontiguousarray(changed)
    return pixels


@pytest.mark.parametrize("magic", list(MAGICS))
def test_read_back(magic: bytes) -> None:
    found = read_stealth(hide(magic, TEXT.encode()))
    (piece,) = found.evidence
    assert piece.rule_id == f"stealth.{magic.decode().removeprefix('stealth_')}"
    assert (piece.claim, piece.strength) == (Claim.AI_GENERATED, Strength.GENERATOR_ARTIFACT)
    assert [(f.where, f.key, f.text) for f in found.fields] == [("stealth", "parameters", TEXT)]
    assert "harbour" not in str(piece.to_json())
    assert not found.notes


def test_json_becomes_fields() -> None:
    comment = json.dumps({"seed": 7, "signed_hash": "AAAA"})
    text = json.dumps({"Software": "NovelAI", "Comment": comment, "n": 3}).encode()
    found = read_stealth(hide(b"stealth_pngcomp", text))
    assert [(f.key, f.text) for f in found.fields] == [
        ("Software", "NovelAI"),
        ("Comment", comment),
        ("n", "3"),
    ]
    assert found.notes == ("novelai_signed_hash_not_verified",)


@given(
    st.sampled_from(list(MAGICS)),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=120),
    st.integers(40, 90),
    st.integers(40, 90),
)
@settings(deadline=None, max_examples=40)
def test_any_text_and_size(magic: bytes, text: str, width: int, height: int) -> None:
    try:
        json.loads(text)
        text = f"- {text}"
    except ValueError:
        pass
    found = read_stealth(hide(magic, text.encode(), width, height))
    assert [field.text for field in found.fields] == [text]


@pytest.mark.parametrize(
    "tail",
    [
        (1 << 31).to_bytes(4, "big") + b"x" * 20,  # longer than the picture
        (13).to_bytes(4, "big") + b"x" * 20,  # not whole bytes
        (160).to_bytes(4, "big") + b"\xff" * 20,  # no gzip
        bytes(4),
    ],
)
def test_damage_is_noted(tail: bytes) -> None:
    found = read_stealth(hide_raw("alpha", b"stealth_pngcomp" + tail))
    assert len(found.evidence) == 1 and not found.fields
    assert found.notes == ("stealth_unreadable",)


def test_bombs_are_not_unfolded() -> None:
    found = read_stealth(hide(b"stealth_rgbcomp", bytes(1 << 25), 400, 400))
    assert found.notes == ("stealth_unreadable",)


def test_nothing_hidden() -> None:
    dice = np.random.default_rng(2)
    for depth in (3, 4):
        for shape in ((64, 64), (1, 1), (1, 400), (400, 1), (5, 3)):
            pixels = dice.integers(0, 256, (*shape, depth), np.uint8)
            assert read_stealth(pixels).evidence == ()
    # the alpha kind's magic in the colours is nothing
    assert read_stealth(hide_raw("rgb", b"stealth_pnginfo" + bytes(40))).evidence == ()
