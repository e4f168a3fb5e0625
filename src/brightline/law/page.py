"""The matrix and the duty sheet as single HTML pages, to be printed.

A page needs nothing from anywhere: no script, no font, no image, no link that loads. Nothing is
told by colour alone: every cell has a letter, and a draft is hatched.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from brightline.law import words
from brightline.law.clocks import Clock, Conflict
from brightline.law.map import draw_map
from brightline.law.model import Conduct, Depiction, Role, Row, Table, Why
from brightline.law.reading import Cell

#: the conducts shown under each class where none is asked for; the others only where a row exists
_USUAL: Final = (Conduct.PRODUCE, Conduct.DISTRIBUTE, Conduct.POSSESS)


@dataclass(frozen=True, slots=True)
class Column:
    """A depiction class with the conducts that are shown under it."""

    depiction: Depiction
    conducts: tuple[Conduct, ...]
    held: bool


@dataclass(frozen=True, slots=True)
class Saying:
    """What one row says: of which classes and conducts, how it reads there, its words."""

    of: str
    reading: str
    text: str


@dataclass(frozen=True, slots=True)
class Remark:
    """A provision, what its rows say, and its footnotes."""

    title: str
    sayings: tuple[Saying, ...]
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Note:
    """A footnote: a source, and how it was read."""

    number: int
    jurisdiction: str
    citation: str
    ident: str
    url: str
    type: str
    support: str


def render_matrix(
    table: Table,
    cells: Sequence[Cell],
    *,
    on: date,
    known: date,
    conduct: Conduct | None = None,
    depiction: Depiction | None = None,
    title: str = "Which law reaches what",
) -> str:
    """The matrix of these cells, with a map, footnotes and caveats.

    The map shows `conduct` and `depiction`, else possession of wholly synthetic, realistic
    material.
    """
    found = {(c.jurisdiction, c.depiction, c.conduct): c for c in cells}
    columns = _columns(cells)
    codes = list(dict.fromkeys(cell.jurisdiction for cell in cells))
    notes = _Footnotes(table)
    rows = []
    for code in codes:
        shown = [
            [found.get((code, column.depiction, c)) for c in column.conducts] for column in columns
        ]
        line = [cell for group in shown for cell in group if cell is not None]
        remarks = _remarks(line, notes)
        numbers = sorted({number for remark in remarks for number in remark.numbers})
        rows.append((table.jurisdictions[code], shown, remarks, numbers))
    mapped = conduct or Conduct.POSSESS, depiction or Depiction.PHOTOREAL_SYNTHETIC
    return (
        _environment()
        .get_template("matrix.html.j2")
        .render(
            title=title,
            on=on,
            known=known,
            columns=columns,
            rows=rows,
            notes=notes.made,
            map=draw_map({c.jurisdiction: c for c in cells if (c.conduct, c.depiction) == mapped}),
            mapped=f"{words.CONDUCT[mapped[0]]}, {words.DEPICTION[mapped[1]]}",
            checked=words.last_checked(table),
            words=words,
        )
    )


def render_duties(
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
) -> str:
    """The duty sheet: what, to whom, by when, kept until when; collisions; gaps; caveats."""
    notes = _Footnotes(table)
    entries = [(clock, notes.cite(clock.via, clock.sources)) for clock in clocks]
    return (
        _environment()
        .get_template("duties.html.j2")
        .render(
            entries=entries,
            collisions=collisions,
            without=[table.jurisdictions[code] for code in without],
            role=role,
            places=[table.jurisdictions[code] for code in codes],
            names={code: place.name for code, place in table.jurisdictions.items()},
            found=found,
            on=on,
            known=known,
            notes=notes.made,
            checked=words.last_checked(table),
            words=words,
        )
    )


def _columns(cells: Sequence[Cell]) -> list[Column]:
    asked = list(dict.fromkeys(cell.conduct for cell in cells))
    made = []
    for depiction in dict.fromkeys(cell.depiction for cell in cells):
        held = {c.conduct for c in cells if c.depiction is depiction and c.coverage is not None}
        usual = [] if depiction is Depiction.MODEL_OR_TOOL and held else list(_USUAL)
        shown = [c for c in asked if c in held or c in usual or len(asked) == 1]
        made.append(Column(depiction, tuple(shown), bool(held)))
    return made


def _remarks(cells: Sequence[Cell], notes: _Footnotes) -> tuple[Remark, ...]:
    """For each provision of one jurisdiction: what each of its rows says, and its footnotes."""
    blocks: dict[str, list[tuple[Cell, Row]]] = {}
    for cell in cells:
        for row in cell.rows:
            blocks.setdefault(row.block, []).append((cell, row))
    made: dict[str, tuple[str, list[Saying], list[int]]] = {}
    for held in blocks.values():
        row = held[0][1]
        _, sayings, numbers = made.setdefault(row.provision.id, (row.provision.title, [], []))
        sayings.append(_saying([cell for cell, _ in held], row))
        for number in notes.cite(row.jurisdiction, row.standing.cited):
            if number not in numbers:
                numbers.append(number)
    return tuple(
        Remark(title, tuple(sayings), tuple(sorted(numbers)))
        for title, sayings, numbers in made.values()
    )


def _saying(cells: Sequence[Cell], row: Row) -> Saying:
    classes: dict[str, list[str]] = {}
    for cell in cells:
        conducts = classes.setdefault(words.DEPICTION[cell.depiction], [])
        conducts.append(words.CONDUCT_SHORT[cell.conduct])
    of = "; ".join(f"{name} ({', '.join(conducts)})" for name, conducts in classes.items())
    readings = dict.fromkeys(words.COVERAGE[cell.coverage] for cell in cells if cell.coverage)
    whys = dict.fromkeys(words.WHY[cell.why] for cell in cells if cell.why is not Why.AS_STATED)
    texts = [text for text in (row.test, *row.exceptions, *whys) if text]
    draft = ", draft" if row.standing.draft else ""
    return Saying(of, ", ".join(readings) + draft, ". ".join(map(_sentence, texts)))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".")


class _Footnotes:
    """Numbers sources in the order in which they are cited."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._numbers: dict[tuple[str, str], int] = {}
        self.made: list[Note] = []

    def cite(self, code: str, names: Sequence[str]) -> list[int]:
        """The numbers of these sources of a jurisdiction's file."""
        for name in names:
            if (code, name) in self._numbers:
                continue
            source = self._table.jurisdictions[code].sources[name]
            number = len(self.made) + 1
            self._numbers[code, name] = number
            self.made.append(
                Note(
                    number,
                    code,
                    source.citation,
                    source.citation_id or "",
                    source.url or "",
                    source.type,
                    words.how_read(source),
                )
            )
        return [self._numbers[code, name] for name in names]


@functools.cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("brightline.law"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["moment"] = _moment
    made.globals["css_class"] = _css_class
    made.globals["held"] = _held
    return made


def _held(group: Sequence[Cell | None]) -> bool:
    return any(cell is not None and cell.coverage is not None for cell in group)


def _css_class(cell: Cell) -> str:
    return f"{cell.coverage or 'none'}{' draft' if cell.draft else ''}"


def _moment(value: datetime) -> Markup:
    there = value.astimezone(UTC)
    return Markup("{}&nbsp;{} UTC").format(f"{there:%Y-%m-%d}", f"{there:%H:%M}")
