"""`brightline findings`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from brightline.cli.common import JsonOption, WorkspaceOption, open_workspace, print_json, talk

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
    identity: Annotated[
        Path, typer.Option(metavar="FILE", help="A custodian's private key.", show_default=False)
    ],
    reason: Annotated[
        str, typer.Option(metavar="TEXT", help="Why; it goes on the ledger.", show_default=False)
    ],
    workspace: WorkspaceOption = None,
) -> None:
    """Open a run's findings and print them as JSON Lines. The opening is recorded first.

    Example: brightline findings open RUN --identity anna.key --reason "case 12, referral"
    """
    from brightline.findings import load_identity
    from brightline.screen.opening import open_run

    key = load_identity(identity)
    if key.warning:
        talk(f"warning: {key.warning}")
    for finding in open_run(open_workspace(workspace), run, key, reason):
        sys.stdout.write(json.dumps(finding, ensure_ascii=False) + "\n")
