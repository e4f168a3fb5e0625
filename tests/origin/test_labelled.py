"""The labelled set: every rule in every place, and nothing on files that claim nothing."""

from __future__ import annotations

import functools

import pillow_heif
import pytest
from PIL import UnidentifiedImageError

from brightline.origin import examine
from brightline.origin.evidence import AI_CLAIMS
from brightline.origin.rules import rule_book
from tests.origin.harmless import made, resaves, shipped
from tests.origin.labelled import Labelled, holds, labelled, look, resaved


@functools.cache
def _set() -> tuple[Labelled, ...]:
    pillow_heif.register_heif_opener()
    return labelled()


def _missed(files: tuple[Labelled, ...]) -> list[tuple[str, str, str]]:
    return [(one.rule.id, one.kind, one.place) for one in files if not holds(one, one.data)]


def test_every_rule_is_found() -> None:
    files = labelled(short=True)
    assert len(files) >= 200
    assert {one.rule.id for one in files} == {rule.id for rule in rule_book().rules}
    assert not _missed(files)


@pytest.mark.long
def test_every_rule_is_found_in_every_place() -> None:
    assert len(_set()) >= 700
    assert not _missed(_set())


@pytest.mark.long
def test_found_again_after_a_resave_that_keeps_metadata() -> None:
    """What the writer keeps is found; what Pillow 12 and 13 drop is known by container."""
    dropped = {
        "gif XMP",
        "tiff tag 700",
        "tiff tag 33723",
        "png iTXt after IEND",
        "png raw profile",
    }
    dropped |= {"jpeg extended XMP", "jpeg APP13", "png lowest bits", "gif comment", "tiff"}
    missed = [
        (one.rule.id, one.kind, one.place)
        for one in _set()
        if one.place not in dropped and not holds(one, resaved(one.data, True))
    ]
    assert not missed


def test_no_ai_claim_on_files_that_claim_nothing() -> None:
    files = [*made(500), *shipped()]
    assert len(files) >= 510
    wrong = [
        (kind, piece.rule_id, piece.field)
        for kind, data in files
        for piece in examine(data).evidence
        if piece.claim in AI_CLAIMS
    ]
    assert not wrong


@pytest.mark.long
def test_no_ai_claim_on_many_more_with_every_check() -> None:
    wrong = []
    count = 0
    for _, data in [*made(3000, seed=2), *shipped()]:
        count += 1
        wrong += [p.rule_id for p in look(data).evidence if p.claim in AI_CLAIMS]
    for _, data in shipped():
        try:
            again_in_each = list(resaves(data))
        except UnidentifiedImageError:  # a package's own sample of a damaged file
            continue
        for again in again_in_each:
            count += 1
            wrong += [p.rule_id for p in look(again).evidence if p.claim in AI_CLAIMS]
    assert count > 3000
    assert not wrong
