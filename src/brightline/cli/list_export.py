"""`brightline list export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from brightline.cli.common import (
    JsonOption,
    WorkspaceOption,
    open_workspace,
    plural,
    print_json,
    talk,
)


def export(
    name: Annotated[str, typer.Argument(metavar="NAME[@VERSION]")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file to write.")],
    form: Annotated[
        str,
        typer.Option("--format", metavar="csv|vics", help="vics has the shape of Project VIC 2.0."),
    ] = "csv",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a version of a list to a file, and say what the format cannot hold.

    Example: brightline list export hotline hotline.json --format vics
    """
    from brightline.errors import ListError
    from brightline.lists import open_list
    from brightline.lists.exporting import ExportFormat, export_list

    if form not in set(ExportFormat):
        raise ListError(f"a list is exported as {' or '.join(ExportFormat)}; say --format")
    found = open_list(open_workspace(workspace).lists_dir, name)
    done = export_list(found, file, ExportFormat(form))
    for sentence in done.sentences():
        talk(f"warning: {sentence}")
    if as_json:
        print_json(
            {
                "name": found.manifest.name,
                "version": found.manifest.version,
                "format": form,
                "entries": done.entries,
                "written": done.written,
                "lost": {loss.name.lower(): count for loss, count in sorted(done.lost.items())},
            }
        )
    else:
        typer.echo(
            f"wrote {plural(done.written, 'entry')} of {found.manifest.name}@"
            f"{found.manifest.version}; keep the file as safe as the list"
        )
