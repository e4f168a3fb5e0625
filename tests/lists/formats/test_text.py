"""Lists as CSV and digest text: what is read and refused; a refusal shows nothing of a line."""

from __future__ import annotations

import hashlib
import io
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brightline.errors import ListError, ListFormatError
from brightline.lists import collected as columns
from brightline.lists.formats import FORMATS, read_entries
from brightline.signals.url import normalise_url
from brightline.types import SignalType
from tests.lists.helpers import parse, rows, value

MD5 = value(SignalType.MD5, 1).hex()
SHA1 = value(SignalType.SHA1, 1).hex()
SHA256 = value(SignalType.SHA256, 1).hex()
PDQ = value(SignalType.PDQ, 1).hex()
URL = "https://Example.org/a?b=c,d"


def fields(
    data: str | bytes, format_name: str | None = None
) -> list[tuple[str, str, str | None, tuple[str, ...]]]:
    raw = data.encode() if isinstance(data, str) else data
    return [(str(t), v.hex(), c, labels) for t, v, c, labels in rows(parse(raw, format_name)[0])]


# --- CSV ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "digits", "signal"),
    [
        ("md5", MD5, "md5"),
        ("MD5", MD5, "md5"),
        ("HASH_MD5", MD5, "md5"),
        ("sha1", SHA1, "sha1"),
        ("SHA-1", SHA1, "sha1"),
        ("hash_sha1", SHA1, "sha1"),
        ("sha256", SHA256, "sha256"),
        ("Sha-256", SHA256, "sha256"),
        ("HASH_SHA256", SHA256, "sha256"),
        ("pdq", PDQ, "pdq"),
        ("HASH_PDQ", PDQ, "pdq"),
        ("url-sha256", SHA256, "url"),
    ],
)
def test_types_in_our_words_and_in_threatexchanges(word: str, digits: str, signal: str) -> None:
    for line in (f"{digits},{word}\n", f" {digits.upper()} ,\t{word} \n", f'"{digits}","{word}"\n'):
        assert fields(line) == [(signal, digits, None, ())]


@pytest.mark.parametrize("word", ["url", "URL", "uri"])
def test_an_address_is_kept_as_the_digest_of_its_normal_form(word: str) -> None:
    normal = normalise_url(URL)
    assert normal is not None
    digest = hashlib.sha256(normal.encode()).hexdigest()
    assert fields(f'"{URL}",{word}\n') == [("url", digest, None, ())]
    assert fields(f"{digest},url-sha256\n") == fields(f'" {URL}",{word}\n')


EXPECTED = [
    ("md5", MD5, "A1", ("x", "y z")),
    ("pdq", PDQ, None, ()),
    ("sha1", SHA1, "Ä,2", ()),
]
PLAIN = f'{MD5},md5,A1,x, y z\n{PDQ},pdq\n{SHA1},sha1,"Ä,2",,\n'


@pytest.mark.parametrize(
    "data",
    [
        PLAIN.encode(),
        b"\xef\xbb\xbf" + PLAIN.encode(),
        PLAIN.replace("\n", "\r\n").encode(),
        PLAIN.replace("\n", "\r").encode(),
        PLAIN.rstrip("\n").encode(),
        PLAIN.replace(PDQ, PDQ.upper()).encode(),
        b"\n  \n" + PLAIN.replace("\n", "\n\n").encode(),
        b"indicator,type,category,tag,more\n" + PLAIN.encode(),
        b"\xef\xbb\xbfIndicator, TYPE ,Category,tag,more\r\n" + PLAIN.encode(),
        b"\r\nindicator,type,category\r\n" + PLAIN.encode(),
        (
            f'indicator,a,category,b,type\n{MD5},x,A1,y z,md5\n{PDQ},,,,pdq\n{SHA1},,"Ä,2",,sha1\n'
        ).encode(),
    ],
)
def test_one_list_in_many_spellings(data: bytes) -> None:
    assert fields(data) == EXPECTED
    assert fields(data, "csv") == EXPECTED


def test_a_header_without_category_gives_none() -> None:
    assert fields(f"indicator,type,note\n{MD5},md5,A1\n") == [("md5", MD5, None, ("A1",))]


def test_a_quoted_cell_may_hold_a_line_end() -> None:
    assert fields(f'{MD5},md5,"A\n1"\n{SHA1},sha1\n')[0] == ("md5", MD5, "A\n1", ())


def test_a_header_alone_is_an_empty_list() -> None:
    for data in ("indicator,type", "indicator,type,category\r\n", "\ufeffindicator,type\n\n"):
        assert fields(data) == []


