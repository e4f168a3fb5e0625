"""A sync in a folder, with a list that is no more than a dictionary."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from brightline import storage
from brightline.lists.feeds.codec import decode, encode
from brightline.lists.feeds.engine import Synced, sync
from brightline.lists.feeds.http import Http, HttpLimits
from brightline.lists.feeds.interface import Change, Delete, Feed, Upsert
from brightline.lists.feeds.ncmec import Ncmec
from brightline.lists.feeds.retrying import Retry
from brightline.lists.feeds.state import State
from brightline.lists.feeds.stopncii import StopNcii
from brightline.lists.records import Record
from tests.lists.feeds import peers
from tests.lists.feeds.service import Service

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


class ListFile:
    """What `publish` has to be: durable, whole, and once for each token."""

    lost_state = False

    def __init__(self, path: Path) -> None:
        self.path = path
        self._load()

    def _load(self) -> None:
        held = json.loads(self.path.read_bytes()) if self.path.exists() else {}
        self.versions: list[str] = held.get("versions", [])
        self.tokens: list[str] = held.get("tokens", [])
        self.entries: dict[str, list[str]] = held.get("entries", {})

    def __call__(self, changes: Iterable[Change], token: str) -> str:
        self._load()
        if token in self.tokens:
            return self.versions[self.tokens.index(token)]
        for change in changes:
            match change:
                case Upsert(record):
                    self.entries[record.source_id] = [record.changed, encode(record).hex()]
                case Delete(source_id):
                    # the first time it may be of a record that never came
                    assert source_id in self.entries or not self.tokens or self.lost_state
                    self.entries.pop(source_id, None)
        self.tokens.append(token)
        self.versions.append(f"{len(self.tokens):04}")
        document = {"versions": self.versions, "tokens": self.tokens, "entries": self.entries}
        storage.write_atomic(self.path, json.dumps(document).encode())
        return self.versions[-1]

    @property
    def records(self) -> list[Record]:
        """By source id."""
        return [
            decode(key, changed, bytes.fromhex(text))
            for key, (changed, text) in sorted(self.entries.items())
        ]


@dataclass
class Place:
    """A folder with a state, a list and a clock that stands still."""

    root: Path
    service: Service
    kind: str = "ncmec"
    now: datetime = NOW
    waits: list[float] = field(default_factory=list)
    limits: HttpLimits = field(default_factory=HttpLimits)
    password: str = peers.PASSWORD
    function_key: str = peers.FUNCTION_KEY
    window: timedelta = timedelta(days=3000)

    @property
    def held(self) -> ListFile:
        return ListFile(self.root / "list.json")

    @property
    def base(self) -> str:
        return self.service.url + ("/base" if self.kind == "ncmec" else "/v1")

    def state(self) -> State:
        return State(self.root / "feed" / "state.sqlite", self.kind, self.base)

    def feed(self, http: Http) -> Feed:
        if self.kind == "ncmec":
            return Ncmec(http, window=self.window)
        return StopNcii(http, clock=lambda: self.now)

    def http(self) -> Http:
        if self.kind == "ncmec":
            return Http(self.base, login=(peers.USER, self.password), limits=self.limits)
        headers = {
            "Ocp-Apim-Subscription-Key": peers.KEY,
            "x-functions-key": self.function_key,
        }
        return Http(self.base, headers=headers, limits=self.limits)

    def sync(self, *, skip_bad_pages: bool = False) -> Synced:
        with self.http() as http, self.state() as state:
            return sync(
                self.feed(http),
                state,
                self.held,
                retry=Retry(attempts=3, sleep=self.waits.append),
                skip_bad_pages=skip_bad_pages,
                clock=lambda: self.now,
            )

    def in_state(self) -> list[Change]:
        with self.state() as state:
            return list(state.records())
