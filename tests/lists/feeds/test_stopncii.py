from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from brightline.lists.feeds.errors import BadPageError, RefusedError
from brightline.lists.feeds.interface import Unusable
from brightline.signals.url import url_digest
from brightline.types import SignalType
from tests.lists.feeds import peers
from tests.lists.feeds.helpers import NOW, Place
from tests.lists.feeds.peers import Hash
from tests.lists.feeds.service import Reply, Service, serve

SECONDS = int(NOW.timestamp())


@pytest.fixture
def hotline() -> peers.StopNcii:
    made = peers.StopNcii(now=SECONDS - 60)
    for number in range(14):
        kind = "VideoMD5" if number % 5 == 4 else "ImagePDQ"
        made.put(Hash(number, SECONDS - 90_000 - number, kind))
    return made


@pytest.fixture
def service(hotline: peers.StopNcii) -> Iterator[Service]:
    with serve(hotline) as running:
        yield running


@pytest.fixture
def place(tmp_path: Path, service: Service) -> Place:
    return Place(tmp_path, service, kind="stopncii")


def values(place: Place) -> set[bytes]:
    return {value for record in place.held.records for _, value in record.signals}


def test_everything_comes_across(place: Place, hotline: peers.StopNcii, service: Service) -> None:
    done = place.sync()
    assert done.complete and done.published == 14
    assert values(place) == hotline.values
    assert service.requests[0].query == {"startTimestamp": "10", "pageSize": "800"}
    videos = [r for r in place.held.records if r.labels == ("video",)]
    assert {r.signals[0][0] for r in videos} == {SignalType.MD5} and len(videos) == 2
    # an id is shown in more places than a value is
    for record in place.held.records:
        assert record.signals[0][1].hex() not in record.source_id


def test_goes_on_a_day_before_where_the_feed_says(
    place: Place, hotline: peers.StopNcii, service: Service
) -> None:
    place.sync()
    service.requests.clear()
    place.now = NOW + timedelta(days=3)
    place.sync()
    assert service.requests[0].query["startTimestamp"] == str(SECONDS - 60 - 86_400)


def test_withdrawn_and_deleted_hashes_go(place: Place, hotline: peers.StopNcii) -> None:
    place.sync()
    hotline.put(Hash(1, SECONDS, status="Withdrawn"), Hash(2, SECONDS, status="Deleted"))
    hotline.put(Hash(77, SECONDS, status="Withdrawn"), Hash(78, SECONDS, status="Received"))
    done = place.sync()
    assert values(place) == hotline.values and len(hotline.values) == 13
    assert (done.published, done.deletions) == (3, 3)


def test_addresses_are_kept_as_digests(place: Place, hotline: peers.StopNcii) -> None:
    address = "https://Example.com:443/a"
    hotline.mangle[0] = Hash(0, SECONDS).document() | {"signalType": "URL", "hashValue": address}
    place.sync()
    assert url_digest(address) in values(place)


@pytest.mark.parametrize(
    "thing", [None, "x", {}, {"signalType": "ImagePDQ", "hashValue": 7, "hashStatus": "Active"}]
)
def test_a_malformed_record_in_the_middle(
    place: Place, hotline: peers.StopNcii, thing: object
) -> None:
    lost = hotline.hashes[6].value
    hotline.mangle[6] = thing
    with pytest.raises(BadPageError, match=r"1 of its records cannot be read.*page 2"):
        place.sync()
    with place.state() as state:
        assert state.checkpoint is None and state.current is not None
        assert len(state.faults()) == 1
    assert not place.held.versions

    done = place.sync(skip_bad_pages=True)
    assert done.bad_pages == 1 and not done.complete
    assert values(place) == hotline.values - {lost}
    with place.state() as state:
        assert state.checkpoint is None  # the page is fetched again the next time

    hotline.mangle.clear()
    assert place.sync().complete
    assert values(place) == hotline.values


