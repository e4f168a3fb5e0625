"""Lists written to files: what comes back on import, and that each loss is counted."""

from __future__ import annotations

import io
import json
import os
import stat
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brightline.errors import ListError
from brightline.lists import import_list, open_list
from brightline.lists.collected import Collected
from brightline.lists.duplicates import finish
from brightline.lists.exporting import ExportFormat, Loss, export_list
from brightline.lists.exporting.csv_file import write_csv
from brightline.lists.exporting.groups import Group, groups
from brightline.lists.exporting.losses import Exported
from brightline.lists.exporting.vics_file import write_vics
from brightline.lists.formats import read_entries
from brightline.lists.provenance import Provenance
from brightline.lists.records import Record
from brightline.types import SignalType
from tests.lists.formats.making import base64_text, digits, media, photodna, vics
from tests.lists.helpers import value

MD5, SHA1, SHA256, PDQ, URL = SignalType


def grouped(records: Iterable[Record]) -> list[Group]:
    """Records as a list holds them: duplicates collapsed."""
    collected = Collected()
    for record in records:
        collected.add_record(record)
    return list(groups(finish(collected)[0]))


def back(text: str, format_name: str) -> list[Group]:
    """What an import of a written file finds."""
    raw: io.RawIOBase = io.BytesIO(text.encode())  # type: ignore[assignment]
    stream: io.BufferedReader = io.BufferedReader(raw)
    return list(groups(finish(read_entries(stream, "FILE", format_name)[0])[0]))


def written(records: list[Group], form: ExportFormat) -> tuple[str, Exported]:
    """A list as a file's text."""
    out = io.StringIO(newline="")
    done = (write_csv if form is ExportFormat.CSV else write_vics)(out, records)
    return out.getvalue(), done


def bag(found: Iterable[Group]) -> Counter[object]:
    """Entries without what ties them."""
    return Counter(
        (entry.signal, entry.value, entry.category, frozenset(entry.labels))
        for group in found
        for entry in group.entries
    )


def merged(found: Iterable[Group]) -> dict[object, set[str]]:
    """Entries in order, with the labels of all that are equal where no record tells them apart."""
    entries: dict[object, set[str]] = {}
    for group in found:
        for entry in group.entries:
            key = entry.signal, entry.value, entry.category
            entries.setdefault(key, set()).update(entry.labels)
    return entries


def tied(found: Iterable[Group]) -> Counter[object]:
    """Records with all that they say."""
    return Counter(
        (frozenset(bag([group]).items()), frozenset(group.opaque), group.provenance)
        for group in found
    )


text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
signal = st.tuples(st.sampled_from(SignalType), st.integers(0, 30)).map(
    lambda pair: (pair[0], value(*pair))
)
opaque = st.one_of(
    st.integers(0, 3).map(lambda n: ("photodna", photodna(n))),
    st.tuples(st.sampled_from(["f1", "photodna", "tmk-pdqf", "pdq"]), st.binary(max_size=4)),
)
dates = st.sampled_from(["", "2024-01-02T03:04:05Z", "2024-01-02", "yesterday"])
record = st.builds(
    Record,
    signals=st.lists(signal, max_size=4, unique=True).map(tuple),
    opaque=st.lists(opaque, max_size=2, unique=True).map(tuple),
    category=st.one_of(st.sampled_from(["", "0", "1", "02", "A1"]), text),
    labels=st.lists(text, max_size=3, unique=True).map(tuple),
    submitter=text,
    source_id=st.one_of(st.sampled_from(["", "0", "17", "x", "99999999999999999999"]), text),
    changed=dates,
)
#: what VICS holds: an MD5 first, a number as category, an id in digits
kept = st.builds(
    Record,
    signals=st.tuples(
        st.integers(0, 10**6).map(lambda n: (MD5, value(MD5, n))),
        st.lists(signal, max_size=4).map(tuple),
    ).map(lambda pair: tuple(dict.fromkeys((pair[0], *pair[1])))),
    opaque=st.lists(
        st.one_of(
            st.integers(0, 3).map(lambda n: ("photodna", photodna(n))),
            st.tuples(st.just("f1"), st.sampled_from([b"a", "\u00e4".encode()])),
        ),
        max_size=2,
        unique=True,
    ).map(tuple),
    category=st.sampled_from(["", "0", "1", "17"]),
    labels=st.lists(text.filter(bool), max_size=3, unique=True).map(tuple),
    submitter=text.map(str.strip),
    source_id=st.one_of(st.just(""), st.integers(0, 2**63 - 1).map(str)),
    changed=st.sampled_from(["", "2024-01-02T03:04:05Z", "2024-01-02T03:04:05.600000Z"]),
)


@settings(deadline=None, max_examples=150)
@given(st.lists(record, max_size=6))
def test_csv_holds_all_entries_and_counts_what_it_does_not_hold(records: list[Record]) -> None:
    given_groups = grouped(records)
    file, done = written(given_groups, ExportFormat.CSV)
    found = back(file, "csv")
    assert done.entries == done.written == sum(len(group.entries) for group in given_groups)
    assert done.lost == +Counter(
        {
            Loss.TIES: sum(len(group.entries) > 1 for group in given_groups),
            Loss.PROVENANCE: sum(group.provenance != Provenance() for group in given_groups),
            Loss.OPAQUE: sum(len(group.opaque) for group in given_groups),
            Loss.TEXTS: done.lost[Loss.TEXTS],
        }
    )
    if not done.lost[Loss.TEXTS]:
        assert list(merged(found).items()) == list(merged(given_groups).items())
    stripped = sum(
        entry.category != entry.category.strip()
        or any(not label or label != label.strip() for label in entry.labels)
        for group in given_groups
        for entry in group.entries
    )
    assert done.lost[Loss.TEXTS] == stripped


