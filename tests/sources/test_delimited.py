"""CSV and TSV metadata."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brightline.signals.url import url_digest
from brightline.sources import delimited
from brightline.sources.streams import MemoryWindow, WindowStream
from brightline.types import Read, Reason, Rows, SignalType

from .helpers import count, read_all, reasons, summary

MD5 = hashlib.md5(b"x").hexdigest()


def rows_of(items: list[Read]) -> Rows:
    (rows,) = items
    assert isinstance(rows, Rows)
    return rows


def read_text(tmp_path: Path, data: bytes, name: str = "t.csv") -> list[Read]:
    path = tmp_path / name
    path.write_bytes(data)
    return read_all(path)


@pytest.mark.parametrize("delimiter", (",", "\t", ";", "|"))
@pytest.mark.parametrize("end", ("\n", "\r\n", "\r"))
@pytest.mark.parametrize("encoding", ("utf-8", "utf-8-sig", "utf-16"))
def test_variants(tmp_path: Path, delimiter: str, end: str, encoding: str) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end)
    writer.writerow(["caption", "MD5", "URL"])
    writer.writerow([f'a "quoted"{delimiter}{end} caption é', MD5.upper(), "http://e.org/1"])
    writer.writerow(["", f" {MD5} ", ""])
    writer.writerow(["", "nonsense", "http://e.org/2"])
    rows = rows_of(read_text(tmp_path, out.getvalue().encode(encoding)))
    assert rows.count == 3
    assert rows.valid[SignalType.MD5].tolist() == [True, True, False]
    assert rows.exact[SignalType.MD5][0].tobytes() == bytes.fromhex(MD5)
    assert rows.valid[SignalType.URL].tolist() == [True, False, True]
    assert rows.exact[SignalType.URL][2].tobytes() == url_digest("http://e.org/2")
    assert rows.bad.tolist() == [False, False, True]


def test_wrong_number_of_fields_and_blank_lines(tmp_path: Path) -> None:
    text = f"md5,url\n{MD5}\n\n{MD5},http://a/,more\n{MD5},http://a/\n"
    rows = rows_of(read_text(tmp_path, text.encode()))
    assert rows.count == 3
    assert rows.bad.tolist() == [True, True, False]
    assert rows.valid[SignalType.MD5].all()


def test_sixteen_letters_are_no_raw_digest(tmp_path: Path) -> None:
    rows = rows_of(read_text(tmp_path, b"md5,url\nabcdefghijklmnop,\n"))
    assert rows.bad.tolist() == [True]


def test_plain_text_is_no_table(tmp_path: Path) -> None:
    for k, data in enumerate(
        (b"name,size\n1,2\n", b"url", b"", b"md5,url", b"\0\0url,md5\n", b"hash,text\n1,2\n")
    ):
        items = read_text(tmp_path, data, f"{k}.csv")
        assert count(items) == 1 and not isinstance(items[0], Rows)
    assert not isinstance(read_text(tmp_path, b"url\nhttp://a/\n", "x.dat")[0], Rows)
    assert isinstance(read_text(tmp_path, b"url\nhttp://a/\n", "x.csv")[0], Rows)


def test_compressed(tmp_path: Path) -> None:
    lines = [f"{hashlib.md5(bytes([k % 256, k // 256])).hexdigest()},x" for k in range(5000)]
    packed = gzip.compress(("md5,name\n" + "\n".join(lines) + "\n").encode())
    assert count(read_text(tmp_path, packed, "t.csv.gz")) == 5000
    items = read_text(tmp_path, packed[: len(packed) // 2], "t.csv.gz")
    assert reasons(items) == {Reason.TRUNCATED_ARCHIVE: 1}
    assert 2000 < count(items) < 3000


def test_endless_line_and_unclosed_quote(tmp_path: Path) -> None:
    data = b"md5,url\n" + MD5.encode() + b',"' + b"x" * 3_000_000 + b"\n" + MD5.encode() + b",\n"
    items = read_text(tmp_path, data)
    assert all(isinstance(i, Rows) for i in items)
    assert any(i.bad.any() for i in items if isinstance(i, Rows))
    last = items[-1]
    assert isinstance(last, Rows) and last.valid[SignalType.MD5][-1]


def test_bytes_that_are_not_utf8(tmp_path: Path) -> None:
    rows = rows_of(read_text(tmp_path, b"url,md5\nhttp://a/\xff," + MD5.encode() + b"\n"))
    assert rows.valid[SignalType.MD5].all()


def test_two_address_columns(tmp_path: Path) -> None:
    items = read_text(tmp_path, b"url,image_url\nhttp://a/,http://b/\nhttp://a/\n")
    assert summary(items) == [("row 0", "metadata_row"), ("row 1", "bad_hash")]


def test_many_batches(tmp_path: Path) -> None:
    body = "".join(f"{MD5},{k}\n" for k in range(150_000))
    items = read_text(tmp_path, ("md5,n\n" + body).encode())
    assert [(i.first, i.count) for i in items if isinstance(i, Rows)] == [
        (0, 65_536),
        (65_536, 65_536),
        (131_072, 18_928),
    ]


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_never_raise(tail: bytes) -> None:
    found = delimited.detect(b"md5,url\n" + tail)
    assert (found is None) == (b"\0" in tail)
    if found is not None:
        list(delimited.parts(WindowStream(MemoryWindow(b"md5,url\n" + tail)), found))
    delimited.detect(tail)
