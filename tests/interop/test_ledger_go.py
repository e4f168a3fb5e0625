"""Go's golang.org/x/mod/sumdb (Debian's package) verifies our log, and refuses a changed one."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.ledger.places import filled

pytestmark = pytest.mark.interop

SOURCE = Path(__file__).parent / "go" / "verify.go"
GOPATH = Path("/usr/share/gocode")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Go program, built from Debian's sources without a network."""
    folder = tmp_path_factory.mktemp("go")
    environment = {
        **os.environ,
        "GO111MODULE": "off",
        "GOPATH": str(GOPATH),
        "GOCACHE": str(folder / "cache"),
        "GOPROXY": "off",
        "GOTOOLCHAIN": "local",
    }
    built = folder / "verify"
    subprocess.run(["go", "build", "-o", built, SOURCE], env=environment, check=True)
    return built


def run(program: Path, folder: Path, vkey: str, *more: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program, folder / "ledger", vkey, *more], capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize("size", [1, 255, 256, 257, 70_000])
def test_go_verifies_the_log(program: Path, tmp_path: Path, size: int) -> None:
    ledger = filled(tmp_path, size)
    proof = tmp_path / "one.tlog-proof"
    proof.write_bytes(ledger.prove(size * 2 // 3))
    done = run(program, tmp_path, ledger.signer().vkey, proof)
    assert (done.returncode, done.stdout) == (0, f"{size}\n"), done.stderr


@pytest.mark.parametrize(
    "name",
    ["checkpoint", "tile/entries/000", "tile/entries/001.p/44", "tile/0/000", "tile/1/000.p/1"],
)
def test_go_refuses_a_flipped_byte(program: Path, tmp_path: Path, name: str) -> None:
    ledger = filled(tmp_path, 300)
    vkey = ledger.signer().vkey
    assert run(program, tmp_path, vkey).returncode == 0
    path = tmp_path / "ledger" / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    done = run(program, tmp_path, vkey)
    assert done.returncode == 1
    assert done.stderr.startswith("refused: ")
