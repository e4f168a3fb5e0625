"""Lists made up by code: their values are hashes of counting, of no picture."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

from brightline.lists.collected import TYPES, Collected
from brightline.lists.duplicates import finish
from brightline.lists.entries import Entries
from brightline.lists.formats import read_entries
from brightline.types import SignalType

#: (type, value, category, labels)
Row = tuple[SignalType, bytes, str | None, tuple[str, ...]]


def value(signal: SignalType, number: int) -> bytes:
    """A value of this type that belongs to nothing."""
    return hashlib.shake_256(f"{signal} {number}".encode()).digest(signal.width)


def parse(data: bytes, format_name: str | None = None) -> tuple[Entries, str]:
    """Entries of a list file's bytes, and the format recognised."""
    collected, found = read_entries(io.BufferedReader(io.BytesIO(data)), "FILE", format_name)
    return finish(collected)[0], found


def rows(entries: Entries) -> list[Row]:
    """Entries one by one."""
    labels = dict(entries.labels.items())
    names = (None, *entries.category_names)
    iterators = {signal: iter(entries.values[signal]) for signal in TYPES}
    return [
        (TYPES[code], next(iterators[TYPES[code]]).tobytes(), names[category], labels.get(n, ()))
        for n, (code, category) in enumerate(
            zip(entries.types.tolist(), entries.categories.tolist(), strict=True)
        )
    ]


def collected(given: list[Row]) -> Collected:
    """As if these rows had been read."""
    made = Collected()
    for signal, raw, category, labels in given:
        made.add(TYPES.index(signal), raw, category or "", labels)
    return made


def csv_file(path: Path, given: list[Row]) -> Path:
    """Write rows as the exchange CSV; addresses as url-sha256."""
    lines = []
    for signal, raw, category, labels in given:
        kind = "url-sha256" if signal is SignalType.URL else str(signal)
        lines.append(",".join([raw.hex(), kind, category or "", *labels]) + "\n")
    path.write_text("".join(lines) or "indicator,type\n", encoding="utf-8")
    return path
