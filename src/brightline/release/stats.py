"""img2dataset's side files in step with a tar or a folder of which samples leave.

The table loses the rows of the samples that leave. The counts of `_stats.json` become smaller by
them: `count`, the one for each row's status, and the entry of `status_dict` (by error message,
or "success"). A statistics file keeps its spelling otherwise.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from brightline.release.tables import Bools, KeepRows, column_values
from brightline.sources.paths import printable_text
from brightline.sources.streams import Window
from brightline.sources.webdataset import SUCCESS, read_stats

_STATUS = "status"
_MESSAGE = "error_message"
#: spellings in which statistics are written again; the first that gives the old bytes is used
_SPELLINGS: tuple[dict[str, Any], ...] = (
    {"indent": 4},
    {},
    {"indent": 2},
    {"separators": (",", ":")},
    {"indent": 4, "ensure_ascii": False},
    {"indent": 4, "sort_keys": True},
)


@dataclass(frozen=True, slots=True)
class Loss:
    """What leaves of one shard, as its statistics count it: rows by status, and by message."""

    by_status: Counter[str]
    by_message: Counter[str]


def keys_of(window: Window) -> list[str] | None:
    """The key of each row of a side table as locators show it; None if it has none."""
    found = column_values(window, "key".__eq__)
    return (
        None if found is None else ["" if k is None else printable_text(str(k)) for k in found[0]]
    )


def keep_by_key(keys: list[str], leaving: Iterable[object]) -> Bools:
    """Which rows of a side table stay."""
    gone = set(leaving)
    return np.fromiter((key.rpartition("/")[2] not in gone for key in keys), np.bool_, len(keys))


def sliced(mask: Bools) -> KeepRows:
    """A whole table's mask as what the writers of tables ask."""
    return lambda first, count: mask[first : first + count]


def loss_of(window: Window, mask: Bools) -> Loss:
    """What a table loses with the rows that the mask leaves out."""
    gone = np.flatnonzero(~mask)
    statuses: list[Any] = [SUCCESS] * len(mask)
    messages: list[Any] = [None] * len(mask)
    found = column_values(window, _STATUS.__eq__)
    if found is not None:
        statuses = found[0]
    found = column_values(window, _MESSAGE.__eq__)
    if found is not None:
        messages = found[0]
    loss = Loss(Counter(), Counter())
    for row in gone.tolist():
        status = str(statuses[row])
        loss.by_status[status] += 1
        loss.by_message[str(messages[row]) if messages[row] else status] += 1
    return loss


def lost_pictures(count: int) -> Loss:
    """What a shard without a side table loses: so many pictures."""
    return Loss(Counter({SUCCESS: count}), Counter({SUCCESS: count}))


def reduced(data: bytes, loss: Loss) -> bytes:
    """Statistics without what leaves; as they are if they are none."""
    if not loss.by_status or read_stats(data) is None:
        return data
    document = json.loads(data)
    _take(document, "count", sum(loss.by_status.values()))
    for status, count in loss.by_status.items():
        _take(document, "successes" if status == SUCCESS else status, count)
    by_message = document.get("status_dict")
    if isinstance(by_message, dict):
        for message, count in loss.by_message.items():
            _take(by_message, message, count)
            if by_message.get(message) == 0:
                del by_message[message]
    original = json.loads(data)
    for spelling in _SPELLINGS:
        for end in (b"", b"\n"):
            if json.dumps(original, **spelling).encode() + end == data:
                return json.dumps(document, **spelling).encode() + end
    return json.dumps(document, **_SPELLINGS[0]).encode()


def _take(document: dict[str, Any], name: str, count: int) -> None:
    value = document.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        document[name] = max(0, value - count)
