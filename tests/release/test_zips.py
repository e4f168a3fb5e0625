"""A zip without some members: what stays is not packed again."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brightline.release import zips
from brightline.release.copying import Output
from brightline.sources.streams import FileWindow


class Pipe(io.BytesIO):
    """A target that cannot seek: zipfile then writes data descriptors."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_: int) -> int:
        raise io.UnsupportedOperation

    def tell(self) -> int:
        raise io.UnsupportedOperation


def rewritten(path: Path, keep: Callable[[str], bool], *, damage: bool = False) -> bytes | None:
    target = path.with_name("new.zip")
    size = path.stat().st_size
    with path.open("rb") as stream, Output(bytes(target), lambda _: None) as out:
        window = FileWindow(stream.fileno(), size, lambda _: None)
        if not zips.rewrite(stream.fileno(), window, out, keep, damage=damage):
            return None
    return target.read_bytes()


def stored(data: bytes) -> list[tuple[Any, ...]]:
    """Of each member all that may not change, with the compressed bytes."""
    found: list[tuple[Any, ...]] = []
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        for info in archive.infolist():
            at = info.header_offset
            name, extra = (int.from_bytes(data[at + k : at + k + 2], "little") for k in (26, 28))
            start = at + 30 + name + extra
            raw = data[start : start + info.compress_size]
            facts = (info.CRC, info.external_attr, info.flag_bits, *info.date_time)
            local = data[at:start]
            found.append((info.filename, raw, info.comment, local, info.compress_type, facts))
    return found


_MEMBERS = st.lists(
    st.tuples(
        st.binary(max_size=800),
        st.sampled_from((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2)),
        st.booleans(),
        st.binary(max_size=20),
        st.booleans(),
    ),
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(members=_MEMBERS, comment=st.binary(max_size=50), piped=st.booleans())
def test_what_stays_is_copied(
    tmp_path_factory: pytest.TempPathFactory,
    members: list[tuple[bytes, int, bool, bytes, bool]],
    comment: bytes,
    piped: bool,
) -> None:
    target = Pipe() if piped else io.BytesIO()
    gone = set()
    with zipfile.ZipFile(target, "w") as archive:
        archive.comment = comment
        for number, (data, method, goes, note, wide) in enumerate(members):
            info = zipfile.ZipInfo(f"d/{number}-ü.jpg", (2020, 1, 1 + number, 2, 3, 4))
            info.compress_type, info.comment = method, note
            info.extra = b"\x99\x99\x02\x00ab" if wide else b""
            with archive.open(info, "w", force_zip64=wide) as stream:
                stream.write(data)
            if goes:
                gone.add(info.filename)
    path = tmp_path_factory.getbasetemp() / "random.zip"
    path.write_bytes(target.getvalue())
    new = rewritten(path, lambda name: name not in gone)
    assert new is not None
    assert stored(new) == [m for m in stored(path.read_bytes()) if m[0] not in gone]
    with zipfile.ZipFile(io.BytesIO(new)) as archive:
        assert archive.comment == comment
    if not gone:
        assert new == path.read_bytes()


@pytest.mark.long
def test_zip64_records_stay_in_their_form(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    count = 66_000
    with zipfile.ZipFile(path, "w") as archive:
        for k in range(count):
            archive.writestr(f"{k}", b"")
    data = path.read_bytes()
    assert b"PK\x06\x06" in data
    assert rewritten(path, lambda name: True) == data
    new = rewritten(path, lambda name: not name.endswith("7"))
    assert new is not None and b"PK\x06\x06" in new
    with zipfile.ZipFile(io.BytesIO(new)) as archive:
        assert archive.namelist() == [str(k) for k in range(count) if k % 10 != 7]
        assert archive.read(str(count - 1)) == b""


def test_an_offset_in_the_zip64_field_stays_there(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for k in range(2):
            archive.writestr(f"{k}.jpg", bytes([65 + k]) * 100)
    data = bytearray(path.read_bytes())
    end = data.rindex(b"PK\x05\x06")
    record = data.rindex(b"PK\x01\x02")
    offset = data[record + 42 : record + 46]
    field = struct.pack("<2H", 1, 8) + offset + bytes(4)
    data[record + 42 : record + 46] = b"\xff" * 4
    struct.pack_into("<H", data, record + 30, len(field))
    struct.pack_into("<L", data, end + 12, struct.unpack_from("<L", data, end + 12)[0] + 12)
    data[end:end] = field
    path.write_bytes(data)
    assert rewritten(path, lambda name: True) == bytes(data)
    new = rewritten(path, lambda name: name != "0.jpg")
    assert new is not None
    with zipfile.ZipFile(io.BytesIO(new)) as archive:
        assert archive.namelist() == ["1.jpg"]
        assert archive.read("1.jpg") == b"B" * 100
    assert new.count(b"\xff" * 4) == 1


def test_slack_leaves_and_what_follows_stays_on_demand(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for k in range(3):
            archive.writestr(f"{k}.jpg", bytes([65 + k]) * 100)
    path.write_bytes(path.read_bytes() + b"behind")
    one = rewritten(path, lambda name: name != "1.jpg")
    two = rewritten(path, lambda name: name != "1.jpg", damage=True)
    assert one is not None and two == one + b"behind"
    assert b"B" * 100 not in one


def test_without_a_directory_nothing_is_written(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.jpg", b"a" * 100)
    path.write_bytes(path.read_bytes()[:120])
    assert rewritten(path, lambda name: True) is None
    assert path.with_name("new.zip").stat().st_size == 0
