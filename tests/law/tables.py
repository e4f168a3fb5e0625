"""Tables of made-up law: no fact about any country is meant."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

from brightline.law.model import (
    Conduct,
    ConductBasis,
    Confidence,
    Coverage,
    Depiction,
    Duty,
    DutyType,
    Jurisdiction,
    Known,
    Provision,
    Role,
    Row,
    Source,
    SourceType,
    Standing,
    Start,
    Status,
    Support,
    Table,
)

SOURCE = Source("act", SourceType.STATUTE, Support.PRIMARY, "An Act")

#: a file that the schema takes as it is
MINIMAL = """
schema = 1
jurisdiction = "AQ"
name = "Testland"

[[source]]
id = "act"
type = "statute"
support = "primary"
citation = "Test Act 1"

[[source]]
id = "blog"
type = "secondary"
support = "secondary"
citation = "A page about the Test Act"

[[provision]]
id = "s1"
instrument = "Test Act"
section = "s1"

[[row]]
id = "one"
provision = "s1"
conduct = ["produce", "possess"]
depiction = "photoreal_synthetic"
coverage = "yes"
conduct_basis = "stated"
status = "in_force"
valid_from = 2020-01-01
valid_to = 2024-12-31
sources = ["act", "blog"]
confidence = "high"
draft = false
recorded = 2026-01-31
last_checked = 2026-01-01
review_due = 2026-12-31

[[row]]
id = "two"
provision = "s1"
conduct = "produce"
depiction = "photoreal_synthetic"
coverage = "partial"
conduct_basis = "provision"
test = "Only on Tuesdays"
status = "in_force"
valid_from = 2025-01-01
sources = ["act"]
confidence = "low"
draft = true
recorded = 2026-01-31
last_checked = 2026-01-01
review_due = 2026-12-31

[[duty]]
id = "keep"
provision = "s1"
type = "preserve"
roles = ["hosting"]
addressee = "the provider itself"
trigger = "a report was made"
retention_min = "P1Y"
retention_max = "P2Y"
status = "in_force"
valid_from = "unknown"
not_before = 2020-01-01
in_force_by = 2021-12-31
start_basis = "citation"
start_source = "act"
sources = ["act"]
confidence = "high"
draft = false
recorded = 2026-01-31
last_checked = 2026-01-01
review_due = 2026-12-31
"""


def write(folder: Path, text: str, name: str = "aq.toml") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text, "utf-8")
    return folder


def document(text: str = MINIMAL) -> dict[str, Any]:
    return tomllib.loads(text)


def standing(
    start: Start | None = None,
    *,
    end: date | None = None,
    status: Status = Status.IN_FORCE,
    draft: bool = False,
    recorded: date = date(2026, 1, 31),
    last_checked: date = date(2026, 1, 1),
    review_due: date = date(2041, 1, 1),
    supersedes: tuple[str, ...] = (),
) -> Standing:
    return Standing(
        status=status,
        start=start or Known(date(2000, 1, 1)),
        end=end,
        sources=("act",),
        confidence=Confidence.HIGH,
        draft=draft,
        recorded=recorded,
        last_checked=last_checked,
        review_due=review_due,
        supersedes=supersedes,
    )


def row(
    block: str = "one",
    coverage: Coverage = Coverage.YES,
    held: Standing | None = None,
    *,
    code: str = "AQ",
    provision: str = "s1",
    basis: ConductBasis = ConductBasis.STATED,
) -> Row:
    return Row(
        block,
        code,
        Provision(provision, "Test Act", provision),
        Conduct.POSSESS,
        Depiction.PHOTOREAL_SYNTHETIC,
        coverage,
        basis,
        held or standing(),
        test="A test",
    )


def duty(
    block: str = "keep",
    *,
    code: str = "AQ",
    kind: DutyType = DutyType.PRESERVE,
    deadline: str | None = None,
    keep: str | None = None,
    most: str | None = None,
    held: Standing | None = None,
    addressee: str = "the provider itself",
) -> Duty:
    return Duty(
        block,
        code,
        Provision(block, "Test Act", block),
        kind,
        (Role.HOSTING,),
        addressee,
        "a match was found",
        held or standing(),
        deadline=deadline,
        retention_min=keep,
        retention_max=most,
    )


def place(
    code: str = "AQ",
    rows: tuple[Row, ...] = (),
    duties: tuple[Duty, ...] = (),
    inherits: tuple[str, ...] = (),
) -> Jurisdiction:
    return Jurisdiction(code, f"Land {code}", inherits, {"act": SOURCE}, rows, duties, ())


def table(*places: Jurisdiction) -> Table:
    return Table({held.code: held for held in places}, {})
