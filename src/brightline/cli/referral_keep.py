"""`brightline referral clocks`, `hold` and `release-hold`: what must be kept."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from brightline.cli.common import (
    JsonOption,
    WorkspaceOption,
    open_workspace,
    plural,
    print_json,
    table,
    talk,
)
from brightline.cli.referral_common import DraftArgument

if TYPE_CHECKING:
    from brightline.referral.clocks import Kept


def clocks(
    name: Annotated[
        str | None, typer.Argument(metavar="DRAFT", help="One referral; else all.")
    ] = None,
    jurisdiction: Annotated[
        str | None, typer.Option(metavar="CODES", help="Such as US,DK; else each referral's own.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """What must be done by when, what must be kept until when, and what may have to go.

    Nothing is destroyed here; where every period has passed it says so, and a person decides:
    `brightline referral destroy`.

    Example: brightline referral clocks --jurisdiction US,DK
    """
    from brightline.law import load
    from brightline.law.words import CAVEATS
    from brightline.referral.announced import read_all
    from brightline.referral.clocks import clocks_of, lost
    from brightline.referral.destruction import left_of
    from brightline.referral.store import open_referral, referral_names

    opened = open_workspace(workspace)
    law = load()
    codes = jurisdiction.split(",") if jurisdiction else ()
    told, destroyed = read_all(opened.ledger)
    decided = [d for d in destroyed.values() if name in (None, d.referral)]
    names = [name] if name is not None else referral_names(opened)
    names = [each for each in names if each not in destroyed]
    kept = [clocks_of(open_referral(opened, each), law, codes, told) for each in names]
    gone = lost(opened, told) if name is None else []
    if gone:
        talk(
            f"warning: on the ledger and not here: {', '.join(gone)}; they were not destroyed with "
            "`brightline referral destroy`: restore them from a copy"
        )
    if as_json:
        referrals = [_kept_json(each) for each in kept]
        print_json(
            {
                "caveats": list(CAVEATS),
                "referrals": referrals,
                "not_here": gone,
                "destroyed": [
                    {
                        "referral": each.referral,
                        "run": each.run,
                        "files": each.files,
                        "at": each.at,
                        "despite_floor": each.despite_floor,
                        "still_there": len(left_of(opened, each)),
                    }
                    for each in decided
                ],
            }
        )
        return
    for each in kept:
        _show_kept(each)
    for done in decided:
        typer.echo(f"{done.referral}: {plural(done.files, 'file')}, destroyed on {done.day}")
        if left_of(opened, done):
            talk(
                f"warning: files of {done.referral} are there, left by a crash or put back; "
                f"`brightline referral destroy {done.referral}` takes them away"
            )
    for caveat in CAVEATS:
        talk(caveat)


def _kept_json(kept: Kept) -> dict[str, Any]:
    from dataclasses import asdict

    from brightline.referral.clocks import state_of
    from brightline.referral.times import utc_now

    now = utc_now()
    return {
        "referral": kept.referral,
        "run": kept.run,
        "files": kept.files,
        "found": kept.found.isoformat(),
        "reported": None if kept.reported is None else kept.reported.isoformat(),
        "hold": None
        if kept.hold is None
        else {"until": _day(kept.hold.until), "since": _day(kept.hold.since), "by": kept.hold.by},
        "advice": str(kept.advice),
        "clocks": [
            {
                **asdict(clock),
                "due": _day(clock.due),
                "keep_until": _day(clock.keep_until),
                "destroy_by": _day(clock.destroy_by),
                "last_checked": clock.last_checked.isoformat(),
                "state": state_of(clock, now),
            }
            for clock in kept.clocks
        ],
        "conflicts": [asdict(conflict) for conflict in kept.conflicts],
        "nothing_known_for": list(kept.gaps),
    }


def _day(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _show_kept(kept: Kept) -> None:
    from brightline.referral.clocks import state_of
    from brightline.referral.times import utc_now

    now = utc_now()
    reported = (
        "not reported in production"
        if kept.reported is None
        else (f"reported {kept.reported:%Y-%m-%d %H:%M} UTC")
    )
    typer.echo(
        f"{kept.referral}: {plural(kept.files, 'file')}, found {kept.found:%Y-%m-%d %H:%M} UTC, "
        f"{reported}"
    )
    typer.echo(f"{kept.advice}: {kept.words}")
    if kept.hold is not None:
        until = "until lifted" if kept.hold.until is None else f"until {kept.hold.until:%Y-%m-%d}"
        typer.echo(f"legal hold since {kept.hold.since:%Y-%m-%d}, {until}")
    rows = []
    for clock in kept.clocks:
        ends = clock.due or clock.keep_until or clock.destroy_by
        when = clock.due_text if ends is None else f"{ends:%Y-%m-%d %H:%M}"
        mark = "draft" if clock.draft else "unclear" if clock.unclear else ""
        rows.append(
            (clock.jurisdiction, str(clock.type), clock.addressee, when, state_of(clock, now), mark)
        )
    table(rows, ("WHERE", "WHAT", "TO", "UNTIL (UTC)", "", ""))
    for conflict in kept.conflicts:
        typer.echo(f"conflict: {conflict.text}")
    for code in kept.gaps:
        typer.echo(f"{code}: the table knows nothing; that is no proof that nothing is due")


ByOption = Annotated[str, typer.Option(metavar="NAME", help="Who; it is kept.")]
NoteOption = Annotated[str, typer.Option(metavar="TEXT", help="Why; it is kept.")]


def hold(
    name: DraftArgument,
    by: ByOption,
    note: NoteOption,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="With offset; else until it is lifted.")
    ] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Put a legal hold on a referral: no clock proposes its destruction while it lasts.

    Example: brightline referral hold DRAFT --by Counsel --note "order of 3 May"
    """
    from brightline.referral import holds, times
    from brightline.referral.store import open_referral

    referral = open_referral(open_workspace(workspace), name)
    end = None if until is None else times.parse(until, "the hold's end")
    holds.place(referral, by=by, note=note, until=end)
    talk(f"{name} is held")


def release_hold(
    name: DraftArgument, by: ByOption, note: NoteOption, workspace: WorkspaceOption = None
) -> None:
    """Lift a referral's legal hold.

    Example: brightline referral release-hold DRAFT --by Counsel --note "order lifted"
    """
    from brightline.referral import holds
    from brightline.referral.store import open_referral

    holds.lift(open_referral(open_workspace(workspace), name), by=by, note=note)
    talk(f"{name} is no longer held")
