"""NCMEC's hash sharing API, version 2 (documentation at BASE/v2/documentation).

`GET BASE/v2/entries?from=…&to=…` with HTTP Basic gives XML in the namespace
`https://hashsharing.ncmec.org/hashsharing/v2`: `queryResult` holds `images` and `videos` with
`image`, `video`, `deletedImage` and `deletedVideo`, and `paging/next`, a relative address, while
there is more. An entry is always as it is now; its timestamp is that of its last change.

Entries do not come in the order of time, so nothing can be said of a range before its last page.
Ranges are therefore closed, [from, to), and exhausted one by one.

Times are UTC. A peer is known to write local time with a Z, which nothing can detect: such an
entry lies up to half a day beside where it belongs. So every range begins `overlap` before the
end of the one before, a day unless configured otherwise; what is met twice changes nothing.

The bases (industry, law enforcement, NPO, generative AI, …) speak the same protocol: one list is
fed from one base.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode, urlsplit
from xml.etree.ElementTree import Element

from brightline.lists.feeds.errors import BadPageError, FeedError
from brightline.lists.feeds.http import Http
from brightline.lists.feeds.interface import Change, Delete, Page, Range, Unusable, Upsert
from brightline.lists.feeds.safe_xml import XmlError, parse_xml
from brightline.lists.feeds.values import hash_value, photodna, utc_text, utc_time
from brightline.lists.records import Record
from brightline.types import SignalType

_NAMESPACE = "{https://hashsharing.ncmec.org/hashsharing/v2}"
_ENTRIES = "/v2/entries"
_SIGNALS = {
    "md5": SignalType.MD5,
    "sha1": SignalType.SHA1,
    "sha256": SignalType.SHA256,
    "pdq": SignalType.PDQ,
}
_KINDS = {"images": "image", "videos": "video"}
_ID = re.compile(r"[!-~]{1,256}")
_QUERY = re.compile(r"[!-~]{1,4096}")

#: nothing in the system is older; one range covers all time before
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)
_BEGINNING = datetime(2010, 1, 1, tzinfo=UTC)
_SHORTEST = timedelta(minutes=2)


class Ncmec:
    """One base of the hash sharing API."""

    #: NCMEC advises against keeping page addresses for long
    cursor_lifetime = timedelta(hours=12)

    def __init__(
        self,
        http: Http,
        *,
        overlap: timedelta = timedelta(days=1),
        window: timedelta = timedelta(days=30),
    ) -> None:
        """`window` is the longest range; FeedError unless it is longer than `overlap`."""
        if not timedelta() <= overlap < window:
            raise FeedError("the overlap of ranges must be shorter than a range")
        self._http = http
        self._overlap = overlap
        self._window = window

    def plan(self, checkpoint: str | None, now: datetime) -> Range:
        """[checkpoint − overlap, at most a window later and not after now)."""
        reached = None if checkpoint is None else utc_time(checkpoint)
        if reached is None:
            return _range(_FIRST, min(_BEGINNING, now), last=now <= _BEGINNING)
        start = max(_FIRST, min(reached, now) - self._overlap)
        end = min(start + self._window, now)
        return _range(start, end, last=end == now)

    def split(self, part: Range) -> tuple[Range, ...]:
        """Two halves, down to about a minute."""
        start, end = utc_time(part.start), utc_time(part.end)
        if start is None or end is None or end - start < _SHORTEST:
            return ()
        middle = start + (end - start) // 2
        return _range(start, middle, last=False), _range(middle, end, last=part.last)

    def page(self, part: Range, cursor: str | None) -> Page:
        """One page; a cursor is the query of the address that the page before named."""
        query = cursor or urlencode({"from": part.start, "to": part.end})
        body = self._http.get(_ENTRIES, query, of_cursor=cursor is not None)
        return self._read(body)

    def _read(self, body: bytes) -> Page:
        try:
            root = parse_xml(body)
        except XmlError as error:
            raise BadPageError(f"a page of {self._http.base} is malformed: {error}") from None
        if root.tag != f"{_NAMESPACE}queryResult":
            raise BadPageError(f"a page of {self._http.base} is malformed: it is no query result")
        unusable: Counter[Unusable] = Counter()
        changes: list[Change] = []
        broken = 0
        for element, kind, deleted in _entries(root):
            if (source_id := _source_id(element, kind)) is None:
                broken += 1
            elif deleted:
                changes.append(Delete(source_id, _changed(element, unusable)))
            elif (change := _upsert(element, kind, source_id, unusable)) is not None:
                changes.append(change)
        page = Page(tuple(changes), self._next(root), unusable=unusable)
        if broken:
            raise BadPageError(
                f"a page of {self._http.base} is malformed: {broken} of its entries cannot be read",
                page,
            )
        return page

    def _next(self, root: Element) -> str | None:
        """The query of the following page's address; never another host or path."""
        text = (root.findtext(f"{_NAMESPACE}paging/{_NAMESPACE}next") or "").strip()
        if not text:
            return None
        try:
            # some answers escape the address twice
            parts = urlsplit(text.replace("&amp;", "&"))
        except ValueError:
            parts = urlsplit("")
        own = not parts.scheme and not parts.netloc and parts.path == _ENTRIES
        if not own or not _QUERY.fullmatch(parts.query):
            raise BadPageError(
                f"a page of {self._http.base} is malformed: the address of the next page is not "
                "one of this feed"
            )
        return parts.query


