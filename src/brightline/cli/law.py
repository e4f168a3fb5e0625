"""`brightline law`."""

from __future__ import annotations

import enum
import sys
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from brightline.cli.common import JsonOption, plural, print_json, table, talk

if TYPE_CHECKING:
    from brightline.law import Table

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="What the material is under which law, and what must be done by when. No legal advice.",
)


class Format(enum.StrEnum):
    """What a view can be written as."""

    TABLE = "table"
    JSON = "json"
    HTML = "html"


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no day; write it as 2026-11-22") from None


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is no time; write it with its offset, as 2026-11-22T10:00Z"
        ) from None
    if found.utcoffset() is None:
        raise typer.BadParameter("a time needs its offset: write 2026-11-22T10:00Z or …+01:00")
    return found


def _knowledge(text: str) -> date:
    from brightline.law import reading

    day = _day(text)
    if day > reading.today():
        raise typer.BadParameter(f"{day} lies ahead: what will be known then is not known now")
    return day


OnOption = Annotated[
    date | None,
    typer.Option("--on", metavar="DATE", parser=_day, help="Law in force that day; else today."),
]
KnownOption = Annotated[
    date | None,
    typer.Option(
        "--known",
        metavar="DATE",
        parser=_knowledge,
        help="What the table knew that day, not after today; else today.",
    ),
]
OutputOption = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="FILE", help="Write there; else standard output."),
]
DataOption = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", help="A table of your own; else the one shipped."),
]


def _load(data: Path | None) -> Table:
    from brightline.law import load

    return load() if data is None else load(data.resolve())


def _write(text: str, output: Path | None) -> None:
    if output is None:
        sys.stdout.write(text)
        return
    from brightline import storage
    from brightline.errors import UsageError

    if output.is_dir():
        raise UsageError(f"{output} is a folder; name a file in it")
    storage.write_atomic(output.absolute(), text.encode(), 0o644)
    talk(f"wrote {output}")


