"""The difference between versions, against the definition."""

from __future__ import annotations

import tempfile
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brightline import storage
from brightline.errors import DamagedError
from brightline.lists import (
    Added,
    Change,
    ListDiff,
    Removed,
    apply_changes,
    changes,
    diff,
    difference,
    entries_file,
    import_list,
    list_versions,
    open_list,
)
from brightline.lists.collected import TYPES
from brightline.lists.records import Record
from brightline.types import SignalType
from tests.lists.helpers import Row, csv_file, rows, value

SIGNALS = [SignalType.MD5, SignalType.SHA1, SignalType.PDQ]

values = st.tuples(st.sampled_from(SIGNALS), st.integers(0, 4)).map(lambda v: (v[0], value(*v)))
some_changes = st.lists(
    st.one_of(
        st.builds(
            Added,
            st.builds(
                Record,
                signals=st.lists(values, min_size=1, max_size=2, unique=True).map(tuple),
                category=st.sampled_from(["", "A", "B"]),
                source_id=st.sampled_from(["", "1", "2", "3"]),
            ),
        ),
        values.map(Removed),
        st.sampled_from(["1", "2", "3"]).map(Removed),
    ),
    min_size=1,
    max_size=8,
)
some_histories = st.lists(some_changes, min_size=2, max_size=4)


def by_definition(old: list[Row], new: list[Row]) -> ListDiff:
    result = ListDiff({}, {}, {}, {})
    for signal in TYPES:
        sides: list[dict[bytes, set[str | None]]] = [{}, {}]
        for side, given_rows in zip(sides, (old, new), strict=True):
            for kind, raw, category, _ in given_rows:
                if kind is signal:
                    side.setdefault(raw, set()).add(category)
        before, after = sides
        if not before and not after:
            continue
        both = before.keys() & after.keys()
        result.added[str(signal)] = len(after.keys() - before.keys())
        result.removed[str(signal)] = len(before.keys() - after.keys())
        result.unchanged[str(signal)] = sum(before[raw] == after[raw] for raw in both)
        result.recategorised[str(signal)] = sum(before[raw] != after[raw] for raw in both)
    return result


def holds_for(history: list[list[Change]], compiled_anew: bool) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        lists = Path(folder, "lists")
        if not compiled_anew:
            patch.setattr(changes, "MERGE_FACTOR", 0)
            patch.setattr(changes, "REMOVED_SHARE", 1.0)
        for durably in ("fsync_file", "fsync_directory"):
            patch.setattr(storage, durably, lambda _: None)
        for some in history:
            apply_changes(lists, "x", some)
        opened = [open_list(lists, f"x@{m.version}") for m in list_versions(lists, "x")]
        sides = [(version, rows(version.entries())) for version in opened]
        for (old, before), (new, after) in product(sides, sides):
            assert diff(old, new) == by_definition(before, after)


@settings(deadline=None, max_examples=4)
@given(some_histories, st.booleans())
def test_the_difference_is_the_one_defined(
    history: list[list[Change]], compiled_anew: bool
) -> None:
    holds_for(history, compiled_anew)


@pytest.mark.long
@settings(deadline=None, max_examples=120)
@given(some_histories, st.booleans())
def test_the_difference_of_many_histories(history: list[list[Change]], compiled_anew: bool) -> None:
    holds_for(history, compiled_anew)


def test_versions_are_compared(tmp_path: Path) -> None:
    def row(number: int, category: str | None) -> Row:
        return SignalType.PDQ, value(SignalType.PDQ, number), category, ()

    old = [row(0, None), row(1, "A"), row(2, "A"), row(3, "B")]
    new = [row(3, "B"), row(2, "B"), row(0, "A"), row(9, "A"), row(8, None)]
    for given_rows in (old, new):
        import_list(tmp_path / "lists", "x", csv_file(tmp_path / "l.csv", given_rows))
    found = diff(open_list(tmp_path / "lists", "x@1"), open_list(tmp_path / "lists", "x@2"))
    assert found == ListDiff(
        added={"pdq": 2}, removed={"pdq": 1}, recategorised={"pdq": 2}, unchanged={"pdq": 1}
    )


@pytest.mark.parametrize("empty", [True, False])
def test_a_list_against_itself(tmp_path: Path, empty: bool) -> None:
    given_rows: list[Row] = [] if empty else [(SignalType.MD5, value(SignalType.MD5, 1), None, ())]
    import_list(tmp_path / "lists", "x", csv_file(tmp_path / "l.csv", given_rows))
    opened = open_list(tmp_path / "lists", "x")
    found = diff(opened, opened)
    assert found.unchanged == ({} if empty else {"md5": 1})
    assert not sum((*found.added.values(), *found.removed.values(), *found.recategorised.values()))


def test_what_is_shared_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first: list[Row] = [(SignalType.MD5, value(SignalType.MD5, n), "A", ()) for n in range(40)]
    import_list(tmp_path / "lists", "x", csv_file(tmp_path / "l.csv", first))
    added = Record(((SignalType.MD5, value(SignalType.MD5, 99)),))
    apply_changes(tmp_path / "lists", "x", [Added(added)])
    old, new = (open_list(tmp_path / "lists", f"x@{n}") for n in (1, 2))
    assert len(new.segments) == 2
    read: list[Path] = []
    whole = entries_file.read_values

    def watched(folder, *rest):  # type: ignore[no-untyped-def]
        read.append(folder)
        return whole(folder, *rest)

    monkeypatch.setattr(difference, "read_values", watched)
    assert diff(old, new).added == {"md5": 1}
    assert set(read) == {new.path}


def test_a_damaged_file_is_said_so(tmp_path: Path) -> None:
    for count in (3, 4):
        given_rows: list[Row] = [
            (SignalType.MD5, value(SignalType.MD5, n), None, ()) for n in range(count)
        ]
        import_list(tmp_path / "lists", "x", csv_file(tmp_path / "l.csv", given_rows))
    old, new = (open_list(tmp_path / "lists", f"x@{n}") for n in (1, 2))
    (new.path / "entries.parquet").write_bytes(b"PAR1")
    with pytest.raises(DamagedError, match=r"entries\.parquet is damaged"):
        diff(old, new)
