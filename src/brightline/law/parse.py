"""`data/*.toml` → the table, and everything that is wrong with it.

The schema is stated in `docs/law.md`. A file is read to its end even where it is refused, so that
one run of `brightline law check` names everything at once.
"""

from __future__ import annotations

import functools
import tomllib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from brightline.errors import UsageError
from brightline.law.check import check_days, check_entries, check_table
from brightline.law.codes import COUNTRIES
from brightline.law.fields import Fields, Problem
from brightline.law.model import (
    Conduct,
    ConductBasis,
    Confidence,
    Context,
    Coverage,
    Depiction,
    Duty,
    DutyType,
    Jurisdiction,
    Known,
    Operation,
    Provision,
    Role,
    Row,
    Source,
    SourceType,
    Standing,
    Start,
    StartBasis,
    Status,
    Support,
    Table,
    Unknown,
)
from brightline.law.periods import Period, add, parse_period

SCHEMA: Final = 1
#: a row that nobody reads again within this time reads unclear
REVIEW_WITHIN: Final = timedelta(days=366)
#: the table that ships with the package
DATA: Final = Path(__file__).with_name("data")
_OPERATIONS: Final = "operations.toml"
#: where two periods are compared: the first of a common year, so that no day is missing
_SOME_DAY: Final = datetime(2023, 1, 1, tzinfo=UTC)
_NO_DAY: Final = date.min  # stands in for a missing day, which is a problem of its own


@functools.cache
def load(folder: Path = DATA) -> Table:
    """The table of a folder; the shipped one by default. Raises `UsageError` if it is refused."""
    table, problems = read(folder)
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise UsageError(
            f"the law table is refused: {problems[0]}{more}; `brightline law check` names all"
        )
    return table


