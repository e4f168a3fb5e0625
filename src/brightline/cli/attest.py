"""`brightline attest`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from brightline.cli.common import JsonOption, WorkspaceOption, open_workspace, print_json
from brightline.cli.verify import FileMeter


def attest(
    run: Annotated[str, typer.Argument(metavar="RUN", help="As `brightline run ls` shows.")],
    release: Annotated[
        Path | None,
        typer.Option(metavar="DEST", help="About this release of the run; else about the corpus."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="FILE", help="The statement; else in DEST/.brightline/."
        ),
    ] = None,
    sign_key: Annotated[
        Path | None,
        typer.Option(
            "--sign-key",
            "--identity",
            metavar="FILE",
            help="Sign with this Ed25519 key, PEM or SSH; else with the workspace's.",
        ),
    ] = None,
    expires: Annotated[
        str, typer.Option(metavar="WHEN", help="Days, weeks or a date: 180d, 26w, 2031-01-31.")
    ] = "180d",
    digests_only: Annotated[
        bool, typer.Option("--digests-only", help="State lists by digest, without their names.")
    ] = False,
    croissant: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write Croissant metadata, new or in what is there."),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Sign a statement of what was screened, with which lists, and what came of it.

    It is about a manifest of all files, and it goes on the ledger. Publish it with the files;
    `brightline verify` checks both.

    Example: brightline attest RUN --release clean/ --expires 180d
    """
    from brightline.ledger.keys import load_signer, public_ssh
    from brightline.release.attest import Wanted, attest, parse_expiry
    from brightline.release.statement import timestamp

    opened = open_workspace(workspace)
    signer = opened.signer() if sign_key is None else load_signer(sign_key)
    meter = FileMeter("hashing")
    try:
        made = attest(
            opened,
            Wanted(
                run=run,
                expires=parse_expiry(expires, datetime.now(UTC)),
                release=release,
                signer=signer,
                digests_only=digests_only,
                croissant=croissant,
                output=output,
            ),
            meter,
        )
    finally:
        meter.clear()
    if as_json:
        print_json(
            {
                "statement": str(made.statement),
                "proof": str(made.proof),
                "manifest": str(made.manifest),
                "croissant": None if made.croissant is None else str(made.croissant),
                "digest": f"sha256:{made.sha256}",
                "keyid": made.keyid,
                "key": signer.vkey,
                "record": made.record,
                "expires": timestamp(made.expires),
            }
        )
        return
    typer.echo(f"wrote {made.statement}")
    typer.echo(f"  proof {made.proof}, record {made.record} of the ledger")
    typer.echo(f"  manifest {made.manifest}")
    if made.croissant is not None:
        typer.echo(f"  Croissant metadata {made.croissant}")
    typer.echo(f"  expires {timestamp(made.expires)}; signed by {made.keyid}")
    typer.echo("publish this key where the files are not:")
    typer.echo(f"  {signer.vkey}")
    typer.echo(f"  {public_ssh(signer.public)}")
