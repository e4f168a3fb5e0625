from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from brightline.errors import DamagedError
from brightline.lists.feeds.codec import decode, encode
from brightline.lists.feeds.engine import sync
from brightline.lists.feeds.errors import FeedError
from brightline.lists.feeds.interface import Change, Delete, Page, Range, Upsert
from brightline.lists.feeds.retrying import Retry
from brightline.lists.feeds.state import RangeRole, State
from brightline.lists.records import Record
from brightline.types import SignalType
from tests.lists.feeds.helpers import NOW, ListFile
from tests.lists.feeds.peers import made

RECORDS = st.builds(
    lambda signals, opaque, category, labels, submitter, changed: Record(
        tuple((t, made(t.width, n)) for t, n in signals),
        tuple(("photodna", made(144, n)) for n in opaque),
        category,
        tuple(labels),
        submitter,
        "id",
        changed,
    ),
    st.lists(st.tuples(st.sampled_from(SignalType), st.integers(0, 9)), max_size=3),
    st.lists(st.integers(0, 9), max_size=2),
    st.text(max_size=3),
    st.lists(st.text(max_size=3), max_size=2),
    st.text(max_size=3),
    st.sampled_from(["", "2026-11-20T12:00:00Z"]),
)


@given(RECORDS, RECORDS)
def test_records_are_stored_whole(one: Record, other: Record) -> None:
    assert decode("id", one.changed, encode(one)) == one
    assert (encode(one) == encode(other)) == (one == replace(other, changed=one.changed))


def record(key: int, content: int) -> Record:
    signals = ((SignalType.MD5, made(16, key, content)),)
    return Record(signals, source_id=f"id{key}", changed="2026-11-20T12:00:00Z")


class Stopped(BaseException):
    """The machine stops here."""


class Scripted:
    """A feed that gives pages from a table: the ranges, each a list of pages."""

    cursor_lifetime = timedelta(days=9999)

    def __init__(self, ranges: list[list[tuple[Change, ...]]]) -> None:
        self.ranges = ranges

    def plan(self, checkpoint: str | None, now: datetime) -> Range:
        number = min(int(checkpoint or 0), len(self.ranges) - 1)
        return Range(str(number), str(number + 1), number + 1 == len(self.ranges))

    def page(self, part: Range, cursor: str | None) -> Page:
        number = int(cursor or 0)
        pages = self.ranges[int(part.start)]
        return Page(pages[number], str(number + 1) if number + 1 < len(pages) else None)

    def split(self, part: Range) -> tuple[Range, ...]:
        return ()


@contextmanager
def stops_after(steps: int, published: int) -> Iterator[None]:
    """Stop after so many transactions, or within the publication after so many."""
    step, publish = State._step, ListFile.__call__
    left = {"steps": steps, "published": published}

    @contextmanager
    def counted(self: State) -> Iterator[None]:
        with step(self):
            yield
        left["steps"] -= 1
        if left["steps"] == 0:
            raise Stopped

    def counted_publish(self: ListFile, changes: Iterator[Change], token: str) -> str:
        version = publish(self, changes, token)
        left["published"] -= 1
        if left["published"] == 0:
            raise Stopped
        return version

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(State, "_step", counted)
        patch.setattr(ListFile, "__call__", counted_publish)
        yield


CHANGES = st.lists(
    st.tuples(st.integers(0, 5), st.one_of(st.none(), st.integers(0, 2))), max_size=4
)

