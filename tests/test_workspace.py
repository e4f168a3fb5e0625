"""The workspace: made once, private, and its settings never lost."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pyrage
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brightline import storage
from brightline.errors import SealError, WorkspaceError
from brightline.findings import new_identity
from brightline.workspace import Custodian, Workspace, toml_string


def recipient() -> str:
    return str(pyrage.x25519.Identity.generate().to_public())


def test_create_makes_a_private_place_and_open_finds_it(tmp_path: Path) -> None:
    root = tmp_path / "deep" / "case"
    Workspace.create(root)
    workspace = Workspace.open(root)
    assert workspace.root == root
    assert workspace.custodians() == ()
    for folder in (root, workspace.keys_dir, workspace.lists_dir, workspace.runs_dir):
        assert folder.stat().st_mode & 0o777 == 0o700
    assert (root / "brightline.toml").stat().st_mode & 0o777 == 0o600
    assert list(workspace.ledger.records()) == []


def test_create_never_replaces_a_workspace(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path)
    workspace.add_custodian(recipient(), "A")
    with pytest.raises(WorkspaceError, match="already"):
        Workspace.create(tmp_path)
    assert len(Workspace.open(tmp_path).custodians()) == 1


def test_open_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match=f"brightline init {tmp_path}"):
        Workspace.open(tmp_path)


def test_create_where_it_cannot(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkspaceError, match="cannot make a workspace"):
        Workspace.create(tmp_path / "file" / "x")


def test_custodians_are_kept_in_order_and_on_the_ledger(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path)
    keys = [recipient(), recipient()]
    workspace.add_custodian(f" {keys[0]}\n", " Hotline desk ")
    workspace.add_custodian(keys[1], 'Zoë "Z" O\\Brien #1')
    expected = (
        Custodian("Hotline desk", keys[0]),
        Custodian('Zoë "Z" O\\Brien #1', keys[1]),
    )
    assert Workspace.open(tmp_path).custodians() == expected
    records = list(workspace.ledger.records())
    assert [record.kind for record in records] == ["custodian_added"] * 2
    assert records[1].fields == {"name": expected[1].name, "recipient": keys[1]}
    assert (tmp_path / "brightline.toml").stat().st_mode & 0o777 == 0o600


def test_a_custodian_is_added_once(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path)
    key = recipient()
    workspace.add_custodian(key, "A")
    before = (tmp_path / "brightline.toml").read_bytes()
    for other, name in ((key, "B"), (key.upper(), "B"), (recipient(), "A"), (recipient(), " A ")):
        with pytest.raises(WorkspaceError, match=r"already"):
            workspace.add_custodian(other, name)
    for name in ("", "  ", "a\nb", "a\0b", "a\x1b[31m"):
        with pytest.raises(WorkspaceError, match="one line"):
            workspace.add_custodian(recipient(), name)
    with pytest.raises(SealError, match="not a recipient"):
        workspace.add_custodian("age1qqq", "C")
    assert (tmp_path / "brightline.toml").read_bytes() == before
    assert len(list(workspace.ledger.records())) == 1


def test_what_the_user_wrote_stays(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path)
    path = tmp_path / "brightline.toml"
    mine = path.read_text() + "# my note\nfuture_setting = [1, 2]\n[table]\nx = 1979-05-27"
    path.write_text(mine)
    workspace.add_custodian(recipient(), "A")
    assert path.read_text().startswith(mine)
    document = tomllib.loads(path.read_text())
    assert document["future_setting"] == [1, 2]
    assert len(document["custodian"]) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("format = ", "not TOML"),
        ("", "format"),
        ("format = 2", "format"),
        ("format = 1\ncustodian = 3", "tables"),
        ("format = 1\n[[custodian]]\nname = 'A'", "custodian 1 needs"),
        ("format = 1\n[[custodian]]\nname = 'A'\nrecipient = 'age1x'", "custodian 1: "),
    ],
)
def test_settings_that_cannot_be_understood(tmp_path: Path, text: str, message: str) -> None:
    workspace = Workspace.create(tmp_path)
    (tmp_path / "brightline.toml").write_text(text)
    for act in (
        lambda: Workspace.open(tmp_path),
        lambda: workspace.add_custodian(recipient(), "B"),
    ):
        with pytest.raises(WorkspaceError, match=message) as caught:
            act()
        assert "\n" not in str(caught.value)
    assert (tmp_path / "brightline.toml").read_text() == text


def test_settings_that_are_not_text(tmp_path: Path) -> None:
    Workspace.create(tmp_path)
    (tmp_path / "brightline.toml").write_bytes(b"\xff")
    with pytest.raises(WorkspaceError, match="UTF-8"):
        Workspace.open(tmp_path)


def test_custodians_written_inline_cannot_be_added_to(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path)
    text = f"format = 1\ncustodian = [{{name = 'A', recipient = '{recipient()}'}}]\n"
    (tmp_path / "brightline.toml").write_text(text)
    assert len(workspace.custodians()) == 1
    with pytest.raises(WorkspaceError):
        workspace.add_custodian(recipient(), "B")
    assert (tmp_path / "brightline.toml").read_text() == text


def test_a_failed_write_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = Workspace.create(tmp_path)
    workspace.add_custodian(recipient(), "A")

    def broken(path: Path) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(storage, "fsync_file", broken)
        with pytest.raises(OSError, match="Input/output"):
            workspace.add_custodian(recipient(), "B")
    assert [custodian.name for custodian in Workspace.open(tmp_path).custodians()] == ["A"]
    assert not list(tmp_path.glob(".tmp-*"))


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_round_trips_through_toml(text: str) -> None:
    document = f"a = 1\nname = {toml_string(text)}\nz = 2\n"
    assert tomllib.loads(document) == {"a": 1, "name": text, "z": 2}


def test_a_lone_surrogate_has_no_toml() -> None:
    with pytest.raises(ValueError, match="surrogate"):
        toml_string("\udc80")


def test_nothing_is_sealed_to_a_custodian_off_the_record(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "w")
    workspace.add_custodian(new_identity(tmp_path / "a.key"), "Anna")
    workspace.add_custodian(new_identity(tmp_path / "b.key"), "Bert")
    settings = tmp_path / "w" / "brightline.toml"
    with_bert = settings.read_text()
    assert [custodian.name for custodian in workspace.sealers()] == ["Anna", "Bert"]
    workspace.remove_custodian("Bert")
    assert [custodian.name for custodian in workspace.sealers()] == ["Anna"]
    settings.write_text(with_bert)
    with pytest.raises(WorkspaceError, match=r"'Bert' is in .* and not on the ledger"):
        workspace.sealers()
    # as after a crash between the record and the file: the same command completes it
    workspace.remove_custodian("Bert")
    assert [custodian.name for custodian in workspace.sealers()] == ["Anna"]
