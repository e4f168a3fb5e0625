"""Driving a report from wherever it is to its end, a journalled step at a time.

A kill between any two steps leaves a report that the same command goes on with, or that it
leaves to a person where nobody can know what the service did. Nothing but a person's word
(`resolve`) ever lets a second report be opened while the fate of a first is not known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import assert_never

from brightline import storage
from brightline.errors import DamagedError
from brightline.findings import Identity
from brightline.referral.asking import Asker, Patience
from brightline.referral.casefile import CaseFile, CaseItem
from brightline.referral.codes import Kind
from brightline.referral.documents import file_details_xml, reference, report_xml
from brightline.referral.errors import ReferralError, ServerError, UnresolvedError
from brightline.referral.referred import check_sent
from brightline.referral.replies import Done, Refused, Unclear, about, read_reply
from brightline.referral.reviews import Review, latest
from brightline.referral.service import TEST, Service
from brightline.referral.states import (
    Drafted,
    Expired,
    Filing,
    Finished,
    Finishing,
    Opened,
    Opening,
    Report,
    Retracted,
    Retracting,
    State,
    Unknown,
    Uploading,
    Vanished,
)
from brightline.referral.store import Referral
from brightline.referral.validate import Schema, check
from brightline.referral.wire import XML, Answer, Outcome, Request, Wire, form, multipart

#: what a person is told to do where only they can know
RESOLVE = (
    "whether the service opened a report is not known; ask the hotline, then give "
    "`brightline referral resolve {name} --report-id N` or `--none`"
)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is: files uploaded and filed, of so many."""

    uploaded: int
    filed: int
    files: int


#: bytes of a file, read again from its source and checked against its digest
Fetch = Callable[[CaseItem], bytes]


