"""Opening a run's findings: all of them verified before the first is handed out."""

from __future__ import annotations

from typing import Any

from brightline import storage
from brightline.errors import DamagedError, SealError, UsageError
from brightline.findings import Identity, open_sealed
from brightline.ledger import Event
from brightline.screen.runs import tasks_of
from brightline.screen.task import FINDINGS
from brightline.workspace import Workspace


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
        path = folder / FINDINGS
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
        findings += found
        files += 1
    names = [c.name for c in workspace.custodians() if c.recipient in identity.recipients]
    workspace.ledger.append(
        Event.FINDINGS_OPENED,
        {
            "run": run,
            "reason": reason,
            "custodian": names[0] if names else None,
            "recipient": identity.recipients[0] if identity.recipients else None,
            "files": files,
            "findings": len(findings),
        },
    )
    return findings
