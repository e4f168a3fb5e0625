"""`brightline list export`: what it says, and that it shows nothing of an entry."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from brightline.cli.list_export import export
from brightline.errors import ListError
from brightline.lists import import_list
from brightline.workspace import Workspace
from tests.lists.formats.making import alternative, digits, media, vics


@pytest.fixture
def root(tmp_path: Path) -> Path:
    workspace = Workspace.create(tmp_path / "workspace")
    file = tmp_path / "list.json"
    pdq = media(3, MD5=None, SHA1=None, AlternativeHashes=[alternative("PDQ", digits("pdq"))])
    file.write_bytes(vics(media(1), media(2), pdq))
    import_list(workspace.lists_dir, "one", file)
    return workspace.root


def test_what_is_written_and_what_is_lost_is_said(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export("one@1", tmp_path / "out.json", form="vics", workspace=root, as_json=True)
    said = capsys.readouterr()
    document = json.loads(said.out)
    assert document.pop("version").startswith("0001-")
    assert document == {
        "name": "one",
        "format": "vics",
        "entries": 5,
        "written": 4,
        "lost": {"no_md5": 1},
    }
    assert said.err.splitlines() == [
        "warning: entries not written: 1 of 5",
        "warning: records without an MD5, which the format needs: 1",
    ]
    export("one", tmp_path / "out.csv", form="csv", workspace=root, as_json=False)
    said = capsys.readouterr()
    assert said.out.startswith("wrote 5 entries of one@0001-")
    for number in (1, 2, 3):
        assert digits("md5", number)[:8] not in said.out + said.err


def test_an_unknown_format_is_refused(root: Path, tmp_path: Path) -> None:
    with pytest.raises(ListError, match="csv or vics"):
        export("one", tmp_path / "out", form="xml", workspace=root, as_json=False)
    assert not (tmp_path / "out").exists()
