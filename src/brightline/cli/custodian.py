"""`brightline custodian`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from brightline.cli.common import (
    JsonOption,
    WorkspaceOption,
    open_workspace,
    print_json,
    table,
    talk,
)

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Who may open findings: age recipients."
)


@app.command()
def new(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write the private key.")],
) -> None:
    """Make a custodian's key pair; print the recipient, keep FILE where only they can read it.

    Example: brightline custodian new /media/safe/anna.key
    """
    from brightline.findings import new_identity

    recipient = new_identity(file)
    talk(f"the private key is in {file}: keep it safe, and off this machine")
    typer.echo(recipient)


@app.command()
def add(
    recipient: Annotated[
        str, typer.Argument(metavar="RECIPIENT", help="age1…, or a line of an SSH public key.")
    ],
    name: Annotated[str, typer.Option("--name", metavar="N", help="A name for the ledger.")],
    workspace: WorkspaceOption = None,
) -> None:
    """Seal the findings of later audits to this custodian too.

    Example: brightline custodian add age1… --name "Anna, trust and safety"
    """
    open_workspace(workspace).add_custodian(recipient, name)
    talk(f"added custodian {name}")


@app.command("rm")
def remove(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As `custodian ls` shows it.")],
    workspace: WorkspaceOption = None,
) -> None:
    """Seal the findings of later audits to this custodian no longer.

    Earlier findings stay open to them until `brightline findings reseal` seals them anew.

    Example: brightline custodian rm "Anna, trust and safety"
    """
    open_workspace(workspace).remove_custodian(name)
    talk(f"removed custodian {name}; seal earlier findings anew with `brightline findings reseal`")


@app.command("ls")
def list_custodians(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Who findings are sealed to.

    Example: brightline custodian ls
    """
    custodians = open_workspace(workspace).custodians()
    if as_json:
        print_json([{"name": c.name, "recipient": c.recipient} for c in custodians])
    else:
        table([(c.name, c.recipient) for c in custodians], ("name", "recipient"))
