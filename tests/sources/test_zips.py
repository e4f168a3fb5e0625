"""Zips against the standard library's reader, and against lies and damage."""

from __future__ import annotations

import io
import random
import stat
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brightline.sources import discover, read, shards
from brightline.sources.nested import expand, guarded, zip_parts
from brightline.sources.parts import Context
from brightline.sources.streams import Budget, MemoryWindow
from brightline.types import Limits, NoContent, Read, Reason, Streamed

from .helpers import LIMITS, contents, read_all, reasons, summary, zstd

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)


def items_of(data: bytes, limits: Limits = LIMITS) -> list[Read]:
    budget = Budget(limits, len(data), lambda _: None)
    context = Context(limits, budget, lambda _: None)
    parts = zip_parts(MemoryWindow(data), "", context)
    return list(guarded(expand(parts, context, 1), ""))


class Unseekable(io.RawIOBase):
    """A sink that makes zipfile write sizes behind the members."""

    def __init__(self) -> None:
        super().__init__()
        self.data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.data += data
        return len(data)


def zip_of(
    members: list[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED, streamed: bool = False
) -> bytes:
    sink: Any = Unseekable() if streamed else io.BytesIO()
    with zipfile.ZipFile(sink, "w", method) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name), data, compress_type=method)
    return bytes(sink.data) if streamed else sink.getvalue()


MADE = [(f"{k}.jpg", random.Random(k).randbytes(k * 400 + 1)) for k in range(8)]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("streamed", (False, True))
def test_methods(method: int, streamed: bool) -> None:
    assert contents(items_of(zip_of(MADE, method, streamed))) == MADE


def test_large_members_go_past_in_pieces() -> None:
    big = [("big", random.Random(0).randbytes(1200 << 10)), ("zeros", bytes(2 << 20))]
    for method in METHODS:
        assert contents(items_of(zip_of(big, method))) == big
    items = items_of(zip_of(big), Limits(max_item_bytes=1 << 20))
    assert [type(i) for i in items] == [Streamed, Streamed]


def test_kinds_of_members() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("folder/", b"")
        archive.writestr("empty", b"")
        link = zipfile.ZipInfo("link")
        link.create_system = 3
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "target")
        hidden = zipfile.ZipInfo("hidden")
        hidden.create_system = 3
        hidden.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(hidden, b"x" * 5000)
        archive.writestr("../up", b"1")
        archive.writestr("/abs", b"2")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("/abs", b"3")
        archive.writestr("höhe.jpg", b"4")
    assert summary(items_of(out.getvalue())) == [
        ("folder/", "directory"),
        ("empty", "empty"),
        ("link", "link"),
        ("hidden", "5000"),
        ("../up", "1"),
        ("/abs", "1"),
        ("/abs", "1"),
        ("höhe.jpg", "1"),
    ]


def patched(raw: bytes, member: int, *, field: int, value: bytes) -> bytes:
    """Change a field in the central record (and leave the local header alone)."""
    at = -1
    for _ in range(member + 1):
        at = raw.index(b"PK\x01\x02", at + 1)
    return raw[: at + field] + value + raw[at + field + len(value) :]


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    (
        (8, struct.pack("<H", 1), Reason.ENCRYPTED),
        (10, struct.pack("<H", 9), Reason.UNSUPPORTED_COMPRESSION),
        (10, struct.pack("<H", 14), Reason.DAMAGED_MEMBER),
        (16, b"\0\0\0\0", Reason.DAMAGED_MEMBER),
        (24, struct.pack("<L", 3), Reason.DAMAGED_MEMBER),
        (24, struct.pack("<L", 0x7FFFFFFF), Reason.DAMAGED_MEMBER),
        (20, struct.pack("<L", 0x7FFFFFFF), Reason.DAMAGED_MEMBER),
        (42, struct.pack("<L", 0x00FFFFFF), Reason.DAMAGED_MEMBER),
        (42, struct.pack("<L", 1), Reason.DAMAGED_MEMBER),
    ),
)
def test_a_bad_record_costs_one_member(field: int, value: bytes, reason: Reason) -> None:
    items = items_of(patched(zip_of(MADE), 3, field=field, value=value))
    assert len(items) == len(MADE)
    assert reasons(items) == {reason: 1}
    assert contents(items) == [m for k, m in enumerate(MADE) if k != 3]


def test_damaged_bytes_cost_one_member() -> None:
    raw = bytearray(zip_of(MADE))
    raw[raw.index(b"5.jpg") + 100] ^= 0xFF
    items = items_of(bytes(raw))
    assert reasons(items) == {Reason.DAMAGED_MEMBER: 1}
    assert len(items) == len(MADE)


def test_overlapping_members_are_refused() -> None:
    raw = zip_of(MADE, zipfile.ZIP_STORED)
    first = raw[raw.index(b"PK\x01\x02") + 42 :][:4]
    items = items_of(patched(raw, 4, field=42, value=first))
    assert reasons(items) == {Reason.DAMAGED_MEMBER: 1}


