"""The commands that read a workspace: whatever they meet, one line, a known status, no secret."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from brightline.errors import DamagedError, ListError
from brightline.lists import open_list
from tests.tamper.files import kind_of
from tests.tamper.scene import LIST, RUN, Done, Scene, run
from tests.tamper.tampering import Ages, Tampering, files_of, of_file, tampered

#: fine, something is wrong, a request that cannot be carried out, not everything screened
DOCUMENTED = {0, 1, 2, 3}
SOME = re.compile("cut in half|flipped: middle byte")
MORE = re.compile("emptied|cut in half|flipped: middle byte|removed|a folder.*|another of.*")

_RUN = (("run", "show", RUN), ("findings", "count", RUN))
_OPEN = ("findings", "open", RUN, "--reason", "a test")
#: commands that read a file of a kind, by how the kind begins
READERS: tuple[tuple[str, tuple[tuple[str, ...], ...]], ...] = (
    ("settings", (("custodian", "ls"), _OPEN)),
    ("public keys", (("ledger", "key"), _OPEN)),
    ("private key", (("ledger", "key"), _OPEN)),
    ("checkpoint", (("ledger", "show"), _OPEN)),
    ("ledger state", (_OPEN,)),
    ("tile", (_OPEN,)),
    ("entry bundle", (("ledger", "show"), _OPEN)),
    ("list", (("list", "show", LIST), ("list", "ls"))),
    ("run", (*_RUN, ("run", "ls"), _OPEN)),
    ("shard", (*_RUN, _OPEN)),
    ("referral", (("referral", "ls"),)),
    ("release", ()),
    ("lock file", (("run", "ls"), _OPEN)),
)


@pytest.fixture(scope="module")
def work(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reading")
    shutil.copytree(scene.root, folder / "workspace", symlinks=True)
    return folder


def some(scene: Scene, root: Path, *, every: bool) -> Iterator[tuple[str, Tampering]]:
    """A few tamperings with a file of each kind; the ledger, which reading adds to, is put back."""
    seen: set[str] = set()
    names = files_of(root)
    for name in names:
        kind = kind_of(name)
        if kind in seen and not every:
            continue
        seen.add(kind)
        others = [other for other in names if kind_of(other) == kind and other != name][:1]
        for made in of_file(Ages(root, scene.ages), name, others, every=False):
            if (MORE if every else SOME).fullmatch(made.how):
                yield kind, replace(made, targets=(*made.targets, "ledger"))


def check(scene: Scene, made: Tampering, command: tuple[str, ...], done: Done) -> None:
    where = f"{made}: {' '.join(command)}"
    assert done.status in DOCUMENTED, (where, done.status, done.err)
    assert "internal error" not in done.err and "Traceback" not in done.err, (where, done.err)
    opened = command[:2] == ("findings", "open") and done.status == 0
    said = (done.err if opened else done.out + done.err).lower()
    assert not any(secret in said for secret in scene.secret), where
    if done.status == 2:
        assert done.err.count("\n") == 1 and not done.out, (where, done.err)


def read_all(scene: Scene, work: Path, *, every: bool) -> int:
    root, count = work / "workspace", 0
    for kind, made in some(scene, root, every=every):
        commands = next(commands for prefix, commands in READERS if kind.startswith(prefix))
        # opening reads all there is: the others are for the long test
        commands = commands if every else commands[-1:]
        with tampered(root, made, work / "attic"):
            for command in commands:
                more = ("--identity", str(scene.key)) if command == _OPEN else ()
                done = run("--workspace", root, *command, *more)
                check(scene, made, command, done)
                count += 1
                if kind == "shard: findings" and f"/{RUN}/" in made.path and command == _OPEN:
                    assert done.status == 2, (str(made), done)
            if kind.startswith("list"):
                name = made.path.split("/")[2]
                with pytest.raises((DamagedError, ListError)) as caught:
                    open_list(root / "lists", f"{LIST}@{name}").verify()
                assert "\n" not in str(caught.value)
    return count


def test_commands_that_meet_a_tampered_file(scene: Scene, work: Path) -> None:
    assert read_all(scene, work, every=False) > 25


@pytest.mark.long
def test_commands_that_meet_any_tampered_file(scene: Scene, work: Path) -> None:
    assert read_all(scene, work, every=True) > 400


def test_the_command_verifies_and_says_so(scene: Scene, work: Path) -> None:
    root = work / "workspace"
    verify = ("--workspace", root, "ledger", "verify")
    against = [word for path in scene.kept.values() for word in ("--against", path)]
    assert run(*verify, *against).status == 0
    assert run("verify", scene.release, "--key", scene.vkey).status == 0
    path = f"lists/{LIST}"
    gone = Tampering(path, "removed", lambda folder: shutil.rmtree(folder / path), (path,))
    with tampered(root, gone, work / "attic"):
        done = run(*verify)
        assert (done.status, done.out) == (1, "")
        assert done.err.startswith("brightline: not verified: lists/hotline/0001-")
        document = json.loads(run(*verify, "--json").out)
        assert document["verified"] is False and document["fault"].endswith("is missing")


def test_a_kept_checkpoint_that_is_changed_is_refused(scene: Scene, work: Path) -> None:
    kept = work / "kept.checkpoint"
    shutil.copy2(scene.kept["reported"], kept)
    verify = ("--workspace", work / "workspace", "ledger", "verify", "--against", kept)
    assert run(*verify).status == 0
    count = 0
    for made in of_file(Ages(work), "kept.checkpoint", [], every=False):
        with tampered(work, made, work / "attic"):
            if made.how != "a link in its place":
                status = run(*verify).status
                assert status == (2 if made.how in ("removed", "a folder in its place") else 1)
                count += 1
    assert count > 15
