"""The law table: what the material is under which law, and what must be done by when.

Jurisdictions are data (`data/*.toml`); this room reads, checks and asks them. It is no legal
advice, and every view of it carries the caveats of `words`.
"""

from __future__ import annotations

from brightline.law.clocks import Clock, Conflict, conflicts, duties, gaps, resolve
from brightline.law.model import Conduct, Coverage, Depiction, DutyType, Role, Table
from brightline.law.parse import load, read
from brightline.law.reading import Cell, cell, matrix

__all__ = [
    "Cell",
    "Clock",
    "Conduct",
    "Conflict",
    "Coverage",
    "Depiction",
    "DutyType",
    "Role",
    "Table",
    "cell",
    "conflicts",
    "duties",
    "gaps",
    "load",
    "matrix",
    "read",
    "resolve",
]
