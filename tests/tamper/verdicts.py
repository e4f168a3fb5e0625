"""What no check notices, and why that does no harm: each row with its proof.

Everything that no row names must be noticed by `ledger verify` alone.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from brightline.errors import BrightlineError, VerificationError
from brightline.ledger.verify import verify_workspace
from brightline.lists import list_names, list_versions
from brightline.screen.runs import run_names
from brightline.workspace import Workspace
from tests.tamper.scene import Scene
from tests.tamper.tampering import Tampering


class Unnoticed(enum.StrEnum):
    """Why something is not refused by `ledger verify` alone."""

    HARMLESS = "harmless"
    NAMED = "named as not covered"
    AGAINST = "only with --against"


@dataclass(frozen=True, slots=True)
class Case:
    """A tampering that verification let pass, in the folder `root` as it now is.

    `whole` is the folder as it was. `same_tree` says whether the ledger was found to be the
    same, `named` whether more than before is named as not covered.
    """

    scene: Scene
    root: Path
    whole: Path
    tampering: Tampering
    same_tree: bool
    named: bool


@dataclass(frozen=True, slots=True)
class Row:
    """What it is about, for a reader; a pattern of the path and one of what was done; the
    verdict, the reason, and its proof."""

    what: str
    path: str
    how: str
    verdict: Unnoticed
    why: str
    proof: Callable[[Case], bool]

    def fits(self, tampering: Tampering) -> bool:
        """Whether this row speaks of it."""
        path = re.fullmatch(self.path, tampering.path)
        return bool(path and re.fullmatch(self.how, tampering.how))


def _same_tree(case: Case) -> bool:
    return case.same_tree


def _same_key_or_refused(case: Case) -> bool:
    try:
        return Workspace.open(case.root).signer().vkey == case.scene.vkey
    except BrightlineError:
        return True


def _same_custodians_or_refused(case: Case) -> bool:
    try:
        found = Workspace.open(case.root).custodians()
    except BrightlineError:
        return True
    return [(c.name, c.recipient) for c in found] == [("Anna", case.scene.recipient)]


def _same_bytes(case: Case) -> bool:
    path = case.tampering.path
    return (case.root / path).read_bytes() == (case.whole / path).read_bytes()


def _nothing_reads_it(case: Case) -> bool:
    def seen(root: Path) -> object:
        workspace = Workspace.open(root)
        lists = {
            name: [m.version for m in list_versions(workspace.lists_dir, name)]
            for name in list_names(workspace.lists_dir)
        }
        return set(run_names(workspace)), lists, workspace.custodians()

    return case.same_tree and seen(case.root) == seen(case.scene.root)


def _named(case: Case) -> bool:
    return case.named


def _against(case: Case) -> bool:
    kept = [("kept", case.scene.kept["now"].read_bytes())]
    try:
        verify_workspace(case.root, against=kept)
    except VerificationError as error:
        return str(error).startswith("kept")
    return False


_ANY = ".*"
_REPLAYED = r"(folder )?put back (together )?from an older copy.*"

ROWS: tuple[Row, ...] = (
    Row(
        "lock files",
        r"(.*/)?\.lock[^/]*", _ANY, Unnoticed.HARMLESS,
        "Processes lock it; nobody reads it, and it is made again when it is gone. A folder of "
        "that name makes every command that needs the lock fail.",
        _same_tree,
    ),
    Row(
        "`keys/ledger.pem`",
        r"keys/ledger\.pem", _ANY, Unnoticed.HARMLESS,
        "It is no evidence. What is not the last key of `keys/ledger.vkeys` is refused before "
        "anything is signed; what still is that key signs as before.",
        _same_key_or_refused,
    ),
    Row(
        "`brightline.toml`, but for its custodians",
        r"brightline\.toml", _ANY, Unnoticed.HARMLESS,
        "Comments, blanks and settings are the owner's to edit; the custodians are the ones on "
        "the ledger. What is no longer TOML or of no known format, every command refuses.",
        _same_custodians_or_refused,
    ),
    Row(
        "partial tiles of earlier sizes, removed",
        r"ledger/tile/.*\.p/[0-9]+", "removed|a folder in its place", Unnoticed.HARMLESS,
        "A partial tile of an earlier size: the larger form, which is verified, holds the same.",
        _same_tree,
    ),
    Row(
        "links to the same bytes in `ledger/`, `keys/`, a release's `.brightline/`",
        r"keys/ledger\.vkeys|ledger/.*|\.brightline/.*", "a link in its place",
        Unnoticed.HARMLESS,
        "The bytes behind the link are read and verified; if they change, that is noticed.",
        _same_bytes,
    ),
    Row(
        "temporary files added",
        _ANY, "a temporary file added", Unnoticed.HARMLESS,
        "What a crash leaves: nothing reads a name that begins with `.tmp-`.",
        _nothing_reads_it,
    ),
    Row(
        "files added beside lists, runs and keys",
        r"(keys|lists|lists/[^/]*|runs)", "a file added", Unnoticed.HARMLESS,
        "No such name is ever looked for; lists, versions and runs are folders.",
        _nothing_reads_it,
    ),
    Row(
        "a version of a list added",
        r"lists/[^/]*", "a version added", Unnoticed.NAMED,
        "A version that was put there without `list import` is named. `audit` and `rescreen` "
        "refuse it, and a run on the ledger that used it is an error.",
        _named,
    ),
    Row(
        "a run added that was only begun",
        r"runs", "a run added that was only begun", Unnoticed.NAMED,
        "It has no results, as an audit that was stopped before its first record has none.",
        _named,
    ),
    Row(
        "sealing anew, as if it had been cut off",
        r"runs/.*", "as if sealing anew had been cut off", Unnoticed.NAMED,
        "What the ledger announces lies beside what was there before, as after a crash; "
        "`findings reseal` completes it, and nothing is opened until then.",
        _named,
    ),
    Row(
        "a review or a step added",
        r"referrals/[^/]*(/reviews)?", "a (review|step) added", Unnoticed.NAMED,
        "A review or a step is sealed, and then recorded: one more than the ledger has may be "
        "what a crash left, and is named.",
        _named,
    ),
    Row(
        "the whole ledger put back, together with all that changed since",
        r"(ledger)?( \+ .*)?", _REPLAYED, Unnoticed.AGAINST,
        "It was so once, signatures and all. Whoever kept a newer checkpoint sees that records "
        "were taken away.",
        _against,
    ),
)  # fmt: skip
