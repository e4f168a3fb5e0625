"""A run, a release and a statement made in a moment: the run's figures are written by hand."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from brightline import storage
from brightline.ledger import Event
from brightline.ledger.keys import read_public
from brightline.release.attest import Attested, Wanted, attest
from brightline.release.evidence import PublicKey
from brightline.release.manifest import write_manifest
from brightline.release.verdict import State, Verdict
from brightline.release.verify import Question, verify
from brightline.screen.manifest import freeze
from brightline.sources import discover
from brightline.types import Limits
from brightline.workspace import Workspace

RUN = "r1"
DIGEST = f"sha256:{hashlib.sha256(b'a list').hexdigest()}"


def summary(sources: list[Path], matches: int = 0, gaps: int = 0, **more: Any) -> dict[str, Any]:
    """The parts of a run's summary that a statement reads."""
    return {
        "run": RUN,
        "state": "complete",
        "tool": {"name": "brightline", "version": "0.1.0"},
        "started": "2026-01-02T03:04:05Z",
        "finished": "2026-01-02T03:05:05Z",
        "items": 10,
        "screened": 7,
        "exact_only": 1,
        "skipped": 1,
        "failed": 1,
        "gaps": gaps,
        "reasons": {"not_an_image": 1, "empty": 1, "undecodable": 1},
        "matches": {"total": matches, "items": matches, "known_good": 0, "by_list": {}},
        "lists": [
            {
                "name": "hotline",
                "version": "7",
                "digest": DIGEST,
                "entries": 12,
                "counts": {"md5": 12},
                "role": "known-bad",
                "pipeline": "full",
                "pdq_threshold": 31,
                "pdq_min_quality": 50,
                "created": "2026-01-01T00:00:00Z",
            }
        ],
        "sources": [
            {
                "path": str(source),
                "kinds": {"folder": 1},
                "shards": 1,
                "bytes": 100,
                "items": 10,
                "manifest_digest": f"sha256:{'11' * 32}",
                "content_digest": f"sha256:{'22' * 32}",
            }
            for source in sources
        ],
        "manifest_digest": f"sha256:{'33' * 32}",
        "parameters": {"orientations": False, "source_type": None, "max_depth": 8},
        "shards": {"total": 1, "committed": 1},
        **more,
    }


def make_run(workspace: Workspace, sources: list[Path], **more: Any) -> None:
    """A complete run over these sources, its manifest frozen as an audit freezes it."""
    folder = workspace.runs_dir / RUN
    folder.mkdir(parents=True)
    freeze(discover(sources, Limits()), folder / "manifest.parquet")
    parameters = {"sources": [str(source) for source in sources]}
    (folder / "run.json").write_text(json.dumps({"run": RUN, "parameters": parameters}))
    (folder / "summary.json").write_text(json.dumps(summary(sources, **more)))


def make_files(root: Path) -> None:
    """A few files of several kinds, with a name that is not UTF-8 and a link."""
    (root / "sub.dir" / "deep").mkdir(parents=True)
    (root / "00000.tar").write_bytes(bytes(range(256)) * 40)
    (root / "00000_stats.json").write_text('{"count": 3}')
    (root / "sub.dir" / "a.jpg").write_bytes(b"\xff\xd8 not a picture \xff\xd9")
    (root / "sub.dir" / "deep" / "empty.txt").touch()
    (root / "sub.dir-b").write_text("sorts between sub.dir and its files")
    Path(str(root / "caf") + "\udce9.txt").write_text("latin-1")
    (root / "link").symlink_to("00000.tar")


def make_release(workspace: Workspace, root: Path, **more: Any) -> None:
    """A release of the run in `root`, whose files are there already, on the ledger."""
    digest = write_manifest(root)
    counts = {
        "run": RUN,
        "samples": {"total": 10, "kept": 6, "removed": 4},
        "unscreened": {"kept": False, "samples": 0},
        "manifest": digest,
        **more,
    }
    storage.write_atomic(root / ".brightline" / "release.json", json.dumps(counts).encode())
    workspace.ledger.append(Event.RELEASE_MADE, {"run": RUN, "manifest": digest})


@dataclass(frozen=True, slots=True)
class Made:
    """A workspace with a release that has a statement; nobody may change it."""

    workspace: Workspace
    root: Path
    attested: Attested

    def copy(self, to: Path) -> Made:
        """The release elsewhere, to do things to."""
        shutil.copytree(self.root, to, symlinks=True)
        return Made(self.workspace, to, self.attested)

    def verify(self, **more: Any) -> Verdict:
        """Verify it with the workspace's key, unless told otherwise."""
        return check(self.root, **{"keys": (key_of(self.workspace),), **more})


def make(folder: Path, **more: Any) -> Made:
    """A signed release in `folder/release`."""
    workspace = Workspace.create(folder / "workspace")
    root = folder / "release"
    make_files(root)
    make_run(workspace, [root], **more)
    make_release(workspace, root)
    return Made(workspace, root, attest(workspace, wanted(release=root)))


def wanted(**more: Any) -> Wanted:
    """A statement for 180 days."""
    return Wanted(**{"run": RUN, "expires": datetime.now(UTC) + timedelta(days=180), **more})


def key_of(workspace: Workspace) -> PublicKey:
    """The workspace's public key as `--key` reads it."""
    return PublicKey(*read_public(workspace.signer().vkey))


def check(*paths: Path, **more: Any) -> Verdict:
    """Verify at this moment."""
    return verify(Question(**{"paths": paths, "keys": (), "on": datetime.now(UTC), **more}))


def failed(verdict: Verdict) -> set[str]:
    """Names of the checks that did not pass."""
    return {check.name for check in verdict.checks if check.state is not State.PASSED}
