"""Sealing referrals anew, to the custodians that the workspace has now.

The case file, the reviews, and what was sent and answered. What they hold does not change. In
batches: the new files are made beside the old ones, the ledger says what they will be and who
asked, then they take the old ones' place. Whatever a crash leaves of that is completed, or thrown
away, by whoever next holds the referral. A package that was written is a file of its own, sealed
for good to those whom it was for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from brightline import storage
from brightline.errors import UsageError
from brightline.findings import Identity, open_sealed, seal
from brightline.ledger import JSON, Event
from brightline.referral.announced import check_told, put_in_place, read_told, waiting
from brightline.referral.store import Referral, open_referral, referral_names
from brightline.workspace import Workspace

#: files in one record of the ledger, of which an entry holds at most 65,535 bytes
_BATCH = 200


def reseal_referrals(
    workspace: Workspace,
    identity: Identity,
    reason: str,
    run: str | None = None,
    beat: Callable[[int], None] = lambda _: None,
) -> Counter[str]:
    """Seal the referrals of a run anew, or all; returns how many referrals, by run.

    `beat` is told how many files are done. Raises UsageError without a reason or while another
    process holds a referral, SealError or DamagedError if one cannot be opened: those before it
    are sealed anew then, and of that one every file is the old one or the new one, whole.
    """
    if not reason.strip():
        raise UsageError("give a reason with --reason; it goes on the ledger")
    done: Counter[str] = Counter()
    files = 0
    for name in referral_names(workspace):
        referral = open_referral(workspace, name)
        if run in (None, referral.draft.run):
            with referral.locked():
                for count in _reseal(referral, identity, reason):
                    files += count
                    beat(files)
            done[referral.draft.run] += 1
    return done


def _reseal(referral: Referral, identity: Identity, reason: str) -> Iterator[int]:
    """Seal one referral anew, batch by batch. The caller holds it."""
    workspace, root = referral.workspace, referral.root
    custodians = workspace.sealers()
    told = read_told(workspace.ledger)
    referral.check(told)
    paths = iter(sorted(path for path in referral.folder.rglob("*.age")))
    while batch := list(islice(paths, _BATCH)):
        digests: dict[str, JSON] = {}
        for path in batch:
            check_told(path, root, told)
            seal(open_sealed(path, identity), custodians, waiting(path))
            digests[_below(path, root)] = storage.sha256_file(waiting(path))
        workspace.ledger.append(
            Event.FINDINGS_RESEALED,
            {
                "run": referral.draft.run,
                "referral": referral.name,
                "reason": reason,
                **workspace.opened_by(identity),
                "custodians": [c.recipient for c in custodians],
                "referrals": digests,
            },
        )
        put_in_place(batch)
        yield len(batch)


def _below(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()
