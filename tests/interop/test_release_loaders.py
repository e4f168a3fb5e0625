"""What others read of a release: webdataset, Hugging Face's datasets, pyarrow."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.dataset
import pytest

from tests.corpora import md5_row
from tests.release.corpus import (
    Corpus,
    audited,
    picture,
    rows_of,
    write_hub_table,
    write_image_folder,
    write_webdataset,
)

pytestmark = [
    pytest.mark.interop,
    # warnings of other packages are their own
    pytest.mark.filterwarnings("ignore"),
]

_SHARDS = 3
_PER_SHARD = 40


@pytest.fixture(autouse=True)
def _left_open() -> Iterator[None]:
    """Files that other packages leave open are closed here, under this module's filter."""
    yield
    gc.collect()


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "HF_HUB_DISABLE_TELEMETRY"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))


def released(
    root: Path, write: Callable[[Path], None], matching: list[int]
) -> tuple[Corpus, Path, int]:
    """A corpus, its release with a tenth as cover, and how many samples stay."""
    folder = root / "corpus"
    folder.mkdir(parents=True)
    write(folder)
    corpus = audited(root, folder, [md5_row(picture(number)) for number in matching])
    dest, made = corpus.release("clean", cover=0.1)
    assert made["leaving"]["matched"] == len(matching)
    assert made["leaving"]["cover"] >= 10
    return corpus, dest, made["samples"]["kept"]


def loaded(kind: str, folder: Path, cache: Path) -> Any:
    import datasets

    return datasets.load_dataset(kind, data_dir=str(folder), split="train", cache_dir=str(cache))


def shards(folder: Path) -> None:
    for shard in range(_SHARDS):
        rows = [r for r in rows_of(1000 * shard, _PER_SHARD) if r["status"] == "success"]
        write_webdataset(folder, f"{shard:05}", rows)


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> tuple[Corpus, Path, int]:
    return released(tmp_path_factory.mktemp("web"), shards, [5, 1012])


def kept_of(dest: Path) -> set[str]:
    """The keys that the side tables still have, by pyarrow."""
    tables = [str(path) for path in sorted(dest.glob("*.parquet"))]
    data = pyarrow.dataset.dataset(tables, format="parquet").to_table()
    for path in dest.glob("*_stats.json"):
        rows = pyarrow.dataset.dataset(path.with_name(f"{path.name[:5]}.parquet")).count_rows()
        assert json.loads(path.read_bytes())["successes"] == rows
    return set(data.column("key").to_pylist())


def test_webdataset_reads_whole_samples(web: tuple[Corpus, Path, int]) -> None:
    import webdataset

    _, dest, kept = web
    urls = [str(path) for path in sorted(dest.glob("*.tar"))]
    samples = list(webdataset.WebDataset(urls, shardshuffle=False))
    assert len(samples) == kept
    assert {s["__key__"] for s in samples} == kept_of(dest)
    for sample in samples:
        number = int(sample["__key__"])
        assert sample["png"] == picture(number)
        assert sample["txt"] == f"caption {number}".encode()
        assert number not in (5, 1012)


@pytest.mark.usefixtures("offline")
def test_datasets_reads_the_shards(web: tuple[Corpus, Path, int], tmp_path: Path) -> None:
    import datasets

    _, dest, kept = web
    files = [str(path) for path in sorted(dest.glob("*.tar"))]
    found = datasets.load_dataset(
        "webdataset", data_files={"train": files}, split="train", cache_dir=str(tmp_path)
    )
    assert len(found) == kept
    assert set(found["__key__"]) == kept_of(dest)
    assert found[0]["png"].size == (48, 40)


@pytest.mark.usefixtures("offline")
def test_datasets_reads_the_hubs_table(tmp_path: Path) -> None:
    _, dest, kept = released(
        tmp_path, lambda folder: write_hub_table(folder / "train.parquet", range(120)), [7]
    )
    found = loaded("parquet", dest, tmp_path / "cache")
    assert len(found) == kept
    assert found[0]["image"].size == (48, 40)
    labels = found["label"]
    assert 7 not in labels and list(labels) == sorted(labels)
    again = pyarrow.dataset.dataset(dest / "train.parquet").to_table()
    assert [row["bytes"] for row in again.column("image").to_pylist()] == [
        picture(n) for n in labels
    ]
    assert b"huggingface" in again.schema.metadata


@pytest.mark.usefixtures("offline")
def test_datasets_reads_the_image_folder(tmp_path: Path) -> None:
    _, dest, kept = released(
        tmp_path, lambda folder: write_image_folder(folder / "train", range(120)), [9]
    )
    found = loaded("imagefolder", dest, tmp_path / "cache")
    # the table of metadata is a file of its own
    assert len(found) == kept - 1
    assert all(row["image"].size == (48, 40) and row["text"] for row in found)
    assert "number, 9" not in found["text"]
