"""Records: what ties entries together, collapses them, and is digested and stored."""

from __future__ import annotations

import hashlib
import json
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brightline.errors import DamagedError
from brightline.lists import entries_file
from brightline.lists.collected import CODE, TYPES, Collected, NotTextError, Skip
from brightline.lists.content import Settings, content_digest
from brightline.lists.duplicates import finish
from brightline.lists.entries import Entries, concatenate
from brightline.lists.entries_file import (
    read_entries_file,
    read_labels,
    read_provenance,
    write_entries,
)
from brightline.lists.provenance import Provenance
from brightline.lists.records import Record
from brightline.types import SignalType
from tests.lists.helpers import rows, value

signals = st.tuples(st.sampled_from(TYPES), st.integers(0, 2)).map(
    lambda pair: (pair[0], value(*pair))
)
records = st.builds(
    Record,
    signals=st.lists(signals, max_size=3).map(tuple),
    opaque=st.lists(
        st.tuples(st.sampled_from(["photodna", "ö"]), st.binary(max_size=5)), max_size=2
    ).map(tuple),
    category=st.sampled_from(["", "A", "é"]),
    labels=st.lists(st.sampled_from(["x", "y z", ""]), max_size=2).map(tuple),
    submitter=st.sampled_from(["", "ann", "bén"]),
    source_id=st.sampled_from(["", "1", "2"]),
    changed=st.sampled_from(["", "2026-01-01T00:00:00Z"]),
)
some_records = st.lists(records, max_size=12)


def collect(given_records: list[Record]) -> Collected:
    made = Collected()
    for record in given_records:
        made.add_record(record)
    return made


def origins(entries: Entries) -> list[Provenance]:
    if entries.records is None:
        return [Provenance()] * len(entries)
    return entries.records.provenance(entries.records.of.astype(np.int64))


@settings(deadline=None)
@given(some_records)
def test_entries_of_one_origin_collapse_and_others_do_not(given_records: list[Record]) -> None:
    wanted: dict[tuple[object, ...], tuple[Provenance, dict[str, None]]] = {}
    for record in given_records:
        origin = Provenance(record.submitter, record.source_id, record.changed)
        for signal, raw in record.signals:
            key = signal, raw, record.category, record.submitter, record.source_id
            wanted.setdefault(key, (origin, {}))[1].update(
                dict.fromkeys(filter(None, record.labels))
            )
    made = collect(given_records)
    entries, duplicates = finish(made)
    assert duplicates == sum(len(record.signals) for record in given_records) - len(wanted)
    assert [(r[0], r[1], r[2] or "") for r in rows(entries)] == [key[:3] for key in wanted]
    assert origins(entries) == [origin for origin, _ in wanted.values()]
    assert [r[3] for r in rows(entries)] == [tuple(said) for _, said in wanted.values()]
    bare = [record for record in given_records if not record.signals]
    assert made.skipped[Skip.OPAQUE_ONLY] == sum(bool(record.opaque) for record in bare)
    assert made.skipped.total() == len(bare)
    if entries.records is not None:
        assert (np.diff(entries.records.of.astype(np.int64)) >= 0).all()


def test_entries_without_a_record_get_one_of_their_own() -> None:
    made = Collected()
    md5 = [value(SignalType.MD5, n) for n in range(4)]
    made.add(CODE[SignalType.MD5], md5[0])
    made.add(CODE[SignalType.MD5], md5[1])
    made.add_record(Record(((SignalType.MD5, md5[2]),), source_id="7"))
    made.add(CODE[SignalType.MD5], md5[3])
    entries, _ = finish(made)
    assert entries.records is not None
    assert entries.records.of.tolist() == [0, 1, 2, 3]
    assert [origin.source_id for origin in origins(entries)] == ["", "", "7", ""]


def test_records_that_say_nothing_are_not_kept() -> None:
    single = [Record(((SignalType.MD5, value(SignalType.MD5, n)),)) for n in range(3)]
    assert finish(collect(single))[0].records is None
    pair = Record(((SignalType.MD5, bytes(16)), (SignalType.SHA1, bytes(20))))
    assert finish(collect([*single, pair]))[0].records is not None


def test_a_refused_record_leaves_nothing() -> None:
    made = Collected()
    for texts in ({"labels": ("a\0",)}, {"submitter": "\ud800"}, {"opaque": (("\0", b""),)}):
        with pytest.raises(NotTextError):
            made.add_record(Record(((SignalType.MD5, bytes(16)),), **texts))
    with pytest.raises(ValueError, match="width"):
        made.add_record(Record(((SignalType.MD5, bytes(16)), (SignalType.SHA1, bytes(16)))))
    entries, _ = finish(made)
    assert (len(entries), entries.records, entries.opaque) == (0, None, None)
    assert not made.records
    assert not made.category_names


