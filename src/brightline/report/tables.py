"""The report's tables: captions, columns and cells, ready for the template.

Text that is not ours (paths, names, codes) is isolated with `bdi`, so that its direction of
writing cannot touch what stands beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from markupsafe import Markup

from brightline.report.figures import (
    duration,
    exact_duration,
    exact_size,
    moment,
    number,
    share,
    visible,
    words,
)
from brightline.report.schema import ListCount, Origin, OriginNote, Point, Report, Scalar
from brightline.types import Role

UNRECORDED = "not recorded"

Cell: TypeAlias = str | Markup

# a table of a point for every second of a week is of no use; the JSON report has them all
_POINTS = 48


class Column(NamedTuple):
    """A column's head; figures are set flush right."""

    title: str
    numeric: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells, the first of each being the row's head.

    `stack` says that on a narrow screen each row becomes a block, each cell led by its column.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    stack: bool = False


def foreign(text: str | None) -> Cell:
    """Text that came from outside."""
    return UNRECORDED if text is None else Markup("<bdi>{}</bdi>").format(visible(text))


def code(text: str | None) -> Cell:
    """Outside text that a machine reads: digests, codes."""
    if text is None:
        return UNRECORDED
    return Markup("<code><bdi>{}</bdi></code>").format(visible(text))


def maybe(value: int | None) -> str:
    """A count, or that there is none."""
    return UNRECORDED if value is None else number(value)


def counts(caption: str, head: str, data: Mapping[str, int] | Sequence[tuple[str, int]]) -> Table:
    """What, how many, which share."""
    pairs = list(data.items()) if isinstance(data, Mapping) else list(data)
    whole = sum(value for _, value in pairs)
    return Table(
        caption,
        (Column(head), Column("Count", True), Column("Share", True)),
        tuple((foreign(key), number(value), share(value, whole)) for key, value in pairs),
    )


def run(report: Report) -> Table:
    """When, how long and with what."""
    facts, tool = report["run"], report["tool"]
    rate = UNRECORDED
    if facts["elapsed_s"] and report["items"]["items"] is not None:
        rate = f"{number(round(report['items']['items'] / facts['elapsed_s'], 1))} items a second"
    elapsed = UNRECORDED if facts["elapsed_s"] is None else exact_duration(facts["elapsed_s"])
    times = [None if t is None else moment(t) for t in (facts["started"], facts["finished"])]
    return Table(
        "The run",
        (Column("Fact"), Column("Value")),
        (
            ("Run", foreign(facts["name"])),
            ("State", foreign(facts["state"])),
            ("Started", foreign(times[0])),
            ("Finished", foreign(times[1])),
            ("Time taken", elapsed),
            ("Rate on average", rate),
            ("Workers", maybe(facts["workers"])),
            ("Shards, in all", maybe(facts["shards_total"])),
            ("Shards committed", maybe(facts["shards_committed"])),
            ("Tool", foreign(f"{tool['name']} {tool['version'] or UNRECORDED}")),
        ),
    )


def parameters(report: Report) -> Table:
    """What the run was asked to do."""
    return Table(
        "Parameters",
        (Column("Parameter"), Column("Value")),
        tuple((code(key), _scalar(value)) for key, value in report["parameters"].items()),
    )


def _scalar(value: Scalar) -> Cell:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return foreign(value) if isinstance(value, str) else number(value)


def lists(report: Report) -> Table:
    """The snapshots that were matched against."""
    rows = []
    for entry in report["lists"]:
        signals = ", ".join(f"{key} {number(n)}" for key, n in entry["counts"].items())
        name = Markup("{}<br><span class='fine'>{}</span>").format(
            foreign(entry["name"]), code(entry["digest"])
        )
        pdq = f"≤ {maybe(entry['pdq_threshold'])} bits, quality ≥ {maybe(entry['pdq_min_quality'])}"
        rows.append(
            (
                name,
                foreign(entry["version"]),
                foreign(entry["role"]),
                maybe(entry["entries"]),
                foreign(signals or None),
                pdq,
                foreign(entry["pipeline"]),
            )
        )
    return Table(
        "Hash lists used, with the digest of each snapshot",
        (
            Column("List"),
            Column("Version"),
            Column("Role"),
            Column("Entries", True),
            Column("Signals"),
            Column("PDQ match"),
            Column("Pipeline"),
        ),
        tuple(rows),
        stack=True,
    )