def read(folder: Path = DATA, *, today: date | None = None) -> tuple[Table, tuple[Problem, ...]]:
    """The table of a folder, with every problem found. Use the table only if there is none.

    With `today`, what claims to have been read or recorded after it is refused as well. Loading
    does not ask for it: a machine whose clock is behind must not lose the table.
    """
    problems: list[Problem] = []
    files = sorted(folder.glob("*.toml")) if folder.is_dir() else []
    if not files:
        raise UsageError(f"{folder} holds no law table; give a folder of TOML files")
    places: dict[str, Jurisdiction] = {}
    operations: dict[str, Operation] = {}
    for path in files:
        try:
            document = tomllib.loads(path.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            problems.append(Problem(path.name, "file", f"is not TOML ({error})"))
            continue
        except OSError as error:
            problems.append(Problem(path.name, "file", f"cannot be read ({error.strerror})"))
            continue
        top = Fields(path.name, "", document, problems)
        if type(schema := top.raw("schema")) is not int or schema != SCHEMA:
            top.refuse("schema", f"must be {SCHEMA}")
        if path.name == _OPERATIONS:
            for fields in top.tables("operation", required=True):
                operation = _operation(fields)
                if operation.id in operations:
                    fields.refuse("id", f"{operation.id!r} is there twice")
                operations[operation.id] = operation
            top.finish()
            continue
        place = _jurisdiction(top)
        if place.code in places:
            top.refuse("jurisdiction", f"{place.code} has a file already")
        if path.stem.upper() != place.code:
            top.refuse("jurisdiction", f"{place.code!r} does not go with the file's name")
        places[place.code] = place
    table = Table(dict(sorted(places.items(), key=_order)), operations)
    problems += check_table(table)
    if today is not None:
        problems += check_days(table, today)
    return table, tuple(problems)


def _order(item: tuple[str, Jurisdiction]) -> tuple[bool, str]:
    return item[0] != "EU", item[1].name


def _jurisdiction(top: Fields) -> Jurisdiction:
    code = top.text("jurisdiction")
    if code and code not in COUNTRIES:
        top.refuse("jurisdiction", f"{code!r} is not an ISO 3166-1 code (or EU)")
    name = top.text("name")
    inherits = top.texts("inherits")
    sources: dict[str, Source] = {}
    for fields in top.tables("source", required=True):
        source = _source(fields)
        if source.id in sources:
            fields.refuse("id", f"{source.id!r} is there twice")
        sources[source.id] = source
    provisions: dict[str, Provision] = {}
    for fields in top.tables("provision", required=True):
        provision = Provision(
            fields.text("id"),
            fields.text("instrument"),
            fields.text("section", required=False),
            fields.text("citation_id", required=False) or None,
        )
        fields.finish()
        if provision.id in provisions:
            fields.refuse("id", f"{provision.id!r} is there twice")
        provisions[provision.id] = provision
    rows: list[Row] = []
    duties: list[Duty] = []
    contexts: list[Context] = []
    for fields in top.tables("row"):
        rows += _rows(fields, code, provisions)
    duties += [_duty(fields, code, provisions) for fields in top.tables("duty")]
    contexts += [_context(fields, code, provisions) for fields in top.tables("context")]
    top.finish()
    place = Jurisdiction(code, name, inherits, sources, tuple(rows), tuple(duties), tuple(contexts))
    top.problems += check_entries(top.file, place)
    return place


def _source(fields: Fields) -> Source:
    made = Source(
        id=fields.text("id"),
        type=fields.word("type", SourceType),
        support=fields.word("support", Support),
        citation=fields.text("citation"),
        citation_id=fields.text("citation_id", required=False) or None,
        url=fields.text("url", required=False) or None,
        enacted=fields.flag("enacted", default=True),
        read=fields.day("read", required=False),
        excerpt=fields.flag("excerpt", default=False),
    )
    if made.url and not made.url.startswith("https://"):
        fields.refuse("url", "must begin with https://")
    fields.finish()
    return made


def _provision(fields: Fields, provisions: dict[str, Provision]) -> Provision:
    name = fields.text("provision")
    if name and name not in provisions:
        fields.refuse("provision", f"{name!r} is not among the file's provisions")
    return provisions.get(name, Provision(name, "", ""))


def _start(fields: Fields) -> Start:
    value = fields.raw("valid_from")
    if value != "unknown":
        day = fields.day("valid_from")
        for key in ("not_before", "in_force_by", "start_basis", "start_source"):
            if fields.has(key):
                fields.refuse(key, 'goes only with valid_from = "unknown"')
                fields.raw(key)
        return Known(day) if day is not None else Unknown()
    by = fields.day("in_force_by", required=False)
    start = Unknown(
        not_before=fields.day("not_before", required=False),
        by=by,
        basis=fields.word("start_basis", StartBasis) if by else None,
        source=fields.text("start_source") if by else None,
    )
    if start.by and start.not_before and start.by < start.not_before:
        fields.refuse("in_force_by", "lies before not_before")
    return start


def _standing(fields: Fields) -> Standing:
    start = _start(fields)
    days = {key: fields.day(key) for key in ("recorded", "last_checked", "review_due")}
    recorded, checked, due = (day or _NO_DAY for day in days.values())
    made = Standing(
        status=fields.word("status", Status),
        start=start,
        end=fields.day("valid_to", required=False),
        sources=fields.texts("sources", required=True),
        confidence=fields.word("confidence", Confidence),
        draft=fields.flag("draft"),
        recorded=recorded,
        last_checked=checked,
        review_due=due,
        supersedes=fields.texts("supersedes"),
    )
    if all(days.values()):
        if checked > recorded:
            fields.refuse("last_checked", "lies after recorded")
        if not recorded < due <= recorded + REVIEW_WITHIN:
            fields.refuse("review_due", "must lie after recorded, by a year at most")
        shown = start.by if isinstance(start, Unknown) and start.basis == "source" else None
        if shown is not None and shown > recorded:
            fields.refuse("in_force_by", "lies after recorded: no source can show it yet")
    first = start.day if isinstance(start, Known) else start.by or start.not_before
    if made.end is not None and first is not None and made.end < first:
        fields.refuse("valid_to", "lies before the first day")
    return made


def _rows(fields: Fields, code: str, provisions: dict[str, Provision]) -> list[Row]:
    block = fields.text("id")
    provision = _provision(fields, provisions)
    conducts = fields.words("conduct", Conduct)
    depictions = fields.words("depiction", Depiction)
    coverage = fields.word("coverage", Coverage)
    basis = fields.word("conduct_basis", ConductBasis)
    test = fields.text("test", required=False)
    exceptions = fields.texts("exceptions")
    standing = _standing(fields)
    fields.finish()
    return [
        Row(block, code, provision, conduct, depiction, coverage, basis, standing, test, exceptions)
        for depiction in depictions
        for conduct in conducts
    ]


def _duty(fields: Fields, code: str, provisions: dict[str, Provision]) -> Duty:
    made = Duty(
        block=fields.text("id"),
        jurisdiction=code,
        provision=_provision(fields, provisions),
        type=fields.word("type", DutyType),
        roles=fields.words("roles", Role),
        addressee=fields.text("addressee"),
        trigger=fields.text("trigger"),
        channel=fields.text("channel", required=False),
        deadline=fields.text("deadline", required=False) or None,
        retention_min=fields.text("retention_min", required=False) or None,
        retention_max=fields.text("retention_max", required=False) or None,
        satisfied_by=fields.text("satisfied_by", required=False),
        note=fields.text("note", required=False),
        standing=_standing(fields),
    )
    _check_periods(fields, made)
    fields.finish()
    return made


def _check_periods(fields: Fields, duty: Duty) -> None:
    ends = {}
    for key in ("retention_min", "retention_max"):
        value = getattr(duty, key)
        period = parse_period(value or "")
        if period == Period() or (fields.has(key) and period is None):
            fields.refuse(key, "must be a period, as P1Y or P21D (ISO 8601)")
        elif period is not None:
            ends[key] = add(_SOME_DAY, period, floor=key == "retention_min")
    if len(ends) == 2 and ends["retention_max"] < ends["retention_min"]:
        fields.refuse("retention_max", "is shorter than retention_min")
    limit = duty.deadline
    if fields.has("deadline") and not limit:
        fields.refuse("deadline", "must be a period or plain words; leave it out if there is none")
    elif limit and limit[:1] == "P" and parse_period(limit) is None:
        fields.refuse("deadline", "must be a period, as PT24H (ISO 8601), or plain words")


def _context(fields: Fields, code: str, provisions: dict[str, Provision]) -> Context:
    made = Context(
        fields.text("id"),
        code,
        _provision(fields, provisions),
        fields.text("text"),
        _standing(fields),
    )
    fields.finish()
    return made


def _operation(fields: Fields) -> Operation:
    made = Operation(
        id=fields.text("id"),
        name=fields.text("name"),
        day=fields.day("day") or _NO_DAY,
        day_note=fields.text("day_note", required=False),
        jurisdictions=fields.texts("jurisdictions", required=True),
        figures=fields.text("figures", required=False),
        source=fields.text("source"),
        support=fields.word("support", Support),
    )
    fields.finish()
    return made