# --- digests --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (f"{MD5}  name.jpg", ("md5", MD5)),
        (f"{MD5.upper()} *name.jpg", ("md5", MD5)),
        (f"\\{SHA1}  na\\nme.jpg", ("sha1", SHA1)),
        (f"\\{SHA1} *na\\nme.jpg", ("sha1", SHA1)),
        (SHA256, ("sha256", SHA256)),
        (f"  {SHA256}\t", ("sha256", SHA256)),
        (f"{MD5}  name, with, commas,md5", ("md5", MD5)),
        (f"MD5 (name.jpg) = {MD5}", ("md5", MD5)),
        (f"SHA1 (na) = me (x)) = {SHA1.upper()}", ("sha1", SHA1)),
        (f"\\SHA256 (na\\nme) = {SHA256}", ("sha256", SHA256)),
        (f"SHA256(name)= {SHA256}", ("sha256", SHA256)),
    ],
)
def test_digest_text(line: str, expected: tuple[str, str]) -> None:
    for data in (line, f"{line}\n", f"\ufeff# made by x\n\n{line}\r\n"):
        assert parse(data.encode())[1] == "digests"
        assert fields(data) == [(*expected, None, ())]


def test_digest_text_of_mixed_length_keeps_no_names() -> None:
    data = f"{SHA256}  b\n{MD5}  caf".encode() + b"\xe9.jpg\n" + f"{SHA1}\n".encode()
    assert [row[:2] for row in fields(data)] == [("sha256", SHA256), ("md5", MD5), ("sha1", SHA1)]


def test_comments_alone_are_an_empty_list() -> None:
    assert fields("# nothing yet\n\n") == []


# --- refusals -------------------------------------------------------------------------------

BAD = [
    ("csv", f"{MD5}0,md5", "wrong length"),
    ("csv", f"{MD5},sha1", "wrong length"),
    ("csv", ",md5", "wrong length"),
    ("csv", f"{MD5[:-1]}g,md5", "not hexadecimal"),
    ("csv", f"{MD5[:15]} {MD5[16:]},md5", "not hexadecimal"),
    ("csv", f"0x{MD5[2:]},md5", "not hexadecimal"),
    ("csv", f"{MD5[:-1]}\u0664,md5", "not hexadecimal"),
    ("csv", f"{MD5},whirlpool", "unknown type"),
    ("csv", f"{MD5},", "unknown type"),
    ("csv", MD5, "missing column"),
    ("csv", "needle,url", "not an address"),
    ("csv", f'"{MD5}"needle,md5', "faulty quoting"),
    ("csv", f"{MD5},md5,needle\0", "NUL byte"),
    ("csv", b"\xffneedle,md5", "not UTF-8 text"),
    ("digests", f"{MD5}0  needle", "wrong length"),
    ("digests", "needle", "wrong length"),
    ("digests", f"{MD5[:-1]}g  needle", "not hexadecimal"),
    ("digests", f"MD5 (needle) = {SHA1}", "wrong length"),
    ("digests", f"SHA512 (needle) = {SHA1}", "wrong length"),
    ("digests", f"MD5 (needle) = {MD5[:-1]}g", "not hexadecimal"),
    ("digests", f"{MD5}  needle\0", "NUL byte"),
    ("digests", "\\", "wrong length"),
]


@pytest.mark.parametrize(("name", "line", "fault"), BAD)
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_bad_line_is_named_by_number_only(
    name: str, line: str | bytes, fault: str, end: bytes
) -> None:
    raw = line.encode() if isinstance(line, str) else line
    good = f"{SHA1},sha1" if name == "csv" else SHA1
    data = end.join([b"", good.encode(), raw, good.encode(), b""])
    with pytest.raises(ListFormatError) as caught:
        parse(data, name)
    message = str(caught.value)
    assert f"1 line cannot be used: line 3 ({fault})" in message
    assert "\n" not in message
    for piece in re.findall(r"[0-9a-f]{6,}|needle|whirlpool", raw.decode("latin-1")):
        assert piece not in message


def test_ten_lines_are_named_and_all_are_counted() -> None:
    lines = [f"{MD5},md5" if n % 2 else f"{MD5}x,md5" for n in range(100)]
    with pytest.raises(ListFormatError) as caught:
        parse("\n".join(lines).encode())
    message = str(caught.value)
    assert "50 lines cannot be used" in message
    assert re.findall(r"line (\d+) ", message) == [str(n) for n in range(1, 20, 2)]
    assert message.endswith("and 40 more")


def test_line_numbers_are_physical() -> None:
    data = f'{MD5},md5,"A\n\n1"\n\n{MD5},md5\n{MD5},bad,"x\ny"\n{MD5},worse\n'
    with pytest.raises(ListFormatError) as caught:
        parse(data.encode())
    assert re.findall(r"line (\d+) ", str(caught.value)) == ["6", "8"]


