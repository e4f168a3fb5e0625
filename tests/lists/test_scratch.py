"""Importing in blocks: the same snapshot, byte for byte, and little in memory."""

from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest

from brightline.errors import ListError
from brightline.lists import collected, compiling, import_list, importing, open_list, scratch
from brightline.lists.collected import CODE, Collected
from brightline.lists.duplicates import finish
from brightline.lists.records import Record
from brightline.lists.scratch import IN_MEMORY, Scratch
from brightline.lists.sorting import in_order
from brightline.match import ExactIndex, HammingIndex
from brightline.types import SignalType
from tests.lists.helpers import value


def vics(path: Path, count: int) -> Path:
    """Media with doubles of values, of labels, of whole records; many share a PDQ hash."""
    media = []
    for n in range(count):
        one: dict[str, Any] = {
            "MediaID": n % (count - 12),
            "Category": n % 3,
            "MD5": value(SignalType.MD5, n % (count - 12)).hex(),
            "SHA1": value(SignalType.SHA1, n).hex(),
            "Tags": f"t{n % 4};é{n % 3}" if n % 3 else None,
            "PreCategorizationSource": f"unit {n % 2}",
        }
        if n % 2:
            pdq = value(SignalType.PDQ, n % 17).hex()
            one["AlternativeHashes"] = [{"HashName": "PDQ", "HashValue": pdq}]
        if n % 5 == 0:
            one["PhotoDNA"] = (value(SignalType.PDQ, n).hex() * 9)[:288]
        media.append(one)
    document = {"@odata.context": "http://example.org/vics/2.0/$metadata#Media", "value": media}
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch, "BLOCK_ROWS", 7)
    monkeypatch.setattr(scratch, "SMALL_BYTES", 0)
    monkeypatch.setattr(collected, "BLOCK_BYTES", 50)


def test_blocks_change_nothing(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    file = vics(tmp_path / "v.json", 120)
    whole, _ = import_list(tmp_path / "a", "x", file)
    request.getfixturevalue("small_blocks")
    parted, _ = import_list(tmp_path / "b", "x", file)
    assert (parted.digest, parted.files) == (whole.digest, whole.files)
    assert (parted.duplicates, parted.opaque) == (whole.duplicates, whole.opaque)
    assert whole.duplicates
    assert whole.opaque
    assert {"source.idx", "pdq.idx", "md5.idx", "opaque.parquet"} <= whole.files.keys()
    open_list(tmp_path / "b", "x").verify()


def test_blocks_change_nothing_without_records(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    lines = []
    for n in range(90):
        kind = (SignalType.MD5, SignalType.PDQ, SignalType.URL)[n % 3]
        name = "url-sha256" if kind is SignalType.URL else str(kind)
        lines.append(f"{value(kind, n % 42).hex()},{name},{'AB'[n % 2]},l{n % 7}")
    (tmp_path / "l.csv").write_text("\n".join(lines), encoding="utf-8")
    whole, _ = import_list(tmp_path / "a", "x", tmp_path / "l.csv")
    request.getfixturevalue("small_blocks")
    parted, _ = import_list(tmp_path / "b", "x", tmp_path / "l.csv")
    assert (parted.digest, parted.files) == (whole.digest, whole.files)
    assert parted.duplicates == whole.duplicates > 0


@pytest.mark.parametrize("alike", [0, 2, 9])
def test_indexes_are_those_of_one_block(tmp_path: Path, small_blocks: None, alike: int) -> None:
    """Also of values whose first bytes are all the same."""
    rng = np.random.default_rng(alike)
    work = Scratch(tmp_path)
    values = np.empty((0, 32), np.uint8)
    for width in (16, 20, 32):
        values = rng.integers(0, 256, (300, width), np.uint8)
        values[:, :alike] = 1
        values[40:80] = values[:40]
        ExactIndex.build(values).save(tmp_path / "one")
        compiling.exact_index(values, work).save(tmp_path / "two")
        assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    HammingIndex.build(values).save(tmp_path / "one")
    compiling.hamming_index(values, 31, work).save(tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_rows_alike_are_never_parted(small_blocks: None) -> None:
    words = np.repeat(np.arange(5, dtype=np.uint64) << np.uint64(60), [1, 20, 3, 9, 2])
    blocks = [rows.tolist() for rows, _ in in_order(lambda p: words[p], 35, Scratch())]
    assert [row for block in blocks for row in block] == list(range(35))
    assert [len(block) for block in blocks] == [21, 12, 2]


def test_little_of_a_list_is_in_memory(tmp_path: Path, small_blocks: None) -> None:
    with Scratch(tmp_path) as work:
        made = Collected(work)
        for n in range(100):
            signal = (SignalType.MD5, value(SignalType.MD5, n))
            made.add_record(Record((signal,), (("photodna", b"p" * 9),), "A", ("l",), "s", str(n)))
            assert len(made.types.head) <= 7
            assert len(made.records.source_ids.data.head) <= 7 * 2
            assert len(made.labels.text.head) <= 7
            assert len(made.opaque.values.data.head) <= 50 + 9
        entries, _ = finish(made)
        in_memory = Collected()
        for n in range(100):
            in_memory.add(CODE[SignalType.MD5], value(SignalType.MD5, n))
    assert entries.values[SignalType.MD5].tobytes() == in_memory.values[0].whole().tobytes()
    assert not list(tmp_path.iterdir())


def test_temporary_files_are_nameless_and_private(
    tmp_path: Path, small_blocks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    make = Scratch.file

    def watched(self: Scratch) -> IO[bytes]:
        file = make(self)
        status = os.fstat(file.fileno())
        seen.append(stat.S_IMODE(status.st_mode) | status.st_nlink)
        assert not list((tmp_path / "lists").glob(".tmp-*"))
        return file

    monkeypatch.setattr(Scratch, "file", watched)
    import_list(tmp_path / "lists", "x", vics(tmp_path / "v.json", 40))
    assert len(seen) > 20
    assert set(seen) == {0o600}


def test_a_full_disk_is_one_line_and_imports_nothing(
    tmp_path: Path, small_blocks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = vics(tmp_path / "v.json", 60)

    def no_room(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def full(self: Scratch) -> IO[bytes]:
        file = Path("/dev/full").open("r+b")  # noqa: SIM115 - closed with the others
        self._files.callback(scratch._close, file)
        return file

    for where, name, broken in ((os, "posix_fallocate", no_room), (Scratch, "file", full)):
        with monkeypatch.context() as patch:
            patch.setattr(where, name, broken)
            with pytest.raises(ListError, match="No space left on device; free some room") as seen:
                import_list(tmp_path / "lists", "x", file)
        assert "\n" not in str(seen.value)
        home = tmp_path / "lists" / "x"
        assert not home.exists() or not [p for p in home.iterdir() if p.name != ".lock"]
    assert importing.import_list(tmp_path / "lists", "x", file)[1]


def test_arrays_without_a_folder_are_in_memory() -> None:
    assert IN_MEMORY.empty((3, 2), np.uint8).shape == (3, 2)
    with pytest.raises(ValueError, match="no folder"):
        IN_MEMORY.file()
