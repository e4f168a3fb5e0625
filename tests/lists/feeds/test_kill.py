"""kill -9 at random moments of a sync, 30 times, loses and doubles nothing."""

from __future__ import annotations

import multiprocessing
import random
import time
from dataclasses import replace
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path

from tests.lists.feeds import peers
from tests.lists.feeds.helpers import NOW, ListFile, Place
from tests.lists.feeds.peers import Entry
from tests.lists.feeds.service import Reply, Request, Service, serve

KILLS = 30


def child(root: Path, url: str, now: datetime, ready: Connection) -> None:
    """One sync, as `brightline list sync` does it."""
    place = Place(root, Service(url), now=now)
    ready.send(True)
    place.sync()


def stamp(now: datetime) -> str:
    return now.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_thirty_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    hotline = peers.Ncmec(page_size=4)
    for number in range(60):
        kind = "video" if number % 4 == 3 else "image"
        hotline.put(Entry(number, f"2026-11-{number % 19 + 1:02}T00:00:00Z", kind))

    def slowly(request: Request) -> Reply:
        return replace(hotline(request), stall=0.004)

    # a process that has imported everything, from which others fork in no time
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    rng = random.Random(20261122)
    now = NOW
    kills = ends = 0
    with serve(slowly) as service:
        while kills < KILLS:
            receive, send = context.Pipe(duplex=False)
            process = context.Process(target=child, args=(tmp_path, service.url, now, send))
            process.start()
            assert receive.poll(60) and receive.recv()
            time.sleep(rng.uniform(0.0, 0.12))
            process.kill()
            process.join()
            kills += process.exitcode == -9
            ends += process.exitcode == 0
            assert process.exitcode in (0, -9)
            assert ends < 60, "the syncs end before they are killed: give them more work"
            process.close()
            if rng.random() < 0.4:
                # the source goes on meanwhile
                now += timedelta(hours=6)
                before = stamp(now - timedelta(hours=3))
                entry = rng.choice(list(hotline.entries.values()))
                if rng.random() < 0.5:
                    hotline.delete(entry, before)
                else:
                    hotline.put(replace(entry, when=before, revision=kills, deleted=False))
                hotline.put(Entry(1000 + kills, before))
        place = Place(tmp_path, service, now=now + timedelta(hours=1))
        place.sync()
        held = ListFile(tmp_path / "list.json")
        assert held.records == hotline.records
        assert len(set(held.tokens)) == len(held.tokens)
        place.sync()
        assert ListFile(tmp_path / "list.json").versions == held.versions