NEVER = 1000
STOPS = st.one_of(
    st.tuples(st.integers(1, 12), st.just(NEVER)), st.tuples(st.just(NEVER), st.integers(1, 2))
)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.lists(CHANGES, min_size=1, max_size=3), min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(1, 4), STOPS), max_size=6),
)
@example([[[(1, 0)]], [[(1, 1)]]], [(1, (NEVER, 1))])
def test_a_stop_at_any_step_loses_and_doubles_nothing(
    tmp_path_factory: pytest.TempPathFactory,
    script: list[list[list[tuple[int, int | None]]]],
    stops: list[tuple[int, tuple[int, int]]],
) -> None:
    """Against a dictionary that applies the same changes in their order. The source grows, range
    by range, between the syncs that are stopped."""
    folder = tmp_path_factory.mktemp("sync")
    expected: dict[str, Record] = {}
    ranges: list[list[tuple[Change, ...]]] = []
    for pages in script:
        ranges.append([])
        for page in pages:
            changes: list[Change] = []
            for key, content in page:
                if content is None:
                    changes.append(Delete(f"id{key}", "2026-11-20T12:00:00Z"))
                    expected.pop(f"id{key}", None)
                else:
                    changes.append(Upsert(record(key, content)))
                    expected[f"id{key}"] = record(key, content)
            ranges[-1].append(tuple(changes))

    def attempt(seen: int = len(script)) -> ListFile:
        held = ListFile(folder / "list.json")
        with State(folder / "feed" / "state.sqlite", "kind", "base") as state:
            sync(Scripted(ranges[:seen]), state, held, retry=Retry(attempts=1), clock=lambda: NOW)
            assert not state.holes() and state.current is None
        return held

    for seen, (steps, published) in sorted(stops):
        with stops_after(steps, published):
            try:
                attempt(min(seen, len(script)))
            except Stopped:
                continue
    held = attempt()
    assert held.records == [expected[key] for key in sorted(expected)]
    assert len(set(held.tokens)) == len(held.tokens)
    before = held.versions
    assert attempt().versions == before


def test_what_is_on_disk_is_the_owners_only(tmp_path: Path) -> None:
    path = tmp_path / "list" / "feed" / "state.sqlite"
    with State(path, "kind", "base") as state:
        state.begin(Range("0", "1", True), RangeRole.MAIN, NOW)
        state.take(Page((Upsert(record(1, 1)),), None), NOW, bad=False)
        for file in path.parent.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
        mode = state._db.execute("PRAGMA journal_mode").fetchone()[0]
        assert (mode, state._db.execute("PRAGMA synchronous").fetchone()[0]) == ("delete", 3)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_state_of_another_feed_is_not_mixed_in(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    with State(path, "kind", "base"):
        pass
    for kind, base in (("other", "base"), ("kind", "other")):
        with pytest.raises(FeedError, match="another feed"):
            State(path, kind, base)


def test_a_damaged_state_is_said(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(DamagedError, match="move it away"):
        State(path, "kind", "base")
    with State(tmp_path / "other.sqlite", "kind", "base") as state:
        for number in range(20):
            state.begin(Range("0", "1", True), RangeRole.MAIN, NOW)
            state.take(Page((Upsert(record(number, 1)),), None), NOW, bad=False)
    whole = (tmp_path / "other.sqlite").read_bytes()
    for filling in (b"\0", b"\xff"):
        (tmp_path / "other.sqlite").write_bytes(whole[:5000] + filling * (len(whole) - 5000))
        with (
            pytest.raises(DamagedError, match="fetched anew"),
            State(tmp_path / "other.sqlite", "kind", "base") as state,
        ):
            sync(Scripted([[()]]), state, ListFile(tmp_path / "list.json"), clock=lambda: NOW)


def test_a_state_of_a_later_version(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    with State(path, "kind", "base") as state:
        state._db.execute("PRAGMA user_version=99")
    with pytest.raises(FeedError, match="another version"):
        State(path, "kind", "base")


def test_times_are_kept_in_utc(tmp_path: Path) -> None:
    moment = datetime(2026, 11, 20, 12, tzinfo=UTC)
    with State(tmp_path / "state.sqlite", "kind", "base") as state:
        local = moment.astimezone(tz=datetime.now().astimezone().tzinfo)
        state.begin(Range("0", "1", True), RangeRole.MAIN, local)
        assert state.current is not None and state.current.fetched == moment
