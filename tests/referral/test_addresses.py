"""Declared addresses in a report: those that were screened, read again, and no others."""

from __future__ import annotations

import csv
import gzip
import io
import os
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import brightline
from brightline.errors import SourceChangedError
from brightline.findings import load_identity
from brightline.referral import addresses
from brightline.referral.casefile import CaseItem
from brightline.referral.documents import file_details_xml, report_xml
from brightline.referral.draft import draft
from brightline.referral.reporter import Person, Reporter
from brightline.screen.parameters import Parameters
from brightline.signals.url import url_digest
from brightline.sources import discover
from brightline.types import Limits
from tests.corpora import write_tar
from tests.harness import Place, make_place
from tests.referral.cases import random_case

WHO = Reporter("Example", Person(email=("a@example.org",)))


def md5(k: int) -> str:
    return f"{k:032x}"


def address(k: int) -> str:
    """As a dataset writes it, not in its normal spelling."""
    return f"HTTP://Example.org/{k}.jpg?utm_source=x#here"


def table(rows: range, *, newline: bool = False) -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter="\t")
    writer.writerow(["MD5", "url", "image_url", "text"])
    for k in rows:
        text = "two\nlines" if newline else "x"
        writer.writerow([md5(k), address(k), f"https://other.example/{k}", text])
    return out.getvalue()


def make_tables(corpus: Path) -> None:
    """A table of each kind."""
    corpus.mkdir()
    columns = {"url": [address(k) for k in range(50)], "md5": [md5(k) for k in range(50)]}
    pq.write_table(pa.table(columns), corpus / "a.parquet", row_group_size=7)
    raw = [bytes.fromhex(md5(k)) for k in range(100, 110)]
    doubled = pa.table([raw, [address(k) for k in range(100, 110)]] * 2,
                       names=["md5", "url", "md5_hash", "url"])  # fmt: skip
    pq.write_table(doubled, corpus / "b.parquet")
    (corpus / "c.csv").write_bytes(table(range(200, 260), newline=True).encode("utf-16"))
    (corpus / "d.tsv.gz").write_bytes(gzip.compress(table(range(300, 310)).encode()))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, str]:
    """A run with a match in each kind of table, and beside a picture."""
    folder = tmp_path_factory.mktemp("tables")
    place = make_place(folder)
    corpus = folder / "corpus"
    make_tables(corpus)
    with zipfile.ZipFile(corpus / "e.zip", "w") as archive:
        archive.writestr("in/e.tsv", table(range(400, 410)))
    beside = b'{"url": "%s", "key": "0"}' % address(500).encode()
    write_tar(corpus / "f.tar", {"0.jpg": b"no picture", "0.json": beside})
    side = {"key": ["0"], "url": [address(500)], "status": ["success"]}
    pq.write_table(pa.table(side), corpus / "f.parquet")
    known = [f"{md5(k)},md5,A1" for k in (5, 48, 103, 201, 259, 300, 409)]
    place.add_list("hotline", [*known, f"{address(500)},url,A1", f"{address(20)},url,A1"])
    summary = brightline.audit([corpus], ["hotline"], place.root, workers=1)
    return place, summary.run


def drafted(place: Place, run: str, **more: Any) -> tuple[CaseItem, ...]:
    identity = load_identity(place.key)
    made = draft(place.workspace, run, identity, "a test", WHO, again="shared", **more)
    case = made.case(identity)
    document = report_xml(case, {}).decode()
    for item in case.items:
        details = file_details_xml(item, None, "1", "f").decode()
        for url in item.urls:
            assert f"<url>{url}</url>" in document
        assert ("locationOfFile" in details) == bool(item.urls)
        assert ("no longer there" in details) == (not item.urls)
    return case.items


@pytest.mark.long
def test_rows_have_their_addresses_and_sources_are_read_when_asked_for(
    place: tuple[Place, str],
) -> None:
    items = drafted(*place)
    rows = {(i.shard, i.item): i.urls for i in items}
    assert len(items) == len(rows) == 9, sorted(rows)
    assert rows["a.parquet", "row 5"] == (address(5),)
    assert rows["a.parquet", "row 20"] == (address(20),)
    assert rows["a.parquet", "row 48"] == (address(48),)
    assert rows["b.parquet", "row 3"] == (address(103),)
    for shard, row, k in (("c.csv", 1, 201), ("c.csv", 59, 259), ("d.tsv.gz", 0, 300)):
        assert rows[shard, f"row {row}"] == (address(k), f"https://other.example/{k}")
    assert addresses.unaddressed(items) == 2
    every = drafted(*place, read_sources=True)
    assert addresses.unaddressed(every) == 0
    found = {url for item in every for url in item.urls}
    assert {address(409), address(500)} <= found


@pytest.mark.long
def test_a_table_that_changed_gives_no_address(place: tuple[Place, str]) -> None:
    path = place[0].root.parent / "corpus" / "a.parquet"
    stamp = path.stat()
    # the same size and time, other addresses: each is compared with what was screened
    columns = {"url": [address(k + 1) for k in range(50)], "md5": [md5(k) for k in range(50)]}
    whole = path.read_bytes()
    pq.write_table(pa.table(columns), path, row_group_size=7)
    changed = path.read_bytes()
    path.write_bytes(changed[: stamp.st_size].ljust(stamp.st_size, b"\0"))
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    try:
        items = drafted(*place)
        assert {i.urls for i in items if i.shard == "a.parquet"} == {()}
        path.write_bytes(whole)
        assert {i.urls for i in drafted(*place) if i.shard == "a.parquet"} == {()}
    finally:
        path.write_bytes(whole)
        os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    zipped = path.with_name("e.zip")
    before = zipped.stat()
    os.utime(zipped, ns=(0, 0))
    try:
        with pytest.raises(SourceChangedError):
            drafted(*place, read_sources=True)
    finally:
        os.utime(zipped, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("change", ["none", "touched", "other", "gone"])
def test_each_address_is_compared_with_what_was_screened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    corpus = tmp_path / "corpus"
    make_tables(corpus)
    shards = {
        (shard.source, shard.name): (n, shard)
        for n, shard in enumerate(discover([corpus], Limits()))
    }
    parameters = Parameters((), (), Limits()).to_json()
    monkeypatch.setattr(addresses, "shard_places", lambda *_: shards)
    monkeypatch.setattr(addresses, "read_run", lambda _: {"parameters": parameters})
    monkeypatch.setattr(addresses, "run_folder", lambda *_: tmp_path)
    rows = [("a.parquet", 5, 5), ("a.parquet", 49, 49), ("b.parquet", 3, 103)]
    rows += [("c.csv", 1, 201), ("c.csv", 59, 259), ("d.tsv.gz", 0, 300)]
    base = random_case(1, 1).items[0]
    items = []
    for number, (shard, row, k) in enumerate(rows, 1):
        digest = url_digest(address(k + (change == "other")))
        assert digest is not None
        items.append(
            replace(
                base,
                number=number,
                source=str(corpus),
                shard=shard,
                item=f"row {row}",
                sha256=None,
                declared=({"url": digest.hex()},),
                urls=(),
            )
        )
    for path in corpus.iterdir():
        if change == "touched":
            os.utime(path, ns=(0, 0))
        elif change == "gone":
            path.unlink()
    workspace: Any = None
    found = addresses.with_addresses(workspace, "r", items, read_sources=False)
    wanted = [(address(k),) if change == "none" else () for _, _, k in rows]
    assert [item.urls for item in found] == wanted
    assert addresses.unaddressed(found) == (0 if change == "none" else len(rows))
