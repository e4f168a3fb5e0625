"""`brightline list sync` whole, and what of it gets out."""

from __future__ import annotations

import base64
import logging
import os
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import typer

from brightline.cli import list_sync
from brightline.errors import BrightlineError, WorkspaceError
from brightline.ledger import Event
from brightline.lists import open_list
from brightline.lists.feeds import (
    FeedConfig,
    FeedError,
    FeedKind,
    Publish,
    Retry,
    Synced,
    kinds,
    sync_list,
)
from brightline.types import SignalType
from brightline.workspace import Workspace
from tests.lists.feeds import peers
from tests.lists.feeds.helpers import ListFile
from tests.lists.feeds.peers import Entry, Hash
from tests.lists.feeds.service import Reply, Service, serve


@dataclass
class Desk:
    """A workspace with the command at hand."""

    workspace: Workspace
    capsys: pytest.CaptureFixture[str]
    said: str = ""

    def sync(self, *arguments: str) -> int:
        """Run the command; what it says and raises is kept."""
        app = typer.Typer(pretty_exceptions_enable=False)
        app.command("sync")(list_sync.sync)
        app.command("other")(lambda: None)
        options = ["--workspace", str(self.workspace.root)]
        try:
            status = app(["sync", *arguments, *options], standalone_mode=False)
        except BrightlineError as error:
            self.said += f"{error}\n"
            status = 2
        out, err = self.capsys.readouterr()
        self.said += out + err
        return int(status or 0)


