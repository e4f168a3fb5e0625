"""Drafting a case file from a run's findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from brightline._version import __version__
from brightline.findings import Identity
from brightline.referral import times
from brightline.referral.casefile import CaseFile, CaseItem
from brightline.referral.errors import ReferralError
from brightline.referral.gather import gather
from brightline.referral.reporter import Reporter
from brightline.referral.reread import read_again
from brightline.referral.selection import parse_selection
from brightline.referral.store import Referral, new_name, open_referral, referral_names, write_draft
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
    now: times.Now = times.utc_now,
) -> Referral:
    """Open a run's findings, make a case file of those with known-bad lists, and seal it.

    `incident_time` is when the match was found; without one, when the run ended. It must have
    an offset and not lie in the future. `read_sources` reads matched shards again for the
    addresses that the dataset declares. The opening and the draft go on the ledger. Raises
    UsageError, SealError or DamagedError; then there is no draft.
    """
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
    findings = open_run(workspace, run, identity, reason)
    case = replace(case, items=gather(workspace, run, findings, selection))
    if read_sources:
        case = replace(case, items=_with_addresses(workspace, run, case.items))
    used = {(o.list, o.list_version) for item in case.items for o in item.observations}
    case = replace(case, lists=tuple(e for e in case.lists if (e["name"], e["version"]) in used))
    return write_draft(workspace, case, now)


def others_of(referral: Referral) -> list[str]:
    """Other referrals of the same run: a second report of the same files helps nobody."""
    workspace = referral.workspace
    return [
        name
        for name in referral_names(workspace)
        if name != referral.name and open_referral(workspace, name).draft.run == referral.draft.run
    ]


def _listed(entry: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return {key: entry[key] for key in ("name", "version", "digest", "entries")}
    except KeyError:
        raise ReferralError("the run's summary does not tell its lists; audit again") from None


def _with_addresses(
    workspace: Workspace, run: str, items: tuple[CaseItem, ...]
) -> tuple[CaseItem, ...]:
    addresses = {}
    with_bytes = [item for item in items if item.sha256 is not None]
    for item, content in read_again(workspace, run, with_bytes):
        found = [declared.url for declared in content.declared if declared.url]
        if found:
            addresses[item.number] = found[0]
    return tuple(replace(item, url=addresses.get(item.number)) for item in items)
