"""What the referral commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from brightline.cli.common import plural

if TYPE_CHECKING:
    from brightline.referral.states import State

DraftArgument = Annotated[
    str, typer.Argument(metavar="DRAFT", help="As `brightline referral ls` shows.")
]

AgainOption = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT", help="Why files are reported that another referral has; it is kept."
    ),
]


def state_words(state: State) -> str:
    """Where a report is, for a person."""
    from brightline.referral.states import Finished, Opened, report_of

    report = report_of(state)
    word = type(state).__name__.lower()
    if report is None:
        return word
    filed = f", {len(report.filed)} of {plural(report.files, 'file')} filed"
    end = ""
    if isinstance(state, Opened):
        end = f", deleted there unless finished by {report.deleted_at:%Y-%m-%d %H:%M} UTC"
    if isinstance(state, Finished):
        end = f" at {state.at:%Y-%m-%d %H:%M} UTC"
    return f"{word}, report {report.report_id}{filed}{end}"
