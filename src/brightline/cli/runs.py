"""`brightline run`."""

from __future__ import annotations

from typing import Annotated

import typer

from brightline.cli.audit import tell
from brightline.cli.common import JsonOption, WorkspaceOption, open_workspace, print_json, table

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Audits that were begun.")


@app.command("ls")
def list_runs(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """All runs, oldest first.

    Example: brightline run ls
    """
    from brightline.screen.runs import run_names, summary_of

    opened = open_workspace(workspace)
    found = [summary_of(opened, name).document for name in run_names(opened)]
    keys = ("run", "state", "started", "items", "failed")
    if as_json:
        print_json([{key: d[key] for key in keys} | {"matches": d["matches"]} for d in found])
    else:
        rows = [(*(str(d[key]) for key in keys), str(d["matches"]["total"])) for d in found]
        table(rows, (*keys, "matches"))


@app.command()
def show(
    run: Annotated[str, typer.Argument(metavar="RUN")],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """One run's summary; of an unfinished one, what is committed so far.

    Example: brightline run show 20260102-030405-abcdef --json
    """
    from brightline.screen.runs import summary_of

    summary = summary_of(open_workspace(workspace), run)
    if as_json:
        print_json(summary.document)
    else:
        tell(summary)
