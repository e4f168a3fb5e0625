"""Columns: duplicates collapse, and the content digest means what its definition says."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brightline.errors import DamagedError
from brightline.lists import entries_file
from brightline.lists.collected import TYPES
from brightline.lists.content import Settings, content_digest
from brightline.lists.duplicates import finish
from brightline.lists.entries import Entries
from brightline.lists.entries_file import read_entries_file, write_entries
from brightline.types import Pipeline, Role, SignalType
from tests.lists.helpers import Row, collected, rows, value

row = st.tuples(
    st.sampled_from(TYPES),
    st.integers(0, 3),
    st.sampled_from([None, "A", "B", "é"]),
    st.lists(st.sampled_from(["x", "y", "z w"]), max_size=2, unique=True).map(tuple),
).map(lambda r: (r[0], value(r[0], r[1]), r[2], r[3]))
some_rows = st.lists(row, max_size=30)


def digest(entries: Entries) -> str:
    return content_digest(entries, Settings())


def collapse(given_rows: list[Row]) -> list[Row]:
    """The definition, by dictionary."""
    seen: dict[tuple[SignalType, bytes, str | None], dict[str, None]] = {}
    for signal, raw, category, labels in given_rows:
        seen.setdefault((signal, raw, category), {}).update(dict.fromkeys(labels))
    return [(*key, tuple(labels)) for key, labels in seen.items()]


@settings(deadline=None)
@given(some_rows)
def test_duplicates_collapse_to_the_first_with_all_labels(given_rows: list[Row]) -> None:
    entries, duplicates = finish(collected(given_rows))
    assert rows(entries) == collapse(given_rows)
    assert duplicates == len(given_rows) - len(entries)
    ids = np.concatenate([entries.ids(signal) for signal in TYPES])
    assert sorted(ids.tolist()) == list(range(len(entries)))
    assert all(len(entries.ids(t)) == len(entries.values[t]) for t in TYPES)
    assert sum(entries.counts().values()) == len(entries)
    uncategorised = sum(r[2] is None for r in rows(entries))
    assert sum(entries.category_counts().values()) == len(entries) - uncategorised


def test_values_that_begin_alike_are_not_duplicates() -> None:
    base = value(SignalType.PDQ, 0)
    given_rows: list[Row] = []
    for byte in range(32):
        changed = bytearray(base)
        changed[byte] ^= 1
        given_rows.append((SignalType.PDQ, bytes(changed), None, ()))
    entries, duplicates = finish(collected(given_rows * 2))
    assert duplicates == 32
    assert rows(entries) == given_rows


def test_a_value_in_two_categories_is_two_entries() -> None:
    raw = value(SignalType.MD5, 1)
    given_rows: list[Row] = [
        (SignalType.MD5, raw, category, ()) for category in (None, "A", "B", "A", None)
    ]
    entries, duplicates = finish(collected(given_rows))
    assert rows(entries) == given_rows[:3]
    assert duplicates == 2


def by_definition(given_rows: list[Row]) -> str:
    """`content_digest`'s docstring again, row by row."""
    names = list(dict.fromkeys(r[2] for r in given_rows if r[2] is not None))
    head = {
        "categories": names,
        "entries": len(given_rows),
        "format": "brightline-list-1",
        "pdq_min_quality": 50,
        "pdq_threshold": 31,
        "pipeline": "unknown",
        "role": "known-bad",
    }
    order = ["md5", "sha1", "sha256", "pdq", "url"]
    out = json.dumps(head, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    out += bytes(order.index(str(r[0])) for r in given_rows)
    for r in given_rows:
        out += (0 if r[2] is None else names.index(r[2]) + 1).to_bytes(2, "little")
    for kind in order:
        out += b"".join(r[1] for r in given_rows if r[0] == kind)
    for number, r in enumerate(given_rows):
        if r[3]:
            out += json.dumps([number, *r[3]], separators=(",", ":")).encode() + b"\n"
    return f"sha256:{hashlib.sha256(out).hexdigest()}"


@settings(deadline=None)
@given(some_rows)
def test_the_digest_is_the_one_defined(given_rows: list[Row]) -> None:
    entries, _ = finish(collected(given_rows))
    assert digest(entries) == by_definition(collapse(given_rows))


def test_the_digest_of_an_empty_list_never_changes() -> None:
    head = (
        b'{"categories":[],"entries":0,"format":"brightline-list-1","pdq_min_quality":50,'
        b'"pdq_threshold":31,"pipeline":"unknown","role":"known-bad"}\n'
    )
    assert digest(finish(collected([]))[0]) == f"sha256:{hashlib.sha256(head).hexdigest()}"


def test_the_digest_tells_every_difference() -> None:
    first: Row = (SignalType.MD5, value(SignalType.MD5, 1), "A", ("x",))
    second: Row = (SignalType.PDQ, value(SignalType.PDQ, 1), None, ())
    entries, _ = finish(collected([first, second]))
    others: list[list[Row]] = [
        [second, first],
        [first],
        [(*first[:2], "B", ("x",)), second],
        [(*first[:2], None, ("x",)), second],
        [(*first[:3], ()), second],
        [(*first[:3], ("x", "y")), second],
        [first, (*second[:3], ("x",))],
        [first, (SignalType.SHA256, second[1], None, ())],
        [first, (SignalType.PDQ, value(SignalType.PDQ, 2), None, ())],
    ]
    digests = {digest(finish(collected(other))[0]) for other in others}
    for changed in (
        Settings(role=Role.KNOWN_GOOD),
        Settings(pipeline=Pipeline.FULL),
        Settings(pdq_threshold=30),
        Settings(pdq_min_quality=49),
        Settings(scheme="us"),
    ):
        digests.add(content_digest(entries, changed))
    digests.add(digest(entries))
    assert len(digests) == len(others) + 5 + 1


@settings(deadline=None, max_examples=50)
@given(some_rows, st.sampled_from([1, 3, 1 << 18]))
def test_entries_round_trip_through_parquet(
    tmp_path_factory: pytest.TempPathFactory, given_rows: list[Row], batch: int
) -> None:
    path = tmp_path_factory.mktemp("entries")
    entries, _ = finish(collected(given_rows))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(entries_file, "_BATCH", batch)
        write_entries(path, entries)
        again = read_entries_file(path, entries.category_names)
    assert rows(again) == rows(entries)
    assert digest(again) == digest(entries)


def test_other_programs_can_read_the_parquet(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    given_rows: list[Row] = [
        (SignalType.MD5, value(SignalType.MD5, 1), "A", ("x", "y")),
        (SignalType.PDQ, value(SignalType.PDQ, 1), None, ()),
    ]
    write_entries(tmp_path, finish(collected(given_rows))[0])
    assert pq.read_table(tmp_path / "entries.parquet").to_pylist() == [
        {
            "entry": 0,
            "type": "md5",
            "value": given_rows[0][1],
            "category": "A",
            "labels": ["x", "y"],
        },
        {"entry": 1, "type": "pdq", "value": given_rows[1][1], "category": None, "labels": None},
    ]


def test_a_damaged_parquet_is_said_so(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "entries.parquet"
    given_rows: list[Row] = [(SignalType.MD5, value(SignalType.MD5, 1), "A", ())]
    write_entries(tmp_path, finish(collected(given_rows))[0])
    whole = path.read_bytes()
    with pytest.raises(DamagedError):
        read_entries_file(tmp_path, ("B",))
    table = pq.read_table(path)
    pq.write_table(table.set_column(2, "value", pa.array([b"short"])), path)
    with pytest.raises(DamagedError):
        read_entries_file(tmp_path, ("A",))
    for data in (b"", whole[:-4], whole[4:], b"x" * 100):
        path.write_bytes(data)
        with pytest.raises(DamagedError) as caught:
            read_entries_file(tmp_path, ("A",))
        assert "\n" not in str(caught.value)
