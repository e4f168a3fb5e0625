"""Decoders that crash, hang, eat memory, raise or exit: each costs its own item and no other.

Inputs that do this to current libraries are rare, so the faults are planted in the environment:
a `sitecustomize` module wraps the JPEG decoder in every process of the audit.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import brightline
from tests.fuzz.commands import Desk, assert_accounted, command
from tests.pictures import drawn, encode

_FAULTS = '''
"""Faults in the JPEG decoder, by a marker in the picture's bytes."""

import importlib.abc
import importlib.machinery
import os
import signal
import sys
import time


def _crash():
    os.kill(os.getpid(), signal.SIGSEGV)


def _hang():
    time.sleep(3600)


def _eat():
    eaten = bytearray()
    while True:
        eaten += bytes(64 << 20)


def _fail():
    raise RuntimeError("a message that quotes the picture's name: secret.jpg")


FAULTS = {
    b"FAULT:crash": _crash,
    b"FAULT:hang": _hang,
    b"FAULT:eat": _eat,
    b"FAULT:fail": _fail,
    b"FAULT:exit": lambda: sys.exit(0),
}


class Loader(importlib.abc.Loader):
    def __init__(self, real):
        self._real = real

    def create_module(self, spec):
        return self._real.create_module(spec)

    def exec_module(self, module):
        self._real.exec_module(module)
        decode = module.decode_jpeg

        def faulty(data, *args, **options):
            for marker, fault in FAULTS.items():
                if bytes(data).endswith(marker):
                    fault()
            return decode(data, *args, **options)

        module.decode_jpeg = faulty


class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name != "simplejpeg":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        spec.loader = Loader(spec.loader)
        return spec


