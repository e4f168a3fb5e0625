"""Sealing referrals anew: open to the new custodian, closed to the old, whole after any crash."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from brightline import storage
from brightline.errors import DamagedError, SealError, UsageError
from brightline.findings import Identity, load_identity, new_identity
from brightline.ledger.verify import verify_workspace
from brightline.referral.errors import ReferralError
from brightline.referral.resealing import reseal_referrals
from brightline.referral.review import state_review
from brightline.referral.service import Service
from brightline.referral.store import Referral, open_referral
from brightline.referral.submit import Submission
from brightline.referral.validate import own_schema
from brightline.workspace import Workspace
from tests.referral.cases import Desk, make_desk
from tests.referral.cybertip import Cybertip, Line
from tests.referral.killing import Fuse, Killed

SERVICE = Service("test", "http://127.0.0.1:9/ispws")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A referral with a review and a finished report, and a second custodian who came later."""
    desk = make_desk(tmp_path)
    state_review(desk.referral, desk.identity, 1, viewed=True, by="Ann")
    send(desk.referral, desk.identity, Cybertip(desk.clock, lenient=True))
    desk.workspace.add_custodian(new_identity(tmp_path / "second.key"), "Second")
    return desk


def send(referral: Referral, identity: Identity, service: Cybertip) -> Submission:
    submission = Submission(referral, identity, SERVICE, Line(service), own_schema())
    submission.submit()
    return submission


def second(desk: Desk) -> Identity:
    return load_identity(desk.key.with_name("second.key"))


def everything(referral: Referral, identity: Identity) -> tuple[Any, ...]:
    journal = referral.journal("test")
    steps = journal.steps()
    return (
        referral.case(identity),
        referral.reviews(identity),
        [journal.sent_of(n, identity) for n, step in enumerate(steps) if "sealed_sent" in step],
        [journal.answer_of(n, identity) for n, step in enumerate(steps) if "sealed_answer" in step],
    )


def test_the_new_custodian_opens_all_of_it_and_the_old_nothing(desk: Desk) -> None:
    before = everything(desk.referral, desk.identity)
    with pytest.raises(SealError, match="not among"):
        desk.referral.case(second(desk))
    with pytest.raises(UsageError, match="reason"):
        reseal_referrals(desk.workspace, desk.identity, " ")
    assert not reseal_referrals(desk.workspace, desk.identity, "Ben joins", "other-run")
    done = reseal_referrals(desk.workspace, desk.identity, "Ben joins", "run-1")
    assert done == {"run-1": 1}
    assert everything(desk.referral, second(desk)) == before
    desk.workspace.remove_custodian("Tester")
    assert reseal_referrals(desk.workspace, second(desk), "Tester left").total() == 1
    for path in desk.referral.folder.rglob("*.age"):
        with pytest.raises(SealError, match="not among"):
            storage_open(path, desk.identity)
    assert everything(desk.referral, second(desk)) == before
    # gone on with: nothing is asked again, and more can be stated
    service = Cybertip(desk.clock)
    send(desk.referral, second(desk), service)
    assert service.requests == []
    state_review(desk.referral, second(desk), 2, viewed=False, by="Ben")
    verify_workspace(desk.workspace.root)
    records = [r for r in desk.workspace.ledger.records() if r.kind == "findings_resealed"]
    assert [r.fields["reason"] for r in records] == ["Ben joins", "Tester left"]


def storage_open(path: Path, identity: Identity) -> None:
    from brightline.findings import open_sealed

    open_sealed(path, identity)


def test_nothing_is_replaced_by_who_cannot_open_it_or_where_it_was_altered(desk: Desk) -> None:
    files = {p: p.read_bytes() for p in desk.referral.folder.rglob("*.age")}
    with pytest.raises(SealError, match="not among"):
        reseal_referrals(desk.workspace, second(desk), "mine")
    assert {p: p.read_bytes() for p in desk.referral.folder.rglob("[!.]*.age")} == files
    assert desk.referral.case(desk.identity).items
    answer = max(files)
    answer.write_bytes(files[desk.referral.folder / "case.age"])
    with pytest.raises(DamagedError, match="not what the ledger says"):
        reseal_referrals(desk.workspace, desk.identity, "Ben joins")
    with pytest.raises(SealError):
        desk.referral.case(second(desk))


@pytest.mark.parametrize("every", [6, pytest.param(1, marks=pytest.mark.long)])
def test_killed_anywhere_it_is_completed_or_as_it_was(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, every: int
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)
    before = everything(desk.referral, desk.identity)
    pristine = desk.key.with_name("pristine")
    shutil.copytree(desk.workspace.root, pristine)
    fuse = Fuse(
        monkeypatch, *((storage, name) for name in ("write_atomic", "rename", "write_in_place"))
    )
    reseal_referrals(desk.workspace, desk.identity, "x")
    points = fuse.count
    assert points > 20
    seen = set()
    for point in range(1, points + 1, every):
        fuse.set(-1)
        shutil.rmtree(desk.workspace.root)
        shutil.copytree(pristine, desk.workspace.root)
        fuse.set(point)
        with pytest.raises(Killed):
            reseal_referrals(Workspace.open(desk.workspace.root), desk.identity, "x")
        fuse.set(-1)
        verify_workspace(desk.workspace.root)
        referral = open_referral(Workspace.open(desk.workspace.root), desk.referral.name)
        try:
            assert everything(referral, desk.identity) == before
        except ReferralError as error:
            assert "cut short" in str(error)
            seen.add("cut short")
        with referral.locked():
            pass
        assert everything(referral, desk.identity) == before
        assert not list(referral.folder.rglob(".tmp-announced-*"))
        reseal_referrals(referral.workspace, desk.identity, "x")
        assert everything(referral, second(desk)) == before
    assert seen or every > 1
