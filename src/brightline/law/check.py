"""What a single value cannot show: sources that do not carry a row, days that overlap, drafts
that are not marked, codes that lead nowhere."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from datetime import date
from itertools import combinations
from typing import Any, Final

from brightline.law.fields import Problem
from brightline.law.model import (
    Context,
    Coverage,
    Duty,
    Jurisdiction,
    Known,
    Row,
    SourceType,
    Standing,
    StartBasis,
    Table,
    Unknown,
)

_CARRYING: Final = frozenset({SourceType.STATUTE, SourceType.CASE, SourceType.OFFICIAL})


def check_entries(file: str, place: Jurisdiction) -> list[Problem]:
    """Everything that one file can be checked for by itself."""
    problems: list[Problem] = []

    def refuse(element: str, text: str) -> None:
        problems.append(Problem(file, element, text))

    for kind, entries in _kinds(place):
        for entry in _blocks(entries):
            element = f"{kind} ({entry.block})"
            for text in _standing(place, entry.standing):
                refuse(f"{element}.{text[0]}", text[1])
            if isinstance(entry, Row):
                for text in _coverage(place, entry):
                    refuse(f"{element}.{text[0]}", text[1])
        for element, text_ in _keys(kind, entries):
            refuse(element, text_)
    cited = {name for _, entries in _kinds(place) for e in entries for name in e.standing.cited}
    for name in place.sources:
        if name not in cited:
            refuse(f"source ({name})", "is cited by nothing")
    return problems


def check_table(table: Table) -> list[Problem]:
    """What only all files together can show."""
    problems = [
        Problem(f"{place.code.lower()}.toml", "inherits", f"{name!r} has no other file")
        for place in table.jurisdictions.values()
        for name in place.inherits
        if name not in table.jurisdictions or name == place.code
    ]
    for operation in table.operations.values():
        for code in operation.jurisdictions:
            if code not in table.jurisdictions:
                element = f"operation ({operation.id}).jurisdictions"
                problems.append(Problem("operations.toml", element, f"{code!r} has no file"))
    return problems


def check_days(table: Table, today: date) -> list[Problem]:
    """What claims to have been read or recorded after `today`."""
    problems = []
    for place in table.jurisdictions.values():
        file = f"{place.code.lower()}.toml"
        for kind, entries in _kinds(place):
            problems += [
                Problem(file, f"{kind} ({entry.block}).{name}", f"lies ahead of today ({today})")
                for entry in _blocks(entries)
                for name in ("recorded", "last_checked")
                if getattr(entry.standing, name) > today
            ]
        problems += [
            Problem(file, f"source ({source.id}).read", f"lies ahead of today ({today})")
            for source in place.sources.values()
            if source.read is not None and source.read > today
        ]
    return problems


def _kinds(place: Jurisdiction) -> tuple[tuple[str, Sequence[Row | Duty | Context]], ...]:
    return ("row", place.rows), ("duty", place.duties), ("context", place.contexts)


def _blocks(entries: Sequence[Row | Duty | Context]) -> Iterator[Row | Duty | Context]:
    """One of every block: a block of rows shares everything but conduct and depiction."""
    seen = set()
    for entry in entries:
        if entry.block not in seen:
            seen.add(entry.block)
            yield entry


def _standing(place: Jurisdiction, standing: Standing) -> Iterator[tuple[str, str]]:
    for name in standing.sources:
        if name not in place.sources:
            yield "sources", f"{name!r} is not among the file's sources"
        elif (read := place.sources[name].read) is not None and read > standing.recorded:
            yield "recorded", f"lies before {name!r} was read ({read})"
    start = standing.start
    if isinstance(start, Unknown) and start.source and start.source not in place.sources:
        yield "start_source", f"{start.source!r} is not among the file's sources"
    by = start.by if isinstance(start, Unknown) and start.basis is StartBasis.CITATION else None
    if by is not None and (by.month, by.day) != (12, 31):
        yield "in_force_by", "by citation it is the last day of the year after the citation's"
    carried = any(place.sources[name].carries for name in standing.sources if name in place.sources)
    if not carried and not standing.draft:
        yield "draft", "no primary or official text carries this: it must be marked as a draft"


def _coverage(place: Jurisdiction, row: Row) -> Iterator[tuple[str, str]]:
    types = {place.sources[n].type for n in row.standing.sources if n in place.sources}
    if row.coverage in (Coverage.YES, Coverage.NO) and not types & _CARRYING:
        yield "coverage", f"{row.coverage} needs a statute, a case or an official source"
    if row.coverage is Coverage.PARTIAL and not (row.test or row.exceptions):
        yield "test", "partial needs a test or an exception that says which part"


def _keys(kind: str, entries: Sequence[Any]) -> Iterator[tuple[str, str]]:
    """Doubled blocks, superseded ones that are not there, and overlapping validity."""
    blocks: dict[str, Standing] = {}
    for entry in entries:
        if blocks.setdefault(entry.block, entry.standing) is not entry.standing:
            yield f"{kind} ({entry.block}).id", "is there twice"
    for name, standing in blocks.items():
        for older in standing.supersedes:
            if older not in blocks or older == name:
                yield f"{kind} ({name}).supersedes", f"{older!r} is no other {kind} of this file"
            elif blocks[older].recorded >= standing.recorded:
                yield f"{kind} ({name}).recorded", f"must lie after that of {older!r}"
    older_than = {name: _ancestors(name, blocks) for name in blocks}
    groups: dict[Hashable, list[Any]] = {}
    for entry in entries:
        groups.setdefault(entry.key, []).append(entry)
    for group in groups.values():
        for one, two in combinations(group, 2):
            a, b = one.standing, two.standing
            if one.block in older_than[two.block] or two.block in older_than[one.block]:
                continue
            if _first(a) <= _last(b) and _first(b) <= _last(a):
                yield (
                    f"{kind} ({two.block}).valid_from",
                    f"overlaps the validity of {kind} ({one.block}) for the same key",
                )


def _ancestors(name: str, blocks: dict[str, Standing]) -> set[str]:
    """Every block that this one has replaced, at once or by way of others."""
    found: set[str] = set()
    left = [name]
    while left:
        for older in blocks[left.pop()].supersedes:
            if older in blocks and older not in found:
                found.add(older)
                left.append(older)
    return found


def _first(standing: Standing) -> date:
    start = standing.start
    return start.day if isinstance(start, Known) else start.not_before or date.min


def _last(standing: Standing) -> date:
    return standing.end or date.max
