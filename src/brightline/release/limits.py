"""What a statement says of its own limits, and what verifying one leaves open.

Plain sentences, each a fact. None says what a picture shows, what a person did, or that a
corpus is free of anything.
"""

from __future__ import annotations

from typing import Any, Final

_ALWAYS: Final = (
    "Known hashes only: an item could match only what was on these lists in these versions. "
    "Zero matches is not a finding that a corpus holds no such material.",
    "A match is a signal within a list's threshold: a fact about bytes. It is no finding about "
    "what a picture shows, and none about a person.",
    "New pictures, and copies altered beyond a list's threshold, match nothing.",
    "Items counted as exact_only were compared by digest alone. Of items counted as skipped or "
    "failed only what could be read was compared. The reasons are counted.",
    "PDQ hashes below a list's lowest quality were not compared.",
    "A list is named by the digest of the copy that was used. That the copy was complete or "
    "current is not part of this statement.",
    "The files' names and contents are covered, and links as they are written. Owners, modes, "
    "times and empty folders are not.",
    "The ledger's checkpoint proves the order of events only to someone who holds an older "
    "checkpoint of it, or trusts a witness that does.",
    "Lists grow. After the expiry date, screen again.",
)
_CORPUS: Final = (
    "The files' names, sizes and times of change were those that the run listed. Their contents "
    "were hashed for this statement after the run."
)
_RELEASE: Final = (
    "Accounting and matches are those of the corpus before the release. What left it is counted "
    "as one number: matched items, a random cover, and items that could not be screened unless "
    "they were kept."
)

#: what `verify` cannot know, whoever runs it
NOT_VERIFIED: Final = (
    "who holds the key: compare its fingerprint with the publisher by another way",
    "that the lists were complete, current or what their names say",
    "that the tool ran as it should: nothing was screened again",
    "that the ledger has no second version: that takes a checkpoint someone else holds",
)


def limits_of(summary: dict[str, Any], release: dict[str, Any] | None) -> list[str]:
    """The sentences for a run's summary and, if there is one, its release."""
    texts = [*_ALWAYS, _CORPUS if release is None else _RELEASE]
    deltas = sum("since" in entry for entry in summary["lists"])
    if deltas:
        texts.append(
            f"Of {deltas} of the lists only what a version adds to an earlier one was compared: "
            "what the earlier version has could not match."
        )
    if summary["gaps"]:
        texts.append(
            f"Of the run's items {summary['gaps']} could not be screened in full; see the reasons."
        )
    return texts
