"""The table's answers for a terminal. Every view ends with the caveats."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Final

from brightline.law import words
from brightline.law.model import Conduct, Coverage, Depiction, Table
from brightline.law.periods import period_text
from brightline.law.reading import Cell

_WIDTH: Final = 98
_NO_ROW: Final = "-"


def _wrapped(text: str, indent: str = "", first: str | None = None) -> str:
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=indent if first is None else first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _caveats() -> list[str]:
    return ["", *(_wrapped(text, "  ", "* ") for text in words.CAVEATS)]


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return [
        "  ".join(part.ljust(width) for part, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _joined(lines: Iterable[str]) -> str:
    return "\n".join(lines) + "\n"


def _days(document: dict[str, Any]) -> str:
    return (
        f"Law in force on {document['on']}, as the table knew it on {document['known']}. "
        f"Last checked {document['last_checked']}."
    )


def _mark(found: Cell) -> str:
    if found.coverage is None:
        return _NO_ROW
    letter = words.LETTER[found.coverage]
    return letter + ("*" if found.draft else "") + ("†" if found.across else "")


def _legend() -> list[str]:
    letters = ", ".join(f"{letter} {words.COVERAGE[c]}" for c, letter in words.LETTER.items())
    conducts = ", ".join(f"{short} {words.CONDUCT[c]}" for c, short in words.CONDUCT_SHORT.items())
    return [
        "",
        f"{letters}; {_NO_ROW} no row: the table says nothing.",
        f"{conducts}.",
        "* draft: no primary or official text of enacted law carries it. "
        "† the conduct was read across from the provision as a whole.",
    ]


def matrix_text(table: Table, cells: Sequence[Cell], *, on: date, known: date) -> str:
    """Jurisdictions by depiction class; the marks of a class in the order of its heading."""
    held = [found for found in cells if found.coverage is not None]
    conducts = [c for c in Conduct if any(found.conduct is c for found in held)]
    depictions = [d for d in Depiction if any(found.depiction is d for found in held)]
    by = {(f.jurisdiction, f.depiction, f.conduct): f for f in held}
    codes = list(dict.fromkeys(found.jurisdiction for found in cells))
    within = {
        d: [c for c in conducts if any((code, d, c) in by for code in codes)] for d in depictions
    }
    rows = [
        ("", *(d.value for d in depictions)),
        ("", *(" ".join(f"{words.CONDUCT_SHORT[c]:4}" for c in within[d]) for d in depictions)),
    ]
    for code in codes:
        marks = [
            " ".join(
                f"{_mark(by[code, d, c]) if (code, d, c) in by else _NO_ROW:4}" for c in within[d]
            )
            for d in depictions
        ]
        rows.append((f"{code} {table.jurisdictions[code].name}", *marks))
    head = {"on": on, "known": known, "last_checked": words.last_checked(table)}
    whys: dict[tuple[str, str], list[str]] = {}
    for found in held:
        if found.why != "as_stated":
            text = f"{found.depiction}/{found.conduct}"
            whys.setdefault((found.jurisdiction, words.WHY[found.why]), []).append(text)
    odd = [f"{code}: {why} ({', '.join(texts)})" for (code, why), texts in whys.items()]
    bare = [d for d in dict.fromkeys(found.depiction for found in cells) if d not in depictions]
    lines = [_days(head), "", *(_columns(rows) if held else [])]
    if bare:
        lines += ["", _wrapped(f"The table holds no row for: {', '.join(bare)}.")]
    lines += _legend()
    if odd:
        lines += ["", *(_wrapped(text, "  ", "") for text in odd)]
    return _joined([*lines, *_caveats()])


def jurisdiction_text(document: dict[str, Any]) -> str:
    """Everything of one jurisdiction."""
    lines = [f"{document['name']} ({document['jurisdiction']})", _days(document), ""]
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in document["rows"]:
        key = (row["provision"], row["coverage"], row["why"], row["test"], *row["sources"])
        groups.setdefault((*key, row["depiction"]), []).append(row)
    for rows in groups.values():
        row = rows[0]
        conducts = ", ".join(r["conduct"] for r in rows)
        reading = words.COVERAGE[Coverage(row["coverage"])]
        lines.append(f"{row['provision']}: {reading}{_flags(row)}")
        lines.append(_wrapped(f"{row['depiction']}: {conducts}", "  "))
        if row["why"] != "as_stated":
            lines.append(
                _wrapped(
                    f"the row says {words.COVERAGE[Coverage(row['as_stated'])]}; {row['why_text']}",
                    "  ",
                )
            )
        lines += [_wrapped(text, "  ") for text in (row["test"], *row["exceptions"]) if text]
        if row["conduct_basis"] == "provision":
            lines.append(_wrapped(words.ACROSS, "  "))
        lines += [*_support(row), ""]
    for duty in document["duties"]:
        lines.append(f"{duty['provision']}: {duty['type']}{_flags(duty)}")
        lines.append(_wrapped(f"{', '.join(duty['roles'])}: to {duty['addressee']}", "  "))
        lines.append(_wrapped(f"when {duty['trigger']}", "  "))
        if duty["why"] != "as_stated":
            lines.append(_wrapped(duty["why_text"], "  "))
        kept = [f"{duty[key]}" for key in ("deadline", "retention_min", "retention_max")]
        for name, value in zip(("deadline", "keep at least", "keep at most"), kept, strict=True):
            if value != "None":
                lines.append(_wrapped(f"{name} {period_text(value)}", "  "))
        if duty["note"]:
            lines.append(_wrapped(duty["note"], "  "))
        lines += [*_support(duty), ""]
    for entry in document["contexts"]:
        lines.append(f"{entry['provision']}{_flags(entry)}")
        lines.append(_wrapped(entry["text"], "  "))
        if entry["why"] != "as_stated":
            lines.append(_wrapped(entry["why_text"], "  "))
        lines += [*_support(entry), ""]
    lines.append("Sources")
    for source in document["sources"]:
        ident = f" [{source['citation_id']}]" if source["citation_id"] else ""
        text = f"{source['id']} ({source['law_of']}, {source['type']}): {source['citation']}{ident}"
        url = f" {source['url']}" if source["url"] else ""
        lines.append(_wrapped(f"{text}; {source['how_read']}{url}", "    ", "  "))
    return _joined([*lines, *_caveats()])


def _flags(row: dict[str, Any]) -> str:
    return ", DRAFT" if row["draft"] else ""


def _support(row: dict[str, Any]) -> list[str]:
    text = (
        f"{row['support']}; confidence {row['confidence']}; {row['status']}, {row['validity']}; "
        f"last checked {row['last_checked']}, review due {row['review_due']}; "
        f"sources {', '.join(row['sources'])}"
    )
    return [_wrapped(text, "  ")]


def operation_text(document: dict[str, Any]) -> str:
    """The operation view: a line a country, counts, and the countries that need a second look."""
    operation = document["operation"]
    lines = []
    if operation:
        lines += [
            f"{operation['name']} ({operation['day']})",
            _wrapped(
                f"{operation['figures']}. {operation['source']}; "
                f"{words.SUPPORT[operation['support']]}{_flags(operation)}."
            ),
        ]
    lines += ["Wholly synthetic, realistic material", _days(document), ""]
    conducts = list(document["counts"])
    heading = ("", *(words.CONDUCT[Conduct(c)] for c in conducts), "")
    rows = [heading]
    whys: dict[str, None] = {}
    limits: dict[tuple[str, str], list[str]] = {}
    for place in document["jurisdictions"]:
        marks = []
        for conduct in conducts:
            found = place[conduct]
            coverage = found["coverage"]
            said = words.COVERAGE[Coverage(coverage)] if coverage else "unclear: no row"
            marks.append(said + ("*" if found["draft"] else ""))
            if found["why"] != "as_stated":
                whys.setdefault(f"{place['code']}: {words.WHY[found['why']]}", None)
            if coverage in ("yes", "partial"):
                said_of = found["tests"] if coverage == "partial" else []
                text = ". ".join([*said_of, *found["exceptions"]])
                limits.setdefault((place["code"], text), []).append(words.CONDUCT[Conduct(conduct)])
        provisions = dict.fromkeys(p for c in conducts for p in place[c]["provisions"])
        rows.append((f"{place['code']} {place['name']}", *marks, "; ".join(provisions)))
    lines += [*_columns(rows), ""]
    for conduct, counts in document["counts"].items():
        said = ", ".join(f"{words.COVERAGE[Coverage(c)]} {n}" for c, n in counts.items())
        lines.append(f"{words.CONDUCT[Conduct(conduct)]}: {said}")
    lines.append(
        f"* draft: in {document['with_drafts']} of {len(document['jurisdictions'])} countries no "
        "primary or official text of enacted law carries a reading."
    )
    if whys:
        lines += ["", *(_wrapped(text, "  ", "") for text in whys)]
    said_limits = [f"{code} {', '.join(of)}: {text}" for (code, text), of in limits.items() if text]
    if said_limits:
        lines += ["", "Limits", *(_wrapped(text, "    ", "  ") for text in said_limits)]
    return _joined([*lines, *_caveats()])


def duties_text(document: dict[str, Any]) -> str:
    """The duty sheet."""
    lines = [f"Role {document['role']}; found {document['found']}. {_days(document)}", ""]
    for duty in document["duties"]:
        lines.append(f"{duty['jurisdiction']}: {duty['type']}{_flags(duty)} ({duty['law']})")
        channel = f" ({duty['channel']})" if duty["channel"] else ""
        lines.append(_wrapped(f"to {duty['addressee']}{channel}, when {duty['trigger']}", "  "))
        if duty["unclear"]:
            lines.append(_wrapped(f"unclear: {duty['why_text']}", "  "))
        if duty["due"]:
            lines.append(f"  due by {duty['due']} ({duty['due_text']})")
        elif not duty["keep_until"]:
            lines.append(f"  due: {duty['due_text']}")
        if duty["keep_until"]:
            lines.append(f"  keep until at least {duty['keep_until']}")
        if duty["destroy_by"]:
            lines.append(f"  destroy by {duty['destroy_by']}")
        if duty["satisfied_by"]:
            lines.append(_wrapped(f"satisfied by {duty['satisfied_by']}", "  "))
        if duty["note"]:
            lines.append(_wrapped(duty["note"], "  "))
        names = "; ".join(
            f"{source['citation']} ({source['how_read']})" for source in duty["sources"]
        )
        lines += [_wrapped(f"source: {names}; last checked {duty['last_checked']}", "  "), ""]
    if not document["duties"]:
        lines += [f"The table holds no duty of the role {document['role']} here.", ""]
    for conflict in document["conflicts"]:
        lines.append(_wrapped(f"Conflict, {conflict['kind']}: {conflict['text']}.", "  ", ""))
    if document["no_duty_recorded"]:
        codes = ", ".join(document["no_duty_recorded"])
        text = f"No duty of the role {document['role']} is recorded for {codes}."
        lines.append(_wrapped(f"{text} {document['no_duty_means']}"))
    return _joined([*lines, *_caveats()])
