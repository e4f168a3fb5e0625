"""A referral in clear, for who may see it: each opening is on the ledger first."""

from __future__ import annotations

from typing import Any

from brightline.errors import UsageError
from brightline.findings import Identity
from brightline.ledger import Event
from brightline.referral.documents import file_details_xml, reference, report_xml
from brightline.referral.reviews import latest
from brightline.referral.store import Referral


def opened_lines(referral: Referral, identity: Identity, reason: str) -> list[dict[str, Any]]:
    """The case file's lines, each file with its review, after the opening is on the ledger.

    Raises UsageError without a reason.
    """
    case = referral.case(identity)
    newest = latest(referral.reviews(identity))
    _record(referral, identity, reason)
    head, *items = case.lines()
    reviewed = []
    for line in items:
        review = newest.get(line["number"])
        reviewed.append({**line, "review": None if review is None else review.to_json()})
    return [head, *reviewed]


def opened_documents(referral: Referral, identity: Identity, reason: str) -> list[bytes]:
    """The documents as they would be sent, after the opening is on the ledger."""
    documents = current_documents(referral, identity)
    _record(referral, identity, reason)
    return [data for _, data in documents]


def current_documents(referral: Referral, identity: Identity) -> list[tuple[str, bytes]]:
    """Every document that the referral makes now, with a name that tells nothing.

    The service's numbers are not known before it is asked; 1 stands for the report's.
    """
    case = referral.case(identity)
    newest = latest(referral.reviews(identity))
    details = [
        (
            f"the details of file {item.number}",
            file_details_xml(item, newest.get(item.number), "1", reference(item)),
        )
        for item in case.items
    ]
    return [("the report", report_xml(case, newest)), *details]


def _record(referral: Referral, identity: Identity, reason: str) -> None:
    if not reason.strip():
        raise UsageError("give a reason with --reason; it goes on the ledger")
    workspace = referral.workspace
    workspace.ledger.append(
        Event.FINDINGS_OPENED,
        {
            "run": referral.draft.run,
            "referral": referral.name,
            "reason": reason,
            **workspace.opened_by(identity),
            "files": 1,
            "findings": referral.draft.files,
        },
    )
