"""`brightline audit`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from brightline.cli.common import (
    JsonOption,
    Meter,
    WorkspaceOption,
    bytes_text,
    duration_text,
    open_workspace,
    plural,
    print_json,
)

if TYPE_CHECKING:
    from brightline.screen.perform import Slice
    from brightline.screen.summary import Summary


def audit(
    sources: Annotated[
        list[Path], typer.Argument(metavar="SOURCE", help="Folders, archives, tables.")
    ],
    lists: Annotated[
        list[str] | None,
        typer.Option("--list", metavar="NAME[@VERSION]", help="A list; may be repeated."),
    ] = None,
    run: Annotated[
        str | None, typer.Option(metavar="RUN", help="Name of the run, to resume or to begin.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=1024, help="Processes; else one a core.")
    ] = None,
    shard: Annotated[
        str | None,
        typer.Option("--shard", metavar="I/N", help="Do only part I of N; needs --run."),
    ] = None,
    orientations: Annotated[
        bool, typer.Option("--orientations", help="Also match pictures turned and mirrored.")
    ] = False,
    source_type: Annotated[
        str | None,
        typer.Option(metavar="TYPE", help="folder, zip, tar, webdataset, parquet or csv."),
    ] = None,
    max_pixels: Annotated[
        int | None, typer.Option(min=1, help="Decode no picture with more pixels.")
    ] = None,
    max_item_bytes: Annotated[
        int | None, typer.Option(min=1, help="Decode no picture with more bytes.")
    ] = None,
    item_seconds: Annotated[
        float | None, typer.Option(min=0.1, help="Longest time for one picture.")
    ] = None,
    reuse: Annotated[
        bool,
        typer.Option(
            "--reuse/--no-reuse",
            help="Do not read again what an earlier run screened and is unchanged.",
        ),
    ] = True,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> int:
    """Screen sources against lists; seal what matches; account for every item.

    Stop it at any time: the same command goes on where it was.

    Example: brightline audit /data/shards --list hotline --workers 8
    """
    from brightline.api import audit as start
    from brightline.screen.perform import Slice
    from brightline.types import Limits

    usual = Limits()
    limits = replace(
        usual,
        max_pixels=max_pixels or usual.max_pixels,
        max_item_bytes=max_item_bytes or usual.max_item_bytes,
        item_seconds=item_seconds or usual.item_seconds,
    )
    opened = open_workspace(workspace)
    meter = Meter()
    try:
        summary = start(
            sources,
            lists or (),
            opened,
            run=run,
            workers=workers,
            limits=limits,
            orientations=orientations,
            source_type=source_type,
            part=_slice(shard) if shard else Slice(),
            reuse=reuse,
            listen=meter,
            say=meter.say,
        )
    finally:
        meter.clear()
    if as_json:
        print_json(summary.document)
    else:
        tell(summary)
    return summary.exit_status


def _slice(text: str) -> Slice:
    from brightline.errors import UsageError
    from brightline.screen.perform import Slice

    number, slash, of = text.partition("/")
    if not slash or not number.isdecimal() or not of.isdecimal():
        raise UsageError("--shard takes I/N, for example 3/16")
    return Slice(int(number), int(of))


def tell(summary: Summary) -> None:
    """A run in a dozen lines: counts only."""
    d = summary.document
    seconds = d["elapsed_s"]
    typer.echo(f"run {d['run']}: {d['state']}, {plural(d['shards']['committed'], 'shard')}")
    typer.echo(
        f"  {plural(d['items'], 'item')}, {bytes_text(d['bytes'])} in {duration_text(seconds)}: "
        f"{d['screened']} screened, {d['exact_only']} exact only, "
        f"{d['skipped']} skipped, {d['failed']} failed"
    )
    if origin := d.get("rescreened_from"):
        typer.echo(f"  from the signal archives of run {origin['run']}: no source was read")
    elif d.get("reused"):
        typer.echo(f"  {plural(d['reused'], 'shard')} unchanged and not read again")
    for code, count in sorted(d["reasons"].items(), key=lambda r: (-r[1], r[0])):
        typer.echo(f"    {count:>8}  {code}")
    for facts in d["lists"]:
        name = f"{facts['name']}@{facts['version']}"
        count = d["matches"]["by_list"].get(name, 0)
        entries = plural(facts["entries"], "entry")
        if "since" in facts:
            entries += f" that version {facts['since']} has not"
        typer.echo(f"  list {name}: {plural(count, 'match')} in {entries}")
    matches = d["matches"]
    if matches["total"]:
        typer.echo(f"  {plural(matches['items'], 'item')} matched; the findings are sealed:")
        typer.echo(f"    brightline findings open {d['run']} --identity FILE --reason TEXT")
    else:
        typer.echo("  no item's signal was within a list's threshold (known hashes only)")
    if d["gaps"]:
        typer.echo(f"  {plural(d['gaps'], 'item')} could not be screened in full")
