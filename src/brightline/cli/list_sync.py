"""`brightline list sync`."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from brightline.cli.common import (
    JsonOption,
    WorkspaceOption,
    note_import,
    open_workspace,
    plural,
    print_json,
    talk,
)
from brightline.types import Pipeline

if TYPE_CHECKING:
    from brightline.lists.feeds import Change, FeedConfig, Publish, Synced
    from brightline.workspace import Workspace

EXIT_INCOMPLETE = 3

_LINE_SECONDS = 15.0


def sync(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the list.")],
    kind: Annotated[
        str | None, typer.Option(metavar="ncmec|stopncii", help="What the feed speaks.")
    ] = None,
    url: Annotated[str | None, typer.Option(help="The feed's address, https.")] = None,
    credentials: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="TOML of mode 0600; else BRIGHTLINE_NAME_… variables."),
    ] = None,
    ca_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Certificates to trust instead, PEM.")
    ] = None,
    proxy: Annotated[str | None, typer.Option(help="An HTTP proxy; else none is used.")] = None,
    pipeline: Annotated[
        Pipeline | None, typer.Option(help="How the feed's PDQ hashes were made.")
    ] = None,
    skip_bad_pages: Annotated[
        bool,
        typer.Option(
            "--skip-bad-pages/--stop-at-bad-pages",
            help="Pass over a malformed page and fetch it again next time, or end before it.",
        ),
    ] = True,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch what is new from a hotline's feed and make it the list's next version.

    The first time, say --kind and --url; they are kept in lists/NAME/feed/feed.toml. A sync that
    was stopped goes on where it was. Status 3: pages were passed over.

    Example: brightline list sync hotline --kind ncmec --url https://report.cybertip.org/hashsharing
    """
    from brightline.lists.feeds import sync_list
    from brightline.lists.references import checked_name

    opened = open_workspace(workspace)
    home = opened.lists_dir / checked_name(name)
    config = _configure(home, name, kind, url, credentials, ca_file, proxy, pipeline)
    done = sync_list(
        home,
        name,
        config,
        _publisher(opened, name, config),
        skip_bad_pages=skip_bad_pages,
        progress=_Progress(),
    )
    _tell(name, done, as_json)
    if not done.complete:
        raise typer.Exit(EXIT_INCOMPLETE)


def _configure(
    home: Path,
    name: str,
    kind: str | None,
    url: str | None,
    credentials: Path | None,
    ca_file: Path | None,
    proxy: str | None,
    pipeline: Pipeline | None,
) -> FeedConfig:
    """The stored settings with what was given now, stored again if that changed anything."""
    from brightline.errors import ListError
    from brightline.lists.feeds import FeedConfig, FeedKind, read_config, write_config

    if kind is not None and kind not in set(FeedKind):
        raise ListError(f"a feed is of kind {' or '.join(FeedKind)}; say --kind")
    stored = read_config(home, name)
    if stored is None:
        if kind is None or url is None:
            raise ListError(f"list {name} has no feed yet; say --kind and --url, this once")
        config = FeedConfig(FeedKind(kind), url)
    else:
        config = stored
        if (kind or stored.kind, url or stored.url) != (stored.kind, stored.url):
            raise ListError(f"list {name} has another feed; sync this one into a list of its own")
    if credentials is not None:
        config = replace(config, credentials=str(credentials.absolute()))
    if ca_file is not None:
        config = replace(config, ca_file=str(ca_file.absolute()))
    if proxy is not None:
        config = replace(config, proxy=proxy)
    if pipeline is not None:
        config = replace(config, pipeline=pipeline)
    if config != stored:
        write_config(home, name, config)
    return config


def _publisher(opened: Workspace, name: str, config: FeedConfig) -> Publish:
    """Makes versions of the list and notes them on the ledger, each once."""
    from brightline.ledger import Event
    from brightline.lists import Added, Removed, Settings, apply_changes, list_versions
    from brightline.lists.feeds import FeedKind, Upsert

    scheme = "ncmec" if config.kind is FeedKind.NCMEC else None

    def publish(changes: Iterable[Change], token: str) -> str:
        first = not list_versions(opened.lists_dir, name)
        manifest, _ = apply_changes(
            opened.lists_dir,
            name,
            (
                Added(change.record) if isinstance(change, Upsert) else Removed(change.source_id)
                for change in changes
            ),
            settings=Settings(pipeline=config.pipeline, scheme=scheme) if first else None,
            token=token,
        )
        noted = (
            record.fields.get("version")
            for record in opened.ledger.records()
            if record.kind == Event.LIST_IMPORTED and record.fields.get("name") == name
        )
        if manifest.version not in noted:
            note_import(opened, manifest)
        return manifest.version

    return publish


class _Progress:
    """A line now and then; counts only."""

    def __init__(self) -> None:
        self._said = time.monotonic()

    def __call__(self, done: Synced) -> None:
        if time.monotonic() - self._said > _LINE_SECONDS:
            self._said = time.monotonic()
            talk(f"{plural(done.pages, 'page')}, {plural(done.upserts, 'record')} so far")


def _tell(name: str, done: Synced, as_json: bool) -> None:
    unusable = {str(reason): count for reason, count in sorted(done.unusable.items()) if count}
    for reason, count in unusable.items():
        talk(f"warning: {count} × {reason}")
    if not done.complete:
        talk(
            f"warning: {plural(done.bad_pages, 'page')} could not be read; the list may lack "
            "entries of the feed until a later sync has them"
        )
    if as_json:
        print_json(
            {
                "name": name,
                "version": done.version,
                "published": done.published,
                "pages": done.pages,
                "records": done.upserts,
                "deletions": done.deletions,
                "bad_pages": done.bad_pages,
                "ranges_to_fetch_again": done.holes,
                "unusable": unusable,
                "complete": done.complete,
            }
        )
    elif done.version is None:
        typer.echo(f"{name} is as it was: nothing new in {plural(done.pages, 'page')}")
    else:
        typer.echo(f"published {plural(done.published, 'change')} as {name}@{done.version}")