class Submission(Asker):
    """One referral towards one service. The caller holds the referral's lock."""

    def __init__(
        self,
        referral: Referral,
        identity: Identity,
        service: Service,
        wire: Wire,
        schema: Schema,
        *,
        patience: Patience | None = None,
    ) -> None:
        """Raises ReferralError if the referral was begun at another address of that name."""
        super().__init__(referral.journal(service.name), wire, patience or Patience())
        self._referral = referral
        self._identity = identity
        self._service = service
        self._schema = schema
        self._opened_reviews: dict[int, Mapping[int, Review]] = {}
        self._case: CaseFile = referral.case(identity)
        self.journal.mend()
        for step in self.journal.steps():
            if step["kind"] == "opening" and step["endpoint"] != service.endpoint:
                raise ReferralError(
                    f"referral {referral.name} was begun at another address of this service; "
                    "go on with the same --endpoint"
                )

    # --- submit -----------------------------------------------------------------------------

    def submit(
        self,
        *,
        fetch: Fetch | None = None,
        progress: Callable[[Progress], None] | None = None,
        again: str | None = None,
    ) -> Finished:
        """Bring the report to its end; returns at once if it is there already.

        With `fetch` the files themselves are uploaded. `again` says why files are reported of
        which another referral's report was opened; without it that is refused, but at the test
        service. Raises UnresolvedError where a person
        must say what the service did, ServerError where it refused or cannot be reached; the
        same call goes on from there.
        """
        state = self.journal.state()
        if isinstance(state, (Drafted, Retracted, Expired)):
            state = self._open(state, upload=fetch is not None, again=again)
        while not isinstance(state, Finished):
            if progress is not None and isinstance(state, Opened):
                report = state.report
                progress(Progress(len(report.uploaded), len(report.filed), report.files))
            state = self._advance(state, fetch)
        return state

    def _advance(self, state: State, fetch: Fetch | None) -> State:
        name = self._referral.name
        match state:
            case Opening() | Unknown():
                raise UnresolvedError(f"referral {name}: {RESOLVE.format(name=name)}")
            case Uploading(_, item):
                raise UnresolvedError(
                    f"referral {name}: whether file {item} arrived is not known; take the report "
                    f"back with `brightline referral retract {name}` and submit again"
                )
            case Vanished():
                raise UnresolvedError(
                    f"referral {name}: the service does not know the report, and it may have been "
                    "finished before; ask the hotline, then give "
                    f"`brightline referral resolve {name} --finished` or `--none`"
                )
            case Retracting():
                raise ReferralError(
                    f"referral {name} is being taken back; give "
                    f"`brightline referral retract {name}` again"
                )
            case Retracted() | Expired() | Drafted():
                raise ServerError(
                    f"referral {name}: the service no longer has the unfinished report (it was "
                    "retracted or deleted there); the same command opens a new one"
                )
            case Filing(report, number):
                return self._file(report, self._item(number))
            case Opened(report):
                return self._next(report, fetch)
            case Finishing(report):
                return self._ask_finish(report, unsure=True)
            case Finished():
                return state
            case _:
                assert_never(state)

    def _open(
        self, state: Drafted | Retracted | Expired, *, upload: bool, again: str | None
    ) -> State:
        reviews = self._referral.review_count()
        newest = self._reviews(reviews)
        body = report_xml(self._case, newest)
        self._check("the report", body)
        for item in self._case.items:
            # all of it before anything is opened, under numbers that stand for the service's
            details = file_details_xml(item, newest.get(item.number), "1", reference(item))
            self._check(f"the details of file {item.number}", details)
        attempt = state.attempts if isinstance(state, Drafted) else state.report.attempt
        with storage.locked(
            self._referral.root / ".lock", "the workspace's referrals", wait=True
        ):  # another process may be about to open a report of the same files
            if again is None and self._service.name != TEST:
                check_sent(self._referral, self._identity, self._case.items, self._service.name)
            self.journal.note(
                "opening",
                {
                    "attempt": attempt + 1,
                    "endpoint": self._service.endpoint,
                    "files": len(self._case.items),
                    "reviews": reviews,
                    "upload": upload,
                    **({} if again is None else {"again": again}),
                },
                sent=body,
            )
        outcome = self.wire.post(Request("/submit", body, XML))
        match read_reply(outcome):
            case Done(report_id=str(report_id)):
                self.note("opened", outcome, report_id=report_id)
            case Refused(number, code) if code.kind in (Kind.ACCESS, Kind.REQUEST):
                self.note("not_opened", outcome, code=number)
                raise ServerError(f"nothing was opened: {code.meaning} (code {number})")
            case Unclear(why, sent=False):
                self.note("not_opened", outcome, why=why)
                raise ServerError(f"nothing was opened at {self._service.endpoint}: {why}")
            case Refused(number, code):
                self._unknown(outcome, f"{code.meaning} (code {number})")
            case Done():
                self._unknown(outcome, "an answer without the report's number")
            case Unclear(why):
                self._unknown(outcome, why)
        return self.journal.state()

    def _unknown(self, outcome: Outcome, why: str) -> None:
        self.note("unknown", outcome, why=why)
        name = self._referral.name
        raise UnresolvedError(f"referral {name}: {why}; {RESOLVE.format(name=name)}")

    def _next(self, report: Report, fetch: Fetch | None) -> State:
        """The next thing an open report needs."""
        if fetch is not None and not report.upload:
            raise ReferralError(
                f"referral {self._referral.name} was begun without --upload; go on without it, or "
                "retract and submit again"
            )
        if report.upload:
            for item in self._case.items:
                if item.number not in report.uploaded:
                    if fetch is None:
                        raise ReferralError(
                            f"referral {self._referral.name} was begun with --upload; go on with "
                            "it, or retract and submit again without"
                        )
                    return self._upload(report, item, fetch)
        if report.details:
            for item in self._case.items:
                if item.number not in report.filed:
                    return self._file(report, item)
        return self._ask_finish(report, unsure=False)

    def _upload(self, report: Report, item: CaseItem, fetch: Fetch) -> State:
        data = fetch(item)
        body, kind = multipart(report.report_id, reference(item), data)
        # the bytes themselves are kept where they lie, and nowhere else
        self.journal.note("uploading", {"item": item.number})
        outcome = self.wire.post(Request("/upload", body, kind))
        reply = about(read_reply(outcome), report.report_id)
        match reply:
            case Done(file_id=str(), hash=told) if told in (None, item.md5):
                self.note("uploaded", outcome, item=item.number)
            case Done():
                # recorded as what it is: a file that arrived otherwise than it left
                raise UnresolvedError(
                    f"file {item.number} did not arrive as it was sent; take the report back with "
                    f"`brightline referral retract {self._referral.name}` and submit again"
                )
            case Unclear(why, sent=False):
                self.note("not_uploaded", outcome, item=item.number, why=why)
                raise ServerError(f"file {item.number} did not arrive: {why}; submit again")
            case Refused(number, code) if code.kind in (Kind.ACCESS, Kind.REQUEST):
                self.note("not_uploaded", outcome, item=item.number, code=number)
                raise ServerError(f"file {item.number}: {code.meaning} (code {number})")
            case Refused(_, code) if self.ended(code.kind, outcome, sure=True):
                pass
            case Refused() | Unclear():
                return self._advance(self.journal.state(), fetch)
            case _:
                assert_never(reply)
        return self.journal.state()

    def _file(self, report: Report, item: CaseItem) -> State:
        review = self._reviews(report.reviews).get(item.number)
        file_id = self._file_id(report, item)
        body = file_details_xml(item, review, report.report_id, file_id)
        self._check(f"the details of file {item.number}", body)
        self.journal.note("filing", {"item": item.number}, sent=body)
        outcome, reply = self.insist(Request("/fileinfo", body, XML), report.report_id)
        match reply:
            case Done():
                self.note("filed", outcome, item=item.number)
            case Refused(_, code) if self.ended(code.kind, outcome, sure=True):
                pass
            case Refused(number, code) if not report.upload and code.kind is Kind.NO_FILE:
                # the report's own text tells of every file, with its hashes
                self.note("no_details", outcome, code=number)
            case Refused(number, code):
                self.note("not_filed", outcome, item=item.number, code=number)
                raise ServerError(
                    f"details of file {item.number}: {code.meaning} (code {number}); nothing is "
                    "lost: submit again, or retract"
                )
            case Unclear(why):
                raise ServerError(f"details of file {item.number}: {why}; submit again")
            case _:
                assert_never(reply)
        return self.journal.state()

    def _ask_finish(self, report: Report, *, unsure: bool) -> State:
        """Ask for the end; `unsure` if it was asked for before and that may have been heard."""
        body, kind = form(id=report.report_id)
        self.journal.note("finishing", sent=body)
        outcome, reply, heard = self.insist_knowing(
            Request("/finish", body, kind), report.report_id
        )
        unsure |= heard
        match reply:
            case Done(files=files):
                self.note("finished", outcome, service_files=len(files))
            case Refused(number, code) if code.kind in (Kind.SERVER, Kind.NO_FILE):
                raise ServerError(f"finishing: {code.meaning} (code {number}); submit again")
            case Refused(_, code) if self.ended(code.kind, outcome, sure=not unsure):
                pass
            case Refused(number, code):
                # a refusal of rights says nothing about an end that was heard before
                if not unsure:
                    self.note("not_finished", outcome, code=number)
                raise ServerError(f"finishing: {code.meaning} (code {number}); submit again")
            case Unclear(why, sent=False) if not unsure:
                self.note("not_finished", outcome, why=why)
                raise ServerError(f"not finished: {why}; submit again")
            case Unclear(why):
                raise ServerError(f"whether it is finished is not known yet: {why}; submit again")
            case _:
                assert_never(reply)
        return self.journal.state()

    # --- retract ----------------------------------------------------------------------------

    def retract(self) -> State:
        """Take an unfinished report back; returns at once if it is gone already.

        Raises ReferralError if nothing is open or the report is finished, UnresolvedError where
        a person must say first what the service did.
        """
        name = self._referral.name
        state = self.journal.state()
        match state:
            case Opened(report) | Filing(report, _) | Uploading(report, _) | Retracting(report):
                pass
            case Retracted() | Expired():
                return state
            case Finished():
                raise ReferralError(
                    f"referral {name} is finished, and a finished report cannot be taken back; "
                    "write to the hotline"
                )
            case Finishing():
                raise ReferralError(
                    f"the end of referral {name} was asked for and may have been heard; submit "
                    "again to learn it"
                )
            case Drafted():
                raise ReferralError(f"referral {name} has no open report at this service")
            case Opening() | Unknown() | Vanished():
                return self._advance(state, None)
            case _:
                assert_never(state)
        body, kind = form(id=report.report_id)
        self.journal.note("retracting", sent=body)
        outcome, reply = self.insist(Request("/retract", body, kind), report.report_id)
        match reply:
            case Done():
                self.note("retracted", outcome)
            case Refused(_, code) if self.ended(code.kind, outcome, sure=True):
                if code.kind is Kind.FINISHED:
                    raise ReferralError(f"referral {name} is finished and cannot be taken back")
            case Refused(number, code):
                self.note("not_retracted", outcome, code=number)
                raise ServerError(f"not taken back: {code.meaning} (code {number}); try again")
            case Unclear(why):
                raise ServerError(f"whether it is taken back is not known: {why}; try again")
            case _:
                assert_never(reply)
        return self.journal.state()

    def _check(self, name: str, body: bytes) -> None:
        check(self._schema, [(name, body)], self._referral.now())

    def _reviews(self, count: int) -> Mapping[int, Review]:
        """The first `count` review records, opened once."""
        if count not in self._opened_reviews:
            records = self._referral.reviews(self._identity, count)
            self._opened_reviews = {count: latest(records)}
        return self._opened_reviews[count]

    def _item(self, number: int) -> CaseItem:
        item = self._case.item(number)
        if item is None:
            raise ReferralError(f"referral {self._referral.name} has no file {number}")
        return item

    def _file_id(self, report: Report, item: CaseItem) -> str:
        """The service's number of an uploaded file, from its answer; else our reference."""
        if not report.upload:
            return reference(item)
        step = report.uploaded[item.number]
        reply = read_reply(Answer(200, self.journal.answer_of(step, self._identity)))
        if isinstance(reply, Done) and reply.file_id is not None:
            return reply.file_id
        raise DamagedError(f"the answer to the upload of file {item.number} was altered")
