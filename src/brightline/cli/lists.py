"""`brightline list`."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from brightline.cli.common import (
    IdentityOption,
    JsonOption,
    ReasonOption,
    WorkspaceOption,
    load_key,
    note_import,
    open_workspace,
    plural,
    print_json,
    table,
    talk,
)
from brightline.cli.list_export import export
from brightline.cli.list_provenance import provenance
from brightline.cli.list_sync import sync
from brightline.types import PDQ_MIN_QUALITY, PDQ_THRESHOLD, Pipeline, Role

if TYPE_CHECKING:
    from brightline.lists import ListManifest

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Hash lists: versions that never change."
)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of the list.")]


@app.command("import")
def import_file(
    name: NameArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The list as its maker gives it.")],
    form: Annotated[
        str | None, typer.Option("--format", metavar="F", help="Its format; else by content.")
    ] = None,
    deltas: Annotated[
        list[Path] | None,
        typer.Option("--delta", metavar="FILE", help="An SQL delta of the NSRL; in their order."),
    ] = None,
    pipeline: Annotated[
        Pipeline, typer.Option(help="How the list's PDQ hashes were made.")
    ] = Pipeline.UNKNOWN,
    role: Annotated[
        Role | None,
        typer.Option(help="What being on the list means.", show_default="by format, or known-bad"),
    ] = None,
    scheme: Annotated[
        str | None,
        typer.Option(metavar="S", help="What the categories stand for: us, uk, ncmec, custom, …"),
    ] = None,
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
        scheme=scheme,
        deltas=deltas or (),
    )
    note_import(opened, manifest)
    if not manifest.entries:
        talk(f"warning: {name} has no entries; nothing can match it")
    for reason, count in manifest.skipped.items():
        talk(f"{plural(count, 'record')} without an entry: {reason}")
    _warn_of_categories(opened.lists_dir, manifest)
    if as_json:
        print_json(_facts(manifest) | {"new": new})
        return
    state = "imported" if new else "unchanged, it is there already as"
    counts = ", ".join(f"{count} {kind}" for kind, count in manifest.counts.items() if count)
    total = plural(manifest.entries, "entry")
    typer.echo(f"{state} {manifest.name}@{manifest.version}: {total} ({counts})")


def _warn_of_categories(lists_dir: Path, manifest: ListManifest) -> None:
    from brightline.lists import find_scheme

    if manifest.scheme is not None:
        unknown = find_scheme(lists_dir, manifest.scheme).unknown(manifest.categories)
        if unknown:
            talk(
                f"warning: categories that are not in the scheme {manifest.scheme}: "
                f"{len(unknown)}; see `brightline list show {manifest.name}`"
            )


def _facts(manifest: ListManifest) -> dict[str, Any]:
    return {
        "name": manifest.name,
        "version": manifest.version,
        "digest": manifest.digest,
        "created": manifest.created,
        "role": str(manifest.role),
        "pipeline": str(manifest.pipeline),
        "pdq_threshold": manifest.pdq_threshold,
        "pdq_min_quality": manifest.pdq_min_quality,
        "scheme": manifest.scheme,
        "entries": manifest.entries,
        "duplicates": manifest.duplicates,
        "counts": dict(manifest.counts),
        "categories": dict(manifest.categories),
        "skipped": dict(manifest.skipped),
        "opaque": dict(manifest.opaque),
        "segments": {segment.version: segment.removed for segment in manifest.segments},
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
    from brightline.lists import find_scheme, open_list

    root = open_workspace(workspace).lists_dir
    manifest = open_list(root, name).manifest
    facts = _facts(manifest)
    if manifest.scheme is not None:
        meanings = find_scheme(root, manifest.scheme).categories
        facts["meanings"] = {
            category: meanings.get(category, "not in the scheme")
            for category in manifest.categories
        }
    if as_json:
        print_json(facts)
    else:
        facts["segments"] = {
            version: f"(removed: {removed})" for version, removed in facts["segments"].items()
        }
        for key, value in facts.items():
            if isinstance(value, dict):
                value = ", ".join(f"{k} {v}" for k, v in value.items()) or "none"
            typer.echo(f"{key:<16} {'none' if value is None else value}")


@app.command()
def diff(
    first: Annotated[str, typer.Argument(metavar="NAME@V1", help="Or NAME V1 V2.")],
    second: Annotated[str, typer.Argument(metavar="NAME@V2")],
    third: Annotated[str | None, typer.Argument(metavar="", hidden=True)] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """How many entries were added, removed and recategorised between two versions.

    Example: brightline list diff hotline@1 hotline@2
    """
    from brightline.lists import diff as compare
    from brightline.lists import open_list

    root = open_workspace(workspace).lists_dir
    if third is not None:
        first, second = f"{first}@{second}", f"{first}@{third}"
    counts = asdict(compare(open_list(root, first), open_list(root, second)))
    if as_json:
        print_json(counts)
    else:
        kinds = sorted({kind for numbers in counts.values() for kind in numbers})
        rows = [
            (kind, *(str(numbers.get(kind, 0)) for numbers in counts.values())) for kind in kinds
        ]
        table(rows, ("type", *counts))


@app.command()
def conflicts(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME[@VERSION]", help="Else the newest version of every list."),
    ] = None,
    seal_to: Annotated[
        Path | None,
        typer.Option("--seal", metavar="FILE", help="Seal the entries to the custodians."),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """How many values lists contradict each other on: in their role, or in their category.

    Example: brightline list conflicts hotline nsrl --seal conflicts.age
    """
    from brightline.errors import UsageError
    from brightline.findings import seal
    from brightline.lists import conflicting_entries, list_names, open_list
    from brightline.lists import conflicts as count

    opened = open_workspace(workspace)
    lists = [open_list(opened.lists_dir, name) for name in names or list_names(opened.lists_dir)]
    if seal_to is not None and seal_to.exists():
        raise UsageError(f"{seal_to} exists already; name a new file to seal the entries into")
    found = count(lists)
    if seal_to is not None:
        sealed = seal(conflicting_entries(lists), opened.sealers(), seal_to)
        talk(f"sealed {plural(sealed, 'conflict')} into {seal_to}")
    if as_json:
        print_json([asdict(conflict) for conflict in found])
    else:
        rows = [
            (str(c.kind), c.first, c.second, signal, str(number))
            for c in found
            for signal, number in c.values.items() or [("-", 0)]
        ]
        table(rows, ("conflict", "first", "second", "type", "values"))


@app.command("open-conflicts")
def open_conflicts(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="As `list conflicts --seal` made.")],
    identity: IdentityOption,
    reason: ReasonOption,
    workspace: WorkspaceOption = None,
) -> None:
    """Open sealed conflicts and print them as JSON Lines. The opening is recorded first.

    Example: brightline list open-conflicts conflicts.age --identity anna.key --reason "review"
    """
    from brightline import storage
    from brightline.errors import UsageError
    from brightline.findings import open_sealed
    from brightline.ledger import Event

    if not reason.strip():
        raise UsageError("give a reason with --reason; it goes on the ledger")
    opened = open_workspace(workspace)
    key = load_key(identity)
    found = open_sealed(file, key)
    opened.ledger.append(
        Event.CONFLICTS_OPENED,
        {
            "file": f"sha256:{storage.sha256_file(file)}",
            "reason": reason,
            **opened.opened_by(key),
            "conflicts": len(found),
        },
    )
    for line in found:
        sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")


app.command("export")(export)
app.command("provenance")(provenance)
app.command("sync")(sync)
