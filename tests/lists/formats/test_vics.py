"""Project VIC JSON, and each of the format's known traps."""

from __future__ import annotations

import io
import json
import re
import tracemalloc
from typing import Any

import pytest

from brightline.errors import ListFormatError
from brightline.lists.collected import Collected, Skip
from brightline.lists.exporting.groups import Group
from brightline.lists.formats.faults import Faults
from brightline.lists.formats.interface import Source
from brightline.lists.formats.vics import Vics
from brightline.lists.provenance import Provenance
from tests.lists.formats.making import (
    alternative,
    base64_text,
    digits,
    media,
    photodna,
    read,
    vics,
)

PLAIN = [("md5", digits("md5")), ("sha1", digits("sha1"))]


def one(**fields: Any) -> Group:
    """The record of a file with one Media."""
    found = read(vics(media(**fields)))
    assert found.format == "vics"
    return found.groups[0]


@pytest.mark.parametrize("model", [1, 2])
@pytest.mark.parametrize("cases", [False, True])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_both_models_both_kinds_with_and_without_a_mark(
    model: int, cases: bool, mark: bytes
) -> None:
    data = mark + vics(*(media(n) for n in range(5)), model=model, cases=cases)
    found = read(data)
    assert found.format == "vics"
    assert found.signals() == [
        [("md5", digits("md5", n)), ("sha1", digits("sha1", n))] for n in range(5)
    ]
    assert [g.provenance.source_id for g in found.groups] == [str(n) for n in range(5)]
    assert not found.skipped


def test_a_file_without_a_context_is_known_by_its_media() -> None:
    assert read(json.dumps({"value": [media()]}).encode()).signals() == [PLAIN]


def test_provenance_and_labels_are_kept_and_comments_are_not() -> None:
    group = one(
        MediaID="77",
        DateUpdated="2024-05-06T07:08:09.1234567+02:00",
        PrecategorizationSource=" Agency ",
        Series="Drawn",
        Tags="one; two;;one",
    )
    assert group.provenance == Provenance("Agency", "77", "2024-05-06T05:08:09.123456Z")
    assert group.entries[0].labels == ("Drawn", "one", "two")
    assert one(Tags=["a;b", "c"], Series=None).entries[0].labels == ("a;b", "c")


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2024-05-06T07:08:09Z", "2024-05-06T07:08:09Z"),
        ("2024-05-06T07:08:09", "2024-05-06T07:08:09Z"),
        ("2024-05-06T00:30:00+02:00", "2024-05-05T22:30:00Z"),
        ("2024-05-06", "2024-05-06T00:00:00Z"),
        ("", ""),
        (None, ""),
    ],
)
def test_dates_are_kept_in_utc(text: str | None, utc: str) -> None:
    assert one(DateUpdated=text).provenance.changed == utc


@pytest.mark.parametrize(
    ("written", "category"),
    [(0, "0"), (1, "1"), ("2", "2"), (None, ""), ("", ""), (-1, "-1")],
)
def test_category_zero_is_a_category_and_null_is_none(written: object, category: str) -> None:
    assert {entry.category for entry in one(Category=written).entries} == {category}


def test_truth_values_and_sizes_of_any_spelling_are_no_matter() -> None:
    truths: tuple[object, ...] = ("true", "False", True, False, None, 0, [], {})
    for truth in truths:
        group = one(IsPrecategorized=truth, VictimIdentified=truth, MediaSize=truth)
        assert [(str(e.signal), e.value.hex()) for e in group.entries] == PLAIN


def test_hexadecimal_of_either_case() -> None:
    assert one(MD5=digits("md5"), SHA1=digits("sha1")).entries == one().entries


def test_alternative_hashes_give_signals() -> None:
    group = one(
        AlternativeHashes=[
            alternative("PDQ", digits("pdq").upper()),
            alternative("SHA-256", digits("sha256")),
            alternative("sha_1", digits("sha1", 2)),
            alternative("URL-SHA256", digits("url")),
            alternative("MD5", digits("md5")),
            alternative("F1", "opaque text"),
            alternative("PhotoDNA", base64_text(photodna())),
            alternative("PDQ", None),
        ]
    )
    assert [(str(e.signal), e.value.hex()) for e in group.entries] == [
        *PLAIN,
        ("pdq", digits("pdq")),
        ("sha256", digits("sha256")),
        ("sha1", digits("sha1", 2)),
        ("url", digits("url")),
    ]
    assert group.opaque == (("f1", b"opaque text"), ("photodna", photodna()))


@pytest.mark.parametrize("text", [base64_text(photodna()), photodna().hex().upper()])
def test_photodna_is_kept_as_it_is(text: str) -> None:
    assert one(PhotoDNA=text).opaque == (("photodna", photodna()),)


