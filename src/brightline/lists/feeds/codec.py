"""Records as the sync state stores them: a line of JSON, a NUL, and the values as they are."""

from __future__ import annotations

import json

from brightline.lists.records import Record
from brightline.types import SignalType

_TO_JSON = json.JSONEncoder(separators=(",", ":")).encode


def encode(record: Record) -> bytes:
    """What the list would say of it, without the source id, which is the key, and the time of
    the change; equal contents give equal bytes.

    A source renews that time for things that are not in a record, such as a member's feedback,
    and such a change needs no new version of the list.
    """
    head = (
        record.category,
        record.labels,
        record.submitter,
        [signal.value for signal, _ in record.signals],
        [(kind, len(value)) for kind, value in record.opaque],
    )
    values = [value for _, value in (*record.signals, *record.opaque)]
    return b"\0".join((_TO_JSON(head).encode("ascii"), b"".join(values)))


def decode(source_id: str, changed: str, data: bytes) -> Record:
    """The record that `encode` was given."""
    head, _, values = data.partition(b"\0")
    category, labels, submitter, types, opaque = json.loads(head)
    signals = []
    for name in types:
        signal = SignalType(name)
        signals.append((signal, values[: signal.width]))
        values = values[signal.width :]
    others = []
    for kind, size in opaque:
        others.append((kind, values[:size]))
        values = values[size:]
    return Record(
        tuple(signals), tuple(others), category, tuple(labels), submitter, source_id, changed
    )
