"""The demo: run as a user would, and its parts."""

from __future__ import annotations

import csv
import io
import json
import shlex
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from brightline.api import hash_bytes
from brightline.cli.demo import Terminal
from brightline.demo import pictures, tour
from brightline.demo.corpus import Corpus, write_corpus
from brightline.demo.tour import DemoError, Ran, check
from brightline.errors import UsageError
from brightline.types import PDQ_MIN_QUALITY, PDQ_THRESHOLD, SignalType

SCRIPT = str(Path(sys.executable).with_name("brightline"))
MOST_SECONDS = 120
MOST_COLUMNS = 88


@dataclass(frozen=True)
class Demo:
    """A demo that was run once for all tests."""

    folder: Path
    status: int
    out: str
    err: str
    seconds: float

    def json(self, *arguments: str) -> Any:
        """What a command prints in the demo's workspace."""
        done = command("--workspace", str(self.folder / "workspace"), *arguments)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def command(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SCRIPT, *arguments], capture_output=True, text=True, timeout=MOST_SECONDS, cwd=cwd
    )


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    here = tmp_path_factory.mktemp("demo")
    started = time.monotonic()
    done = command("demo", "tour", cwd=here)
    seconds = time.monotonic() - started
    return Demo(here / "tour", done.returncode, done.stdout, done.stderr, seconds)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("corpus") / "corpus"