@settings(deadline=None, max_examples=60)
@given(some_records, st.sampled_from([1, 3, 1 << 18]))
def test_records_round_trip_through_parquet(
    tmp_path_factory: pytest.TempPathFactory, given_records: list[Record], batch: int
) -> None:
    folder = tmp_path_factory.mktemp("entries")
    entries, _ = finish(collect(given_records))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(entries_file, "_BATCH", batch)
        patch.setattr(entries_file, "_RECORD_ROWS", batch)
        write_entries(folder, entries)
    again = read_entries_file(folder, entries.category_names)
    assert rows(again) == rows(entries)
    assert origins(again) == origins(entries)
    assert content_digest(again, Settings()) == content_digest(entries, Settings())
    backwards = np.arange(len(entries))[::-1]
    assert read_labels(folder, backwards) == [r[3] for r in rows(entries)][::-1]
    if entries.records is not None:
        of = entries.records.of[backwards].astype(np.int64)
        assert read_provenance(folder, of) == origins(entries)[::-1]
        assert (folder / "opaque.parquet").exists() == (entries.opaque is not None)
    else:
        assert [path.name for path in folder.iterdir()] == ["entries.parquet"]


@settings(deadline=None, max_examples=60)
@given(some_records, some_records)
def test_parts_put_together_are_the_whole(one: list[Record], other: list[Record]) -> None:
    def apart(given_records: list[Record], side: str) -> list[Record]:
        """Records of both parts must not be the same ones."""
        return [
            Record(r.signals, r.opaque, r.category, r.labels, side + r.submitter, r.source_id)
            for r in given_records
        ]

    one, other = apart(one, "l"), apart(other, "r")
    parts = [finish(collect(part))[0] for part in (one, other)]
    whole = finish(collect([*one, *other]))[0]
    joined = concatenate(parts)
    assert rows(joined) == rows(whole)
    assert origins(joined) == origins(whole)
    assert content_digest(joined, Settings()) == content_digest(whole, Settings())
    keep = np.arange(len(joined)) >= len(parts[0])
    assert rows(joined.select(keep)) == rows(parts[1])


def texts(strings: list[str | bytes]) -> bytes:
    raw = [s.encode() if isinstance(s, str) else s for s in strings]
    ends = np.cumsum([len(s) for s in raw], dtype=np.int64)
    return struct.pack(f"<{len(raw)}q", *ends) + b"".join(raw)


def test_the_digest_of_records_is_the_one_defined() -> None:
    md5, pdq = value(SignalType.MD5, 1), value(SignalType.PDQ, 1)
    given_records = [
        Record(((SignalType.MD5, md5), (SignalType.PDQ, pdq)), (), "A", (), "ann", "1", "t"),
        Record((), (("k", b"12"), ("l", b"3")), "B", ("x", "y"), "bén", "2"),
    ]
    head = {
        "categories": ["A"],
        "entries": 2,
        "format": "brightline-list-2",
        "opaque": 2,
        "pdq_min_quality": 50,
        "pdq_threshold": 31,
        "pipeline": "unknown",
        "records": 2,
        "role": "known-bad",
        "scheme": "us",
    }
    out = json.dumps(head, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    out += bytes([0, 3]) + struct.pack("<2H", 1, 1) + md5 + pdq
    out += struct.pack("<2I", 0, 0) + texts(["ann", "bén"]) + texts(["1", "2"]) + texts(["t", ""])
    out += struct.pack("<2I", 1, 1) + texts(["k", "l"]) + texts([b"12", b"3"])
    out += texts(["B", "B"]) + texts(["x\0y", "x\0y"])
    entries, _ = finish(collect(given_records))
    digest = content_digest(entries, Settings(scheme="us"))
    assert digest == f"sha256:{hashlib.sha256(out).hexdigest()}"


def test_damaged_record_files_are_said_so(tmp_path_factory: pytest.TempPathFactory) -> None:
    record = Record(((SignalType.MD5, bytes(16)),), (("k", b"1"),), source_id="1")
    entries, _ = finish(collect([record, record]))
    for name in ("records.parquet", "opaque.parquet", "fingerprints.npy"):
        for data in (None, b"", b"x" * 99):
            folder = tmp_path_factory.mktemp("entries")
            write_entries(folder, entries)
            (folder / name).unlink()
            if data is not None:
                (folder / name).write_bytes(data)
            elif name == "opaque.parquet":
                continue  # its absence means that there is none; `verify` knows better
            with pytest.raises(DamagedError):
                read_entries_file(folder, ())
