"""Digests of many files side by side are those of hashlib, whatever their sizes."""

from __future__ import annotations

import hashlib
import os
import random
from pathlib import Path

import pytest

from brightline.errors import SourceError
from brightline.release.digesting import _ROOM, Written, digests_of

#: around a block, around the padding, around the room, and several rooms
SIZES = [0, 1, 55, 56, 63, 64, 65, 119, 120, 128, 1000]
SIZES += [_ROOM - 64, _ROOM - 9, _ROOM - 1, _ROOM, _ROOM + 1, _ROOM + 64, 2 * _ROOM, 3 * _ROOM + 77]


def write(root: Path, sizes: list[int]) -> tuple[list[Written], list[str]]:
    files, digests = [], []
    for number, size in enumerate(sizes):
        data = random.Random(number).randbytes(size)
        (root / f"{number}").write_bytes(data)
        files.append(Written(b"%d" % number, size))
        digests.append(hashlib.sha256(data).hexdigest())
    return files, digests


def alive() -> None:
    """Nobody asks."""


@pytest.mark.parametrize("count", [0, 1, 3, 4, 15, 16, 17, len(SIZES)])
def test_any_number_of_files(tmp_path: Path, count: int) -> None:
    files, digests = write(tmp_path, random.Random(count).sample(SIZES, count))
    assert digests_of(os.fsencode(tmp_path), files, alive) == digests


def test_lanes_take_file_after_file(tmp_path: Path) -> None:
    files, digests = write(tmp_path, SIZES * 3)
    assert digests_of(os.fsencode(tmp_path), files, alive) == digests


@pytest.mark.parametrize("count", [1, 16])
def test_a_file_that_was_changed_is_named(tmp_path: Path, count: int) -> None:
    files, _ = write(tmp_path, [100] * count)
    with (tmp_path / "0").open("ab") as out:
        out.write(b"more")
    with pytest.raises(SourceError, match="0 was changed"):
        digests_of(os.fsencode(tmp_path), files, alive)


@pytest.mark.parametrize("count", [1, 16])
def test_it_can_be_stopped_and_leaves_nothing_open(tmp_path: Path, count: int) -> None:
    class StoppedError(Exception):
        pass

    def stop() -> None:
        raise StoppedError

    files, _ = write(tmp_path, [_ROOM * 2] * count)
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(StoppedError):
        digests_of(os.fsencode(tmp_path), files, stop)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_link_in_a_files_place_is_not_followed(tmp_path: Path) -> None:
    files, _ = write(tmp_path, [100] * 5)
    (tmp_path / "3").rename(tmp_path / "elsewhere")
    (tmp_path / "3").symlink_to("elsewhere")
    with pytest.raises(OSError, match="3"):
        digests_of(os.fsencode(tmp_path), files, alive)
