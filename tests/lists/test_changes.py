"""Versions made by changes, against a model that is a plain list of entries."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, assert_never

import numpy as np
import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from brightline import storage
from brightline.errors import DamagedError, ListError
from brightline.lists import (
    Added,
    Change,
    HashList,
    OpaqueSignal,
    Provenance,
    Removed,
    Settings,
    apply_changes,
    changes,
    import_list,
    list_names,
    list_versions,
    open_delta,
    open_list,
    versions,
)
from brightline.lists.changes import kept_segments
from brightline.lists.collected import TYPES
from brightline.lists.records import Record
from brightline.match import ExactIndex
from brightline.types import U8, Pipeline, Role, SignalType
from tests.lists.helpers import csv_file, rows, value


@dataclass(frozen=True)
class Entry:
    """What a list says in one entry."""

    signal: SignalType
    value: bytes
    category: str
    submitter: str
    source_id: str
    labels: tuple[str, ...]

    @property
    def meaning(self) -> tuple[SignalType, bytes, str]:
        return self.signal, self.value, self.category

    @property
    def identity(self) -> tuple[SignalType, bytes, str, str, str]:
        return *self.meaning, self.submitter, self.source_id


@dataclass(frozen=True)
class Model:
    """A list as its definition has it."""

    entries: tuple[Entry, ...] = ()
    opaque: tuple[tuple[str, str, bytes], ...] = ()

    def add(self, record: Record) -> Model:
        entries = list(self.entries)
        for signal, raw in record.signals:
            new = Entry(
                signal, raw, record.category, record.submitter, record.source_id, record.labels
            )
            for place, old in enumerate(entries):
                if old.identity == new.identity:
                    labels = tuple(dict.fromkeys((*old.labels, *new.labels)))
                    entries[place] = Entry(*new.identity, labels)
                    break
            else:
                entries.append(new)
        opaque = tuple((record.source_id, kind, raw) for kind, raw in record.opaque)
        return Model(tuple(entries), self.opaque + opaque)

    def remove(self, source_id: str) -> Model:
        return Model(
            tuple(e for e in self.entries if e.source_id != source_id),
            tuple(o for o in self.opaque if o[0] != source_id),
        )

    def apply(self, change: Change) -> Model:
        match change:
            case Added(record):
                return (self.remove(record.source_id) if record.source_id else self).add(record)
            case Removed():
                if isinstance(change.what, str):
                    return self.remove(change.what)
                kept = (e for e in self.entries if (e.signal, e.value) != change.what)
                return Model(tuple(kept), self.opaque)
            case _:
                assert_never(change)


def near(number: int) -> bytes:
    """PDQ codes of which 0, 1 and 2 are neighbours, and so are 3, 4 and 5."""
    code = bytearray(value(SignalType.PDQ, number // 3))
    code[number % 3] ^= 7 * (number % 3)
    return bytes(code)


def pooled(signal: SignalType, number: int) -> bytes:
    return near(number) if signal is SignalType.PDQ else value(signal, number)


SIGNALS = [SignalType.MD5, SignalType.PDQ]
POOL = {signal: [pooled(signal, number) for number in range(6)] for signal in TYPES}

signals = st.tuples(st.sampled_from(SIGNALS), st.integers(0, 5)).map(
    lambda pair: (pair[0], pooled(*pair))
)
records = st.builds(
    Record,
    signals=st.lists(signals, max_size=3, unique=True).map(tuple),
    opaque=st.sampled_from([(), (), (("photodna", b"p" * 9),)]),
    category=st.sampled_from(["", "A"]),
    labels=st.lists(st.sampled_from(["x", "y"]), max_size=2, unique=True).map(tuple),
    submitter=st.sampled_from(["", "ann"]),
    source_id=st.sampled_from(["", "", "1", "2"]),
    changed=st.sampled_from(["", "2026-01-01T00:00:00Z"]),
).filter(lambda record: bool(record.source_id) or not record.opaque)
some_changes = st.lists(
    st.one_of(
        records.map(Added),
        records.map(Added),
        st.sampled_from(["1", "2", "3"]).map(Removed),
        signals.map(Removed),
    ),
    max_size=6,
)


def said(opened: HashList) -> Counter[Entry]:
    """All entries with where they come from."""
    origins = opened.provenance(opened.numbers())
    return Counter(
        Entry(signal, raw, category or "", origin.submitter, origin.source_id, labels)
        for (signal, raw, category, labels), origin in zip(
            rows(opened.entries()), origins, strict=True
        )
    )


def found(opened: HashList) -> Counter[tuple[SignalType, int, int, str | None, str]]:
    """Every match of every value of the pool: (type, value's number, distance, category, id)."""
    result: Counter[tuple[SignalType, int, int, str | None, str]] = Counter()
    for signal in SIGNALS:
        asked = np.frombuffer(b"".join(POOL[signal]), np.uint8).reshape(-1, signal.width)
        query, entry = opened.search_exact(signal, asked)
        triples = [(query, entry, np.zeros(len(query), np.int64))]
        if signal is SignalType.PDQ:
            triples.append(opened.search_pdq(asked))
            assert len(triples[-1][0]) >= len(query)
        for query, entry, distance in triples:
            assert (np.diff(query * (1 << 40) + entry) > 0).all()
            for q, d, category, origin in zip(
                query.tolist(),
                distance.tolist(),
                opened.category(entry),
                opened.provenance(entry),
                strict=True,
            ):
                result[signal, q, d, category, origin.source_id] += 1
    return result


def expected(entries: Iterable[Entry]) -> Counter[tuple[SignalType, int, int, str | None, str]]:
    """`found` by definition."""
    result: Counter[tuple[SignalType, int, int, str | None, str]] = Counter()
    for entry in entries:
        for number, raw in enumerate(POOL[entry.signal]):
            distance = (int.from_bytes(raw) ^ int.from_bytes(entry.value)).bit_count()
            category = entry.category or None
            if raw == entry.value:
                result[entry.signal, number, 0, category, entry.source_id] += 1
            if entry.signal is SignalType.PDQ and distance <= 31:
                result[entry.signal, number, distance, category, entry.source_id] += 1
    return result


def check(opened: HashList, model: Model) -> None:
    opened.verify()
    assert said(opened) == Counter(model.entries)
    assert found(opened) == expected(model.entries)
    assert len(opened) == opened.manifest.entries == len(model.entries)
    kinds = Counter(str(entry.signal) for entry in model.entries)
    assert opened.manifest.counts == dict(kinds)
    categories = Counter(entry.category for entry in model.entries if entry.category)
    assert opened.manifest.categories == dict(categories)
    kept = list(opened.opaque("photodna"))
    origins = opened.record_provenance([signal.record for signal in kept])
    assert sorted((o.source_id, s.value) for o, s in zip(origins, kept, strict=True)) == sorted(
        (source_id, raw) for source_id, _, raw in model.opaque
    )


class Versions(RuleBasedStateMachine):
    """Any changes, whole imports and compactions; every version stays what it was."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp())
        self.model = Model()
        self.made: dict[str, Model] = {}

    @initialize(given=some_changes)
    def begin(self, given: list[Change]) -> None:
        self.change(given, 8)

    @rule(given=some_changes, factor=st.sampled_from([0, 1, 8, 1 << 40]))
    def change(self, given: list[Change], factor: int) -> None:
        before = self.model
        for one in given:
            self.model = self.model.apply(one)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(changes, "MERGE_FACTOR", factor)
            manifest, new = apply_changes(self.root / "lists", "x", given)
            again, twice = apply_changes(self.root / "lists", "x", [])
        assert (again, twice) == (manifest, False)
        if not self.made:
            assert new
        elif not new:
            assert self.model == before
        self.made[manifest.version] = self.model

    @rule(recategorised=signals, category=st.sampled_from(["", "A", "B"]))
    def recategorise(self, recategorised: tuple[SignalType, bytes], category: str) -> None:
        record = Record((recategorised,), category=category)
        self.change([Removed(recategorised), Added(record)], 8)

    @rule()
    def repeat(self) -> None:
        """What the list holds already, given as records again, changes nothing."""
        newest = open_list(self.root / "lists", "x")
        given = [
            Added(Record(((e.signal, e.value),), (), e.category, e.labels, e.submitter))
            for e in self.model.entries
            if not e.source_id
        ]
        manifest, new = apply_changes(self.root / "lists", "x", given)
        assert (manifest, new) == (newest.manifest, False)

    @rule(numbers=st.lists(st.tuples(st.sampled_from(SIGNALS), st.integers(0, 5)), max_size=8))
    def import_whole(self, numbers: list[tuple[SignalType, int]]) -> None:
        file = csv_file(
            self.root / "l.csv", [(s, pooled(s, n), ("A", None)[n % 2], ()) for s, n in numbers]
        )
        model = Model()
        for signal, number in numbers:
            category = ("A", "")[number % 2]
            model = model.add(Record(((signal, pooled(signal, number)),), category=category))
        manifest, new = import_list(self.root / "lists", "x", file)
        assert Counter(said(open_list(self.root / "lists", f"x@{manifest.version}"))) == Counter(
            model.entries
        )
        if new:
            self.model = model
            self.made[manifest.version] = model

    @invariant()
    def the_newest_is_the_model(self) -> None:
        if self.made:
            check(open_list(self.root / "lists", "x"), self.model)

    def teardown(self) -> None:
        try:
            self.check_all()
        finally:
            shutil.rmtree(self.root)

    def check_all(self) -> None:
        names = list(self.made)
        assert [m.version for m in list_versions(self.root / "lists", "x")] == names
        for name, model in self.made.items():
            check(open_list(self.root / "lists", f"x@{name}"), model)
        for old, new in zip(names, names[1:] + names[:1], strict=True):
            delta = open_delta(self.root / "lists", "x", old, new)
            before = {entry.meaning for entry in self.made[old].entries}
            added = [e for e in self.made[new].entries if e.meaning not in before]
            assert said(delta) == Counter(added)
            assert found(delta) == expected(added)
            assert len(delta) == len(added)


TestVersions = Versions.TestCase
TestVersions.settings = hypothesis_settings(
    deadline=None,
    max_examples=12,
    stateful_step_count=8,
    suppress_health_check=list(HealthCheck),
)


# --- one at a time --------------------------------------------------------------------------

MD5 = [(SignalType.MD5, value(SignalType.MD5, number)) for number in range(40)]


def many(root: Path, given: Iterable[Change], **options: Any) -> HashList:
    manifest, _ = apply_changes(root / "lists", "x", given, **options)
    return open_list(root / "lists", f"x@{manifest.version}")


def test_a_record_ties_its_signals_and_says_where_they_come_from(tmp_path: Path) -> None:
    record = Record(
        (MD5[0], (SignalType.PDQ, near(0))),
        (("photodna", b"p" * 144), ("other", b"o")),
        "A1",
        ("series",),
        "ann",
        "7",
        "2026-01-01T00:00:00Z",
    )
    opened = many(tmp_path, [Added(Record((MD5[1],))), Added(record)])
    entries = opened.entries()
    assert entries.records is not None
    assert entries.records.of.tolist() == [0, 1, 1]
    said_of = Provenance("ann", "7", "2026-01-01T00:00:00Z")
    assert opened.provenance([2, 0, 1]) == [said_of, Provenance(), said_of]
    assert opened.provenance([]) == []
    assert opened.manifest.opaque == {"other": 1, "photodna": 1}
    assert list(opened.opaque("photodna")) == [OpaqueSignal(1, b"p" * 144, "A1")]
    assert list(opened.opaque("none")) == []
    assert opened.record_provenance([1, 0]) == [said_of, Provenance()]
    assert (opened.path / "records.parquet").exists()


def test_a_plain_list_costs_nothing_for_records(tmp_path: Path) -> None:
    opened = many(tmp_path, [Added(Record((MD5[0],), category="A"))])
    assert sorted(path.name for path in opened.path.iterdir()) == [
        "category.npy",
        "entries.parquet",
        "manifest.json",
        "md5.entries.npy",
        "md5.idx",
    ]
    assert opened.entries().records is None
    assert opened.provenance([0]) == [Provenance()]


def test_records_without_an_entry_are_counted_and_their_signals_kept(tmp_path: Path) -> None:
    opened = many(
        tmp_path,
        [
            Added(Record((), (("photodna", b"p"),), "B2", source_id="1")),
            Added(Record((), source_id="2")),
        ],
    )
    assert len(opened) == 0
    assert opened.manifest.skipped == {"no usable signal": 1, "opaque signals only": 1}
    assert [(s.value, s.category) for s in opened.opaque("photodna")] == [(b"p", "B2")]
    opened.verify()
    after = many(tmp_path, [Removed("1")])
    assert list(after.opaque("photodna")) == []
    assert after.manifest.opaque == {}
    after.verify()


def test_a_changed_record_takes_the_place_of_the_old(tmp_path: Path) -> None:
    first = Record((MD5[0], MD5[1]), category="A", source_id="1")
    many(tmp_path, [Added(first), *(Added(Record((m,))) for m in MD5[2:])])
    opened = many(tmp_path, [Added(replace(first, category="B"))])
    assert len(opened.segments) == 2
    assert opened.manifest.segments[0].removed == 2
    assert opened.category(opened.numbers()[-2:]) == ["B", "B"]
    assert opened.numbers()[-2:].tolist() == [40, 41]
    again, new = apply_changes(tmp_path / "lists", "x", [Added(replace(first, category="B"))])
    assert (again.version, new) == (opened.manifest.version, False)


def test_a_record_given_again_gets_back_what_it_lost(tmp_path: Path) -> None:
    record = Record((MD5[0], MD5[1]), source_id="1")
    many(tmp_path, [Added(record), *(Added(Record((m,))) for m in MD5[2:])])
    assert len(many(tmp_path, [Removed(MD5[0])])) == len(MD5) - 1
    opened = many(tmp_path, [Added(record)])
    assert len(opened) == len(MD5)
    assert [p.source_id for p in opened.provenance(opened.numbers())].count("1") == 2


def test_labels_of_a_known_entry_are_added_to(tmp_path: Path) -> None:
    many(tmp_path, [Added(Record((m,), labels=("x",))) for m in MD5])
    same = many(tmp_path, [Added(Record((MD5[3],), labels=("x",))), Added(Record((MD5[3],)))])
    assert same.manifest.version.startswith("0001-")
    opened = many(tmp_path, [Added(Record((MD5[3],), labels=("y", "x")))])
    assert [r[3] for r in rows(opened.entries()) if r[1] == MD5[3][1]] == [("x", "y")]
    assert len(opened) == len(MD5)


def test_an_entry_of_another_origin_is_another_entry(tmp_path: Path) -> None:
    many(tmp_path, [Added(Record((m,), source_id=str(n))) for n, m in enumerate(MD5)])
    opened = many(
        tmp_path,
        [
            Added(Record((MD5[0],))),
            Added(Record((MD5[0],), submitter="ben")),
            Added(Record((MD5[0],), source_id="new")),
        ],
    )
    assert len(opened) == len(MD5) + 3
    after = many(tmp_path, [Removed("0"), Removed("new")])
    query, entry = after.search_exact(SignalType.MD5, as_rows([MD5[0][1]]))
    assert [p.submitter for p in after.provenance(entry)] == ["", "ben"]
    assert query.tolist() == [0, 0]
    assert len(many(tmp_path, [Removed(MD5[0])])) == len(MD5) - 1


def as_rows(values: list[bytes]) -> U8:
    return np.frombuffer(b"".join(values), np.uint8).reshape(len(values), -1)


def test_a_token_is_applied_once(tmp_path: Path) -> None:
    first, _ = apply_changes(tmp_path / "lists", "x", [Added(Record((MD5[0],)))], token="t1")
    second, _ = apply_changes(tmp_path / "lists", "x", [Removed(MD5[0])], token="t2")
    again, new = apply_changes(tmp_path / "lists", "x", [Added(Record((MD5[0],)))], token="t1")
    assert (again, new) == (first, False)
    assert list_versions(tmp_path / "lists", "x") == [first, second]


def test_a_state_that_was_there_before_is_a_version_again(tmp_path: Path) -> None:
    many(tmp_path, [Added(Record((MD5[0],)))])
    many(tmp_path, [Removed(MD5[0])])
    opened = many(tmp_path, [Added(Record((MD5[0],)))])
    assert opened.manifest.version.startswith("0003-")
    assert len(open_list(tmp_path / "lists", "x")) == 1


def test_settings_are_the_lists(tmp_path: Path) -> None:
    settings = Settings(Role.KNOWN_GOOD, Pipeline.FULL, 20, 80, "ncmec")
    many(tmp_path, [Added(Record((MD5[0],)))], settings=settings)
    opened = many(tmp_path, [Added(Record((MD5[1],)))])
    assert opened.manifest.settings == settings
    with pytest.raises(ListError, match="import it whole"):
        many(tmp_path, [Added(Record((MD5[2],)))], settings=Settings())
    with pytest.raises(ListError, match="known schemes: us, uk, ncmec, custom"):
        apply_changes(tmp_path / "lists", "y", [], settings=Settings(scheme="none"))
    with pytest.raises(ListError, match="threshold"):
        apply_changes(tmp_path / "lists", "y", [], settings=Settings(pdq_threshold=300))


@pytest.mark.parametrize(
    "record",
    [
        Record((MD5[0],), labels=("needle\0",)),
        Record((MD5[0],), source_id="needle\ud800"),
        Record((MD5[0],), (("needle\0", b""),)),
        Record((MD5[0],), category="needle\ud800"),
    ],
)
def test_texts_that_cannot_be_kept_are_refused(tmp_path: Path, record: Record) -> None:
    with pytest.raises(ListError, match="change 2 cannot be used") as caught:
        many(tmp_path, [Added(Record((MD5[1],))), Added(record)])
    assert "needle" not in str(caught.value)
    assert not (tmp_path / "lists").exists()


def test_values_of_another_width_are_refused(tmp_path: Path) -> None:
    for change in (Added(Record(((SignalType.MD5, b"short"),))), Removed((SignalType.PDQ, b"x"))):
        with pytest.raises(ValueError, match="width"):
            many(tmp_path, [change])


@pytest.mark.parametrize(
    ("sizes", "added", "kept"),
    [
        ([], 5, 0),
        ([(100, 100)], 10, 1),
        ([(80, 80)], 10, 0),
        ([(10_000, 10_000), (100, 100)], 10, 2),
        ([(10_000, 10_000), (80, 80)], 10, 1),
        ([(700, 700), (80, 80)], 10, 0),
        ([(10_000, 10_000), (100, 70)], 0, 1),
        ([(10_000, 7_000), (100, 100)], 0, 0),
        ([(10_000, 10_000), (100, 75)], 0, 2),
        ([(0, 0)], 0, 1),
    ],
)
def test_the_rule_of_compaction(sizes: list[tuple[int, int]], added: int, kept: int) -> None:
    assert kept_segments(sizes, added) == kept


def test_many_small_changes_stay_few_segments(tmp_path: Path) -> None:
    many(tmp_path, (Added(Record((pair,))) for pair in digests(2000)))
    counts = []
    for number in range(2000, 2030):
        (pair,) = digests(1, number)
        counts.append(len(many(tmp_path, [Added(Record((pair,)))]).segments))
    assert max(counts) <= 4
    assert len(open_list(tmp_path / "lists", "x")) == 2030


def digests(count: int, first: int = 0) -> list[tuple[SignalType, bytes]]:
    return [(SignalType.SHA256, value(SignalType.SHA256, first + n)) for n in range(count)]


@pytest.mark.parametrize(
    "where", ["write_segment", "close_folder", "save", "write_atomic", "fsync", "rename"]
)
def test_a_failure_midway_leaves_the_last_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    first = many(tmp_path, [Added(Record((m,), source_id=str(n))) for n, m in enumerate(MD5)])
    given: list[Change] = [Removed("0"), Added(Record((MD5[1],), category="A", source_id="1"))]

    def broken(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        if where in ("write_segment", "close_folder"):
            patch.setattr(versions, where, broken)
        elif where == "save":
            patch.setattr(ExactIndex, "save", broken)
        elif where == "write_atomic":
            patch.setattr(storage, "write_atomic", broken)
        elif where == "fsync":
            patch.setattr(storage, "fsync_file", broken)
        else:
            patch.setattr(Path, "rename", broken)
        with pytest.raises(OSError, match="No space"):
            many(tmp_path, given)
    home = tmp_path / "lists" / "x"
    assert sorted(path.name for path in home.iterdir()) == [".lock", first.path.name]
    assert open_list(tmp_path / "lists", "x").manifest == first.manifest
    opened = many(tmp_path, given)
    assert len(opened) == len(MD5) - 1
    opened.verify()


def test_verify_finds_changed_removals_and_a_changed_older_segment(tmp_path: Path) -> None:
    old = many(tmp_path, [Added(Record((m,))) for m in MD5])
    new = many(tmp_path, [Removed(MD5[0]), Removed(MD5[1])])
    new.verify()
    assert new.manifest.own is None
    path = new.path / "removed-0.npy"
    whole = path.read_bytes()
    np.save(path, np.array([0, 2], np.uint32))
    with pytest.raises(DamagedError, match="is not what"):
        HashList(new.path).verify()
    for numbers in ([0], [1, 0], [0, 40], [-1, 1]):
        np.save(path, np.array(numbers).astype(np.uint32))
        with pytest.raises(DamagedError, match="damaged"):
            HashList(new.path)
    path.unlink()
    with pytest.raises(DamagedError, match="missing or damaged"):
        HashList(new.path)
    path.write_bytes(whole)
    (old.path / "md5.idx").write_bytes(b"x")
    with pytest.raises(DamagedError, match="is not what"):
        HashList(new.path).verify()


def test_a_manifest_names_versions_and_no_other_folders(tmp_path: Path) -> None:
    many(tmp_path, [Added(Record((m,))) for m in MD5])
    path = many(tmp_path, [Removed(MD5[0])]).path / "manifest.json"
    document = json.loads(path.read_bytes())
    for version in ("../../y/0001-0123456789ab", "", 7):
        document["segments"][0]["version"] = version
        path.write_text(json.dumps(document))
        with pytest.raises(DamagedError, match="damaged"):
            open_list(tmp_path / "lists", "x")


def test_only_the_owner_can_read(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        record = Record((MD5[0],), (("photodna", b"p"),), source_id="1")
        many(tmp_path, [Added(record), *(Added(Record((m,))) for m in MD5)])
        many(tmp_path, [Removed("1")])
        open_delta(tmp_path / "lists", "x", "2", "1")
    finally:
        os.umask(old)
    for path in (tmp_path / "lists").rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


# --- deltas ---------------------------------------------------------------------------------


def test_a_delta_is_a_list_of_its_own(tmp_path: Path) -> None:
    many(tmp_path, [Added(Record((m,), source_id=str(n))) for n, m in enumerate(MD5[:30])])
    new = many(
        tmp_path,
        [
            Added(Record((MD5[35], (SignalType.PDQ, near(1))), category="A", source_id="35")),
            Added(Record((MD5[2],), category="B", source_id="2")),
            Removed("7"),
        ],
    )
    delta = open_delta(tmp_path / "lists", "x", "1", "2")
    assert (delta.since, delta.manifest) == ("0001-" + delta.since[5:], new.manifest)  # type: ignore[index]
    assert len(delta) == 3
    assert delta.numbers().tolist() == [30, 31, 32]
    query, entry = delta.search_exact(SignalType.MD5, as_rows([m for _, m in MD5]))
    assert (query.tolist(), entry.tolist()) == ([2, 35], [32, 30])
    assert delta.category(entry) == ["B", "A"]
    assert [p.source_id for p in delta.provenance(entry)] == ["2", "35"]
    _, entry, distance = delta.search_pdq(as_rows([near(0)]))
    assert (entry.tolist(), distance.tolist()) == ([31], [3])
    again = pickle.loads(pickle.dumps(delta))
    assert (len(again), again.digest) == (3, delta.digest)
    assert len({delta.digest, new.digest, open_list(tmp_path / "lists", "x@1").digest}) == 3
    assert new.digest == new.manifest.digest
    assert len(open_delta(tmp_path / "lists", "x", "2", "2")) == 0
    assert len(open_delta(tmp_path / "lists", "x", "2", "1")) == 2
    assert list_names(tmp_path / "lists") == ["x"]
    assert len(list_versions(tmp_path / "lists", "x")) == 2


def test_a_damaged_delta_says_that_it_is_made_again(tmp_path: Path) -> None:
    many(tmp_path, [Added(Record((m,))) for m in MD5])
    many(tmp_path, [Added(Record(((SignalType.MD5, bytes(16)),)))])
    delta = open_delta(tmp_path / "lists", "x", "1", "2")
    (manifest,) = (tmp_path / "lists" / "x" / "deltas").glob("*/manifest.json")
    delta.verify()
    (manifest.parent / "md5.entries.npy").write_bytes(b"x")
    with pytest.raises(DamagedError, match="is not what"):
        delta.verify()
    manifest.write_text("{}")
    with pytest.raises(DamagedError, match="made again"):
        open_delta(tmp_path / "lists", "x", "1", "2")
    shutil.rmtree(manifest.parent)
    assert len(open_delta(tmp_path / "lists", "x", "1", "2")) == len(delta) == 1