@app.command()
def show(
    jurisdiction: Annotated[str, typer.Argument(metavar="CODE", help="ISO 3166-1, or EU.")],
    on: OnOption = None,
    known: KnownOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Everything the table holds of one jurisdiction, read for a day.

    Example: brightline law show DK --on 2025-06-30
    """
    from brightline.law.text import jurisdiction_text
    from brightline.law.views import jurisdiction_document

    held = _load(data)
    document = jurisdiction_document(held, jurisdiction, on=on, known=known)
    if as_json:
        print_json(document)
    else:
        sys.stdout.write(jurisdiction_text(document))


@app.command()
def matrix(
    conduct: Annotated[str | None, typer.Option(help="Only this conduct.")] = None,
    depiction: Annotated[str | None, typer.Option(help="Only this depiction class.")] = None,
    jurisdiction: Annotated[
        str | None, typer.Option(metavar="CODES", help="Only these, with commas between them.")
    ] = None,
    on: OnOption = None,
    known: KnownOption = None,
    form: Annotated[Format, typer.Option("--format", help="What to write.")] = Format.TABLE,
    output: OutputOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Jurisdictions by depiction class and conduct.

    Example: brightline law matrix --conduct possess --format html -o matrix.html
    """
    from brightline.law import Conduct, Depiction, resolve
    from brightline.law import matrix as cells_of
    from brightline.law.reading import today
    from brightline.law.text import matrix_text
    from brightline.law.views import choose, matrix_document

    held = _load(data)
    one = choose(Conduct, conduct, "conduct")
    kind = choose(Depiction, depiction, "depiction class")
    cells = cells_of(
        held,
        codes=resolve(held, jurisdiction.split(",")) if jurisdiction is not None else None,
        conducts=tuple(Conduct) if one is None else (one,),
        depictions=tuple(Depiction) if kind is None else (kind,),
        on=on,
        known=known,
    )
    day, knowledge = on or today(), known or today()
    match Format.JSON if as_json else form:
        case Format.JSON:
            import json

            document = matrix_document(held, cells, on=day, known=knowledge)
            _write(json.dumps(document, indent=2, ensure_ascii=False) + "\n", output)
        case Format.HTML:
            from brightline.law.page import render_matrix

            page = render_matrix(held, cells, on=day, known=knowledge, conduct=one, depiction=kind)
            _write(page, output)
        case Format.TABLE:
            _write(matrix_text(held, cells, on=day, known=knowledge), output)


@app.command()
def duties(
    role: Annotated[str, typer.Option(help="hosting, dataset, police or telecom.")],
    jurisdiction: Annotated[
        str, typer.Option(metavar="CODES", help="With commas between them: US,DK.")
    ],
    found: Annotated[
        datetime,
        typer.Option(metavar="TIME", parser=_moment, help="When it was found, with its offset."),
    ],
    reported: Annotated[
        datetime | None,
        typer.Option(metavar="TIME", parser=_moment, help="When it was reported, if it was."),
    ] = None,
    on: OnOption = None,
    known: KnownOption = None,
    form: Annotated[Format, typer.Option("--format", help="What to write.")] = Format.TABLE,
    output: OutputOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """What must be done, to whom, by when; kept until when; and where two laws collide.

    Example: brightline law duties --role hosting --jurisdiction US,DK --found 2026-11-22T10:00Z
    """
    from brightline.law import Role, conflicts, gaps, resolve
    from brightline.law import duties as clocks_of
    from brightline.law.clocks import day_of
    from brightline.law.reading import today
    from brightline.law.text import duties_text
    from brightline.law.views import choose, duties_document

    held = _load(data)
    actor = choose(Role, role, "role")
    assert actor is not None
    codes = resolve(held, jurisdiction.split(","))
    clocks = clocks_of(held, codes, actor, found, reported=reported, on=on, known=known)
    collisions, without = conflicts(held, codes, clocks), gaps(held, codes, clocks)
    day, knowledge = on or day_of(found), known or today()
    if form is Format.HTML and not as_json:
        from brightline.law.page import render_duties

        page = render_duties(
            held,
            clocks,
            collisions,
            without,
            role=actor,
            codes=codes,
            found=found,
            on=day,
            known=knowledge,
        )
        _write(page, output)
        return
    document = duties_document(
        held,
        clocks,
        collisions,
        without,
        role=actor,
        codes=codes,
        found=found,
        on=day,
        known=knowledge,
    )
    if as_json or form is Format.JSON:
        import json

        _write(json.dumps(document, indent=2, ensure_ascii=False) + "\n", output)
    else:
        _write(duties_text(document), output)


@app.command()
def operation(
    name: Annotated[
        str, typer.Argument(metavar="NAME|CODES", help="cumberland, or countries: DE,FR,NL.")
    ],
    on: OnOption = None,
    known: KnownOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Where several countries cover wholly synthetic, realistic material, where not, where unclear.

    Example: brightline law operation cumberland --on 2025-02-26
    """
    from brightline.law.operation import view
    from brightline.law.text import operation_text
    from brightline.law.views import operation_document

    held = _load(data)
    document = operation_document(held, view(held, name, on=on, known=known))
    if as_json:
        print_json(document)
    else:
        sys.stdout.write(operation_text(document))


@app.command()
def check(
    folder: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="Files to check; else the ones shipped.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check the table's files; exit status 1 if one of them is refused.

    Example: brightline law check
    """
    from brightline.law import read, reading
    from brightline.law.parse import DATA

    held, problems = read(folder or DATA, today=reading.today())
    places = held.jurisdictions.values()
    counts = {
        "jurisdictions": len(places),
        "rows": sum(len(place.rows) for place in places),
        "duties": sum(len(place.duties) for place in places),
        "drafts": sum(row.standing.draft for place in places for row in place.rows),
    }
    if as_json:
        listed = [{"file": p.file, "element": p.element, "text": p.text} for p in problems]
        print_json(counts | {"problems": listed})
    elif problems:
        table([(p.file, p.element, p.text) for p in problems], ("file", "element", "problem"))
    else:
        said = f"{plural(counts['rows'], 'row')}, of which {plural(counts['drafts'], 'draft')}"
        duties_said = f"{counts['duties']} duties"
        talk(f"{counts['jurisdictions']} jurisdictions, {said}; {duties_said}; nothing is refused")
    if problems:
        raise typer.Exit(1)
