"""What a ledger holds, and what every ledger can do."""

from __future__ import annotations

import enum
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol, TypeAlias

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"


class Event(enum.StrEnum):
    """What a record tells of, and its fields.

    A file's digest is its SHA-256 in 64 hex digits. `ledger verify` compares the files on disk
    with what the newest record says of them; fields that older versions did not write are then
    not compared. Further fields may be there.

    - list_imported: `name`, `version`, `digest` (the manifest's own), `entries`, `manifest`
      (digest of `lists/NAME/VERSION/manifest.json`, which holds the digests of the other files)
    - delta_compiled: `name`, `version`, `since`, `manifest` (digest of
      `lists/NAME/deltas/SINCE..VERSION/manifest.json`, likewise)
    - run_started: `run`, `manifest` (digest of the frozen shards), `shards`, `lists` (digests),
      `files` {`run.json`: digest, `manifest.parquet`: digest}, and of a rescreening `from` (a run)
    - shard_committed: `run`, `task`, `items`, `matches`, `files` {name: digest} of every file in
      the task's folder, `counts.json` among them
    - run_finished: `run`, `items`, `matches`, `summary` (digest of `summary.json`)
    - findings_opened: `run`, `reason`, `custodian`, `recipient`, `files`, `findings`
    - conflicts_opened: `file` (digest of the sealed file), `reason`, `custodian`, `recipient`,
      `conflicts` (how many)
    - findings_resealed: `run`, `reason`, `custodian`, `recipient`, `custodians` (recipients),
      `files` {task: {name: digest}} with what sealing anew changes. It comes before the files are
      replaced; until then the new one waits as `.tmp-resealed-NAME`. Many tasks take several
      records: an entry of the log has at most 65,535 bytes, which are some 250 tasks
    - report_made: `run`, `format`
    - release_planned: `run`, `releases` {path below `releases/`: digest} of the sealed seed or
      plan. It comes before the file; until then that waits as `.tmp-announced-NAME`. A
      findings_resealed that has `releases` is of these files; one that has `referral` and
      `referrals` {path below `referrals/`: digest} is of a referral's, which wait likewise
    - release_made, attestation_signed: `run`, and the digests of what was made
    - referral_drafted, referral_reviewed, referral_step: what the referral's page says
    - referral_destroyed: `referral`, `run`, `reason`, `files` (that it was about), `sealed_files`
      and `bytes` (what goes), `listing` (digest over a line `DIGEST  PATH` for each file that the
      ledger has of the referral, by its path below `referrals/`, sorted by path), `finished`
      (services that have its report), `advice`, `despite_floor` if that was said. It comes before
      the files go
    - custodian_added, custodian_removed: `name`, `recipient`
    - key_rotated: `old`, `new` (verifier keys), `signature` of the old key in base64, over
      `keyring.rotation_text`
    - recovered: `files` and `bytes` that a crash had left and no checkpoint covered, or the
      `bytes` of a last line that was cut off in the form that older versions kept
    """

    LIST_IMPORTED = "list_imported"
    DELTA_COMPILED = "delta_compiled"
    RUN_STARTED = "run_started"
    SHARD_COMMITTED = "shard_committed"
    RUN_FINISHED = "run_finished"
    FINDINGS_OPENED = "findings_opened"
    FINDINGS_RESEALED = "findings_resealed"
    CONFLICTS_OPENED = "conflicts_opened"
    REPORT_MADE = "report_made"
    RELEASE_PLANNED = "release_planned"
    RELEASE_MADE = "release_made"
    ATTESTATION_SIGNED = "attestation_signed"
    REFERRAL_DRAFTED = "referral_drafted"
    REFERRAL_REVIEWED = "referral_reviewed"
    REFERRAL_STEP = "referral_step"
    REFERRAL_DESTROYED = "referral_destroyed"
    CUSTODIAN_ADDED = "custodian_added"
    CUSTODIAN_REMOVED = "custodian_removed"
    KEY_ROTATED = "key_rotated"
    RECOVERED = "recovered"


@dataclass(frozen=True, slots=True)
class Record:
    """One entry of the ledger.

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

    def checkpoint(self) -> bytes:
        """The signed note over all records (c2sp.org/tlog-checkpoint)."""
        ...

    def prove(self, index: int) -> bytes:
        """A portable proof that record `index` is on the ledger, the record in it."""
        ...


def now() -> str:
    """UTC, to the microsecond, as records spell it."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def encode(record: Record) -> bytes:
    """The record's one spelling: sorted keys, no spaces, ASCII, no newline.

    Raises ValueError for a number that JSON has no word for.
    """
    document = {
        "seq": record.seq,
        "time": record.time,
        "kind": record.kind,
        "fields": record.fields,
    }
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode("ascii")


def may_be(entry: bytes, kinds: Collection[Event], fields: Mapping[str, str]) -> bool:
    """Whether an entry may spell a record of one of the kinds, with these fields, without
    reading it: false only if it does not."""
    return (not kinds or any(_member("kind", kind) in entry for kind in kinds)) and all(
        _member(name, value) in entry for name, value in fields.items()
    )


@lru_cache(maxsize=256)
def _member(name: str, value: str) -> bytes:
    return f"{json.dumps(name)}:{json.dumps(value)}".encode("ascii")


def decode(data: bytes, seq: int) -> Record | None:
    """The record that the bytes spell canonically under this number, or None."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return None
    match document:
        case {"seq": int(), "time": str(time), "kind": str(kind), "fields": dict(fields)}:
            record = Record(seq, time, kind, fields)
        case _:
            return None
    # comparing the spelling catches all else: another number, further keys, doubled keys
    try:
        return record if encode(record) == data else None
    except ValueError:
        return None
