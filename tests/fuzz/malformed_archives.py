"""Malformed zip, tar and compressed files: cut, lying, hostile names, bombs, endless nesting."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pyarrow as pa

from tests.fuzz.plants import NOT_WHOLE_ARCHIVE, SCREENED, Plant, cuts, flipped, picture, plant

#: names that a careless reader would write to, or choke on
HOSTILE_NAMES = (
    b"../../../../brightline-was-here.jpg",
    b"/tmp/brightline-was-here.jpg",
    b"..\\..\\brightline-was-here.jpg",
    b"C:\\brightline-was-here.jpg",
    b"./././a.jpg",
    b"with\0nul.jpg",
    b"with\nnewline\r\x1b[31m.jpg",
    b"not-utf-8-\xff\xfe.jpg",
    b"n" * 300 + b".jpg",
    b"d/" * 500 + b"deep.jpg",
    b"",
    b".",
    b"..",
    "r\u202egnp.exe".encode(),
)
DEPTH = 42
_SPENT = "expansion_limit"


def archives() -> Iterator[Plant]:
    """All of them, in `archives/`."""
    for made in (_zips(), _lying_zips(), _overlapping(), _tars(), _compressed(), _nested()):
        for each in made:
            yield Plant(f"archives/{each.name}", each.data, each.codes)


@dataclass(frozen=True, slots=True)
class Member:
    """A zip member as its headers claim it (APPNOTE 4.3.7, 4.3.12); None: as it is."""

    name: bytes
    data: bytes
    method: int = 8
    flags: int = 0
    crc: int | None = None
    stored: int | None = None
    size: int | None = None
    local_name: bytes | None = None
    raw: bytes | None = None
    after: bytes = b""

    @property
    def body(self) -> bytes:
        """The compressed bytes."""
        if self.raw is not None:
            return self.raw
        engine = zlib.compressobj(6, zlib.DEFLATED, -15)
        return engine.compress(self.data) + engine.flush() if self.method == 8 else self.data

    def facts(self, local: bool) -> bytes:
        """Method to uncompressed size; zero in a local header that has them behind the data."""
        crc = zlib.crc32(self.data) if self.crc is None else self.crc
        stored = len(self.body) if self.stored is None else self.stored
        size = len(self.data) if self.size is None else self.size
        if local and self.flags & 8:
            crc = stored = size = 0
        return struct.pack("<HHHIII", self.method, 0, 0, crc, stored, size)


def zipped(members: list[Member], *, count: int | None = None, shift: int = 0) -> bytes:
    """A zip of these; the end record may claim another count or place of the directory."""
    out, directory = bytearray(), bytearray()
    for m in members:
        name = m.name if m.local_name is None else m.local_name
        at = len(out)
        out += b"PK\x03\x04" + struct.pack("<HH", 20, m.flags) + m.facts(local=True)
        out += struct.pack("<HH", len(name), 0) + name + m.body + m.after
        directory += _record(m, at)
    return bytes(
        out
        + directory
        + _end(len(members) if count is None else count, len(directory), len(out) + shift)
    )


def _record(m: Member, at: int) -> bytes:
    head = b"PK\x01\x02" + struct.pack("<HHH", 20, 20, m.flags) + m.facts(local=False)
    return head + struct.pack("<HHHHHII", len(m.name), 0, 0, 0, 0, 0, at) + m.name


def _end(count: int, size: int, at: int) -> bytes:
    count &= 0xFFFF
    return b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, count, count, size, at & 0xFFFFFFFF, 0)


def _good_zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for k in range(6):
            archive.writestr(f"{k}.jpg", picture(10 + k))
    return out.getvalue()


def _good_tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for k in range(6):
            info = tarfile.TarInfo(f"{k}.jpg")
            info.size = len(picture(20 + k))
            archive.addfile(info, io.BytesIO(picture(20 + k)))
    return out.getvalue()


def _zips() -> Iterator[Plant]:
    whole = _good_zip()
    for k, data in enumerate(cuts(whole, 10)):
        yield plant(f"cut-{k}.zip", data, NOT_WHOLE_ARCHIVE)
    for seed in range(8):
        yield plant(f"flipped-{seed}.zip", flipped(whole, seed, 0, len(whole), 5))
    yield plant("no-name.bin", whole, SCREENED)
    yield plant("a-zip.jpg", whole, SCREENED)
    yield plant("behind-a-picture.jpg", picture(16) + whole, SCREENED)
    yield plant("end-only.zip", whole[-22:], ())
    yield plant("twice.zip", whole + whole, ())
    yield plant("rubbish-before.zip", bytes(9999) + whole, ())
    yield plant("signatures.zip", b"PK\x03\x04" * 5000, NOT_WHOLE_ARCHIVE | {"encrypted"})
    members = [Member(name, picture(30 + k)) for k, name in enumerate(HOSTILE_NAMES)]
    yield plant("hostile-names.zip", zipped(members), SCREENED)
    yield plant(
        "one-name.zip", zipped([Member(b"same.jpg", picture(k)) for k in range(9)]), SCREENED
    )


def _lying_zips() -> Iterator[Plant]:
    data = picture(17)
    good = Member(b"good.jpg", data)
    yield plant("wrong-crc.zip", zipped([Member(b"a.jpg", data, crc=1), good]), "damaged_member")
    yield plant("encrypted.zip", zipped([Member(b"a.jpg", data, flags=1), good]), "encrypted")
    for method in (6, 10, 97, 99, 65_535):
        made = zipped([Member(b"a.jpg", data, method=method), good])
        yield plant(f"method-{method}.zip", made, "unsupported_compression")
    for method in (12, 14, 93, 95):
        made = zipped([Member(b"a.jpg", data, method=method, raw=b"rubbish" * 9), good])
        yield plant(f"rubbish-{method}.zip", made, "damaged_member")
    for name, size in (("short", 9), ("long", 10**6), ("4-gb", 0xFFFFFFFE), ("zip64", 0xFFFFFFFF)):
        made = zipped([Member(b"a.jpg", data, size=size), good])
        yield plant(f"size-{name}.zip", made, NOT_WHOLE_ARCHIVE)
        made = zipped([Member(b"a.jpg", data, stored=size), good])
        yield plant(f"stored-{name}.zip", made, NOT_WHOLE_ARCHIVE)
    yield plant("other-local-name.zip", zipped([Member(b"a.jpg", data, local_name=b"../b"), good]))
    for count in (0, 1, 60_000):
        yield plant(f"claims-{count}.zip", zipped([good] * 3, count=count))
    for shift in (-1, 1, 10**9):
        yield plant(f"directory-at-{shift}.zip", zipped([good, good], shift=shift))
    descriptor = b"PK\x07\x08" + struct.pack("<III", zlib.crc32(data), len(good.body), len(data))
    behind = Member(b"a.jpg", data, flags=8, after=descriptor)
    yield plant("descriptor.zip", zipped([behind, good]), SCREENED)
    stream = zipped([behind])
    end = stream.index(b"PK\x07\x08")
    for cut in (1, 4, 9, 15):
        yield plant(f"descriptor-cut-{cut}.zip", stream[: end + cut], NOT_WHOLE_ARCHIVE)
    folder = Member(b"folder/", b"", method=0)
    yield plant("folder-only.zip", zipped([folder]), "directory")
    yield plant("folder-with-data.zip", zipped([Member(b"folder/", data)]))


def _zeros(count: int) -> bytes:
    """Raw deflate of `count` MiB of zeros, made from one block that is repeated."""
    engine = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = engine.compress(bytes(1 << 20)) + engine.flush(zlib.Z_FULL_FLUSH)
    return block * count + engine.flush()


def _overlapping() -> Iterator[Plant]:
    # every record of the directory points to the same compressed bytes
    size = 8 << 20
    kernel = Member(b"00000.bin", b"", raw=_zeros(8), crc=zlib.crc32(bytes(size)), size=size)
    first = zipped([kernel])
    at = len(first) - 22 - len(_record(kernel, 0))
    records = b"".join(_record(replace(kernel, name=b"%05d.bin" % k), 0) for k in range(1000))
    yield plant("overlapping.zip", first[:at] + records + _end(1000, len(records), at), _SPENT)


def bombs() -> Iterator[Plant]:
    """Small files that expand to gigabytes."""
    bomb = _zeros(3000)
    zeros = Member(b"zeros.bin", b"", raw=bomb, size=3000 << 20)
    yield plant("bomb.zip", zipped([zeros]), _SPENT)
    many = [Member(b"%03d.bin" % k, b"", raw=_zeros(8), size=8 << 20) for k in range(99)]
    yield plant("many.zip", zipped(many), (_SPENT, "damaged_member"))
    gz = struct.pack("<BBBBIBB", 31, 139, 8, 0, 0, 0, 255) + bomb
    yield plant("bomb.gz", gz, _SPENT)
    yield plant("bomb.tar.gz", gzip.compress(gz, 1), _SPENT)
    yield plant("gz-in.tar", _entry(b"bomb.gz", gz) + bytes(1024), _SPENT)
    yield plant("zip-in.zip", zipped([Member(b"bomb.zip", zipped([zeros]), method=0)]), _SPENT)
    tar = tar_header(b"zeros", _octal(3000 << 20)) + bytes(1 << 20)
    yield plant("bomb.tar.bz2", bz2.compress(tar) + bz2.compress(bytes(32 << 20)) * 90, _SPENT)
    yield plant("bomb.tar.xz", lzma.compress(tar) + lzma.compress(bytes(32 << 20)) * 90, _SPENT)


def tar_header(name: bytes, size: bytes, kind: bytes = b"0", *, off: int = 0) -> bytes:
    """A ustar header (POSIX.1-2017, pax); `size` as it stands in its field, `off` on the sum."""
    fields = name[:100].ljust(100, b"\0") + b"0000644\0" + b"0000000\0" * 2 + size.rjust(12, b"0")
    fields += b"00000000000\0" + b" " * 8 + kind + bytes(100) + b"ustar\x0000"
    fields = fields.ljust(512, b"\0")
    return fields[:148] + b"%06o\0 " % (sum(fields) + off) + fields[156:]


def _octal(number: int) -> bytes:
    return b"%011o\0" % number


def _pad(data: bytes) -> bytes:
    return data + bytes(-len(data) % 512)


def _entry(name: bytes, data: bytes, kind: bytes = b"0", size: bytes | None = None) -> bytes:
    return tar_header(name, _octal(len(data)) if size is None else size, kind) + _pad(data)


def _tars() -> Iterator[Plant]:
    whole = _good_tar()
    good = _entry(b"good.jpg", picture(27))
    for k, data in enumerate(cuts(whole[:-10_240] + bytes(1024), 10)):
        yield plant(f"cut-{k}.tar", data, NOT_WHOLE_ARCHIVE)
    for seed in range(8):
        yield plant(f"flipped-{seed}.tar", flipped(whole, seed, 0, len(whole) - 9000, 5))
    bad_sum = tar_header(b"a.jpg", _octal(4), off=1) + _pad(b"data")
    yield plant("bad-sum.tar", good + bad_sum + good + bytes(1024), NOT_WHOLE_ARCHIVE)
    sizes = {
        "4-gb": _octal(2**32),
        "8-eb": b"\x80" + (2**63 - 1).to_bytes(11, "big"),
        "more-than-8-eb": b"\x80" + b"\xff" * 11,
        "negative": b"\xff" * 12,
        "no-number": b"rubbish!!!!!",
        "minus": b"-0000000777\0",
    }
    for name, size in sizes.items():
        data = good + _entry(b"a.jpg", picture(28), size=size) + good + bytes(1024)
        yield plant(f"size-{name}.tar", data, NOT_WHOLE_ARCHIVE)
    records = {
        "length-absurd": b"99999999999999999999 path=a.jpg\n",
        "length-negative": b"-5 path=a.jpg\n",
        "length-zero": b"0 path=a.jpg\n",
        "no-length": b"path=a.jpg\n",
        "size-absurd": b"30 size=9223372036854775807\n",
        "size-negative": b"11 size=-5\n",
        "no-end": b"12 path=a.jp",
        "sparse": b"22 GNU.sparse.major=1\n26 GNU.sparse.realsize=99\n",
    }
    for name, record in records.items():
        data = _entry(b"pax", record, b"x") + _entry(b"a.jpg", picture(29)) + good + bytes(1024)
        yield plant(f"pax-{name}.tar", data)
    yield plant(
        "pax-of-8-gb.tar", tar_header(b"pax", _octal(2**33 - 1), b"x") + good, NOT_WHOLE_ARCHIVE
    )
    yield plant(
        "name-of-8-gb.tar", tar_header(b"@", _octal(2**33 - 1), b"L") + good, NOT_WHOLE_ARCHIVE
    )
    names = b"".join(
        _entry(b"@", _pad(name), b"L") + _entry(b"n", picture(40 + k))
        for k, name in enumerate(HOSTILE_NAMES)
    )
    yield plant("hostile-names.tar", names + bytes(1024), SCREENED)
    links = b"".join(_entry(b"l%d" % k, b"", kind) for k, kind in enumerate((b"1", b"2")))
    yield plant("links.tar", links + good + bytes(1024), "link")
    specials = b"".join(_entry(b"s%d" % k, b"", kind) for k, kind in enumerate((b"3", b"4", b"6")))
    yield plant("specials.tar", specials + bytes(1024), "special")
    yield plant("other-kinds.tar", b"".join(_entry(b"o", b"", bytes((k,))) for k in range(65, 91)))
    yield plant("no-end.tar", good, ())
    yield plant("rubbish-behind.tar", good + bytes(1024) + b"rubbish" * 999, ())
    yield plant("endless-names.tar", _entry(b"@", b"n" * 9000, b"L") * 200 + good)


def _compressed() -> Iterator[Plant]:
    zstd = pa.Codec("zstd")
    for ending, compress in (
        ("gz", lambda data: gzip.compress(data, mtime=0)),
        ("bz2", bz2.compress),
        ("xz", lzma.compress),
        ("zst", lambda data: zstd.compress(data, asbytes=True)),
    ):
        tar, one = compress(_good_tar()), compress(picture(50))
        for k, data in enumerate(cuts(tar, 4)):
            yield plant(f"cut-{k}.tar.{ending}", data, NOT_WHOLE_ARCHIVE)
        for seed in range(4):
            yield plant(f"flipped-{seed}.tar.{ending}", flipped(tar, seed, 8, len(tar), 4))
        yield plant(f"one.jpg.{ending}", one, SCREENED)
        yield plant(f"cut.jpg.{ending}", one[: len(one) // 2], NOT_WHOLE_ARCHIVE)
        yield plant(f"magic.{ending}", one[:6])
        yield plant(f"rubbish-behind.jpg.{ending}", one + b"rubbish" * 99)
        yield plant(f"wrong-name.{ending}.zip", tar, SCREENED)


def _nested() -> Iterator[Plant]:
    zips = tars = gzips = picture(60)
    for k in range(DEPTH):
        zips = zipped([Member(b"%d.zip" % k if k else b"a.jpg", zips, method=0)])
        tars = _entry(b"%d.tar" % k if k else b"a.jpg", tars) + bytes(1024)
        gzips = gzip.compress(gzips, mtime=0)
    yield plant("nested.zip", zips, "too_deep")
    yield plant("nested.tar", tars, "too_deep")
    yield plant("nested.gz", gzips, "too_deep")
