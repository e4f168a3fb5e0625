"""The journal of early versions becomes the log's first entries: all of it, once."""

from __future__ import annotations

from pathlib import Path

import pytest

from brightline import storage
from brightline.errors import DamagedError
from brightline.ledger import Event, Record
from brightline.ledger.records import encode
from tests.ledger.places import log, tree


def journal(folder: Path, count: int, tail: bytes = b"") -> list[Record]:
    """A ledger as an early version left it, with no keys."""
    records = [
        Record(n, f"2025-01-31T12:00:00.{n:06}Z", "report_made", {"n": n, "é": None})
        for n in range(count)
    ]
    (folder / "ledger").mkdir(parents=True)
    lines = b"".join(encode(record) + b"\n" for record in records)
    (folder / "ledger" / "journal.jsonl").write_bytes(lines + tail)
    return records


@pytest.mark.parametrize("count", [0, 1, 256, 300])
def test_records_are_carried_over_as_they_are(tmp_path: Path, count: int) -> None:
    records = journal(tmp_path, count)
    assert list(log(tmp_path).records()) == records
    assert "checkpoint" not in tree(tmp_path / "ledger")
    assert log(tmp_path).append(Event.RUN_STARTED, {}) == count
    assert list(log(tmp_path).records())[:-1] == records
    assert not (tmp_path / "ledger" / "journal.jsonl").exists()
    assert (tmp_path / "ledger" / "journal.jsonl.carried-over").exists()
    assert log(tmp_path).append(Event.RUN_STARTED, {}) == count + 1


def test_a_line_that_was_cut_off_is_said_to_be(tmp_path: Path) -> None:
    records = journal(tmp_path, 2, b'{"fiel')
    assert list(log(tmp_path).records()) == records
    log(tmp_path).checkpoint()
    *carried, last = log(tmp_path).records()
    assert carried == records
    assert (last.seq, last.kind, last.fields) == (2, "recovered", {"bytes": 6})


def test_a_record_too_long_for_an_entry_is_carried_by_its_digest(tmp_path: Path) -> None:
    records = journal(tmp_path, 2)
    long = Record(2, records[0].time, "findings_opened", {"reason": "x" * 70_000})
    with (tmp_path / "ledger" / "journal.jsonl").open("ab") as out:
        out.write(encode(long) + b"\n")
    log(tmp_path).checkpoint()
    *_, last = log(tmp_path).records()
    assert (last.kind, list(last.fields)) == ("findings_opened", ["too_long"])


def test_a_damaged_journal_is_not_carried_over(tmp_path: Path) -> None:
    journal(tmp_path, 3)
    path = tmp_path / "ledger" / "journal.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"seq":1', b'"seq":7'))
    for act in (lambda: log(tmp_path).checkpoint(), lambda: list(log(tmp_path).records())):
        with pytest.raises(DamagedError, match="line 2"):
            act()
    assert path.exists()


def test_a_crash_at_any_write_carries_over_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_atomic, rename = storage.write_atomic, storage.rename

    class Stop(Exception):
        pass

    for allowed in range(40):
        folder = tmp_path / str(allowed)
        records = journal(folder, 300)
        left = [allowed]

        def count(left: list[int] = left) -> None:
            if left[0] == 0:
                raise Stop
            left[0] -= 1

        def atomic(path: Path, data: bytes, mode: int = 0o600, count=count) -> None:  # type: ignore[no-untyped-def]
            count()
            write_atomic(path, data, mode)

        def renamed(path: Path, target: Path, count=count) -> None:  # type: ignore[no-untyped-def]
            count()
            rename(path, target)

        with monkeypatch.context() as patch:
            patch.setattr(storage, "write_atomic", atomic)
            patch.setattr(storage, "rename", renamed)
            try:
                log(folder).checkpoint()
            except Stop:
                finished = False
            else:
                finished = True
        assert list(log(folder).records())[:300] == records
        log(folder).append(Event.REPORT_MADE, {"last": True})
        found = list(log(folder).records())
        assert found[:300] == records
        assert found[-1].fields == {"last": True}
        assert {record.kind for record in found[300:-1]} <= {"recovered"}
        if finished:
            break
    else:
        pytest.fail("carrying over takes more writes than were counted")
    assert allowed >= 8


def test_a_journal_written_beside_the_log_is_kept_apart(tmp_path: Path) -> None:
    log(tmp_path / "a").append(Event.RUN_STARTED, {})
    journal(tmp_path / "b", 2)
    data = (tmp_path / "b" / "ledger" / "journal.jsonl").read_bytes()
    (tmp_path / "a" / "ledger" / "journal.jsonl").write_bytes(data)
    with pytest.raises(DamagedError, match="move it away"):
        log(tmp_path / "a").append(Event.RUN_STARTED, {})
    assert (tmp_path / "a" / "ledger" / "journal.jsonl").read_bytes() == data
