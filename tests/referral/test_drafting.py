"""What goes into a case file: proposals, selections, reviews, who reports."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brightline import storage
from brightline.errors import DamagedError, SealError
from brightline.findings import load_identity, new_identity, seal
from brightline.ledger import Log
from brightline.referral.casefile import CaseFile
from brightline.referral.errors import ReferralError
from brightline.referral.proposals import propose, read_policy
from brightline.referral.reporter import Reporter, read_reporter
from brightline.referral.review import state_review
from brightline.referral.reviews import Review, latest
from brightline.referral.selection import parse_selection
from brightline.referral.show import opened_lines
from brightline.referral.store import open_referral, referral_names, write_draft
from brightline.workspace import Workspace
from tests.referral.cases import Desk, make_desk, random_case

AT = "2026-03-01T11:00:00Z"


def evidence(claim: str, strength: str) -> dict[str, str]:
    return {"rule_id": "some.rule", "claim": claim, "strength": strength}


@pytest.mark.parametrize(
    "claim, strength, proposed",
    [
        ("ai_generated", "crypto_trusted", True),
        ("ai_generated", "crypto_valid_unlisted", True),
        ("ai_generated", "declared_standard", True),
        ("ai_generated", "generator_artifact", True),
        ("ai_generated", "open_watermark", False),
        ("ai_generated", "heuristic", False),
        ("ai_edited", "crypto_trusted", False),
        ("camera_capture", "crypto_trusted", False),
        ("", "", False),
    ],
)
def test_what_is_strong_enough_for_a_proposal(claim: str, strength: str, proposed: bool) -> None:
    found = propose({"evidence": [evidence(claim, strength)], "contradictions": []})
    assert (found is not None) == proposed
    if found is not None:
        assert found.annotation == "generativeAi"
        assert found.grounds[0].rule_id == "some.rule"


def test_the_policys_words_are_those_of_the_origin_evidence() -> None:
    from brightline.origin.evidence import Claim, Strength

    assert read_policy().claims <= set(Claim)
    assert read_policy().strengths <= set(Strength)


def test_no_evidence_proposes_nothing_and_contradictions_are_told() -> None:
    nothing: tuple[dict[str, Any] | None, ...] = (None, {}, {"evidence": []}, {"evidence": None})
    for origin in nothing:
        assert propose(origin) is None
    strong = evidence("ai_generated", "declared_standard")
    found = propose({"evidence": [strong, strong], "contradictions": [{"name": "camera_too"}]})
    assert found is not None
    assert (len(found.grounds), found.contradictions) == (1, ("camera_too",))


@given(st.integers(0, 10**6))
@settings(deadline=None, max_examples=50)
def test_a_case_file_is_read_as_it_was_written(seed: int) -> None:
    case = random_case(seed)
    lines = json.loads(json.dumps(list(case.lines())))
    assert CaseFile.from_lines(lines) == case


def test_a_case_file_of_format_1_is_read() -> None:
    case = random_case(4, 2)
    head, *items = json.loads(json.dumps(list(case.lines())))
    del head["again"], head["others"]
    urls = [item.pop("urls") for item in items]
    old = [{**item, "url": u[0] if u else None} for item, u in zip(items, urls, strict=True)]
    read = CaseFile.from_lines([{**head, "format": 1}, *old])
    assert [i.urls for i in read.items] == [i.urls[:1] for i in case.items]


@pytest.mark.parametrize("spoil", ["none", "fewer", "later", "other", "swapped"])
def test_what_is_no_case_file_is_damage(spoil: str) -> None:
    lines: list[Any] = list(random_case(1, 3).lines())
    if spoil == "none":
        lines = []
    elif spoil == "fewer":
        del lines[2]
    elif spoil == "later":
        lines[0]["format"] = 99
    elif spoil == "other":
        lines[1]["colour"] = "red"
    else:
        lines[1], lines[2] = lines[2], lines[1]
    with pytest.raises(DamagedError):
        CaseFile.from_lines(lines)


def test_kinds_of_words_narrow_and_words_of_a_kind_widen() -> None:
    items = random_case(7, 40).items

    def taken(*words: str) -> set[int]:
        return {i.number for i in items if parse_selection(words).takes(i)}

    everything = {i.number for i in items}
    assert taken() == everything
    assert taken("items=2-4,9") == {2, 3, 4, 9}
    md5 = {i.number for i in items if any(o.signal == "md5" for o in i.observations)}
    pdq = {i.number for i in items if any(o.signal == "pdq" for o in i.observations)}
    assert taken("signal=md5") == md5
    assert taken("signal=md5", "signal=pdq") == md5 | pdq
    assert taken("signal=md5", "items=1-10") == md5 & set(range(1, 11))
    assert taken("list=other") == set()
    assert taken("list=hotline") == everything
    assert taken("list=hotline@1") < everything


@pytest.mark.parametrize(
    "word", ["", "md5", "signal=", "signal=colour", "items=0", "items=3-1", "items=a", "x=y"]
)
def test_other_words_are_refused(word: str) -> None:
    with pytest.raises(ReferralError, match="--select"):
        parse_selection([word])


def test_what_was_viewed_stays_viewed_and_the_last_word_on_origin_counts() -> None:
    found = latest(
        [
            Review(1, True, "A", AT, None, True),
            Review(1, False, "B", AT, True, None),
            Review(1, False, "C", AT, False, False),
            Review(2, False, "C", AT),
        ]
    )
    assert found[1].viewed
    assert found[1].exif_viewed is True
    assert found[1].generative_ai is False
    assert not found[2].viewed


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return make_desk(tmp_path)


def test_a_review_is_by_a_custodian_about_a_file_that_is_there(desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(ReferralError, match="files 1 to 2"):
        state_review(desk.referral, desk.identity, 3, viewed=False, by="Ann")
    with pytest.raises(ReferralError, match="--by"):
        state_review(desk.referral, desk.identity, 1, viewed=False, by=" ")
    new_identity(tmp_path / "other.key")
    with pytest.raises(SealError):
        state_review(
            desk.referral, load_identity(tmp_path / "other.key"), 1, viewed=False, by="Ann"
        )
    assert desk.referral.review_count() == 0
    assert not state_review(desk.referral, desk.identity, 1, viewed=True, by="Ann", note="seen")
    (review,) = desk.referral.reviews(desk.identity)
    assert (review.item, review.viewed, review.note) == (1, True, "seen")


def test_a_review_counts_once_it_is_on_the_ledger(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    state_review(desk.referral, desk.identity, 1, viewed=False, by="Ann")
    real = storage.rename
    monkeypatch.setattr(storage, "rename", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        state_review(desk.referral, desk.identity, 1, viewed=True, by="Ann")
    monkeypatch.setattr(storage, "rename", real)
    with pytest.raises(DamagedError, match="missing"):
        desk.referral.reviews(desk.identity)
    with desk.referral.locked():
        pass
    assert [r.viewed for r in desk.referral.reviews(desk.identity)] == [False, True]
    monkeypatch.setattr(Log, "append", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        state_review(desk.referral, desk.identity, 2, viewed=True, by="Ann")
    with desk.referral.locked():
        pass
    assert desk.referral.review_count() == 2
    assert not list(desk.referral.folder.rglob(".tmp-*"))


def test_what_somebody_else_put_there_is_not_believed(desk: Desk) -> None:
    state_review(desk.referral, desk.identity, 1, viewed=True, by="Ann")
    reviews = desk.referral.folder / "reviews"
    forged = reviews / "000001.age"
    seal([Review(1, False, "Ann", AT, None, True).to_json()], desk.workspace.custodians(), forged)
    with pytest.raises(DamagedError, match="not on the ledger"):
        desk.referral.reviews(desk.identity)
    forged.rename(reviews / "000000.age")
    with pytest.raises(DamagedError, match="not what the ledger says"):
        desk.referral.reviews(desk.identity)
    # a whole referral that nobody drafted
    case = random_case(3, 1)
    planted = Workspace.create(desk.key.parent / "other")
    planted.add_custodian(desk.workspace.custodians()[0].recipient, "Tester")
    folder = write_draft(planted, case, desk.clock).folder
    shutil.copytree(folder, desk.referral.folder.parent / case.referral)
    with pytest.raises(DamagedError, match="not on the ledger"):
        open_referral(desk.workspace, case.referral).case(desk.identity)


def test_showing_wants_a_reason_and_is_recorded(desk: Desk) -> None:
    with pytest.raises(Exception, match="reason"):
        opened_lines(desk.referral, desk.identity, "")
    before = len(list(desk.workspace.ledger.records()))
    lines = opened_lines(desk.referral, desk.identity, "review")
    assert len(lines) == 3
    last = list(desk.workspace.ledger.records())[before:]
    assert [record.kind for record in last] == ["findings_opened"]
    assert last[0].fields["referral"] == desk.referral.name


def test_an_altered_referral_is_not_opened(desk: Desk) -> None:
    path = desk.referral.folder / "case.age"
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(DamagedError, match="altered"):
        desk.referral.case(desk.identity)
    assert referral_names(desk.workspace) == [desk.referral.name]
    (desk.referral.folder / "draft.json").write_text("{}")
    with pytest.raises(DamagedError):
        open_referral(desk.workspace, desk.referral.name)
    for name in ("", "..", "ref-1", "../x", desk.referral.name + "/"):
        with pytest.raises(ReferralError, match="no referral of that name"):
            open_referral(desk.workspace, name)


GOOD = """
jurisdictions = ["us", "DK", "US"]
role = "hosting"
[esp]
name = "Example"
legal_url = "https://example.org"
[reporting_person]
first_name = "Ann"
email = ["a@example.org", "b@example.org"]
phone = "1"
[contact_person]
email = "c@example.org"
[dataset]
url = "https://example.org/d"
"""


def test_who_reports_is_read_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text(GOOD)
    reporter = read_reporter(path)
    assert reporter.jurisdictions == ("US", "DK")
    assert reporter.reporting_person.email == ("a@example.org", "b@example.org")
    assert Reporter.from_json(json.loads(json.dumps(asdict(reporter)))) == reporter


@pytest.mark.parametrize(
    "old, new, word",
    [
        ('name = "Example"', "", "esp.name"),
        ('name = "Example"', "name = 3", "esp.name"),
        ('role = "hosting"', 'role = "king"', "role"),
        ('["us", "DK", "US"]', '["USA"]', "two letters"),
        ('["us", "DK", "US"]', "3", "jurisdictions"),
        ('email = ["a@example.org", "b@example.org"]', "", "reporting_person.email"),
        ('first_name = "Ann"', f'first_name = "{"x" * 101}"', "first_name"),
        ('first_name = "Ann"', 'first_nam = "Ann"', "first_nam"),
        ("[dataset]", "[datasets]", "datasets"),
        ("[esp]", "[esp", "TOML"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, old: str, new: str, word: str) -> None:
    path = tmp_path / "r.toml"
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(ReferralError, match=word):
        read_reporter(path)
