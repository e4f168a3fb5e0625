"""A person's word where nobody else can know what the service did."""

from __future__ import annotations

import re

from brightline.referral.errors import ReferralError
from brightline.referral.states import Opening, State, Unknown, Vanished
from brightline.referral.store import Referral, open_referral, referral_names

_NUMBER = re.compile(r"[1-9][0-9]{0,18}")


def resolve(
    referral: Referral,
    endpoint: str,
    *,
    by: str,
    report_id: str | None = None,
    finished: bool = False,
) -> State:
    """Write down what the service did by a person's account; returns the state after it.

    `report_id`: it opened the report of that number. `finished`: it has the finished report.
    Neither: it has none. `endpoint` is the service's name in the journal. The caller holds the
    referral's lock. Raises ReferralError where nothing waits for such a word, where the word
    does not fit the question, or where the number is already that of another report.
    """
    if not by.strip():
        raise ReferralError("say who states this, with --by NAME; it is kept")
    if report_id is not None:
        _check_number(referral, endpoint, report_id)
    journal = referral.journal(endpoint)
    journal.mend()
    match journal.state():
        case Opening() | Unknown() if not finished:
            if report_id is None:
                journal.note("not_opened", {"by": by, "resolved": True})
            else:
                journal.note("opened", {"by": by, "report_id": report_id, "resolved": True})
        case Vanished() if report_id is None:
            journal.note("finished" if finished else "expired", {"by": by, "resolved": True})
        case _:
            raise ReferralError(
                f"referral {referral.name} does not wait for such an answer; see "
                f"`brightline referral status {referral.name}`"
            )
    return journal.state()


def _check_number(referral: Referral, endpoint: str, report_id: str) -> None:
    if not _NUMBER.fullmatch(report_id):
        raise ReferralError("a report's number has digits only, as the service gave it")
    for name in referral_names(referral.workspace):
        other = open_referral(referral.workspace, name)
        if any(s.get("report_id") == report_id for s in other.journal(endpoint).steps()):
            raise ReferralError(
                f"report {report_id} is already that of referral {name}; ask the hotline again"
            )
