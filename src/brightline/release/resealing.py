"""Sealing what a workspace keeps of its releases to the custodians that it has now."""

from __future__ import annotations

from brightline import storage
from brightline.errors import UsageError
from brightline.findings import Identity
from brightline.ledger import JSON, Event
from brightline.release.keeping import put, releases_dir, settle, take
from brightline.workspace import Workspace


def reseal_releases(workspace: Workspace, identity: Identity, reason: str) -> int:
    """Seal the seed and every plan anew; returns how many files there were.

    What they hold does not change. They are announced on the ledger before they are replaced,
    so that an interruption is completed by the next release. Raises UsageError without a reason,
    and SealError or DamagedError, with nothing replaced, if one of them cannot be opened.
    """
    if not reason.strip():
        raise UsageError("give a reason with --reason; it goes on the ledger")
    root = releases_dir(workspace)
    if not root.is_dir():
        return 0
    with storage.locked(root / ".lock", "the workspace's releases", wait=True):
        settle(workspace)
        opened = {path: take(workspace, path, identity) for path in sorted(root.rglob("*.age"))}
        if opened:
            fields: dict[str, JSON] = {
                "reason": reason,
                **workspace.opened_by(identity),
                "custodians": [c.recipient for c in workspace.custodians()],
            }
            put(workspace, opened, Event.FINDINGS_RESEALED, fields)
    return len(opened)
