"""One record of a list as its source keeps it, whatever format it came in.

A record is about one file: it may carry several signals of it. Each signal becomes an entry;
the record is what ties them together and what says where they come from.
"""

from __future__ import annotations

from dataclasses import dataclass

from brightline.types import SignalType


@dataclass(frozen=True, slots=True)
class Record:
    """Signals of one file with what the source says of it.

    `signals` are (type, value) with values of the type's width; `opaque` are (kind, value) of
    signals that only a licensed matcher can compare, such as ("photodna", 144 bytes).
    `category` is as the source's scheme writes it, empty for uncategorised. `submitter`,
    `source_id` and `changed` (UTC, ISO 8601) say who gave the record, under which id, and when
    it last changed; empty where the source does not say.
    """

    signals: tuple[tuple[SignalType, bytes], ...]
    opaque: tuple[tuple[str, bytes], ...] = ()
    category: str = ""
    labels: tuple[str, ...] = ()
    submitter: str = ""
    source_id: str = ""
    changed: str = ""
