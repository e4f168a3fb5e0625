"""The open watermark: found where it was put, in each of the ways that writers put it."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from brightline.origin.evidence import Claim, Strength
from brightline.origin.watermark import PAYLOADS, Payload, find_marks
from brightline.types import U8
from tests.origin.stamp import stamp
from tests.pictures import photo


def soft(number: int, width: int = 512, height: int = 512) -> U8:
    """A photograph of a thing with its contrast lowered, so that no channel is cut off."""
    return (32 + photo(number, width, height).astype(np.uint16) * 3 // 4).astype(np.uint8)


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda p: p.name)
@pytest.mark.parametrize("floats", [False, True])
@pytest.mark.parametrize("swapped", [False, True])
def test_found(payload: Payload, floats: bool, swapped: bool) -> None:
    marked = stamp(soft(4), payload, floats=floats, swapped=swapped)
    found = find_marks(marked)
    assert [piece.rule_id for piece in found.evidence] == [f"watermark.{payload.name}"]
    (piece,) = found.evidence
    assert (piece.claim, piece.strength) == (Claim.AI_GENERATED, Strength.OPEN_WATERMARK)
    assert piece.forgeable
    assert int(piece.extracted["label"].split()[0]) >= payload.at_least


def test_a_mark_is_visible_to_nobody() -> None:
    before = soft(4)
    after = stamp(before, PAYLOADS[0], floats=True, swapped=False)
    assert 0 < np.abs(before.astype(int) - after.astype(int)).mean() < 4


def test_lost_in_jpeg_and_crops() -> None:
    """What docs/watermark.md says of its frailty is so."""
    marked = stamp(soft(5), PAYLOADS[0], floats=True, swapped=False)
    out = io.BytesIO()
    Image.fromarray(marked).save(out, "JPEG", quality=60)
    assert not find_marks(np.asarray(Image.open(out).convert("RGB"))).evidence
    assert not find_marks(np.ascontiguousarray(marked[3:, 3:])).evidence


def test_large_pictures_by_their_upper_part() -> None:
    tall = np.vstack([soft(k, 1024, 1024) for k in range(6)])  # 6.3 megapixels
    marked = stamp(tall, PAYLOADS[0], floats=True, swapped=False)
    assert find_marks(marked).evidence


def test_not_run() -> None:
    small = find_marks(np.zeros((100, 100, 3), np.uint8))
    assert small.not_run is not None and "smaller" in small.not_run.why
    wide = find_marks(np.zeros((8, 600_000, 3), np.uint8))
    assert wide.not_run is not None and "wider" in wide.not_run.why


def test_nothing_where_nothing_was_put() -> None:
    for k in range(12):
        assert not find_marks(soft(k)).evidence
    for value in (0, 17, 128, 255):
        assert not find_marks(np.full((512, 512, 3), value, np.uint8)).evidence
    dice = np.random.default_rng(1)
    for _ in range(4):
        assert not find_marks(dice.integers(0, 256, (384, 512, 3), np.uint8)).evidence
