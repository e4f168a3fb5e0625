"""Datasets as img2dataset 1.47.0 writes them: every planted item found, every count reconciled."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import brightline
from tests.fuzz.commands import Desk, Done, assert_accounted
from tests.interop.img2dataset_corpus import (
    IMG2DATASET,
    Dataset,
    answers,
    make,
    originals,
    serving,
)

pytestmark = pytest.mark.interop

#: originals on the list by their own digest: only a hash column can know them
_BY_COLUMN = ("/00.jpg", "/07.png", "/23.webp")
#: originals on the list by PDQ, 640 × 260 or 260 × 640: stored with a border more than half as
#: large as the picture
_BY_CROP = ("/03.jpg", "/04.png", "/15.jpg", "/22.png")
#: stored files on the list by MD5, one in each of three shards
_BY_BYTES = ("/05.webp", "/12.jpg", "/20.webp")
_FORMS = {"webdataset": "sha256", "files": "sha256", "parquet": "sha256", "md5": "md5"}


@dataclass(frozen=True, slots=True)
class Audit:
    """One dataset, the audit of it, and its findings."""

    dataset: Dataset
    desk: Desk
    done: Done

    @property
    def summary(self) -> dict[str, Any]:
        """What `audit --json` printed."""
        found: dict[str, Any] = self.done.document
        return found

    @property
    def found(self) -> Counter[tuple[str, str, str]]:
        """Findings as (signal, via, item without its extension and folder)."""
        return Counter(
            (f["signal"], f["via"], _key(f["item"]))
            for f in self.desk.findings(self.summary["run"])
        )


def _key(item: str) -> str:
    return item.rpartition("/")[2].partition(".")[0]


class Bench:
    """The datasets, and audits of them with the same list."""

    def __init__(self, home: Path) -> None:
        if not IMG2DATASET.exists():
            pytest.fail(f"{IMG2DATASET} is missing; run `make test-interop`, which installs it")
        found = answers()
        self.home = home
        self.datasets = {}
        with serving(found) as address:
            for name, digest in _FORMS.items():
                form = "webdataset" if name == "md5" else name
                self.datasets[name] = make(
                    home, name, address, list(found), form=form, digest=digest
                )
        rows = [
            row
            for path in sorted(self.datasets["webdataset"].folder.glob("*.parquet"))
            for row in pq.read_table(path, columns=["url", "key", "status"]).to_pylist()
        ]
        #: the key of each path on the server
        self.keys = {row["url"].removeprefix(address): row["key"] for row in rows}
        self.stored = self._members()

    def _members(self) -> dict[str, bytes]:
        stored = {}
        for path in sorted(self.datasets["webdataset"].folder.glob("*.tar")):
            with tarfile.open(path) as archive:
                for info in archive:
                    member = archive.extractfile(info)
                    if info.name.endswith(".jpg") and member is not None:
                        stored[info.name.removesuffix(".jpg")] = member.read()
        return stored

    def _lines(self, digest: str) -> list[str]:
        whole = originals()
        lines = [f"{hashlib.new(digest, whole[path]).hexdigest()},{digest}" for path in _BY_COLUMN]
        for path in _BY_CROP:
            pdq = brightline.hash_bytes(whole[path]).pdq
            assert pdq is not None
            lines.append(f"{pdq.hex()},pdq")
        stored = [self.stored[self.keys[path]] for path in _BY_BYTES]
        return lines + [f"{hashlib.md5(data).hexdigest()},md5" for data in stored]

    def audit(self, dataset: Dataset, digest: str = "sha256") -> Audit:
        """Audit a dataset with a workspace of its own."""
        number = len(list(self.home.glob("desk-*")))
        desk = Desk.made(self.home / f"desk-{number}")
        desk.import_list("hotline", self._lines(digest))
        done = desk.expect(
            1, "audit", dataset.folder, "--list", "hotline", "--workers", "2", "--json"
        )
        assert_accounted(done.document)
        return Audit(dataset, desk, done)

    def rows(self) -> dict[str, str]:
        """What each key's row is called in the Parquet output, in whose order they came in."""
        return {
            key: f"row {row}"
            for path in self.datasets["parquet"].folder.glob("*.parquet")
            for row, key in enumerate(pq.read_table(path, columns=["key"])["key"].to_pylist())
        }

    def planted(
        self, digest: str, rows: dict[str, str] | None = None
    ) -> Counter[tuple[str, str, str]]:
        """What must be found; `rows` where items are called by their row."""

        def name(path: str) -> str:
            return self.keys[path] if rows is None else rows[self.keys[path]]

        return Counter(
            [(digest, "hash column", name(path)) for path in _BY_COLUMN]
            + [("pdq", "unpadded crop", name(path)) for path in _BY_CROP]
            + [("md5", "stored bytes", name(path)) for path in _BY_BYTES]
        )


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("img2dataset"))


@pytest.fixture(scope="module")
def webdataset(bench: Bench) -> Audit:
    return bench.audit(bench.datasets["webdataset"])


def test_dataset_is_as_meant(bench: Bench) -> None:
    for dataset in bench.datasets.values():
        assert len(dataset.stats) == 4
        assert dataset.total("count") == len(answers())
        assert dataset.total("successes") == len(originals())
        assert dataset.total("failed_to_download") == 2
        assert dataset.total("failed_to_resize") == 2


