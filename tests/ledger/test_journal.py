"""The journal: what it acknowledged is there, in order, once."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brightline import storage
from brightline.errors import DamagedError
from brightline.ledger import JSON, Event, Journal, Ledger

values: st.SearchStrategy[JSON] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def fill(folder: Path, count: int) -> Path:
    journal = Journal(folder)
    for number in range(count):
        journal.append(Event.SHARD_COMMITTED, {"items": number})
    return journal.path


def test_records_come_back_in_order(tmp_path: Path) -> None:
    ledger: Ledger = Journal(tmp_path)
    assert list(ledger.records()) == []
    assert ledger.append(Event.RUN_STARTED, {"run": "r1", "shards": 2}) == 0
    assert ledger.append(Event.RUN_FINISHED, {"run": "r1"}) == 1
    first, second = Journal(tmp_path).records()
    assert (first.seq, first.kind, first.fields) == (0, "run_started", {"run": "r1", "shards": 2})
    assert (second.seq, second.kind) == (1, "run_finished")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", first.time)
    assert first.time <= second.time


@settings(deadline=None, max_examples=40)
@given(st.lists(st.dictionaries(st.text(), values, max_size=3), max_size=4))
def test_any_fields_round_trip(
    tmp_path_factory: pytest.TempPathFactory, batch: list[dict[str, JSON]]
) -> None:
    folder = tmp_path_factory.mktemp("ledger")
    journal = Journal(folder)
    for number, fields in enumerate(batch):
        assert journal.append(Event.REPORT_MADE, fields) == number
    assert [record.fields for record in Journal(folder).records()] == batch


def test_names_of_files_that_are_not_text_are_kept(tmp_path: Path) -> None:
    Journal(tmp_path).append(Event.RUN_STARTED, {"source": "caf\udce9"})
    (record,) = Journal(tmp_path).records()
    assert record.fields == {"source": "caf\udce9"}


def test_a_line_is_canonical_json(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append(Event.LIST_IMPORTED, {"b": 1, "a": "é"})
    line = journal.path.read_bytes()
    document = json.loads(line)
    again = json.dumps(document, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    assert line == again
    assert list(document) == ["fields", "kind", "seq", "time"]
    assert journal.path.stat().st_mode & 0o777 == 0o600


def test_two_writers_take_turns(tmp_path: Path) -> None:
    one, other = Journal(tmp_path), Journal(tmp_path)
    assert [j.append(Event.REPORT_MADE, {}) for j in (one, other, other, one)] == [0, 1, 2, 3]
    assert [record.seq for record in one.records()] == [0, 1, 2, 3]


def test_every_cut_of_the_last_line_is_recovered(tmp_path: Path) -> None:
    whole = fill(tmp_path / "whole", 3).read_bytes()
    kept = whole[: whole.rindex(b"\n", 0, -1) + 1]
    for cut in range(len(kept) + 1, len(whole)):
        folder = tmp_path / str(cut)
        folder.mkdir()
        (folder / "journal.jsonl").write_bytes(whole[:cut])
        journal = Journal(folder)
        assert [record.seq for record in journal.records()] == [0, 1]
        assert journal.append(Event.RUN_FINISHED, {}) == 3
        records = list(Journal(folder).records())
        assert [record.seq for record in records] == [0, 1, 2, 3]
        assert (records[2].kind, records[2].fields) == ("recovered", {"bytes": cut - len(kept)})
        assert journal.path.read_bytes().startswith(kept)


def test_a_cut_first_line_is_recovered(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").write_bytes(b'{"fiel')
    assert Journal(tmp_path).append(Event.RUN_STARTED, {}) == 1
    assert [record.kind for record in Journal(tmp_path).records()] == ["recovered", "run_started"]


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("a flipped brace", lambda line: line.replace(b"{", b"[", 1)),
        ("not JSON", lambda line: b"\0" * (len(line) - 1) + b"\n"),
        ("another number", lambda line: line.replace(b'"seq":1', b'"seq":7')),
        ("a number that is true", lambda line: line.replace(b'"seq":1', b'"seq":true')),
        ("another spelling", lambda line: line.replace(b":", b": ", 1)),
        ("a further key", lambda line: line.replace(b'{"fields"', b'{"a":1,"fields"')),
        ("a doubled key", lambda line: line.replace(b'"seq":1', b'"seq":1,"seq":1')),
        ("a key gone", lambda line: line.replace(b'"seq":1,', b"")),
        ("not an object", lambda line: b"[]\n"),
        ("not UTF-8", lambda line: line.replace(b"shard", b"sh\xffrd")),
        ("gone", lambda line: b""),
        ("twice", lambda line: line * 2),
        ("empty", lambda line: b"\n"),
    ],
)
def test_damage_in_the_middle_is_named_by_line(tmp_path: Path, name: str, damage: object) -> None:
    assert callable(damage)
    path = fill(tmp_path, 4)
    lines = path.read_bytes().splitlines(keepends=True)
    changed = damage(lines[1])
    assert changed != lines[1]
    path.write_bytes(lines[0] + changed + b"".join(lines[2:]))
    before = path.read_bytes()
    number = 3 if name == "twice" else 2
    with pytest.raises(DamagedError, match=f"line {number};"):
        list(Journal(tmp_path).records())
    with pytest.raises(DamagedError, match=f"line {number};"):
        Journal(tmp_path).append(Event.REPORT_MADE, {})
    assert path.read_bytes() == before


def test_a_journal_that_shrank_under_a_writer_is_damage(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append(Event.REPORT_MADE, {})
    journal.append(Event.REPORT_MADE, {})
    lines = journal.path.read_bytes().splitlines(keepends=True)
    journal.path.write_bytes(lines[0])
    with pytest.raises(DamagedError, match="shorter"):
        journal.append(Event.REPORT_MADE, {})
    journal.path.unlink()
    with pytest.raises(DamagedError, match="gone"):
        journal.append(Event.REPORT_MADE, {})


def test_a_failed_append_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path)
    journal.append(Event.REPORT_MADE, {})
    before = journal.path.read_bytes()

    def full(path: Path, data: bytes) -> None:
        with path.open("ab") as out:
            out.write(data[:10])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(storage, "append_durable", full)
        with pytest.raises(OSError, match="No space"):
            journal.append(Event.REPORT_MADE, {})
    assert journal.path.read_bytes() == before
    assert journal.append(Event.REPORT_MADE, {}) == 1


def test_what_is_not_json_is_refused_before_writing(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    with pytest.raises(ValueError, match="Out of range"):
        journal.append(Event.REPORT_MADE, {"share": float("nan")})
    assert list(journal.records()) == []


WRITER = """
import os, sys
from pathlib import Path
from brightline.ledger import Event, Journal
journal = Journal(Path(sys.argv[1]))
while True:
    word = os.urandom(8).hex()
    seq = journal.append(Event.SHARD_COMMITTED, {"word": word, "pad": "x" * 200})
    os.write(1, f"{seq} {word}\\n".encode())
