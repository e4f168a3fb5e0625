"""`brightline ledger` as people run it: the owner, a counterpart, a stranger with a proof."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from brightline.cli import run
from brightline.ledger import Event, new_signer
from brightline.ledger.verify import check_proof
from brightline.workspace import Workspace
from tests.ledger.places import small_workspace


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    made = small_workspace(tmp_path)
    monkeypatch.setenv("BRIGHTLINE_WORKSPACE", str(made.root))
    return made


@pytest.fixture
def cli(place: Workspace, capfdbinary: pytest.CaptureFixture[bytes]) -> Cli:
    return Cli(capfdbinary)


def brightline(*arguments: object) -> int:
    """Run a command in this process, and leave the signals to pytest."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        return run(list(map(str, arguments)))
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Cli:
    """Runs commands in this process and keeps what they printed."""

    def __init__(self, capture: pytest.CaptureFixture[bytes]) -> None:
        self._capture = capture
        self.out = b""
        self.err = ""

    def __call__(self, *arguments: object, status: int = 0) -> bytes:
        got = brightline("ledger", *arguments)
        out, err = self._capture.readouterr()
        self.out, self.err = out, err.decode()
        assert got == status, (out, err)
        return out


def test_show_prints_records_and_filters_them(cli: Cli) -> None:
    lines = cli("show").splitlines()
    assert [json.loads(line)["seq"] for line in lines] == list(range(6))
    (only,) = json.loads(cli("show", "--kind", "run_started", "--run", "r1", "--json"))
    assert (only["kind"], only["fields"]["run"]) == ("run_started", "r1")
    assert json.loads(cli("show", "--run", "none", "--json")) == []


def test_verify_says_what_it_compared_and_what_it_cannot_know(cli: Cli) -> None:
    out = cli("verify").decode()
    assert out.startswith("verified: example.org/test, 6 records")
    assert "1 run with 2 shards, 1 list version, 11 files" in out
    assert "not that the log was never rewritten" in cli.err
    document = json.loads(cli("verify", "--json"))
    assert document["verified"] is True
    assert (document["size"], document["checked"]["files"]) == (6, 11)


def test_verify_names_the_first_fault_in_one_line(cli: Cli, place: Workspace) -> None:
    (place.runs_dir / "r1" / "run.json").write_bytes(b"")
    cli("verify", status=1)
    assert cli.err == "brightline: not verified: runs/r1/run.json is not what the ledger says\n"
    assert cli.out == b""
    document = json.loads(cli("verify", "--json", status=1))
    assert document == {
        "verified": False,
        "fault": "runs/r1/run.json is not what the ledger says",
    }


def test_a_counterpart_keeps_witnesses_and_compares(
    cli: Cli, place: Workspace, tmp_path: Path
) -> None:
    january, signed = tmp_path / "january", tmp_path / "signed"
    cli("checkpoint", "-o", january)
    assert january.read_bytes() == cli("checkpoint") == place.ledger.checkpoint()
    new_signer(tmp_path / "hotline.pem", "x")
    vkey = json.loads(cli("key", "--json"))["vkey"]
    how = "--identity", tmp_path / "hotline.pem", "--name", "hotline.example"
    cli("cosign", "--checkpoint", january, *how, "--key", vkey, "-o", signed)
    witness = cli.err.split("'")[1]
    assert witness.startswith("hotline.example+")
    place.ledger.append(Event.REPORT_MADE, {"run": "r1"})
    out = cli("verify", "--against", signed, "--witness", witness, "--key", vkey).decode()
    assert f"only grown since {signed} (6 records)" in out
    assert "cosigned by hotline.example at 20" in out
    cli("verify", "--against", january, "--witness", witness, status=1)
    cli("cosign", "--checkpoint", signed, *how, status=2)
    assert "already" in cli.err


