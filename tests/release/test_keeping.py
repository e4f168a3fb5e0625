"""The seed and the plans of releases: in place only after the ledger has their digests."""

from __future__ import annotations

from pathlib import Path

import pytest

from brightline import storage
from brightline.errors import DamagedError, VerificationError
from brightline.findings import Custodian, Identity, load_identity, new_identity, seal
from brightline.ledger import Event, Log
from brightline.ledger.verify import verify_workspace
from brightline.release.keeping import put, releases_dir, settle, take
from brightline.release.plan import _held, _seed
from brightline.release.resealing import reseal_releases
from brightline.workspace import Workspace


class Stop(Exception):
    """Stands for a crash."""


def make(folder: Path) -> tuple[Workspace, Identity]:
    workspace = Workspace.create(folder / "workspace")
    key = folder / "custodian.key"
    workspace.add_custodian(new_identity(key), "Tester")
    return workspace, load_identity(key)


def seed_of(workspace: Workspace, identity: Identity) -> str:
    with _held(workspace):
        return _seed(workspace, "r", identity)


def keep(workspace: Workspace, name: str, value: int) -> Path:
    path = releases_dir(workspace) / name
    put(workspace, {path: [{"value": value}]}, Event.RELEASE_PLANNED, {"run": "r"})
    return path


def test_a_seed_is_made_once_and_verified(tmp_path: Path) -> None:
    workspace, identity = make(tmp_path)
    seed = seed_of(workspace, identity)
    assert seed_of(workspace, identity) == seed
    assert verify_workspace(workspace.root).kinds["release_planned"] == 1
    keep(workspace, "r/cover-0/plan.age", 1)
    assert reseal_releases(workspace, identity, "a test") == {"r": 1}
    assert seed_of(workspace, identity) == seed
    assert verify_workspace(workspace.root).not_covered == []


def test_what_somebody_else_sealed_is_not_taken(tmp_path: Path) -> None:
    workspace, identity = make(tmp_path)
    seed_of(workspace, identity)
    path = keep(workspace, "r/cover-0/plan.age", 1)
    stranger = [Custodian("Tester", identity.recipients[0])]
    seal([{"value": 2}], stranger, path)
    with pytest.raises(DamagedError, match="not what the ledger says"):
        take(workspace, path, identity)
    with pytest.raises(VerificationError, match=r"plan\.age is not what the ledger says"):
        verify_workspace(workspace.root)
    planted = path.with_name("other.age")
    seal([{"value": 3}], stranger, planted)
    with pytest.raises(DamagedError):
        take(workspace, planted, identity)


def test_a_seed_that_is_gone_is_not_made_anew(tmp_path: Path) -> None:
    workspace, identity = make(tmp_path)
    seed_of(workspace, identity)
    (releases_dir(workspace) / "seed.age").unlink()
    with pytest.raises(DamagedError, match=r"seed\.age"):
        seed_of(workspace, identity)


@pytest.mark.parametrize("anew", [False, True])
@pytest.mark.parametrize("announced", [False, True])
def test_what_a_crash_cut_off_is_completed_or_forgotten(
    tmp_path: Path, anew: bool, announced: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, identity = make(tmp_path)
    path = releases_dir(workspace) / "r" / "plan.age"
    if anew:
        keep(workspace, "r/plan.age", 1)

    def stop(*_: object) -> None:
        raise Stop

    with monkeypatch.context() as patch:
        if announced:
            patch.setattr(storage, "rename", stop)
        else:
            patch.setattr(Log, "append", stop)
        with pytest.raises(Stop):
            keep(workspace, "r/plan.age", 2)
    assert verify_workspace(workspace.root).not_covered
    settle(workspace)
    assert verify_workspace(workspace.root).not_covered == []
    assert not list(releases_dir(workspace).rglob(".tmp-*"))
    if announced or anew:
        assert take(workspace, path, identity) == [{"value": 2 if announced else 1}]
    else:
        assert not path.exists()
