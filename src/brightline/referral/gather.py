"""From opened findings and a run's signal archive to the items of a case file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from brightline import storage
from brightline.errors import DamagedError
from brightline.referral.casefile import CaseItem, Observation
from brightline.referral.errors import ReferralError
from brightline.referral.proposals import propose
from brightline.referral.referred import Before
from brightline.referral.selection import Selection
from brightline.screen.manifest import thaw
from brightline.screen.runs import MANIFEST, run_folder, tasks_of
from brightline.screen.task import SIGNALS
from brightline.types import Role, Shard
from brightline.workspace import Workspace

#: files in one report: a request each, within the hours that the service keeps it open
MOST_FILES = 5000

_COLUMNS = ["item", "size", "media_type", "md5", "sha1", "sha256", "declared"]
_OBSERVED = (
    "signal",
    "distance",
    "threshold",
    "list",
    "list_version",
    "entry",
    "category",
    "via",
    "orientation",
    "pdq_quality",
)

#: a shard as findings name it: source and name
Place = tuple[str, str]


def gather(
    workspace: Workspace,
    run: str,
    findings: Iterable[Mapping[str, Any]],
    selection: Selection,
    before: Before,
) -> tuple[CaseItem, ...]:
    """The run's matched files that are selected, in manifest order, numbered from 1.

    `before` knows those that other referrals have. Only matches with known-bad lists count;
    `items=` of the selection counts among all of these. Raises ReferralError if nothing is left,
    or more than a report should hold; DamagedError if a signal archive is not what its digest
    says.
    """
    grouped: dict[tuple[Place, int], list[Mapping[str, Any]]] = {}
    for finding in findings:
        if finding["role"] == Role.KNOWN_BAD:
            key = (finding["source"], finding["shard"]), finding["ordinal"]
            grouped.setdefault(key, []).append(finding)
    # findings of a shard stand as they were matched; its items have an order of their own
    order: dict[Place, int] = {}
    for place, _ in grouped:
        order.setdefault(place, len(order))
    keys = sorted(grouped, key=lambda key: (order[key[0]], key[1]))
    drawn = [_item(n, grouped[key]) for n, key in enumerate(keys, 1)]
    chosen = [
        item
        for item in drawn
        if selection.takes(item) and not (selection.unreferred and before.has(item))
    ]
    if not drawn:
        raise ReferralError(
            f"run {run} has no match with a known-bad list; there is nothing to refer"
        )
    if not chosen:
        raise ReferralError(
            f"run {run} has {len(drawn)} matched files, and none of them is selected; "
            "see `brightline findings count`"
        )
    if len(chosen) > MOST_FILES:
        raise ReferralError(
            f"{len(chosen)} files are too many for one report; make several with "
            f"--select items=1-{MOST_FILES} and so on"
        )
    numbered = [replace(item, number=n) for n, item in enumerate(chosen, 1)]
    return _with_signals(workspace, run, numbered)


def shard_places(workspace: Workspace, run: str) -> dict[Place, tuple[int, Shard]]:
    """Every shard of a run by the name that its findings carry, with its manifest number."""
    manifest = run_folder(workspace, run) / MANIFEST
    return {(shard.source, shard.name): (n, shard) for n, shard in enumerate(thaw(manifest))}


def _item(number: int, group: Sequence[Mapping[str, Any]]) -> CaseItem:
    first = group[0]
    return CaseItem(
        number=number,
        source=first["source"],
        shard=first["shard"],
        item=first["item"],
        ordinal=first["ordinal"],
        md5=None,
        sha1=None,
        sha256=first["sha256"],
        size=None,
        media_type=None,
        declared=(),
        observations=tuple(Observation(**{k: f[k] for k in _OBSERVED}) for f in group),
        proposal=propose(first.get("origin")),
    )


def _with_signals(
    workspace: Workspace, run: str, items: Sequence[CaseItem]
) -> tuple[CaseItem, ...]:
    places = shard_places(workspace, run)
    tasks = {counts["number"]: (folder, counts) for folder, counts in tasks_of(workspace, run)}
    wanted: dict[int, list[CaseItem]] = {}
    for item in items:
        place = places.get((item.source, item.shard))
        if place is None or place[0] not in tasks:
            raise DamagedError(f"a finding of run {run} names a shard that the run does not have")
        wanted.setdefault(place[0], []).append(item)
    filled: dict[int, CaseItem] = {}
    for number, group in wanted.items():
        folder, counts = tasks[number]
        path = folder / SIGNALS
        if storage.sha256_file(path) != counts["files"][SIGNALS]:
            raise DamagedError(f"{path} was altered after it was written; nothing was drafted")
        rows = _rows(path, sorted({item.ordinal for item in group}))
        for item in group:
            filled[item.number] = _filled(item, rows.get(item.ordinal), path)
    return tuple(filled[item.number] for item in items)


def _rows(path: Path, ordinals: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The archive's rows of these numbers; row groups without one are not read."""
    found: dict[int, dict[str, Any]] = {}
    try:
        with pq.ParquetFile(path) as file:
            first = 0
            for group in range(file.num_row_groups):
                count = file.metadata.row_group(group).num_rows
                inside = [n for n in ordinals if first <= n < first + count]
                if inside:
                    table = file.read_row_group(group, columns=_COLUMNS)
                    taken = table.take([n - first for n in inside]).to_pylist()
                    found.update(zip(inside, taken, strict=True))
                first += count
    except (OSError, pa.ArrowException) as error:
        raise DamagedError(f"{path} cannot be read ({type(error).__name__})") from None
    return found


def _filled(item: CaseItem, row: Mapping[str, Any] | None, path: Path) -> CaseItem:
    if row is None or row["item"] != item.item or _hex(row["sha256"]) != item.sha256:
        raise DamagedError(f"{path} and the findings of its shard do not belong together")
    return replace(
        item,
        md5=_hex(row["md5"]),
        sha1=_hex(row["sha1"]),
        size=row["size"] if row["sha256"] is not None else None,
        media_type=row["media_type"],
        declared=tuple(
            {name: value.hex() for name, value in declared.items() if value is not None}
            for declared in row["declared"]
            if any(value is not None for value in declared.values())
        ),
    )


def _hex(value: bytes | None) -> str | None:
    return None if value is None else value.hex()
