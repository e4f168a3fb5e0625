"""EIO, ENOSPC and SIGKILL at every file system call; afterwards everything holds together."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from brightline import storage
from brightline.cli import run as brightline
from brightline.findings import load_identity
from brightline.lists import feeds, open_list
from brightline.screen.opening import open_run
from brightline.screen.runs import summary_of
from brightline.screen.warm import warm
from brightline.workspace import Workspace
from tests.corpora import md5_row, pdq_row, write_tar
from tests.harness import Place, make_place, stable, without_run
from tests.interop.faults import Scene, sweep
from tests.interop.inline import inline
from tests.lists.feeds import peers
from tests.lists.feeds.peers import Entry
from tests.lists.feeds.service import serve
from tests.pictures import encode, photo

pytestmark = pytest.mark.interop

#: every so many-th call in each run of the tests; SWEEP_STRIDE=1 takes them all, in half an hour
STRIDE = int(os.environ.get("SWEEP_STRIDE", "19"))


@pytest.fixture(scope="module", autouse=True)
def ready(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Compile and load everything before processes are forked from this one."""
    get_ready(tmp_path_factory.mktemp("ready"))


def get_ready(folder: Path) -> None:
    warm(lambda _: None)
    inline()
    prepare_corpus(folder)
    audit(folder)
    check_audit(folder)


def prepare_corpus(folder: Path) -> None:
    place = make_place(folder)
    jpegs = [encode(photo(k, 120, 90), "JPEG", quality=80) for k in range(8)]
    corpus = folder / "corpus"
    corpus.mkdir()
    write_tar(corpus / "a.tar", {f"{k}.jpg": jpegs[k] for k in range(4)})
    write_tar(corpus / "b.tar", {f"{k}.jpg": jpegs[k] for k in range(4, 8)})
    place.add_list("hotline", [md5_row(jpegs[1]), md5_row(jpegs[6]), pdq_row(3, 120, 90)])


def place_in(folder: Path) -> Place:
    return Place(folder / "workspace", folder / "custodian.key")


def audit(folder: Path) -> None:
    # a source's path is part of a run, so the command names it from where the corpus lies
    status = brightline(
        ["--workspace", str(folder / "workspace"), "audit", str(folder / "corpus")]
        + ["--list", "hotline", "--run", "r"]
    )
    if status not in (1, 2):
        raise SystemExit(status)


def sound(folder: Path) -> None:
    """The ledger verifies and what is on disk is what it says."""
    status = brightline(["--workspace", str(folder / "workspace"), "ledger", "verify"])
    assert status == 0, status


def check_audit(folder: Path) -> Any:
    sound(folder)
    audit(folder)
    sound(folder)
    workspace = Workspace.open(folder / "workspace")
    summary = stable(summary_of(workspace, "r").document)
    assert summary["state"] == "complete"
    tasks = [
        record.fields["task"]
        for record in workspace.ledger.records()
        if record.kind == "shard_committed"
    ]
    assert len(tasks) == len(set(tasks)) == 2
    kinds = [record.kind for record in workspace.ledger.records()]
    assert kinds.count("run_started") == kinds.count("run_finished") == 1
    assert not list((folder / "workspace" / "runs").rglob(".tmp-*"))
    found = open_run(workspace, "r", load_identity(folder / "custodian.key"), "a test")
    return {
        "items": summary["items"],
        "matches": summary["matches"],
        "findings": [{k: v for k, v in f.items() if k != "source"} for f in without_run(found)],
    }


def prepare_release(folder: Path) -> None:
    prepare_corpus(folder)
    audit(folder)


def release(folder: Path) -> None:
    brightline(
        ["--workspace", str(folder / "workspace"), "release", "r", str(folder / "released")]
        + ["--identity", str(folder / "custodian.key"), "--reason", "a test", "--cover", "0"]
    )


