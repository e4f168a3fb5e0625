"""Sending a report: the protocol's order, its answers, and what is written down of it."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from brightline.errors import DamagedError
from brightline.findings import load_identity, new_identity
from brightline.ledger import Event
from brightline.referral.asking import Patience
from brightline.referral.casefile import CaseItem
from brightline.referral.errors import (
    InvalidReportError,
    ReferralError,
    ServerError,
    UnresolvedError,
)
from brightline.referral.referred import check_again, referred
from brightline.referral.resolve import resolve
from brightline.referral.service import PRODUCTION_ENDPOINT, TEST_ENDPOINT, Service, choose_service
from brightline.referral.states import (
    Drafted,
    Expired,
    Finished,
    Finishing,
    Opened,
    Retracted,
    Unknown,
    Uploading,
    Vanished,
)
from brightline.referral.store import Referral, new_name, write_draft
from brightline.referral.submit import Submission
from brightline.referral.validate import own_schema, read_schema
from brightline.referral.wire import Answer
from tests.referral.cases import Desk, make_desk, random_case
from tests.referral.cybertip import Cybertip, Line, reply

SERVICE = Service("test", "http://127.0.0.1:9/ispws")
HASTE = Patience(tries=3, wait=0.0, sleep=lambda _: None)


def sending(desk: Desk, line: Line) -> Submission:
    return Submission(desk.referral, desk.identity, SERVICE, line, own_schema(), patience=HASTE)


def data_of(item: CaseItem) -> bytes:
    return f"bytes of file {item.number}".encode()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return make_desk(tmp_path)


def test_a_report_without_uploads_is_told_in_full_and_finished(desk: Desk) -> None:
    service = Cybertip(desk.clock)
    done = sending(desk, Line(service)).submit()
    assert service.requests == ["/submit", "/fileinfo", "/finish"]
    assert service.finished() == [done.report.report_id]
    assert not done.report.details
    report = service.reports[done.report.report_id].xml.decode()
    for item in desk.referral.case(desk.identity).items:
        for digest in (item.md5, item.sha1, item.sha256):
            assert digest is None or digest in report


def test_where_the_service_takes_details_every_file_has_them(desk: Desk) -> None:
    service = Cybertip(desk.clock, lenient=True)
    done = sending(desk, Line(service)).submit()
    assert service.requests == ["/submit", "/fileinfo", "/fileinfo", "/finish"]
    assert sorted(service.reports[done.report.report_id].details) == ["file-1", "file-2"]
    assert done.report.filed == {1, 2}


def uploading(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A case whose files have the digests of `data_of`."""
    case = desk.referral.case(desk.identity)
    from dataclasses import replace

    items = tuple(
        replace(i, md5=hashlib.md5(data_of(i)).hexdigest(), sha256="ab" * 32) for i in case.items
    )
    monkeypatch.setattr(type(desk.referral), "case", lambda *_: replace(case, items=items))
    return data_of


