"""What a statement says, and what is read as one."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brightline.errors import VerificationError
from brightline.release import croissant
from brightline.release.dsse import Envelope
from brightline.release.limits import NOT_VERIFIED, limits_of
from brightline.release.statement import (
    PAYLOAD_TYPE,
    SCREENING,
    SVR,
    Facts,
    Statement,
    Subject,
    parse,
    properties,
    read_timestamp,
    screening_statement,
    svr_statement,
    timestamp,
)
from tests.release.attested import DIGEST, summary

SUBJECTS = (Subject("m", "ab" * 32),)
RELEASE = {"run": "r1", "unscreened": {"kept": False, "samples": 0}}


def facts(release: dict[str, Any] | None = None, digests_only: bool = False, **more: Any) -> Facts:
    return Facts(
        summary=summary([Path("/secret/place")], **more),
        release=release,
        ledger={"origin": "o", "key": "k", "checkpoint": "c"},
        created=datetime(2026, 1, 2, tzinfo=UTC),
        expires=datetime(2026, 7, 1, tzinfo=UTC),
        tool={"name": "brightline", "version": "0.1.0"},
        digests_only=digests_only,
    )


def test_the_screening_statement_accounts_for_everything() -> None:
    said = json.loads(screening_statement(SUBJECTS, facts(RELEASE, matches=2)).encode())
    assert said["_type"] == "https://in-toto.io/Statement/v1"
    assert said["subject"] == [{"name": "m", "digest": {"sha256": "ab" * 32}}]
    predicate = said["predicate"]
    assert predicate["accounting"]["items"] == 10
    assert predicate["accounting"]["reasons"]["undecodable"] == 1
    assert predicate["matches"] == {"total": 2, "items": 2, "known_good": 0}
    assert predicate["lists"][0] == {
        "name": "hotline",
        "version": "7",
        "digest": DIGEST,
        "entries": 12,
        "counts": {"md5": 12},
        "role": "known-bad",
        "pipeline": "full",
        "pdq_threshold": 31,
        "pdq_min_quality": 50,
        "created": "2026-01-01T00:00:00Z",
    }
    assert predicate["release"] == RELEASE
    assert predicate["ledger"]["checkpoint"] == "c"
    assert predicate["expires"] == "2026-07-01T00:00:00Z"


def test_the_page_names_every_field_and_property() -> None:
    page = (Path(__file__).parents[2] / "docs" / "statement.md").read_text()
    made = facts(RELEASE)
    screening = screening_statement(SUBJECTS, made)
    said = screening.predicate
    names = {*said, *said["run"], *said["sources"][0], *said["lists"][0], *said["accounting"]}
    names |= {*said["matches"], *said["ledger"], *svr_statement(screening, made).predicate}
    names |= set(properties(facts(RELEASE))) | set(properties(facts()))
    tables = "\n".join(line for line in page.splitlines() if line.startswith("|"))
    assert {name for name in names if f"`{name}`" not in tables} <= {"verifier"}


def test_no_place_of_the_machine_is_told() -> None:
    assert b"secret" not in screening_statement(SUBJECTS, facts()).encode()


def test_digests_only_names_no_list() -> None:
    made = facts(digests_only=True)
    screening = screening_statement(SUBJECTS, made)
    both = screening.encode() + svr_statement(screening, made).encode()
    assert b"hotline" not in both
    assert b"entries" not in both
    (entry,) = screening.predicate["lists"]
    assert entry == {
        "digest": DIGEST,
        "role": "known-bad",
        "pipeline": "full",
        "pdq_threshold": 31,
        "pdq_min_quality": 50,
    }


def test_the_result_names_the_other_statement() -> None:
    made = facts()
    screening = screening_statement(SUBJECTS, made)
    said = json.loads(svr_statement(screening, made).encode())
    assert said["predicateType"] == "https://in-toto.io/attestation/svr/v0.2"
    predicate = said["predicate"]
    assert set(predicate) == {"verifier", "timeCreated", "properties", SCREENING}
    assert predicate[SCREENING]["digest"]["sha256"] == sha256(screening.encode()).hexdigest()
    digest = {"sha256": DIGEST.removeprefix("sha256:")}
    assert predicate["verifier"]["policies"] == [{"name": "hotline@7", "digest": digest}]


@pytest.mark.parametrize(
    ("release", "more", "expected"),
    [
        (None, {"matches": 1, "gaps": 1}, set()),
        (None, {"matches": 1}, {"NO_GAPS"}),
        (None, {}, {"NO_GAPS", "ZERO_MATCHES"}),
        (
            RELEASE,
            {"gaps": 1},
            {"MATCHED_ITEMS_LEFT_OUT", "UNSCREENED_ITEMS_LEFT_OUT"},
        ),
        (
            {**RELEASE, "unscreened": {"kept": True, "samples": 1}},
            {"gaps": 1, "matches": 3},
            {"MATCHED_ITEMS_LEFT_OUT"},
        ),
    ],
)
def test_properties_are_only_those_that_hold(
    release: dict[str, Any] | None, more: dict[str, Any], expected: set[str]
) -> None:
    held = properties(facts(release, **more))
    everything = {"EVERY_ITEM_ACCOUNTED_FOR"} | expected
    assert set(held) == {f"BRIGHTLINE_{name}" for name in everything}
    assert "BRIGHTLINE_EVERY_ITEM_ACCOUNTED_FOR" not in properties(facts(release, items=11))


@pytest.mark.parametrize(
    "change", [{"since": "0006-aaaaaaaaaaaa"}, {"role": "known-good"}, {"entries": 0}]
)
def test_less_than_a_whole_list_of_known_material_holds_no_property_of_matches(
    change: dict[str, Any],
) -> None:
    for release in (None, RELEASE):
        of = facts(release)
        of.summary["lists"][0] |= change
        assert not [name for name in properties(of) if "MATCHE" in name]
        # beside a whole list, one without known material takes nothing away, and a delta does
        of.summary["lists"].append(dict(facts().summary["lists"][0]))
        assert bool([name for name in properties(of) if "MATCHE" in name]) == (
            "since" not in change
        )


@pytest.mark.parametrize("digests_only", [False, True])
def test_a_delta_is_never_told_as_the_whole_list(digests_only: bool) -> None:
    of = facts(digests_only=digests_only)
    of.summary["lists"][0]["since"] = "6"
    made = screening_statement(SUBJECTS, of)
    (told,) = made.predicate["lists"]
    assert told["delta"] is True
    assert told.get("since") == (None if digests_only else "6")
    assert any("only what a version adds to an earlier one" in t for t in made.predicate["limits"])
    (policy,) = svr_statement(made, of).predicate["verifier"]["policies"]
    assert policy.get("name") == (None if digests_only else "hotline@6..7")
    described = json.loads(croissant.describe(None, "x", [], made))
    assert "only what this version adds" in described["rai:dataManipulationProtocol"]


def test_no_word_of_guilt_or_of_safety() -> None:
    texts = [*NOT_VERIFIED]
    for release in (None, RELEASE):
        made = facts(release, gaps=2)
        texts += limits_of(made.summary, release) + properties(made)
    words = re.compile(r"illegal|\bsafe|clean|guilt|innocent|CSAM|harmless", re.IGNORECASE)
    assert not [text for text in texts if words.search(text)]
    assert any("Zero matches is not" in text for text in texts)


GOOD = {
    "_type": "https://in-toto.io/Statement/v1",
    "subject": [{"name": "m", "digest": {"sha256": "ab" * 32}}],
    "predicateType": SVR,
    "predicate": {},
}


def envelope(document: Any, kind: str = PAYLOAD_TYPE) -> Envelope:
    return Envelope(kind, json.dumps(document).encode(), ())


def test_unknown_fields_are_passed_over() -> None:
    # in-toto's parsing rules ask for it
    more = {**GOOD, "later": 1, "subject": [{**GOOD["subject"][0], "uri": "x"}]}  # type: ignore[index]
    assert parse(envelope(more)) == Statement(SUBJECTS, SVR, {})


@pytest.mark.parametrize(
    "changes",
    [
        {"_type": "https://in-toto.io/Statement/v0.1"},
        {"subject": []},
        {"subject": {}},
        {"subject": [{"name": "m"}]},
        {"subject": [{"name": "m", "digest": {"sha512": "ab"}}]},
        {"subject": [{"name": "m", "digest": {"sha256": "AB" * 32}}]},
        {"subject": [{"name": 1, "digest": {"sha256": "ab" * 32}}]},
        {"predicateType": 1},
        {"predicate": []},
    ],
)
def test_what_is_no_statement_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(VerificationError):
        parse(envelope({**GOOD, **changes}))


def test_another_payload_type_is_refused() -> None:
    with pytest.raises(VerificationError, match="type"):
        parse(envelope(GOOD, "application/vnd.in-toto.other+json"))
    doubled = json.dumps(GOOD)[:-1] + ', "predicateType": "x"}'
    with pytest.raises(VerificationError):
        parse(Envelope(PAYLOAD_TYPE, doubled.encode(), ()))


@settings(deadline=None)
@given(st.datetimes(timezones=st.just(UTC)))
def test_times_are_read_as_they_are_written(moment: datetime) -> None:
    assert read_timestamp(timestamp(moment)) == moment.replace(microsecond=0)


@pytest.mark.parametrize("text", ["2026-01-01", "2026-13-01T00:00:00Z", 3, None, ""])
def test_other_times_are_not_read(text: object) -> None:
    assert read_timestamp(text) is None
