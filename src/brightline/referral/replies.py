"""What an answer of the service says, read strictly."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias
from xml.etree.ElementTree import Element

from brightline.lists.feeds.safe_xml import XmlError, parse_xml
from brightline.referral.codes import Code, Kind, meaning_of
from brightline.referral.wire import Answer, NoAnswer, NotSent, Outcome

_NUMBER = re.compile(r"[0-9]{1,19}")
_FILE_ID = re.compile(r"[A-Za-z0-9._:-]{1,256}")


@dataclass(frozen=True, slots=True)
class Done:
    """Code 0, with what belongs to the request."""

    report_id: str | None
    file_id: str | None
    hash: str | None
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """Another code."""

    number: int
    code: Code


#: with these statuses a server says that it did nothing (RFC 9110, section 15): go elsewhere,
#: forbidden, not here, too large, not this type, too often. Where the body is not the service's
#: own answer, something on the way spoke. 303 and 302 are not among them: they may follow a deed
_TURNED_AWAY = frozenset({307, 308, 403, 404, 405, 411, 413, 414, 415, 429, 431})


@dataclass(frozen=True, slots=True)
class Unclear:
    """No answer, or none that can be understood. `sent` is False only if nothing left, or if the
    request was turned away before the service saw it."""

    why: str
    sent: bool = True


Reply: TypeAlias = Done | Refused | Unclear


def read_reply(outcome: Outcome) -> Reply:
    """What became of a request. A 401 comes without a body; everything else is XML."""
    match outcome:
        case NotSent(why):
            return Unclear(why, sent=False)
        case NoAnswer(why):
            return Unclear(why)
        case Answer(status=401):
            return Refused(2000, Code(Kind.ACCESS, "the credentials are refused (status 401)"))
        case Answer(status=status, body=body):
            return _read(status, body)


def about(reply: Reply, report_id: str) -> Reply:
    """The reply, unless it speaks of another report: then nothing is known."""
    if isinstance(reply, Done) and reply.report_id not in (None, report_id):
        return Unclear("an answer about another report")
    return reply


def _read(status: int, body: bytes) -> Reply:
    root: Element | None
    try:
        root = parse_xml(body)
    except XmlError:
        root = None
    for element in () if root is None else root.iter():
        # the service's own answers have no namespace; one more would say nothing else
        element.tag = element.tag.rpartition("}")[2]
    if root is None or root.tag not in ("reportResponse", "reportDoneResponse"):
        if status in _TURNED_AWAY:
            return Unclear(f"the request was turned away (status {status})", sent=False)
        return Unclear(f"an answer that is not the service's (status {status})")
    number = _text(root, "responseCode", _NUMBER)
    if number is None:
        return Unclear(f"an answer without a code (status {status})")
    code = meaning_of(int(number))
    if code.kind is not Kind.DONE:
        return Refused(int(number), code)
    if status != 200:
        return Unclear(f"an answer that contradicts its status ({status})")
    return Done(
        report_id=_text(root, "reportId", _NUMBER),
        file_id=_text(root, "fileId", _FILE_ID),
        hash=(root.findtext("hash") or "").strip().lower() or None,
        files=tuple((e.text or "").strip() for e in root.findall("files/fileId")),
    )


def _text(root: Element, name: str, allowed: re.Pattern[str]) -> str | None:
    """The text of the one child of that name; None where there are two, or it is not allowed."""
    texts = [(child.text or "").strip() for child in root.findall(name)]
    return texts[0] if len(texts) == 1 and allowed.fullmatch(texts[0]) else None
