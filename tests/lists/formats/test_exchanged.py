"""What python-threatexchange and HMA write."""

from __future__ import annotations

import json
import pickle
import re
from typing import Any

import pytest

from brightline.errors import ListFormatError
from brightline.lists.collected import Skip
from brightline.lists.provenance import Provenance
from brightline.signals.url import url_digest
from tests.lists.formats.making import digits, hma, photodna, read, table, update

PDQ = [("pdq", digits("pdq"))]
URL = "https://example.org/a b"[:21]
DATASET = ["signal_type", "signal_str", "collab", "category", "tags"]


def document(*records: Any) -> bytes:
    """Records one after another, a line each."""
    return "\n".join(json.dumps(record) for record in records).encode()


def test_the_dataset_as_csv() -> None:
    found = read(
        table(
            [
                DATASET,
                ["pdq", digits("pdq").upper(), "My Collab", "POSITIVE_CLASS", "a b"],
                ["video_md5", digits("md5"), "", "NEGATIVE_CLASS", ""],
                ["url", URL, "c", "DISPUTED", ""],
                ["photodna", photodna().hex(), "c", "", ""],
                ["trend_query", "needle", "c", "", ""],
                ["tlsh_pdf", "needle", "c", "", ""],
            ]
        )
    )
    assert found.format == "threatexchange-csv"
    digest = url_digest(URL)
    assert digest is not None
    assert [signals for signals in found.signals() if signals] == [
        PDQ,
        [("md5", digits("md5"))],
        [("url", digest.hex())],
    ]
    assert found.groups[0].provenance == Provenance("My Collab")
    assert found.groups[0].entries[0].labels == ("a", "b")
    assert [g.entries[0].category for g in found.groups[:3]] == [
        "POSITIVE_CLASS",
        "NEGATIVE_CLASS",
        "DISPUTED",
    ]
    assert found.skipped == {Skip.OPAQUE_ONLY: 1, Skip.NO_SIGNAL: 2}


def test_a_query_as_csv_and_as_json_lines() -> None:
    columns = ["id", "indicator", "type", "status", "tags", "owner_id", "last_updated"]
    row = ["12", digits("pdq"), "HASH_PDQ", "MALICIOUS", "a b", "17", "2024-01-02T03:04:05+0000"]
    by_table = read(table([columns, row]))
    assert by_table.format == "threatexchange-csv"
    by_lines = read(document(dict(zip(columns, row, strict=True)) | {"tags": ["a", "b"]}))
    assert by_lines.format == "threatexchange-json"
    for found in (by_table, by_lines):
        assert found.signals() == [PDQ]
        assert found.groups[0].provenance == Provenance("17", "12", "2024-01-02T03:04:05Z")
        assert found.groups[0].entries[0].category == "MALICIOUS"
        assert found.groups[0].entries[0].labels == ("a", "b")


@pytest.mark.parametrize(
    "more", ["", " 'My Collab' POSITIVE_CLASS a,b", ' "it\'s" POSITIVE_CLASS', " POSITIVE_CLASS"]
)
def test_lines_of_type_and_value(more: str) -> None:
    found = read(f"pdq {digits('pdq')}{more}\n\nvideo_md5 {digits('md5')}\n".encode())
    assert found.format == "threatexchange-text"
    assert found.signals() == [PDQ, [("md5", digits("md5"))]]
    assert found.groups[0].entries[0].category == ("POSITIVE_CLASS" if more else "")
    if "a,b" in more:
        assert found.groups[0].entries[0].labels == ("a", "b")
        assert found.groups[0].provenance.submitter == "My Collab"


