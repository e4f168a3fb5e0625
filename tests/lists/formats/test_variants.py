"""List files as other programs than ours spell them: encodings, separators, prefixes, orders."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from brightline.errors import ListFormatError
from brightline.lists import import_list, open_list
from brightline.lists.collected import Skip
from tests.lists.formats.making import (
    CONTEXT_1,
    CONTEXT_2,
    base64_text,
    digits,
    media,
    photodna,
    read,
    vics,
)

MD5, SHA1, PDQ = (digits(name) for name in ("md5", "sha1", "pdq"))
PLAIN = [("md5", MD5), ("sha1", SHA1)]

_UTF_16 = [
    lambda text: text.encode("utf-16"),
    lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
    lambda text: text.encode("utf-16-le"),
    lambda text: text.encode("utf-16-be"),
]
_ICSE = (
    "MD5;SHA1;PhotoDNA;Image ID;Is distributed;Victim identified;Offender identified;"
    "Series name;Number of submissions;File Available;Media Type;Baseline\r\n"
)


@pytest.mark.parametrize("encode", _UTF_16)
@pytest.mark.parametrize(
    "text",
    [
        vics(media(Series="Ünï 😀")).decode(),
        json.dumps(json.loads(vics(media())), indent=2).replace("\n", "\r\n"),
        f"{MD5}  näme 😀.jpg\r\n{SHA1} *x\r\n",
        f"{MD5},md5,Ä\n{SHA1},sha1\n",
        f"{_ICSE}{MD5};{SHA1};;1;;;;Ü;;;;\r\n",
        f"md5 {MD5}\nsha1 {SHA1}\n",
    ],
)
def test_utf_16_reads_as_utf_8_does(encode: object, text: str) -> None:
    assert callable(encode)
    found, plain = read(encode(text)), read(text.encode())
    assert (found.format, found.groups) == (plain.format, plain.groups)
    assert {pair for record in found.signals() for pair in record} == set(PLAIN)


@pytest.mark.parametrize("size", [1, 2, 3, 4096])
def test_utf_16_across_reads(size: int) -> None:
    """Surrogate pairs, and the rest of the file, whatever the pieces that come."""
    import io

    from brightline.lists.formats.encodings import recoded

    class Pieces(io.BytesIO):
        def readinto(self, buffer: object, /) -> int:
            data = super().read(min(size, len(memoryview(buffer))))  # type: ignore[arg-type]
            memoryview(buffer)[: len(data)] = data  # type: ignore[arg-type]
            return len(data)

    text = "a😀é\n" * 50
    pieces: io.RawIOBase = Pieces(b"\xff\xfe" + text.encode("utf-16-le"))  # type: ignore[assignment]
    assert recoded(io.BufferedReader(pieces, 8), "utf-16-le").read() == text.encode()


@pytest.mark.parametrize(
    ("data", "trouble"),
    [
        (f"{MD5},md5,A\n".encode("utf-16") + b"x", "line 2 "),
        (f"{MD5},md5,A\n".encode("utf-16") + b"\x00\xd8\n\x00", "line 2 "),
        (f"{MD5},md5\n\0\n".encode("utf-16"), r"line 2 \(NUL byte\)"),
        (vics(media()).decode().encode("utf-16")[:-3], "not JSON"),
    ],
)
def test_broken_utf_16_is_refused_where_it_breaks(data: bytes, trouble: str) -> None:
    with pytest.raises(ListFormatError, match=trouble):
        read(data)


@pytest.mark.parametrize("separator", [";", "\t"])
@pytest.mark.parametrize("header", ["indicator|type|category|tag", "Indicator| TYPE ", None])
def test_csv_with_semicolons_or_tabs(separator: str, header: str | None) -> None:
    rows = [
        *([header] if header else []),
        f'"{MD5.upper()}"|md5|A1|"x, y"',
        f" 0x{SHA1.upper()} | SHA1 ||",
        "https://example.org/?a=1;b=2|url" if separator == "\t" else f"{PDQ}|pdq",
    ]
    data = "\r\n".join(rows).replace("|", separator).encode()
    assert read(data).format == "csv"
    commas = "\r\n".join(rows).replace("|", ",").encode()
    assert read(data).groups == read(commas).groups
    assert len(read(data, "csv").groups) == 3


def test_a_name_with_a_separator_is_no_csv() -> None:
    for name in ("a;md5", "a,md5", "a\tmd5;md5"):
        found = read(f"{MD5}  {name}\n".encode())
        assert (found.format, found.signals()) == ("digests", [[("md5", MD5)]])


def test_photodna_in_csv_is_kept_and_counted() -> None:
    texts = [base64_text(photodna(1)), photodna(2).hex().upper()]
    rows = [f"{texts[0]},PhotoDNA,A1,x", f"{MD5},md5", f"{texts[1]},pdna"]
    found = read("\n".join(rows).encode())
    assert found.format == "csv" and found.skipped == {Skip.OPAQUE_ONLY: 2}
    assert found.signals() == [[], [("md5", MD5)], []]
    assert [group.opaque for group in found.groups] == [
        (("photodna", photodna(1)),),
        (),
        (("photodna", photodna(2)),),
    ]
    with pytest.raises(ListFormatError, match=r"line 2 \(wrong length\)"):
        read(f"{MD5},md5\n{MD5},photodna\n".encode())


def test_comments_in_csv() -> None:
    data = f"# from a desk, md5\nindicator,type\n#, x\n{MD5},md5\n".encode()
    assert read(data).signals() == [[("md5", MD5)]]


@pytest.mark.parametrize("prefix", ["0x", "0X", ""])
def test_hexadecimal_with_a_prefix(prefix: str) -> None:
    assert read(f"{prefix}{MD5.upper()}\n".encode()).signals() == [[("md5", MD5)]]
    assert read(f"{prefix}{PDQ},pdq\n".encode()).signals() == [[("pdq", PDQ)]]
    assert read(vics(media(MD5=prefix + MD5))).signals() == [PLAIN]
    for wrong in ("0y", "x", "0x0x"):
        with pytest.raises(ListFormatError, match="line 2 "):
            read(f"{MD5}\n{wrong}{MD5}\n".encode())


# --- VICS -----------------------------------------------------------------------------------


def document(**members: object) -> bytes:
    return json.dumps(members).encode()


@pytest.mark.parametrize(
    "data",
    [
        # what says that these are Media comes late, or behind much else
        document(Filler="x" * 900_000, **{"@odata.context": CONTEXT_2 + "Media"}, value=[media()]),
        document(Filler=["x" * 70_000] * 2, value=[media()]),
        document(value=[media()], **{"@odata.context": CONTEXT_2 + "Media"}),
        # a Media that names its case is no Case, and the context may be wrong
        document(**{"odata.metadata": CONTEXT_1 + "Media"}, value=[media(CaseID="{1}")]),
        document(**{"odata.metadata": CONTEXT_1 + "Media"}, value=[{"CaseID": "{1}"} | media()]),
        document(**{"odata.metadata": CONTEXT_1 + "Cases"}, value=[media()]),
        # a Case beside one without Media
        document(value=[{"CaseID": "1", "Media": [media()]}, {"CaseID": "2"}]),
    ],
)
def test_where_things_stand_is_no_matter(data: bytes) -> None:
    found = read(data)
    assert (found.format, found.signals()) == ("vics", [PLAIN])
    assert not found.skipped


def test_hashes_of_the_copies_are_the_medias() -> None:
    copy = {"MD5": MD5.upper(), "FileName": "a", "ParentMD5": digits("md5", 9)}
    more = copy | {"AlternativeHashes": [{"MD5": MD5, "HashName": "PDQ", "HashValue": PDQ}]}
    assert read(vics(media(MediaFiles=[copy, more, copy, None]))).signals() == [
        [*PLAIN, ("pdq", PDQ)]
    ]
    bare = {"MediaID": 1, "Category": 1}
    assert read(vics(bare | {"MediaFiles": [copy, copy | {"SHA1": SHA1}]})).signals() == [PLAIN]
    # what is unsound in a copy is no matter beside a Media's own
    odds: tuple[object, ...] = ("x", None, [], {"AlternativeHashes": "x"})
    for odd in odds:
        assert read(vics(media(MediaFiles=[{"MD5": odd}]))).signals() == [PLAIN]
    with pytest.raises(ListFormatError, match=r"record 1 \(wrong length\)"):
        read(vics(bare | {"MediaFiles": [{"MD5": "needle"}]}))
    many = [{"MD5": digits("md5", n)} for n in range(300)]
    with pytest.raises(ListFormatError, match="too many labels or hashes"):
        read(vics(media(MediaFiles=many)))


# --- pipes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [1, 3, 40])
def test_a_list_that_comes_through_a_pipe_in_pieces(tmp_path: Path, first: int) -> None:
    data = vics(media(), media(2)).decode().encode("utf-16")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reached = threading.Event()

    def write() -> None:
        with pipe.open("wb", buffering=0) as out:
            out.write(data[:first])
            reached.wait(0.05)
            out.write(data[first:])

    writer = threading.Thread(target=write)
    writer.start()
    manifest, _ = import_list(tmp_path / "lists", "a", pipe)
    writer.join()
    assert manifest.source_format == "vics"
    assert len(open_list(tmp_path / "lists", "a")) == 4
