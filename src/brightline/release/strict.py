"""JSON and base64 read strictly: one spelling, no doubled keys, nothing passed over.

Lax parsers are how two verifiers come to see two things in one signed file. RFC 8259 leaves
doubled keys open and lets parsers take more than it allows; RFC 4648 section 3 does the same for
whitespace, missing padding and stray bits.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any, NoReturn

from brightline.errors import VerificationError


def load_json(data: bytes, what: str, most: int) -> Any:
    """A JSON value of at most `most` bytes.

    Raises VerificationError for more bytes, text that is not UTF-8, lone surrogates, doubled keys,
    NaN and infinities, and whatever RFC 8259 does not allow. `what` names the text in errors.
    """
    if len(data) > most:
        raise VerificationError(f"{what} is larger than the {most} bytes that are read")
    try:
        text = data.decode("utf-8")
        value = json.loads(text, object_pairs_hook=_once, parse_constant=_refuse)
        # an escaped lone surrogate is text that cannot be written again
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        raise VerificationError(f"{what} is not strict JSON") from None
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a key stands twice")
    return document


def _refuse(_: str) -> NoReturn:
    raise ValueError("not a number of JSON")


def load_base64(text: object) -> bytes | None:
    """The bytes, if the text is their one spelling in either alphabet of RFC 4648, else None.

    Padding is required, bits beyond the last byte must be zero, and the alphabets do not mix.
    """
    if not isinstance(text, str) or not text.isascii():
        return None
    raw = text.encode("ascii")
    for decode, encode in (
        (base64.b64decode, base64.b64encode),
        (base64.urlsafe_b64decode, base64.urlsafe_b64encode),
    ):
        try:
            data = decode(raw)
        except (binascii.Error, ValueError):
            continue
        if encode(data) == raw:
            return data
    return None
