"""EnCase, HashKeeper and ICSE files."""

from __future__ import annotations

import re

import pytest

from brightline.errors import ListFormatError
from brightline.lists.collected import Skip
from brightline.types import SignalType
from tests.lists.formats.making import (
    HSH_HEADER,
    ICSE_HEADER,
    base64_text,
    digits,
    encase,
    hsh,
    hsh_row,
    icse,
    icse_row,
    photodna,
    read,
    table,
)
from tests.lists.helpers import value

MD5S = [value(SignalType.MD5, n) for n in range(20_000)]


def test_encase() -> None:
    found = read(encase(MD5S))
    assert found.format == "encase"
    assert [group.entries[0].value for group in found.groups] == MD5S
    assert {group.entries[0].category for group in found.groups} == {"Notable"}
    assert read(encase([], category="")).groups == []
    assert read(encase(MD5S[:1], category="Д")).groups[0].entries[0].category == "Д"


@pytest.mark.parametrize(
    ("data", "trouble"),
    [
        (encase(MD5S)[:-1], "record 20000 is cut off"),
        (encase(MD5S)[:-18], "counts 20000 hashes and there are 19999"),
        (encase(MD5S) + bytes(18), "counts 20000 hashes and there are 20001"),
        (encase(MD5S)[:0x47F], "header .* cut off"),
        (encase(MD5S[:3])[:-1] + b"x", r"record 3 \(unknown record layout\)"),
        (b"HASH\r\n\xff\0", "cut off"),
    ],
)
def test_an_encase_file_that_is_cut_or_unknown_is_refused(data: bytes, trouble: str) -> None:
    with pytest.raises(ListFormatError, match=trouble) as caught:
        read(data)
    assert "nothing was imported" in str(caught.value)


def test_hashkeeper() -> None:
    found = read(hsh(hsh_row(1), hsh_row(2)))
    assert found.format == "hashkeeper"
    assert found.signals() == [[("md5", digits("md5", 1))], [("md5", digits("md5", 2))]]
    assert [group.provenance.source_id for group in found.groups] == ["1", "2"]
    latin = hsh(hsh_row(1)).replace(b"ne\\edle", b"caf\xe9")
    assert read(latin).signals() == found.signals()[:1]
    assert read(table([["HASH", "File_ID", "hashset_id"], [digits("md5"), 9, 1]])).groups


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (hsh([*hsh_row()[:4], "needle"]), "line 2 (wrong length)"),
        (hsh(hsh_row(), ["1", "2"]), "line 3 (missing column)"),
        (table([[*HSH_HEADER, "hash"]]), "line 1 (column named twice)"),
        (hsh(hsh_row()) + b'"needle"x,', "line 3 (faulty quoting)"),
    ],
)
def test_a_bad_hashkeeper_line(data: bytes, fault: str) -> None:
    with pytest.raises(ListFormatError, match=re.escape(fault)) as caught:
        read(data, "hashkeeper")
    assert "needle" not in str(caught.value)


def test_icse() -> None:
    pdna = base64_text(photodna())
    found = read(
        icse(
            icse_row(1, "Yes", "Series; A", pdna),
            icse_row(2, "0"),
            ["", "", pdna, "I3", *[""] * 8],
            ["", "", "", "I4", *[""] * 8],
            [*icse_row(5, "maybe")],
        )
    )
    assert found.format == "icse"
    plain = [[("md5", digits("md5", n)), ("sha1", digits("sha1", n))] for n in (1, 2, 5)]
    assert [signals for signals in found.signals() if signals] == plain
    assert found.skipped == {Skip.OPAQUE_ONLY: 1, Skip.NO_SIGNAL: 1}
    full = [group for group in found.groups if group.entries]
    assert [group.entries[0].category for group in full] == ["baseline", "", "maybe"]
    assert full[0].entries[0].labels == ("Series; A",)
    assert full[0].opaque == (("photodna", photodna()),)
    assert full[1].provenance.source_id == "I2"


def test_an_icse_file_with_a_mark_and_lower_case() -> None:
    data = b"\xef\xbb\xbf" + icse(icse_row()).lower()
    assert read(data).signals() == read(icse(icse_row())).signals()


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (icse([digits("sha1"), *icse_row()[1:]]), "line 2 (wrong length)"),
        (icse(icse_row(), [digits("md5")]), "line 3 (missing column)"),
        (icse(icse_row(pdna="needle")), "line 2 (wrong length)"),
        (table([ICSE_HEADER[1:]], ";"), "line 1 (missing column)"),
        (icse(icse_row(series="ne\0edle")), "line 2 (NUL byte)"),
    ],
)
def test_a_bad_icse_line(data: bytes, fault: str) -> None:
    with pytest.raises(ListFormatError, match=re.escape(fault)) as caught:
        read(data, "icse")
    assert "needle" not in str(caught.value)
