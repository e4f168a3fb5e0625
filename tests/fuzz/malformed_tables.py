"""Malformed tables: Parquet with damage in every part, and delimited text."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.fuzz.plants import NOT_WHOLE_ARCHIVE, SCREENED, Plant, cuts, flipped, picture, plant

_MD5 = "0123456789abcdef0123456789abcdef"


def tables() -> Iterator[Plant]:
    """All of them, in `tables/`."""
    for made in (_damaged(), _odd(), _text()):
        for each in made:
            yield Plant(f"tables/{each.name}", each.data, each.codes)


def parquet(columns: dict[str, Any], **options: Any) -> bytes:
    """A Parquet file in memory, with checksums on its pages."""
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out, write_page_checksum=True, **options)
    return out.getvalue()


def _pictures() -> pa.Array:
    return pa.array([{"bytes": picture(70 + k), "path": f"{k}.jpg"} for k in range(8)])


def repeated() -> Plant:
    """One value of 1 MiB in thousands of rows: kilobytes on disk."""
    one = pa.array([bytes(1 << 20)])
    same = pa.DictionaryArray.from_arrays(pa.array([0] * 3000, pa.int32()), one)
    return plant("repeated.parquet", parquet({"image": same}), "expansion_limit")


def _damaged() -> Iterator[Plant]:
    whole = parquet({"image": _pictures()}, row_group_size=4)
    broken = "damaged_archive"
    for k, data in enumerate(cuts(whole, 6)):
        yield plant(f"cut-{k}.parquet", data, broken)
    (length,) = struct.unpack("<I", whole[-8:-4])
    footer = len(whole) - 8 - length
    yield plant("page.parquet", flipped(whole, 1, 200, footer - 200, 9), NOT_WHOLE_ARCHIVE)
    for seed in range(8):
        data = flipped(whole, seed, footer, len(whole) - 8, 4)
        yield plant(f"footer-{seed}.parquet", data)
    for size in (0, 1, len(whole), 2**31 - 1, 2**32 - 1):
        data = whole[:-8] + struct.pack("<I", size) + b"PAR1"
        yield plant(f"footer-of-{size}.parquet", data, broken)
    yield plant("magic.parquet", b"PAR1PAR1", broken)
    yield plant("magic-only.parquet", b"PAR1", broken)
    yield plant("no-end.parquet", whole[:-4], broken)
    yield plant("encrypted.parquet", whole[:-4] + b"PARE")
    yield plant("zeros.parquet", b"PAR1" + bytes(9999) + b"PAR1", broken)


def _odd() -> Iterator[Plant]:
    some = pa.array([picture(80), None, b"", picture(81)[:400]])
    yield plant("nulls.parquet", parquet({"image": some}), "null_bytes")
    structs = pa.array(
        [None, {"bytes": None, "path": "a.jpg"}, {"bytes": None, "path": None}],
        pa.struct([("bytes", pa.binary()), ("path", pa.string())]),
    )
    yield plant("elsewhere.parquet", parquet({"image": structs}), "bytes_elsewhere")
    yield plant("no-rows.parquet", parquet({"image": pa.array([], pa.binary())}))
    yield plant("no-columns.parquet", parquet({}))
    wrong = {"md5": pa.array([1, 2, 3]), "sha256": pa.array([1.5, None, 2.5])}
    yield plant("hashes-as-numbers.parquet", parquet(wrong), "bad_hash")
    short = {"md5": pa.array(["", "zz" * 16, _MD5[:31], _MD5, None])}
    yield plant("short-hashes.parquet", parquet(short), "bad_hash")
    lists = {"md5": pa.array([[_MD5], []]), "url": pa.array([{"a": 1}, None])}
    yield plant("hashes-as-lists.parquet", parquet(lists), "bad_hash")
    for depth in (3, 14, 40):
        value: Any = picture(82)
        for _ in range(depth):
            value = [value]
        codes = SCREENED if depth == 3 else ()
        yield plant(f"lists-{depth}.parquet", parquet({"image": pa.array([value])}), codes)
    yield plant("wide.parquet", parquet({f"c{k}": pa.array([k]) for k in range(2000)}))
    names = {"": pa.array([picture(83)]), "a.b": pa.array([picture(84)])}
    yield plant("odd-names.parquet", parquet(names), SCREENED)


def _text() -> Iterator[Plant]:
    head = b"url,md5\n"
    row = f"http://example.org/a.jpg,{_MD5}\n".encode()
    yield plant("good.csv", head + row * 9, "metadata_row")
    nul = b"http://example.org/\0,\0\0\n"
    yield plant("nul.csv", head + row + nul, ("bad_hash", "not_an_image"))
    yield plant("late-nul.csv", head + row * 99 + nul + row, "bad_hash")
    yield plant("quote.csv", head + row + b'"never closed,' + row * 20)
    yield plant("quotes.csv", head + b'""""""",""\n' * 9 + row)
    yield plant("mixed.csv", head + row + b"one\n" + b"a,b,c,d,e\n" + row, "bad_hash")
    yield plant("latin.csv", head + b"http://example.org/\xe9\xff,\xff\xfe\n" + row, "bad_hash")
    yield plant("field.csv", head + b"http://example.org/" + b"a" * 3_000_000 + b",b\n" + row)
    yield plant("returns.csv", head.replace(b"\n", b"\r") + row.replace(b"\n", b"\r") * 3)
    yield plant("header-only.csv", head)
    yield plant("commas.csv", head + b"," * 100_000 + b"\n", "bad_hash")
    yield plant("utf-16.csv", (head + row).decode().encode("utf-16"), "metadata_row")
    yield plant("utf-16-cut.csv", (head + row * 3).decode().encode("utf-16")[:-3])
    yield plant("tabs.tsv", (head + row).replace(b",", b"\t"), "metadata_row")
    yield plant("no-line-end.csv", b"md5," * 20_000)
    yield plant("doubled.csv", b"md5,md5,url,url\n" + b"a,b,c,d\n" * 5, "bad_hash")
    yield plant("compressed-name.csv.gz", head + row, ())
    yield plant("binary.csv", head + bytes(range(256)) * 40)
