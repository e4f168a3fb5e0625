"""Arachnid Shield of the Canadian Centre for Child Protection: PDQ look-ups.

`POST BASE/v1/pdq/` with HTTP Basic and `{"hashes": [base64, …]}` gives
`{"scanned_hashes": {base64: {classification, match_type, near_match_details}}}`. The shape is
that of C3P's public client library; this client was not tried against the service.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from functools import partial
from typing import Any

from brightline.lists.feeds.errors import BadPageError, FeedError
from brightline.lists.feeds.http import Http
from brightline.lists.feeds.lookups import Answer, Classification, MatchType, NearMatch
from brightline.lists.feeds.retrying import Retry
from brightline.types import SignalType


class ArachnidShield:
    """A `Lookup` of PDQ hashes, 32 bytes each."""

    def __init__(self, http: Http, *, retry: Retry | None = None, batch: int = 100) -> None:
        """`batch` is how many hashes go into one request."""
        self._http = http
        self._retry = retry or Retry()
        self._batch = batch

    def look_up(self, hashes: Sequence[bytes]) -> list[Answer]:
        """See `Lookup`; equal hashes are asked about once in a request."""
        if any(len(value) != SignalType.PDQ.width for value in hashes):
            raise FeedError("a PDQ hash has 32 bytes; nothing was sent")
        answers: list[Answer] = []
        for first in range(0, len(hashes), self._batch):
            texts = [base64.b64encode(v).decode("ascii") for v in hashes[first:][: self._batch]]
            answers += self._retry.run(partial(self._ask, texts))
        return answers

    def _ask(self, texts: list[str]) -> list[Answer]:
        asked = json.dumps({"hashes": list(dict.fromkeys(texts))}).encode("ascii")
        body = self._http.post("/v1/pdq/", asked, "application/json")
        try:
            found = json.loads(body)["scanned_hashes"]
            return [_answer(found[text]) for text in texts]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise BadPageError(
                f"an answer of {self._http.base} is malformed or lacks a hash that was asked about"
            ) from None


def _answer(document: dict[str, Any]) -> Answer:
    classification = document["classification"] or Classification.NO_KNOWN_MATCH
    kind = document.get("match_type")
    return Answer(
        Classification(classification),
        None if kind is None else MatchType(kind),
        tuple(
            NearMatch(bytes.fromhex(near["sha256_hex"]), Classification(near["classification"]))
            for near in document.get("near_match_details") or ()
        ),
    )
