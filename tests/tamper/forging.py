"""Tampering by someone who knows the formats: what is forged fits together, but for the ledger."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from brightline.findings import Custodian, new_identity, seal
from brightline.storage import sha256_file
from tests.tamper.scene import AGAIN, LIST, RUN, Scene
from tests.tamper.tampering import Tampering


def forgeries(scene: Scene) -> Iterator[Tampering]:
    """What a person with the workspace, and without the ledger's key, could try."""
    anna = [Custodian("Anna", scene.recipient)]
    run, task = f"runs/{RUN}", sorted((scene.root / "runs" / RUN / "shards").iterdir())[0].name
    shard, home = f"{run}/shards/{task}", f"lists/{LIST}"
    first, second = sorted(path.name for path in (scene.root / home).glob("0*"))
    case = f"referrals/{scene.referral}"

    def empty_findings(root: Path) -> None:
        seal([], anna, root / shard / "findings.age")
        _edit(root / shard / "counts.json", _redigest(root / shard / "findings.age"))

    def no_matches(root: Path) -> None:
        _edit(root / run / "summary.json", lambda document: document | {"matches": {"total": 0}})

    def begun(root: Path) -> None:
        (root / "runs" / "third").mkdir()
        shutil.copy2(root / run / "run.json", root / "runs" / "third")

    def cut_off(root: Path) -> None:
        for name in ("findings.age", "counts.json"):
            (root / shard / name).rename(root / shard / f".tmp-resealed-{name}")
            shutil.copy2(scene.ages[1] / shard / name, root / shard)

    def other_removed(root: Path) -> None:
        path = root / home / second / "removed-0.npy"
        path.write_bytes(path.read_bytes()[:-4] + b"\x01\0\0\0")
        _edit(root / home / second / "manifest.json", _redigest(path))

    def eve(root: Path) -> None:
        recipient = new_identity(root.parent / "eve.key")
        (root.parent / "eve.key").unlink()
        with (root / "brightline.toml").open("a") as settings:
            settings.write(f'\n[[custodian]]\nname = "Eve"\nrecipient = "{recipient}"\n')

    def other_case(root: Path) -> None:
        seal([{}], anna, root / case / "case.age")
        digest = sha256_file(root / case / "case.age")
        _edit(root / case / "draft.json", lambda document: document | {"case_sha256": digest})

    def sealed(path: str) -> Callable[[Path], None]:
        def act(root: Path) -> None:
            seal([{"seed": "00" * 32}], anna, root / path)

        return act

    def copied(source: str, target: str) -> Callable[[Path], None]:
        def act(root: Path) -> None:
            shutil.copytree(root / source, root / target)

        return act

    plan = f"releases/{RUN}/cover-0/plan.age"
    for path, how, act in (
        (shard, "findings sealed empty, counts to match", empty_findings),
        (shard, "as if sealing anew had been cut off", cut_off),
        (run, "a summary without matches", no_matches),
        (f"{run}/shards", "a shard copied", copied(shard, f"{run}/shards/{'0' * 32}")),
        ("runs", "a run copied", copied(f"runs/{AGAIN}", "runs/third")),
        ("runs", "a run added that was only begun", begun),
        (f"{home}/{second}", "another entry removed, manifest to match", other_removed),
        (home, "a version added", copied(f"{home}/{first}", f"{home}/0003-{first[5:]}")),
        ("brightline.toml", "a custodian added", eve),
        ("releases/seed.age", "another one sealed to the custodians", sealed("releases/seed.age")),
        (plan, "another one sealed to the custodians", sealed(plan)),
        ("releases", "a plan added", sealed(f"releases/{RUN}/cover-0.5/plan.age")),
        (case, "another case file, draft to match", other_case),
        (f"{case}/reviews", "a review added", sealed(f"{case}/reviews/000001.age")),
        (case, "a step added", copied(f"{case}/reviews", f"{case}/submissions/x")),
        ("referrals", "a referral copied", copied(case, f"{case[:-1]}{'01'[case[-1] == '0']}")),
    ):
        yield Tampering(path, how, act, (path,))


def _edit(path: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    path.write_text(json.dumps(change(json.loads(path.read_bytes())), sort_keys=True))


def _redigest(path: Path) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Give a file's new digest to the document that names it."""

    def change(document: dict[str, Any]) -> dict[str, Any]:
        digest = sha256_file(path)
        return document | {"files": document["files"] | {path.name: digest}}

    return change
