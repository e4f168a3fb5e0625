"""Sealing what a workspace keeps of its releases to the custodians that it has now."""

from __future__ import annotations

from brightline import storage
from brightline.errors import UsageError
from brightline.findings import Identity, open_sealed, seal
from brightline.ledger import Event
from brightline.ledger.records import JSON
from brightline.release.plan import releases_dir
from brightline.workspace import Workspace


def reseal_releases(workspace: Workspace, identity: Identity, reason: str) -> int:
    """Seal the seed and every plan anew; returns how many files there were.

    Each file is replaced whole, and what it holds does not change, so that it may be done again
    after an interruption. A record on the ledger names the digests. Raises UsageError without a
    reason, and SealError, with nothing replaced, if the identity cannot open one of them.
    """
    if not reason.strip():
        raise UsageError("give a reason with --reason; it goes on the ledger")
    root = releases_dir(workspace)
    paths = sorted(root.rglob("*.age"))
    if not paths:
        return 0
    with storage.locked(root / ".lock", "the workspace's releases", wait=True):
        opened = [open_sealed(path, identity) for path in paths]
        for path, lines in zip(paths, opened, strict=True):
            seal(lines, workspace.custodians(), path)
        digests: dict[str, JSON] = {
            str(path.relative_to(root)): storage.sha256_file(path) for path in paths
        }
        workspace.ledger.append(
            Event.FINDINGS_RESEALED,
            {
                "releases": digests,
                "reason": reason,
                **workspace.opened_by(identity),
                "custodians": [c.recipient for c in workspace.custodians()],
            },
        )
    return len(paths)
