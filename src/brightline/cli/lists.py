"""`brightline list`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from brightline.cli.common import (
    JsonOption,
    WorkspaceOption,
    open_workspace,
    print_json,
    table,
    talk,
)
from brightline.types import PDQ_MIN_QUALITY, PDQ_THRESHOLD, Pipeline, Role

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Hash lists: versions that never change."
)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of the list.")]


@app.command("import")
def import_file(
    name: NameArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV or digest text.")],
    form: Annotated[
        str | None, typer.Option("--format", metavar="F", help="csv or digests; else by content.")
    ] = None,
    pipeline: Annotated[
        Pipeline, typer.Option(help="How the list's PDQ hashes were made.")
    ] = Pipeline.UNKNOWN,
    role: Annotated[Role, typer.Option(help="What being on the list means.")] = Role.KNOWN_BAD,
    threshold: Annotated[
        int,
        typer.Option("--pdq-threshold", min=0, max=255, help="PDQ matches up to this distance."),
    ] = PDQ_THRESHOLD,
    quality: Annotated[
        int, typer.Option("--pdq-min-quality", min=0, max=100, help="Lowest quality matched.")
    ] = PDQ_MIN_QUALITY,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a new version of a list from a file, or none at all if a line cannot be read.

    Example: brightline list import hotline hashes.csv
    """
    from brightline.ledger import Event
    from brightline.lists import import_list

    opened = open_workspace(workspace)
    manifest, new = import_list(
        opened.lists_dir,
        name,
        file,
        format=form,
        role=role,
        pipeline=pipeline,
        pdq_threshold=threshold,
        pdq_min_quality=quality,
    )
    if new:
        opened.ledger.append(
            Event.LIST_IMPORTED,
            {
                "name": manifest.name,
                "version": manifest.version,
                "digest": manifest.digest,
                "entries": manifest.entries,
            },
        )
    if not manifest.entries:
        talk(f"warning: {name} has no entries; nothing can match it")
    if as_json:
        print_json(_facts(manifest) | {"new": new})
        return
    state = "imported" if new else "unchanged, it is there already as"
    counts = ", ".join(f"{count} {kind}" for kind, count in manifest.counts.items() if count)
    typer.echo(f"{state} {manifest.name}@{manifest.version}: {manifest.entries} entries ({counts})")


def _facts(manifest: Any) -> dict[str, Any]:
    return {
        "name": manifest.name,
        "version": manifest.version,
        "digest": manifest.digest,
        "created": manifest.created,
        "role": str(manifest.role),
        "pipeline": str(manifest.pipeline),
        "pdq_threshold": manifest.pdq_threshold,
        "pdq_min_quality": manifest.pdq_min_quality,
        "entries": manifest.entries,
        "duplicates": manifest.duplicates,
        "counts": dict(manifest.counts),
        "categories": dict(manifest.categories),
    }


@app.command("ls")
def list_lists(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """All lists with their versions.

    Example: brightline list ls
    """
    from brightline.lists import list_names, list_versions

    root = open_workspace(workspace).lists_dir
    found = [m for name in list_names(root) for m in list_versions(root, name)]
    if as_json:
        print_json([_facts(manifest) for manifest in found])
    else:
        rows = [(m.name, m.version, str(m.role), str(m.entries), m.created) for m in found]
        table(rows, ("name", "version", "role", "entries", "imported"))


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME[@VERSION]")],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """One version of a list: counts and digest, never an entry.

    Example: brightline list show hotline
    """
    from brightline.lists import open_list

    facts = _facts(open_list(open_workspace(workspace).lists_dir, name).manifest)
    if as_json:
        print_json(facts)
    else:
        for key, value in facts.items():
            if isinstance(value, dict):
                value = ", ".join(f"{k} {v}" for k, v in value.items()) or "none"
            typer.echo(f"{key:<16} {value}")


@app.command()
def diff(
    name: NameArgument,
    first: Annotated[str, typer.Argument(metavar="V1")],
    second: Annotated[str, typer.Argument(metavar="V2")],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """How many entries were added, removed and recategorised between two versions.

    Example: brightline list diff hotline 1 2
    """
    from brightline.lists import diff as compare
    from brightline.lists import open_list

    root = open_workspace(workspace).lists_dir
    counts = asdict(
        compare(open_list(root, f"{name}@{first}"), open_list(root, f"{name}@{second}"))
    )
    if as_json:
        print_json(counts)
    else:
        kinds = sorted({kind for numbers in counts.values() for kind in numbers})
        rows = [
            (kind, *(str(numbers.get(kind, 0)) for numbers in counts.values())) for kind in kinds
        ]
        table(rows, ("type", *counts))
