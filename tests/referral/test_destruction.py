"""A referral is destroyed by a person, on the ledger first, whole after any crash."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from brightline import storage
from brightline.errors import DamagedError, VerificationError
from brightline.law import load
from brightline.ledger import JSON, Event
from brightline.ledger.verify import verify_workspace
from brightline.referral import holds
from brightline.referral.announced import Destroyed, listing_digest, read_all, read_told
from brightline.referral.clocks import Advice, clocks_of, lost
from brightline.referral.destruction import complete, destroy, left_of, plan_destruction
from brightline.referral.errors import ReferralError
from brightline.referral.referred import check_sent
from brightline.referral.review import state_review
from brightline.referral.service import Service
from brightline.referral.store import Referral, open_referral, write_draft
from brightline.referral.submit import Submission
from brightline.referral.validate import own_schema
from brightline.workspace import Workspace
from tests.referral.cases import Desk, make_desk, random_case
from tests.referral.cybertip import Cybertip, Line
from tests.referral.killing import Fuse, Killed
from tests.referral.scene import Ran, run

PRODUCTION = Service("production", "http://127.0.0.1:9/ispws")


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A referral with a review, from a time that the law table knows."""
    monkeypatch.setattr(os, "fsync", lambda _: None)  # power does not fail here
    desk = make_desk(tmp_path)
    desk.clock.forward(days=266)
    state_review(desk.referral, desk.identity, 1, viewed=False, by="Ann")
    return desk


def submit(desk: Desk) -> None:
    line = Line(Cybertip(desk.clock, lenient=True))
    Submission(desk.referral, desk.identity, PRODUCTION, line, own_schema()).submit()


def go(referral: Referral, despite: str | None = "counsel says so") -> Destroyed:
    with referral.locked():
        return destroy(referral, plan_destruction(referral, load(), "its time has passed", despite))


def refused(desk: Desk, match: str, despite: str | None = None) -> None:
    before = desk.workspace.ledger.checkpoint()
    with pytest.raises(ReferralError, match=match):
        go(desk.referral, despite)
    assert desk.workspace.ledger.checkpoint() == before
    assert desk.referral.case(desk.identity).items, "nothing was destroyed"


def not_covered(workspace: Workspace) -> list[str]:
    return verify_workspace(workspace.root).not_covered


def test_it_goes_when_every_period_has_passed_and_the_ledger_still_verifies(desk: Desk) -> None:
    submit(desk)
    refused(desk, "period of preservation runs.*despite-floor")
    refused(desk, "empty", " ")
    (floor,) = {
        c.keep_until for c in clocks_of(desk.referral, load()).clocks if c.keep_until is not None
    }
    desk.clock.now = floor
    assert clocks_of(desk.referral, load()).advice is Advice.PROPOSE_DESTRUCTION
    holds.place(desk.referral, by="Counsel", note="order", until=None)
    refused(desk, "legal hold", "no reason is enough")
    holds.lift(desk.referral, by="Counsel", note="lifted")
    told = read_told(desk.workspace.ledger)
    size = sum((desk.referral.root / path).stat().st_size for path in told)
    done = go(desk.referral, None)
    assert not desk.referral.folder.exists()
    (record,) = desk.workspace.ledger.records(Event.REFERRAL_DESTROYED)
    assert record.fields == {
        "referral": desk.referral.name,
        "run": "run-1",
        "reason": "its time has passed",
        "files": 2,
        "sealed_files": len(told),
        "bytes": size,
        "listing": listing_digest(told),
        "finished": ["production"],
        "advice": "destruction proposed",
    }
    assert not_covered(desk.workspace) == []
    assert (done.sealed, done.despite_floor) == (told, None)
    assert lost(desk.workspace, read_told(desk.workspace.ledger)) == []
    with pytest.raises(ReferralError, match="was destroyed on"):
        open_referral(desk.workspace, desk.referral.name)
    with pytest.raises(ReferralError, match="was destroyed on"):
        holds.place(desk.referral, by="x", note="y", until=None)
    assert complete(desk.workspace, done) == 0
    # what it reported is reported again only if somebody says why
    other = write_draft(desk.workspace, random_case(9, 2), desk.clock)
    with pytest.raises(ReferralError, match=r"is destroyed.*--again"):
        check_sent(other, desk.identity, other.case(desk.identity).items, "production")
    check_sent(other, desk.identity, other.case(desk.identity).items, "other")


