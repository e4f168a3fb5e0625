"""The form that early versions kept: `journal.jsonl`, a canonical JSON object a line.

Its lines are, byte for byte, the entries that the log has now. So it is carried over as it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from brightline.errors import DamagedError
from brightline.ledger.records import Event, Record, decode, encode, now
from brightline.ledger.tiles import MAX_ENTRY

JOURNAL = "journal.jsonl"
#: the name that it has once it is carried over
KEPT = "journal.jsonl.carried-over"


def journal_records(path: Path) -> Iterator[Record]:
    """The journal's records from the first on, without a last line that was cut off.

    Raises DamagedError naming the line that is damaged.
    """
    with path.open("rb") as stream:
        for seq, line in enumerate(stream):
            if not line.endswith(b"\n"):
                return
            record = decode(line[:-1], seq)
            if record is None:
                raise DamagedError(f"{path} is damaged at line {seq + 1}; restore it from a copy")
            yield record


def journal_entries(path: Path) -> list[bytes]:
    """The log's first entries: the journal's records, and what was cut off, if anything.

    A record that is too long for an entry is carried over with its digest in place of its
    fields; the journal itself is kept.
    """
    entries = []
    size = 0
    for record in journal_records(path):
        entry = encode(record)
        size += len(entry) + 1
        if len(entry) > MAX_ENTRY:
            digest = hashlib.sha256(entry).hexdigest()
            entry = encode(replace(record, fields={"too_long": digest}))
        entries.append(entry)
    torn = path.stat().st_size - size
    if torn:
        fields = {"bytes": torn}
        entries.append(encode(Record(len(entries), now(), Event.RECOVERED, dict(fields))))
    return entries