def test_webdataset_finds_what_is_planted(bench: Bench, webdataset: Audit) -> None:
    assert webdataset.found == bench.planted("sha256")


def test_only_the_crop_is_near(bench: Bench) -> None:
    whole = originals()
    for path in _BY_CROP:
        original = brightline.hash_bytes(whole[path]).pdq
        padded = brightline.hash_bytes(bench.stored[bench.keys[path]]).pdq
        assert original is not None
        assert padded is not None
        assert (int.from_bytes(original) ^ int.from_bytes(padded)).bit_count() > 60


def test_md5_column(bench: Bench) -> None:
    audit = bench.audit(bench.datasets["md5"], "md5")
    assert audit.found == bench.planted("md5")


def test_files_finds_what_is_planted(bench: Bench) -> None:
    audit = bench.audit(bench.datasets["files"])
    found = audit.found
    # the tables beside the folders are screened too: their hash columns match once more
    rows = {key: count for key, count in found.items() if key[2].startswith("row ")}
    assert found - Counter(rows) == bench.planted("sha256")
    assert sum(rows.values()) == len(_BY_COLUMN)
    assert {(signal, via) for signal, via, _ in rows} == {("sha256", "hash column")}
    assert audit.summary["screened"] == audit.dataset.total("successes")


def test_parquet_finds_what_is_planted(bench: Bench) -> None:
    audit = bench.audit(bench.datasets["parquet"])
    assert audit.found == bench.planted("sha256", bench.rows())
    successes = audit.dataset.total("successes")
    assert audit.summary["screened"] == successes
    assert audit.summary["reasons"]["not_stored"] == audit.dataset.total("count") - successes


def test_webdataset_counts_agree_with_its_statistics(webdataset: Audit) -> None:
    dataset, summary = webdataset.dataset, webdataset.summary
    count, successes = dataset.total("count"), dataset.total("successes")
    assert summary["screened"] == successes
    assert summary["reasons"]["not_stored"] == count - successes
    assert summary["failed"] == 0
    # each picture has a JSON file and, as there is a caption, a text
    assert summary["reasons"]["not_an_image"] == 2 * successes
    assert summary["items"] == 3 * successes + (count - successes)
    assert summary["reconciliation"] == {
        "shards": 4,
        "agree": 4,
        "differ": 0,
        "rows": count,
        "successes": successes,
        "failed_to_download": 2,
        "failed_to_resize": 2,
        "other_status": 0,
        "stats_files": 4,
        "stats_count": count,
        "stats_successes": successes,
        "stats_failed_to_download": 2,
        "stats_failed_to_resize": 2,
        "images": successes,
        "missing": 0,
        "unlisted": 0,
        "revived": 0,
    }


def _copy(bench: Bench, name: str) -> Dataset:
    folder = bench.home / name
    shutil.copytree(bench.datasets["webdataset"].folder, folder)
    return Dataset(folder)


def _without(tar: Path, name: str) -> None:
    """Write a tar again without one member."""
    out = io.BytesIO()
    with tarfile.open(tar) as old, tarfile.open(fileobj=out, mode="w") as new:
        for info in old:
            if info.name != name:
                new.addfile(info, old.extractfile(info))
    tar.write_bytes(out.getvalue())


def test_a_member_that_was_removed_is_missed(bench: Bench) -> None:
    dataset = _copy(bench, "removed")
    key = bench.keys["/00.jpg"]
    _without(dataset.folder / f"{key[:5]}.tar", f"{key}.jpg")
    audit = bench.audit(dataset)
    assert audit.summary["reasons"]["missing_member"] == 1
    reconciled = audit.summary["reconciliation"]
    assert (reconciled["missing"], reconciled["differ"], reconciled["agree"]) == (1, 1, 3)
    # its original is still known, both by its JSON and by the table
    gone = ("sha256", "hash column", f"key {key}")
    assert audit.found == bench.planted("sha256") + Counter([gone])


def test_statistics_that_were_edited_differ(bench: Bench) -> None:
    dataset = _copy(bench, "edited")
    path = dataset.folder / "00001_stats.json"
    stats = json.loads(path.read_bytes())
    stats["successes"] += 1
    path.write_text(json.dumps(stats), "ascii")
    reconciled = bench.audit(dataset).summary["reconciliation"]
    assert (reconciled["differ"], reconciled["agree"], reconciled["missing"]) == (1, 3, 0)
    assert reconciled["stats_successes"] == reconciled["successes"] + 1


def test_a_picture_that_no_row_names_differs(bench: Bench) -> None:
    dataset = _copy(bench, "added")
    path = dataset.folder / "00002.tar"
    with tarfile.open(path, "a") as archive:
        data = originals()["/00.jpg"]
        info = tarfile.TarInfo("000029999.jpg")
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    audit = bench.audit(dataset)
    reconciled = audit.summary["reconciliation"]
    assert (reconciled["unlisted"], reconciled["differ"]) == (1, 1)
    # it is the original itself this time
    assert audit.found == bench.planted("sha256") + Counter(
        [("sha256", "stored bytes", "000029999")]
    )