def test_an_unfinished_report_keeps_it(desk: Desk) -> None:
    with desk.referral.locked():
        journal = desk.referral.journal("test")
        intent: dict[str, JSON] = {"attempt": 1, "files": 2, "reviews": 1, "upload": False}
        intent["endpoint"] = "x"
        journal.note("opening", intent)
    refused(desk, r"unfinished \(opening\).*resolve", "said")
    with desk.referral.locked():
        journal.note("unknown")
    refused(desk, r"unfinished \(unknown\)", "said")
    with desk.referral.locked():
        journal.note("not_opened")
    assert go(desk.referral).despite_floor == "counsel says so"
    assert not_covered(desk.workspace) == []


def test_what_the_table_knows_no_period_for_and_what_is_unreported_want_words(desk: Desk) -> None:
    desk.clock.forward(days=9000)
    refused(desk, "no report in production")
    (desk.referral.folder / "notes.txt").write_text("mine")
    refused(desk, "notes.txt is not on the ledger", "said")
    (desk.referral.folder / "notes.txt").unlink()
    review = desk.referral.folder / "reviews" / "000000.age"
    data = review.read_bytes()
    review.write_bytes(data + b"x")
    with pytest.raises(DamagedError, match="not what the ledger says"):
        go(desk.referral)
    review.unlink()
    with pytest.raises(DamagedError, match="missing"):
        go(desk.referral)
    review.write_bytes(data)
    with desk.referral.locked(), pytest.raises(ReferralError, match="--reason"):
        plan_destruction(desk.referral, load(), " ", "said")
    go(desk.referral)


Deed = Callable[[Path], object]


@pytest.mark.parametrize(
    "deed, message",
    [
        (lambda home: (home / "case.age").write_bytes(b"x"), "case.age is not what the ledger"),
        (lambda home: (home / "holds").write_bytes(b"x"), "holds is not on the ledger"),
        (lambda home: (home / "reviews" / "000001.age").write_bytes(b"x"), "is not on the ledger"),
    ],
)
def test_of_a_destroyed_referral_only_its_absence_is_accepted(
    desk: Desk, deed: Deed, message: str
) -> None:
    home = desk.referral.folder
    copy = desk.key.with_name("copy")
    shutil.copytree(home, copy)
    done = go(desk.referral)
    shutil.copytree(copy, home)
    (line,) = not_covered(desk.workspace)
    assert f"referrals/{home.name}: destroyed on {done.day}" in line and "are there (3)" in line
    with pytest.raises(ReferralError, match="was destroyed on"):
        open_referral(desk.workspace, home.name).case(desk.identity)
    deed(home)
    with pytest.raises(VerificationError, match=message):
        verify_workspace(desk.workspace.root)
    if "case" in message:
        assert complete(desk.workspace, done) == 3
        assert not_covered(desk.workspace) == []
    else:
        with pytest.raises(ReferralError, match="was not there"):
            complete(desk.workspace, done)
        assert (home / "case.age").exists()


def test_a_record_that_lists_something_else_excuses_nothing(desk: Desk) -> None:
    other = write_draft(desk.workspace, random_case(9, 2), desk.clock)
    told = read_told(desk.workspace.ledger)
    part = {p: d for p, d in told.items() if p.startswith(other.name)}
    for listing in ("", listing_digest(told), listing_digest(part)):
        fields: dict[str, Any] = {"referral": desk.referral.name, "listing": listing}
        desk.workspace.ledger.append(Event.REFERRAL_DESTROYED, fields)
    shutil.rmtree(desk.referral.folder)
    with pytest.raises(VerificationError, match="missing"):
        verify_workspace(desk.workspace.root)


