"""The writer: what it acknowledged is there, in order, once, whatever happens to the process."""

from __future__ import annotations

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
from brightline.errors import DamagedError, UsageError, WorkspaceError
from brightline.ledger import JSON, Event, Ledger, Record
from brightline.ledger import log as log_module
from brightline.ledger.records import encode, now
from tests.ledger.places import filled, log, tree

WRITE_ATOMIC, WRITE_IN_PLACE = storage.write_atomic, storage.write_in_place

values: st.SearchStrategy[JSON] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def test_records_come_back_in_order(tmp_path: Path) -> None:
    ledger: Ledger = log(tmp_path)
    assert list(ledger.records()) == []
    assert ledger.append(Event.RUN_STARTED, {"run": "r1", "shards": 2}) == 0
    assert ledger.append(Event.RUN_FINISHED, {"run": "r1"}) == 1
    first, second = log(tmp_path).records()
    assert (first.seq, first.kind, first.fields) == (0, "run_started", {"run": "r1", "shards": 2})
    assert (second.seq, second.kind) == (1, "run_finished")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", first.time)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.dictionaries(st.text(), values, max_size=3), max_size=4))
def test_any_fields_round_trip(
    tmp_path_factory: pytest.TempPathFactory, batch: list[dict[str, JSON]]
) -> None:
    folder = tmp_path_factory.mktemp("ledger")
    ledger = log(folder)
    for number, fields in enumerate(batch):
        assert ledger.append(Event.REPORT_MADE, fields) == number
    assert [record.fields for record in log(folder).records()] == batch


def test_records_that_are_asked_for_are_those_that_a_filter_finds(tmp_path: Path) -> None:
    ledger = log(tmp_path)
    names = ["r1", "r", "ré", 'r"1', "kind", '","kind":"run_started']
    kinds = [Event.RUN_STARTED, Event.RUN_FINISHED, Event.REPORT_MADE]
    ledger.append_many(
        (kind, {"run": name, "kind": str(other), "under": {"run": "r1"}})
        for name in names
        for kind in kinds
        for other in kinds
    )
    ledger.append(Event.RUN_STARTED, {})
    every = list(ledger.records())
    assert list(ledger.records(*kinds)) == every
    for wanted in ([kinds[0]], kinds[1:]):
        assert list(ledger.records(*wanted)) == [r for r in every if r.kind in wanted]
        for name in (*names, "none"):
            found = [r for r in every if r.kind in wanted and r.fields.get("run") == name]
            assert list(ledger.records(*wanted, run=name)) == found


def test_an_append_writes_only_the_tiles_that_grow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = filled(tmp_path, 300)
    wrote: list[str] = []

    def write(path: Path, data: bytes) -> None:
        wrote.append(path.relative_to(ledger.folder).as_posix())
        WRITE_ATOMIC(path, data)

    monkeypatch.setattr(storage, "write_atomic", write)
    ledger.append(Event.REPORT_MADE, {})
    assert wrote == ["tile/entries/001.p/45", "tile/0/001.p/45", "checkpoint"]
    # one that is gone is made again
    (ledger.folder / "tile" / "1" / "000.p" / "1").unlink()
    ledger.append(Event.REPORT_MADE, {})
    assert wrote[-2:] == ["tile/1/000.p/1", "checkpoint"]


def test_names_of_files_that_are_not_text_are_kept(tmp_path: Path) -> None:
    log(tmp_path).append(Event.RUN_STARTED, {"source": "caf\udce9"})
    (record,) = log(tmp_path).records()
    assert record.fields == {"source": "caf\udce9"}


def test_files_are_private_and_lie_where_the_specification_says(tmp_path: Path) -> None:
    filled(tmp_path, 70_000)
    names = set(tree(tmp_path / "ledger"))
    # the example of c2sp.org/tlog-tiles: 273 + 1 at level 0, 1 + 1 at level 1, 1 at level 2
    assert {name for name in names if name.startswith(("tile/1", "tile/2"))} == {
        "tile/1/000",
        "tile/1/001.p/17",
        "tile/2/000.p/1",
    }
    assert {"tile/0/272", "tile/0/273.p/112", "tile/entries/273.p/112", "checkpoint"} <= names
    assert len([name for name in names if name.startswith("tile/0/")]) == 274
    for path in (tmp_path / "ledger").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0
    assert (tmp_path / "keys" / "ledger.pem").stat().st_mode & 0o777 == 0o600


