"""Cover: which unmatched samples leave too, so that the matched ones are not alone.

Each sample has a number from 0 to 2^64 - 1 by a keyed hash (BLAKE2b, RFC 7693) of its content's
digest, or of its place where there is none; the key is random and sealed to the custodians. The
samples with the smallest numbers leave. To someone without the key this is a uniform draw. With
the same key the draw is the same for every release of a workspace, and a larger draw holds the
smaller one. That matters: two releases of one corpus with independent draws would have only the
matched samples in common.
"""

from __future__ import annotations

import hashlib
import heapq
import math
import secrets
from collections.abc import Iterable

from brightline.release.units import Unit

#: cover removals for each matched sample, where the corpus allows
EACH = 100
#: at most this share of the samples that did not match leaves to make up `EACH`
MOST = 0.5
SEED_BYTES = 32
#: of a picture with more copies than this, not all leave as cover
MOST_COPIES = 10_000


def new_seed() -> str:
    """A new key, in hex."""
    return secrets.token_hex(SEED_BYTES)


def wanted(fraction: float, unmatched: int, matched: int) -> int:
    """How many of the unmatched samples are to leave as cover.

    The fraction of them plus `EACH` for each match, the sum being at most the larger of the
    fraction and `MOST`. A sum, not the larger of both: so the cover grows by `EACH` with every
    further match, and the difference of two releases has cover of its own. A fraction of 0
    asks for no cover at all.
    """
    if fraction <= 0:
        return 0
    share = math.ceil(fraction * unmatched)
    most = max(share, math.floor(MOST * unmatched))
    return min(share + EACH * matched, most, unmatched)


class Draw:
    """The samples with the smallest numbers among those offered.

    Exact copies share a number, so that they leave together, as copies of a matched picture do:
    a removed sample of which a copy is still there could not have matched. At most `most`
    numbers are held, each with at most `MOST_COPIES` samples.
    """

    def __init__(self, seed: str, most: int) -> None:
        self._key = bytes.fromhex(seed)
        self._most = most
        self._heap: list[int] = []  # negated, so that the largest number is the first to go
        self._groups: dict[int, list[tuple[str, Unit]]] = {}

    def offer(self, space: str, unit: Unit, what: bytes) -> None:
        """Let a sample take part. `what` are its content's digest, or its place for good."""
        if not self._most:
            return
        digest = hashlib.blake2b(what, digest_size=8, key=self._key).digest()
        number = int.from_bytes(digest, "big")
        group = self._groups.get(number)
        if group is not None:
            if len(group) <= MOST_COPIES:
                group.append((space, unit))
            return
        if len(self._heap) < self._most:
            heapq.heappush(self._heap, -number)
        elif -number > self._heap[0]:
            del self._groups[-heapq.heappushpop(self._heap, -number)]
        else:
            return
        self._groups[number] = [(space, unit)]

    def smallest(self, count: int, barred: Iterable[tuple[str, Unit]]) -> list[tuple[str, Unit]]:
        """The `count` samples with the smallest numbers, none of the barred ones; fewer if there
        are no more.

        Copies leave together as long as they fit; only what is lacking then is taken from
        among them.
        """
        out = set(barred)
        drawn: list[tuple[str, Unit]] = []
        too_many: list[tuple[str, Unit]] = []
        for number in sorted(self._groups):
            if len(drawn) >= count:
                break
            group = dict.fromkeys(self._groups[number])
            left = [sample for sample in group if sample not in out]
            fits = len(self._groups[number]) <= MOST_COPIES and len(drawn) + len(left) <= count
            (drawn if fits else too_many).extend(left)
        return drawn + too_many[: count - len(drawn)]
