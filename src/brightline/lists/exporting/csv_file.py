"""A list as the exchange CSV: `indicator,type,category,labels…`, RFC 4180.

Hexadecimal in lower case, addresses as the SHA-256 of their normal form (`url-sha256`); as
many cells of labels as an entry has. Entries stand in the list's order. Not held: what ties
the signals of a record together, where records come from, and opaque signals.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from typing import TextIO

from brightline.lists.exporting.groups import Entry, Group
from brightline.lists.exporting.losses import Exported, Loss
from brightline.lists.provenance import Provenance
from brightline.types import SignalType

_UNKNOWN = Provenance()
_HEADER = ("indicator", "type", "category", "labels")


def write_csv(out: TextIO, groups: Iterable[Group]) -> Exported:
    """Write all records; `out` must not change line ends."""
    done = Exported()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(_HEADER)
    for group in groups:
        done.lost[Loss.TIES] += len(group.entries) > 1
        done.lost[Loss.PROVENANCE] += group.provenance != _UNKNOWN
        done.lost[Loss.OPAQUE] += len(group.opaque)
        for entry in group.entries:
            writer.writerow(_row(entry))
            done.lost[Loss.TEXTS] += not _held(entry)
        done.entries += len(group.entries)
    done.written = done.entries
    done.lost = +done.lost
    return done


def _row(entry: Entry) -> list[str]:
    kind = "url-sha256" if entry.signal is SignalType.URL else str(entry.signal)
    return [entry.value.hex(), kind, entry.category, *entry.labels]


def _held(entry: Entry) -> bool:
    """Whether a reader, which strips cells and leaves out blank ones, finds the same."""
    if entry.category != entry.category.strip():
        return False
    return all(label and label == label.strip() for label in entry.labels)
