"""Sealing what a workspace keeps of its releases to the custodians that it has now."""

from __future__ import annotations

from collections import Counter

from brightline import storage
from brightline.errors import UsageError
from brightline.findings import Identity
from brightline.ledger import JSON, Event
from brightline.release.keeping import put, releases_dir, settle, take
from brightline.release.plan import PLAN, SEED
from brightline.workspace import Workspace


def reseal_releases(
    workspace: Workspace, identity: Identity, reason: str, run: str | None = None
) -> Counter[str]:
    """Seal the seed and the plans of a run anew, or all plans; returns how many plans, by run.

    What they hold does not change. They are announced on the ledger before they are replaced,
    so that an interruption is completed by the next release. Raises UsageError without a reason,
    and SealError or DamagedError, with nothing replaced, if one of them cannot be opened.
    """
    if not reason.strip():
        raise UsageError("give a reason with --reason; it goes on the ledger")
    root = releases_dir(workspace)
    if not root.is_dir():
        return Counter()
    with storage.locked(root / ".lock", "the workspace's releases", wait=True):
        settle(workspace)
        plans = sorted((root if run is None else root / run).rglob(PLAN))
        paths = [*root.glob(SEED), *plans]
        opened = {path: take(workspace, path, identity) for path in paths}
        if opened:
            fields: dict[str, JSON] = {
                "reason": reason,
                **workspace.opened_by(identity),
                "custodians": [c.recipient for c in workspace.sealers()],
            }
            put(workspace, opened, Event.FINDINGS_RESEALED, fields)
    return Counter(path.relative_to(root).parts[0] for path in plans)
