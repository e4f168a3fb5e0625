"""HTTP: what is known after a request, however it went. Nothing secret in any message."""

from __future__ import annotations

import socket
import ssl

import httpx
import pytest

from brightline.referral.errors import ReferralError
from brightline.referral.replies import Done, Refused, Unclear, read_reply
from brightline.referral.wire import (
    XML,
    Answer,
    HttpWire,
    NoAnswer,
    NotSent,
    Request,
    WireLimits,
    form,
)
from tests.referral.cases import START
from tests.referral.cybertip import PASSWORD, USER, Cybertip, serve
from tests.referral.test_documents import documents

LIMITS = WireLimits(connect=1.0, read=0.3, total=2.0, body_bytes=1 << 16)


def post(url: str, path: str, password: str = PASSWORD) -> object:
    body, kind = (documents(1)[0], XML) if path == "/submit" else form(id="4564654")
    with HttpWire(url, (USER, password), limits=LIMITS) as wire:
        return wire.post(Request(path, body, kind))


def test_a_report_is_opened_and_ended_with_a_password_of_any_alphabet() -> None:
    service = Cybertip(lambda: START)
    with serve(service) as url:
        opened = post(url, "/submit")
        assert isinstance(opened, Answer)
        assert opened.request_id == "abc-123"
        reply = read_reply(opened)
        assert isinstance(reply, Done)
        assert reply.report_id == "4564654"
        ended = read_reply(post(url, "/finish"))  # type: ignore[arg-type]
        again = read_reply(post(url, "/finish"))  # type: ignore[arg-type]
    assert isinstance(ended, Done)
    assert isinstance(again, Refused)
    assert again.number == 5102


def test_an_empty_401_is_a_refusal() -> None:
    with serve(Cybertip(lambda: START)) as url:
        answer = post(url, "/submit", "wrong")
    assert answer == Answer(401, b"", "abc-123")
    assert isinstance(answer, Answer)
    assert isinstance(read_reply(answer), Refused)


@pytest.mark.parametrize("fault, reports", [("drop before", 0), ("drop after", 1), ("slow", 1)])
def test_a_lost_answer_is_never_taken_for_a_refusal(fault: str, reports: int) -> None:
    service = Cybertip(lambda: START)
    with serve(service, {"/submit": fault}) as url:
        outcome = post(url, "/submit")
    assert isinstance(outcome, NoAnswer)
    assert read_reply(outcome) == Unclear(outcome.why)
    assert len(service.reports) == reports


def test_without_a_connection_nothing_was_sent() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    outcome = post(f"http://127.0.0.1:{port}/ispws", "/submit")
    assert isinstance(outcome, NotSent)
    assert read_reply(outcome) == Unclear(outcome.why, sent=False)


def test_a_certificate_that_is_not_accepted_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        try:
            raise ssl.SSLCertVerificationError("self-signed")
        except ssl.SSLError as error:
            raise httpx.ConnectError("x") from error

    monkeypatch.setattr(httpx.Client, "stream", refused)
    outcome = post("https://127.0.0.1:1/ispws", "/submit")
    assert isinstance(outcome, NotSent)
    assert "--ca-file" in outcome.why


def test_an_address_that_is_not_encrypted_or_holds_credentials_is_refused() -> None:
    for address in ("http://example.org/ispws", "https://a:b@example.org/", "x"):
        with pytest.raises(ReferralError):
            HttpWire(address, (USER, PASSWORD))
