"""Category schemes: the package's, a workspace's own, and faults in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from brightline.errors import ListError
from brightline.lists import find_scheme, import_list, load_schemes, open_list
from brightline.types import SignalType
from tests.lists.helpers import Row, csv_file, value

ROWS: list[Row] = [
    (SignalType.MD5, value(SignalType.MD5, n), category, ())
    for n, category in enumerate(["0", "1", None, "9"])
]


def test_the_packages_schemes(tmp_path: Path) -> None:
    schemes = load_schemes(tmp_path)
    assert list(schemes) == ["us", "uk", "ncmec", "custom"]
    assert list(schemes["us"].categories) == ["0", "1", "2", "3", "4"]
    assert list(schemes["ncmec"].categories) == ["A1", "A2", "B1", "B2"]
    assert all(scheme.title for scheme in schemes.values())
    assert schemes["us"].unknown({"0": 3, "9": 1}) == ["9"]
    assert schemes["custom"].unknown({"anything": 1}) == []


def test_a_workspace_says_what_its_numbers_mean(tmp_path: Path) -> None:
    (tmp_path / "schemes.toml").write_text(
        '[uk]\ntitle = "Ours"\n[uk.categories]\n"1" = "Grade A"\n'
        '[ours]\ntitle = "More"\n[ours.categories]\n'
    )
    assert find_scheme(tmp_path, "uk").categories == {"1": "Grade A"}
    assert list(load_schemes(tmp_path)) == ["us", "uk", "ncmec", "custom", "ours"]


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        ("x", "is not TOML"),
        ("[a]\n", "needs a title"),
        ('a = "b"\n', "needs a title"),
        ('[a]\ntitle = "b"\n[a.categories]\n"1" = 1\n', "needs a title"),
        (b"\xff", "cannot be read"),
    ],
)
def test_a_workspaces_file_that_cannot_be_used(
    tmp_path: Path, text: str | bytes, trouble: str
) -> None:
    path = tmp_path / "schemes.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ListError, match=trouble):
        load_schemes(tmp_path)


def test_a_list_keeps_its_scheme(tmp_path: Path) -> None:
    file = csv_file(tmp_path / "l.csv", ROWS)
    root = tmp_path / "lists"
    plain, _ = import_list(root, "x", file)
    manifest, new = import_list(root, "x", file, scheme="us")
    assert new
    assert (plain.scheme, manifest.scheme) == (None, "us")
    assert manifest.digest != plain.digest
    opened = open_list(root, "x")
    assert opened.manifest == manifest
    assert opened.category([0, 1, 2]) == ["0", "1", None]
    opened.verify()
    with pytest.raises(ListError, match="known schemes"):
        import_list(root, "x", file, scheme="none")