"""


def start(folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE, env=os.environ
    )


def killed(process: subprocess.Popen[bytes]) -> list[tuple[int, str]]:
    """Kill it; returns what it had acknowledged."""
    process.send_signal(signal.SIGKILL)
    out, _ = process.communicate()
    lines = out.decode().split("\n")[:-1]
    return [(int(line.split()[0]), line.split()[1]) for line in lines]


def check(folder: Path, acknowledged: list[tuple[int, str]]) -> None:
    words = {}
    for position, record in enumerate(Journal(folder).records()):
        assert record.seq == position
        words[record.seq] = record.fields.get("word")
    assert acknowledged
    for seq, word in acknowledged:
        assert words[seq] == word
    assert len({seq for seq, _ in acknowledged}) == len(acknowledged)


def test_kill_9_loses_nothing_acknowledged(tmp_path: Path) -> None:
    rng = random.Random(1)
    acknowledged: list[tuple[int, str]] = []
    for _ in range(15):
        process = start(tmp_path)
        assert process.stdout is not None
        first = process.stdout.readline().decode().split()
        acknowledged.append((int(first[0]), first[1]))
        time.sleep(rng.uniform(0, 0.03))
        acknowledged += killed(process)
        if rng.random() < 0.3:  # as if the kernel had written half of a line
            with (tmp_path / "journal.jsonl").open("ab") as out:
                out.write(b'{"fields":{"pa')
    check(tmp_path, acknowledged)
    assert any(record.kind == "recovered" for record in Journal(tmp_path).records())


def test_two_processes_append_at_once(tmp_path: Path) -> None:
    writers = [start(tmp_path), start(tmp_path)]
    acknowledged: list[tuple[int, str]] = []
    for process in writers:
        assert process.stdout is not None
        first = process.stdout.readline().decode().split()
        acknowledged.append((int(first[0]), first[1]))
    time.sleep(0.2)
    for process in writers:
        acknowledged += killed(process)
    check(tmp_path, acknowledged)
