"""Conflicts between lists: counted as defined, sealed whole, and hiding nothing."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brightline.api import Screener, hash_bytes
from brightline.lists import (
    Conflict,
    ConflictKind,
    HashList,
    Removed,
    apply_changes,
    conflicting_entries,
    conflicts,
    import_list,
    open_list,
)
from brightline.lists.collected import TYPES
from brightline.types import Role, SignalType
from tests.lists.helpers import Row, csv_file, value

some_rows = st.lists(
    st.tuples(
        st.sampled_from([SignalType.MD5, SignalType.PDQ]),
        st.integers(0, 5),
        st.sampled_from([None, "A1", "B2"]),
    ).map(lambda r: (r[0], value(r[0], r[1]), r[2], ())),
    max_size=12,
)
roles = st.sampled_from(Role)
schemes = st.sampled_from([None, "ncmec", "us"])


def make(root: Path, name: str, given_rows: list[Row], role: Role, scheme: str | None) -> HashList:
    file = csv_file(root / f"{name}.csv", given_rows)
    import_list(root / "lists", name, file, role=role, scheme=scheme)
    return open_list(root / "lists", name)


def categories(given_rows: list[Row]) -> dict[tuple[SignalType, bytes], set[str | None]]:
    found: dict[tuple[SignalType, bytes], set[str | None]] = {}
    for signal, raw, category, _ in given_rows:
        found.setdefault((signal, raw), set()).add(category)
    return found


@settings(deadline=None, max_examples=25)
@given(some_rows, some_rows, st.tuples(roles, roles), st.tuples(schemes, schemes))
def test_counts_are_those_defined(
    tmp_path_factory: pytest.TempPathFactory,
    one: list[Row],
    other: list[Row],
    both_roles: tuple[Role, Role],
    both_schemes: tuple[str | None, str | None],
) -> None:
    root = tmp_path_factory.mktemp("lists")
    first = make(root, "a", one, both_roles[0], both_schemes[0])
    second = make(root, "b", other, both_roles[1], both_schemes[1])
    here, there = categories(one), categories(other)
    wanted: dict[ConflictKind, set[tuple[SignalType, bytes]]] = {}
    if both_roles[0] is not both_roles[1]:
        wanted[ConflictKind.ROLE] = here.keys() & there.keys()
    named = [{row[2] for row in rows} - {None} for rows in (one, other)]
    if both_schemes[0] == both_schemes[1] and all(named):
        wanted[ConflictKind.CATEGORY] = {
            key
            for key in here.keys() & there.keys()
            if len(here[key] - {None}) * len(there[key] - {None})
            and here[key] - {None} != there[key] - {None}
        }
    found = conflicts([first, second])
    assert [conflict for conflict in found if conflict.first != conflict.second] == [
        Conflict(
            kind,
            f"a@{first.manifest.version}",
            f"b@{second.manifest.version}",
            {str(t): n for t in TYPES if (n := sum(key[0] is t for key in keys))},
        )
        for kind, keys in wanted.items()
    ]
    lines = [line for line in conflicting_entries([first, second]) if len(line["lists"]) == 2]
    assert Counter((line["conflict"], line["signal"], line["value"]) for line in lines) == Counter(
        (str(kind), str(signal), raw.hex()) for kind, keys in wanted.items() for signal, raw in keys
    )
    for line in lines:
        key = SignalType(line["signal"]), bytes.fromhex(line["value"])
        for side, opened, said in zip(line["lists"], (first, second), (here, there), strict=True):
            assert side["list"] == opened.manifest.name
            assert set(side["categories"]) == said[key]
            assert opened.category(side["entries"]) == side["categories"]


def test_a_list_may_contradict_itself(tmp_path: Path) -> None:
    """Two members of a hotline say different things of one value; nothing else counts."""
    md5 = [value(SignalType.MD5, n) for n in range(4)]
    said: list[tuple[int, str | None]] = [(0, "A1"), (0, "B2"), (1, "A1"), (1, None), (2, "B2")]
    rows: list[Row] = [(SignalType.MD5, md5[n], category, ()) for n, category in said]
    rows.append((SignalType.PDQ, value(SignalType.PDQ, 0), "A1", ()))
    one = make(tmp_path, "a", rows, Role.KNOWN_BAD, None)
    name = f"a@{one.manifest.version}"
    assert conflicts([one]) == [Conflict(ConflictKind.CATEGORY, name, name, {"md5": 1})]
    (line,) = conflicting_entries([one])
    assert line["value"] == md5[0].hex()
    assert [(side["entries"], side["categories"]) for side in line["lists"]] == [
        ([0, 1], ["A1", "B2"])
    ]
    even = make(tmp_path, "b", rows[2:5], Role.KNOWN_BAD, None)
    assert conflicts([even]) == []


def test_what_was_removed_contradicts_nothing(tmp_path: Path) -> None:
    shared: list[Row] = [(SignalType.MD5, value(SignalType.MD5, n), None, ()) for n in range(20)]
    first = make(tmp_path, "a", shared, Role.KNOWN_BAD, None)
    make(tmp_path, "b", shared, Role.KNOWN_GOOD, None)
    apply_changes(tmp_path / "lists", "b", [Removed((r[0], r[1])) for r in shared[:3]])
    second = open_list(tmp_path / "lists", "b")
    for pair in ([first, second], [second, first]):
        (conflict,) = conflicts(pair)
        assert conflict.values == {"md5": 17}
        assert len(list(conflicting_entries(pair))) == 17


def test_a_known_good_match_never_hides_a_known_bad_one(tmp_path: Path) -> None:
    from io import BytesIO

    from PIL import Image

    out = BytesIO()
    ramp = np.add.outer(np.arange(128) * 3, np.arange(128) ** 2 // 40).astype(np.uint8)
    Image.fromarray(ramp).save(out, "PNG")
    signals = hash_bytes(out.getvalue())
    assert signals.pdq is not None
    row: list[Row] = [
        (SignalType.MD5, signals.md5, None, ()),
        (SignalType.PDQ, signals.pdq, None, ()),
    ]
    good = make(tmp_path, "good", row, Role.KNOWN_GOOD, None)
    bad = make(tmp_path, "bad", row, Role.KNOWN_BAD, None)
    for lists in ([good, bad], [bad, good]):
        found = Screener(lists).screen(out.getvalue()).matches
        assert Counter((match.list, match.role, match.signal) for match in found) == Counter(
            (name, role, signal)
            for name, role in (("good", Role.KNOWN_GOOD), ("bad", Role.KNOWN_BAD))
            for signal in (SignalType.MD5, SignalType.PDQ)
        )
