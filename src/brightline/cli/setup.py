"""`brightline init`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from brightline.cli.common import WorkspaceOption, talk, workspace_path


def init(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="Where; else as for --workspace.")
    ] = None,
    workspace: WorkspaceOption = None,
    origin: Annotated[
        str | None,
        typer.Option(
            "--origin",
            metavar="NAME",
            help="The ledger's name, as a URL without scheme; else a random one.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Make a workspace: the folder for lists, runs, settings and the ledger.

    Example: brightline init audits --origin example.org/audits
    """
    from brightline.workspace import Workspace

    made = Workspace.create(folder or workspace_path(workspace), origin)
    talk(f"made a workspace in {made.root}")
    talk("next: brightline custodian new FILE")
    talk("      brightline custodian add RECIPIENT --name NAME")
