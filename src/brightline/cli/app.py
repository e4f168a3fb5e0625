"""All commands under one roof."""

from __future__ import annotations

from typing import Annotated

import typer

from brightline._version import __version__
from brightline.cli import (
    attest,
    audit,
    custodian,
    demo,
    findings,
    hashing,
    law,
    ledger,
    lists,
    origin,
    referral,
    release,
    report,
    rescreen,
    runs,
    setup,
    verify,
)
from brightline.cli.common import WorkspaceOption, choose_workspace

app = typer.Typer(
    name="brightline",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Screen images against lists of known illegal material, by hash alone.",
    epilog="Exit status: 0 all screened, nothing matched; 1 something matched; 2 usage; "
    "3 nothing matched, not everything could be screened; 70 internal error.",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"brightline {__version__}")
        raise typer.Exit


@app.callback()
def root(
    workspace: WorkspaceOption = None,
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Screen images against lists of known illegal material, by hash alone."""
    choose_workspace(workspace)


app.command("init")(setup.init)
app.add_typer(custodian.app, name="custodian")
app.add_typer(lists.app, name="list")
app.command("audit", cls=audit.Audit)(audit.audit)
app.command("rescreen")(rescreen.rescreen)
app.add_typer(runs.app, name="run")
app.add_typer(findings.app, name="findings")
app.add_typer(ledger.app, name="ledger")
app.command("report")(report.report)
app.command("release")(release.release)
app.command("attest")(attest.attest)
app.command("verify")(verify.verify)
app.add_typer(referral.app, name="referral")
app.command("hash")(hashing.hash_files)
app.command("origin")(origin.origin)
app.add_typer(law.app, name="law")
app.command("demo")(demo.demo)
