"""`brightline release`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from brightline.cli.common import (
    IdentityOption,
    JsonOption,
    Meter,
    ReasonOption,
    WorkspaceOption,
    bytes_text,
    duration_text,
    load_key,
    open_workspace,
    plural,
    print_json,
)


def release(
    run: Annotated[str, typer.Argument(metavar="RUN", help="As `brightline run ls` shows.")],
    dest: Annotated[Path, typer.Argument(metavar="DEST", help="Where nothing is yet.")],
    identity: IdentityOption,
    reason: ReasonOption,
    cover: Annotated[
        float,
        typer.Option(
            metavar="FRACTION",
            help="How much of the rest leaves too, besides 100 samples for each match; 0: none.",
        ),
    ] = 0.01,
    keep_unscreened: Annotated[
        bool, typer.Option("--keep-unscreened", help="Keep what could not be screened.")
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a run's sources to DEST without what matched, in the same layout.

    A random sample leaves as well, so that the difference does not point at the matches. What
    could not be screened leaves too. The original is never changed. Stop it at any time: the
    same command goes on where it was.

    Example: brightline release RUN /data/clean --identity anna.key --reason "release 1.1"
    """
    from brightline.release.plan import Options
    from brightline.release.releasing import release as make

    options = Options(cover, keep_unscreened)
    key = load_key(identity)
    opened = open_workspace(workspace)
    meter = Meter()
    try:
        made = make(opened, run, dest, key, reason, options, listen=meter, say=meter.say)
    finally:
        meter.clear()
    if as_json:
        print_json(made)
        return
    samples, leaving = made["samples"], made["leaving"]
    typer.echo(f"released {made['run']} to {made['dest']}")
    typer.echo(
        f"  {plural(samples['total'], 'sample')}: {samples['kept']} kept, "
        f"{samples['removed']} removed ({leaving['matched']} matched, "
        f"{leaving['cover']} cover, {leaving['unscreened']} not screened in full)"
    )
    typer.echo(
        f"  {plural(made['files'], 'file')}, {bytes_text(made['bytes'])} "
        f"in {duration_text(made['elapsed_s'])}"
    )
    if made["unscreened"]["kept"]:
        typer.echo(
            "  kept although not screened in full: "
            f"{plural(made['unscreened']['samples'], 'sample')}"
        )
    typer.echo(
        "  whoever sees the difference and picks a removed sample has picked a match with a "
        f"chance of {leaving['chance']:.2%}"
    )
    typer.echo(f"  manifest {made['manifest']}")
