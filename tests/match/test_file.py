"""A file that is not a whole index is refused; one with damaged arrays never crashes a search."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brightline.errors import DamagedError
from brightline.match import ExactIndex, HammingIndex, _plan
from tests.match.oracle import make

Index = type[HammingIndex] | type[ExactIndex]
INDEXES: list[Index] = [HammingIndex, ExactIndex]
_PREFIX = 20


@pytest.fixture(params=INDEXES)
def index(request: pytest.FixtureRequest) -> Index:
    found: Index = request.param
    return found


def saved(index: Index, path: Path, count: int = 300) -> Path:
    """An index over codes of which some are copies, with slots if it is a radius index."""
    codes = make(np.random.default_rng(1), "random", count)
    codes[count // 2 :] = codes[: count - count // 2]
    with mock.patch.object(_plan, "design", lambda *_: (8, 14, 14, 8)):
        index.build(codes).save(path)
    return path


def test_every_cut_is_noticed(index: Index, tmp_path: Path) -> None:
    data = saved(index, tmp_path / "index").read_bytes()
    cut = tmp_path / "cut"
    for length in [*range(0, 600, 7), len(data) // 2, len(data) - 1]:
        cut.write_bytes(data[:length])
        with pytest.raises(DamagedError):
            index.open(cut)
    cut.write_bytes(data + b"\0")
    with pytest.raises(DamagedError):
        index.open(cut)


def test_every_flip_in_the_header_is_noticed(index: Index, tmp_path: Path) -> None:
    data = saved(index, tmp_path / "index").read_bytes()
    length = struct.unpack("<I", data[12:16])[0]
    flipped = tmp_path / "flipped"
    for place in range(_PREFIX + length):
        for bit in (0, 7):
            changed = bytearray(data)
            changed[place] ^= 1 << bit
            flipped.write_bytes(changed)
            with pytest.raises(DamagedError):
                index.open(flipped)


def test_foreign_files(index: Index, tmp_path: Path) -> None:
    other = INDEXES[1 - INDEXES.index(index)]
    with pytest.raises(DamagedError):
        index.open(saved(other, tmp_path / "other"))
    with pytest.raises(DamagedError):
        index.open(tmp_path / "missing")
    for content in (b"", b"BRIGHTIX", bytes(4096), b"PAR1" * 100):
        (tmp_path / "foreign").write_bytes(content)
        with pytest.raises(DamagedError):
            index.open(tmp_path / "foreign")


def forged(path: Path, change: object) -> None:
    """Rewrite a header with a JSON value changed and a checksum that fits."""
    data = path.read_bytes()
    length = struct.unpack("<I", data[12:16])[0]
    start = -(-(_PREFIX + length) // 64) * 64
    header = json.loads(data[_PREFIX : _PREFIX + length])
    assert callable(change)
    header = change(header)
    raw = json.dumps(header).encode()
    prefix = data[:12] + struct.pack("<II", len(raw), zlib.crc32(raw))
    body = data[start:]
    padding = -(len(prefix) + len(raw)) % 64
    path.write_bytes(prefix + raw + bytes(padding) + body)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (["size"], 10**9),
        (["size"], -1),
        (["kind"], "other"),
        (["arrays"], []),
        (["arrays", "codes", "length"], 10**9),
        (["arrays", "codes", "length"], 4),
        (["arrays", "codes", "length"], -4),
        (["arrays", "codes", "offset"], -64),
        (["arrays", "codes", "offset"], 10**9),
        (["arrays", "codes", "dtype"], "<f8"),
        (["arrays", "codes", "dtype"], "<u4"),
        (["arrays", "codes"], None),
        (["parameters"], 3),
        (["parameters", "codes"], 10**6),
        (["parameters", "codes"], -1),
        (["parameters", "entries"], 0),
        (["parameters", "entries"], "300"),
        (["parameters", "radius"], True),
        (["parameters", "widths"], [8, 14, 14]),
        (["parameters", "widths"], [8, 14, 14, 40]),
        (["parameters", "widths"], [24] * 11),
        (["parameters", "widths"], "8"),
        ([], 7),
    ],
)
def test_headers_that_lie(tmp_path: Path, place: list[str], value: object) -> None:
    def change(header: dict[str, object]) -> object:
        if not place:
            return value
        inner: object = header
        for name in place[:-1]:
            assert isinstance(inner, dict)
            inner = inner[name]
        assert isinstance(inner, dict)
        inner[place[-1]] = value
        return header

    path = saved(HammingIndex, tmp_path / "index")
    forged(path, lambda header: header)
    HammingIndex.open(path)
    forged(path, change)
    with pytest.raises(DamagedError):
        HammingIndex.open(path)


def test_an_array_that_is_missing(index: Index, tmp_path: Path) -> None:
    path = saved(index, tmp_path / "index")

    def change(header: dict[str, dict[str, object]]) -> object:
        del header["arrays"]["cells"]
        return header

    forged(path, change)
    with pytest.raises(DamagedError):
        index.open(path)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["flips", "ones", "noise"]))
def test_damaged_arrays_never_crash_a_search(
    tmp_path_factory: pytest.TempPathFactory, seed: int, how: str
) -> None:
    """They may give anything in range or DamagedError; a snapshot's digests tell beforehand."""
    rng = np.random.default_rng(seed)
    folder = tmp_path_factory.mktemp("damaged")
    queries = rng.integers(0, 256, (20, 32), dtype=np.uint8)
    for index in INDEXES:
        path = saved(index, folder / index.__name__, 600)
        data = bytearray(path.read_bytes())
        start = 64 * (1 + (_PREFIX + struct.unpack("<I", data[12:16])[0]) // 64)
        first, last = sorted(int(place) for place in rng.integers(start, len(data), 2))
        if how == "flips":
            for place in rng.integers(start, len(data), 200):
                data[place] ^= 1 << int(rng.integers(0, 8))
        elif how == "ones":
            data[first:last] = b"\xff" * (last - first)
        else:
            data[first:last] = rng.bytes(last - first)
        path.write_bytes(data)
        opened = index.open(path)
        try:
            if isinstance(opened, HammingIndex):
                found = [*opened._probed(queries, 11, (2, 2, 2, 2), 2**40)]
                found += opened.search(queries, 100)
            else:
                found = [*opened.search(queries)]
        except DamagedError:
            continue
        assert all(len(array) == 0 or array.min() >= 0 for array in found)


def test_an_error_does_not_tell_what_is_in_the_index(tmp_path: Path) -> None:
    path = saved(HammingIndex, tmp_path / "index")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DamagedError) as raised:
        HammingIndex.open(path)
    assert str(raised.value) == (
        f"{path} is damaged, or not an index of this version: import the list again"
    )
