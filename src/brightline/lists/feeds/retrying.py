"""Trying again: exponential back-off with jitter, and what the server asks for."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from brightline.lists.feeds.errors import TransientError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Retry:
    """Attempts and pauses; all times in seconds.

    The pause after attempt n (from 0) lies between half of and the whole of
    min(`cap`, `base`·2ⁿ), drawn at random so that many clients do not come back together; it
    is longer if the server asks for more, up to `longest`, beyond which it is not waited for.
    """

    attempts: int = 6
    base: float = 1.0
    cap: float = 60.0
    longest: float = 900.0
    sleep: Callable[[float], None] = time.sleep
    uniform: Callable[[float, float], float] = random.uniform

    def run(self, attempt: Callable[[], T]) -> T:
        """The result of the first attempt that succeeds; TransientError after the last."""
        for number in range(self.attempts - 1):
            try:
                return attempt()
            except TransientError as error:
                asked = error.retry_after or 0.0
                if asked > self.longest:
                    raise
                whole = min(self.cap, self.base * 2.0**number)
                self.sleep(max(asked, self.uniform(whole / 2, whole)))
        return attempt()


def retry_after(value: str | None, now: Callable[[], float] = time.time) -> float | None:
    """Seconds that a Retry-After header asks for (RFC 9110 §10.2.3: seconds or a date)."""
    if value is None:
        return None
    value = value.strip()
    if value.isascii() and value.isdigit() and len(value) < 10:
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.fromtimestamp(now(), UTC)).total_seconds())