@pytest.fixture(scope="module")
def corpus(written: Path) -> Corpus:
    """The corpus as it is without the packages that ship photographs: as large, as planted."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "_PHOTOGRAPHS", ())
        return write_corpus(written)


def test_it_goes_through_in_time(demo: Demo) -> None:
    assert demo.status == 0, demo.err
    assert demo.seconds < MOST_SECONDS


def test_it_finds_what_it_planted(demo: Demo, corpus: Corpus) -> None:
    planted = sum(corpus.planted.by_signal().values())
    assert f"{planted} matches were planted and {planted} were found" in demo.out
    summary = demo.json("run", "show", "first", "--json")
    assert summary["items"] == corpus.items
    assert summary["matches"]["by_signal"] == corpus.planted.by_signal()
    assert summary["matches"]["total"] == planted
    # one picture is there twice, and two are on the list twice
    assert planted - len(corpus.planted.entries) == 1
    assert summary["matches"]["items"] < planted


def test_every_item_is_accounted_for(demo: Demo) -> None:
    summary = demo.json("run", "show", "first", "--json")
    kinds = ("screened", "exact_only", "skipped", "failed")
    assert summary["items"] == sum(summary[kind] for kind in kinds)
    assert summary["failed"] == summary["reasons"]["truncated_image"] == 1
    expected = {"link", "empty", "null_bytes", "not_stored", "directory", "container"}
    assert expected <= summary["reasons"].keys()
    assert summary["below_quality"] >= 1


def test_every_way_of_matching_is_shown(demo: Demo) -> None:
    ways = {"stored bytes", "unpadded crop", "exif orientation", "hash column", "url column"}
    assert demo.json("run", "show", "first", "--json")["matches"]["by_via"].keys() == ways


def test_every_source_is_read(demo: Demo) -> None:
    types = demo.json("run", "show", "first", "--json")["media_types"]
    pictures_of = {"jpeg", "png", "gif", "webp", "tiff", "bmp"}
    assert {f"image/{name}" for name in pictures_of} <= types.keys()


def test_it_leaves_a_report_and_a_record(demo: Demo) -> None:
    page = (demo.folder / "report.html").read_text(encoding="utf-8")
    assert page.lstrip().lower().startswith("<!doctype html>")
    assert "findings_opened" in demo.out
    assert "trying the demo" in demo.out
    assert (demo.folder / "custodian.key").stat().st_mode & 0o077 == 0


def test_only_the_example_shows_a_locator(demo: Demo) -> None:
    locators = [line for line in demo.out.splitlines() if line.startswith("    item ")]
    assert len(locators) == 1
    for text in (demo.err, (demo.folder / "report.html").read_text(encoding="utf-8")):
        assert locators[0].split()[1] not in text
        assert "album/" not in text


def test_the_same_audit_again_reads_nothing(demo: Demo) -> None:
    assert "nothing was read again" in demo.out


def test_lines_are_short(demo: Demo) -> None:
    assert [line for line in demo.out.splitlines() if len(line) > MOST_COLUMNS] == []


def test_a_second_time_in_the_same_folder_is_refused(demo: Demo) -> None:
    before = sorted(path.name for path in demo.folder.rglob("*"))
    done = command("demo", str(demo.folder))
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "not empty" in done.stderr
    assert sorted(path.name for path in demo.folder.rglob("*")) == before


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "demo").write_text("mine")
    done = command("demo", str(tmp_path / "demo"))
    assert (done.returncode, (tmp_path / "demo").read_text()) == (2, "mine")


def test_without_photographs_it_says_so(
    tmp_path: Path, corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Left(Exception):
        """Gone after the first step."""

    class Silent:
        def __init__(self) -> None:
            self.said: list[str] = []

        def heading(self, text: str) -> None:
            pass

        def say(self, text: str) -> None:
            self.said.append(text)

        def show(self, *lines: str) -> None:
            pass

        def run(self, *arguments: str, live: bool = False, quiet: bool = False) -> Ran:
            raise Left

    stage = Silent()
    monkeypatch.setattr(tour, "write_corpus", lambda _: corpus)
    here = Path.cwd()
    with pytest.raises(Left):
        tour.tour(tmp_path / "demo", stage)
    assert Path.cwd() == here
    assert any("All pictures are drawn by code" in text for text in stage.said)


def test_without_photographs_the_twins_are_still_twins(written: Path, corpus: Corpus) -> None:
    assert corpus.photographs == 0
    table = pq.read_table(written / "pictures.parquet").column("image").to_pylist()
    first = bits((written / "loose" / "album" / "0000.jpg").read_bytes())
    assert np.count_nonzero(first != bits(table[3]["bytes"])) <= PDQ_THRESHOLD


def test_a_run_that_misses_is_called_a_bug(corpus: Corpus) -> None:
    planted = corpus.planted.by_signal()
    good = {
        "items": corpus.items,
        "screened": corpus.items - 1,
        "exact_only": 0,
        "skipped": 0,
        "failed": 1,
        "matches": {"total": sum(planted.values()), "by_signal": planted},
    }
    check(good, corpus)
    lost = good | {"screened": corpus.items - 2}
    with pytest.raises(DemoError, match="sum of outcomes 262, not 263"):
        check(lost, corpus)
    missed = good | {"matches": {"total": 27, "by_signal": planted | {"pdq": planted["pdq"] - 1}}}
    with pytest.raises(DemoError, match="bug to report: matches 27, not 28; matches by pdq 13"):
        check(missed, corpus)


def test_the_list_mixes_cases_types_and_fillers(corpus: Corpus) -> None:
    rows = list(csv.DictReader(io.StringIO(corpus.planted.to_csv())))
    assert rows[0].keys() == {"indicator", "type", "category"}
    assert {row["type"] for row in rows} == {signal.value for signal in SignalType}
    assert {row["category"] for row in rows} == {"demo-A", "demo-B"}
    values = [row["indicator"] for row in rows if row["type"] != "url"]
    assert any(value != value.lower() for value in values)
    assert any(value != value.upper() for value in values)
    assert len(set(values)) == len(values) > 300 + len(corpus.planted.entries)


def test_a_picture_follows_from_its_number() -> None:
    for number in range(4):
        first, again = (pictures.drawn(number, 200, 150) for _ in range(2))
        assert first.shape == (150, 200, 3)
        assert np.array_equal(first, again)
    assert not np.array_equal(pictures.drawn(0, 200, 150), pictures.drawn(2, 200, 150))


def bits(data: bytes) -> np.ndarray[Any, np.dtype[np.uint8]]:
    signals = hash_bytes(data)
    assert signals.pdq is not None
    return np.unpackbits(np.frombuffer(signals.pdq, np.uint8))


def test_drawn_pictures_are_far_from_each_other() -> None:
    codes = [bits(pictures.encode(pictures.drawn(n, 240, 180), "PNG")) for n in range(40)]
    for k, code in enumerate(codes):
        for other in codes[:k]:
            assert np.count_nonzero(code != other) > 2 * PDQ_THRESHOLD


@pytest.mark.parametrize("how", pictures.ALTERATIONS)
def test_alterations_stay_within_the_threshold(how: str) -> None:
    for number in range(12):
        pixels = pictures.drawn(number, 360, 270)
        stored = pictures.encode(pixels, "PNG")
        assert (hash_bytes(stored).pdq_quality or 0) >= PDQ_MIN_QUALITY
        altered = pictures.ALTERATIONS[how](pixels)
        assert altered != stored
        assert np.count_nonzero(bits(stored) != bits(altered)) <= PDQ_THRESHOLD


def test_a_gradient_is_too_plain_for_pdq() -> None:
    plain = pictures.encode(pictures.gradient(1, 320, 240), "PNG")
    assert (hash_bytes(plain).pdq_quality or 0) < PDQ_MIN_QUALITY


def test_photographs_show_no_people() -> None:
    names = {Path(name).stem for _, name in pictures._PHOTOGRAPHS}
    assert names == {"coffee", "chelsea", "rocket", "hubble_deep_field", "china", "flower"}


def test_padding_centres_on_white() -> None:
    square = pictures.padded(np.zeros((50, 100, 3), np.uint8), 64)
    assert square.shape == (64, 64, 3)
    assert Counter(square.reshape(-1).tolist()) == {0: 64 * 32 * 3, 255: 64 * 32 * 3}
    assert (square[16:48] == 0).all()


def test_a_long_command_can_be_typed_as_shown(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["audit", "x" * 70, "--run", "two words", "--workspace", "y" * 60]
    with pytest.raises(UsageError):
        Terminal().run(*words)
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= MOST_COLUMNS
    assert shlex.split(shown.replace("\\\n", "")) == ["$", "brightline", *words]
