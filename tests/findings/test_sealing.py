"""Sealing: every custodian can open, nobody else; a damaged file yields nothing."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brightline.errors import SealError
from brightline.findings import Custodian, Identity, load_identity, new_identity, open_sealed, seal

SECRET = "shelf/top/needle-4711.png"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Custodian], list[Identity]]:
    """An age key of our own, one of ssh-keygen's, and a second of ours."""
    folder = tmp_path_factory.mktemp("keys")
    ssh = folder / "ssh"
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "desk@example", "-f", str(ssh)]
    subprocess.run(command, check=True)
    custodians = [
        Custodian("A", new_identity(folder / "a")),
        Custodian("Desk", " ".join((folder / "ssh.pub").read_text().split()[:2])),
        Custodian("B", new_identity(folder / "b")),
    ]
    return custodians, [load_identity(folder / name) for name in ("a", "ssh", "b")]


def test_every_custodian_opens_what_was_sealed(
    tmp_path: Path, keys: tuple[list[Custodian], list[Identity]]
) -> None:
    custodians, identities = keys
    findings: list[dict[str, Any]] = [
        {"item": SECRET, "distance": 3},
        {"item": "b\udcff\n", "x": None},
    ]
    path = tmp_path / "findings.age"
    assert seal(iter(findings), custodians, path) == 2
    for identity in identities:
        assert open_sealed(path, identity) == findings
    assert SECRET.encode() not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["findings.age"]


def test_no_findings_are_a_file_too(
    tmp_path: Path, keys: tuple[list[Custodian], list[Identity]]
) -> None:
    custodians, identities = keys
    path = tmp_path / "findings.age"
    assert seal([], custodians[:1], path) == 0
    assert open_sealed(path, identities[0]) == []


@settings(deadline=None, max_examples=30)
@given(st.lists(st.dictionaries(st.text(), st.text() | st.integers() | st.none()), max_size=5))
def test_any_findings_round_trip(
    tmp_path_factory: pytest.TempPathFactory,
    keys: tuple[list[Custodian], list[Identity]],
    findings: list[dict[str, Any]],
) -> None:
    custodians, identities = keys
    path = tmp_path_factory.mktemp("sealed") / "findings.age"
    assert seal(findings, custodians[:1], path) == len(findings)
    assert open_sealed(path, identities[0]) == findings


def test_another_key_opens_nothing(
    tmp_path: Path, keys: tuple[list[Custodian], list[Identity]]
) -> None:
    custodians, identities = keys
    path = tmp_path / "findings.age"
    seal([{"item": SECRET}], custodians[:1], path)
    for identity in identities[1:]:
        with pytest.raises(SealError, match="not among the custodians") as caught:
            open_sealed(path, identity)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("size", [1, 1000])
def test_a_cut_or_altered_file_opens_to_nothing(
    tmp_path: Path, keys: tuple[list[Custodian], list[Identity]], size: int
) -> None:
    custodians, identities = keys
    path = tmp_path / "findings.age"
    seal([{"item": SECRET, "pad": "x" * 300}] * size, custodians[:2], path)
    whole = path.read_bytes()
    cuts = {0, 1, 20, 100, len(whole) // 2, len(whole) - 17, len(whole) - 1}
    # age's payload is chunks of 64 KiB: a cut between two of them is the trap
    body = whole.index(b"\n---") + 1
    chunk = whole.index(b"\n", body) + 1 + 16 + 65536 + 16
    cuts |= {chunk, chunk + 65552} & set(range(len(whole)))
    damaged = [whole[:cut] for cut in sorted(cuts)] + [whole + b"x"]
    for position in (5, body + 8, len(whole) - 200, len(whole) - 1):
        flipped = bytearray(whole)
        flipped[position] ^= 1
        damaged.append(bytes(flipped))
    for data in damaged:
        path.write_bytes(data)
        with pytest.raises(SealError) as caught:
            open_sealed(path, identities[0])
        assert "\n" not in str(caught.value)
        assert SECRET not in str(caught.value)


def test_what_others_sealed_is_not_taken_for_findings(
    tmp_path: Path, keys: tuple[list[Custodian], list[Identity]]
) -> None:
    import pyrage

    custodians, identities = keys
    recipient = pyrage.x25519.Recipient.from_str(custodians[0].recipient)
    for text in (b"needle\n", b"[1]\n", b'{"a":1}\nnull\n', b"\xff\n"):
        path = tmp_path / "findings.age"
        path.write_bytes(pyrage.encrypt(text, [recipient]))
        with pytest.raises(SealError, match="not sealed by Brightline") as caught:
            open_sealed(path, identities[0])
        assert "needle" not in str(caught.value)


def test_sealing_needs_a_custodian_with_a_sound_key(tmp_path: Path) -> None:
    path = tmp_path / "findings.age"
    with pytest.raises(SealError, match="custodian add"):
        seal([{}], [], path)
    with pytest.raises(SealError, match="'Eve'"):
        seal([{}], [Custodian("Eve", "age1nonsense")], path)
    assert not path.exists()


def test_an_interrupted_source_of_findings_leaves_no_file(
    tmp_path: Path, keys: tuple[list[Custodian], list[Identity]]
) -> None:
    def lines() -> Any:
        yield {"item": SECRET}
        raise KeyError("stopped")

    with pytest.raises(KeyError):
        seal(lines(), keys[0], tmp_path / "findings.age")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_file_is_said_so(
    tmp_path: Path, keys: tuple[list[Custodian], list[Identity]]
) -> None:
    with pytest.raises(SealError, match="No such file"):
        open_sealed(tmp_path / "none.age", keys[1][0])
