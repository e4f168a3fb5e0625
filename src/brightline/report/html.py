"""The JSON report → one HTML file.

The page needs nothing from anywhere: no script, no font, no image, no link out. Its
Content-Security-Policy forbids whatever would load something, should a browser disagree.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Final, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from brightline.errors import UsageError
from brightline.report import charts, tables
from brightline.report.figures import counted, duration, moment, number, share, visible
from brightline.report.origin import lead
from brightline.report.schema import SCHEMA, Items, Observations, Origin, Point, Report
from brightline.report.tables import Table
from brightline.types import PDQ_THRESHOLD

_WAYS: Final = (
    ("screened", "screened", "every signal that applies was made and matched"),
    ("exact_only", "exact only", "matched by digest; no perceptual signal"),
    ("skipped", "skipped", "there was nothing to read"),
    ("failed", "failed", "should have been screened in full and was not"),
)
_ROWS = 12  # of a chart
_FEW = 6  # of the first screen
_POINTS = 240


class Panel(NamedTuple):
    """A chart and the table behind it, which is printed where the chart lacks its figures."""

    heading: str
    chart: Markup
    table: Table
    print: bool = False


class Way(NamedTuple):
    """A line of the legend under the bar of outcomes."""

    style: str
    label: str
    meaning: str
    items: str
    share: str


def render_html(report: Report) -> str:
    """A self-contained page for what `build_report` made (or its JSON read back).

    Raises `UsageError` for a report of another schema version.
    """
    if report.get("schema") != SCHEMA:
        raise UsageError(
            f"the report is not of schema {SCHEMA}; make it again from its run with this version"
        )
    run, found = report["run"], report["observations"]
    origin = report.get("origin")  # a report of an earlier program has no such key
    return _template().render(
        report=report,
        run_name=tables.foreign(run["name"]) if run["name"] else "a run without a name",
        times=_times(report),
        key_figures=_key_figures(report),
        outcome_bar=_outcome_bar(report["items"]),
        ways=_ways(report["items"]),
        by_list=_by_list(found),
        observation_panels=_observation_panels(report),
        observation_tables=_observation_tables(found),
        origin_lead=lead(origin) if origin else None,
        origin_tables=_origin_tables(origin),
        content_panels=_content_panels(report),
        throughput_panel=_throughput_panel(report["throughput"]),
        reasons=tables.reasons(report),
        notes=tables.notes(report),
        reconciliation=_reconciliation(report),
        lists=tables.lists(report),
        sources=tables.sources(report),
        run_table=tables.run(report),
        parameters=tables.parameters(report),
    )


@functools.cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("brightline.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    return environment.get_template("report.html.j2")


def _finalize(value: object) -> object:
    # whatever the template prints passes here, so that no foreign text is forgotten
    if isinstance(value, str) and not isinstance(value, Markup):
        return visible(value)
    return value


def _times(report: Report) -> str:
    run = report["run"]
    parts = []
    if run["started"] is not None:
        parts.append(f"started {moment(run['started'])}")
    if run["finished"] is not None:
        parts.append(f"finished {moment(run['finished'])}")
    if run["elapsed_s"] is not None:
        parts.append(f"took {duration(run['elapsed_s'])}")
    return " · ".join(parts)


def _key_figures(report: Report) -> list[tuple[str, str, str]]:
    items, found = report["items"], report["observations"]
    made = found["total"] if found else None
    on = found["items"] if found else None
    return [
        (
            "Items",
            tables.maybe(items["items"]),
            counted(len(report["sources"]), "source")
            if report["sources"]
            else "sources not recorded",
        ),
        (
            "Observations",
            tables.maybe(made),
            "signals within a list's threshold" if on is None else f"on {counted(on, 'item')}",
        ),
        (
            "Gaps",
            tables.maybe(items["gaps"]),
            "items that could hold a picture, not screened in full",
        ),
    ]


def _counts(items: Items) -> list[int | None]:
    return [items["screened"], items["exact_only"], items["skipped"], items["failed"]]


def _outcome_bar(items: Items) -> Markup:
    segments = [
        charts.Segment(label, count or 0, style)
        for (style, label, _), count in zip(_WAYS, _counts(items), strict=True)
    ]
    said = ", ".join(f"{number(segment.value)} {segment.label}" for segment in segments)
    return charts.stacked_bar("outcomes", "Items by outcome", f"{said}.", segments)


def _ways(items: Items) -> list[Way]:
    counts = _counts(items)
    whole = items["items"] or sum(count or 0 for count in counts)
    return [
        Way(
            style,
            label,
            meaning,
            tables.maybe(count),
            "–" if count is None else share(count, whole),
        )
        for (style, label, meaning), count in zip(_WAYS, counts, strict=True)
    ]


def _by_list(found: Observations | None) -> Table:
    pairs = (
        [(tables.list_name(entry), entry["count"]) for entry in found["by_list"]] if found else []
    )
    return tables.by_list(_first(pairs, _FEW))


def _observation_panels(report: Report) -> list[Panel]:
    found = report["observations"]
    if not found or not (found["total"] or found["known_good"]):
        return []
    by_list = [(tables.list_name(entry), entry["count"]) for entry in found["by_list"]]
    panels = [
        Panel(
            "By list",
            charts.bars(
                "by-list", "Observations by list", _largest(by_list), _first(by_list, _ROWS)
            ),
            tables.counts("Observations by list", "List", by_list),
            print=len(by_list) > _ROWS,
        )
    ]
    if found["by_distance"]:
        distances = _distances(report, found["by_distance"])
        panels.append(
            Panel(
                "By distance",
                charts.histogram(
                    "by-distance",
                    "Observations by distance",
                    _largest(distances),
                    distances,
                    "bits that differ; exact signals have 0",
                ),
                tables.counts("Observations by distance in bits", "Distance", found["by_distance"]),
                print=True,
            )
        )
    return panels


def _distances(report: Report, counts: dict[str, int]) -> list[tuple[str, int]]:
    thresholds = [entry["pdq_threshold"] for entry in report["lists"]]
    known = [threshold for threshold in thresholds if threshold is not None]
    end = max(max(known, default=PDQ_THRESHOLD), *(int(key) for key in counts))
    present = {int(key): value for key, value in counts.items()}
    return [(str(bits), present.get(bits, 0)) for bits in range(end + 1)]


def _observation_tables(found: Observations | None) -> list[Table]:
    if not found:
        return []
    made = (
        ("Observations by signal", "Signal", found["by_signal"]),
        ("Observations by view of the item", "View", found["by_via"]),
        ("Observations by the list's own category", "Category", found["by_category"]),
    )
    return [tables.counts(caption, head, counts) for caption, head, counts in made if counts]


def _origin_tables(found: Origin | None) -> list[Table]:
    if found is None:
        return []
    made = [
        tables.origin_notes(
            "Evidence that does not agree, for a person to look into",
            "Contradiction",
            found["contradictions"],
        ),
        tables.origin_notes(
            "Items that were not examined", "Reason", found["not_examined_reasons"]
        ),
        tables.origin_notes("Remarks on those examined", "Remark", found["notes"]),
    ]
    return [tables.origin_claims(found), *(table for table in made if table.rows)]


def _content_panels(report: Report) -> list[Panel]:
    formats = sorted(report["media_types"].items(), key=lambda pair: (-pair[1], pair[0]))
    panels = []
    for ident, heading, head, data in (
        ("formats", "Formats", "Media type", formats),
        ("pixels", "Picture sizes", "Pixels", list(report["pixels"].items())),
        ("sizes", "Stored sizes", "Bytes", list(report["bytes_histogram"].items())),
    ):
        if data:
            shown = _first(data, _ROWS) if ident == "formats" else data
            chart = charts.bars(ident, heading, _largest(data), shown)
            table = tables.counts(heading, head, data)
            panels.append(Panel(heading, chart, table, print=len(shown) < len(data)))
    quality = list(report["pdq_quality"].items())
    if quality:
        heading = "PDQ quality"
        chart = charts.histogram("quality", heading, _largest(quality), quality, "quality, 0–100")
        table = tables.counts(heading, "Quality", quality)
        panels.append(Panel(heading, chart, table, print=True))
    return panels


def _throughput_panel(points: Sequence[Point]) -> Panel | None:
    rates: list[tuple[float, float]] = []
    last_t, last_items = 0.0, 0
    for point in tables.thin(points, _POINTS):
        # a resumed run may count from the start again: no rate can be had across that
        if point["t_s"] > last_t and point["items"] >= last_items:
            rates.append((point["t_s"], (point["items"] - last_items) / (point["t_s"] - last_t)))
        last_t, last_items = point["t_s"], point["items"]
    if len(rates) < 2:
        return None
    fastest = max(rate for _, rate in rates)
    chart = charts.line(
        "throughput",
        "Throughput over time",
        f"{counted(len(rates), 'point')}, at most {number(round(fastest))} items a second.",
        rates,
        ("0", duration(max(t for t, _ in rates))),
    )
    return Panel("Throughput over time", chart, tables.throughput(points))


def _reconciliation(report: Report) -> Table | None:
    counts = report["reconciliation"]
    if not counts:
        return None
    return Table(
        "The datasets' own tables against what their shards hold",
        (tables.Column("Figure"), tables.Column("Count", True)),
        tuple((tables.foreign(key), number(value)) for key, value in counts.items()),
    )


def _first(data: Sequence[tuple[str, int]], limit: int) -> list[tuple[str, int]]:
    """At most `limit` rows, the last of which stands for all that follow."""
    if len(data) <= limit:
        return list(data)
    rest = data[limit - 1 :]
    others = (counted(len(rest), "other"), sum(value for _, value in rest))
    return [*data[: limit - 1], others]


def _largest(data: Sequence[tuple[str, int]]) -> str:
    """What a screen reader says of a chart."""
    whole = sum(value for _, value in data)
    label, value = max(data, key=lambda pair: pair[1], default=("none", 0))
    said = f"{counted(len(data), 'class', 'classes')}, {number(whole)} in all."
    if value:
        said += f" Largest: {visible(label)} with {number(value)}."
    return f"{said} The table below has every figure."