def test_lines_are_counted_across_blocks() -> None:
    line = f"{PDQ},pdq,{'c' * 60}\n"
    count = 3 * (1 << 20) // len(line)
    for bad in (b"\xff", b"\0", b"x"):
        data = line.encode() * count + bad + line.encode() * 2
        with pytest.raises(ListFormatError, match=f"line {count + 1} "):
            parse(data)


def test_an_unclosed_quote_is_refused() -> None:
    for rest in (f"{MD5},md5\n" * 3, f"{MD5},md5\n" * 5000):
        with pytest.raises(ListFormatError, match=r"line 2 \(faulty quoting\)") as caught:
            parse(f'{MD5},md5\n"{MD5},md5\n{rest}'.encode())
        assert MD5 not in str(caught.value)


@pytest.mark.parametrize(
    ("header", "fault"),
    [
        ("indicator,category", "missing column"),
        ("indicator", "missing column"),
        ("indicator,type,Type", "column named twice"),
        ("indicator,type,category,category", "column named twice"),
        ("indicator,type,indicator", "column named twice"),
    ],
)
def test_a_bad_header(header: str, fault: str) -> None:
    with pytest.raises(ListFormatError, match=rf"1 line cannot be used: line 1 \({fault}\)"):
        parse(f"{header}\n{MD5},md5\n".encode())


def test_no_bytes_are_no_list() -> None:
    for name in (None, "csv", "digests"):
        with pytest.raises(ListFormatError, match="empty"):
            parse(b"", name)


@pytest.mark.parametrize(
    "data",
    [b"hello world\n", b"PK\x03\x04\0\0", f"{MD5},md5\n".encode("utf-32"), b"\xff" * 100, b"{}"],
)
def test_what_is_no_list_is_not_guessed_at(data: bytes) -> None:
    with pytest.raises(ListFormatError, match="cannot be told"):
        parse(data)
    for name in ("csv", "digests"):
        with pytest.raises(ListFormatError):
            parse(data, name)


def test_an_endless_line_is_not_read_to_its_end() -> None:
    for name in ("csv", "digests"):
        with pytest.raises(ListFormatError, match=r"line 2 \(line too long\)"):
            parse(
                f"{MD5},md5\n".encode().replace(b",md5", b",md5" if name == "csv" else b"")
                + b"a" * (5 << 20),
                name,
            )


def test_too_many_categories(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "MAX_CATEGORIES", 3)
    data = "".join(f"{MD5},md5,c{n}\n" for n in range(3))
    assert len(fields(data)) == 3
    with pytest.raises(ListFormatError, match=r"line 4 \(too many different categories\)"):
        parse(f"{data}{MD5},md5,needle\n".encode())


def test_an_unknown_format_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ListError, match=r"known formats: .*vics.*csv, digests") as caught:
        parse(b"x", "needle")
    assert "needle" not in str(caught.value)
    for candidate in FORMATS:
        assert candidate.name in str(caught.value)


def test_a_first_line_with_a_bad_type_is_still_csv() -> None:
    with pytest.raises(ListFormatError, match=r"line 1 \(unknown type\)"):
        parse(f"{MD5},whirlpool\n{MD5},md5\n".encode())


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=300), st.sampled_from(["csv", "digests", None]))
def test_any_bytes_are_read_or_refused_in_one_line(data: bytes, name: str | None) -> None:
    try:
        read_entries(io.BufferedReader(io.BytesIO(data)), "FILE", name)
    except ListError as error:
        assert re.fullmatch(
            r"FILE [a-zA-Z0-9 :,;()-]+|the format of FILE [a-zA-Z0-9 ;,-]+"
            r"|cannot read the list file FILE: [a-zA-Z ]+",
            str(error),
        )


signals = st.sampled_from(["md5", "sha1", "sha256", "pdq", "url-sha256"])
cell = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=5).map(str.strip)


@settings(deadline=None)
@given(st.lists(st.tuples(signals, st.integers(0, 5), cell, st.lists(cell, max_size=3))))
def test_what_a_csv_writer_wrote_is_read_back(
    given_rows: list[tuple[str, int, str, list[str]]],
) -> None:
    import csv

    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(["indicator", "type"])
    expected: dict[tuple[str, str, str | None], dict[str, None]] = {}
    for kind, number, category, labels in given_rows:
        signal = SignalType(kind.removesuffix("-sha256") if kind.startswith("url") else kind)
        digits = value(signal, number).hex()
        writer.writerow([digits, kind, category, *labels])
        entry = expected.setdefault((str(signal), digits, category or None), {})
        entry.update(dict.fromkeys(label for label in labels if label))
    data = out.getvalue().replace("indicator,type", "indicator,type,category", 1)
    assert fields(data) == [(*key, tuple(labels)) for key, labels in expected.items()]
