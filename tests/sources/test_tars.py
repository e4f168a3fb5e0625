"""The raw tar walker against the standard library's, and against damage."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from brightline.sources import discover, read, shards
from brightline.sources.nested import expand, guarded
from brightline.sources.parts import Context
from brightline.sources.paths import printable_text
from brightline.sources.sniff import ends_as_zip, sniff
from brightline.sources.streams import Budget, MemoryWindow, WindowStream
from brightline.sources.tarheader import ZERO_BLOCK, is_header, number, pax_records
from brightline.sources.tars import walk
from brightline.types import Limits, NoContent, Read, Reason, Streamed

from .helpers import LIMITS, contents, read_all, reasons, summary, tar_of, zstd

FORMATS = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)


def items_of(data: bytes, limits: Limits = LIMITS) -> list[Read]:
    budget = Budget(limits, len(data), lambda _: None)
    context = Context(limits, budget, lambda _: None)
    parts = walk(WindowStream(MemoryWindow(data)), "", context)
    return list(guarded(expand(parts, context, 1), ""))


names = st.text(
    st.characters(codec="utf-8", exclude_characters="\0/"), min_size=1, max_size=90
).filter(lambda n: len(n.encode()) <= 90 and not n.lower().endswith((".csv", ".tsv")))
plain = st.binary(max_size=1500).filter(lambda b: sniff(b) is None and not ends_as_zip(b))
members = st.lists(st.tuples(names, plain), max_size=6)


@settings(deadline=None, max_examples=60)
@given(members, st.sampled_from(FORMATS))
@example([("a", b""), ("a", b"x" * 512), ("a", b"x")], tarfile.GNU_FORMAT)
def test_every_member_once_in_order(made: list[tuple[str, bytes]], tar_format: int) -> None:
    items = items_of(tar_of(made, tar_format))
    assert [name for name, _ in summary(items)] == [printable_text(name) for name, _ in made]
    assert [d for _, d in contents(items)] == [d for _, d in made if d]
    assert reasons(items)[Reason.EMPTY] == sum(not d for _, d in made)


@pytest.mark.parametrize("tar_format", FORMATS)
def test_all_types_like_tarfile(tar_format: int) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tar_format) as tar:
        for kind in (
            tarfile.REGTYPE,
            tarfile.AREGTYPE,
            tarfile.CONTTYPE,
            tarfile.DIRTYPE,
            tarfile.LNKTYPE,
            tarfile.SYMTYPE,
            tarfile.CHRTYPE,
            tarfile.BLKTYPE,
            tarfile.FIFOTYPE,
        ):
            info = tarfile.TarInfo(f"member-{kind!r}")
            info.type = kind
            info.linkname = "elsewhere" if kind in (b"1", b"2") else ""
            body = b"data" if kind in tarfile.REGULAR_TYPES else b""
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
    items = items_of(out.getvalue())
    out.seek(0)
    with tarfile.open(fileobj=out) as tar:
        assert len(items) == len(tar.getmembers())
    assert len(contents(items)) == 3
    assert reasons(items) == {Reason.DIRECTORY: 1, Reason.LINK: 2, Reason.SPECIAL: 3}


@pytest.mark.parametrize("tar_format", (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT))
def test_long_names(tar_format: int) -> None:
    name = "d" * 200 + "/" + "f" * 300 + ".jpg"
    assert contents(items_of(tar_of([(name, b"1")], tar_format))) == [(name, b"1")]


def test_odd_names_are_text_only() -> None:
    raw = tar_of([("../up", b"1"), ("/abs", b"2"), ("a\nb", b"3")], tarfile.GNU_FORMAT)
    assert [n for n, _ in contents(items_of(raw))] == ["../up", "/abs", "a\\nb"]


def test_name_that_is_not_utf8() -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT, encoding="latin-1") as tar:
        info = tarfile.TarInfo("caf\xe9.jpg")
        info.size = 1
        tar.addfile(info, io.BytesIO(b"x"))
    assert contents(items_of(out.getvalue())) == [("caf\\udce9.jpg", b"x")]


def test_base_256_and_negative_sizes() -> None:
    assert number(b"\x80" + bytes(10) + b"\x05") == 5
    assert number(b"\xff" * 12) is None
    assert number(b"\x80" + b"\xff" * 11) is None
    assert number(b"0000012\0    ") == 10
    assert number(b"  12 \0      ") == 10
    assert number(b"\0" * 12) == 0
    assert number(b"12x\0") is None
    assert number(b"0_1\0") is None


def with_header(change: Callable[[bytearray], None], body: bytes) -> bytes:
    """One member whose header is changed and given a new checksum."""
    block = bytearray(tar_of([("m", body)], tarfile.GNU_FORMAT)[:512])
    change(block)
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + body + bytes(-len(body) % 512)


def test_checksum_of_signed_bytes() -> None:
    block = bytearray(tar_of([("m\xff\xfe", b"")], tarfile.GNU_FORMAT)[:512])
    block[148:156] = b" " * 8
    signed = sum(b - 256 if b > 127 else b for b in block)
    block[148:156] = b"%06o\0 " % signed
    assert is_header(bytes(block))
    block[0] ^= 1
    assert not is_header(bytes(block))


@pytest.mark.parametrize("size", (b"\xff" * 12, b"\x80" + b"\xff" * 11, b"99999999999\0"))
def test_absurd_size_is_one_damage_event(size: bytes) -> None:
    def change(block: bytearray) -> None:
        block[124:136] = size

    raw = with_header(change, b"hidden") + tar_of([("after", b"seen")])
    items = items_of(raw)
    assert reasons(items) == {Reason.DAMAGED_ARCHIVE: 1}
    assert contents(items) == [("after", b"seen")]


def test_size_beyond_the_end() -> None:
    def change(block: bytearray) -> None:
        block[124:136] = b"%011o\0" % (1 << 32)

    items = items_of(tar_of([("first", b"1")], pad=False)[:-1024] + with_header(change, b"rest"))
    assert summary(items) == [("first", "1"), ("m", "truncated_archive")]


def test_link_with_and_without_body() -> None:
    def link(block: bytearray) -> None:
        block[156:157] = b"1"
        block[124:136] = b"%011o\0" % 4

    behind = tar_of([("after", b"seen")])
    assert contents(items_of(with_header(link, b"body") + behind)) == [
        ("m", b"body"),
        ("after", b"seen"),
    ]
    items = items_of(with_header(link, b"") + behind)
    assert summary(items) == [("m", "link"), ("after", "4")]


def test_damage_in_the_middle_resynchronises() -> None:
    made = [(f"m{k}", bytes([k]) * 600) for k in range(6)]
    raw = bytearray(tar_of(made, tarfile.GNU_FORMAT))
    raw[2 * 1536 + 10] ^= 0xFF
    items = items_of(bytes(raw))
    assert contents(items) == [m for k, m in enumerate(made) if k != 2]
    assert reasons(items) == {Reason.DAMAGED_ARCHIVE: 1}


def test_concatenated_archives_and_garbage() -> None:
    one, two = tar_of([("a", b"1")]), tar_of([("b", b"2")])
    assert summary(items_of(one + two)) == [("a", "1"), ("b", "1")]
    items = items_of(one + b"garbage" * 1000 + two)
    assert reasons(items) == {Reason.DAMAGED_ARCHIVE: 1}
    items = items_of(one + b"garbage")
    assert summary(items) == [("a", "1"), ("(damaged part)", "damaged_archive")] or (
        reasons(items) == {Reason.DAMAGED_ARCHIVE: 1}
    )


def test_missing_end_is_said() -> None:
    raw = tar_of([("a", b"1")], pad=False)
    assert summary(items_of(raw)) == [("a", "1")]
    assert summary(items_of(raw[:-1])) == [("a", "1")]
    assert summary(items_of(raw[:-1024])) == [("a", "1"), ("(end of archive)", "truncated_archive")]
    assert summary(items_of(ZERO_BLOCK * 2)) == []


@settings(deadline=None)
@given(st.data(), st.sampled_from(FORMATS))
def test_truncation_yields_what_came_before(data: st.DataObject, tar_format: int) -> None:
    long = "n" * 150 if tar_format != tarfile.USTAR_FORMAT else "n"
    made = [(f"{long}{k}", bytes([k + 1]) * (k * 300 + 1)) for k in range(5)]
    raw = tar_of(made, tar_format, pad=False)
    last = len(raw) - 1024
    cut = data.draw(st.integers(1, last))
    items = items_of(raw[:cut])
    out = io.BytesIO(raw)
    with tarfile.open(fileobj=out) as tar:
        whole = [m for m in tar.getmembers() if m.offset_data + m.size <= cut]
    got = contents(items)
    assert got == made[: len(whole)]
    failures = [i for i in items if isinstance(i, NoContent)]
    assert [f.reason for f in failures] == [Reason.TRUNCATED_ARCHIVE]


@settings(deadline=None, max_examples=120)
@given(st.data())
def test_flipped_bytes_never_raise(data: st.DataObject) -> None:
    made = [("n" * 150 + str(k), bytes([k + 1]) * (k * 300)) for k in range(4)]
    raw = bytearray(tar_of(made, data.draw(st.sampled_from(FORMATS[1:]))))
    for _ in range(data.draw(st.integers(1, 6))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    items_of(bytes(raw))


@settings(deadline=None)
@given(st.binary(max_size=3000))
def test_any_bytes_never_raise(data: bytes) -> None:
    items_of(data)


SPARSE_PIECES = [(512, b"A" * 700), (4096, b"B" * 512), (9000, b"C" * 24)]


def sparse_whole(real_size: int) -> bytes:
    whole = bytearray(real_size)
    for offset, data in SPARSE_PIECES:
        whole[offset : offset + len(data)] = data
    return bytes(whole)


def old_gnu_sparse(pieces: list[tuple[int, bytes]], real_size: int) -> bytes:
    body = b"".join(d for _, d in pieces)
    fields = [b"%011o\0%011o\0" % (o, len(d)) for o, d in pieces]

    def change(block: bytearray) -> None:
        block[156:157] = b"S"
        block[386:482] = b"".join(fields[:4]).ljust(96, b"\0")
        block[482] = len(fields) > 4
        block[483:495] = b"%011o\0" % real_size

    raw = with_header(change, body)
    extensions = b""
    rest = fields[4:]
    while rest:
        extensions += b"".join(rest[:21]).ljust(504, b"\0") + bytes([len(rest) > 21]) + bytes(7)
        rest = rest[21:]
    return raw[:512] + extensions + raw[512:]


def test_old_gnu_sparse() -> None:
    raw = old_gnu_sparse(SPARSE_PIECES, 10_000) + tar_of([("after", b"x")])
    assert contents(items_of(raw)) == [("m", sparse_whole(10_000)), ("after", b"x")]


def test_old_gnu_sparse_with_extension_blocks() -> None:
    pieces = [(k * 1024, bytes([k + 1]) * 100) for k in range(60)]
    raw = old_gnu_sparse(pieces, 70_000) + tar_of([("after", b"x")])
    got = contents(items_of(raw))
    assert got[1] == ("after", b"x")
    assert all(got[0][1][o : o + 100] == d for o, d in pieces)
    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        stream = tar.extractfile("m")
        assert stream is not None
        assert got[0][1] == stream.read()


def pax_sparse(keys: dict[str, str], body: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        info = tarfile.TarInfo("GNUSparseFile.1/m")
        info.size = len(body)
        info.pax_headers = keys
        tar.addfile(info, io.BytesIO(body))
    return out.getvalue()


def test_pax_sparse_formats() -> None:
    body = b"".join(d for _, d in SPARSE_PIECES)
    flat = [str(n) for o, d in SPARSE_PIECES for n in (o, len(d))]
    old = {"GNU.sparse.size": "10000", "GNU.sparse.name": "m", "GNU.sparse.map": ",".join(flat)}
    assert contents(items_of(pax_sparse(old, body))) == [("m", sparse_whole(10_000))]
    text = "".join(f"{n}\n" for n in [str(len(SPARSE_PIECES)), *flat]).encode()
    new = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": "m",
        "GNU.sparse.realsize": "10000",
    }
    raw = pax_sparse(new, text.ljust(512, b"\0") + body)
    assert contents(items_of(raw)) == [("m", sparse_whole(10_000))]


def test_pax_sparse_0_0_repeats_its_keywords() -> None:
    body = b"".join(d for _, d in SPARSE_PIECES)
    lines = ["GNU.sparse.size=10000", "GNU.sparse.numblocks=3"]
    for offset, data in SPARSE_PIECES:
        lines += [f"GNU.sparse.offset={offset}", f"GNU.sparse.numbytes={len(data)}"]
    records = b""
    for line in lines:
        length = len(line) + 3
        while len(f"{length} {line}\n") != length:
            length += 1
        records += f"{length} {line}\n".encode()

    def extended(block: bytearray) -> None:
        block[156:157] = b"x"

    raw = with_header(extended, records) + tar_of([("m", body)], tarfile.USTAR_FORMAT)
    assert contents(items_of(raw)) == [("m", sparse_whole(10_000))]


@pytest.mark.parametrize("wrong", ("5,10,0,10", "0,10,5,10", "0,99999", "0", "x,1", "0,10"))
def test_wrong_sparse_map_is_a_damaged_member(wrong: str) -> None:
    keys = {"GNU.sparse.size": "100", "GNU.sparse.map": wrong}
    items = items_of(pax_sparse(keys, b"z" * 20) + tar_of([("after", b"x")]))
    assert reasons(items) == {Reason.DAMAGED_MEMBER: 1}
    assert contents(items) == [("after", b"x")]


def test_sparse_bomb_uses_up_the_budget() -> None:
    limits = Limits(max_item_bytes=1 << 20, expansion_base=1 << 22, expansion_factor=1)
    keys = {"GNU.sparse.size": str(1 << 50), "GNU.sparse.map": "0,1"}
    items = items_of(pax_sparse(keys, b"z"), limits)
    assert reasons(items) == {Reason.EXPANSION: 1}


def test_malformed_pax_header_is_one_event() -> None:
    def extended(block: bytearray) -> None:
        block[156:157] = b"x"

    raw = with_header(extended, b"nonsense") + tar_of([("m", b"1")])
    items = items_of(raw)
    assert reasons(items) == {Reason.DAMAGED_ARCHIVE: 1}
    assert contents(items) == [("m", b"1")]
    assert pax_records(b"11 path=ab\n") == [(b"path", b"ab")]
    assert pax_records(b"9 path=ab\n") is None
    assert pax_records(b"99999999999999999999 a=b\n") is None


def test_member_over_the_limit_is_digested_in_pieces() -> None:
    import hashlib

    body = bytes(range(256)) * 8000
    items = items_of(tar_of([("big", body)]), Limits(max_item_bytes=100_000))
    assert isinstance(items[0], Streamed)
    assert items[0].digests.sha256 == hashlib.sha256(body).digest()
    assert items[0].digests.md5 == hashlib.md5(body).digest()
    assert (items[0].size, items[0].head) == (len(body), body[:4096])
    small = items_of(tar_of([("s", b"x" * 2000)]), Limits(max_item_bytes=1999))
    assert isinstance(small[0], Streamed)


def ranged(path: Path, monkeypatch: pytest.MonkeyPatch, members: int) -> tuple[list[Read], int]:
    monkeypatch.setattr(shards, "MEMBERS", members)
    found = list(discover([path], LIMITS))
    assert [s.start for s in found[1:]] == [s.stop for s in found[:-1]]
    assert found[-1].stop == -1
    hints = sum(s.items_hint or 0 for s in found)
    return [item for shard in found for item in read(shard, LIMITS)], hints


@pytest.mark.parametrize("damage", (False, True))
def test_ranges_make_the_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: bool
) -> None:
    made = [("n" * (k % 3 * 90) + f"{k}.jpg", bytes([k]) * (k * 37 % 2000)) for k in range(60)]
    raw = bytearray(tar_of(made) + tar_of(made))
    if damage:
        for at in (5, 20_000, 60_000):
            raw[at] ^= 0xFF
    path = tmp_path / "x.tar"
    path.write_bytes(bytes(raw) + b"garbage")
    whole = items_of(path.read_bytes())
    for members in (1, 7, 1000):
        items, hints = ranged(path, monkeypatch, members)
        assert items == whole
        if not damage:
            assert hints == 120


def test_global_headers_keep_an_archive_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = io.BytesIO()
    with tarfile.open(
        fileobj=out, mode="w", format=tarfile.PAX_FORMAT, pax_headers={"path": "same"}
    ) as tar:
        for k in range(5):
            info = tarfile.TarInfo(f"{k}")
            info.size = 1
            tar.addfile(info, io.BytesIO(b"x"))
    path = tmp_path / "g.tar"
    path.write_bytes(out.getvalue())
    items, _ = ranged(path, monkeypatch, 1)
    assert summary(items) == [("same", "1")] * 5


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstd,
}


@pytest.mark.parametrize("suffix", sorted(PACKERS))
def test_compressed_tars(tmp_path: Path, suffix: str) -> None:
    import random

    noise = random.Random(1)
    made = [(f"{k}.jpg", noise.randbytes(3000)) for k in range(200)]
    packed = PACKERS[suffix](tar_of(made))
    path = tmp_path / f"x.tar.{suffix}"
    path.write_bytes(packed)
    assert contents(read_all(path)) == made
    path.write_bytes(packed[: len(packed) // 2])
    items = read_all(path)
    got = contents(items)
    assert got == made[: len(got)]
    # block compressors give back whole blocks only
    assert len(got) > (10 if suffix in ("gz", "zst") else -1)
    assert reasons(items) == {Reason.TRUNCATED_ARCHIVE: 1}
    path.write_bytes(packed + b"trailing garbage")
    items = read_all(path)
    assert contents(items) == made
    assert reasons(items) == {Reason.DAMAGED_ARCHIVE: 1}


def test_gzip_delivers_everything_before_the_damage(tmp_path: Path) -> None:
    made = [(f"{k}.jpg", bytes([k]) * 700) for k in range(100)]
    raw = tar_of(made)
    packed = bytearray(gzip.compress(raw, 0))
    packed[-6] ^= 1
    (tmp_path / "x.tgz").write_bytes(bytes(packed))
    items = read_all(tmp_path / "x.tgz")
    assert contents(items) == made
    assert reasons(items) == {Reason.DAMAGED_ARCHIVE: 1}


def test_several_gzip_streams_and_zero_padding(tmp_path: Path) -> None:
    raw = tar_of([("a", b"1" * 5000)])
    packed = gzip.compress(raw[:1000]) + gzip.compress(raw[1000:]) + bytes(5000)
    (tmp_path / "x.tar.gz").write_bytes(packed)
    assert summary(read_all(tmp_path / "x.tar.gz")) == [("a", "5000")]


def test_damaged_first_header_of_a_file_named_tar(tmp_path: Path) -> None:
    made = [("a", b"1"), ("b", b"2")]
    for tar_format in FORMATS[:2]:
        raw = bytearray(tar_of(made, tar_format))
        raw[:512] = b"\xaa" * 512
        (tmp_path / "x.tar").write_bytes(bytes(raw))
        items = read_all(tmp_path / "x.tar")
        assert contents(items) == [("b", b"2")]
        assert reasons(items) == {Reason.DAMAGED_ARCHIVE: 1}


def test_empty_tar_has_no_items(tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(tar_of([]))
    (tmp_path / "y.tar.gz").write_bytes(gzip.compress(tar_of([])))
    assert read_all(tmp_path) == []