def test_a_page_that_is_cut_in_the_middle(place: Place, hotline: peers.StopNcii) -> None:
    """What follows cannot be found; what came before is not thrown away."""
    hotline.broken_at = 8
    with pytest.raises(BadPageError, match="not JSON"):
        place.sync()
    assert not place.held.versions
    done = place.sync(skip_bad_pages=True)
    assert not done.complete
    assert values(place) == {hotline.hashes[n].value for n in range(8)}
    hotline.broken_at = None
    assert place.sync().complete
    assert values(place) == hotline.values


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"[" * 100_000,
        b"\xff",
        b'{"hasMoreRecords": true, "nextPageToken": null, "hashRecords": []}',
        b'{"hasMoreRecords": true, "nextPageToken": "", "hashRecords": []}',
        b'{"hasMoreRecords": true, "nextPageToken": "\\ud800", "hashRecords": []}',
        b'{"hasMoreRecords": false, "hashRecords": []}',
        b'{"hasMoreRecords": false, "nextSetTimestamp": "soon", "hashRecords": []}',
        b'{"hasMoreRecords": false, "nextSetTimestamp": 1, "hashRecords": null}',
    ],
)
def test_other_malformed_pages(place: Place, service: Service, body: bytes) -> None:
    service.faults = [Reply(body=body)] * 3
    with pytest.raises(BadPageError, match="malformed"):
        place.sync()
    with place.state() as state:
        assert state.checkpoint is None


def test_a_token_that_names_itself(place: Place, service: Service) -> None:
    body = (
        b'{"hasMoreRecords": true, "nextPageToken": "t", "nextSetTimestamp": 1, "hashRecords":[]}'
    )
    service.faults = [Reply(body=body)] * 9
    with pytest.raises(BadPageError, match="names a page before"):
        place.sync()


def test_a_time_in_the_future_is_not_gone_on_from(
    place: Place, hotline: peers.StopNcii, service: Service
) -> None:
    hotline.now = SECONDS * 1000  # milliseconds, by mistake
    place.sync()
    hotline.put(Hash(50, SECONDS + 3600))
    place.now = NOW + timedelta(days=9)
    place.sync()
    assert values(place) == hotline.values


def test_what_cannot_be_used_is_counted(place: Place, hotline: peers.StopNcii) -> None:
    hotline.put(Hash(20, SECONDS, kind="VideoTMK"), Hash(21, SECONDS, status="Paused"))
    hotline.mangle[0] = Hash(0, SECONDS).document() | {"hashValue": "f" * 63}
    hotline.mangle[1] = Hash(1, SECONDS).document() | {"lastModtimestamp": 1e30}
    done = place.sync()
    assert done.unusable == {
        Unusable.UNSUPPORTED: 1,
        Unusable.UNKNOWN_STATUS: 1,
        Unusable.NOT_A_HASH: 1,
        Unusable.UNREADABLE_TIME: 1,
    }
    assert hotline.hashes[21].value in values(place)


def test_expired_tokens_start_again(
    place: Place, hotline: peers.StopNcii, service: Service
) -> None:
    service.faults = [None, None, Reply(410, body=json.dumps({"error": "expired"}).encode())]
    place.sync()
    tokens = ["nextPageToken" in request.query for request in service.requests]
    assert tokens == [False, True, True, False, True, True, True]
    assert values(place) == hotline.values


def test_both_keys_are_needed(place: Place, service: Service) -> None:
    place.function_key = "another-key"
    with pytest.raises(RefusedError, match="401") as caught:
        place.sync()
    assert len(service.requests) == 1
    assert "another-key" not in str(caught.value) and peers.KEY not in str(caught.value)


def test_lone_surrogates_do_no_harm(place: Place, hotline: peers.StopNcii) -> None:
    for position, kind in enumerate(("URL", "ImagePDQ", "\ud800")):
        hotline.mangle[position] = {
            "signalType": kind,
            "hashValue": "https://example.com/\ud800",
            "hashStatus": "Active",
            "lastModtimestamp": 5,
        }
    done = place.sync()
    assert done.unusable == {Unusable.NOT_A_HASH: 2, Unusable.UNSUPPORTED: 1}