def test_writers_take_turns(tmp_path: Path) -> None:
    one, other = log(tmp_path), log(tmp_path)
    order = (one, other, other, one)
    assert [ledger.append(Event.REPORT_MADE, {}) for ledger in order] == [0, 1, 2, 3]
    assert [record.seq for record in one.records()] == [0, 1, 2, 3]


def test_a_writer_that_gets_no_turn_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = filled(tmp_path, 1)
    monkeypatch.setattr(log_module, "PATIENCE", 0.05)
    with (
        storage.locked(tmp_path / "ledger" / ".lock", "the ledger"),
        pytest.raises(WorkspaceError, match="the ledger is in use by another"),
    ):
        ledger.append(Event.REPORT_MADE, {})
    assert ledger.append(Event.REPORT_MADE, {}) == 1


def test_a_writer_waits_for_its_turn(tmp_path: Path) -> None:
    filled(tmp_path, 1)
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time; from pathlib import Path; from brightline import storage\n"
            "with storage.locked(Path(sys.argv[1]), 'x'):\n"
            "    print(flush=True); time.sleep(0.3)",
            str(tmp_path / "ledger" / ".lock"),
        ],
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    holder.stdout.readline()
    assert log(tmp_path).append(Event.REPORT_MADE, {}) == 1
    holder.communicate()


def test_a_failed_append_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = {"tile/entries": 2, "tile/0": 3, "checkpoint": 4}
    ledger = filled(tmp_path, 1)
    for round_, part in enumerate(calls):
        before = len(list(ledger.records()))

        def full(path: Path, data: bytes, mode: int = 0o600, part: str = part) -> None:
            if part in path.as_posix():
                raise OSError(28, "No space left on device")
            WRITE_ATOMIC(path, data, mode)

        with monkeypatch.context() as patch:
            patch.setattr(storage, "write_atomic", full)
            with pytest.raises(OSError, match="No space"):
                ledger.append(Event.REPORT_MADE, {"lost": round_})
        assert len(list(ledger.records())) == before
        ledger.append(Event.REPORT_MADE, {"kept": round_})
    kept = [r.fields for r in log(tmp_path).records() if r.kind == Event.REPORT_MADE]
    assert kept == [{"kept": 0}, {"kept": 1}, {"kept": 2}]


def test_what_is_not_json_or_too_long_is_refused_before_writing(tmp_path: Path) -> None:
    ledger = filled(tmp_path, 2)
    before = tree(tmp_path)
    with pytest.raises(ValueError, match="Out of range"):
        ledger.append(Event.REPORT_MADE, {"share": float("nan")})
    with pytest.raises(UsageError, match="shorten"):
        ledger.append(Event.FINDINGS_OPENED, {"reason": "x" * 65_536})
    assert tree(tmp_path) == before


def test_the_longest_entry_fits(tmp_path: Path) -> None:
    ledger = filled(tmp_path, 1)
    empty = len(encode(Record(1, now(), "report_made", {"p": ""})))
    ledger.append(Event.REPORT_MADE, {"p": "x" * (65_535 - empty)})
    assert [record.seq for record in log(tmp_path).records()] == [0, 1]
    with pytest.raises(UsageError, match="65,536"):
        ledger.append(Event.REPORT_MADE, {"p": "x" * (65_536 - empty)})


# --- what a crash leaves ----------------------------------------------------------------------


class Stop(Exception):
    """Stands for a crash: raised before a write, which then never happens."""


