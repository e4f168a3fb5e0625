"""The operation view: in which of several countries is wholly synthetic, realistic material
covered, where not, where is it unclear; by production, distribution and possession."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from brightline.errors import UsageError
from brightline.law.clocks import resolve
from brightline.law.model import Conduct, Coverage, Depiction, Operation, Table
from brightline.law.reading import Cell, cell, today

CONDUCTS: Final = (Conduct.PRODUCE, Conduct.DISTRIBUTE, Conduct.POSSESS)


@dataclass(frozen=True, slots=True)
class View:
    """The cells of each country in order, and for each conduct how many read how.

    A cell without a row counts as unclear: the table cannot answer.
    """

    operation: Operation | None
    on: date
    known: date
    cells: dict[str, tuple[Cell, ...]]
    counts: dict[Conduct, dict[Coverage, int]]
    drafts: int

    @property
    def anywhere_open(self) -> tuple[str, ...]:
        """The countries in which some conduct is not simply covered."""
        return tuple(
            code
            for code, cells in self.cells.items()
            if any(found.coverage is not Coverage.YES for found in cells)
        )


def countries(table: Table, asked: str) -> tuple[Operation | None, tuple[str, ...]]:
    """An operation by its name, or codes with commas between them."""
    operation = table.operations.get(asked.strip().lower())
    if operation is not None:
        return operation, operation.jurisdictions
    codes: Sequence[str] = [part for part in asked.split(",") if part.strip()]
    if not codes:
        raise UsageError("name an operation, or countries with commas between them: DE,FR,NL")
    return None, resolve(table, codes)


def view(
    table: Table,
    asked: str,
    *,
    depiction: Depiction = Depiction.PHOTOREAL_SYNTHETIC,
    on: date | None = None,
    known: date | None = None,
) -> View:
    """The view of the countries of an operation (`cumberland`) or of a list (`DE,FR`).

    `on` and `known` are today (UTC) where they are None. Raises `UsageError` for an unknown name.
    """
    operation, codes = countries(table, asked)
    on, known = on or today(), known or today()
    cells = {
        code: tuple(
            cell(table.jurisdictions[code], conduct, depiction, on, known) for conduct in CONDUCTS
        )
        for code in codes
    }
    counts = {conduct: dict.fromkeys(Coverage, 0) for conduct in CONDUCTS}
    for found in (found for row in cells.values() for found in row):
        counts[found.conduct][found.coverage or Coverage.UNCLEAR] += 1
    drafts = sum(any(found.draft for found in row) for row in cells.values())
    return View(operation, on, known, cells, counts, drafts)
