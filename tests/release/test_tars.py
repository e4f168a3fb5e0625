"""A tar without some members: every other byte as it was."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brightline.release import tars
from brightline.release.clean import compressor
from brightline.release.copying import Output
from brightline.sources.compression import decompressed
from brightline.sources.paths import printable
from brightline.sources.sniff import Form
from brightline.sources.streams import Budget, FileWindow, MemoryWindow, Stream, WindowStream
from brightline.types import Limits
from tests.sources.helpers import zstd

_NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="\0/\n", exclude_categories=["Cs"]),
    min_size=1,
    max_size=140,
).filter(lambda name: name not in (".", ".."))


def rewritten(path: Path, keep: Callable[[str], bool], *, damage: bool = False) -> bytes:
    """The tar rewritten by ranges; the same as by its stream."""
    target = path.with_name("new.tar")
    data = path.read_bytes()
    with path.open("rb") as stream, Output(bytes(target), lambda _: None) as out:
        window = FileWindow(stream.fileno(), len(data), lambda _: None)
        ranges = tars.Ranges(stream.fileno(), len(data), out)
        tars.rewrite(WindowStream(window, piece=4096), ranges, keep, damage=damage)
    by_ranges = target.read_bytes()
    pieces: list[bytes] = []
    by_stream = tars.Written(pieces.append)
    tars.rewrite(WindowStream(MemoryWindow(data)), by_stream, keep, damage=damage)
    assert b"".join(pieces) == by_ranges
    return by_ranges


def blobs(data: bytes) -> tuple[list[tuple[str, bytes]], bytes]:
    """Each member's stored bytes by the standard library's account, and what follows the last."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        members = archive.getmembers()
        starts = [member.offset for member in members]
        end = archive.offset
    stops = [*starts[1:], end] if starts else []
    found = [(m.name, data[a:b]) for m, a, b in zip(members, starts, stops, strict=True)]
    return found, data[end:]


@settings(max_examples=60, deadline=None)
@given(
    members=st.lists(
        st.tuples(_NAMES, st.binary(max_size=1500), st.booleans(), st.sampled_from("fffdl")),
        max_size=9,
    ),
    form=st.sampled_from((tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)),
)
def test_every_other_byte_stays(
    tmp_path_factory: pytest.TempPathFactory,
    members: list[tuple[str, bytes, bool, str]],
    form: int,
) -> None:
    path = tmp_path_factory.getbasetemp() / "random.tar"
    gone = set()
    with tarfile.open(path, "w", format=form) as archive:
        for number, (name, data, goes, kind) in enumerate(members):
            info = tarfile.TarInfo(f"{number}-{name}")
            info.mtime = 1_700_000_000 + number
            if kind == "d":
                info.type = tarfile.DIRTYPE
            elif kind == "l":
                info.type, info.linkname = tarfile.SYMTYPE, "x" * (number * 40 + 1)
            else:
                info.size = len(data)
            archive.addfile(info, io.BytesIO(data) if kind == "f" else None)
            if goes:
                gone.add(printable(info.name.encode()))
    data = path.read_bytes()
    assert rewritten(path, lambda name: True) == data
    stored, tail = blobs(data)
    expected = b"".join(
        blob for name, blob in stored if printable(name.encode("utf-8")) not in gone
    )
    keep = lambda name: name.rstrip("/") not in gone  # noqa: E731 - a folder ends in one
    assert rewritten(path, keep) == expected + tail
    assert rewritten(path, keep, damage=True) == expected + tail


