"""`brightline referral ls`, `status`, `show`, `review` and `validate`."""

from __future__ import annotations

import enum
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from brightline.cli.common import (
    IdentityOption,
    JsonOption,
    ReasonOption,
    WorkspaceOption,
    load_key,
    open_workspace,
    plural,
    print_json,
    table,
    talk,
)
from brightline.cli.referral_common import DraftArgument, state_words

if TYPE_CHECKING:
    from brightline.referral.store import Referral

EXIT_INVALID = 1


class YesNo(enum.StrEnum):
    """A person's statement."""

    YES = "yes"
    NO = "no"


class Confirm(enum.StrEnum):
    """What a person says to a proposal."""

    CONFIRM = "confirm"
    DECLINE = "decline"


def ls(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """The workspace's referrals, oldest first, with where each is.

    Example: brightline referral ls
    """
    from brightline.referral.announced import read_all
    from brightline.referral.store import open_referral, referral_names

    opened = open_workspace(workspace)
    destroyed = read_all(opened.ledger)[1]
    names = [name for name in referral_names(opened) if name not in destroyed]
    found = [open_referral(opened, name) for name in names]
    if as_json:
        print_json([_facts(referral) for referral in found])
        return
    rows = []
    for referral in found:
        states = [f"{e}: {state_words(referral.journal(e).state())}" for e in referral.endpoints()]
        where = "; ".join(states) or "drafted"
        rows.append((referral.name, referral.draft.run, str(referral.draft.files), where))
    table(rows, ("REFERRAL", "RUN", "FILES", "STATE"))


def status(
    name: DraftArgument, workspace: WorkspaceOption = None, as_json: JsonOption = False
) -> None:
    """Where a referral is, by service, without opening it.

    Example: brightline referral status DRAFT
    """
    from brightline.referral.store import check_not_destroyed, open_referral

    opened = open_workspace(workspace)
    referral = open_referral(opened, name)
    check_not_destroyed(opened, name)
    document = _facts(referral)
    if as_json:
        print_json(document)
        return
    typer.echo(f"{referral.name}: {plural(referral.draft.files, 'file')}, drafted")
    typer.echo(f"{plural(referral.review_count(), 'review')}")
    for endpoint in referral.endpoints():
        typer.echo(f"{endpoint}: {state_words(referral.journal(endpoint).state())}")


def _facts(referral: Referral) -> dict[str, Any]:
    from brightline.referral.states import report_of

    services = {}
    for endpoint in referral.endpoints():
        state = referral.journal(endpoint).state()
        report = report_of(state)
        services[endpoint] = {
            "state": type(state).__name__.lower(),
            "report_id": None if report is None else report.report_id,
            "filed": 0 if report is None else len(report.filed),
            "deleted_at": None if report is None else report.deleted_at.isoformat(),
        }
    draft = referral.draft
    return {
        "referral": draft.referral,
        "run": draft.run,
        "files": draft.files,
        "created": draft.created,
        "incident_time": draft.incident_time,
        "jurisdictions": list(draft.jurisdictions),
        "role": draft.role,
        "reviews": referral.review_count(),
        "services": services,
    }


def show(
    name: DraftArgument,
    identity: IdentityOption,
    reason: ReasonOption,
    xml: Annotated[bool, typer.Option("--xml", help="The documents as they would be sent.")] = (
        False
    ),
    workspace: WorkspaceOption = None,
) -> None:
    """Open a referral and print it as JSON Lines, or as XML. The opening is recorded first.

    Example: brightline referral show DRAFT --identity anna.key --reason "review before sending"
    """
    from brightline.referral.show import opened_documents, opened_lines
    from brightline.referral.store import open_referral

    key = load_key(identity)
    referral = open_referral(open_workspace(workspace), name)
    if xml:
        for document in opened_documents(referral, key, reason):
            sys.stdout.write(document.decode("utf-8") + "\n")
    else:
        for line in opened_lines(referral, key, reason):
            sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")


def review(
    name: DraftArgument,
    item: Annotated[int, typer.Option(metavar="N", help="The file's number in the referral.")],
    viewed: Annotated[YesNo, typer.Option(help="Did a person open this very file?")],
    by: Annotated[str, typer.Option(metavar="NAME", help="Who states it.")],
    identity: IdentityOption,
    exif_viewed: Annotated[
        YesNo | None, typer.Option(help="Did a person look at its metadata?")
    ] = None,
    generative_ai: Annotated[
        Confirm | None, typer.Option(help="Does the person believe it to be generated by a model?")
    ] = None,
    note: Annotated[str | None, typer.Option(metavar="TEXT", help="Kept with it, sealed.")] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """A person states what they did with one file. Nobody needs to view a file for this.

    What was once stated to be viewed stays viewed. Records are sealed; none is replaced.

    Example: brightline referral review DRAFT --item 3 --viewed no --by Anna --identity anna.key
    """
    from brightline.referral.review import state_review
    from brightline.referral.store import open_referral

    sent = state_review(
        open_referral(open_workspace(workspace), name),
        load_key(identity),
        item,
        viewed=viewed is YesNo.YES,
        by=by,
        exif_viewed=None if exif_viewed is None else exif_viewed is YesNo.YES,
        generative_ai=None if generative_ai is None else generative_ai is Confirm.CONFIRM,
        note=note,
    )
    talk(f"recorded for file {item}")
    if sent:
        talk("warning: a report is open or finished already, and does not have it")


def validate(
    what: Annotated[str, typer.Argument(metavar="DRAFT|FILE.xml", help="What to validate.")],
    identity: Annotated[
        Path | None, typer.Option(metavar="FILE", help="For a referral: a custodian's key.")
    ] = None,
    xsd: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The service's own schema, downloaded.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Is a referral, or a document, what the schema says? Names the element that is not.

    Status 1 if not. Before production, validate with the schema that the service offers.

    Example: brightline referral validate DRAFT --identity anna.key --xsd cybertip.xsd
    """
    from brightline.errors import UsageError
    from brightline.referral.times import utc_now
    from brightline.referral.validate import own_schema, read_schema

    schema = own_schema() if xsd is None else read_schema(xsd)
    if what.lower().endswith(".xml"):
        try:
            documents = [(what, Path(what).read_bytes())]
        except OSError as error:
            raise UsageError(f"cannot read {what}: {error.strerror}") from None
    else:
        from brightline.referral.show import current_documents
        from brightline.referral.store import open_referral

        if identity is None:
            raise UsageError("a referral is sealed: give --identity, or name a FILE.xml")
        referral = open_referral(open_workspace(workspace), what)
        documents = current_documents(referral, load_key(identity))
    problems = [
        {"document": name, "element": problem.element, "problem": problem.what}
        for name, data in documents
        for problem in schema.problems(data, utc_now())
    ]
    if as_json:
        print_json({"documents": len(documents), "valid": not problems, "problems": problems})
    else:
        for problem in problems:
            typer.echo(f"{problem['document']}: {problem['element']}: {problem['problem']}")
        talk(f"{plural(len(documents), 'document')}, {plural(len(problems), 'problem')}")
    if problems:
        raise typer.Exit(EXIT_INVALID)