def test_pages_of_threat_updates() -> None:
    two = [
        {"owner": {"id": "1"}, "status": "MALICIOUS", "tags": {"data": [{"text": "t"}]}},
        {"owner": {"id": "2"}, "status": "NON_MALICIOUS"},
    ]
    gone = {key: text for key, text in update(5).items() if key != "descriptors"}
    pages = [
        {"data": [update(1), update(2, should_delete=True)], "paging": {"next": "needle"}},
        {"data": [update(3, descriptors={"data": two}), update(4, descriptors={}), gone]},
        {"data": [update(6, type="HASH_MD5", indicator=digits("md5", 6))]},
    ]
    found = read(document(*pages))
    assert found.format == "threatexchange-json"
    assert found.signals() == [
        [("pdq", digits("pdq", 1))],
        [("pdq", digits("pdq", 3))],
        [("md5", digits("md5", 6))],
    ]
    assert found.skipped == {Skip.DELETED: 3}
    first, disputed = (group.entries[0] for group in found.groups[:2])
    assert (first.category, first.labels) == ("MALICIOUS", ("t",))
    assert (disputed.category, disputed.labels) == (
        "DISPUTED",
        ("t", "MALICIOUS", "NON_MALICIOUS"),
    )
    assert found.groups[0].provenance == Provenance("17", "1", "2023-11-14T22:13:20Z")
    assert found.groups[1].provenance.submitter == "1,2"


@pytest.mark.parametrize(
    "data",
    [
        document(hma(1), hma(2)),
        json.dumps([hma(1), hma(2)], indent=1).encode(),
        b"\xef\xbb\xbf" + document(hma(1), hma(2)),
    ],
)
def test_bank_content(data: bytes) -> None:
    found = read(data)
    assert found.format == "hma"
    assert found.signals() == [[("pdq", digits("pdq", 1))], [("pdq", digits("pdq", 2))]]
    assert found.groups[0].provenance == Provenance("EXCHANGE", "1")
    assert found.groups[0].entries[0].labels == ("BANK",)


def test_disabled_bank_content_and_content_without_signals_are_counted() -> None:
    found = read(
        document(
            hma(1, disable_until_ts=0),
            hma(2, disable_until_ts=1_700_000_000),
            hma(3, signals={"raw_text": "needle"}),
            hma(4, signals={"photodna": photodna().hex(), "md5": digits("md5", 4)}),
            {"id": 5, "disable_until_ts": 1},
        )
    )
    assert found.skipped == {Skip.DELETED: 1, Skip.NO_SIGNAL: 2}
    assert [signals for signals in found.signals() if signals] == [
        [("pdq", digits("pdq", 2))],
        [("md5", digits("md5", 4))],
    ]


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (table([DATASET, ["pdq", "needle", "", "", ""]]), "line 2 (wrong length)"),
        (table([DATASET, ["url", "needle", "", "", ""]]), "line 2 (not an address)"),
        (table([DATASET, ["pdq"]]), "line 2 (missing column)"),
        (f"pdq {digits('pdq')}\nneedle".encode(), "line 2 (missing column)"),
        (f"pdq {digits('pdq')} 'needle".encode(), "line 1 (not a record)"),
        (document(update(), update(indicator="needle")), "record 2 (wrong length)"),
        (document({"data": [update(), 5]}), "record 2 (not a record)"),
        (document({"data": "needle", "indicator": 1}), "record 1 (a plain value where"),
        (document(update(descriptors={"data": [1]})), "record 1 (a structure where"),
        (document(update(descriptors={"data": {}})), "record 1 (a structure where"),
        (document(update(descriptors="needle")), "record 1 (a structure where"),
        (document(update(id=[1])), "record 1 (a structure where"),
        (document(update(last_updated=10**14)), "record 1 (not a date)"),
        (document(hma(), hma(signals={"pdq": "needle"})), "record 2 (wrong length)"),
        (document(hma(signals={"pdq": 5})), "record 1 (a structure where"),
        (document(hma(signals="needle")), "record 1 (a structure where"),
        (document(hma(), 7), "record 2 (not a record)"),
        (document(hma())[:-1], "record 2 (cut off or not JSON)"),
    ],
)
def test_a_bad_record_refuses_the_file_by_number(data: bytes, fault: str) -> None:
    with pytest.raises(ListFormatError, match=re.escape(fault)) as caught:
        read(data)
    assert "needle" not in str(caught.value)


class _Trap:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return exec, ("raise SystemExit('a pickle ran')",)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("name", [None, "csv", "hma"])
def test_pickles_are_refused_and_not_read(protocol: int, name: str | None) -> None:
    with pytest.raises(ListFormatError, match="pickle, which can run any code"):
        read(pickle.dumps(_Trap(), protocol), name)
