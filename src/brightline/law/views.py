"""The table's answers as JSON documents. Each carries the caveats, its two days, and for every
row how it was supported and when it was last checked."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, TypeVar

from brightline.errors import UsageError
from brightline.law import words
from brightline.law.clocks import Clock, Conflict, laws_of, resolve
from brightline.law.model import Jurisdiction, Known, Role, Source, Standing, Table, Unknown, Why
from brightline.law.operation import View
from brightline.law.reading import Cell, stance, today, visible

Word = TypeVar("Word", bound=enum.StrEnum)


def choose(kind: type[Word], value: str | None, noun: str) -> Word | None:
    """A word of a closed set as it was typed; None stays None. Raises `UsageError`."""
    if value is None:
        return None
    try:
        return kind(value.strip().lower().replace("-", "_"))
    except ValueError:
        raise UsageError(f"no {noun} {value!r}; it is one of {', '.join(kind)}") from None


def _head(table: Table, on: date, known: date) -> dict[str, Any]:
    return {
        "not_legal_advice": True,
        "on": f"{on}",
        "known": f"{known}",
        "last_checked": words.last_checked(table),
        "caveats": list(words.CAVEATS),
    }


def _source(source: Source) -> dict[str, Any]:
    return {
        "id": source.id,
        "type": source.type,
        "citation": source.citation,
        "citation_id": source.citation_id,
        "url": source.url,
        "support": source.support,
        "excerpt": source.excerpt,
        "how_read": words.how_read(source),
    }


def _dates(standing: Standing) -> dict[str, str | None]:
    start = standing.start
    known = start.day if isinstance(start, Known) else None
    bounds = (start.not_before, start.by) if isinstance(start, Unknown) else (None, None)
    days = {"valid_from": known, "valid_to": standing.end}
    days |= {"not_before": bounds[0], "in_force_by": bounds[1]}
    return {name: f"{day}" if day else None for name, day in days.items()}


def _standing(place: Jurisdiction, standing: Standing) -> dict[str, Any]:
    sources = [place.sources[name] for name in standing.sources]
    return {
        "status": standing.status,
        "validity": words.validity(standing),
        **_dates(standing),
        "draft": standing.draft,
        "support": words.support_of(sources, standing.draft),
        "confidence": standing.confidence,
        "recorded": f"{standing.recorded}",
        "last_checked": f"{standing.last_checked}",
        "review_due": f"{standing.review_due}",
        "supersedes": list(standing.supersedes),
        "sources": list(standing.sources),
    }


def jurisdiction_document(
    table: Table, code: str, *, on: date | None = None, known: date | None = None
) -> dict[str, Any]:
    """One jurisdiction: its rows, duties and contexts, each with how it reads on the day.

    `on` and `known` are today (UTC) where they are None. Raises `UsageError` for an unknown code.
    """
    (code,) = resolve(table, [code])
    on, known = on or today(), known or today()
    place = table.jurisdictions[code]
    rows = []
    for row in visible(place.rows, known):
        why = stance(row.standing, place.sources, on, known)
        rows.append(
            {
                "id": row.block,
                "provision": row.provision.title,
                "citation_id": row.provision.citation_id,
                "conduct": row.conduct,
                "depiction": row.depiction,
                "coverage": row.coverage if why == "as_stated" else "unclear",
                "as_stated": row.coverage,
                "why": why,
                "why_text": words.WHY[why],
                "conduct_basis": row.conduct_basis,
                "test": row.test,
                "exceptions": list(row.exceptions),
                **_standing(place, row.standing),
            }
        )
    duties = []
    contexts = []
    for law in laws_of(table, code):
        for duty in visible(law.duties, known):
            why = stance(duty.standing, law.sources, on, known)
            duties.append(
                {
                    "law_of": law.code,
                    "id": duty.block,
                    "provision": duty.provision.title,
                    "citation_id": duty.provision.citation_id,
                    "type": duty.type,
                    "roles": list(duty.roles),
                    "addressee": duty.addressee,
                    "trigger": duty.trigger,
                    "channel": duty.channel,
                    "deadline": duty.deadline,
                    "retention_min": duty.retention_min,
                    "retention_max": duty.retention_max,
                    "satisfied_by": duty.satisfied_by,
                    "note": duty.note,
                    "why": why,
                    "why_text": words.WHY[why],
                    **_standing(law, duty.standing),
                }
            )
        for context in visible(law.contexts, known):
            why = stance(context.standing, law.sources, on, known)
            contexts.append(
                {
                    "law_of": law.code,
                    "id": context.block,
                    "provision": context.provision.title,
                    "citation_id": context.provision.citation_id,
                    "text": context.text,
                    "why": why,
                    "why_text": words.WHY[why],
                    **_standing(law, context.standing),
                }
            )
    return {
        "jurisdiction": code,
        "name": place.name,
        **_head(table, on, known),
        "rows": rows,
        "duties": duties,
        "contexts": contexts,
        "sources": [
            {"law_of": law.code, **_source(source)}
            for law in laws_of(table, code)
            for source in law.sources.values()
        ],
    }


def _cell(table: Table, found: Cell) -> dict[str, Any]:
    place = table.jurisdictions[found.jurisdiction]
    names = dict.fromkeys(name for row in found.rows for name in row.standing.sources)
    sources = [place.sources[name] for name in names]
    checked = [row.standing.last_checked for row in found.rows]
    return {
        "jurisdiction": found.jurisdiction,
        "conduct": found.conduct,
        "depiction": found.depiction,
        "coverage": found.coverage,
        "why": found.why,
        "draft": found.draft,
        "conduct_read_across": found.across,
        "support": words.support_of(sources, found.draft) if sources else None,
        "last_checked": f"{min(checked)}" if checked else None,
        "rows": list(dict.fromkeys(row.block for row in found.rows)),
        "provisions": list(dict.fromkeys(row.provision.title for row in found.rows)),
        "tests": list(dict.fromkeys(row.test for row in found.rows if row.test)),
        "exceptions": list(dict.fromkeys(e for row in found.rows for e in row.exceptions)),
        "sources": [_source(source) for source in sources],
    }


def matrix_document(
    table: Table, cells: Sequence[Cell], *, on: date, known: date
) -> dict[str, Any]:
    """The cells that hold a row, and those that hold none: of these the table says nothing."""
    return {
        **_head(table, on, known),
        "cells": [_cell(table, found) for found in cells if found.coverage is not None],
        "gaps_mean": words.WHY[Why.NO_ROW] + ": it says nothing about the law",
        "gaps": [
            {
                "jurisdiction": found.jurisdiction,
                "conduct": found.conduct,
                "depiction": found.depiction,
            }
            for found in cells
            if found.coverage is None
        ],
    }


def operation_document(table: Table, seen: View) -> dict[str, Any]:
    """The operation view."""
    operation = seen.operation
    return {
        **_head(table, seen.on, seen.known),
        "operation": None
        if operation is None
        else {
            "id": operation.id,
            "name": operation.name,
            "day": f"{operation.day}",
            "figures": operation.figures,
            "source": operation.source,
            "support": operation.support,
            "draft": operation.support != "primary",
        },
        "depiction": "photoreal_synthetic",
        "jurisdictions": [
            {
                "code": code,
                "name": table.jurisdictions[code].name,
                **{found.conduct: _cell(table, found) for found in cells},
            }
            for code, cells in seen.cells.items()
        ],
        "counts": {conduct: dict(counts) for conduct, counts in seen.counts.items()},
        "with_drafts": seen.drafts,
        "not_simply_covered": list(seen.anywhere_open),
    }


def _instant(value: datetime | None) -> str | None:
    return None if value is None else value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def duties_document(
    table: Table,
    clocks: Sequence[Clock],
    collisions: Sequence[Conflict],
    without: Sequence[str],
    *,
    role: Role,
    codes: Sequence[str],
    found: datetime,
    on: date,
    known: date,
) -> dict[str, Any]:
    """The duty sheet; instants are in UTC."""
    return {
        **_head(table, on, known),
        "role": role,
        "jurisdictions": list(codes),
        "found": _instant(found),
        "duties": [
            {
                "jurisdiction": clock.jurisdiction,
                "law_of": clock.via,
                "type": clock.type,
                "law": clock.law,
                "addressee": clock.addressee,
                "trigger": clock.trigger,
                "channel": clock.channel,
                "due": _instant(clock.due),
                "due_text": clock.due_text,
                "keep_until": _instant(clock.keep_until),
                "destroy_by": _instant(clock.destroy_by),
                "satisfied_by": clock.satisfied_by,
                "draft": clock.draft,
                "unclear": clock.unclear,
                "why": clock.why,
                "why_text": words.WHY[clock.why],
                "last_checked": f"{clock.last_checked}",
                "note": clock.note,
                "sources": [
                    _source(table.jurisdictions[clock.via].sources[name]) for name in clock.sources
                ],
            }
            for clock in clocks
        ],
        "conflicts": [
            {"kind": c.kind, "parties": list(c.parties), "text": c.text} for c in collisions
        ],
        "no_duty_recorded": list(without),
        "no_duty_means": words.no_duty(role),
    }