def test_global_headers_outlive_the_member_behind_them(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(
        path, "w", format=tarfile.PAX_FORMAT, pax_headers={"comment": "of all"}
    ) as archive:
        for name in ("a.jpg", "b.jpg"):
            archive.addfile(tarfile.TarInfo(name))
    new = rewritten(path, lambda name: name != "a.jpg")
    with tarfile.open(fileobj=io.BytesIO(new)) as archive:
        assert archive.getnames() == ["b.jpg"]
        assert archive.pax_headers == {"comment": "of all"}


def test_links_leave_with_what_they_point_to(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    long = "d/" + "n" * 150 + ".jpg"
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo(long))
        archive.addfile(tarfile.TarInfo("d/b.jpg"))
        for name, kind, target in (
            ("hard", tarfile.LNKTYPE, long),
            ("d/soft", tarfile.SYMTYPE, "n" * 150 + ".jpg"),
            ("d/other", tarfile.SYMTYPE, "b.jpg"),
        ):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = kind, target
            archive.addfile(link)
    new = rewritten(path, lambda name: name != long)
    with tarfile.open(fileobj=io.BytesIO(new)) as archive:
        assert archive.getnames() == ["d/b.jpg", "d/other"]


def test_links_name_their_target_with_or_without_the_folder_itself(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        for name in ("./a.jpg", "./b.jpg"):
            archive.addfile(tarfile.TarInfo(name))
        for number, target in enumerate(("a.jpg", "b.jpg")):
            link = tarfile.TarInfo(f"./{number}.jpg")
            link.type, link.linkname = tarfile.SYMTYPE, target
            archive.addfile(link)
    data = path.read_bytes()
    pieces: list[bytes] = []
    tars.rewrite(
        WindowStream(MemoryWindow(data)),
        tars.Written(pieces.append),
        lambda name: name != "./a.jpg",
        lambda name: name != "a.jpg",
        damage=False,
    )
    with tarfile.open(fileobj=io.BytesIO(b"".join(pieces))) as archive:
        assert archive.getnames() == ["./b.jpg", "./1.jpg"]


def test_what_is_no_member_stays_only_where_damage_may_stay(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        for name in ("a", "b", "c"):
            info = tarfile.TarInfo(name)
            info.size = 600
            archive.addfile(info, io.BytesIO(name.encode() * 600))
    data = bytearray(path.read_bytes())
    data[1536:2048] = b"\xaa" * 512  # the header of b
    path.write_bytes(data)
    kept = rewritten(path, lambda name: True)
    with tarfile.open(fileobj=io.BytesIO(kept)) as archive:
        assert archive.getnames() == ["a", "c"]
    assert b"\xaa" * 512 not in kept and b"b" * 600 not in kept
    assert rewritten(path, lambda name: True, damage=True) == data


def test_a_cut_off_tar_gets_its_end(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        for name in ("a", "b"):
            info = tarfile.TarInfo(name)
            info.size = 600
            archive.addfile(info, io.BytesIO(name.encode() * 600))
    whole = path.read_bytes()
    path.write_bytes(whole[: 512 + 1024 + 512 + 100])
    assert rewritten(path, lambda name: name == "a") == whole[:1536] + bytes(1024)


def test_old_and_new_sparse_members_stay_whole(tmp_path: Path) -> None:
    header = tarfile.TarInfo("s.jpg")
    header.size = 512
    block = bytearray(header.tobuf(tarfile.GNU_FORMAT))
    block[156:157] = b"S"
    block[386:410] = b"%011o\0%011o\0" % (0, 512)
    block[483:495] = b"%011o\0" % 512
    block[482] = 1
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    sparse = bytes(block) + bytes(512) + b"x" * 512
    plain = tarfile.TarInfo("a.jpg").tobuf(tarfile.GNU_FORMAT)
    path = tmp_path / "a.tar"
    path.write_bytes(plain + sparse + plain + bytes(1024))
    assert rewritten(path, lambda name: name == "s.jpg") == sparse + bytes(1024)
    assert rewritten(path, lambda name: name != "s.jpg") == plain + plain + bytes(1024)


@pytest.mark.parametrize(
    ("form", "pack", "unpack"),
    [
        (Form.GZ, gzip.compress, gzip.decompress),
        (Form.BZ2, bz2.compress, bz2.decompress),
        (Form.XZ, lzma.compress, lzma.decompress),
        (Form.ZST, zstd, None),
    ],
)
def test_compressed_tars_are_compressed_anew(
    tmp_path: Path,
    form: Form,
    pack: Callable[[bytes], bytes],
    unpack: Callable[[bytes], bytes] | None,
) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        for k in range(40):
            info = tarfile.TarInfo(f"{k}.jpg")
            info.size = 5000
            archive.addfile(info, io.BytesIO(bytes([k]) * 5000))
    target = tmp_path / "b"

    def expanded(data: bytes) -> Stream:
        budget = Budget(Limits(), 1 << 20, lambda _: None)
        return decompressed(WindowStream(MemoryWindow(data)), form, budget)

    with Output(bytes(target), lambda _: None) as out, compressor(form, out) as sink:
        stream = expanded(pack(path.read_bytes()))
        tars.rewrite(stream, tars.Written(sink.write), lambda n: n != "7.jpg", damage=False)
    assert out.size == target.stat().st_size
    new = target.read_bytes()
    opened = unpack(new) if unpack else expanded(new).read(1 << 30)
    assert opened == rewritten(path, lambda name: name != "7.jpg")
