"""The difference between versions, against the definition."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brightline.lists import ListDiff, diff, import_list, open_list
from brightline.lists.collected import TYPES, Collected
from brightline.lists.difference import compare
from brightline.lists.entries import finish
from brightline.lists.records import Record
from brightline.types import SignalType
from tests.lists.helpers import Row, collected, csv_file, value

some_rows = st.lists(
    st.tuples(
        st.sampled_from([SignalType.MD5, SignalType.SHA1, SignalType.PDQ]),
        st.integers(0, 6),
        st.sampled_from([None, "A", "B"]),
    ).map(lambda r: (r[0], value(r[0], r[1]), r[2], ())),
    max_size=25,
)


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


@settings(deadline=None, max_examples=200)
@given(some_rows, some_rows)
def test_the_difference_is_the_one_defined(old: list[Row], new: list[Row]) -> None:
    before, _ = finish(collected(old))
    after, _ = finish(collected(new))
    assert compare(before, after) == by_definition(old, new)


@settings(deadline=None, max_examples=100)
@given(some_rows, some_rows)
def test_what_several_origins_say_is_said_once(old: list[Row], new: list[Row]) -> None:
    sides = []
    for given_rows in (old, new):
        made = Collected()
        for number, (signal, raw, category, _) in enumerate(given_rows):
            made.add_record(
                Record(((signal, raw),), category=category or "", source_id=str(number))
            )
        sides.append(finish(made)[0])
        assert len(sides[-1]) == len(given_rows)
    assert compare(*sides) == by_definition(old, new)


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
def test_a_list_against_itself(empty: bool) -> None:
    given_rows: list[Row] = [] if empty else [(SignalType.MD5, value(SignalType.MD5, 1), None, ())]
    entries, _ = finish(collected(given_rows))
    found = compare(entries, entries)
    assert found.unchanged == ({} if empty else {"md5": 1})
    assert not sum((*found.added.values(), *found.removed.values(), *found.recategorised.values()))
