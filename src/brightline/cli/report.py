"""`brightline report`."""

from __future__ import annotations

import enum
import sys
from pathlib import Path
from typing import Annotated

import typer

from brightline.cli.common import WorkspaceOption, open_workspace, talk


class Format(enum.StrEnum):
    """What a report can be written as."""

    HTML = "html"
    JSON = "json"


def report(
    run: Annotated[str, typer.Argument(metavar="RUN", help="As `brightline run ls` shows.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Else standard output.")
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="What to write.")] = Format.HTML,
    workspace: WorkspaceOption = None,
) -> None:
    """Write what an audit did, in counts: nothing in it points at an item.

    Example: brightline report RUN --format html -o report.html
    """
    from brightline.report.write import write_report

    text = write_report(open_workspace(workspace), run, form, output)
    if output is None:
        sys.stdout.write(text)
    else:
        talk(f"wrote {output}")
