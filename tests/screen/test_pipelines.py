"""Each list is compared with hashes made the way that the list was made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

import brightline
from brightline.screen.archive import SCHEMA, Archive
from brightline.screen.task import SIGNALS
from brightline.signals.perceive import screen_bytes
from brightline.signals.pipelines import FAMILIES
from brightline.signals.url import url_digest
from brightline.types import Match, Outcome, Pipeline
from tests.harness import Place, make_place
from tests.pictures import encode, photo
from tests.signals.test_pdq import distance

UNKNOWN = Pipeline.UNKNOWN
LISTS = [*FAMILIES, UNKNOWN]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return make_place(tmp_path)


def grain(seed: int) -> bytes:
    """A picture so grainy that the pipelines' hashes of it have little in common."""
    rng = np.random.default_rng(seed)
    return encode(rng.integers(0, 256, (1100, 900), dtype=np.uint8), "PNG")


GRAIN = grain(1)
SMALL = encode(photo(2, 500, 400), "PNG")


def outcome(data: bytes) -> Outcome:
    return screen_bytes(data)


def code(data: bytes, family: Pipeline) -> bytes:
    signals = outcome(data).signals
    assert signals is not None
    return next(v.hash for v in signals.views if v.pipeline == family)


def hotline(place: Place, made_by: Pipeline, says: Pipeline, data: bytes = GRAIN) -> str:
    return place.add_list("hotline", [f"{code(data, made_by).hex()},pdq,A1"], pipeline=says)


def screened(place: Place, data: bytes) -> tuple[Match, ...]:
    opened = brightline.open_list("hotline", workspace=place.root)
    return brightline.Screener([opened]).screen(data).matches


def test_the_pictures_are_what_the_tests_need() -> None:
    codes = [code(GRAIN, family) for family in FAMILIES]
    assert min(distance(a, b) for a in codes for b in codes if a != b) > 31
    signals = outcome(GRAIN).signals
    assert signals is not None
    assert all(view.quality >= 50 for view in signals.views)


@pytest.mark.parametrize("says", LISTS)
@pytest.mark.parametrize("made_by", FAMILIES)
def test_a_list_is_compared_with_its_own_pipeline(
    place: Place, made_by: Pipeline, says: Pipeline
) -> None:
    hotline(place, made_by, says)
    matches = screened(place, GRAIN)
    if says in (made_by, UNKNOWN):
        assert [(m.distance, m.pipeline, m.via) for m in matches] == [
            (0, str(made_by), "stored bytes")
        ]
    else:
        assert matches == ()


@pytest.mark.parametrize("says", LISTS)
def test_what_no_pipeline_resizes_is_compared_with_every_list(place: Place, says: Pipeline) -> None:
    hotline(place, Pipeline.FULL, says, SMALL)
    assert [(m.distance, m.pipeline) for m in screened(place, SMALL)] == [(0, "full")]


def test_digests_have_no_pipeline(place: Place) -> None:
    signals = outcome(SMALL).signals
    assert signals is not None
    place.add_list("hotline", [f"{signals.md5.hex()},md5,A1"], pipeline=Pipeline.NEAREST_512)
    assert [m.pipeline for m in screened(place, SMALL)] == [None]


def test_an_audit_finds_by_pipeline_and_archives_all_of_them(place: Place, tmp_path: Path) -> None:
    hotline(place, Pipeline.NEAREST_512, Pipeline.NEAREST_512)
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "a.png").write_bytes(GRAIN)
    (corpus / "b.png").write_bytes(SMALL)
    place.run("audit", corpus, "--list", "hotline", "--run", "r", "--workers", 1, status=1)
    [finding] = place.findings("r")
    assert (finding["item"], finding["pipeline"]) == ("a.png", "nearest-512")
    rows = archived(place)
    assert rows["a.png"]["pdq"] == code(GRAIN, Pipeline.FULL)
    assert [(v["pipeline"], v["pdq"]) for v in rows["a.png"]["views"]] == [
        (str(family), code(GRAIN, family)) for family in FAMILIES[1:]
    ]
    assert rows["b.png"]["views"] == []


