"""Drafting a case file from a run's findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from brightline._version import __version__
from brightline.findings import Identity
from brightline.referral import times
from brightline.referral.addresses import with_addresses
from brightline.referral.casefile import CaseFile
from brightline.referral.errors import ReferralError
from brightline.referral.gather import gather
from brightline.referral.referred import check_again, referred
from brightline.referral.reporter import Reporter
from brightline.referral.selection import parse_selection
from brightline.referral.store import Referral, new_name, write_draft
from brightline.screen.opening import open_run
from brightline.screen.runs import summary_of
from brightline.workspace import Workspace


def draft(
    workspace: Workspace,
    run: str,
    identity: Identity,
    reason: str,
    reporter: Reporter,
    *,
    incident_time: datetime | None = None,
    select: Sequence[str] = (),
    read_sources: bool = False,
    again: str | None = None,
    now: times.Now = times.utc_now,
) -> Referral:
    """Open a run's findings, make a case file of those with known-bad lists, and seal it.

    `incident_time` is when the match was found; without one, when the run ended. It must have
    an offset and not lie in the future. Addresses that the dataset declares are looked up in its
    tables; `read_sources` reads other matched shards again for theirs. The opening and the draft
    go on the ledger. `again` says why files are reported that other referrals have; without it
    that is refused. Raises UsageError, SealError or DamagedError; then there is no draft.
    """
    if again is not None and not again.strip():
        raise ReferralError("say why files are reported again, with --again TEXT; it is kept")
    selection = parse_selection(select)
    summary = summary_of(workspace, run).document
    found_at = incident_time or times.parse(summary["finished"], "the run's end")
    case = CaseFile(
        referral=new_name(now),
        run=run,
        created=times.stamp(now()),
        incident_time=times.stamp(times.past(found_at, now(), "the incident's time")),
        tool=f"brightline {__version__}",
        reporter=reporter,
        lists=tuple(_listed(entry) for entry in summary["lists"]),
        items=(),
    )
    before = referred(workspace, identity)
    findings = open_run(workspace, run, identity, reason)
    case = replace(case, items=gather(workspace, run, findings, selection, before))
    if again is None:
        check_again(before, run, case.items)
    else:
        case = replace(case, again=again.strip(), others=before.with_any(case.items))
    items = with_addresses(workspace, run, case.items, read_sources=read_sources)
    case = replace(case, items=items)
    used = {(o.list, o.list_version) for item in case.items for o in item.observations}
    case = replace(case, lists=tuple(e for e in case.lists if (e["name"], e["version"]) in used))
    return write_draft(workspace, case, now)


def _listed(entry: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return {key: entry[key] for key in ("name", "version", "digest", "entries")}
    except KeyError:
        raise ReferralError("the run's summary does not tell its lists; audit again") from None
