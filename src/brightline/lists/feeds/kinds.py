"""From a configuration to a feed that can be synced."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import assert_never

from brightline import storage
from brightline.lists.feeds.address import checked_address
from brightline.lists.feeds.arachnid import ArachnidShield
from brightline.lists.feeds.config import FEED_FOLDER, STATE_FILE, FeedConfig, FeedKind
from brightline.lists.feeds.credentials import find_credentials
from brightline.lists.feeds.engine import Progress, Synced, sync
from brightline.lists.feeds.http import Http, HttpLimits
from brightline.lists.feeds.interface import Feed, Publish
from brightline.lists.feeds.lookups import Lookup
from brightline.lists.feeds.ncmec import Ncmec
from brightline.lists.feeds.retrying import Retry
from brightline.lists.feeds.state import State
from brightline.lists.feeds.stopncii import StopNcii

_LOGIN = ("user", "password")


def sync_list(
    home: Path,
    name: str,
    config: FeedConfig,
    publish: Publish,
    *,
    skip_bad_pages: bool = False,
    retry: Retry | None = None,
    progress: Progress | None = None,
) -> Synced:
    """Sync the list `name`, whose folder is `home`, from its feed; see `engine.sync`.

    Raises WorkspaceError if another process is syncing it, and FeedError.
    """
    folder = home / FEED_FOLDER
    with (
        storage.locked(folder / ".lock", f"the feed of list {name}"),
        open_feed(name, config) as feed,
        State(folder / STATE_FILE, config.kind, checked_address(config.url)) as state,
    ):
        return sync(
            feed,
            state,
            publish,
            retry=retry,
            skip_bad_pages=skip_bad_pages,
            progress=progress,
        )


def secrets(kind: FeedKind) -> tuple[str, ...]:
    """The credentials that a kind of feed needs, by the names that `credentials` uses."""
    match kind:
        case FeedKind.NCMEC:
            return _LOGIN
        case FeedKind.STOPNCII:
            return ("key", "function_key")
        case _:
            assert_never(kind)


@contextmanager
def open_feed(name: str, config: FeedConfig) -> Iterator[Feed]:
    """The feed with its connection; FeedError if credentials are missing."""
    file = Path(config.credentials) if config.credentials else None
    found = find_credentials(name, secrets(config.kind), file)
    overlap = timedelta(hours=config.overlap_hours)
    match config.kind:
        case FeedKind.NCMEC:
            with _http(config, login=(found["user"], found["password"])) as http:
                yield Ncmec(http, overlap=overlap, window=timedelta(days=config.window_days))
        case FeedKind.STOPNCII:
            headers = {
                "Ocp-Apim-Subscription-Key": found["key"],
                "x-functions-key": found["function_key"],
            }
            with _http(config, headers=headers) as http:
                yield StopNcii(http, overlap=overlap)
        case _:
            assert_never(config.kind)


@contextmanager
def open_lookup(
    name: str,
    url: str,
    *,
    credentials: Path | None = None,
    ca_file: Path | None = None,
    proxy: str | None = None,
) -> Iterator[Lookup]:
    """A service of Arachnid Shield's kind with its connection, under the rules of the feeds.

    `name` is what its credentials are found by: `BRIGHTLINE_NAME_USER` and `…_PASSWORD`, else
    the file, see `credentials`. FeedError if they are missing or the address cannot be used.
    """
    found = find_credentials(name, _LOGIN, credentials)
    login = (found["user"], found["password"])
    with Http(url, login=login, ca_file=ca_file, proxy=proxy) as http:
        yield ArachnidShield(http)


def _http(
    config: FeedConfig,
    *,
    login: tuple[str, str] | None = None,
    headers: dict[str, str] | None = None,
) -> Http:
    return Http(
        config.url,
        login=login,
        headers=headers,
        limits=HttpLimits(
            read=config.read_seconds,
            total=10.0 * config.read_seconds,
            body_bytes=config.max_response_bytes,
        ),
        ca_file=Path(config.ca_file) if config.ca_file else None,
        proxy=config.proxy or None,
    )
