"""`brightline findings`."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from brightline.cli.common import (
    IdentityOption,
    JsonOption,
    ReasonOption,
    WorkspaceOption,
    load_key,
    open_workspace,
    plural,
    print_json,
    talk,
)

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Sealed findings: count or open them."
)

RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="As `brightline run ls` shows.")]


@app.command()
def count(run: RunArgument, workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """How many findings a run has, without opening any.

    Example: brightline findings count 20260102-030405-abcdef
    """
    from brightline.screen.runs import summary_of

    matches = summary_of(open_workspace(workspace), run).document["matches"]
    if as_json:
        print_json(matches)
    else:
        typer.echo(f"{matches['total'] + matches['known_good']}")


@app.command("open")
def open_findings(
    run: RunArgument,
    identity: IdentityOption,
    reason: ReasonOption,
    workspace: WorkspaceOption = None,
) -> None:
    """Open a run's findings and print them as JSON Lines. The opening is recorded first.

    Example: brightline findings open RUN --identity anna.key --reason "case 12, referral"
    """
    from brightline.screen.opening import open_run

    key = load_key(identity)
    for finding in open_run(open_workspace(workspace), run, key, reason):
        sys.stdout.write(json.dumps(finding, ensure_ascii=False) + "\n")


@app.command()
def reseal(
    identity: IdentityOption,
    reason: ReasonOption,
    run: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="As `brightline run ls` shows.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every run of the workspace.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Seal findings anew, to the custodians of today, after one was added or removed.

    The plans of releases and the referrals are sealed anew with them. Who asked, and why, goes
    on the ledger. Stopped in between, the same command completes it.

    Example: brightline findings reseal RUN --identity anna.key --reason "Ben joins the team"
    """
    from brightline.errors import UsageError
    from brightline.referral.resealing import reseal_referrals
    from brightline.release.resealing import reseal_releases
    from brightline.screen.resealing import reseal_run
    from brightline.screen.runs import run_names

    if (run is None) != every:
        raise UsageError("name one run, or say --all")
    opened = open_workspace(workspace)
    key = load_key(identity)
    done = []
    for name in run_names(opened) if run is None else [run]:
        resealed = reseal_run(opened, name, key, reason)
        done.append(resealed)
        talk(
            f"{name}: {plural(resealed.findings, 'finding')} of {plural(resealed.tasks, 'shard')} "
            f"sealed to {plural(len(resealed.custodians), 'custodian')}"
        )
    plans = reseal_releases(opened, key, reason, run)
    if plans:
        talk(f"{plural(plans.total(), 'plan')} of releases sealed anew")
    referrals = reseal_referrals(opened, key, reason, run)
    if referrals:
        talk(f"{plural(referrals.total(), 'referral')} sealed anew")
    if as_json:
        print_json(
            [
                {
                    "run": one.run,
                    "shards": one.tasks,
                    "plans": plans[one.run],
                    "referrals": referrals[one.run],
                    "findings": one.findings,
                    "custodians": [custodian.name for custodian in one.custodians],
                }
                for one in done
            ]
        )
