"""Whether the workspace is what its ledger says: runs, lists and custodians, file by file."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from brightline.errors import VerificationError
from brightline.ledger.verify.chain import Entry
from brightline.ledger.verify.files import (
    Compared,
    check_extra,
    check_file,
    files_below,
    folders_in,
    is_held,
    is_temporary,
)
from brightline.ledger.verify.lists import Lists, check_used, compare_lists

_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(slots=True)
class Run:
    """What the ledger says of a run: digests by path below its folder, and what they were
    before the newest record changed them."""

    files: dict[str, str] = field(default_factory=dict)
    before: dict[str, str] = field(default_factory=dict)
    tasks: set[str] = field(default_factory=set)
    shards: int = 0
    started: bool = False
    finished: bool = False


@dataclass(slots=True)
class Expected:
    """What the ledger says of the workspace, gathered record by record.

    `custodians` maps recipients to names.
    """

    runs: dict[str, Run] = field(default_factory=dict)
    lists: Lists = field(default_factory=Lists)
    custodians: dict[str, str] = field(default_factory=dict)

    def add(self, entry: Entry) -> None:
        """Take the next record; of fields that it does not have, nothing is expected."""
        fields = entry.fields
        match entry.kind:
            case "list_imported" | "delta_compiled":
                self.lists.add(entry)
            case "custodian_added":
                self.custodians[str(fields.get("recipient"))] = str(fields.get("name"))
            case "custodian_removed":
                self.custodians.pop(str(fields.get("recipient")), None)
            case "run_started":
                run = self._run(fields)
                run.started = True
                run.shards = int(fields.get("shards") or 0)
                self._files(run, "", fields.get("files"))
            case "shard_committed":
                run = self._run(fields)
                run.tasks.add(str(fields.get("task")))
                self._files(run, f"shards/{fields.get('task')}/", fields.get("files"))
            case "findings_resealed":
                resealed = fields.get("files")
                for task, files in (resealed if isinstance(resealed, dict) else {}).items():
                    self._files(self._run(fields), f"shards/{task}/", files)
            case "run_finished":
                run = self._run(fields)
                run.finished = True
                self._files(run, "", {"summary.json": fields.get("summary")})
            case _:
                pass

    def _run(self, fields: dict[str, Any]) -> Run:
        return self.runs.setdefault(str(fields.get("run")), Run())

    @staticmethod
    def _files(run: Run, prefix: str, files: object) -> None:
        if isinstance(files, dict):
            for name, digest in files.items():
                text = str(digest).removeprefix("sha256:")
                if _DIGEST.fullmatch(text):
                    path = f"{prefix}{name}"
                    run.before[path] = run.files.get(path, text)
                    run.files[path] = text


def compare(root: Path, expected: Expected, beat: Callable[[int], None]) -> Compared:
    """Compare a workspace with its ledger; `beat` is told the bytes of every file read.

    Raises VerificationError naming the first thing that is missing, changed, or there without
    being on the ledger.
    """
    done = Compared()
    _custodians(root, expected)
    compare_lists(root, expected.lists, done, beat)
    _runs(root, expected, done, beat)
    return done


def _custodians(root: Path, expected: Expected) -> None:
    try:
        document = tomllib.loads((root / "brightline.toml").read_bytes().decode("utf-8"))
        tables = document.get("custodian", [])
        found = {str(each["recipient"]): str(each["name"]) for each in tables}
    except (OSError, ValueError, TypeError, KeyError):
        raise VerificationError("brightline.toml is missing or cannot be read") from None
    if len(found) != len(tables):
        raise VerificationError("brightline.toml has a custodian twice")
    for recipient, name in found.items():
        if expected.custodians.get(recipient) != name:
            raise VerificationError(
                f"custodian {name!r} is in brightline.toml and not on the ledger"
            )
    for recipient, name in expected.custodians.items():
        if recipient not in found:
            raise VerificationError(
                f"custodian {name!r} is on the ledger and not in brightline.toml"
            )


def _runs(root: Path, expected: Expected, done: Compared, beat: Callable[[int], None]) -> None:
    for name, run in expected.runs.items():
        where = f"runs/{name}"
        folder = root / "runs" / name
        if not folder.is_dir():
            raise VerificationError(f"{where} is missing")
        if not run.started:
            done.not_covered.append(f"{where}: its start is not on the ledger")
        for path, digest in run.files.items():
            if _sealing_cut_off(folder / path, digest):
                # announced and made, but not put in place: until then the old file must be there
                check_file(root, f"{where}/{path}", run.before[path], done, beat)
                done.not_covered.append(f"{where}/{path}: sealing anew was cut off; do it again")
            else:
                check_file(root, f"{where}/{path}", digest, done, beat)
        if "run.json" in run.files:
            check_used(root, where, expected.lists, done)
        for task in run.tasks:
            if not (folder / "shards" / task).is_dir():
                raise VerificationError(f"{where}/shards/{task} is missing")
        if run.finished and run.started and len(run.tasks) != run.shards:
            raise VerificationError(
                f"{where} is finished on the ledger with {len(run.tasks)} of {run.shards} shards"
            )
        # a process that works on a run commits a shard, and then records it
        pending = not run.finished or is_held(folder / ".lock")
        for path in files_below(folder):
            if path in run.files or re.match(r"\.lock(-[0-9]+-of-[0-9]+)?$", path):
                continue
            parts = path.split("/")
            early = parts[0] in ("run.json", "manifest.parquet") and not run.started
            older = parts[0] == "shards" and parts[1] in run.tasks and len(parts) == 3
            if early or (older and _before_digests(run, parts[1], parts[2])):
                done.not_covered.append(f"{where}/{path}: the ledger has no digest of it")
            elif older:
                check_extra(done, f"{where}/{path}", pending=is_temporary(path))
            else:
                check_extra(done, f"{where}/{path}", pending=pending or is_temporary(path))
        done.runs += 1
        done.shards += len(run.tasks)
    for folder in folders_in(root / "runs"):
        if folder.name in expected.runs:
            continue
        begun = any(path.startswith(("shards/", "summary")) for path in files_below(folder))
        check_extra(done, f"runs/{folder.name}", pending=not begun or is_held(folder / ".lock"))


def _sealing_cut_off(path: Path, digest: str) -> bool:
    """Whether a file that the ledger announces still waits beside the one that it replaces."""
    waiting = path.with_name(f".tmp-resealed-{path.name}")
    try:
        return hashlib.sha256(waiting.read_bytes()).hexdigest() == digest
    except OSError:
        return False


def _before_digests(run: Run, task: str, name: str) -> bool:
    """Whether the record is of a version that did not write this file's digest."""
    return name == "counts.json" and f"shards/{task}/counts.json" not in run.files