def archived(place: Place) -> dict[str, dict[str, Any]]:
    files = (place.root / "runs" / "r" / "shards").glob(f"*/{SIGNALS}")
    return {row["item"]: row for file in files for row in pq.read_table(file).to_pylist()}


def test_the_archive_reads_back_as_it_was_probed(tmp_path: Path) -> None:
    """Every hash of every item, in the order in which an audit compares them."""
    exif = brightline_exif()
    datas = [encode(photo(k, 530, 400), "JPEG", exif=exif) for k in range(3)] + [SMALL, b"text"]
    outcomes = [screen_bytes(data, orientations=k % 2 == 0) for k, data in enumerate(datas)]
    with Archive(tmp_path / SIGNALS) as archive:
        for k, (data, each) in enumerate(zip(datas, outcomes, strict=True)):
            archive.add(f"item {k}", each, len(data), ())
    file = pq.ParquetFile(tmp_path / SIGNALS)
    table = file.read()
    assert table.schema.equals(SCHEMA)
    for row, each in zip(table.to_pylist(), outcomes, strict=True):
        signals = each.signals
        assert signals is not None
        probed = []
        for view in signals.views:
            where = view.via, view.quality, view.pipeline
            probed.append(("as stored", view.hash, *where))
            probed += [(turn, turned, *where) for turn, turned in view.turned]
        stored = [
            (v["orientation"], v["pdq"], v["via"], v["quality"], v["pipeline"])
            for v in row["views"]
        ]
        if probed:
            first = ("as stored", row["pdq"], "stored bytes", row["pdq_quality"])
            stored.insert(0, (*first, row["pdq_pipeline"]))
        assert stored == probed
    chunks = [
        file.metadata.row_group(0).column(k) for k in range(file.metadata.row_group(0).num_columns)
    ]
    hashes = [c for c in chunks if c.path_in_schema.rpartition(".")[2] in ("pdq", "md5", "sha1")]
    assert len(hashes) == 6
    for chunk in hashes:
        assert chunk.compression == "UNCOMPRESSED"
        assert "PLAIN" in chunk.encodings and "RLE_DICTIONARY" not in chunk.encodings


def brightline_exif() -> bytes:
    from PIL import Image

    tags = Image.Exif()
    tags[0x0112] = 3
    return tags.tobytes()


def test_hash_prints_the_full_pipeline_and_others_when_asked(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "grain.png"
    file.write_bytes(GRAIN)
    [plain] = place.json("hash", file, status=0)
    assert (plain["pdq"], plain["pdq_pipeline"]) == (code(GRAIN, Pipeline.FULL).hex(), "full")
    assert "pipelines" not in plain
    [asked] = place.json("hash", "--pipelines", file, status=0)
    assert {p["pipeline"]: p["pdq"] for p in asked["pipelines"]} == {
        str(family): code(GRAIN, family).hex() for family in FAMILIES
    }
    assert len(brightline.hash_bytes(GRAIN).views) == 1


def test_addresses_match_whatever_their_spelling(place: Place, tmp_path: Path) -> None:
    normal = url_digest("https://e.org/pictures/7?id=1")
    assert normal is not None
    place.add_list(
        "hotline",
        ["HTTP://E.org:80/pictures/7/?utm_source=x&id=1,url,A1", f"{'0' * 64},url_sha256,"],
    )
    corpus = tmp_path / "rows.csv"
    lines = ["http://e.org/pictures/8", "https://user@e.org./pictures/7?id=1&fbclid=2#top", "none"]
    corpus.write_text("url\n" + "".join(f"{line}\n" for line in lines))
    place.run("audit", corpus, "--list", "hotline", "--run", "r", "--workers", 1, status=1)
    [finding] = place.findings("r")
    assert (finding["signal"], finding["via"]) == ("url", "url column")
    assert [row["declared"][0]["url"] for row in archived(place).values()][1] == normal
    told = json.dumps(place.json("run", "show", "r"))
    assert "e.org" not in told and normal.hex() not in told
