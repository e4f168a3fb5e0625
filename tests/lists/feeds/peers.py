"""Hotlines made up by code: their entries are hashes of counting, of no picture."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import urlencode
from xml.sax.saxutils import escape

from brightline.lists.records import Record
from brightline.types import SignalType
from tests.lists.feeds.service import Reply, Request

NAMESPACE = "https://hashsharing.ncmec.org/hashsharing/v2"
USER, PASSWORD = "ann-of-the-hotline", "correct-horse-battery"
KEY, FUNCTION_KEY = "subscription-7c1f", "function-9d2e"


def made(width: int, *of: object) -> bytes:
    """Bytes that belong to nothing."""
    return hashlib.shake_256(repr(of).encode()).digest(width)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@dataclass(frozen=True)
class Entry:
    """An entry as NCMEC would hold it; `revision` makes other hashes."""

    number: int
    when: str
    kind: str = "image"
    revision: int = 0
    category: str = "A1"
    deleted: bool = False
    extra: str = ""  # XML put among the fingerprints

    @property
    def own(self) -> str:
        return f"entry{self.number}"

    @property
    def source_id(self) -> str:
        return f"ncmec/{self.kind}/42/{self.own}"

    def _value(self, signal: SignalType) -> bytes:
        return made(signal.width, self.number, self.revision, str(signal))

    @property
    def record(self) -> Record:
        """What a client should make of it."""
        types = [SignalType.MD5, SignalType.SHA1]
        if self.kind == "image":
            types += [SignalType.SHA256, SignalType.PDQ]
        opaque = (("photodna", made(144, self.number, self.revision)),)
        return Record(
            signals=tuple((t, self._value(t)) for t in types),
            opaque=opaque if self.kind == "image" else (),
            category=self.category,
            labels=("video",) if self.kind == "video" else (),
            submitter="Example Member",
            source_id=self.source_id,
            changed=self.when,
        )

    def xml(self) -> str:
        head = (
            f'<member id="42">Example Member</member><timestamp>{self.when}</timestamp>'
            f"<id>{self.own}</id>"
        )
        if self.deleted:
            name = f"deleted{self.kind.title()}"
            return f"<{name}>{head}</{name}>"
        record = self.record
        # members write hexadecimal in either case, and PhotoDNA in base64 or hexadecimal
        upper = self.number % 2 == 0
        prints = "".join(
            f"<{t}>{value.hex().upper() if upper else value.hex()}</{t}>"
            for t, value in record.signals
        )
        for _, value in record.opaque:
            text = value.hex() if upper else base64.b64encode(value).decode()
            prints += f"<pdna>{text}</pdna>"
        return (
            f"<{self.kind}>{head}<classification>{self.category}</classification>"
            f"<fingerprints>{prints}{self.extra}</fingerprints><feedback/></{self.kind}>"
        )


@dataclass
class Ncmec:
    """`/v2/entries` with relative paging, entries in the order of nothing."""

    entries: dict[str, Entry] = field(default_factory=dict)
    page_size: int = 5
    repeats: bool = False  # each page begins with the last entry of the one before
    broken_at: int | None = None  # the page that starts here is cut in the middle
    broken_id: str | None = None  # and so is every page that holds this entry
    forgets: bool = False  # no page but the first is known
    ranges: list[tuple[str, str]] = field(default_factory=list)

    def put(self, *entries: Entry) -> None:
        for entry in entries:
            self.entries[entry.source_id] = entry

    def delete(self, entry: Entry, when: str) -> None:
        self.put(replace(entry, when=when, deleted=True))

    @property
    def records(self) -> list[Record]:
        """What a list that is up to date holds, by source id."""
        live = [entry.record for entry in self.entries.values() if not entry.deleted]
        return sorted(live, key=lambda record: record.source_id)

    def __call__(self, request: Request) -> Reply:
        login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {login}":
            return Reply(401)
        if request.method != "GET" or request.path != "/base/v2/entries":
            return Reply(404)
        query = request.query
        first, until = query["from"], query["to"]
        start = int(query.get("start", 1))
        if start > 1 and self.forgets:
            return Reply(410)
        if start == 1:
            self.ranges.append((first, until))
        chosen = [e for e in self.entries.values() if utc(first) <= utc(e.when) < utc(until)]
        chosen.sort(key=lambda e: made(8, e.number, e.kind))
        page = chosen[start - 1 : start - 1 + self.page_size]
        following = start + self.page_size
        if self.repeats and start > 1:
            page = [chosen[start - 2], *page]
        text = self._document(page)
        if following <= len(chosen):
            address = "/v2/entries?" + urlencode(
                {"from": first, "to": until, "start": following, "size": self.page_size}
                | {"max": len(chosen)}
            )
            text += f"<paging><next>{escape(address)}</next></paging>"
        body = f'<?xml version="1.0"?><queryResult xmlns="{NAMESPACE}">{text}</queryResult>'
        if start == self.broken_at or any(e.source_id == self.broken_id for e in page):
            body = body[: len(body) // 2]
        return Reply(body=body.encode())

    @staticmethod
    def _document(page: list[Entry]) -> str:
        text = ""
        for group, kind in (("images", "image"), ("videos", "video")):
            chosen = [e for e in page if e.kind == kind]
            if chosen:
                latest = max(e.when for e in chosen)
                text += f'<{group} count="{len(chosen)}" maxTimestamp="{latest}">'
                text += "".join(e.xml() for e in chosen) + f"</{group}>"
        return text


@dataclass(frozen=True)
class Hash:
    """A hash as StopNCII.org would hold it."""

    number: int
    when: int
    kind: str = "ImagePDQ"
    status: str = "Active"

    @property
    def value(self) -> bytes:
        width = SignalType.MD5.width if self.kind == "VideoMD5" else SignalType.PDQ.width
        return made(width, self.number, self.kind)

    def document(self) -> dict[str, object]:
        return {
            "lastModtimestamp": self.when,
            "signalType": self.kind,
            "hashValue": self.value.hex().upper(),
            "hashStatus": self.status,
            "caseNumbers": [],
            "CSPFeedbacks": [],
        }


@dataclass
class StopNcii:
    """`/FetchHashes`."""

    hashes: dict[int, Hash] = field(default_factory=dict)
    page_size: int = 4
    now: int = 0
    mangle: dict[int, object] = field(default_factory=dict)  # position → what stands there
    broken_at: int | None = None
    tokens: dict[str, int] = field(default_factory=dict)

    def put(self, *hashes: Hash) -> None:
        for one in hashes:
            self.hashes[one.number] = one

    @property
    def values(self) -> set[bytes]:
        return {h.value for h in self.hashes.values() if h.status not in ("Withdrawn", "Deleted")}

    def __call__(self, request: Request) -> Reply:
        headers = request.headers
        keys = (headers.get("ocp-apim-subscription-key"), headers.get("x-functions-key"))
        if keys != (KEY, FUNCTION_KEY):
            return Reply(401)
        if request.path != "/v1/FetchHashes":
            return Reply(404)
        first = int(request.query["startTimestamp"])
        chosen = [h for h in self.hashes.values() if h.when >= first]
        token = request.query.get("nextPageToken")
        start = 0 if token is None else self.tokens[token]
        documents: list[object] = [h.document() for h in chosen[start : start + self.page_size]]
        for position, thing in self.mangle.items():
            if start <= position < start + len(documents):
                documents[position - start] = thing
        end = start + self.page_size
        more = end < len(chosen)
        following = f"token/{end}+{made(4, end).hex()}="
        self.tokens[following] = end
        answer = {
            "count": len(documents),
            "hashRecords": documents,
            "nextPageToken": following if more else None,
            "nextSetTimestamp": self.now,
            "hasMoreRecords": more,
        }
        body = json.dumps(answer).encode()
        return Reply(body=body[: len(body) // 2] if self.broken_at == start else body)