@pytest.mark.parametrize("every", [5, pytest.param(1, marks=pytest.mark.long)])
def test_killed_at_any_write_the_same_command_completes(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, every: int
) -> None:
    pristine = desk.key.with_name("pristine")
    root, name = desk.workspace.root, desk.referral.name
    shutil.copytree(root, pristine)
    durable = ("write_atomic", "append_durable", "write_in_place", "fsync_directory")
    calls = [(storage, what) for what in durable] + [(os, what) for what in ("unlink", "rmdir")]
    fuse = Fuse(monkeypatch, *calls)
    go(desk.referral)
    points = fuse.count
    assert points > 10
    seen = set()
    for point in (*range(1, points, every), points - 1, points):
        fuse.set(-1)
        shutil.rmtree(root)
        shutil.copytree(pristine, root)
        fuse.set(point)
        with pytest.raises(Killed):
            go(open_referral(Workspace.open(root), name, desk.clock))
        fuse.set(-1)
        workspace = Workspace.open(root)
        decided = read_all(workspace.ledger)[1].get(name)
        named = not_covered(workspace)
        if decided is None:
            seen.add("as it was")
            assert open_referral(workspace, name).case(desk.identity).items
            go(open_referral(workspace, name, desk.clock))
        else:
            left = left_of(workspace, decided)
            seen.add("half" if left else "gone")
            assert any(f"referrals/{name}: destroyed" in line for line in named) == bool(left)
            assert complete(workspace, decided) == len(left)
        assert not (root / "referrals" / name).exists()
        assert not_covered(workspace) == []
        assert len(list(workspace.ledger.records(Event.REFERRAL_DESTROYED))) == 1
    assert seen == {"as it was", "half", "gone"}


def test_on_the_command_line(desk: Desk) -> None:
    environment = {**os.environ, "BRIGHTLINE_WORKSPACE": str(desk.workspace.root)}
    name, folder = desk.referral.name, desk.referral.folder
    copy = desk.key.with_name("copy")
    shutil.copytree(folder, copy)
    command: tuple[str, ...] = ("referral", "destroy", name, "--reason", "a drill ends")

    def do(*arguments: str, status: int = 0) -> Ran:
        done = run(environment, *arguments)
        assert done.returncode == status, done
        return done

    early = do(*command, "--yes", status=2)
    assert "--despite-floor" in early.stderr and early.stderr.count("\n") == 1
    command = (*command, "--despite-floor", "it was a drill")
    assert "--yes" in do(*command, status=2).stderr and folder.is_dir()
    done = json.loads(do(*command, "--yes", "--json").stdout)
    assert (done["referral"], done["removed"]) == (name, 3) and not folder.exists()
    assert done["despite_floor"] == "it was a drill"
    clocks = do("referral", "clocks", name)
    assert f"{name}: 2 files, destroyed on {done['destroyed'][:10]}" in clocks.stdout
    assert "warning" not in clocks.stderr
    assert "was destroyed on" in do("referral", "status", name, status=2).stderr
    # put back from a copy
    shutil.copytree(copy, folder)
    assert f"destroy {name}" in do("ledger", "verify").stdout
    assert name in do("referral", "status", name, status=2).stderr
    told = json.loads(do("referral", "clocks", name, "--json").stdout)
    assert [row["still_there"] for row in told["destroyed"]] == [3]
    assert f"destroy {name}" in do("referral", "clocks").stderr
    assert name not in do("referral", "ls").stdout
    assert "--yes" in do(*command, status=2).stderr and folder.is_dir()
    assert "3 files removed" in do(*command, "--yes").stderr
    assert not folder.exists()


@pytest.mark.parametrize("answer", ["y", "n"])
def test_on_a_terminal_it_asks(desk: Desk, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    import typer

    from brightline.cli import referral_destroy

    asked = []

    def confirm(text: str, **_: Any) -> bool:
        asked.append(text)
        return answer == "y"

    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(typer, "confirm", confirm)

    def act() -> None:
        referral_destroy.destroy(
            desk.referral.name, "x", despite_floor="y", workspace=desk.workspace.root
        )

    if answer == "y":
        act()
    else:
        with pytest.raises(ReferralError, match="nothing was destroyed"):
            act()
    assert asked == ["Destroy it?"]
    assert desk.referral.folder.exists() == (answer == "n")
