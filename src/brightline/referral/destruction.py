"""Destroying a referral's sealed files: a person's act, on the ledger before anything goes.

First a record says what goes and why; then the folder is removed. What a crash leaves in between
is removed by the same command: from the record on nothing else can be done with the referral.
Only names in a folder are removed here. Blocks of the disk, copies and backups are out of reach,
and so are packages, what the hotline has, and the findings of the run.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from brightline import storage
from brightline.errors import DamagedError
from brightline.law import DutyType, Table
from brightline.ledger import JSON, Event
from brightline.referral.announced import (
    Destroyed,
    Told,
    check_told,
    listing_digest,
    read_all,
    read_told,
)
from brightline.referral.clocks import Advice, Kept, clocks_of
from brightline.referral.errors import ReferralError
from brightline.referral.states import Finished, may_open
from brightline.referral.store import DRAFT, LOCK, REFERRALS, Referral, referrals_dir
from brightline.workspace import Workspace

#: what a person may destroy without saying more than why
_OPEN = (Advice.PROPOSE_DESTRUCTION, Advice.CEILING)


@dataclass(frozen=True, slots=True)
class Plan:
    """What would go: so many files of the referral's folder, in all of `size` bytes.

    `finished` are the services that have its report; `listing` is the digest that the ledger gets.
    """

    reason: str
    despite_floor: str | None
    kept: Kept
    sealed_files: int
    size: int
    listing: str
    finished: tuple[str, ...]


def plan_destruction(
    referral: Referral, table: Table, reason: str, despite_floor: str | None = None
) -> Plan:
    """What destroying a referral takes away, if it may go now. The caller holds the referral.

    Raises ReferralError without a reason, under a legal hold, while a report of it is unfinished,
    and, unless `despite_floor` says why, while a period of preservation runs or the law table
    asks for something else first; also for a file that the ledger does not know. DamagedError
    if a file is not what the ledger says.
    """
    name = referral.name
    if not reason.strip():
        raise ReferralError("give a reason with --reason; it goes on the ledger")
    if despite_floor is not None and not despite_floor.strip():
        raise ReferralError("--despite-floor says why it may go before its time, and is empty")
    told = read_told(referral.workspace.ledger)
    kept = clocks_of(referral, table, told=told)
    if kept.hold is not None:
        raise ReferralError(
            f"a legal hold is on referral {name}: nothing of it is destroyed before "
            f"`brightline referral release-hold {name}`"
        )
    finished = _finished(referral, told)
    against = _against(kept)
    if against is not None and despite_floor is None:
        raise ReferralError(
            f"referral {name}: {against}; if it has to go all the same, say why with "
            "--despite-floor TEXT"
        )
    sealed = {path: digest for path, digest in told.items() if path.startswith(f"{name}/")}
    paths = _present(referral.folder)
    for path in paths:
        if path.relative_to(referral.root).as_posix() not in sealed and not _of_ours(path):
            raise ReferralError(f"{path} is not on the ledger; take it elsewhere first")
    for where in sealed:
        check_told(referral.root / where, referral.root, told)
    return Plan(
        reason=reason.strip(),
        despite_floor=None if despite_floor is None else despite_floor.strip(),
        kept=kept,
        sealed_files=len(sealed),
        size=sum((referral.root / where).stat().st_size for where in sealed),
        listing=listing_digest(sealed),
        finished=finished,
    )


def destroy(referral: Referral, plan: Plan) -> Destroyed:
    """Put the decision on the ledger, and then remove the referral's folder.

    The caller has held the referral since `plan_destruction`. Raises ReferralError if files could
    not be removed; `complete` goes on from there.
    """
    fields: dict[str, JSON] = {
        "referral": referral.name,
        "run": referral.draft.run,
        "reason": plan.reason,
        "files": referral.draft.files,
        "sealed_files": plan.sealed_files,
        "bytes": plan.size,
        "listing": plan.listing,
        "finished": list(plan.finished),
        "advice": str(plan.kept.advice),
    }
    if plan.despite_floor is not None:
        fields["despite_floor"] = plan.despite_floor
    referral.workspace.ledger.append(Event.REFERRAL_DESTROYED, fields)
    _remove(referral.folder)
    return read_all(referral.workspace.ledger)[1][referral.name]


def left_of(workspace: Workspace, destroyed: Destroyed) -> list[Path]:
    """Files of a destroyed referral that are there: left by a crash, or put back."""
    folder = referrals_dir(workspace) / destroyed.referral
    return [path for path in _present(folder) if path.name != LOCK]


def complete(workspace: Workspace, destroyed: Destroyed) -> int:
    """Remove what is there of a referral that the ledger has as destroyed; returns how many files.

    Raises ReferralError if a file is not one that was decided on, or cannot be removed.
    """
    folder = referrals_dir(workspace) / destroyed.referral
    if not folder.is_dir():
        return 0
    with storage.locked(folder / LOCK, f"referral {destroyed.referral}"):
        left = left_of(workspace, destroyed)
        for path in left:
            where = path.relative_to(folder.parent).as_posix()
            if where not in destroyed.sealed and not _of_ours(path):
                raise ReferralError(
                    f"{path} was not there when {destroyed.referral} was destroyed; take it "
                    "elsewhere first"
                )
        _remove(folder)
    return len(left)


def _finished(referral: Referral, told: Told) -> tuple[str, ...]:
    """The services that have the whole report; ReferralError if one has, or may have, a part."""
    done = []
    for endpoint in referral.endpoints():
        journal = referral.journal(endpoint)
        journal.check(told)
        state = journal.state()
        if isinstance(state, Finished):
            done.append(endpoint)
        elif not may_open(state):
            raise ReferralError(
                f"a report of {referral.name} at {endpoint} is unfinished "
                f"({type(state).__name__.lower()}): end it with `brightline referral submit`, "
                "`retract` or `resolve` first"
            )
    return tuple(done)


def _against(kept: Kept) -> str | None:
    """What speaks against destroying it now, in words."""
    owed = kept.reported is None and any(c.type is DutyType.REPORT for c in kept.clocks)
    if kept.advice not in _OPEN:
        floors = [clock.keep_until for clock in kept.clocks if clock.keep_until is not None]
        runs = kept.advice in (Advice.KEEP, Advice.DECIDE)
        return f"{kept.words} (until {max(floors):%Y-%m-%d})" if runs else kept.words
    if kept.advice is Advice.CEILING and owed:
        return "a duty to report it is known and no report in production is"
    return None


def _of_ours(path: Path) -> bool:
    """Whether it is a file that the ledger need not know: a lock, what a crash left half
    written, or the draft, of which early versions put no digest there."""
    if path.name == DRAFT:
        return path.parent.parent.name == REFERRALS
    return path.name == LOCK or path.name.startswith(storage.TEMPORARY)


def _present(folder: Path) -> list[Path]:
    """Every file and link below a folder; none if it is not there."""
    if folder.is_symlink():
        raise DamagedError(f"{folder} is a link; put the referral's folder in its place")
    return sorted(p for p in folder.rglob("*") if p.is_symlink() or not p.is_dir())


def _remove(folder: Path) -> None:
    try:
        # first what makes it a referral: half of one is listed nowhere
        (folder / DRAFT).unlink(missing_ok=True)
        shutil.rmtree(folder)
        storage.fsync_directory(folder.parent)
    except OSError as error:
        raise ReferralError(
            f"files in {folder} could not be removed ({error.strerror}); the decision is on the "
            "ledger: give the same command again"
        ) from None
