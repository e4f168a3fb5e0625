"""The service's answer codes: what each means, and whether asking again can help."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Kind(enum.Enum):
    """What an answer's code says about the request."""

    DONE = "done"
    #: the service failed; it does not say whether anything was kept
    SERVER = "server"
    #: credentials or rights; nothing was done
    ACCESS = "access"
    #: the request is wrong; nothing was done, and the same again will be refused again
    REQUEST = "request"
    NO_REPORT = "no report"
    NO_FILE = "no file"
    RETRACTED = "retracted"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class Code:
    """A code's kind, and a line for a person."""

    kind: Kind
    meaning: str


_CODES = {
    0: Code(Kind.DONE, "done"),
    1000: Code(Kind.SERVER, "the service failed"),
    1100: Code(Kind.SERVER, "the service could not save it"),
    1110: Code(Kind.SERVER, "the service could not take the file"),
    1111: Code(Kind.SERVER, "the service could not take the file"),
    1210: Code(Kind.SERVER, "the service did not find it"),
    1300: Code(Kind.SERVER, "the service could not change it"),
    2000: Code(Kind.ACCESS, "the service asks for credentials"),
    3000: Code(Kind.ACCESS, "the credentials do not allow this"),
    3100: Code(Kind.ACCESS, "the credentials do not allow reports"),
    3300: Code(Kind.ACCESS, "the credentials do not allow this request"),
    4000: Code(Kind.REQUEST, "the service calls the request invalid"),
    4100: Code(Kind.REQUEST, "the document does not validate there"),
    4110: Code(Kind.REQUEST, "the document is not well-formed there"),
    4200: Code(Kind.REQUEST, "the service calls the file malformed"),
    5001: Code(Kind.NO_REPORT, "the service has no such report"),
    5002: Code(Kind.NO_FILE, "the service has no such file"),
    5101: Code(Kind.RETRACTED, "the report was retracted"),
    5102: Code(Kind.FINISHED, "the report was finished"),
}


def meaning_of(code: int) -> Code:
    """What a code means; of one that is not known, what its thousands say.

    The service's list is open-ended. An unknown code of no known family counts as a failure of
    the service: then nothing is taken for granted.
    """
    if code in _CODES:
        return _CODES[code]
    match code // 1000:
        case 2 | 3:
            return Code(Kind.ACCESS, "the credentials are refused")
        case 4:
            return Code(Kind.REQUEST, "the request is refused")
        case _:
            return Code(Kind.SERVER, "the service failed")
