from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from brightline.lists.feeds.errors import BadPageError, FeedError, RefusedError, TransientError
from brightline.lists.feeds.http import HttpLimits
from brightline.lists.feeds.interface import Range, Unusable, Upsert
from brightline.lists.feeds.ncmec import Ncmec
from tests.lists.feeds import peers
from tests.lists.feeds.helpers import NOW, ListFile, Place
from tests.lists.feeds.peers import Entry
from tests.lists.feeds.service import Reply, Service, serve


@pytest.fixture
def hotline() -> peers.Ncmec:
    made = peers.Ncmec()
    for number in range(17):
        kind = "video" if number % 4 == 3 else "image"
        made.put(Entry(number, f"2026-11-{number % 9 + 1:02}T0{number % 7}:00:00Z", kind))
    return made


@pytest.fixture
def service(hotline: peers.Ncmec) -> Iterator[Service]:
    with serve(hotline) as running:
        yield running


@pytest.fixture
def place(tmp_path: Path, service: Service) -> Place:
    return Place(tmp_path, service)


def starts(service: Service) -> list[str]:
    """The pages asked for, `1` being the first of a range."""
    return [request.query.get("start", "1") for request in service.requests]


def test_everything_comes_across_whatever_its_order(place: Place, hotline: peers.Ncmec) -> None:
    done = place.sync()
    assert place.held.records == hotline.records
    assert done.complete and done.published == 17 and done.version == "0001"
    assert not done.unusable.total()
    categories = {record.category for record in place.held.records}
    assert categories == {"A1"}
    videos = [r for r in place.held.records if r.labels == ("video",)]
    assert len(videos) == 4 and all(len(r.signals) == 2 for r in videos)


def test_a_second_sync_fetches_a_day_again_and_publishes_nothing(
    place: Place, hotline: peers.Ncmec
) -> None:
    place.sync()
    hotline.ranges.clear()
    place.now = NOW + timedelta(hours=1)
    done = place.sync()
    assert hotline.ranges == [("2026-11-19T12:00:00Z", "2026-11-20T13:00:00Z")]
    assert (done.version, done.published) == (None, 0)
    assert place.held.versions == ["0001"]


