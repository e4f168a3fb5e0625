"""Asking the service: how often, and what is written down of the answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from brightline.ledger import JSON
from brightline.referral.codes import Kind
from brightline.referral.journal import Journal
from brightline.referral.replies import Refused, Reply, Unclear, about, read_reply
from brightline.referral.wire import Answer, Outcome, Request, Wire


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a request that may be repeated is asked, and seconds to wait in between."""

    tries: int = 4
    wait: float = 2.0
    sleep: Callable[[float], None] = field(default=time.sleep)


class Asker:
    """A journal, a wire, and patience."""

    def __init__(self, journal: Journal, wire: Wire, patience: Patience) -> None:
        """Nothing is asked yet."""
        self.journal = journal
        self.wire = wire
        self.patience = patience

    def ended(self, kind: Kind, outcome: Outcome, *, sure: bool) -> bool:
        """Whether the answer says that the report is no longer open; then it is noted.

        `sure` is false where an end was asked for that may have been heard.
        """
        match kind:
            case Kind.RETRACTED:
                self.note("retracted", outcome)
            case Kind.FINISHED:
                self.note("finished", outcome)
            case Kind.NO_REPORT:
                self.note("expired" if sure else "vanished", outcome)
            case _:
                return False
        return True

    def insist(self, request: Request, report_id: str) -> tuple[Outcome, Reply]:
        """Ask what may be asked twice until there is an answer, or patience ends."""
        outcome, reply, _ = self.insist_knowing(request, report_id)
        return outcome, reply

    def insist_knowing(self, request: Request, report_id: str) -> tuple[Outcome, Reply, bool]:
        """Like `insist`, and whether an asking before the last may have been heard."""
        heard = False
        wait = self.patience.wait
        for left in range(self.patience.tries - 1, -1, -1):
            outcome = self.wire.post(request)
            reply = about(read_reply(outcome), report_id)
            failed = isinstance(reply, Refused) and reply.code.kind is Kind.SERVER
            if not left or not (failed or isinstance(reply, Unclear)):
                return outcome, reply, heard
            heard |= not (isinstance(reply, Unclear) and not reply.sent)
            self.patience.sleep(wait)
            wait *= 2
        raise AssertionError("something is asked at least once")

    def note(self, kind: str, outcome: Outcome, **told: str | int) -> None:
        """A step after a request, with the answer if there was one."""
        fields: dict[str, JSON] = {**told}
        if isinstance(outcome, Answer):
            if outcome.request_id is not None:
                fields["request_id"] = outcome.request_id
            self.journal.note(kind, fields, answer=outcome.body)
        else:
            self.journal.note(kind, fields)
