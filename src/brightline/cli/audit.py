"""`brightline audit`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

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
from brightline.screen.examining import OriginMode

if TYPE_CHECKING:
    from brightline.screen.perform import Slice
    from brightline.screen.summary import Summary


class Audit(TyperCommand):
    """The command with one option whose value may be left out: `--origin` is `--origin matched`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the value in where the next word is none of the modes: it is a source then."""
        given: list[str] = []
        for place, word in enumerate(args):
            given.append(word)
            if word == "--":
                given += args[place + 1 :]
                break
            if word == "--origin" and args[place + 1 : place + 2] not in [[m] for m in OriginMode]:
                given.append(str(OriginMode.MATCHED))
        return super().parse_args(ctx, given)


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
    origin: Annotated[
        OriginMode,
        typer.Option(
            "--origin",
            help="Look for evidence of where pictures come from: of items that matched, or with "
            "`all` of every picture, counted. Without a value: matched. Reads everything again.",
        ),
    ] = OriginMode.NONE,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> int:
    """Screen sources against lists; seal what matches; account for every item.

    Stop it at any time: the same command goes on where it was.

    Example: brightline audit /data/shards --list hotline --workers 8

    Example: brightline audit /data/shards --list hotline --origin
    """
    from brightline.screen.nursery import prepare

    prepare()
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
            origin=origin,
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
    if d.get("origin"):
        tell_origin(d["origin"])
    if d["gaps"]:
        typer.echo(f"  {plural(d['gaps'], 'item')} could not be screened in full")


def tell_origin(counts: dict[str, Any]) -> None:
    """What was found of origins, as counts, with what such evidence is worth."""
    which = "matched items" if counts["mode"] == OriginMode.MATCHED else "all pictures"
    typer.echo(
        f"  origin of {which}: {counts['examined']} examined, {counts['no_evidence']} without "
        f"evidence, {counts['not_examined']} not examined"
    )
    for claim, strengths in counts["claims"].items():
        for strength, count in strengths.items():
            typer.echo(f"    {count:>8}  {claim} by {strength}")
    for name, count in counts["contradictions"].items():
        typer.echo(f"    {count:>8}  contradiction: {name}")
    for name, count in counts["not_examined_reasons"].items():
        typer.echo(f"    {count:>8}  not examined: {name}")
    typer.echo("    marks can be forged, and none proves nothing: let neither lower a priority")
