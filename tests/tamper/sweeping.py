"""The tamperings of a whole workspace and of a release, made one by one, and what notices."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from brightline.errors import VerificationError
from brightline.ledger.keys import read_public
from brightline.ledger.verify import verify_workspace
from brightline.release.evidence import PublicKey
from brightline.release.verdict import State
from brightline.release.verify import Question, verify
from tests.tamper.files import KINDS, RELEASED, Kinds, kind_of
from tests.tamper.forging import forgeries
from tests.tamper.scene import Scene
from tests.tamper.tampering import (
    Ages,
    Tampering,
    files_of,
    folders_of,
    of_file,
    of_folder,
    replay,
    tampered,
)
from tests.tamper.verdicts import ROWS, Case, Row

#: folders and files that one could think of putting back together
TOGETHER = (
    ("ledger", "keys"),
    ("ledger", "runs"),
    ("ledger", "lists"),
    ("ledger", "brightline.toml", "keys"),
    ("ledger", "referrals", "releases"),
    ("runs", "lists"),
    ("brightline.toml", "keys"),
    ("referrals", "releases"),
)


@dataclass(slots=True)
class Swept:
    """What a sweep came to, by kind of file: how many tamperings, what noticed them, and of
    those that nothing refused, the row that says why. `faults` is what must not be."""

    made: Counter[str] = field(default_factory=Counter)
    noticed: Counter[tuple[str, str]] = field(default_factory=Counter)
    excused: Counter[tuple[str, Row]] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def let_pass(self, kind: str, case: Case) -> None:
        """Take a tampering that nothing refused: a row must prove why that does no harm."""
        made = case.tampering
        row = next((row for row in ROWS if row.fits(made) and row.proof(case)), None)
        if row is None:
            self.faults.append(f"not noticed: {made}")
        else:
            self.excused[kind, row] += 1

    def rows(self) -> set[Row]:
        """The rows that were needed."""
        return {row for _, row in self.excused}


def tamperings(ages: Ages, kinds: Kinds, *, every: bool) -> Iterator[tuple[str, Tampering]]:
    """What can be done to each file and each folder, with the kind of what it is done to.

    Without `every`, one file of each kind, one place of each class of bytes and one sibling;
    with it, every file, every instance, two bits of each, and two siblings.
    """
    by_kind: dict[str, list[str]] = {}
    for name in files_of(ages.now):
        by_kind.setdefault(kind_of(name, kinds), []).append(name)
    for kind, paths in by_kind.items():
        for number, path in enumerate(paths):
            if number and not every:
                break
            others = [*paths[number + 1 :], *paths[:number]][: 2 if every else 1]
            for made in of_file(ages, path, others, every=every):
                yield kind, made
    folders = {re.sub(r"[0-9a-f-]{17,}", "…", name): name for name in folders_of(ages.now)}
    for folder in folders_of(ages.now) if every else folders.values():
        for made in of_folder(ages, folder):
            yield "folder", made


def sweep_workspace(scene: Scene, work: Path, *, every: bool) -> Swept:
    """Tamper with a copy of the workspace in `work`, and verify it from its files each time."""
    root = work / "workspace"
    shutil.copytree(scene.root, root, symlinks=True)
    ages = Ages(root, scene.ages)
    before = verify_workspace(root)
    swept = Swept()
    several = (("several at once", made) for paths in TOGETHER for made in replay(ages, paths))
    whole = (("the whole workspace", made) for made in replay(ages, ()))
    forged = (("forged", made) for made in forgeries(scene))
    for kind, made in [*tamperings(ages, KINDS, every=every), *several, *whole, *forged]:
        swept.made[kind] += 1
        with tampered(root, made, work / "attic"):
            try:
                found = verify_workspace(root)
            except VerificationError as error:
                swept.noticed[kind, _check_of(str(error))] += 1
                swept.faults += _ill_said(scene, made, str(error))
            else:
                same = (found.root, found.size) == (before.root, before.size)
                named = len(found.not_covered) > len(before.not_covered)
                case = Case(scene, root, scene.root, made, same, named)
                swept.let_pass(kind, case)
    # and all was put back, or the sweep would have tested one heap of damage
    assert replace(verify_workspace(root), tiles=0) == replace(before, tiles=0)
    return swept


def sweep_release(scene: Scene, work: Path, *, every: bool) -> Swept:
    """Tamper with a copy of the release, and verify its statement each time."""
    root = work / "release"
    shutil.copytree(scene.release, root, symlinks=True)
    key = PublicKey(*read_public(scene.vkey))
    question = Question((root,), (key,), datetime.now(UTC))
    swept = Swept()
    assert verify(question).verified
    for kind, made in tamperings(Ages(root), RELEASED, every=every):
        swept.made[kind] += 1
        with tampered(root, made, work / "attic"):
            verdict = verify(question)
            if verdict.verified:
                swept.let_pass(kind, Case(scene, root, scene.release, made, True, False))
                continue
            failed = next(check for check in verdict.checks if check.state is not State.PASSED)
            swept.noticed[kind, failed.name] += 1
            swept.faults += _told(scene, made, failed.detail)
    assert verify(question).verified
    return swept


#: what noticed it, by what it says
_CHECKS = (
    (r"brightline\.toml|custodian", "the custodians on the ledger"),
    (
        r"keys/ledger\.vkeys|the key rotation|a verifier key|the verifier key",
        "the keys on the ledger",
    ),
    (r"the signature of|not signed by|the note|a line of the note|the checkpoint", "the signature"),
    (r"ledger/tile.*|tile/.*", "the tree, computed again"),
    (
        r"ledger/.*|record [0-9]+ of the ledger|a checkpoint|the entries do not",
        "the ledger's own form",
    ),
    (r".*(is missing|cannot be read)$", "a file that the ledger names is missing"),
    (r".* is not on the ledger", "a file that the ledger does not name"),
    (r".*", "the file's digest on the ledger"),
)


def _check_of(message: str) -> str:
    text = message.removeprefix("ledger/checkpoint: ")
    return next(name for pattern, name in _CHECKS if re.match(pattern, text))


def _ill_said(scene: Scene, made: Tampering, message: str) -> list[str]:
    """What is wrong with an error: it must name a file that was tampered with."""
    names = {*made.targets, *(part for part in made.path.split(" + ") if part)}
    if made.path.startswith("brightline.toml"):
        names.add("custodian")
    if made.path.startswith(("ledger", "keys")):
        # which of the tree, the checkpoint and the keys is of another time, nobody can tell
        names.add("ledger")
    # of what is put back together, the first that does not fit is named
    named = len(names) > 1 or not made.path or any(name in message for name in names)
    faults = [] if named else [f"does not name the file: {made}: {message}"]
    return faults + _told(scene, made, message)


def _told(scene: Scene, made: Tampering, message: str) -> list[str]:
    """What no message may have: several lines, a hash or a locator of what matches."""
    lowered = message.lower()
    faults = [f"more than a line: {made}"] if "\n" in message else []
    if any(secret in lowered for secret in scene.secret):
        faults.append(f"tells a secret: {made}")
    return faults
