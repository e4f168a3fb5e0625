"""Ledgers and small workspaces for the tests: no audit, files of random bytes."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path

from brightline.findings import new_identity
from brightline.ledger import JSON, Event, Log
from brightline.workspace import Workspace


def log(folder: Path) -> Log:
    """A ledger in a folder of its own, its keys beside it."""
    return Log(folder / "ledger", folder / "keys")


def filled(folder: Path, size: int) -> Log:
    """One with so many records under one checkpoint."""
    made = log(folder)
    made.append_many((Event.SHARD_COMMITTED, {"items": number}) for number in range(size))
    return made


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def small_workspace(folder: Path) -> Workspace:
    """A workspace as an audit leaves it, with files of random bytes in place of results."""
    rng = random.Random(5)
    workspace = Workspace.create(folder / "workspace", "example.org/test")
    workspace.add_custodian(new_identity(folder / "custodian.key"), "Tester")
    version = workspace.lists_dir / "known" / "0001-0123456789ab"
    version.mkdir(parents=True)
    entries = rng.randbytes(100)
    (version / "entries.parquet").write_bytes(entries)
    manifest: dict[str, JSON] = {
        "version": version.name,
        "digest": f"sha256:{rng.randbytes(32).hex()}",
        "entries": 3,
        "files": {"entries.parquet": digest(entries)},
    }
    (version / "manifest.json").write_text(json.dumps(manifest))
    workspace.ledger.append(
        Event.LIST_IMPORTED,
        {
            "name": "known",
            "version": version.name,
            "digest": manifest["digest"],
            "entries": 3,
            "manifest": digest((version / "manifest.json").read_bytes()),
        },
    )
    run = workspace.runs_dir / "r1"
    used = {"name": "known", "version": version.name, "digest": manifest["digest"]}
    files = {
        "run.json": json.dumps({"parameters": {"lists": [used]}}).encode(),
        "manifest.parquet": rng.randbytes(80),
    }
    write(run, files)
    workspace.ledger.append(
        Event.RUN_STARTED,
        {"run": "r1", "shards": 2, "files": {k: digest(v) for k, v in files.items()}},
    )
    for task in ("aa", "bb"):
        files = {
            name: rng.randbytes(60) for name in ("counts.json", "findings.age", "signals.parquet")
        }
        write(run / "shards" / task, files)
        workspace.ledger.append(
            Event.SHARD_COMMITTED,
            {"run": "r1", "task": task, "files": {k: digest(v) for k, v in files.items()}},
        )
    write(run, {"summary.json": b"{}", ".lock": b""})
    workspace.ledger.append(Event.RUN_FINISHED, {"run": "r1", "summary": digest(b"{}")})
    return workspace


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def write(folder: Path, files: dict[str, bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
