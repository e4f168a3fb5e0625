"""`brightline rescreen`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from brightline.cli.audit import tell
from brightline.cli.common import (
    JsonOption,
    Meter,
    WorkspaceOption,
    open_workspace,
    print_json,
)

if TYPE_CHECKING:
    from brightline.lists import HashList

_DELTA = re.compile(r"([^@]+)@(.+?)\.\.(.+)")


def rescreen(
    run: Annotated[str, typer.Argument(metavar="RUN", help="As `brightline run ls` shows.")],
    lists: Annotated[
        list[str] | None,
        typer.Option("--list", metavar="NAME[@VERSION]", help="A list; may be repeated."),
    ] = None,
    deltas: Annotated[
        list[str] | None,
        typer.Option(
            "--delta",
            metavar="NAME@OLD..NEW",
            help="Only the entries that version NEW has and OLD has not; may be repeated.",
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--run", metavar="NAME", help="Name of the new run, to resume or to begin."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=1024, help="Processes; else one a core.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> int:
    """Match what a run archived against other lists, as a new run. No source is read.

    Without --list and --delta: the newest versions of the run's own lists. Stop it at any time:
    the same command goes on where it was.

    Example: brightline rescreen 20260102-030405-abcdef --delta hotline@0007..0008
    """
    from brightline.screen.nursery import prepare

    prepare()
    from brightline.lists import open_list
    from brightline.screen.rescreen import rescreen as start

    opened = open_workspace(workspace)
    chosen = [open_list(opened.lists_dir, reference) for reference in lists or ()]
    chosen += [_open_delta(opened.lists_dir, text) for text in deltas or ()]
    meter = Meter()
    try:
        summary = start(
            run, chosen, opened, name=name, workers=workers, listen=meter, say=meter.say
        )
    finally:
        meter.clear()
    if as_json:
        print_json(summary.document)
    else:
        tell(summary)
    return summary.exit_status


def _open_delta(lists_dir: Path, text: str) -> HashList:
    from brightline.errors import UsageError
    from brightline.lists import open_delta

    parts = _DELTA.fullmatch(text)
    if parts is None:
        raise UsageError("--delta takes NAME@OLD..NEW, for example hotline@0007..0008")
    return open_delta(lists_dir, *parts.groups())