def loses_nothing(group: Group) -> bool:
    """Whether merging of duplicates left the record something that VICS holds."""
    first = next(iter(group.entries), None)
    return first is not None and all(
        entry.category == first.category and set(entry.labels) == set(first.labels)
        for entry in group.entries
    )


@settings(deadline=None, max_examples=150)
@given(st.lists(kept, max_size=6))
def test_vics_brings_back_all_that_it_can_hold(records: list[Record]) -> None:
    given_groups = grouped(records)
    file, done = written(given_groups, ExportFormat.VICS)
    found = [group for group in back(file, "vics") if group.entries or group.opaque]
    with_md5 = [g for g in given_groups if any(e.signal is MD5 for e in g.entries)]
    assert done.entries == sum(len(group.entries) for group in given_groups)
    assert done.written == sum(len(group.entries) for group in with_md5)
    assert done.lost[Loss.NO_MD5] == len(given_groups) - len(with_md5)
    assert not done.lost[Loss.PROVENANCE] and not done.lost[Loss.CATEGORIES]
    if all(loses_nothing(group) for group in with_md5):
        assert set(done.lost) <= {Loss.NO_MD5, Loss.OPAQUE}
        assert tied(found) == tied(with_md5)
        assert written(found, ExportFormat.VICS)[1].lost == Counter()
    else:
        assert done.lost[Loss.UNEVEN]


@settings(deadline=None, max_examples=200)
@given(st.lists(record, max_size=5))
def test_what_vics_changes_is_counted(records: list[Record]) -> None:
    """Record for record: nothing counted, nothing changed."""
    for group in grouped(records):
        file, done = written([group], ExportFormat.VICS)
        found = back(file, "vics")
        if not done.lost:
            assert tied(found) == tied([group])
        else:
            assert tied(found) != tied([group])
        if not done.lost[Loss.NO_MD5]:
            assert done.written == done.entries
            assert {(e.signal, e.value) for g in found for e in g.entries} == {
                (e.signal, e.value) for e in group.entries
            }
        else:
            assert (done.written, found) == (0, [])


def test_a_vics_file_is_valid_json_of_the_models_shape() -> None:
    labelled = Record(
        ((PDQ, value(PDQ, 1)), (MD5, value(MD5, 1)), (SHA256, value(SHA256, 1))),
        (("photodna", photodna()),),
        "2",
        ("one", "two"),
        "Agency",
        "77",
        "2024-01-02T03:04:05Z",
    )
    plural = Record(((MD5, value(MD5, 2)), (MD5, value(MD5, 3))), labels=("a;b",))
    document = json.loads(written(grouped([labelled, plural]), ExportFormat.VICS)[0])
    assert document["@odata.context"].endswith("2.0.xml/CUSTOM/$metadata#Media")
    first, second = document["value"]
    assert first == {
        "MediaID": 77,
        "Category": 2,
        "DateUpdated": "2024-01-02T03:04:05Z",
        "PrecategorizationSource": "Agency",
        "Tags": "one;two",
        "MD5": digits("md5").upper(),
        "PhotoDNA": base64_text(photodna()),
        "AlternativeHashes": [
            {"MD5": digits("md5").upper(), "HashName": "PDQ", "HashValue": digits("pdq")},
            {
                "MD5": digits("md5").upper(),
                "HashName": "SHA256",
                "HashValue": digits("sha256").upper(),
            },
        ],
    }
    assert second["Tags"] == ["a;b"]
    assert second["Category"] is None
    assert [h["HashName"] for h in second["AlternativeHashes"]] == ["MD5"]


@pytest.mark.parametrize("form", list(ExportFormat))
def test_a_snapshot_goes_out_and_comes_back(tmp_path: Path, form: ExportFormat) -> None:
    source = tmp_path / "list.json"
    source.write_bytes(vics(*(media(n, Tags="t") for n in range(50))))
    lists = tmp_path / "lists"
    first, _ = import_list(lists, "one", source)
    out = tmp_path / "out"
    old = os.umask(0)
    try:
        done = export_list(open_list(lists, "one"), out, form)
    finally:
        os.umask(old)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert done.written == done.entries == first.entries == 100
    assert bool(done.lost) is (form is ExportFormat.CSV)
    again, _ = import_list(lists, "two", out)
    assert again.source_format == form
    assert bag(groups(open_list(lists, "two").entries())) == bag(
        groups(open_list(lists, "one").entries())
    )
    with pytest.raises(ListError, match="exists; remove it"):
        export_list(open_list(lists, "one"), out, form)


def test_nothing_is_left_where_a_file_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "list.json"
    source.write_bytes(vics(media()))
    import_list(tmp_path / "lists", "one", source)
    opened = open_list(tmp_path / "lists", "one")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("brightline.lists.exporting.write_vics", full)
    folder = tmp_path / "out"
    with pytest.raises(ListError, match=r"cannot write .*: No space left"):
        export_list(opened, folder / "a.json", ExportFormat.VICS)
    assert list(folder.iterdir()) == []


def test_losses_are_said_in_sentences() -> None:
    records = [Record(((PDQ, value(PDQ, n)),), category="A1") for n in range(3)]
    records += [Record(((MD5, value(MD5, 1)), (URL, value(URL, 1))), category="A1")]
    _, done = written(grouped(records), ExportFormat.VICS)
    assert done.sentences() == [
        "entries not written: 3 of 5",
        "records whose category is no number: 1",
        "records without an MD5, which the format needs: 3",
    ]