sys.meta_path.insert(0, Finder())
'''

_AUDIT = """
import json
import sys

import brightline
from brightline.types import Limits

if __name__ == "__main__":
    workspace, workers, *sources = sys.argv[1:]
    limits = Limits(item_seconds=4.0, worker_bytes=256 << 20)
    summary = brightline.audit(
        sources, ["hotline"], workspace, workers=int(workers), limits=limits
    )
    print(json.dumps(summary.document))
    sys.exit(summary.exit_status)
"""

#: what becomes of an item with each fault
_CODES = {
    "crash": "decoder_crashed",
    "hang": "decoder_timeout",
    "eat": "decoder_memory",
    "fail": "undecodable",
    "exit": "decoder_crashed",
}
#: the faulty items of each shard by their place among its 40 good ones; two are neighbours
_PLACES = {
    "first.tar": {0: "crash", 11: "fail", 12: "eat", 40: "hang"},
    "second.tar": {0: "eat", 20: "exit"},
    "folder": {0: "exit", 8: "fail", 40: "crash"},
}
_GOOD = 40
_BOUND_SECONDS = 150.0


@dataclass(frozen=True, slots=True)
class Item:
    """A picture of the corpus; `fault` says how decoding it goes wrong."""

    where: str
    name: str
    data: bytes
    fault: str | None


def _items() -> list[Item]:
    items = []
    for base, (where, faults) in enumerate(_PLACES.items()):
        number = 0
        for place in range(_GOOD + 1):
            if place in faults:
                bad = encode(drawn(9000 + 100 * base + place, 120, 90)) + b"FAULT:"
                data = bad + faults[place].encode()
                items.append(Item(where, f"{place:02d}-0-bad.jpg", data, faults[place]))
            if place < _GOOD:
                data = encode(drawn(100 * base + number, 120, 90))
                items.append(Item(where, f"{place:02d}-1-good.jpg", data, None))
                number += 1
    return items


@dataclass(frozen=True, slots=True)
class Result:
    """What one audit said, without what differs from run to run."""

    summary: dict[str, Any]
    codes: dict[tuple[str, str], str]
    findings: list[tuple[str, str, str, int]]
    seconds: float
    err: str


class Bench:
    """The corpus, a list with some of its items, and audits of it."""

    def __init__(self, home: Path) -> None:
        faults = home / "faults"
        faults.mkdir(parents=True)
        (faults / "sitecustomize.py").write_text(_FAULTS, "utf-8")
        self._driver = home / "driver.py"
        self._driver.write_text(_AUDIT, "utf-8")
        self.desk = Desk.made(home / "desk")
        self._path = str(faults)
        self.items = _items()
        self.corpus = home / "corpus"
        (self.corpus / "folder").mkdir(parents=True)
        for name in ("first.tar", "second.tar"):
            with tarfile.open(self.corpus / name, "w") as archive:
                for item in self.items:
                    if item.where == name:
                        info = tarfile.TarInfo(item.name)
                        info.size = len(item.data)
                        archive.addfile(info, io.BytesIO(item.data))
        for item in self.items:
            if item.where == "folder":
                (self.corpus / "folder" / item.name).write_bytes(item.data)
        self.planted = self._plant()

    def _plant(self) -> set[tuple[str, str, str]]:
        """Put items on the list; returns (where, name, signal) of what is to be found."""
        good = [item for item in self.items if item.fault is None]
        lines, planted = [], set()
        for item in good[::13]:
            lines.append(f"{hashlib.md5(item.data).hexdigest()},md5")
            planted.add((item.where, item.name, "md5"))
        for item in good[5::17]:
            pdq = brightline.hash_bytes(item.data).pdq
            assert pdq is not None
            lines.append(f"{pdq.hex()},pdq")
            planted.add((item.where, item.name, "pdq"))
        for item in self.items:
            if item.fault is not None:
                lines.append(f"{hashlib.sha256(item.data).hexdigest()},sha256")
                planted.add((item.where, item.name, "sha256"))
        # distances under 31 between drawn pictures would add matches: only the same one counts
        self.desk.import_list("hotline", lines, "--pdq-threshold", "0")
        return planted

    def audit(self, workers: int) -> Result:
        """Audit the corpus in a process of its own."""
        runs = self.desk.workspace / "runs"
        before = {path.name for path in runs.iterdir()}
        done = command(
            [sys.executable, self._driver, self.desk.workspace, str(workers), self.corpus],
            cwd=self.desk.cwd,
            environment={**self.desk.environment, "PYTHONPATH": self._pythonpath()},
        )
        assert done.status == 1 and "Traceback" not in done.err, done.err
        summary = json.loads(done.out)
        assert summary["run"] not in before
        codes = {}
        for shard, rows in self.desk.shards(summary["run"]):
            for row in rows:
                where, name = _place(shard.name, row["item"])
                assert (where, name) not in codes
                codes[where, name] = row["reason"] or row["outcome"]
        found = sorted(
            (*_place(each["shard"], each["item"]), each["signal"], each["distance"])
            for each in self.desk.findings(summary["run"])
        )
        return Result(summary, codes, found, done.seconds, done.err)

    def _pythonpath(self) -> str:
        rest = os.environ.get("PYTHONPATH")
        return f"{self._path}{os.pathsep}{rest}" if rest else self._path


def _place(shard: str, item: str) -> tuple[str, str]:
    """Which tar or folder, and the name in it."""
    folder, slash, name = item.rpartition("/")
    return (folder, name) if slash else (shard, name)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("containment"))


@pytest.fixture(scope="module")
def one(bench: Bench) -> Result:
    return bench.audit(1)


@pytest.fixture(scope="module")
def two(bench: Bench) -> Result:
    return bench.audit(2)


@pytest.mark.parametrize("workers", ["one", pytest.param("two", marks=pytest.mark.long)])
def test_exactly_the_faulty_items_fail(
    workers: str, bench: Bench, request: pytest.FixtureRequest
) -> None:
    result: Result = request.getfixturevalue(workers)
    expected = {
        (item.where, item.name): "screened" if item.fault is None else _CODES[item.fault]
        for item in bench.items
    }
    assert result.codes == expected
    assert_accounted(result.summary)
    assert result.summary["screened"] == 3 * _GOOD
    assert result.summary["failed"] == sum(len(faults) for faults in _PLACES.values())
    assert result.seconds < _BOUND_SECONDS
    assert "Traceback" not in result.err
    assert ".jpg" not in result.err


@pytest.mark.parametrize("workers", ["one", pytest.param("two", marks=pytest.mark.long)])
def test_matches_are_found_and_digests_of_faulty_items_too(
    workers: str, bench: Bench, request: pytest.FixtureRequest
) -> None:
    result: Result = request.getfixturevalue(workers)
    assert {found[:3] for found in result.findings} == bench.planted
    assert result.summary["matches"]["total"] == len(bench.planted)


@pytest.mark.long
def test_the_number_of_workers_changes_nothing(one: Result, two: Result) -> None:
    assert one.findings == two.findings
    assert one.codes == two.codes
    ignored = ("run", "started", "finished", "elapsed_s", "throughput", "workers")
    same = [{k: v for k, v in r.summary.items() if k not in ignored} for r in (one, two)]
    assert same[0] == same[1]