def test_a_record_that_cannot_be_matched_is_counted_by_reason() -> None:
    bare = {"MediaID": 3, "Category": 1}
    found = read(vics(media(), bare | {"PhotoDNA": photodna().hex(), "MD5": ""}, bare))
    assert found.skipped == {Skip.OPAQUE_ONLY: 1, Skip.NO_SIGNAL: 1}
    assert [opaque for group in found.groups for opaque in group.opaque] == [
        ("photodna", photodna())
    ]
    assert [signals for signals in found.signals() if signals] == [PLAIN]


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"MD5": digits("md5") + "0"}, "wrong length"),
        ({"MD5": "needle" + digits("md5")[6:]}, "not hexadecimal"),
        ({"MD5": 5}, "wrong length"),
        ({"SHA1": digits("md5")}, "wrong length"),
        ({"PhotoDNA": "needle"}, "wrong length"),
        ({"PhotoDNA": "!" * 192}, "not base64"),
        ({"PhotoDNA": "x" * 288}, "not hexadecimal"),
        ({"MD5": {"needle": 1}}, "a structure where a plain value belongs"),
        ({"Category": True}, "not a category"),
        ({"Category": 1.5}, "not a category"),
        ({"DateUpdated": "needle"}, "not a date"),
        ({"DateUpdated": "0001-01-01T00:00:00+05:00"}, "not a date"),
        ({"Tags": "nee\0dle"}, "NUL byte"),
        ({"Series": "needle" * 1000}, "text too long"),
        ({"Tags": [str(n) for n in range(300)]}, "too many labels or hashes in one record"),
        ({"Tags": [["needle"]]}, "a structure where a plain value belongs"),
        ({"AlternativeHashes": "needle"}, "a structure where a plain value belongs"),
        ({"AlternativeHashes": ["needle"]}, "a structure where a plain value belongs"),
        ({"AlternativeHashes": [alternative("PDQ", "needle")]}, "wrong length"),
        ({"AlternativeHashes": [alternative("needle!", "x")]}, "unknown type"),
        (
            {"AlternativeHashes": [alternative("PDQ", digits("pdq", n)) for n in range(300)]},
            "too many labels or hashes in one record",
        ),
    ],
)
def test_a_bad_record_refuses_the_file_by_number(fields: dict[str, Any], fault: str) -> None:
    with pytest.raises(ListFormatError) as caught:
        read(vics(media(5), media(**fields), media(6)))
    message = str(caught.value)
    assert f"1 record cannot be used: record 2 ({fault})" in message
    assert "needle" not in message
    assert not re.search(r"[0-9a-fA-F]{6,}", message)


def test_a_field_given_twice_is_refused() -> None:
    data = vics(media()).replace(b'"MD5": ', b'"MD5": "", "md5": ', 1)
    with pytest.raises(ListFormatError, match=r"record 1 \(field given twice\)"):
        read(data)


@pytest.mark.parametrize(
    ("data", "trouble"),
    [
        (vics(media(1), media(2))[:-40], r"record 2 \(cut off or not JSON\)"),
        (vics(media(1)) + b"needle", r"record 2 \(cut off or not JSON\)"),
        (vics(media(1)).replace(b'"1234"', b"9" * 5000), r"record 1 \(cut off"),
        (vics(media(1)).replace(b'"1234"', b"1e" + b"9" * 30 + b","), r"record 1 \(cut off"),
        (vics(media(1)).replace(b'"1234"', b"[" * 100 + b"]" * 100), r"record 1 \(nested too"),
        (vics(media(1)).replace(b"1234", b"x" * (3 << 20)), r"record 1 \(text too long\)"),
        (vics(media(1)).replace(b'"value"', b'"other"'), "no `value`"),
        (vics(media(1)).replace(b"[{", b"{", 1)[:-2] + b"}", r"record 1 \(a plain value where"),
        (vics().replace(b"[]", b'[1, "needle"]'), r"2 records cannot be used: record 1 \(not a re"),
        (vics().replace(b"}", b', "value": []}'), r"record 1 \(field given twice\)"),
        (b"[]", "record 1"),
    ],
)
def test_what_is_no_such_document_is_refused(data: bytes, trouble: str) -> None:
    with pytest.raises(ListFormatError, match=trouble) as caught:
        read(data, "vics")
    assert "needle" not in str(caught.value)


def test_a_media_with_very_many_files_is_one_record_in_flat_memory() -> None:
    files = [{"MD5": "x", "FileName": f"needle {n}", "FilePath": "a\\b"} for n in range(50_000)]
    data = vics(media(1, MediaFiles=files), media(2))
    tracemalloc.start()
    try:
        found = read(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(found.groups) == 2
    assert peak < len(data) + (3 << 20)  # the bytes themselves stand in memory here


class _Endless(io.RawIOBase):
    """A file of `count` Media that is made while it is read."""

    def __init__(self, count: int) -> None:
        self._left = count
        self._rest = vics().removesuffix(b"]}")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        while not self._rest and self._left >= 0:
            if self._left:
                each = media(self._left, DateUpdated="2024-01-02T03:04:05Z")
                self._rest = json.dumps(each).encode() + (b",\n" if self._left > 1 else b"")
            else:
                self._rest = b"]}"
            self._left -= 1
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


def _peak(count: int) -> int:
    faults = Faults("record")
    entries = Collected()
    tracemalloc.start()
    try:
        Vics().read(Source(io.BufferedReader(_Endless(count)), "FILE"), entries, faults)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        assert not faults.total
        assert len(entries.types) == 2 * count


def test_memory_grows_by_the_columns_alone() -> None:
    few, many = _peak(500), _peak(4500)
    assert (many - few) / 4000 < 300  # bytes a record, with growth of the columns by halves
