"""A package as its recipient meets it: Debian's programs, and what the package itself says."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from brightline.ledger.keys import public_pem
from brightline.referral import package
from tests.referral.cases import make_desk

pytestmark = pytest.mark.interop


def sh(commands: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-eu", "-c", commands], cwd=folder, capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize("kind", ["age", "ssh"])
def test_the_recipient_follows_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    for program in ("age", "openssl", "jq", "ssh-keygen"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    desk = make_desk(tmp_path)
    monkeypatch.setattr(package, "run_folder", lambda *_: tmp_path)  # it has no run
    if kind == "age":
        sh("age-keygen -o me.key && age-keygen -y me.key > me.pub", tmp_path).check_returncode()
    else:
        sh(
            "ssh-keygen -q -t ed25519 -N '' -f me.key && mv me.key.pub me.pub", tmp_path
        ).check_returncode()
    recipient = (tmp_path / "me.pub").read_text().strip()
    sealed = tmp_path / "case.age"
    package.make_package(desk.referral, desk.identity, sealed, recipients=[recipient])
    case = desk.referral.case(desk.identity)
    for item in case.items:
        for word in (item.source, item.md5, item.sha256):
            assert word is None or word.encode() not in sealed.read_bytes()
    folder = tmp_path / "case"
    folder.mkdir()
    sh("age -d -i ../me.key ../case.age | tar x", folder).check_returncode()
    (tmp_path / "sender.pem").write_text(public_pem(desk.workspace.signer().public))
    lines = (folder / "README.txt").read_text().splitlines()
    commands = "\n".join(line for line in lines if line.startswith("  "))
    done = sh(commands, folder)
    assert done.returncode == 0, done.stderr
    assert "Signature Verified Successfully" in done.stdout
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert done.stdout.count(": OK") == len(files) - 1
    whole = (folder / "case" / "case.jsonl").read_bytes()
    (folder / "case" / "case.jsonl").write_text("{}\n")
    assert sh(commands, folder).returncode != 0
    (folder / "case" / "case.jsonl").write_bytes(whole)
    (folder / "more.txt").write_text("x")
    assert sh(commands, folder).returncode != 0
