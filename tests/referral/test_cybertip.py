"""The service of the tests is as strict as the real one is said to be."""

from __future__ import annotations

import pytest

from brightline.referral.replies import Done, Refused, read_reply
from brightline.referral.wire import FORM, XML, Answer, Request, form, multipart
from tests.referral.cases import Clock
from tests.referral.cybertip import Cybertip, Line
from tests.referral.test_documents import documents

REPORT, DETAILS = documents(1)[:2]
NUMBER = "4564654"


def code(line: Line, path: str, body: bytes, kind: str = XML) -> int:
    """The code of the service's answer."""
    answer = line.post(Request(path, body, kind))
    assert isinstance(answer, Answer)
    reply = read_reply(answer)
    if isinstance(reply, Done):
        return 0
    assert isinstance(reply, Refused)
    return reply.number


def end(line: Line, path: str = "/finish", number: str = NUMBER) -> int:
    body, kind = form(id=number)
    return code(line, path, body, kind)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def line(clock: Clock) -> Line:
    """A service with one open report."""
    line = Line(Cybertip(clock))
    assert code(line, "/submit", REPORT) == 0
    return line


def test_order_form_and_schema_are_enforced(line: Line) -> None:
    assert code(line, "/submit", REPORT[:-9]) == 4110
    assert code(line, "/submit", DETAILS) == 4100
    reporter = REPORT[REPORT.index(b"<reporter>") : REPORT.index(b"</reporter>") + 11]
    first = REPORT.replace(reporter, b"").replace(
        b"<incidentSummary>", reporter + b"<incidentSummary>"
    )
    assert code(line, "/submit", first) == 4100
    assert code(line, "/submit", REPORT, "application/xml") == 4000
    assert code(line, "/fileinfo", DETAILS.replace(b">17<", b">4564654<")) == 5002
    assert code(line, "/upload", b"x", FORM) == 4000
    assert code(line, "/finish", b"", FORM) == 4000
    assert len(line.service.reports) == 1


def test_what_ended_stays_ended(line: Line) -> None:
    assert end(line, number="1") == 5001
    assert (end(line), end(line), end(line, "/retract")) == (0, 5102, 5102)
    assert code(line, "/submit", REPORT) == 0
    other = list(line.service.reports)[1]
    assert (end(line, "/retract", other), end(line, "/finish", other)) == (0, 5101)
    body, kind = multipart(other, "file-1", b"data")
    assert code(line, "/upload", body, kind) == 5101


def test_an_unfinished_report_lives_a_day_or_an_hour_after_its_last_change(
    line: Line, clock: Clock
) -> None:
    clock.forward(hours=23, minutes=30)
    body, kind = multipart(NUMBER, "file-1", b"data")
    assert code(line, "/upload", body, kind) == 0
    clock.forward(minutes=59)
    assert line.service.open_reports() == [NUMBER]
    clock.forward(minutes=1)
    assert end(line) == 5001


def test_without_credentials_there_is_an_empty_401(line: Line) -> None:
    request = Request("/submit", REPORT, XML)
    for authorization in (None, "", "Basic YTpi", line.authorization.lower()):
        assert line.service.handle(request, authorization) == (401, b"")
    assert len(line.service.reports) == 1