def check_release(folder: Path) -> Any:
    sound(folder)
    if not (folder / "released").exists():
        release(folder)
    sound(folder)
    # a crash between the last rename and the record: the command says what is missing, or adds it
    release(folder)
    ledger = Workspace.open(folder / "workspace").ledger
    assert [record.kind for record in ledger.records()].count("release_made") == 1
    manifest = folder / "released" / ".brightline" / "manifest.jsonl"
    assert not list((folder / "released").rglob(".tmp-*"))
    return {
        "members": {
            path.name: tarfile.open(path).getnames()
            for path in sorted((folder / "released").glob("*.tar"))
        },
        "manifest": [line for line in manifest.read_text().splitlines() if ".tar" in line],
    }


def prepare_list(folder: Path) -> None:
    Workspace.create(folder / "workspace")


def syncing(url: str) -> Callable[[Path], None]:
    def act(folder: Path) -> None:
        brightline(
            ["--workspace", str(folder / "workspace"), "list", "sync", "hotline"]
            + ["--kind", "ncmec", "--url", url, "--credentials", str(folder.parent / "secret")]
        )

    return act


def check_sync(url: str) -> Callable[[Path], Any]:
    def check(folder: Path) -> Any:
        sound(folder)
        for _ in range(2):
            syncing(url)(folder)
        sound(folder)
        held = open_list(folder / "workspace" / "lists", "hotline")
        ledger = Workspace.open(folder / "workspace").ledger
        noted = [r.fields["version"] for r in ledger.records() if r.kind == "list_imported"]
        assert len(noted) == len(set(noted))
        assert held.manifest.version in noted
        return {"counts": {str(k): v for k, v in held.manifest.counts.items()}, "n": len(held)}

    return check


def test_audit(tmp_path: Path) -> None:
    swept = sweep(Scene(prepare_corpus, audit, check_audit), tmp_path, stride=STRIDE)
    print(swept.injections)
    assert not swept.troubles, swept.troubles[:3]
    assert min(swept.injections.values()) >= 300 // STRIDE


def test_release(tmp_path: Path) -> None:
    prepare_release(ready_folder := tmp_path / "ready")
    release(ready_folder)
    swept = sweep(Scene(prepare_release, release, check_release), tmp_path, stride=STRIDE)
    print(swept.injections)
    assert not swept.troubles, swept.troubles[:3]
    assert min(swept.injections.values()) >= 200 // STRIDE


def test_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = feeds.sync_list

    def soon(home: Path, name: str, config: Any, publish: Any, **options: Any) -> Any:
        return real(
            home,
            name,
            replace(config, window_days=3000),
            publish,
            retry=feeds.Retry(attempts=2, sleep=lambda _: None),
            **options,
        )

    monkeypatch.setattr(feeds, "sync_list", soon)
    hotline = peers.Ncmec(page_size=4)
    for number in range(12):
        hotline.put(Entry(number, f"2026-11-{number % 19 + 1:02}T00:00:00Z", "image"))
    secret = tmp_path / "secret"
    secret.write_text(f'user = "{peers.USER}"\npassword = "{peers.PASSWORD}"\n')
    secret.chmod(0o600)
    with serve(hotline) as service:
        url = f"{service.url}/base"
        scene = Scene(prepare_list, syncing(url), check_sync(url))
        swept = sweep(scene, tmp_path, stride=STRIDE)
    print(swept.injections)
    assert not swept.troubles, swept.troubles[:3]
    assert min(swept.injections.values()) >= 100 // STRIDE


def test_the_sweep_sees_a_wrong_order(tmp_path: Path) -> None:
    """The control: a writer that publishes the checkpoint before the tiles goes wrong here."""
    real = storage.write_atomic
    waiting: list[tuple[Path, bytes]] = []

    def early(path: Path, data: bytes, mode: int = 0o600) -> None:
        if "tile" in path.parts:
            waiting.append((path, data))
            return
        real(path, data, mode)
        if path.name == "checkpoint":
            for tile, held in waiting:
                real(tile, held)
            waiting.clear()

    def act(folder: Path) -> None:
        storage.write_atomic = early
        audit(folder)

    scene = Scene(prepare_corpus, act, check_audit)
    swept = sweep(scene, tmp_path, stride=min(STRIDE, 5), kinds=("signal=KILL",))
    print(swept.injections, len(swept.troubles))
    assert len(swept.troubles) >= 3