def _range(start: datetime, end: datetime, *, last: bool) -> Range:
    return Range(utc_text(start), utc_text(end), last)


def _entries(root: Element) -> Iterator[tuple[Element, str, bool]]:
    """(element, image or video, whether it is a deletion). What else there is, is no entry."""
    for group, kind in _KINDS.items():
        for element in root.iterfind(f"{_NAMESPACE}{group}/*"):
            name = element.tag.removeprefix(_NAMESPACE).lower()
            if name in (kind, f"deleted{kind}"):
                yield element, kind, name != kind


def _source_id(element: Element, kind: str) -> str | None:
    member = element.find(f"{_NAMESPACE}member")
    number = "" if member is None else member.get("id", "")
    own = (element.findtext(f"{_NAMESPACE}id") or "").strip()
    if not (_ID.fullmatch(number) and _ID.fullmatch(own)):
        return None
    # an id is its member's own, and images and videos are numbered apart
    return f"ncmec/{kind}/{number}/{own}"


def _changed(element: Element, unusable: Counter[Unusable]) -> str:
    text = element.findtext(f"{_NAMESPACE}timestamp") or ""
    if (moment := utc_time(text)) is None:
        unusable[Unusable.UNREADABLE_TIME] += 1
        return ""
    return utc_text(moment)


def _upsert(
    element: Element, kind: str, source_id: str, unusable: Counter[Unusable]
) -> Change | None:
    """The entry's record; a deletion if it has no signal that is used; None if it has only
    values that cannot be read, for then what it had before is the better knowledge."""
    signals: list[tuple[SignalType, bytes]] = []
    opaque: list[tuple[str, bytes]] = []
    faulty = 0
    for print_ in element.iterfind(f"{_NAMESPACE}fingerprints/*"):
        name, text = print_.tag.removeprefix(_NAMESPACE).lower(), print_.text or ""
        if name in _SIGNALS:
            if (value := hash_value(_SIGNALS[name], text)) is not None:
                signals.append((_SIGNALS[name], value))
            else:
                faulty += 1
        elif name == "pdna":
            if (value := photodna(text)) is not None:
                opaque.append(("photodna", value))
            else:
                faulty += 1
        else:
            unusable[Unusable.UNSUPPORTED] += 1
    unusable[Unusable.NOT_A_HASH] += faulty
    changed = _changed(element, unusable)
    if not signals and not opaque:
        unusable[Unusable.NO_SIGNAL] += 1
        return None if faulty else Delete(source_id, changed)
    member = element.find(f"{_NAMESPACE}member")
    return Upsert(
        Record(
            signals=tuple(signals),
            opaque=tuple(opaque),
            category=(element.findtext(f"{_NAMESPACE}classification") or "").strip(),
            labels=("video",) if kind == "video" else (),
            submitter=_submitter(member),
            source_id=source_id,
            changed=changed,
        )
    )


def _submitter(member: Element | None) -> str:
    return "" if member is None else " ".join((member.text or "").split())
