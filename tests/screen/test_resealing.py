"""Sealing anew: open to the new custodian, closed to the old, and whole after any crash."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from brightline import storage
from brightline.errors import SealError, UsageError
from brightline.findings import load_identity, new_identity
from brightline.screen.opening import interrupted, open_run
from brightline.screen.resealing import reseal_run
from tests.corpora import md5_row, write_tar
from tests.harness import Place, make_place, without_run
from tests.pictures import encode, photo


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a run `r` of two shards, a finding in each."""
    folder = tmp_path_factory.mktemp("audited")
    place = make_place(folder)
    jpegs = [encode(photo(k, 64, 48), "JPEG") for k in range(6)]
    (folder / "corpus").mkdir()
    write_tar(folder / "corpus" / "a.tar", {f"{k}.jpg": jpegs[k] for k in range(3)})
    write_tar(folder / "corpus" / "b.tar", {f"{k}.jpg": jpegs[k] for k in range(3, 6)})
    place.add_list("hotline", [md5_row(jpegs[1]), md5_row(jpegs[4])])
    place.run("audit", folder / "corpus", "--list", "hotline", "--run", "r", status=1)
    return folder


@pytest.fixture
def place(audited: Path, tmp_path: Path) -> Place:
    shutil.copytree(audited, tmp_path / "copy")
    return Place(tmp_path / "copy" / "workspace", tmp_path / "copy" / "custodian.key")


def second(place: Place) -> Path:
    key = place.key.with_name("second.key")
    place.workspace.add_custodian(new_identity(key), "Second")
    return key


def findings(place: Place, key: Path) -> list[dict[str, Any]]:
    found = open_run(place.workspace, "r", load_identity(key), "a test")
    return without_run(found)


def test_commands(place: Place) -> None:
    before = findings(place, place.key)
    key = second(place)
    with pytest.raises(SealError, match="not among the custodians"):
        findings(place, key)
    told = place.json(
        "findings", "reseal", "r", "--identity", place.key, "--reason", "she joins", status=0
    )
    custodians = ["Tester", "Second"]
    (one,) = told
    assert (one["run"], one["shards"], one["findings"]) == ("r", 2, 2)
    assert (one["plans"], one["referrals"], one["custodians"]) == (0, 0, custodians)
    assert findings(place, key) == findings(place, place.key) == before
    place.run("custodian", "rm", "Tester", status=0)
    assert [c.name for c in place.workspace.custodians()] == ["Second"]
    place.run("findings", "reseal", "--all", "--identity", key, "--reason", "he left", status=0)
    with pytest.raises(SealError, match="not among the custodians"):
        findings(place, place.key)
    assert findings(place, key) == before
    place.run("ledger", "verify", status=0)
    done = [r for r in place.workspace.ledger.records() if r.kind == "findings_resealed"]
    assert [(r.fields["custodian"], r.fields["reason"]) for r in done] == [
        ("Tester", "she joins"),
        ("Second", "he left"),
    ]
    for record in done:
        assert not {before[0]["item"], before[0]["sha256"]} & set(str(record.fields).split("'"))


def test_releases_are_sealed_anew_with_their_runs(place: Place) -> None:
    release = ["release", "r", "--reason", "a test", "--identity"]
    first, later = (place.root.with_name(name) for name in ("first", "later"))
    place.run(*release, place.key, first, status=0)
    key = second(place)
    assert "custodian" in place.run(*release, key, later, status=2).stderr
    reseal = ["findings", "reseal", "--identity", place.key, "--reason"]
    (told,) = place.json(*reseal, "she joins", "r", status=0)
    assert told["plans"] == 1
    place.run(*release, key, later, status=0)
    one, two = (dest / ".brightline" / "manifest.jsonl" for dest in (first, later))
    assert one.read_bytes() == two.read_bytes()
    (told,) = place.json(*reseal, "again", "--all", status=0)
    assert told["plans"] == 1
    place.run("ledger", "verify", status=0)
    done = [r for r in place.workspace.ledger.records() if "releases" in r.fields]
    resealed = [r.fields for r in done if r.kind == "findings_resealed"]
    assert [fields["reason"] for fields in resealed] == ["she joins", "again"]
    assert all("run" not in fields for fields in resealed)


def test_refusals(place: Place) -> None:
    assert "only custodian" in place.run("custodian", "rm", "Tester", status=2).stderr
    assert "there are: Tester" in place.run("custodian", "rm", "Nobody", status=2).stderr
    base = ["findings", "reseal", "--identity", place.key, "--reason", "x"]
    assert "--all" in place.run(*base, status=2).stderr
    assert "--all" in place.run(*base, "r", "--all", status=2).stderr
    with pytest.raises(UsageError, match="reason"):
        reseal_run(place.workspace, "r", load_identity(place.key), " ")
    stranger = place.key.with_name("stranger.key")
    new_identity(stranger)
    with pytest.raises(SealError, match="not among"):
        reseal_run(place.workspace, "r", load_identity(stranger), "curious")
    assert len(findings(place, place.key)) == 2


def test_other_settings_stay(place: Place) -> None:
    second(place)
    settings = place.root / "brightline.toml"
    text = settings.read_text() + '\n# a remark\n[other]\nname = "Tester"\n'
    settings.write_text(text)
    place.workspace.remove_custodian("Tester")
    assert "# a remark\n[other]" in settings.read_text()
    assert [c.name for c in place.workspace.custodians()] == ["Second"]


class _Stopped(BaseException):
    """As if the power had gone."""


def test_a_stop_at_any_step(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped at every call into storage; the same command completes it, and nothing is lost."""
    expected = findings(place, place.key)
    key = second(place)
    start = place.root.with_name("start")
    shutil.copytree(place.root, start)
    identity = load_identity(place.key)
    names = ("write_atomic", "write_atomic_with", "rename", "write_new", "fsync_directory")
    real = {name: getattr(storage, name) for name in names}
    steps = 0
    seen_cut_short = False
    while True:
        steps += 1
        left = [steps]

        def stopping(name: str, left: list[int] = left) -> Any:
            def call(*arguments: Any, **options: Any) -> Any:
                left[0] -= 1
                if left[0] == 0:
                    raise _Stopped
                return real[name](*arguments, **options)

            return call

        shutil.rmtree(place.root)
        shutil.copytree(start, place.root)
        with monkeypatch.context() as patch:
            for name in names:
                patch.setattr(storage, name, stopping(name))
            try:
                reseal_run(place.workspace, "r", identity, "she joins")
            except _Stopped:
                ended = False
            else:
                ended = True
        tasks = list((place.root / "runs" / "r" / "shards").iterdir())
        if any(interrupted(task) for task in tasks):
            seen_cut_short = True
            with pytest.raises(UsageError, match="reseal"):
                findings(place, place.key)
        reseal_run(place.workspace, "r", identity, "again")
        assert findings(place, key) == findings(place, place.key) == expected
        assert not any(interrupted(task) for task in tasks)
        if ended:
            break
    assert steps > 8 and seen_cut_short
