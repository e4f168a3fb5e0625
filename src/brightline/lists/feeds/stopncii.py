"""StopNCII.org's FetchHashes.

`GET BASE/FetchHashes?startTimestamp=…&pageSize=…[&nextPageToken=…]` with the headers
`x-functions-key` and `Ocp-Apim-Subscription-Key` gives JSON: `hashRecords` of
`{lastModtimestamp, signalType, hashValue, hashStatus, caseNumbers, CSPFeedbacks}`,
`nextPageToken`, `nextSetTimestamp` and `hasMoreRecords`. Timestamps are seconds since 1970.

A record is what is known now of one hash; a hash whose `hashStatus` is Withdrawn or Deleted is
no longer to be matched. There is no end to ask for, so a range is open; the last page says from
when to go on, of which `overlap` is taken back (see `ncmec` about times).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from brightline.lists.feeds.errors import BadPageError
from brightline.lists.feeds.http import Http
from brightline.lists.feeds.interface import Change, Delete, Page, Range, Unusable, Upsert
from brightline.lists.feeds.values import hash_value, utc_text
from brightline.lists.records import Record
from brightline.signals.url import url_digest
from brightline.types import SignalType

_PAGE_SIZE = 800
#: the service takes no smaller start
_FIRST = 10
_TOKEN = re.compile(r"[!-~]{1,4096}")
_GONE = frozenset({"withdrawn", "deleted"})
_LISTED = frozenset({"unknown", "received", "active"})
_TYPES = {
    "imagepdq": (SignalType.PDQ, ()),
    "videomd5": (SignalType.MD5, ("video",)),
    "url": (SignalType.URL, ()),
}


class StopNcii:
    """The hash feed of StopNCII.org."""

    #: tokens are not valid over long periods
    cursor_lifetime = timedelta(hours=1)

    def __init__(
        self,
        http: Http,
        *,
        overlap: timedelta = timedelta(days=1),
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._http = http
        self._overlap = overlap
        self._clock = clock

    def plan(self, checkpoint: str | None, now: datetime) -> Range:
        """Everything since the checkpoint less the overlap."""
        reached = 0 if checkpoint is None else int(checkpoint)
        back = int(self._overlap.total_seconds())
        start = min(reached, int(now.timestamp())) - back
        return Range(str(max(_FIRST, start)), "", last=True)

    def split(self, part: Range) -> tuple[Range, ...]:  # noqa: ARG002 - the protocol's
        """Empty: the service takes no end."""
        return ()

    def page(self, part: Range, cursor: str | None) -> Page:
        """One page; a cursor is a nextPageToken."""
        query = {"startTimestamp": part.start, "pageSize": str(_PAGE_SIZE)}
        if cursor is not None:
            query["nextPageToken"] = cursor
        body = self._http.get("/FetchHashes", urlencode(query), of_cursor=cursor is not None)
        try:
            return self._read(json.loads(body))
        except (ValueError, RecursionError):
            raise self._malformed("it is not JSON") from None

    def _malformed(self, fault: str, page: Page | None = None) -> BadPageError:
        return BadPageError(f"a page of {self._http.base} is malformed: {fault}", page)

    def _read(self, document: Any) -> Page:
        match document:
            case {"hasMoreRecords": True, "nextPageToken": str(token)} if _TOKEN.fullmatch(token):
                following: str | None = token
            case {"hasMoreRecords": False}:
                following = None
            case _:
                raise self._malformed("it does not say where the feed goes on")
        reached = document.get("nextSetTimestamp")
        if not isinstance(reached, int) or isinstance(reached, bool) or reached < 0:
            if following is None:
                raise self._malformed("it does not say from when to go on")
            reached = 0
        records = document.get("hashRecords")
        unusable: Counter[Unusable] = Counter()
        changes: list[Change] = []
        broken = 0
        for record in records if isinstance(records, list) else ():
            match record:
                case {"signalType": str(kind), "hashValue": str(value), "hashStatus": str(status)}:
                    time = record.get("lastModtimestamp")
                    if change := _change(kind, value.strip(), status, time, unusable):
                        changes.append(change)
                case _:
                    broken += 1
        # a start in the future would pass over everything from now until then
        reached = min(reached, int(self._clock().timestamp()))
        page = Page(tuple(changes), following, str(reached), unusable)
        if broken:
            raise self._malformed(f"{broken} of its records cannot be read", page)
        if not isinstance(records, list):
            raise self._malformed("it has no records", page)
        return page


def _change(
    kind: str, text: str, status: str, time: object, unusable: Counter[Unusable]
) -> Change | None:
    if kind.lower() not in _TYPES:
        unusable[Unusable.UNSUPPORTED] += 1
        return None
    signal, labels = _TYPES[kind.lower()]
    value = None
    if text.isprintable():  # JSON can hold half of a surrogate pair, which no address has
        value = url_digest(text) if signal is SignalType.URL else hash_value(signal, text)
    if value is None:
        unusable[Unusable.NOT_A_HASH] += 1
        return None
    # the service gives no id; a digest stands for the value where ids are shown
    source_id = f"stopncii/{signal}/{hashlib.sha256(value).hexdigest()[:40]}"
    changed = _time(time, unusable)
    if status.lower() in _GONE:
        return Delete(source_id, changed)
    if status.lower() not in _LISTED:
        unusable[Unusable.UNKNOWN_STATUS] += 1
    return Upsert(Record(((signal, value),), labels=labels, source_id=source_id, changed=changed))


def _time(seconds: object, unusable: Counter[Unusable]) -> str:
    try:
        if isinstance(seconds, int | float | str) and not isinstance(seconds, bool):
            return utc_text(datetime.fromtimestamp(float(seconds), UTC))
    except (ValueError, OverflowError, OSError):
        pass
    unusable[Unusable.UNREADABLE_TIME] += 1
    return ""