def test_zstandard_and_xz_members() -> None:
    import lzma

    data = b"some words " * 1000
    for method, packed in ((93, zstd(data)), (95, lzma.compress(data))):
        raw = zip_of([("m", packed)], zipfile.ZIP_STORED)
        at = raw.index(b"PK\x01\x02")
        raw = patched(raw, 0, field=10, value=struct.pack("<H", method))
        raw = patched(raw, 0, field=16, value=struct.pack("<L", zlib.crc32(data)))
        raw = patched(raw, 0, field=24, value=struct.pack("<L", len(data)))
        assert at == raw.index(b"PK\x01\x02")
        assert contents(items_of(raw)) == [("m", data)]


def test_something_before_and_behind() -> None:
    assert contents(items_of(b"MZ prefix" * 50 + zip_of(MADE))) == MADE
    items = items_of(zip_of(MADE) + b"\0" * 100)
    assert contents(items) == MADE and not reasons(items)
    items = items_of(zip_of(MADE) + b"behind")
    assert contents(items) == MADE
    assert reasons(items) == {Reason.DAMAGED_ARCHIVE: 1}


def test_two_zips_in_one_file_are_both_read() -> None:
    items = items_of(zip_of(MADE[:3]) + zip_of(MADE[3:]))
    assert contents(items) == MADE
    assert reasons(items) == {Reason.DAMAGED_ARCHIVE: 1}


def test_zip64(tmp_path: Path) -> None:
    out = io.BytesIO()
    with (
        zipfile.ZipFile(out, "w") as archive,
        archive.open(zipfile.ZipInfo("wide"), "w", force_zip64=True) as member,
    ):
        member.write(b"data")
    assert contents(items_of(out.getvalue())) == [("wide", b"data")]
    path = tmp_path / "many.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for k in range(66_000):
            archive.writestr(zipfile.ZipInfo(f"{k}"), b"")
    found = list(discover([path], LIMITS))
    assert [s.start for s in found] == list(range(0, 66_000, 5000))
    assert found[-1].stop == 66_000
    assert sum(s.items_hint or 0 for s in found) == 66_000
    assert [i.locator for i in read(found[-1], LIMITS) if isinstance(i, NoContent)] == [
        str(k) for k in range(65_000, 66_000)
    ]


def test_ranges_make_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(zip_of(MADE) + b"behind")
    whole = items_of(path.read_bytes())
    for members in (1, 3, 100):
        monkeypatch.setattr(shards, "MEMBERS", members)
        assert read_all(path) == whole


@settings(deadline=None, max_examples=60)
@given(st.data(), st.booleans(), st.sampled_from(METHODS[:2]))
def test_truncation_yields_what_came_before(
    data: st.DataObject, streamed: bool, method: int
) -> None:
    if streamed and method == zipfile.ZIP_STORED:
        return
    raw = zip_of(MADE, method, streamed)
    cut = data.draw(st.integers(4, len(raw) - 1))
    items = items_of(raw[:cut])
    got = contents(items)
    assert got == MADE[: len(got)]
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        starts = [i.header_offset for i in archive.infolist()] + [raw.index(b"PK\x01\x02")]
    whole = sum(end <= cut for end in starts[1:])
    assert whole <= len(got) <= whole + 1
    assert sum(reasons(items).values()) == 1
    assert reasons(items)[Reason.TRUNCATED_ARCHIVE] == 1


def test_truncated_zip_with_a_zip_inside(tmp_path: Path) -> None:
    inner = zip_of(MADE[:2])
    raw = zip_of([*MADE, ("in.zip", inner), ("after", b"x" * 100)], zipfile.ZIP_STORED)
    cut = raw[: raw.index(b"after") + 30]
    path = tmp_path / "x.zip"
    path.write_bytes(cut)
    items = read_all(path)
    assert contents(items)[: len(MADE)] == MADE
    assert [n for n, _ in contents(items)][len(MADE) :] == [
        "in.zip",
        "in.zip!/0.jpg",
        "in.zip!/1.jpg",
    ]
    assert reasons(items) == {Reason.TRUNCATED_ARCHIVE: 1}


@settings(deadline=None, max_examples=120)
@given(st.data())
def test_flipped_bytes_never_raise(data: st.DataObject) -> None:
    method = data.draw(st.sampled_from(METHODS))
    raw = bytearray(zip_of(MADE[:4], method, data.draw(st.booleans())))
    for _ in range(data.draw(st.integers(1, 6))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    items_of(bytes(raw), Limits(expansion_base=1 << 22))


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_never_raise(tail: bytes) -> None:
    items_of(b"PK\x03\x04" + tail)
    items_of(b"PK\x03\x04" + bytes(30) + tail + b"PK\x05\x06" + bytes(18))
