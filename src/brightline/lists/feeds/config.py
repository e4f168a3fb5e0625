"""What is configured for a list's feed: `lists/NAME/feed/feed.toml`."""

from __future__ import annotations

import enum
import json
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from brightline import storage
from brightline.lists.feeds.address import checked_address
from brightline.lists.feeds.errors import FeedError
from brightline.types import Pipeline

FEED_FOLDER = "feed"
CONFIG_FILE = "feed.toml"
STATE_FILE = "state.sqlite"


class FeedKind(enum.StrEnum):
    """The protocols that are spoken."""

    NCMEC = "ncmec"
    STOPNCII = "stopncii"


@dataclass(frozen=True, slots=True)
class FeedConfig:
    """One feed. `credentials` is a file of mode 0600, empty for the environment; `ca_file`
    certificates that replace the public authorities'; `proxy` an HTTP proxy, used only if given;
    `pipeline` how the PDQ hashes of the feed are made.
    """

    kind: FeedKind
    url: str
    credentials: str = ""
    overlap_hours: int = 24
    window_days: int = 30
    read_seconds: int = 60
    max_response_bytes: int = 64 << 20
    ca_file: str = ""
    proxy: str = ""
    pipeline: Pipeline = Pipeline.UNKNOWN

    def __post_init__(self) -> None:
        """Raises FeedError for an address or a number that cannot be used."""
        checked_address(self.url)
        if self.proxy:
            checked_proxy(self.proxy)
        for name in ("window_days", "read_seconds", "max_response_bytes"):
            if getattr(self, name) < 1:
                raise FeedError(f"{name} of a feed must be 1 or more")
        if self.overlap_hours < 0 or self.overlap_hours >= 24 * self.window_days:
            raise FeedError("overlap_hours of a feed must be 0 or more, and less than its window")


def read_config(home: Path, name: str) -> FeedConfig | None:
    """The feed of the list in folder `home`, None if it has none; FeedError if unreadable."""
    path = home / FEED_FOLDER / CONFIG_FILE
    try:
        document = tomllib.loads(path.read_bytes().decode("utf-8"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise FeedError(f"cannot read {path}: {error.strerror}") from None
    except ValueError as error:
        raise FeedError(f"{path} is not TOML: {error}; mend it") from None
    try:
        table = document["feeds"][name]
        return _from_table(table)
    except FeedError as error:
        raise FeedError(f"{path}: {error}") from None
    except (KeyError, TypeError, ValueError):
        known = ", ".join(item.name for item in fields(FeedConfig))
        raise FeedError(
            f"{path} needs a table [feeds.{name}] with kind and url; it knows: {known}"
        ) from None


def write_config(home: Path, name: str, config: FeedConfig) -> None:
    """Write it, mode 0600; settings that are as they would be anyway are left out."""
    # a JSON string is a TOML basic string as long as nothing in it is a DEL
    lines = [
        "# The feed of this list; `brightline list sync` reads it.",
        f"[feeds.{_quoted(name)}]",
    ]
    for item in fields(config):
        value = getattr(config, item.name)
        if value != item.default:
            lines.append(f"{item.name} = {value if isinstance(value, int) else _quoted(value)}")
    storage.write_atomic(home / FEED_FOLDER / CONFIG_FILE, "\n".join([*lines, ""]).encode())


def checked_proxy(url: str) -> str:
    """The address of a proxy, which holds no credentials; FeedError if it does."""
    scheme, _, rest = url.partition("://")
    if scheme not in ("http", "https") or not rest or "@" in rest:
        raise FeedError("a proxy is http://HOST:PORT or https://HOST:PORT, without credentials")
    return url


def _quoted(text: str) -> str:
    if "\x7f" in text:
        raise FeedError("a setting of a feed has a control character in it")
    return json.dumps(str(text), ensure_ascii=False)


def _from_table(table: dict[str, Any]) -> FeedConfig:
    for item in fields(FeedConfig):
        expected = int if isinstance(item.default, int) else str
        if item.name in table and type(table[item.name]) is not expected:
            raise TypeError(item.name)
    kind, pipeline = FeedKind(table["kind"]), Pipeline(table.get("pipeline", Pipeline.UNKNOWN))
    return FeedConfig(**(table | {"kind": kind, "pipeline": pipeline}))