def test_ranges_cover_all_time_without_a_gap(place: Place, hotline: peers.Ncmec) -> None:
    place.window = timedelta(days=30)
    place.sync()
    assert len(hotline.ranges) > 200
    assert hotline.ranges[0][0] == "1970-01-01T00:00:00Z"
    assert hotline.ranges[-1][1] == "2026-11-20T12:00:00Z"
    for (_, end), (start, _) in zip(hotline.ranges, hotline.ranges[1:], strict=False):
        assert start == (peers.utc(end) - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_changes_and_deletions_follow(place: Place, hotline: peers.Ncmec) -> None:
    place.sync()
    image, video = (
        hotline.entries["ncmec/image/42/entry1"],
        hotline.entries["ncmec/video/42/entry3"],
    )
    hotline.delete(video, "2026-11-20T13:00:00Z")
    hotline.put(replace(image, when="2026-11-20T14:00:00Z", revision=1, category="B2"))
    hotline.put(Entry(99, "2026-11-20T15:00:00Z"))
    place.now = NOW + timedelta(days=1)
    done = place.sync()
    assert place.held.records == hotline.records
    assert done.published == 3 and place.held.versions == ["0001", "0002"]
    assert len(place.in_state()) == len(hotline.records)


def test_a_list_whose_state_was_lost(
    place: Place, hotline: peers.Ncmec, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.sync()
    added = Entry(99, "2026-11-20T13:00:00Z")
    hotline.put(added)
    place.now = NOW + timedelta(days=1)
    place.sync()
    (place.root / "feed" / "state.sqlite").unlink()
    hotline.delete(added, "2026-11-21T13:00:00Z")
    place.now = NOW + timedelta(days=2)
    monkeypatch.setattr(ListFile, "lost_state", True)
    assert place.sync().version == "0003"
    assert place.held.records == hotline.records
    assert len(place.in_state()) == len(hotline.records)


def test_a_state_restored_from_a_backup(place: Place, hotline: peers.Ncmec) -> None:
    place.sync()
    state = place.root / "feed" / "state.sqlite"
    backup = state.read_bytes()
    hotline.put(Entry(98, "2026-11-20T13:00:00Z"))
    place.now = NOW + timedelta(days=1)
    place.sync()
    state.write_bytes(backup)
    hotline.put(Entry(99, "2026-11-20T14:00:00Z"))
    place.sync()
    assert place.held.records == hotline.records


def test_what_was_deleted_before_we_came_is_nothing(place: Place, hotline: peers.Ncmec) -> None:
    hotline.delete(Entry(5, ""), "2026-11-03T00:00:00Z")
    hotline.delete(Entry(500, ""), "2026-11-03T00:00:00Z")
    place.sync()
    assert place.held.records == hotline.records


def test_a_time_alone_makes_no_version(place: Place, hotline: peers.Ncmec) -> None:
    place.sync()
    entry = hotline.entries["ncmec/image/42/entry1"]
    hotline.put(replace(entry, when="2026-11-20T13:00:00Z"))
    place.now = NOW + timedelta(days=1)
    assert place.sync().published == 0
    assert Upsert(hotline.entries[entry.source_id].record) in place.in_state()


def test_local_time_marked_z(place: Place, hotline: peers.Ncmec) -> None:
    """A member eleven hours behind adds an entry after our sync, at a time before it."""
    place.sync()
    hotline.put(Entry(99, "2026-11-20T02:00:00Z"))
    # and changes another to what it says is earlier than what we have of it
    moved = hotline.entries["ncmec/image/42/entry8"]
    hotline.put(replace(moved, when="2026-11-19T15:00:00Z", revision=1))
    place.now = NOW + timedelta(hours=1)
    place.sync()
    hotline.put(replace(moved, when="2026-11-19T13:30:00Z", revision=2))
    place.now = NOW + timedelta(hours=2)
    place.sync()
    # what began less than a day before is fetched again
    assert place.held.records == hotline.records


def test_entries_repeated_across_pages_count_once(place: Place, hotline: peers.Ncmec) -> None:
    hotline.repeats = True
    done = place.sync()
    assert done.upserts > done.published == 17
    assert place.held.records == hotline.records


def test_within_a_range_the_later_change_counts(tmp_path: Path) -> None:
    older, newer = Entry(1, "2026-11-01T00:00:00Z"), Entry(1, "2026-11-02T00:00:00Z", revision=1)
    for first, second in ((older, newer), (newer, older)):
        pages = {"": peers.Ncmec._document([first]), "2": peers.Ncmec._document([second])}
        pages[""] += "<paging><next>/v2/entries?page=2</next></paging>"

        def answer(request: object, pages: dict[str, str] = pages) -> Reply:
            text = pages[request.query.get("page", "")]  # type: ignore[attr-defined]
            xml = f'<queryResult xmlns="{peers.NAMESPACE}">{text}</queryResult>'
            return Reply(body=xml.encode())

        with serve(answer) as service:
            place = Place(tmp_path / str(first.revision), service)
            place.sync()
            assert [r.changed for r in place.held.records] == [newer.when]


def test_a_malformed_page_in_the_middle(
    place: Place, hotline: peers.Ncmec, service: Service
) -> None:
    hotline.broken_at = 11
    with pytest.raises(BadPageError, match=r"page 3 of its range.*--skip-bad-pages"):
        place.sync()
    assert starts(service)[-5:] == ["1", "6", "11", "11", "11"]
    assert len(place.waits) == 2
    with place.state() as state:
        assert state.checkpoint is not None and state.checkpoint < "2026-11-01"
        assert [(page, "malformed" in fault) for _, _, page, fault in state.faults()] == [(3, True)]
        assert state.current is not None and state.current.pages == 2
    assert not place.held.versions

    hotline.broken_at = None
    service.requests.clear()
    place.sync()
    assert starts(service)[:2] == ["11", "16"]  # with the very page, not with the range
    assert place.held.records == hotline.records


def test_what_was_exhausted_before_a_bad_page_is_published(
    place: Place, hotline: peers.Ncmec
) -> None:
    hotline.put(Entry(50, "2020-05-01T00:00:00Z"))
    hotline.broken_at = 11
    with pytest.raises(BadPageError):
        place.sync()
    assert [r.source_id for r in place.held.records] == ["ncmec/image/42/entry50"]


def test_bad_pages_are_passed_over_only_if_asked_and_fetched_again(
    place: Place, hotline: peers.Ncmec
) -> None:
    lost = hotline.broken_id = "ncmec/image/42/entry10"
    done = place.sync(skip_bad_pages=True)
    assert not done.complete and done.holes == 1 and done.bad_pages > 1
    # everything whose page can be had without the bad entry is there, and nothing is made up
    assert place.held.records == [r for r in hotline.records if r.source_id != lost]

    with pytest.raises(BadPageError):
        place.sync()
    hotline.put(Entry(60, "2026-11-20T13:00:00Z"))
    place.now = NOW + timedelta(days=1)
    with pytest.raises(BadPageError):  # the hole does not stand in the way of what is new
        place.sync()
    assert "ncmec/image/42/entry60" in {r.source_id for r in place.held.records}

    hotline.broken_id = None
    done = place.sync()
    assert done.complete and place.held.records == hotline.records
    assert place.sync().pages == 1


def test_an_entry_that_cannot_be_read_costs_only_itself(place: Place, hotline: peers.Ncmec) -> None:
    whole = hotline.records
    hotline.put(replace(Entry(70, "2026-11-05T00:00:00Z"), kind="image"))
    page = peers.Entry.xml

    def without_id(entry: Entry) -> str:
        text = page(entry)
        return text.replace(f"<id>{entry.own}</id>", "") if entry.number == 70 else text

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(peers.Entry, "xml", without_id)
        with pytest.raises(BadPageError, match="1 of its entries"):
            place.sync()
        done = place.sync(skip_bad_pages=True)
        assert done.bad_pages == done.holes == 1
        assert place.held.records == whole
    assert place.sync().complete
    assert place.held.records == hotline.records


def test_a_server_that_fails_at_one_page(
    place: Place, hotline: peers.Ncmec, service: Service
) -> None:
    place.sync()
    hotline.put(*(Entry(n, "2026-11-20T13:00:00Z") for n in range(80, 87)))
    place.now = NOW + timedelta(days=1)
    service.faults = [None, *[Reply(500)] * 3]
    with pytest.raises(BadPageError):
        place.sync()
    service.faults = [*[Reply(500)] * 3]
    with pytest.raises(BadPageError):
        place.sync()
    service.faults = [*[Reply(500)] * 3]
    assert place.sync(skip_bad_pages=True).holes == 1
    assert place.sync().complete
    assert place.held.records == hotline.records


def test_unauthorised_with_an_empty_body(place: Place, service: Service) -> None:
    place.password = "another-pass-phrase"
    with pytest.raises(RefusedError, match="401") as caught:
        place.sync()
    assert len(service.requests) == 1 and not place.waits
    assert "another-pass-phrase" not in repr(caught.value) and peers.USER not in str(caught.value)


def test_busy_servers_are_waited_for(place: Place, hotline: peers.Ncmec, service: Service) -> None:
    service.faults = [
        Reply(429, headers={"Retry-After": "7"}),
        Reply(503, headers={"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}),
        None,
        Reply(503),
    ]
    place.sync()
    assert place.waits[0] == 7.0
    assert 1.0 <= place.waits[1] <= 2.0 and 0.5 <= place.waits[2] <= 1.0
    assert place.held.records == hotline.records


def test_a_wait_that_is_too_long_is_said(place: Place, service: Service) -> None:
    service.faults = [Reply(503, headers={"Retry-After": "86400"})]
    with pytest.raises(TransientError, match="wait 86400 s"):
        place.sync()
    assert not place.waits


@pytest.mark.parametrize(
    "fault", [Reply(body=b"<x/>", cut=50), Reply(stall=1.0), Reply(body=b"<x>" * 99, drip=0.1)]
)
def test_answers_cut_short_and_late(
    place: Place, hotline: peers.Ncmec, service: Service, fault: Reply
) -> None:
    place.limits = HttpLimits(read=0.3, total=0.5)
    service.faults = [fault, None, fault]
    place.sync()
    assert len(place.waits) == 2
    assert place.held.records == hotline.records


def test_an_answer_that_is_too_large(place: Place, service: Service) -> None:
    place.limits = HttpLimits(body_bytes=1000)
    service.faults = [Reply(body=b" " * 1001)]
    with pytest.raises(FeedError, match=r"larger than 1000 bytes.*max_response_bytes"):
        place.sync()


def test_an_expired_cursor_starts_the_range_again(
    place: Place, hotline: peers.Ncmec, service: Service
) -> None:
    place.sync()
    hotline.put(*(Entry(n, "2026-11-20T13:00:00Z") for n in range(80, 91)))
    place.now = NOW + timedelta(days=1)
    service.requests.clear()
    service.faults = [None, Reply(410), None, None, Reply(400)]
    place.sync()
    assert starts(service) == ["1", "6", "1", "6", "11", "1", "6", "11"]
    assert place.held.records == hotline.records


def test_a_cursor_that_always_expires_ends_the_sync(
    place: Place, hotline: peers.Ncmec, service: Service
) -> None:
    hotline.forgets = True
    with pytest.raises(FeedError, match="expire before a range can be read"):
        place.sync()
    assert starts(service)[-8:] == ["1", "6"] * 4
    hotline.forgets = False
    place.sync()
    assert place.held.records == hotline.records


def test_an_old_cursor_is_not_used(place: Place, hotline: peers.Ncmec, service: Service) -> None:
    hotline.broken_at = 11
    with pytest.raises(BadPageError):
        place.sync()
    hotline.broken_at = None
    place.now = NOW + timedelta(hours=13)
    service.requests.clear()
    place.sync()
    assert starts(service)[:4] == ["1", "6", "11", "16"]
    assert place.held.records == hotline.records


@pytest.mark.parametrize(
    "place_of_next",
    [
        "https://elsewhere.example/v2/entries?start=2",
        "//elsewhere.example/v2/entries?start=2",
        "/v2/../../other?start=2",
        "/v2/entries",
        "/v2/entries?start=2 3",
        "http://[",
    ],
)
def test_the_next_page_is_never_another_place(
    place: Place, service: Service, place_of_next: str
) -> None:
    body = (
        f'<queryResult xmlns="{peers.NAMESPACE}"><paging><next>{place_of_next}</next></paging>'
        "</queryResult>"
    )
    service.faults = [Reply(body=body.encode())] * 3
    with pytest.raises(BadPageError, match="not one of this feed") as caught:
        place.sync()
    assert "elsewhere" not in str(caught.value)
    assert {request.path for request in service.requests} == {"/base/v2/entries"}


def test_pages_in_a_circle(place: Place, service: Service) -> None:
    def page(start: int) -> Reply:
        body = (
            f'<queryResult xmlns="{peers.NAMESPACE}"><paging>'
            f"<next>/v2/entries?start={start}</next></paging></queryResult>"
        )
        return Reply(body=body.encode())

    service.faults = [page(2), page(3), page(2), page(2), page(2)]
    with pytest.raises(BadPageError, match="names a page before as next"):
        place.sync()


def test_redirects(place: Place, hotline: peers.Ncmec, service: Service) -> None:
    first = "/base/v2/entries?from=1970-01-01T00%3A00%3A00Z&to=2010-01-01T00%3A00%3A00Z"
    service.faults = [Reply(307, headers={"Location": first})]
    place.sync()
    assert place.held.records == hotline.records
    with serve(hotline) as other:
        for location in (f"{other.url}/base/v2/entries", "https://127.0.0.1/", "", "http://["):
            service.faults = [Reply(302, headers={"Location": location} if location else {})]
            with pytest.raises(FeedError, match="redirect to another place"):
                place.sync()
        assert not other.requests
    service.faults = [Reply(302, headers={"Location": first})] * 9
    with pytest.raises(FeedError, match="in circles"):
        place.sync()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>%s', "document type"),
        (b'<!DOCTYPE x SYSTEM "file:///etc/passwd">%s', "document type"),
        (b"<!DOCTYPE queryResult>%s", "document type"),
        (b"<a>" * 5000 + b"</a>" * 5000, "nest too deeply"),
        (b"<a>&undeclared;</a>", "not well-formed"),
        (b'<?xml version="1.0" encoding="no-such"?>%s', "not well-formed"),
        (b"%s<more/>", "not well-formed"),
        (b"", "not well-formed"),
        (b"\xff\xfe<", "not well-formed"),
        (b"<queryResult/>", "no query result"),
    ],
)
def test_hostile_xml(place: Place, service: Service, body: bytes, words: str) -> None:
    page = f'<queryResult xmlns="{peers.NAMESPACE}"/>'.encode()
    service.faults = [Reply(body=body.replace(b"%s", page))] * 3
    with pytest.raises(BadPageError, match=f"malformed: .*{words}"):
        place.sync()


def test_values_that_are_no_hashes_are_counted(place: Place, hotline: peers.Ncmec) -> None:
    odd = "<md5>zz</md5><pdna>aaaa...</pdna><sha1/><tmk-pdqf rel='self' href='/v2/x'/>"
    odd += f"<pdna>{'A' * 190}==</pdna><md5>{'é' * 32}</md5>"
    hotline.put(Entry(1, "2026-11-02T00:00:00Z", extra=odd))
    done = place.sync()
    assert done.unusable == {Unusable.NOT_A_HASH: 5, Unusable.UNSUPPORTED: 1}
    assert place.held.records == hotline.records


def test_an_update_that_cannot_be_read_takes_nothing_away(
    place: Place, hotline: peers.Ncmec, service: Service
) -> None:
    place.sync()
    before = place.held.records
    for prints, left in (("<md5>zz</md5>", 17), ("<videntifier href='/v2/x'/>", 16)):
        xml = (
            f'<queryResult xmlns="{peers.NAMESPACE}"><images><image><member id="42"/>'
            f"<id>entry1</id><fingerprints>{prints}</fingerprints></image></images></queryResult>"
        )
        service.faults = [Reply(body=xml.encode())]
        done = place.sync()
        assert done.unusable[Unusable.NO_SIGNAL] == 1
        assert len(place.held.records) == left
    assert [r for r in before if r.source_id != "ncmec/image/42/entry1"] == place.held.records


def test_unreadable_times_are_counted(place: Place, hotline: peers.Ncmec, service: Service) -> None:
    xml = Entry(1, "yesterday", revision=4).xml()
    body = f'<queryResult xmlns="{peers.NAMESPACE}"><images>{xml}</images></queryResult>'
    service.faults = [Reply(body=body.encode())]
    assert place.sync().unusable[Unusable.UNREADABLE_TIME] == 1


def test_halves_cover_a_range(place: Place) -> None:
    with place.http() as http:
        feed = Ncmec(http)
        todo = [Range("2026-01-01T00:00:00Z", "2026-01-31T00:00:00Z", True)]
        seen = []
        while todo:
            part = todo.pop()
            halves = feed.split(part)
            if not halves:
                seen.append(part)
                continue
            assert halves[0].start == part.start and halves[-1].end == part.end
            assert halves[0].end == halves[1].start
            todo += halves if len(seen) < 50 else ()
    assert seen and all(peers.utc(p.end) - peers.utc(p.start) <= timedelta(minutes=2) for p in seen)


def test_a_range_must_be_longer_than_the_overlap(place: Place) -> None:
    with place.http() as http, pytest.raises(FeedError, match="overlap"):
        Ncmec(http, overlap=timedelta(days=30))
