"""`brightline list` as a person runs it; nothing that it prints holds a value of a list."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from brightline.lists import Added, Removed, apply_changes
from brightline.lists.records import Record
from brightline.types import Role, SignalType
from tests.harness import Place, make_place
from tests.lists.helpers import value

VALUES = [value(SignalType.MD5, number) for number in range(20)]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = make_place(tmp_path)
    rows = [f"{raw.hex()},md5,{('A1', 'B2', 'X')[n % 3]}" for n, raw in enumerate(VALUES)]
    made.add_list("hotline", rows, scheme="ncmec")
    apply_changes(
        made.root / "lists",
        "hotline",
        [Removed((SignalType.MD5, VALUES[0])), Added(Record((), (("photodna", b"p"),), "A1"))],
    )
    return made


def silent(text: str) -> bool:
    return not any(raw.hex() in text.lower() for raw in VALUES)


def test_show(place: Place) -> None:
    facts = place.json("list", "show", "hotline", status=0)
    assert facts["entries"] == 19
    assert facts["skipped"] == {"opaque signals only": 1}
    assert facts["opaque"] == {"photodna": 1}
    assert facts["scheme"] == "ncmec"
    assert facts["meanings"]["A1"].startswith("Child before puberty")
    assert facts["meanings"]["X"] == "not in the scheme"
    assert list(facts["segments"].values()) == [1, 0]
    done = place.run("list", "show", "hotline@1", status=0)
    assert "segments         0001-" in done.stdout
    assert silent(done.stdout + done.stderr + json.dumps(facts))
    assert [m["entries"] for m in place.json("list", "ls", status=0)] == [20, 19]


def test_diff_takes_references(place: Place) -> None:
    wanted = {"added": 0, "removed": 1, "recategorised": 0, "unchanged": 19}
    for arguments in (("hotline", "1", "2"), ("hotline@1", "hotline")):
        counts = place.json("list", "diff", *arguments, status=0)
        assert {name: kinds["md5"] for name, kinds in counts.items()} == wanted


def test_import_says_what_it_found(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "other.csv"
    file.write_text(f"{VALUES[0].hex()},md5,A1\n{VALUES[1].hex()},md5,Z9\n")
    done = place.run("list", "import", "other", file, "--scheme", "ncmec", status=0)
    assert "2 entries (2 md5)" in done.stdout
    assert "not in the scheme ncmec: 1" in done.stderr
    assert silent(done.stdout + done.stderr)
    refused = place.run("list", "import", "other", file, "--scheme", "none", status=2)
    assert "known schemes: us, uk, ncmec, custom" in refused.stderr


def test_conflicts_are_counted_sealed_and_opened(place: Place, tmp_path: Path) -> None:
    place.add_list("other", [f"{raw.hex()},md5,A1" for raw in VALUES[1:4]], scheme="ncmec")
    place.add_list("good", [f"{VALUES[5].hex()},md5,"], role=Role.KNOWN_GOOD)
    sealed = tmp_path / "conflicts.age"
    done = place.run("list", "conflicts", "--seal", sealed, "--json", status=0)
    found = json.loads(done.stdout)
    assert sorted((c["kind"], c["values"].get("md5", 0)) for c in found) == [
        ("category", 2),
        ("role", 0),
        ("role", 1),
    ]
    assert "sealed 3 conflicts" in done.stderr
    assert silent(done.stdout + done.stderr)
    assert not any(raw.hex().encode() in sealed.read_bytes() for raw in VALUES)
    shown = place.run("list", "conflicts", "hotline", "good", status=0)
    assert "md5" in shown.stdout
    assert silent(shown.stdout)
    again = place.run("list", "conflicts", "--seal", sealed, status=2)
    assert "exists already" in again.stderr
    opened = place.run(
        "list", "open-conflicts", sealed, "--identity", place.key, "--reason", "a test", status=0
    )
    lines = [json.loads(line) for line in opened.stdout.splitlines()]
    assert {line["value"] for line in lines} == {VALUES[n].hex() for n in (1, 2, 5)}
    (record,) = [r for r in place.workspace.ledger.records() if r.kind == "conflicts_opened"]
    assert record.fields["reason"] == "a test"
    digest = hashlib.sha256(sealed.read_bytes()).hexdigest()
    assert record.fields["file"] == f"sha256:{digest}"
    assert record.fields["conflicts"] == 3
    place.run("list", "open-conflicts", sealed, "--identity", place.key, "--reason", " ", status=2)


def test_provenance(place: Place) -> None:
    record = Record(
        ((SignalType.MD5, VALUES[5]),), (), "A1", (), "ESP", "r-7", "2026-01-02T03:04:05Z"
    )
    manifest, _ = apply_changes(place.root / "lists", "hotline", [Added(record)])
    found = place.json("list", "provenance", "hotline", "20", "5", status=0)
    assert found["version"] == manifest.version
    assert [list(row.values()) for row in found["entries"]] == [
        [20, "A1", "ESP", "r-7", "2026-01-02T03:04:05Z"],
        [5, "X", "", "", ""],
    ]
    done = place.run("list", "provenance", "hotline", "20", "5", status=0)
    assert "r-7" in done.stdout and silent(done.stdout + json.dumps(found))
    for gone in ("0", "21", "99999999999"):  # removed, and never there
        done = place.run("list", "provenance", "hotline", "5", gone, status=2)
        assert "1 of these entries are not in" in done.stderr
