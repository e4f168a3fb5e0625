"""One sync of a feed: the same for every kind."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from brightline.lists.feeds.errors import BadPageError, CursorExpiredError, FeedError
from brightline.lists.feeds.interface import Delete, Feed, Page, Publish, Range, Unusable, Upsert
from brightline.lists.feeds.retrying import Retry
from brightline.lists.feeds.state import RangeRole, State

#: how often a range is started again in one sync because its pages expire
_MAX_RESTARTS = 3


@dataclass(slots=True)
class Synced:
    """What a sync did, in counts. `version` is the last version of the list that it made.

    `holes` ranges have pages that could not be read and will be fetched again; with any, or
    with `bad_pages`, the list may lack entries that the feed has.
    """

    pages: int = 0
    upserts: int = 0
    deletions: int = 0
    bad_pages: int = 0
    holes: int = 0
    unusable: Counter[Unusable] = field(default_factory=Counter)
    published: int = 0
    version: str | None = None

    @property
    def complete(self) -> bool:
        """Whether everything up to the sync's beginning was read."""
        return not self.bad_pages and not self.holes


Progress = Callable[[Synced], None]


def _utc_now() -> datetime:
    return datetime.now(UTC)


def sync(
    feed: Feed,
    state: State,
    publish: Publish,
    *,
    retry: Retry | None = None,
    skip_bad_pages: bool = False,
    clock: Callable[[], datetime] = _utc_now,
    progress: Progress | None = None,
) -> Synced:
    """Fetch what the feed has since its checkpoint, and publish it.

    Goes on where an earlier sync stopped. A page that stays bad after all attempts is recorded
    and ends the sync with BadPageError; the next sync begins with that page. With
    `skip_bad_pages` it is counted and passed over, and its range is fetched again by the next
    sync. Whatever happens, every range that was exhausted is published before this returns or
    raises FeedError. Raises what `publish` raises, and DamagedError for a damaged state.
    """
    run = _Sync(feed, state, publish, retry or Retry(), skip_bad_pages, clock, progress)
    try:
        run.publish()
        try:
            run.fetch()
        except FeedError:
            run.publish()
            raise
        run.publish()
    except sqlite3.Error as error:
        raise state.trouble(error) from None
    run.done.holes = len(state.holes())
    return run.done


class _Sync:
    def __init__(
        self,
        feed: Feed,
        state: State,
        publish: Publish,
        retry: Retry,
        skip_bad_pages: bool,
        clock: Callable[[], datetime],
        progress: Progress | None,
    ) -> None:
        self._feed = feed
        self._state = state
        self._publish = publish
        self._retry = retry
        self._skip = skip_bad_pages
        self._clock = clock
        self._progress = progress
        self.done = Synced()

    def publish(self) -> None:
        """End the publication that a kill interrupted, and publish what else there is."""
        while (token := self._state.publication()) is not None:
            self.done.version = self._publish(self._state.changes(), token)
            self.done.published += self._state.published(self.done.version)

    def fetch(self) -> None:
        """The range that is open, those up to now, and the holes of earlier syncs."""
        now = self._clock()
        holes = self._state.holes()
        last = False
        if (current := self._state.current) is not None:
            self._exhaust()
            # a range without an end has just been read up to now
            last = current.role is RangeRole.MAIN and not current.range.end
        while not last:
            part = self._feed.plan(self._state.checkpoint, now)
            self._begin(part, RangeRole.MAIN)
            last = part.last
        for hole in holes:
            self._begin(hole, RangeRole.HOLE)

    def _begin(self, part: Range, role: RangeRole) -> None:
        self._state.begin(part, role, self._clock())
        self._exhaust()

    def _exhaust(self) -> None:
        """Fetch the rest of the open range, or as much of it as can be had."""
        restarts = 0
        seen: set[str | None] = set()
        while (current := self._state.current) is not None:
            part, cursor = current.range, current.cursor
            age = self._clock() - current.fetched
            try:
                if cursor is not None and age > self._feed.cursor_lifetime:
                    raise CursorExpiredError("the page was named too long ago")
                page = self._retry.run(partial(self._page, part, cursor, seen))
                bad = False
            except CursorExpiredError:
                if restarts == _MAX_RESTARTS:
                    raise FeedError(
                        "the feed's pages expire before a range can be read to its end; sync "
                        "again, and if that goes on tell the hotline"
                    ) from None
                restarts += 1
                seen.clear()
                self._state.restart(self._clock())
                continue
            except BadPageError as error:
                self._state.record_fault(str(error), self._clock())
                if not self._skip:
                    if current.role is not RangeRole.MAIN:
                        # it is not to stand in the way of what is new the next time
                        self._state.set_aside()
                    raise BadPageError(
                        f"{error}; it is page {current.pages + 1} of its range and nothing after "
                        "it was taken; sync again later, or pass over it with --skip-bad-pages"
                    ) from None
                self.done.bad_pages += 1
                if error.page is None:
                    self._state.abandon()
                    self._salvage(part)
                    return
                page, bad = error.page, True
            seen.add(cursor)
            self._state.take(page, self._clock(), bad=bad)
            self._count(page)

    def _page(self, part: Range, cursor: str | None, seen: set[str | None]) -> Page:
        page = self._feed.page(part, cursor)
        if page.next is not None and (page.next == cursor or page.next in seen):
            raise BadPageError("a page of the feed is malformed: it names a page before as next")
        return page

    def _salvage(self, part: Range) -> None:
        """What can be read around a page without which the following ones cannot be found."""
        for half in self._feed.split(part):
            self._begin(half, RangeRole.SALVAGE)

    def _count(self, page: Page) -> None:
        self.done.pages += 1
        self.done.unusable.update(page.unusable)
        for change in page.changes:
            match change:
                case Upsert():
                    self.done.upserts += 1
                case Delete():
                    self.done.deletions += 1
        if self._progress is not None:
            self._progress(self.done)
