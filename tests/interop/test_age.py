"""Findings are plain age files: Debian's `age` opens them without Brightline."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

import brightline
from tests.fuzz.commands import Desk
from tests.pictures import drawn, encode

pytestmark = pytest.mark.interop


@pytest.fixture(scope="module")
def age() -> str:
    found = shutil.which("age")
    if found is None:
        pytest.fail("age is missing; run `make test-interop`, which installs it")
    return found


def test_age_opens_findings_as_we_do(age: str, tmp_path: Path) -> None:
    desk = Desk.made(tmp_path / "desk")
    folder = tmp_path / "corpus"
    folder.mkdir()
    lines = []
    for k in range(12):
        data = encode(drawn(k, 160, 120))
        (folder / f"ünï {k}.jpg").write_bytes(data)
        if k % 2:
            signals = brightline.hash_bytes(data)
            lines.append(f"{signals.md5.hex()},md5")
            if signals.pdq is not None:
                lines.append(f"{signals.pdq.hex()},pdq")
    desk.import_list("hotline", lines)
    done = desk.expect(1, "audit", folder, "--list", "hotline", "--workers", "1", "--json")
    run = done.document["run"]
    findings = desk.findings(run)
    assert {finding["signal"] for finding in findings} == {"md5", "pdq"}
    opened = []
    for path in sorted((desk.workspace / "runs" / run / "shards").glob("*/findings.age")):
        assert path.read_bytes().startswith(b"age-encryption.org/v1\n")
        result = subprocess.run(
            [age, "-d", "-i", desk.key, path], capture_output=True, check=True, timeout=60
        )
        opened += [json.loads(line) for line in result.stdout.decode("utf-8").splitlines()]
    assert opened == findings


def test_age_refuses_another_key(age: str, tmp_path: Path) -> None:
    desk = Desk.made(tmp_path / "desk")
    folder = tmp_path / "corpus"
    folder.mkdir()
    data = encode(drawn(1, 160, 120))
    (folder / "a.jpg").write_bytes(data)
    desk.import_list("hotline", [f"{brightline.hash_bytes(data).md5.hex()},md5"])
    desk.expect(1, "audit", folder, "--list", "hotline", "--workers", "1")
    other = tmp_path / "other.key"
    desk.expect(0, "custodian", "new", other)
    (path,) = (desk.workspace / "runs").glob("*/shards/*/findings.age")
    result = subprocess.run(
        [age, "-d", "-i", other, path], capture_output=True, check=False, timeout=60
    )
    assert result.returncode != 0
    assert result.stdout == b""
