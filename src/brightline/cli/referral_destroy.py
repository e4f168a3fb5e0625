"""`brightline referral destroy`: a person's act, asked for twice."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from brightline.cli.common import (
    JsonOption,
    ReasonOption,
    WorkspaceOption,
    bytes_text,
    open_workspace,
    plural,
    print_json,
    talk,
)
from brightline.cli.referral_common import DraftArgument

if TYPE_CHECKING:
    from brightline.referral.announced import Destroyed
    from brightline.referral.destruction import Plan
    from brightline.workspace import Workspace


def destroy(
    name: DraftArgument,
    reason: ReasonOption,
    despite_floor: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", help="Why it goes before a period has passed; it goes on the ledger."
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; for who is no terminal.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Destroy a referral's sealed files, for good.

    Refused under a legal hold, while a report is unfinished, and before its periods have passed.
    The decision goes on the ledger before anything goes. Stopped in between, the same command
    completes it. Copies, backups and the disk's blocks are out of its reach; so are packages and
    the run's findings.

    Example: brightline referral destroy DRAFT --reason "every period has passed"
    """
    from brightline.law import load
    from brightline.referral.announced import read_all
    from brightline.referral.destruction import destroy as carry_out
    from brightline.referral.destruction import plan_destruction
    from brightline.referral.store import open_referral

    opened = open_workspace(workspace)
    decided = read_all(opened.ledger)[1].get(name)
    if decided is not None:
        _complete(opened, decided, yes=yes, as_json=as_json)
        return
    referral = open_referral(opened, name)
    with referral.locked():
        plan = plan_destruction(referral, load(), reason, despite_floor)
        _show(plan)
        _ask(yes)
        done = carry_out(referral, plan)
    _tell(done, plan.sealed_files, as_json)


def _complete(workspace: Workspace, decided: Destroyed, *, yes: bool, as_json: bool) -> None:
    from brightline.referral.destruction import complete, left_of

    left = left_of(workspace, decided)
    talk(f"{decided.referral} was destroyed on {decided.day}, says the ledger")
    if left:
        talk(f"{plural(len(left), 'file')} of it still there, or back")
        _ask(yes)
    _tell(decided, complete(workspace, decided), as_json)


def _show(plan: Plan) -> None:
    kept = plan.kept
    talk(f"{kept.referral}: {plural(kept.files, 'file')}, found {kept.found:%Y-%m-%d}")
    talk(f"{kept.advice}: {kept.words}")
    talk(f"goes for good: {plural(plan.sealed_files, 'sealed file')}, {bytes_text(plan.size)}")
    talk("stays: the ledger's records, the run's findings, packages, and every copy elsewhere")


def _ask(yes: bool) -> None:
    """Go on only if a person says so. Raises ReferralError otherwise."""
    from brightline.referral.errors import ReferralError

    if yes:
        return
    if not sys.stdin.isatty():
        raise ReferralError("nothing was destroyed: nobody can be asked here; decide with --yes")
    if not typer.confirm("Destroy it?", err=True):
        raise ReferralError("nothing was destroyed")


def _tell(done: Destroyed, removed: int, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "referral": done.referral,
                "run": done.run,
                "destroyed": done.at,
                "removed": removed,
                "despite_floor": done.despite_floor,
            }
        )
    else:
        talk(f"{done.referral} is destroyed: {plural(removed, 'file')} removed")
