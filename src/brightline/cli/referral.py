"""`brightline referral`: draft, review, validate, package; sending is in `referral_send`."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated, Any

import typer

from brightline.cli import referral_destroy, referral_keep, referral_review, referral_send
from brightline.cli.common import (
    IdentityOption,
    JsonOption,
    ReasonOption,
    WorkspaceOption,
    load_key,
    open_workspace,
    plural,
    print_json,
    talk,
)
from brightline.cli.referral_common import AgainOption, DraftArgument

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Reports to a hotline or agency: draft, review, validate, send, and what must be kept.",
)


class To(enum.StrEnum):
    """What a draft is for."""

    CYBERTIPLINE = "cybertipline"
    PACKAGE = "package"


RecipientsOption = Annotated[
    list[str] | None,
    typer.Option("--recipient", metavar="AGE", help="Seal to this recipient too."),
]
StatementOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="A statement to put into the package.")
]


@app.command()
def draft(
    run: Annotated[str, typer.Argument(metavar="RUN", help="As `brightline run ls` shows.")],
    to: Annotated[To, typer.Option(help="A report, or a package for who has no interface.")],
    identity: IdentityOption,
    reason: ReasonOption,
    reporter: Annotated[
        Path,
        typer.Option(metavar="FILE", help="TOML: who reports, see docs.", show_default=False),
    ],
    incident_time: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="When it was found, with offset; else the run's end."),
    ] = None,
    select: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WORD", help="list=…, signal=…, category=…, items=1-10,14 or unreferred."
        ),
    ] = None,
    jurisdiction: Annotated[
        str | None, typer.Option(metavar="CODES", help="Such as US,DK; else the reporter's.")
    ] = None,
    read_sources: Annotated[
        bool,
        typer.Option("--read-sources", help="Read matched shards again for declared addresses."),
    ] = False,
    again: AgainOption = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Where a package goes.")
    ] = None,
    recipient: RecipientsOption = None,
    statement: StatementOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a case file of a run's matches with known-bad lists, and seal it.

    Nothing is sent. Every file stands as not viewed until `referral review` says otherwise.

    Example: brightline referral draft RUN --to cybertipline --identity anna.key --reason "case 12"
    --reporter us.toml
    """
    from dataclasses import replace

    from brightline.errors import UsageError
    from brightline.referral import times
    from brightline.referral.addresses import unaddressed
    from brightline.referral.draft import draft as make
    from brightline.referral.package import make_package
    from brightline.referral.reporter import read_reporter

    if (to is To.PACKAGE) != (output is not None):
        raise UsageError("-o FILE goes with --to package, and --to package needs it")
    if to is not To.PACKAGE and (recipient or statement):
        raise UsageError("--recipient and --statement go with --to package")
    if output is not None and output.exists():
        raise UsageError(f"{output} exists already; choose another name for the package")
    found = read_reporter(reporter)
    codes = jurisdiction.split(",") if jurisdiction else list(found.jurisdictions)
    found = replace(found, jurisdictions=_jurisdictions(codes))
    key = load_key(identity)
    made = make(
        open_workspace(workspace),
        run,
        key,
        reason,
        found,
        incident_time=None if incident_time is None else times.parse(incident_time),
        select=select or (),
        read_sources=read_sources,
        again=again,
    )
    if not made.draft.jurisdictions:
        talk("warning: no jurisdiction is given, so no clock runs; see --jurisdiction")
    items = made.case(key).items
    proposals = sum(item.proposal is not None for item in items)
    without = unaddressed(items)
    document: dict[str, Any] = {
        "referral": made.name,
        "run": run,
        "files": made.draft.files,
        "proposals": proposals,
        "addresses": sum(bool(item.urls) for item in items),
        "addresses_not_read": without,
        "incident_time": made.draft.incident_time,
    }
    if output is not None:
        packed = make_package(made, key, output, recipients=recipient or (), statement=statement)
        document |= {"package": str(output), "sha256": packed.sha256}
        talk(f"sealed to {plural(packed.recipients, 'recipient')}")
    if as_json:
        print_json(document)
        return
    typer.echo(made.name)
    talk(f"{plural(made.draft.files, 'file')}, sealed; none is stated to have been viewed")
    if without:
        talk(
            f"warning: of {plural(without, 'file')} the dataset declares an address that is not in "
            "the report: see --read-sources, or the source has changed since the audit"
        )
    if proposals:
        talk(
            f"{plural(proposals, 'file')} with evidence of AI generation: proposed, and written "
            "into the report only if confirmed with `brightline referral review`"
        )


def _jurisdictions(codes: list[str]) -> tuple[str, ...]:
    """Codes as the law table knows them; a table that is refused stops no report."""
    from brightline.errors import UsageError
    from brightline.law import load, resolve
    from brightline.referral.reporter import checked_jurisdictions

    try:
        law = load()
    except UsageError as error:
        talk(f"warning: {error}; no clock can be told until it is mended")
        return checked_jurisdictions(tuple(code.strip() for code in codes))
    return resolve(law, codes)


@app.command("package")
def package(
    name: DraftArgument,
    identity: IdentityOption,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="A new file.")],
    recipient: RecipientsOption = None,
    statement: StatementOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a signed, sealed package of a referral, with the reviews made so far.

    Example: brightline referral package DRAFT --identity anna.key --recipient age1… -o case.age
    """
    from brightline.referral.package import make_package
    from brightline.referral.store import open_referral

    key = load_key(identity)
    packed = make_package(
        open_referral(open_workspace(workspace), name),
        key,
        output,
        recipients=recipient or (),
        statement=statement,
    )
    if as_json:
        print_json({"package": str(output), "sha256": packed.sha256, "files": packed.files})
    else:
        talk(f"{output}: {plural(packed.files, 'file')}")
        talk(f"sealed to {plural(packed.recipients, 'recipient')}")


@app.command("open-package")
def open_package(
    package: Annotated[Path, typer.Argument(metavar="FILE", help="A package.")],
    identity: IdentityOption,
    key: Annotated[
        list[str],
        typer.Option(metavar="KEY", help="The sender's public key: vkey, PEM or ssh line."),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="A new folder.")],
    as_json: JsonOption = False,
) -> None:
    """Check a package's seal, signature and files, and write the files into a new folder.

    The folder holds in clear where the material is. Keep it as you keep such material.

    Example: brightline referral open-package case.age --identity me.key --key sender.pub -o case
    """
    from brightline.ledger.keys import read_public
    from brightline.referral.package import open_package as check

    publics = [read_public(text)[1] for text in key]
    manifest = check(package, load_key(identity), publics, output)
    if as_json:
        print_json({"package": str(package), "verified": True, "manifest": manifest})
    else:
        talk(f"signed with the key given, and whole: {plural(len(manifest['files']), 'file')}")
        talk("not verified: who holds the key, and what the files that are told of show")


app.command("ls")(referral_review.ls)
app.command("status")(referral_review.status)
app.command("show")(referral_review.show)
app.command("review")(referral_review.review)
app.command("validate")(referral_review.validate)
app.command("submit")(referral_send.submit)
app.command("retract")(referral_send.retract)
app.command("resolve")(referral_send.resolve)
app.command("clocks")(referral_keep.clocks)
app.command("hold")(referral_keep.hold)
app.command("release-hold")(referral_keep.release_hold)
app.command("destroy")(referral_destroy.destroy)
