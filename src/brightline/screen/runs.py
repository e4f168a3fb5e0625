"""Runs on disk: their names, their files, and the sums over what they have committed."""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from brightline.errors import DamagedError, ListError, UsageError
from brightline.lists import HashList
from brightline.screen.manifest import thaw
from brightline.screen.parameters import Parameters, task_id
from brightline.screen.summary import Summary, accounting, list_facts, origin_counts
from brightline.screen.tally import Tally
from brightline.screen.task import COUNTS, read_counts
from brightline.screen.watch import Curve
from brightline.types import Shard
from brightline.workspace import Workspace

RUN = "run.json"
MANIFEST = "manifest.parquet"
SHARDS = "shards"
SUMMARY = "summary.json"

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def now() -> str:
    """UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def run_names(workspace: Workspace) -> list[str]:
    """Runs that were begun, oldest first."""
    if not workspace.runs_dir.is_dir():
        return []
    runs = [p for p in workspace.runs_dir.iterdir() if (p / RUN).is_file()]
    return [p.name for p in sorted(runs, key=lambda p: ((p / RUN).stat().st_mtime_ns, p.name))]


def run_folder(workspace: Workspace, name: str) -> Path:
    """A run's folder; UsageError naming the runs there are if it does not exist."""
    folder = workspace.runs_dir / name
    if not NAME.fullmatch(name) or not (folder / RUN).is_file():
        known = ", ".join(run_names(workspace)[-5:]) or "none yet"
        raise UsageError(f"there is no run {name}; the latest are: {known}")
    return folder


def read_run(folder: Path) -> dict[str, Any]:
    """`run.json`; DamagedError if it cannot be read."""
    try:
        document: dict[str, Any] = json.loads((folder / RUN).read_bytes())
    except (OSError, ValueError):
        raise DamagedError(f"{folder / RUN} cannot be read; start a new run") from None
    return document


def task_folder(folder: Path, document: dict[str, Any], shard: Shard, of: Parameters) -> Path:
    """Where a run's task for a shard is, or will be; `document` is the run's `run.json`."""
    return folder / SHARDS / task_id(shard, of, document["tool"]["version"])


def signals_version(document: dict[str, Any]) -> int:
    """Which signals a run's archives hold; versions before this was written down held the first."""
    return int(document.get("signals_version", 1))


def sum_up(
    folder: Path,
    lists: Sequence[HashList],
    parameters: Parameters,
    started: float,
    curve: Curve,
    workers: int | None,
) -> Summary:
    """The sums over what a run has committed. Raises DamagedError naming a damaged task."""
    document = read_run(folder)
    tally = Tally()
    committed = reused = 0
    reconciliation: Counter[str] = Counter()
    content: dict[str, Any] = {}
    items: Counter[str] = Counter()
    for number, shard in enumerate(thaw(folder / MANIFEST)):
        task = task_folder(folder, document, shard, parameters)
        if not (task / COUNTS).is_file():
            continue
        try:
            counts = read_counts(task)
            tally.merge(counts["tally"])
        except (OSError, ValueError, KeyError):
            raise DamagedError(
                f"{task / COUNTS} is damaged; delete the folder {task} and give the same "
                "command again"
            ) from None
        committed += 1
        reused += "reused" in counts
        items[shard.source] += counts["tally"]["items"]
        digest = content.setdefault(shard.source, hashlib.sha256())
        digest.update(f"{number}\0{counts['content_digest']}\n".encode())
        reconciliation.update(counts["reconciliation"] or {})
    manifest = document["manifest"]
    complete = committed == manifest["shards"]
    settings = parameters.to_json()
    return Summary(
        {
            "run": folder.name,
            "state": "complete" if complete else "incomplete",
            "tool": document["tool"],
            "rescreened_from": document.get("rescreened_from"),
            "started": document["started"],
            "finished": now(),
            **accounting(tally),
            "origin": origin_counts(tally, parameters.origin),
            "lists": list_facts(lists),
            "sources": [
                {
                    "path": source,
                    "kinds": totals["kinds"],
                    "shards": totals["shards"],
                    "bytes": totals["bytes"],
                    "items": items[source],
                    "manifest_digest": totals["digest"],
                    "content_digest": f"sha256:{content[source].hexdigest()}"
                    if complete and source in content
                    else None,
                }
                for source, totals in manifest["sources"].items()
            ],
            "manifest_digest": manifest["digest"],
            "parameters": {
                "orientations": settings["orientations"],
                "source_type": settings["source_type"],
                "origin": str(parameters.origin),
                **settings["limits"],
            },
            "reconciliation": _reconciled(reconciliation),
            "shards": {"total": manifest["shards"], "committed": committed},
            "reused": reused,
            "throughput": curve.points,
            "workers": workers or len(os.sched_getaffinity(0)),
            "elapsed_s": round(time.monotonic() - started, 3),
        }
    )


def _reconciled(counts: Counter[str]) -> dict[str, int]:
    """Side tables and statistics against what the shards hold; empty where there were none."""
    if not counts["shards"]:
        return {}
    differ = counts["disagreeing"]
    rest = {name: n for name, n in sorted(counts.items()) if name != "disagreeing"}
    return {**rest, "agree": counts["shards"] - differ, "differ": differ}


def read_summary(folder: Path) -> Summary:
    try:
        return Summary(json.loads((folder / SUMMARY).read_bytes()))
    except (OSError, ValueError):
        raise DamagedError(
            f"{folder / SUMMARY} is damaged; delete it and give the same audit command again"
        ) from None


def summary_of(workspace: Workspace, name: str) -> Summary:
    """A run's summary; of an unfinished run, what is committed so far."""
    folder = run_folder(workspace, name)
    if (folder / SUMMARY).is_file():
        return read_summary(folder)
    parameters = Parameters.from_json(read_run(folder)["parameters"])
    try:
        lists = [reference.open(workspace.lists_dir) for reference in parameters.lists]
    except ListError:
        lists = []
    return sum_up(folder, lists, parameters, time.monotonic(), Curve(time.monotonic()), None)


def tasks_of(workspace: Workspace, name: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The committed tasks of a run in manifest order, with their counts."""
    folder = run_folder(workspace, name)
    document = read_run(folder)
    parameters = Parameters.from_json(document["parameters"])
    for shard in thaw(folder / MANIFEST):
        task = task_folder(folder, document, shard, parameters)
        if (task / COUNTS).is_file():
            yield task, read_counts(task)
