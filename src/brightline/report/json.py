"""A run's summary → the JSON report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from brightline._version import __version__
from brightline.errors import DamagedError
from brightline.report import words
from brightline.report.fields import JSON, Fields
from brightline.report.origin import origin_of
from brightline.report.schema import (
    SCHEMA,
    HashList,
    Items,
    ListCount,
    NoteCount,
    Observations,
    Point,
    ReasonCount,
    Report,
    Run,
    Source,
    Tool,
)
from brightline.types import Reason

_REASONS: Final = {reason.code: reason for reason in Reason}


def build_report(summary: Mapping[str, JSON]) -> Report:
    """The report on one run; see `brightline.report.schema` for every key.

    `summary` is what `audit --json` prints, or `summary.json`. A key that is missing is
    reported as not recorded. Only the keys that the schema names are taken over, so that
    nothing else a summary may hold (an item's name, say) can reach a report.

    Raises `DamagedError`, naming the key, where a value has the wrong type.
    """
    fields = Fields(summary)
    reasons = _reasons(fields.counts("reasons"))
    gaps = sum(reason["count"] for reason in reasons if reason["gap"])
    run = _run(fields)
    items = _items(fields, gaps if "reasons" in fields else None)
    lists = [_list(entry) for entry in fields.objects("lists")]
    sources = [_source(entry) for entry in fields.objects("sources")]
    observations = _observations(fields, lists)
    origin = origin_of(fields)
    below_quality = fields.count("below_quality")
    parameters = fields.flat("parameters")
    reconciliation = fields.counts("reconciliation")
    orientations = parameters.get("orientations")
    return {
        "schema": SCHEMA,
        "tool": _tool(fields.object("tool")),
        "run": run,
        "headline": words.headline(run, items, observations, lists, below_quality),
        "items": items,
        "reasons": reasons,
        "notes": _notes(fields.counts("notes")),
        "observations": observations,
        "origin": origin,
        "lists": lists,
        "sources": sources,
        "parameters": parameters,
        "media_types": fields.counts("media_types"),
        "pixels": fields.counts("pixels"),
        "bytes_histogram": fields.counts("bytes_histogram"),
        "pdq_quality": fields.counts("pdq_quality"),
        "below_quality": below_quality,
        "reconciliation": reconciliation,
        "throughput": _throughput(fields.objects("throughput")),
        "checks": words.checks(run, items, reasons, sources, reconciliation),
        "limits": words.limits(
            items,
            lists,
            below_quality,
            orientations=orientations if isinstance(orientations, bool) else None,
            recorded=fields.texts("limits"),
        ),
        "commands": words.commands(run, lists, sources, origin["mode"] if origin else None),
        "glossary": list(words.GLOSSARY),
    }


def _tool(fields: Fields) -> Tool:
    name = fields.text("name")
    if name is None:
        return {"name": "brightline", "version": __version__}
    return {"name": name, "version": fields.text("version")}


def _run(fields: Fields) -> Run:
    shards = fields.object("shards")
    return {
        "name": fields.text("run"),
        "state": fields.text("state"),
        "started": fields.text("started"),
        "finished": fields.text("finished"),
        "elapsed_s": fields.seconds("elapsed_s"),
        "workers": fields.count("workers"),
        "shards_total": shards.count("total"),
        "shards_committed": shards.count("committed"),
    }


def _items(fields: Fields, gaps: int | None) -> Items:
    return {
        "items": fields.count("items"),
        "screened": fields.count("screened"),
        "exact_only": fields.count("exact_only"),
        "skipped": fields.count("skipped"),
        "failed": fields.count("failed"),
        "gaps": gaps,
    }


def _reasons(counts: Mapping[str, int]) -> list[ReasonCount]:
    """Gaps first, then by count; a code of another version is taken to leave a gap."""
    found: list[ReasonCount] = []
    for code, count in counts.items():
        reason = _REASONS.get(code)
        found.append(
            {
                "code": code,
                "count": count,
                "kind": reason.kind.value if reason else None,
                "gap": reason.gap if reason else True,
                "text": reason.text if reason else "a reason that this version does not know",
            }
        )
    return sorted(found, key=lambda r: (not r["gap"], -r["count"], r["code"]))


def _notes(counts: Mapping[str, int]) -> list[NoteCount]:
    return [
        {"code": code, "count": count, "text": words.NOTES.get(code, "")}
        for code, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    ]


def _observations(fields: Fields, lists: Sequence[HashList]) -> Observations | None:
    if "matches" not in fields:
        return None
    matches = fields.object("matches")
    return {
        "total": matches.count("total"),
        "items": matches.count("items"),
        "known_good": matches.count("known_good"),
        "by_list": _by_list(matches.counts("by_list"), lists),
        "by_signal": matches.counts("by_signal"),
        "by_distance": _by_distance(matches.counts("by_distance")),
        "by_via": matches.counts("by_via"),
        "by_category": matches.counts("by_category"),
    }


def _by_list(counts: Mapping[str, int], lists: Sequence[HashList]) -> list[ListCount]:
    """Every list that was used, those without an observation too; most observations first."""
    roles = {words.label(entry): entry["role"] for entry in lists}
    names = [*roles, *(name for name in counts if name not in roles)]
    found: list[ListCount] = [
        {"list": name, "role": roles.get(name), "count": counts.get(name, 0)} for name in names
    ]
    return sorted(found, key=lambda entry: (-entry["count"], entry["list"]))


def _by_distance(counts: Mapping[str, int]) -> dict[str, int]:
    """Ascending. Raises `DamagedError` for a key that is not a number of bits."""
    if not all(key.isascii() and key.isdigit() and int(key) <= 256 for key in counts):
        raise DamagedError(
            "the run's summary cannot be reported: a key of matches.by_distance is not a number "
            "of bits from 0 to 256; restore the run's folder from a backup or audit again"
        )
    return dict(sorted(counts.items(), key=lambda pair: int(pair[0])))


def _list(fields: Fields) -> HashList:
    return {
        "name": fields.text("name"),
        "version": fields.text("version"),
        "digest": fields.text("digest"),
        "entries": fields.count("entries"),
        "role": fields.text("role"),
        "pipeline": fields.text("pipeline"),
        "pdq_threshold": fields.count("pdq_threshold"),
        "pdq_min_quality": fields.count("pdq_min_quality"),
        "counts": fields.counts("counts"),
    }


def _source(fields: Fields) -> Source:
    return {
        "path": fields.text("path"),
        "kinds": fields.counts("kinds"),
        "shards": fields.count("shards"),
        "bytes": fields.count("bytes"),
        "items": fields.count("items"),
        "manifest_digest": fields.text("manifest_digest"),
        "content_digest": fields.text("content_digest"),
    }


def _throughput(entries: Sequence[Fields]) -> list[Point]:
    found: list[Point] = []
    for entry in entries:
        t, items = entry.seconds("t_s"), entry.count("items")
        if t is not None and items is not None:
            found.append({"t_s": t, "items": items, "bytes": entry.count("bytes")})
    return found