def sources(report: Report) -> Table:
    """What was read."""
    rows = []
    for entry in report["sources"]:
        kinds = ", ".join(f"{key} {number(n)}" for key, n in entry["kinds"].items())
        path = Markup("{}<br><span class='fine'>manifest {}<br>content {}</span>").format(
            foreign(entry["path"]),
            code(entry["manifest_digest"]),
            code(entry["content_digest"]),
        )
        rows.append(
            (
                path,
                foreign(kinds or None),
                maybe(entry["shards"]),
                maybe(entry["items"]),
                UNRECORDED if entry["bytes"] is None else exact_size(entry["bytes"]),
            )
        )
    return Table(
        "Sources, with the digests of manifest and content",
        (
            Column("Source"),
            Column("Shards by kind"),
            Column("Shards", True),
            Column("Items", True),
            Column("Size", True),
        ),
        tuple(rows),
        stack=True,
    )


def reasons(report: Report) -> Table:
    """Why items were not screened in full."""
    return Table(
        "Why items were not screened; those that leave a gap first",
        (
            Column("Reason"),
            Column("Items", True),
            Column("Outcome"),
            Column("Leaves a gap"),
            Column("Code"),
        ),
        tuple(
            (
                reason["text"],
                number(reason["count"]),
                words(reason["kind"]) if reason["kind"] else "unknown",
                "yes" if reason["gap"] else "no",
                code(reason["code"]),
            )
            for reason in report["reasons"]
        ),
        stack=True,
    )


def notes(report: Report) -> Table:
    """Remarks on items of whatever outcome."""
    return Table(
        "Remarks on items, whatever their outcome",
        (Column("Remark"), Column("Items", True), Column("Code")),
        tuple(
            (
                note["text"] or foreign(words(note["code"])),
                number(note["count"]),
                code(note["code"]),
            )
            for note in report["notes"]
        ),
        stack=True,
    )


def origin_claims(found: Origin) -> Table:
    """Items by claim and by the strongest evidence for it."""
    return Table(
        "What files say of their origin, by the strongest evidence for each claim",
        (Column("Claim"), Column("Strength"), Column("Items", True), Column("Meaning")),
        tuple(
            (
                foreign(words(one["claim"])),
                foreign(words(one["strength"])),
                number(one["count"]),
                one["text"],
            )
            for one in found["claims"]
        ),
        stack=True,
    )


def origin_notes(caption: str, head: str, found: Sequence[OriginNote]) -> Table:
    """Items by contradiction, by remark, or by why they were not examined."""
    return Table(
        caption,
        (Column(head), Column("Items", True), Column("Code")),
        tuple((foreign(one["text"]), number(one["count"]), code(one["code"])) for one in found),
        stack=True,
    )


def by_list(pairs: Sequence[tuple[str, int]]) -> Table:
    """Observations by list, for the first screen."""
    return Table(
        "Observations by list",
        (Column("List"), Column("Observations", True)),
        tuple((foreign(name), number(count)) for name, count in pairs),
    )


def list_name(entry: ListCount) -> str:
    """`NAME@VERSION`, marked where an observation means the contrary of the usual."""
    good = entry["role"] == Role.KNOWN_GOOD
    return f"{entry['list']} (known-good)" if good else entry["list"]


def thin(points: Sequence[Point], limit: int) -> list[Point]:
    """At most `limit` points, evenly chosen, the last always among them."""
    step = max(1, -(-len(points) // limit))
    return list(points[::-1][::step][::-1])


def throughput(points: Sequence[Point]) -> Table:
    """Progress over time."""
    kept = thin(points, _POINTS)
    caption = "Progress over time, cumulative"
    if len(kept) < len(points):
        caption += f" ({number(len(kept))} of {number(len(points))} points)"
    return Table(
        caption,
        (Column("After"), Column("Seconds", True), Column("Items", True), Column("Bytes", True)),
        tuple(
            (
                duration(point["t_s"]),
                number(point["t_s"]),
                number(point["items"]),
                maybe(point["bytes"]),
            )
            for point in kept
        ),
    )
