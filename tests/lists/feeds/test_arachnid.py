from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from brightline.lists.feeds.arachnid import ArachnidShield
from brightline.lists.feeds.errors import BadPageError, FeedError, RefusedError
from brightline.lists.feeds.http import Http
from brightline.lists.feeds.kinds import open_lookup
from brightline.lists.feeds.lookups import Answer, Classification, Lookup, MatchType, NearMatch
from brightline.lists.feeds.retrying import Retry
from tests.lists.feeds.peers import made
from tests.lists.feeds.service import Reply, Request, serve

KNOWN = {made(32, n): n for n in range(3)}
NEAR = made(32, "near")


def shield(request: Request) -> Reply:
    if request.method != "POST" or request.path != "/v1/pdq/":
        return Reply(404)
    if request.headers["authorization"] != f"Basic {base64.b64encode(b'u:p').decode()}":
        return Reply(401)
    answers: dict[str, Any] = {}
    for text in json.loads(request.body)["hashes"]:
        value = base64.b64decode(text, validate=True)
        answers[text] = {"classification": None, "match_type": None, "near_match_details": None}
        if value in KNOWN:
            answers[text] = {"classification": "csam", "match_type": "exact"}
        if value == NEAR:
            near = {"sha256_hex": "ab" * 32, "classification": "harmful-abusive-material"}
            answers[text] = {
                "classification": "harmful-abusive-material",
                "match_type": "near",
                "near_match_details": [near],
            }
    return Reply(body=json.dumps({"scanned_hashes": answers}).encode())


def test_answers_are_in_the_order_of_the_hashes() -> None:
    with serve(shield) as service, Http(service.url, login=("u", "p")) as http:
        lookup: Lookup = ArachnidShield(http, batch=4)
        unknown = [made(32, "unknown", n) for n in range(5)]
        known = list(KNOWN)
        asked = [unknown[0], known[2], known[2], NEAR, *unknown[1:], known[0]]
        answers = lookup.look_up(asked)
        none = Answer(Classification.NO_KNOWN_MATCH)
        csam = Answer(Classification.CSAM, MatchType.EXACT)
        near = Answer(
            Classification.HARMFUL,
            MatchType.NEAR,
            (NearMatch(b"\xab" * 32, Classification.HARMFUL),),
        )
        assert answers == [none, csam, csam, near, none, none, none, none, csam]
        assert len(service.requests) == 3
        assert len(json.loads(service.requests[0].body)["hashes"]) == 3
        assert lookup.look_up([]) == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"scanned_hashes": {}}',
        b'{"scanned_hashes": null}',
        b'{"scanned_hashes": {"%s": {"classification": "perhaps"}}}',
        b'{"scanned_hashes": {"%s": {"match_type": "exact"}}}',
        b'{"scanned_hashes": {"%s": null}}',
    ],
)
def test_an_answer_that_lacks_something_is_none(body: bytes) -> None:
    value = made(32, "x")
    text = body.replace(b"%s", base64.b64encode(value))
    with serve(lambda _: Reply(body=text)) as service, Http(service.url) as http:
        lookup = ArachnidShield(http, retry=Retry(attempts=2, sleep=lambda _: None))
        with pytest.raises(BadPageError, match="malformed or lacks") as caught:
            lookup.look_up([value])
        assert base64.b64encode(value).decode() not in str(caught.value)
        assert len(service.requests) == 2


def test_only_pdq_hashes_are_sent() -> None:
    with serve(shield) as service, Http(service.url) as http:
        with pytest.raises(FeedError, match="32 bytes"):
            ArachnidShield(http).look_up([bytes(32), bytes(16)])
        assert not service.requests


def test_it_is_opened_with_the_credentials_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(shield) as service:
        with pytest.raises(FeedError, match="BRIGHTLINE_C3P_USER"), open_lookup("c3p", service.url):
            pass
        file = tmp_path / "secrets.toml"
        file.write_text('user = "u"\npassword = "p"\n')
        file.chmod(0o600)
        with open_lookup("c3p", service.url, credentials=file) as lookup:
            assert lookup.look_up([NEAR])[0].match_type is MatchType.NEAR
        monkeypatch.setenv("BRIGHTLINE_C3P_USER", "u")
        monkeypatch.setenv("BRIGHTLINE_C3P_PASSWORD", "other")
        with (
            open_lookup("c3p", service.url, credentials=file) as lookup,
            pytest.raises(RefusedError),
        ):
            lookup.look_up([NEAR])
        with pytest.raises(FeedError, match="https"), open_lookup("c3p", "http://example.com"):
            pass