@pytest.mark.parametrize("size", [0, 1, 254, 255, 256, 511])
def test_a_crash_before_any_write_is_mended(
    tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stop before the first, second, … write of an append, until it needs no more."""
    for allowed in range(20):
        folder = tmp_path / str(allowed)
        ledger = filled(folder, size)
        left = allowed

        def count() -> None:
            nonlocal left
            if left == 0:
                raise Stop
            left -= 1

        def atomic(path: Path, data: bytes, mode: int = 0o600) -> None:
            count()
            WRITE_ATOMIC(path, data, mode)

        def place(path: Path, data: bytes, *, durable: bool) -> None:
            count()
            WRITE_IN_PLACE(path, data, durable=durable)

        with monkeypatch.context() as patch:
            patch.setattr(storage, "write_atomic", atomic)
            patch.setattr(storage, "write_in_place", place)
            try:
                ledger.append(Event.REPORT_MADE, {"crash": True})
            except Stop:
                finished = False
            else:
                finished = True
        again = log(folder)
        found = [record.fields for record in again.records()]
        counted = found[size:] == [{"crash": True}]
        assert counted or found[size:] == []
        again.append(Event.REPORT_MADE, {"after": True})
        records = list(log(folder).records())
        assert [record.seq for record in records] == list(range(len(records)))
        assert [r.fields for r in records[:size]] == [{"items": n} for n in range(size)]
        assert records[-1].fields == {"after": True}
        kinds = [record.kind for record in records[size:]]
        assert kinds.count("report_made") == 1 + counted
        assert set(kinds) <= {"report_made", "recovered"}
        if finished:
            break
    else:
        pytest.fail("an append takes more writes than were counted")
    assert allowed >= 4  # announcement, entries, tile, checkpoint at least


def test_what_a_crash_left_is_counted(tmp_path: Path) -> None:
    filled(tmp_path, 3)
    folder = tmp_path / "ledger"
    (folder / "state").write_bytes(b"writing 00000000000000000004\n")
    (folder / "tile/entries/000.p/4").write_bytes(b"torn")
    (folder / "tile/0/000.p/.tmp-0123-4").write_bytes(b"torn too")
    assert log(tmp_path).append(Event.REPORT_MADE, {}) == 4
    record = list(log(tmp_path).records())[3]
    assert (record.kind, record.fields) == ("recovered", {"files": 2, "bytes": 12})
    assert not list(folder.rglob(".tmp-*"))


# --- what is from another time ----------------------------------------------------------------


def snapshots(tmp_path: Path) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """The files of a ledger of 300 records and of the same one record later."""
    ledger = filled(tmp_path, 300)
    before = tree(tmp_path / "ledger")
    ledger.append(Event.REPORT_MADE, {})
    return before, tree(tmp_path / "ledger")


def put(tmp_path: Path, name: str, data: bytes | None) -> None:
    path = tmp_path / "ledger" / name
    if data is None:
        path.unlink()
    else:
        path.write_bytes(data)


@pytest.mark.parametrize("whole", [False, True], ids=["one file", "with the state"])
def test_a_checkpoint_put_back_is_never_built_upon(tmp_path: Path, whole: bool) -> None:
    before, _ = snapshots(tmp_path)
    put(tmp_path, "checkpoint", before["checkpoint"])
    if whole:
        put(tmp_path, "state", before["state"])
    now = tree(tmp_path)
    with pytest.raises(DamagedError, match="from another time"):
        log(tmp_path).append(Event.REPORT_MADE, {})
    assert tree(tmp_path) == now


@pytest.mark.parametrize("name", ["tile/0/001.p/45", "tile/entries/001.p/45", "tile/1/000.p/1"])
@pytest.mark.parametrize("how", ["gone", "short", "flipped", "other"])
def test_tiles_that_do_not_fit_the_checkpoint_are_never_built_upon(
    tmp_path: Path, name: str, how: str
) -> None:
    before, after = snapshots(tmp_path)
    other = before[name.replace("45", "44")] if "45" in name else bytes(32)
    flipped = bytes([after[name][0] ^ 1]) + after[name][1:]
    forms = {"gone": None, "short": after[name][:-1], "flipped": flipped, "other": other}
    put(tmp_path, name, forms[how])
    now = tree(tmp_path)
    with pytest.raises(DamagedError):
        log(tmp_path).append(Event.REPORT_MADE, {})
    with pytest.raises(DamagedError):
        list(log(tmp_path).records())
    assert tree(tmp_path) == now


def test_a_ledger_that_shrank_under_a_writer_is_damage(tmp_path: Path) -> None:
    ledger = filled(tmp_path, 5)
    before = tree(tmp_path / "ledger")
    ledger.append(Event.REPORT_MADE, {})
    for name in set(tree(tmp_path / "ledger")) - set(before):
        put(tmp_path, name, None)
    for name, data in before.items():
        put(tmp_path, name, data)
    with pytest.raises(DamagedError, match="older than it was"):
        ledger.append(Event.REPORT_MADE, {})
    # to a process that has not seen more, it is a whole ledger: docs/promises.md
    assert log(tmp_path).append(Event.REPORT_MADE, {}) == 5


@pytest.mark.parametrize("size", [0, 3])
def test_a_checkpoint_that_is_gone_or_of_another_key_is_damage(tmp_path: Path, size: int) -> None:
    ledger = filled(tmp_path / "a", size)
    ledger.checkpoint()
    other = filled(tmp_path / "b", size).checkpoint()
    for data in (None, other, b"", b"\xff"):
        put(tmp_path / "a", "checkpoint", data)
        with pytest.raises(DamagedError, match="checkpoint"):
            log(tmp_path / "a").append(Event.REPORT_MADE, {})
        with pytest.raises(DamagedError, match="checkpoint"):
            list(log(tmp_path / "a").records())
        (tmp_path / "a" / "ledger" / "checkpoint").write_bytes(b"")


def test_keys_that_are_gone_or_open_to_others_are_refused(tmp_path: Path) -> None:
    filled(tmp_path, 2)
    pem, vkeys = tmp_path / "keys" / "ledger.pem", tmp_path / "keys" / "ledger.vkeys"
    kept = pem.read_bytes(), vkeys.read_bytes()
    pem.chmod(0o640)
    with pytest.raises(UsageError, match="chmod 600"):
        log(tmp_path).append(Event.REPORT_MADE, {})
    pem.unlink()
    with pytest.raises(DamagedError, match=r"ledger\.pem is gone"):
        log(tmp_path).append(Event.REPORT_MADE, {})
    filled(tmp_path / "other", 1)
    pem.write_bytes((tmp_path / "other" / "keys" / "ledger.pem").read_bytes())
    pem.chmod(0o600)
    with pytest.raises(DamagedError, match="not the last key"):
        log(tmp_path).append(Event.REPORT_MADE, {})
    pem.write_bytes(kept[0])
    vkeys.unlink()
    with pytest.raises(DamagedError, match=r"ledger\.vkeys is gone"):
        log(tmp_path).append(Event.REPORT_MADE, {})
    vkeys.write_bytes(kept[1])
    assert log(tmp_path).append(Event.REPORT_MADE, {}) == 2


# --- killed processes ---------------------------------------------------------------------------

WRITER = """
import os, sys
from pathlib import Path
from brightline.ledger import Event, Log
ledger = Log(Path(sys.argv[1], "ledger"), Path(sys.argv[1], "keys"))
while True:
    word = os.urandom(8).hex()
    seq = ledger.append(Event.SHARD_COMMITTED, {"word": word, "pad": "x" * 200})
    os.write(1, f"{seq} {word}\\n".encode())
"""


def start(folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE, env=os.environ
    )


def acknowledged_first(process: subprocess.Popen[bytes]) -> list[tuple[int, str]]:
    assert process.stdout is not None
    first = process.stdout.readline().decode().split()
    return [(int(first[0]), first[1])]


def killed(process: subprocess.Popen[bytes]) -> list[tuple[int, str]]:
    process.send_signal(signal.SIGKILL)
    out, _ = process.communicate()
    lines = out.decode().split("\n")[:-1]
    return [(int(line.split()[0]), line.split()[1]) for line in lines]


def check(folder: Path, acknowledged: list[tuple[int, str]]) -> None:
    words = [record.fields.get("word") for record in log(folder).records()]
    assert acknowledged
    for seq, word in acknowledged:
        assert words[seq] == word
    assert len({seq for seq, _ in acknowledged}) == len(acknowledged)


def kill_loop(folder: Path, rounds: int) -> None:
    rng = random.Random(7)
    acknowledged: list[tuple[int, str]] = []
    for _ in range(rounds):
        process = start(folder)
        acknowledged += acknowledged_first(process)
        time.sleep(rng.uniform(0, 0.04))
        acknowledged += killed(process)
    check(folder, acknowledged)
    log(folder).append(Event.REPORT_MADE, {})
    check(folder, acknowledged)


def test_killed_writers_lose_nothing_they_acknowledged(tmp_path: Path) -> None:
    kill_loop(tmp_path, 6)


@pytest.mark.long
def test_a_hundred_killed_writers_lose_nothing(tmp_path: Path) -> None:
    kill_loop(tmp_path, 100)
    assert any(record.kind == "recovered" for record in log(tmp_path).records())


def test_processes_append_at_once(tmp_path: Path) -> None:
    writers = [start(tmp_path) for _ in range(3)]
    acknowledged = [pair for process in writers for pair in acknowledged_first(process)]
    time.sleep(0.2)
    for process in writers:
        acknowledged += killed(process)
    check(tmp_path, acknowledged)
