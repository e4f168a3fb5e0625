"""Audits of files that are out to break readers: all accounted for, nothing crashes or leaks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from brightline.sources import discover, read
from brightline.sources.paths import printable
from brightline.types import Content, Limits, NoContent, Rows, Streamed
from tests.fuzz.commands import Desk, Done, assert_accounted, assert_one_line
from tests.fuzz.malformed import plants, specials
from tests.fuzz.malformed_archives import bombs
from tests.fuzz.malformed_pictures import pictures
from tests.fuzz.malformed_tables import repeated
from tests.fuzz.plants import SCREENED, Plant

#: a list of which nothing is in the corpus
_NOTHING = ["00" * 15 + "01,md5", "5a" * 32 + ",pdq"]
_MOST_MEMORY = 3 << 30
_MOST_SECONDS = 200.0

Snapshot = dict[str, tuple[int, int, int]]


def _snapshot(*folders: Path) -> Snapshot:
    """Mode, size and time of everything under some folders, by name."""
    found: Snapshot = {}
    for top in folders:
        for here, below, names in os.walk(os.fsencode(top)):
            for name in [*below, *names]:
                path = os.path.join(here, name)  # noqa: PTH118 - names that are not UTF-8
                facts = os.lstat(path)
                # a folder's time is when something in it was made or removed
                found[repr(path)] = facts.st_mode, facts.st_size, facts.st_mtime_ns
    return found


class Audited:
    """One audit of the whole corpus, and what was around it before and after."""

    def __init__(self, home: Path) -> None:
        self.desk = Desk.made(home)
        self.desk.import_list("nothing", _NOTHING)
        self.corpus = home / "around" / "corpus"
        self.plants = {each.name: each for each in plants()}
        for each in self.plants.values():
            path = self.corpus / each.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(each.data)
        self.specials = {
            f"specials/{name}": reason
            for name, reason in specials(self.corpus / "specials").items()
        }
        around = (home / "around", self.desk.cwd, home / "tmp", home / "user")
        self.before = _snapshot(*around)
        self.done: Done = self.desk.run(
            "audit", self.corpus, "--list", "nothing", "--workers", "2", "--item-seconds", "10",
            "--json",
        )  # fmt: skip
        assert self.done.status == 3, self.done.err
        self.after = _snapshot(*around)
        self.shards = list(self.desk.shards(self.done.document["run"]))
        self.items: dict[str, list[str]] = {}
        for shard, rows in self.shards:
            alone = "" if shard.kind == "folder" else shard.name.partition(" [")[0] + "!/"
            for row in rows:
                code = row["reason"] or row["outcome"]
                self.items.setdefault(alone + row["item"], []).append(code)

    def codes(self, name: str) -> tuple[list[str], list[str]]:
        """What became of a planted file itself, and of all that is in it."""
        shown = printable(os.fsencode(name))
        inside = [
            c for item, codes in self.items.items() if item.startswith(f"{shown}!/") for c in codes
        ]
        return self.items.get(shown, []), inside


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Audited:
    return Audited(tmp_path_factory.mktemp("malformed"))


def test_corpus_is_large(audited: Audited) -> None:
    assert len(audited.plants) + len(audited.specials) > 500


def test_ends_in_order(audited: Audited) -> None:
    assert_accounted(audited.done.document)
    assert audited.done.document["matches"]["total"] == 0
    assert audited.done.document["items"] == sum(len(rows) for _, rows in audited.shards)


def test_names_no_item_on_the_way(audited: Audited) -> None:
    for name in audited.plants:
        assert name not in audited.done.err
    assert ".jpg" not in audited.done.err


def test_is_bounded(audited: Audited) -> None:
    assert 0 < audited.done.peak < _MOST_MEMORY
    assert audited.done.seconds < _MOST_SECONDS


def test_accounts_for_every_file(audited: Audited) -> None:
    missing = {name for name in audited.plants if not any(audited.codes(name))}
    # tables without a single row have no items, but they are listed
    assert missing == {
        f"tables/{n}" for n in ("no-rows.parquet", "no-columns.parquet", "header-only.csv")
    }
    assert missing <= {shard.name for shard, _ in audited.shards}
    double = [n for n in (*audited.plants, *audited.specials) if len(audited.codes(n)[0]) > 1]
    assert double == []


def test_passes_nothing_broken_as_screened(audited: Audited) -> None:
    passed = [n for n, p in audited.plants.items() if p.broken and SCREENED in audited.codes(n)[0]]
    assert passed == []


def test_says_what_is_wrong(audited: Audited) -> None:
    wrong: dict[str, Any] = {}
    for name, each in audited.plants.items():
        own, inside = audited.codes(name)
        if each.codes and not each.codes & {*own, *inside}:
            wrong[name] = sorted({*own, *inside})
    assert wrong == {}


def test_opens_no_link_and_no_pipe(audited: Audited) -> None:
    found = {name: audited.codes(name)[0] for name in audited.specials}
    assert found == {name: [reason] for name, reason in audited.specials.items()}


def test_touches_nothing_outside_the_workspace(audited: Audited) -> None:
    assert audited.after == audited.before
    assert not list(Path("/tmp").glob("brightline-was-here*"))  # as a hostile member is named


def _archives() -> Iterator[Plant]:
    return (each for each in plants() if not each.name.startswith(("pictures/", "names/")))


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    desk = Desk.made(tmp_path_factory.mktemp("desk"))
    desk.import_list("nothing", _NOTHING)
    return desk


def test_every_archive_as_a_source(desk: Desk, tmp_path: Path) -> None:
    sources = []
    for each in _archives():
        if "overlapping" not in each.name:
            path = tmp_path / each.name.replace("/", "-")
            path.write_bytes(each.data)
            sources.append(path)
    done = desk.expect(3, "audit", *sources, "--list", "nothing", "--workers", "2", "--json")
    assert_accounted(done.document)
    counted = {source["path"]: source["items"] for source in done.document["sources"]}
    assert counted.keys() == {str(path) for path in sources}
    # a table without rows and a zip without members are empty
    empty = {Path(path).name for path, count in counted.items() if not count}
    assert empty <= {
        "tables-no-rows.parquet",
        "tables-no-columns.parquet",
        "tables-header-only.csv",
        "archives-end-only.zip",
    }


@pytest.mark.parametrize("bomb", [*bombs(), repeated()], ids=lambda bomb: bomb.name)
def test_bombs(bomb: Plant, tmp_path: Path) -> None:
    limits = Limits(expansion_base=32 << 20, expansion_factor=1, max_item_bytes=16 << 20)
    path = tmp_path / bomb.name
    path.write_bytes(bomb.data)
    codes = set()
    total = 0
    for shard in discover([tmp_path], limits):
        for item in read(shard, limits):
            match item:
                case Content():
                    total += len(item.data)
                case Streamed():
                    total += item.size
                case NoContent():
                    codes.add(item.reason.code)
                case Rows():
                    pytest.fail("a bomb holds no metadata")
    assert codes & bomb.codes
    # the archives themselves are items too, at each level
    assert total <= limits.expansion_base + 4 * len(bomb.data)


def test_another_type_than_said(desk: Desk, tmp_path: Path) -> None:
    source = tmp_path / "source.zip"
    source.write_bytes(b"PK\x03\x04" * 99)
    for wanted in ("tar", "parquet", "rar"):
        done = desk.here("audit", source, "--list", "nothing", "--source-type", wanted)
        assert done.status == 2
        assert_one_line(done)


def test_hash_of_malformed_pictures(desk: Desk, tmp_path: Path) -> None:
    chosen = [each for each in pictures() if each.broken]
    paths = []
    for each in chosen:
        path = tmp_path / each.name.replace("/", "-")
        path.write_bytes(each.data)
        paths.append(path)
    done = desk.run("hash", "--json", *paths, tmp_path / "no such file.jpg")
    assert (done.status, done.err) == (3, "")
    facts = done.document
    assert [fact["file"] for fact in facts[:-1]] == [str(path) for path in paths]
    assert facts[-1]["error"]
    for fact in facts[:-1]:
        assert fact["outcome"] != SCREENED, fact["file"]
        assert len(fact["md5"]) == 32


_LISTS = {
    "empty": b"",
    "nul": b"indicator,type\n" + b"\0" * 32 + b",md5\n",
    "short": b"indicator,type\n00,md5\n",
    "not-hex": b"indicator,type\n" + b"zz" * 16 + b",md5\n",
    "not-utf-8": b"indicator,type\n\xff\xfe\x80,md5\n",
    "no-such-type": b"indicator,type\n" + b"00" * 16 + b",md6\n",
    "no-type": b"indicator\n" + b"00" * 16 + b"\n",
    "doubled": b"indicator,type,type\n" + b"00" * 16 + b",md5,md5\n",
    "quote": b'indicator,type\n"' + b"00" * 16 + b",md5\n" * 9,
    "huge-field": b"indicator,type\n" + b"0" * 3_000_000 + b",md5\n",
    "picture": b"\xff\xd8\xff\xe0" + bytes(range(256)) * 9,
    "parquet": b"PAR1" + bytes(99) + b"PAR1",
    "prose": b"This is no list of hashes.\nNot at all.\n",
}


@pytest.mark.parametrize("name", _LISTS)
def test_malformed_lists(name: str, desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_bytes(_LISTS[name])
    done = desk.here("list", "import", "hotline", path)
    assert done.status == 2
    assert_one_line(done)
    assert not list((desk.workspace / "lists").glob("hotline/0*"))
