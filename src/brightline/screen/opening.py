"""Opening a run's findings: all of them verified before the first is handed out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from brightline import storage
from brightline.errors import DamagedError, SealError, UsageError
from brightline.findings import Identity, open_sealed
from brightline.ledger import Event
from brightline.screen.runs import tasks_of
from brightline.screen.task import COUNTS, FINDINGS
from brightline.workspace import Workspace

#: where files that were sealed anew wait to take the place of the old ones
RESEALED = {name: f"{storage.TEMPORARY}resealed-{name}" for name in (FINDINGS, COUNTS)}


def open_run(
    workspace: Workspace, run: str, identity: Identity, reason: str
) -> list[dict[str, Any]]:
    """The findings of a run, in manifest order.

    Every sealed file is checked against its recorded digest and decrypted whole; the opening
    is on the ledger, durably, before anything is returned. Raises UsageError without a
    reason, DamagedError or SealError if any file is not what was sealed or the identity is no
    custodian's; then nothing is returned.
    """
    if not reason.strip():
        raise UsageError("give a reason with --reason; it goes on the ledger")
    findings: list[dict[str, Any]] = []
    files = 0
    for folder, counts in tasks_of(workspace, run):
        findings += open_task(folder, counts, identity)
        files += 1
    workspace.ledger.append(
        Event.FINDINGS_OPENED,
        {
            "run": run,
            "reason": reason,
            **workspace.opened_by(identity),
            "files": files,
            "findings": len(findings),
        },
    )
    return findings


def open_task(folder: Path, counts: dict[str, Any], identity: Identity) -> list[dict[str, Any]]:
    """The findings of one committed task, checked against what its counts say of them.

    Raises UsageError, DamagedError or SealError as `open_run` does. Whoever calls this puts on
    the ledger what for.
    """
    path = folder / FINDINGS
    if interrupted(folder):
        raise UsageError(
            "sealing these findings anew was cut short; give the `brightline findings reseal` "
            "command again first"
        )
    try:
        digest = storage.sha256_file(path)
    except OSError as error:
        raise SealError(
            f"cannot read the findings in {path}: {error.strerror}; nothing was opened"
        ) from None
    if digest != counts["files"][FINDINGS]:
        raise DamagedError(
            f"{path} is cut off or was altered after it was sealed; nothing was opened"
        )
    found = open_sealed(path, identity)
    if len(found) != sum(counts["tally"]["counters"]["by_role"].values()):
        raise DamagedError(f"{path} does not hold as many findings as were counted")
    return found


def interrupted(folder: Path) -> bool:
    """Whether sealing a task's findings anew was cut short."""
    return any((folder / name).exists() for name in RESEALED.values())