def test_uploads_come_first_and_details_carry_the_services_numbers(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch = uploading(desk, monkeypatch)
    service = Cybertip(desk.clock)
    done = sending(desk, Line(service)).submit(fetch=fetch)
    assert service.requests == [
        "/submit", "/upload", "/upload", "/fileinfo", "/fileinfo", "/finish",
    ]  # fmt: skip
    kept = service.reports[done.report.report_id]
    assert sorted(kept.details) == sorted(kept.files)
    assert list(kept.files.values()) == [
        hashlib.sha256(data_of(item)).hexdigest()
        for item in desk.referral.case(desk.identity).items
    ]


def test_a_finished_report_is_not_sent_again(desk: Desk) -> None:
    service = Cybertip(desk.clock)
    first = sending(desk, Line(service)).submit()
    again = sending(desk, Line(service)).submit()
    assert again == first
    assert len(service.reports) == 1
    with pytest.raises(ReferralError, match="cannot be taken back"):
        sending(desk, Line(service)).retract()


@pytest.mark.parametrize("fault", ["lost before", "lost after"])
def test_an_opening_without_an_answer_waits_for_a_person(desk: Desk, fault: str) -> None:
    service = Cybertip(desk.clock)
    with pytest.raises(UnresolvedError, match="referral resolve"):
        sending(desk, Line(service, {0: fault})).submit()
    for _ in range(2):
        line = Line(service)
        with pytest.raises(UnresolvedError):
            sending(desk, line).submit()
        with pytest.raises(UnresolvedError):
            sending(desk, line).retract()
        assert line.count == 0
    opened = service.open_reports()
    resolve(desk.referral, "test", by="Ann", report_id=opened[0] if opened else None)
    done = sending(desk, Line(service)).submit()
    assert service.finished() == [done.report.report_id]
    assert service.open_reports() == []


@pytest.mark.parametrize(
    "answer",
    [
        reply(1000),
        reply(1100),
        reply(5001),
        reply(9999),
        reply(0),  # without the report's number
        Answer(200, b""),
        Answer(502, b"<html>bad gateway</html>"),
        Answer(200, b"<!DOCTYPE x [<!ENTITY a 'b'>]><reportResponse/>"),
        Answer(500, reply(0).body),
        Answer(
            200,
            b"<reportResponse><responseCode>0</responseCode><reportId>7</reportId>"
            b"<reportId>8</reportId></reportResponse>",
        ),
        Answer(200, b"<reportResponse><responseCode>0x0</responseCode></reportResponse>"),
    ],
)
def test_an_answer_that_settles_nothing_leaves_the_opening_unknown(
    desk: Desk, answer: Answer
) -> None:
    with pytest.raises(UnresolvedError):
        sending(desk, Line(Cybertip(desk.clock), {0: answer})).submit()
    assert isinstance(desk.referral.journal("test").state(), Unknown)


@pytest.mark.parametrize(
    "answer",
    [*map(reply, (2000, 3000, 3100, 3300, 3999, 4000, 4100, 4110, 4200, 4999)), Answer(401, b"")],
)
def test_a_refused_opening_can_be_asked_again(desk: Desk, answer: Answer) -> None:
    service = Cybertip(desk.clock)
    with pytest.raises(ServerError, match="nothing was opened"):
        sending(desk, Line(service, {0: answer})).submit()
    assert isinstance(desk.referral.journal("test").state(), Drafted)
    sending(desk, Line(service)).submit()
    assert len(service.finished()) == 1


@pytest.mark.parametrize("spelling", ["utf-8-sig", "utf-16", "iso-8859-1", "namespace"])
def test_an_answer_may_be_spelled_otherwise(desk: Desk, spelling: str) -> None:
    text = (
        '<?xml version="1.0" encoding="E"?><reportResponse><responseCode> 0\n</responseCode>'
        "<responseDescription>é</responseDescription><reportId>7</reportId></reportResponse>"
    )
    if spelling == "namespace":
        text = text.replace("<reportResponse>", "<reportResponse xmlns='https://x/xsd'>")
        spelling = "utf-8"
    body = text.replace("E", spelling.removesuffix("-sig"), 1).encode(spelling)
    line = Line(Cybertip(desk.clock), {0: Answer(200, body), 1: reply(4000)})
    with pytest.raises(ServerError, match="file 1"):
        sending(desk, line).submit()
    state = desk.referral.journal("test").state()
    assert isinstance(state, Opened)
    assert state.report.report_id == "7"


def test_an_opening_that_never_left_can_be_asked_again(desk: Desk) -> None:
    service = Cybertip(desk.clock)
    with pytest.raises(ServerError, match="nothing was opened"):
        sending(desk, Line(service, {0: "not sent"})).submit()
    assert sending(desk, Line(service)).submit().report.attempt == 2


@pytest.mark.parametrize("status, known", [(404, True), (413, True), (307, True), (403, True)] + [
    (302, False), (303, False), (408, False), (409, False), (500, False), (503, False),
])  # fmt: skip
def test_a_request_that_was_turned_away_opened_nothing(
    desk: Desk, status: int, known: bool
) -> None:
    service = Cybertip(desk.clock)
    line = Line(service, {0: Answer(status, b"<html>no</html>")})
    with pytest.raises(ServerError if known else UnresolvedError):
        sending(desk, line).submit()
    assert isinstance(desk.referral.journal("test").state(), Drafted if known else Unknown)
    # the service's own word counts for more than the status
    if known:
        other = make_desk(desk.key.parent / "other", seed=5)
        own = Answer(status, reply(1000).body)
        with pytest.raises(UnresolvedError):
            sending(other, Line(service, {0: own})).submit()


@pytest.mark.parametrize(
    "fault, numbers",
    [
        ("lost before", (3,)),
        ("lost after", (1, 2, 3)),
        ("not sent", (1,)),
        (reply(1000), (3,)),
        (reply(1300), (2,)),
    ],
)
def test_details_and_end_are_asked_again_by_themselves(
    desk: Desk, fault: Any, numbers: tuple[int, ...]
) -> None:
    for number in numbers:
        service = Cybertip(desk.clock, lenient=True)
        place = make_desk(desk.key.parent / f"{number}", seed=number)
        done = sending(place, Line(service, {number: fault, number + 1: fault})).submit()
        assert service.finished() == [done.report.report_id]
        assert len(service.reports[done.report.report_id].details) == 2


def test_an_end_that_is_never_answered_is_gone_on_with(desk: Desk) -> None:
    service = Cybertip(desk.clock)
    with pytest.raises(ServerError, match="submit again"):
        sending(desk, Line(service, dict.fromkeys((2, 3, 4), "lost after"))).submit()
    assert isinstance(desk.referral.journal("test").state(), Finishing)
    with pytest.raises(ReferralError, match="may have been heard"):
        sending(desk, Line(service)).retract()
    sending(desk, Line(service)).submit()
    assert len(service.finished()) == 1


def test_an_upload_without_an_answer_is_never_repeated(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch = uploading(desk, monkeypatch)
    service = Cybertip(desk.clock)
    with pytest.raises(UnresolvedError, match="retract"):
        sending(desk, Line(service, {1: "lost after"})).submit(fetch=fetch)
    assert isinstance(desk.referral.journal("test").state(), Uploading)
    with pytest.raises(UnresolvedError, match="retract"):
        sending(desk, Line(service)).submit(fetch=fetch)
    assert isinstance(sending(desk, Line(service)).retract(), Retracted)
    sending(desk, Line(service)).submit(fetch=fetch)
    assert [r.state for r in service.reports.values()] == ["retracted", "finished"]


def test_a_file_that_arrives_otherwise_is_not_reported(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploading(desk, monkeypatch)
    with pytest.raises(UnresolvedError, match="did not arrive as it was sent"):
        sending(desk, Line(Cybertip(desk.clock))).submit(fetch=lambda _: b"other")


def test_a_report_that_expired_there_is_opened_anew_only_by_a_new_command(desk: Desk) -> None:
    service = Cybertip(desk.clock)
    with pytest.raises(ServerError):
        sending(desk, Line(service, {1: reply(4100)})).submit()
    state = desk.referral.journal("test").state()
    assert isinstance(state, Opened)
    desk.clock.now = state.report.deleted_at
    with pytest.raises(ServerError, match="opens a new one"):
        sending(desk, Line(service)).submit()
    assert isinstance(desk.referral.journal("test").state(), Expired)
    assert len(service.reports) == 1
    sending(desk, Line(service)).submit()
    assert [r.state for r in service.reports.values()] == ["deleted", "finished"]


def test_the_hour_after_the_last_change_counts_too(desk: Desk) -> None:
    service = Cybertip(desk.clock, lenient=True)
    with pytest.raises(ServerError):
        sending(desk, Line(service, {1: reply(4000)})).submit()
    desk.clock.forward(hours=23, minutes=50)
    with pytest.raises(ServerError):
        sending(desk, Line(service, {1: reply(4000)})).submit()
    state = desk.referral.journal("test").state()
    assert isinstance(state, Opened)
    assert state.report.deleted_at == desk.clock.now.replace(hour=12, minute=50)
    desk.clock.forward(minutes=55)
    assert isinstance(sending(desk, Line(service)).submit(), Finished)


def test_an_end_that_may_have_been_heard_and_a_report_that_is_gone_is_for_a_person(
    desk: Desk,
) -> None:
    service = Cybertip(desk.clock)
    with pytest.raises(ServerError):
        sending(desk, Line(service, dict.fromkeys((2, 3, 4), "lost before"))).submit()
    desk.clock.forward(hours=25)
    with pytest.raises(UnresolvedError, match="--finished"):
        sending(desk, Line(service)).submit()
    assert isinstance(desk.referral.journal("test").state(), Vanished)
    with pytest.raises(ReferralError, match="does not wait"):
        resolve(desk.referral, "test", by="Ann", report_id="77")
    assert isinstance(resolve(desk.referral, "test", by="Ann"), Expired)
    sending(desk, Line(service)).submit()
    assert len(service.finished()) == 1


@pytest.mark.parametrize("number, state", [(5101, Retracted), (5102, Finished), (5001, Expired)])
def test_what_the_service_says_of_a_report_is_believed(
    desk: Desk, number: int, state: type
) -> None:
    service = Cybertip(desk.clock)
    submission = sending(desk, Line(service, {1: reply(number)}))
    if state is Finished:
        submission.submit()
    else:
        with pytest.raises(ServerError):
            submission.submit()
    assert isinstance(desk.referral.journal("test").state(), state)


def test_a_retraction_takes_an_open_report_back_once(desk: Desk) -> None:
    service = Cybertip(desk.clock)
    with pytest.raises(ReferralError, match="no open report"):
        sending(desk, Line(service)).retract()
    with pytest.raises(ServerError):
        sending(desk, Line(service, {1: reply(4000)})).submit()
    with pytest.raises(ServerError, match="try again"):
        sending(desk, Line(service, dict.fromkeys(range(3), "lost after"))).retract()
    with pytest.raises(ReferralError, match="being taken back"):
        sending(desk, Line(service)).submit()
    assert isinstance(sending(desk, Line(service)).retract(), Retracted)
    assert isinstance(sending(desk, Line(service)).retract(), Retracted)
    assert service.requests.count("/retract") == 4


def test_a_report_goes_on_at_the_address_where_it_began(desk: Desk) -> None:
    service = Cybertip(desk.clock)
    with pytest.raises(ServerError):
        sending(desk, Line(service, {1: reply(4000)})).submit()
    other = Service("test", "http://127.0.0.1:8/ispws")
    with pytest.raises(ReferralError, match="another address"):
        Submission(desk.referral, desk.identity, other, Line(service), own_schema())


def test_resolving_needs_a_question_a_name_and_a_number_of_its_own(
    desk: Desk, tmp_path: Path
) -> None:
    service = Cybertip(desk.clock)
    with pytest.raises(ReferralError, match="does not wait"):
        resolve(desk.referral, "test", by="Ann")
    with pytest.raises(UnresolvedError):
        sending(desk, Line(service, {0: "lost after"})).submit()
    for wrong in ("", "12a", "-3", "0", "1" * 30):
        with pytest.raises(ReferralError, match="digits only"):
            resolve(desk.referral, "test", by="Ann", report_id=wrong)
    with pytest.raises(ReferralError, match="--by"):
        resolve(desk.referral, "test", by=" ")
    with pytest.raises(ReferralError, match="does not wait"):
        resolve(desk.referral, "test", by="Ann", finished=True)
    from brightline.referral.store import write_draft
    from tests.referral.cases import random_case

    other = write_draft(desk.workspace, random_case(9, 1), desk.clock)
    number = service.open_reports()[0]
    resolve(desk.referral, "test", by="Ann", report_id=number)
    with pytest.raises(UnresolvedError):
        Submission(
            other, desk.identity, SERVICE, Line(service, {0: "lost after"}), own_schema()
        ).submit()
    with pytest.raises(ReferralError, match="already that of"):
        resolve(other, "test", by="Ann", report_id=number)


def test_what_was_sent_and_answered_is_kept_sealed_with_its_digest(desk: Desk) -> None:
    service = Cybertip(desk.clock)
    done = sending(desk, Line(service)).submit()
    journal = desk.referral.journal("test")
    steps = journal.steps()
    assert [s["kind"] for s in steps] == [
        "opening", "opened", "filing", "no_details", "finishing", "finished",
    ]  # fmt: skip
    assert journal.sent_of(0, desk.identity) == service.reports[done.report.report_id].xml
    assert b"reportDoneResponse" in journal.answer_of(5, desk.identity)
    assert steps[1]["request_id"] == "r-1"
    records = [r.fields for r in desk.workspace.ledger.records() if r.kind == Event.REFERRAL_STEP]
    assert [r["step"] for r in records] == list(range(6))
    for record, step in zip(records, steps, strict=True):
        assert record.get("sent") == step.get("sent")
        assert record.get("sealed_answer") == step.get("sealed_answer")
        assert "answer" not in record and "answer" not in step
    sealed = journal.folder / "000000.sent.age"
    digest = hashlib.sha256(sealed.read_bytes()).hexdigest()
    assert records[0]["sealed_sent"] == f"sha256:{digest}"


def test_nothing_is_opened_if_a_file_would_not_validate(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "strict.xsd"
    path.write_text(
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="report"/>'
        '<xs:element name="fileDetails"><xs:complexType><xs:sequence>'
        '<xs:element name="other"/></xs:sequence></xs:complexType></xs:element></xs:schema>'
    )
    line = Line(Cybertip(desk.clock))
    with pytest.raises(InvalidReportError, match="file 1 does not validate: fileDetails/reportId"):
        Submission(
            desk.referral, desk.identity, SERVICE, line, read_schema(path), patience=HASTE
        ).submit()
    assert (line.count, desk.referral.journal("test").steps()) == (0, [])


def test_a_missing_or_altered_step_stops_everything(desk: Desk) -> None:
    sending(desk, Line(Cybertip(desk.clock))).submit()
    folder = desk.referral.journal("test").folder
    whole = (folder / "000002.json").read_bytes()
    for broken in (b"", b"[]", b"{}", b'{"kind":"finished","at":"2026-03-01T12:00:00Z"}'):
        (folder / "000002.json").write_bytes(broken)
        with pytest.raises(DamagedError):
            desk.referral.journal("test").state()
    (folder / "000002.json").write_bytes(whole)
    (folder / "000003.json").unlink()
    with pytest.raises(DamagedError, match="missing"):
        desk.referral.journal("test").state()


def test_files_are_not_left_out_of_a_report_that_is_gone_on_with(desk: Desk) -> None:
    service = Cybertip(desk.clock)
    with pytest.raises(ServerError):
        sending(desk, Line(service, {1: reply(4000)})).submit()
    line = Line(service)
    with pytest.raises(ReferralError, match="begun without --upload"):
        sending(desk, line).submit(fetch=data_of)
    assert (line.count, service.finished()) == (0, [])


@pytest.mark.parametrize("path", [1, 2])
def test_an_answer_about_another_report_is_none(desk: Desk, path: int) -> None:
    service = Cybertip(desk.clock)
    body = reply(0).body.replace(b"</reportResponse>", b"<reportId>9</reportId></reportResponse>")
    other = dict.fromkeys(range(path, path + 3), Answer(200, body))
    with pytest.raises(ServerError, match="another report"):
        sending(desk, Line(service, other)).submit()
    sending(desk, Line(service)).submit()
    assert len(service.finished()) == 1


def test_a_report_that_others_ended_is_told_to_be_short(desk: Desk) -> None:
    service = Cybertip(desk.clock, lenient=True)
    assert sending(desk, Line(service, {2: reply(5102)})).submit().short
    whole = make_desk(desk.key.parent / "other", seed=2)
    done = sending(whole, Line(Cybertip(desk.clock, lenient=True))).submit()
    assert not done.short
    assert not sending(whole, Line(service)).submit().short


@pytest.mark.parametrize("forgotten", ["all", "end", "changed"])
def test_an_older_copy_of_a_submission_opens_no_second_report(desk: Desk, forgotten: str) -> None:
    service = Cybertip(desk.clock)
    sending(desk, Line(service)).submit()
    folder = desk.referral.journal("test").folder
    if forgotten == "all":
        shutil.rmtree(folder)
    elif forgotten == "end":
        (folder / "000005.json").unlink()
    else:
        step = (folder / "000005.json").read_text().replace("finished", "retracted")
        (folder / "000005.json").write_text(step)
    line = Line(service)
    with pytest.raises(DamagedError, match="ledger"):
        sending(desk, line).submit()
    with pytest.raises(DamagedError, match="ledger"):
        resolve(desk.referral, "test", by="Ann")
    assert line.count == 0


def test_production_is_only_reached_by_typing_the_name() -> None:
    assert choose_service("ref-1", None, None) == Service("test", TEST_ENDPOINT)
    assert choose_service("ref-1", None, "ref-1") == Service("production", PRODUCTION_ENDPOINT)
    other = choose_service("ref-1", "http://127.0.0.1:1/ispws/", None)
    assert other.name.startswith("other-")
    assert other.endpoint == "http://127.0.0.1:1/ispws"
    for typed in ("", "ref-2", "yes", " ref-1"):
        with pytest.raises(ReferralError, match="typed exactly"):
            choose_service("ref-1", None, typed)
    for address in (
        PRODUCTION_ENDPOINT,
        "https://REPORT.cybertip.org/other",
        "https://report.cybertip.org.:443/ispws",
    ):
        with pytest.raises(ReferralError, match="--production"):
            choose_service("ref-1", address, None)
    for address in (TEST_ENDPOINT, "https://EXTTEST.cybertip.org./ispws"):
        with pytest.raises(ReferralError, match="test service"):
            choose_service("ref-1", address, "ref-1")
    for address in ("http://exttest.cybertip.org/ispws", "ftp://x", "https://u:p@x/"):
        with pytest.raises(ReferralError):
            choose_service("ref-1", address, None)


def test_a_file_is_not_reported_twice_by_mistake(desk: Desk) -> None:
    service = Cybertip(desk.clock, lenient=True)
    case = desk.referral.case(desk.identity)
    twin = write_draft(desk.workspace, replace(case, referral=new_name(desk.clock)), desk.clock)
    apart = write_draft(desk.workspace, random_case(99, 1), desk.clock)
    production = Service("production", SERVICE.endpoint)

    def at(referral: Referral, place: Service) -> Submission:
        line = Line(service)
        return Submission(referral, desk.identity, place, line, own_schema(), patience=HASTE)

    # the test service is for trying
    at(desk.referral, SERVICE).submit()
    at(twin, SERVICE).submit()
    first = at(desk.referral, production)
    first.wire = Line(service, {0: "lost after"})
    with pytest.raises(UnresolvedError):
        first.submit()
    # a report that may have been opened counts
    count = len(service.requests)
    with pytest.raises(ReferralError, match="same files"):
        at(twin, production).submit()
    assert len(service.requests) == count
    at(apart, production).submit()
    at(twin, production).submit(again="the hotline asked for it")
    records = [r.fields for r in desk.workspace.ledger.records() if r.fields.get("again")]
    assert [(r["referral"], r["kind"], r["again"]) for r in records] == [
        (twin.name, "opening", "the hotline asked for it")
    ]
    # and gone on with, nobody is asked again
    at(twin, production).submit()


def test_a_referral_sealed_to_others_is_not_taken_for_another_one(desk: Desk) -> None:
    case = desk.referral.case(desk.identity)
    before = referred(desk.workspace, desk.identity)
    assert before.with_any(case.items[:1]) == (desk.referral.name,)
    with pytest.raises(ReferralError, match="2 of 2 files"):
        check_again(before, "another-run", case.items)
    # the same bytes elsewhere are another find
    moved = [replace(item, source="/elsewhere") for item in case.items]
    check_again(before, "run-1", moved)
    stranger = desk.key.with_name("stranger.key")
    new_identity(stranger)
    closed = referred(desk.workspace, load_identity(stranger))
    check_again(closed, "another-run", moved)
    with pytest.raises(ReferralError, match="cannot be compared"):
        check_again(closed, "run-1", moved)
    shutil.rmtree(desk.referral.folder)
    with pytest.raises(ReferralError, match="gone"):
        check_again(referred(desk.workspace, desk.identity), "run-1", moved)
