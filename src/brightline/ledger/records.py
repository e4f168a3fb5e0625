"""What a ledger holds, and what every ledger can do."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"


class Event(enum.StrEnum):
    """What a record tells of."""

    LIST_IMPORTED = "list_imported"
    RUN_STARTED = "run_started"
    SHARD_COMMITTED = "shard_committed"
    RUN_FINISHED = "run_finished"
    FINDINGS_OPENED = "findings_opened"
    FINDINGS_RESEALED = "findings_resealed"
    CONFLICTS_OPENED = "conflicts_opened"
    REPORT_MADE = "report_made"
    RELEASE_MADE = "release_made"
    ATTESTATION_SIGNED = "attestation_signed"
    REFERRAL_DRAFTED = "referral_drafted"
    REFERRAL_REVIEWED = "referral_reviewed"
    REFERRAL_STEP = "referral_step"
    CUSTODIAN_ADDED = "custodian_added"
    CUSTODIAN_REMOVED = "custodian_removed"
    KEY_ROTATED = "key_rotated"
    RECOVERED = "recovered"


@dataclass(frozen=True, slots=True)
class Record:
    """One line of the ledger.

    `seq` counts from 0 without gaps; `time` is UTC as `2025-01-31T12:00:00.000000Z`; `kind`
    is an `Event`, or a word that a later version writes. `fields` hold names, counts and
    digests of whole files; never a locator or a hash of a match, since ledgers are shared.
    """

    seq: int
    time: str
    kind: str
    fields: dict[str, JSON]


class Ledger(Protocol):
    """An append-only log. Laws: what `append` acknowledged is in every later `records()`,
    unchanged and under the same number; numbers are 0, 1, 2, … in the order of the log."""

    def append(self, kind: Event, fields: Mapping[str, JSON]) -> int:
        """Add a record, durable when this returns; returns its sequence number.

        `fields` must never hold a locator or a hash of a match.
        """
        ...

    def records(self) -> Iterator[Record]:
        """Every record from the first on."""
        ...
