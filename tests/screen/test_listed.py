"""Only what the ledger has is screened against."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from brightline.cli import run as brightline
from brightline.errors import DamagedError, ListError, UsageError
from brightline.ledger import Event
from brightline.lists import import_list, open_delta, open_list
from brightline.lists.snapshot import delta_folder
from brightline.screen.listed import checked
from brightline.screen.run import audit
from brightline.types import Role
from tests.corpora import md5_row
from tests.harness import Place, make_place

ONE, TWO = md5_row(b"one"), md5_row(b"two")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = make_place(tmp_path)
    made.add_list("hotline", [ONE])
    return made


def check(place: Place, reference: str = "hotline") -> None:
    checked(place.workspace, [open_list(place.root / "lists", reference)], lambda _: None)


def records(place: Place, kind: Event) -> int:
    return sum(1 for _ in place.workspace.ledger.records(kind))


def test_a_version_that_was_planted_is_refused_and_no_run_begun(
    place: Place, tmp_path: Path
) -> None:
    check(place)
    shutil.copytree(place.root / "lists", elsewhere := tmp_path / "elsewhere")
    file = tmp_path / "planted.csv"
    file.write_text(f"indicator,type,category\n{TWO}\n")
    planted, _ = import_list(place.root / "lists", "hotline", file)
    with pytest.raises(ListError, match=f"hotline@{planted.version} lies in the workspace and is"):
        check(place)
    check(place, "hotline@1")
    # what the caller opened elsewhere is the caller's to vouch for
    checked(place.workspace, [open_list(elsewhere, "hotline")], lambda _: None)
    (tmp_path / "corpus").mkdir()
    with pytest.raises(UsageError, match="not on its ledger"):
        audit([tmp_path / "corpus"], [open_list(place.root / "lists", "hotline")], place.workspace)
    assert records(place, Event.RUN_STARTED) == 0


def test_an_import_that_a_crash_left_off_the_record_is_recorded_by_the_same_command(
    place: Place, tmp_path: Path
) -> None:
    file = tmp_path / "next.csv"
    file.write_text(f"indicator,type,category\n{TWO}\n")
    made, _ = import_list(place.root / "lists", "hotline", file)
    command = ["--workspace", str(place.root), "list", "import", "hotline", str(file)]
    assert brightline(command) == brightline(command) == 0
    noted = [r.fields["version"] for r in place.workspace.ledger.records(Event.LIST_IMPORTED)]
    assert noted[-1] == made.version
    assert len(noted) == len(set(noted)) == 2
    check(place)


def test_a_manifest_that_was_exchanged_is_refused(place: Place) -> None:
    (path,) = (place.root / "lists" / "hotline").glob("0001-*/manifest.json")
    data = path.read_bytes()
    path.write_bytes(data.replace(b'"created"', b' "created"'))
    with pytest.raises(DamagedError, match="is not what the ledger says"):
        check(place)


def test_every_byte_of_a_list_of_known_material_is_read_before_a_run(place: Place) -> None:
    (version,) = (place.root / "lists" / "hotline").glob("0001-*")
    files = [p for p in version.rglob("*") if p.is_file() and p.name != "manifest.json"]
    assert len(files) >= 3
    for path in files:
        data = path.read_bytes()
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        with pytest.raises(DamagedError, match="matches could be missed"):
            check(place)
        path.unlink()
        with pytest.raises(DamagedError, match=r"missing"):
            check(place)
        path.write_bytes(data)
    check(place)


def test_of_a_list_of_known_good_only_the_manifest_is_compared(place: Place) -> None:
    # such lists are the largest, and a miss in one hides nothing
    place.add_list("usual", [ONE], role=Role.KNOWN_GOOD)
    (version,) = (place.root / "lists" / "usual").glob("0001-*")
    (version / "entries.parquet").write_bytes(b"")
    check(place, "usual")


def test_a_delta_is_compiled_anew_unless_it_was_recorded(place: Place) -> None:
    lists = place.root / "lists"
    place.add_list("hotline", [ONE, TWO])
    first, second = sorted(p.name for p in (lists / "hotline").glob("0*"))
    folder = delta_folder(lists / "hotline" / second, first)

    def once() -> int:
        opened = open_delta(lists, "hotline", first, second)
        (found,) = checked(place.workspace, [opened], lambda _: None)
        assert len(found) == 1
        return records(place, Event.DELTA_COMPILED)

    open_delta(lists, "hotline", first, second)
    shutil.copytree(folder, kept := place.root.parent / "kept")
    # somebody's own: the same version against itself adds nothing
    empty = open_delta(lists, "hotline", second, second)
    assert len(empty) == 0
    shutil.rmtree(folder)
    shutil.copytree(delta_folder(lists / "hotline" / second, second), folder)
    assert once() == once() == 1
    shutil.rmtree(folder)
    shutil.copytree(delta_folder(lists / "hotline" / second, second), folder)
    assert once() == 2
    assert (folder / "md5.idx").read_bytes() == (kept / "md5.idx").read_bytes()
    # removed, and compiled again when it is opened: the very same
    shutil.rmtree(folder)
    assert once() == 2
    index = folder / "md5.idx"
    index.write_bytes(index.read_bytes()[:-1])
    with pytest.raises(DamagedError, match="matches could be missed"):
        once()