def test_a_witness_signs_only_what_grew_from_its_last(
    cli: Cli, place: Workspace, tmp_path: Path
) -> None:
    last, growth, forged = tmp_path / "last", tmp_path / "growth", tmp_path / "forged"
    cli("checkpoint", "-o", last)
    for number in range(5):
        place.ledger.append(Event.REPORT_MADE, {"n": number})
    cli("prove", "--since", last, "-o", growth)
    new_signer(tmp_path / "w.pem", "x")
    how = "--identity", tmp_path / "w.pem", "--name", "w.example", "--since", last
    out = cli("cosign", "--checkpoint", growth, *how)
    assert out.startswith(place.ledger.checkpoint())
    assert "not checked" in cli.err
    cli("cosign", "--checkpoint", last, *how, status=1)
    assert "does not prove growth" in cli.err
    lines = growth.read_bytes().split(b"\n")
    lines[1] = lines[2]
    forged.write_bytes(b"\n".join(lines))
    cli("cosign", "--checkpoint", forged, *how, status=1)
    assert "not consistent" in cli.err


def test_a_checkpoint_by_another_key_is_not_cosigned(
    cli: Cli, place: Workspace, tmp_path: Path
) -> None:
    cli("checkpoint", "-o", tmp_path / "c")
    new_signer(tmp_path / "w.pem", "x")
    other = new_signer(tmp_path / "other.pem", "example.org/test").vkey
    how = "--identity", tmp_path / "w.pem", "--name", "w.example"
    cli("cosign", "--checkpoint", tmp_path / "c", *how, "--key", other, status=1)
    (tmp_path / "c").write_bytes(b"no checkpoint")
    cli("cosign", "--checkpoint", tmp_path / "c", *how, status=1)
    assert cli.err.count("\n") == 1


def test_a_proof_goes_to_a_stranger(cli: Cli, place: Workspace, tmp_path: Path) -> None:
    cli("prove", 3, "-o", tmp_path / "three.tlog-proof")
    text = cli("key").decode()
    vkey, pem = text.split("\n", 1)
    found = check_proof((tmp_path / "three.tlog-proof").read_bytes(), [vkey])
    assert json.loads(found.leaf)["kind"] == "shard_committed"
    assert pem.startswith("-----BEGIN PUBLIC KEY-----")
    assert "ssh-ed25519 " in pem
    cli("prove", 6, status=2)
    assert "from 0 on" in cli.err
    cli("prove", status=2)


def test_keys_are_given_as_files_too(cli: Cli, tmp_path: Path) -> None:
    document = json.loads(cli("key", "--json"))
    for form in ("vkey", "pem", "ssh"):
        (tmp_path / form).write_text(document[form])
        cli("verify", "--key", tmp_path / form)
    other = new_signer(tmp_path / "k", "example.org/test").vkey
    cli("verify", "--key", other, status=1)
    assert "never had the key" in cli.err


def test_rotation_from_the_command_line(cli: Cli) -> None:
    before = json.loads(cli("key", "--json"))["vkey"]
    after = cli("rotate-key").decode().strip()
    document = json.loads(cli("key", "--json"))
    assert (document["vkey"], document["earlier"]) == (after, [before])
    cli("verify", "--key", before, "--key", after)


def test_timestamps_are_asked_for_completely(cli: Cli, tmp_path: Path) -> None:
    cli("checkpoint", "--timestamp", "http://127.0.0.1:1/", status=2)
    assert "-o FILE" in cli.err
    (tmp_path / "t").write_bytes(b"")
    cli("verify", "--token", tmp_path / "t", status=2)
    assert "--tsa-root" in cli.err


def test_verify_needs_no_write_access_and_a_workspace(
    cli: Cli, place: Workspace, tmp_path: Path
) -> None:
    before = {path: path.stat().st_mtime_ns for path in place.root.rglob("*")}
    cli("verify")
    assert {path: path.stat().st_mtime_ns for path in place.root.rglob("*")} == before
    os.environ["BRIGHTLINE_WORKSPACE"] = str(tmp_path / "none")
    cli("verify", status=2)
    assert "not a Brightline workspace" in cli.err


def test_the_origin_is_chosen_at_init(cli: Cli, tmp_path: Path) -> None:
    assert brightline("init", tmp_path / "new", "--origin", "example.org/cases") == 0
    note = Workspace.open(tmp_path / "new").ledger.checkpoint()
    assert note.startswith(b"example.org/cases\n0\n")
    assert brightline("init", tmp_path / "other", "--origin", "two words") == 2
    assert not (tmp_path / "other").exists()