@pytest.fixture
def desk(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Desk:
    for name in [name for name in os.environ if name.startswith("BRIGHTLINE_")]:
        monkeypatch.delenv(name)
    # no test waits for a server, or asks for each month since 2010; both are tested elsewhere
    patient = Retry(attempts=3, sleep=lambda _: None)

    def soon(home: Path, name: str, config: FeedConfig, publish: Publish, **options: Any) -> Synced:
        quick = replace(config, window_days=3000)
        return sync_list(home, name, quick, publish, retry=patient, **options)

    monkeypatch.setattr("brightline.lists.feeds.sync_list", soon)
    return Desk(Workspace.create(tmp_path / "workspace"), capsys)


@pytest.fixture
def hotline() -> peers.Ncmec:
    made = peers.Ncmec()
    for number in range(17):
        kind = "video" if number % 4 == 3 else "image"
        made.put(Entry(number, f"2026-01-{number % 9 + 1:02}T00:00:00Z", kind))
    return made


@pytest.fixture
def service(hotline: peers.Ncmec) -> Iterator[Service]:
    with serve(hotline) as running:
        yield running


def secrets(folder: Path) -> Path:
    path = folder / "secrets.toml"
    path.write_text(f'user = "{peers.USER}"\npassword = "{peers.PASSWORD}"\n')
    path.chmod(0o600)
    return path


def listed(desk: Desk, name: str = "hotline") -> set[tuple[SignalType, bytes]]:
    entries = open_list(desk.workspace.lists_dir, name).entries()
    return {(signal, row.tobytes()) for signal, rows in entries.values.items() for row in rows}


def test_from_the_feed_to_a_version(
    desk: Desk, hotline: peers.Ncmec, service: Service, tmp_path: Path
) -> None:
    first = ["--kind", "ncmec", "--url", f"{service.url}/base/"]
    assert desk.sync("hotline", *first, "--credentials", str(secrets(tmp_path))) == 0
    assert listed(desk) == {signal for record in hotline.records for signal in record.signals}
    manifest = open_list(desk.workspace.lists_dir, "hotline").manifest
    assert manifest.scheme == "ncmec" and manifest.categories == {"A1": manifest.entries}
    assert f"published 17 changes as hotline@{manifest.version}" in desk.said

    assert desk.sync("hotline") == 0  # everything else is remembered
    assert "hotline is as it was" in desk.said
    assert open_list(desk.workspace.lists_dir, "hotline").manifest.version == manifest.version
    versions = [
        record.fields["version"]
        for record in desk.workspace.ledger.records()
        if record.kind == Event.LIST_IMPORTED
    ]
    assert versions == [manifest.version]


def test_a_version_that_was_made_before_a_kill_is_found_again(
    desk: Desk,
    hotline: peers.Ncmec,
    service: Service,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = ["--kind", "ncmec", "--url", f"{service.url}/base"]
    first += ["--credentials", str(secrets(tmp_path))]

    class Killed(BaseException):
        pass

    def killed(*_: object) -> int:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("brightline.lists.feeds.state.State.published", killed)
        with pytest.raises(Killed):
            desk.sync("hotline", *first)
    made = open_list(desk.workspace.lists_dir, "hotline").manifest
    assert desk.sync("hotline") == 0
    assert open_list(desk.workspace.lists_dir, "hotline").manifest == made
    assert listed(desk) == {signal for record in hotline.records for signal in record.signals}
    noted = [r for r in desk.workspace.ledger.records() if r.kind == Event.LIST_IMPORTED]
    assert len(noted) == 1


def test_changes_become_a_second_version(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    now = int(time.time())
    hotline = peers.StopNcii(now=now - 10)
    hotline.put(*(Hash(n, now - 3600) for n in range(6)))
    monkeypatch.setenv("BRIGHTLINE_NCII_KEY", peers.KEY)
    monkeypatch.setenv("BRIGHTLINE_NCII_FUNCTION_KEY", peers.FUNCTION_KEY)
    with serve(hotline) as service:
        arguments = ["ncii", "--kind", "stopncii", "--url", f"{service.url}/v1"]
        assert desk.sync(*arguments, "--pipeline", "full") == 0
        hotline.put(Hash(1, now, status="Withdrawn"), Hash(9, now, kind="VideoMD5"))
        assert desk.sync("ncii", "--json") == 0
        hotline.mangle[2] = {}
        assert desk.sync("ncii", "--stop-at-bad-pages") == 2
        assert "nothing after it was taken" in desk.said
        assert desk.sync("ncii") == 3
    assert {value for _, value in listed(desk, "ncii")} == hotline.values
    manifest = open_list(desk.workspace.lists_dir, "ncii").manifest
    assert manifest.version.startswith("0002-") and manifest.pipeline == "full"
    assert '"published": 2' in desk.said and "1 page could not be read" in desk.said


def test_what_must_be_said(desk: Desk, service: Service) -> None:
    for arguments, words in (
        (["hotline"], "say --kind and --url"),
        (["hotline", "--kind", "other", "--url", service.url], "ncmec or stopncii"),
        (["../x", "--kind", "ncmec", "--url", service.url], "name"),
        (["hotline", "--kind", "ncmec", "--url", "http://example.com"], "https"),
        (["hotline", "--kind", "ncmec", "--url", service.url], "BRIGHTLINE_HOTLINE_USER"),
        (["hotline", "--kind", "stopncii"], "another feed"),
        (["hotline", "--url", "https://example.com"], "another feed"),
    ):
        desk.said = ""
        assert desk.sync(*arguments) == 2
        assert words in desk.said
    assert not service.requests


def test_one_sync_at_a_time(tmp_path: Path, service: Service) -> None:
    file = str(secrets(tmp_path))
    config = FeedConfig(FeedKind.NCMEC, f"{service.url}/base", file, window_days=3000)
    held = ListFile(tmp_path / "list.json")
    home = tmp_path / "list"

    def again(*_: object) -> str:
        with pytest.raises(WorkspaceError, match="in use by another"):
            sync_list(home, "hotline", config, held)
        return "0001"

    assert sync_list(home, "hotline", config, again).version == "0001"


def forms(value: bytes) -> set[str]:
    """A value as it might be written."""
    return {value.hex(), base64.b64encode(value).decode().lower(), repr(value).lower()}


@pytest.mark.parametrize(
    "faults",
    [
        [],
        [Reply(401)],
        [Reply(500)] * 3,
        [None, Reply(429, headers={"Retry-After": "99999"})],
        [None, None, None, Reply(body=b"<queryResult>", cut=9), Reply(410), Reply(410)],
        [Reply(302, headers={"Location": "https://elsewhere.example/?token=hush-hush"})],
        [Reply(body=b'<!DOCTYPE x [<!ENTITY hush-hush "x">]><x>hush-hush</x>')] * 3,
        [Reply(400, body=b"hush-hush")],
    ],
)
def test_nothing_of_a_record_or_credential_gets_out(
    desk: Desk,
    hotline: peers.Ncmec,
    service: Service,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    faults: list[Reply | None],
) -> None:
    caplog.set_level(logging.DEBUG)
    hotline.broken_at = 16
    hotline.put(Entry(41, "2026-01-02T00:00:00Z", extra="<md5>0123456789abcdef</md5>"))
    service.faults = list(faults)
    arguments = ["--kind", "ncmec", "--url", f"{service.url}/base"]
    arguments += ["--credentials", str(secrets(tmp_path))]
    desk.sync("hotline", *arguments, "--stop-at-bad-pages")
    desk.sync("hotline", "--json")
    hotline.broken_at = None
    assert desk.sync("hotline") == 0
    text = (desk.said + caplog.text).lower()
    assert "published" in text
    login = base64.b64encode(f"{peers.USER}:{peers.PASSWORD}".encode()).decode()
    for secret in (peers.USER, peers.PASSWORD, login, "hush-hush", "0123456789abcdef"):
        assert secret.lower() not in text
    for record in hotline.records:
        assert not re.search(rf"\b{record.source_id.rpartition('/')[2]}\b", text)
        for _, value in (*record.signals, *record.opaque):
            assert not any(form in text for form in forms(value))
    assert "start=" not in text  # no paging either


def test_what_is_written_beside_the_state_holds_no_credential(
    desk: Desk, hotline: peers.Ncmec, service: Service, tmp_path: Path
) -> None:
    arguments = ["--kind", "ncmec", "--url", f"{service.url}/base"]
    hotline.broken_at = 11
    desk.sync("hotline", *arguments, "--credentials", str(secrets(tmp_path)))
    for file in desk.workspace.root.rglob("*"):
        if file.is_file():
            data = file.read_bytes()
            assert peers.PASSWORD.encode() not in data and peers.USER.encode() not in data
            if "lists" in file.parts:
                assert file.stat().st_mode & 0o077 == 0


def test_httpx_is_asked_for(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx", None)
    config = FeedConfig(FeedKind.NCMEC, "https://example.com", str(secrets(tmp_path)))
    with pytest.raises(FeedError, match=r"brightline\[feeds\]"), kinds.open_feed("l", config):
        pass
