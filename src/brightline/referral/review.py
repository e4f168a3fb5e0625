"""Stating a review: a person's account of what they did with one file."""

from __future__ import annotations

from brightline.findings import Identity
from brightline.referral import times
from brightline.referral.errors import ReferralError
from brightline.referral.reviews import Review
from brightline.referral.states import report_of
from brightline.referral.store import Referral


def state_review(
    referral: Referral,
    identity: Identity,
    item: int,
    *,
    viewed: bool,
    by: str,
    exif_viewed: bool | None = None,
    generative_ai: bool | None = None,
    note: str | None = None,
) -> bool:
    """Seal what `by` states about file `item`; returns whether a report was begun without it.

    The identity proves that a custodian states it. Raises ReferralError for a number that the
    referral does not have, or without a name; SealError if the identity is no custodian's.
    """
    if not by.strip() or not by.isprintable():
        raise ReferralError("say who states this, with --by NAME, on one line")
    case = referral.case(identity)
    if case.item(item) is None:
        raise ReferralError(f"referral {referral.name} has files 1 to {len(case.items)}")
    referral.add_review(
        Review(
            item=item,
            viewed=viewed,
            by=by.strip(),
            at=times.stamp(referral.now()),
            exif_viewed=exif_viewed,
            generative_ai=generative_ai,
            note=note,
        )
    )
    return any(
        report_of(referral.journal(endpoint).state()) is not None
        for endpoint in referral.endpoints()
    )
