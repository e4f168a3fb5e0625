"""The entry point for licensed matchers, with a matcher that compares nothing but itself."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from brightline.errors import ListError
from brightline.lists import (
    Added,
    apply_changes,
    load_matcher,
    matcher_kinds,
    open_list,
)
from brightline.lists.records import Record
from brightline.types import SignalType
from tests.lists.helpers import value

MODULE = """
class Matcher:
    def __init__(self, hash_list):
        self.known = [(s.record, s.value) for s in hash_list.opaque("fake")]

    def match(self, data):
        return [(record, abs(len(data) - len(value))) for record, value in self.known]

nothing = None
"""


def install(folder: Path, name: str, target: str) -> None:
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[brightline.matchers]\nfake = {target}\n")


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "packages"
    folder.mkdir()
    (folder / "fake_matcher.py").write_text(MODULE)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "fake_matcher", raising=False)
    return folder


def test_an_installed_matcher_is_given_the_list(tmp_path: Path, packages: Path) -> None:
    install(packages, "fake-matcher", "fake_matcher:Matcher")
    record = Record(((SignalType.MD5, value(SignalType.MD5, 1)),), (("fake", b"1234"),))
    apply_changes(tmp_path / "lists", "x", [Added(Record((), source_id="0")), Added(record)])
    assert matcher_kinds() == ["fake"]
    assert "fake_matcher" not in sys.modules
    opened = open_list(tmp_path / "lists", "x")
    matcher = load_matcher("fake")(opened)
    ((found, distance),) = matcher.match(b"123")
    assert distance == 1
    assert [signal.record for signal in opened.opaque("fake")] == [found]


def test_none_is_there_by_itself() -> None:
    assert matcher_kinds() == []
    with pytest.raises(ListError, match="no installed package"):
        load_matcher("photodna")


@pytest.mark.parametrize(
    ("target", "trouble"),
    [
        ("fake_matcher:Missing", "cannot be loaded"),
        ("no_such_module:x", "cannot be loaded"),
        ("fake_matcher:nothing", "cannot be called"),
    ],
)
def test_a_matcher_that_cannot_be_used(packages: Path, target: str, trouble: str) -> None:
    install(packages, "fake-matcher", target)
    with pytest.raises(ListError, match=trouble):
        load_matcher("fake")


def test_two_matchers_of_one_kind(packages: Path) -> None:
    install(packages, "fake-matcher", "fake_matcher:Matcher")
    install(packages, "other-matcher", "fake_matcher:Matcher")
    with pytest.raises(ListError, match="more than one"):
        load_matcher("fake")
