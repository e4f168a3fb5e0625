"""What the `threatexchange` command (python-threatexchange 1.2.17) writes, as tables and text.

- `threatexchange dataset --print-signals --csv` (threatexchange/cli/dataset_cmd.py): header
  `signal_type,signal_str,collab,category,tags`, tags with spaces between them;
- `threatexchange api fb_threatexchange query` (cli/api_fb_threatexchange_cmd.py): CSV with the
  chosen ones of `id,indicator,type,status,tags,owner_id,added_on,last_updated,…`;
- `dataset --print-signals` without `--csv`, `--print-signals-only`, and the file of a
  `local_file` exchange (exchanges/impl/file_api.py): lines `TYPE VALUE [COLLAB CATEGORY TAGS]`.

The collaboration or owner is the submitter; the opinion (`POSITIVE_CLASS`, `NEGATIVE_CLASS`,
`MALICIOUS`, …) is the category as written, so that a disputed signal can be told apart. The
command's own state (`*.state.pickle`, `*.index`) is pickled, and pickles run code: see
`formats.read_entries`, which refuses them.
"""

from __future__ import annotations

import re
from itertools import chain

from brightline.lists.collected import Collected
from brightline.lists.formats.exchanged import TYPE_NAMES, exchanged_signal
from brightline.lists.formats.faults import Fault, Faults, FaultyRecordError, Unit
from brightline.lists.formats.interface import Source
from brightline.lists.formats.lines import (
    csv_rows,
    find_columns,
    first_line,
    first_row,
    text_lines,
)
from brightline.lists.formats.values import checked_labels, checked_text, take, unix_or_iso
from brightline.lists.records import Record
from brightline.types import Role

_DATASET: tuple[str, ...] = ("signal_type", "signal_str", "collab", "category", "tags")
_QUERY: tuple[str, ...] = (
    "type",
    "indicator",
    "owner_id",
    "status",
    "tags",
    "id",
    "last_updated",
    "added_on",
)
_LINE = re.compile(r"(?P<type>[a-z0-9_]+) (?P<value>\S+)(?: (?P<more>.*))?")
#: a collaboration in Python's quotes, the opinion, tags with commas between them
_MORE = re.compile(
    r"""(?:(?P<collab>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\ ?)?
        (?P<category>[A-Z_]*)
        (?:\ (?P<tags>.*))?""",
    re.VERBOSE,
)


class ThreatExchangeCsv:
    """CSV of `threatexchange dataset` and of `threatexchange api … query`."""

    name = "threatexchange-csv"
    unit: Unit = "line"
    role: Role | None = None

    def recognises(self, head: bytes) -> bool:
        """Whether the first line is one of the headers."""
        return _wanted([cell.lower() for cell in first_row(head)]) is not None

    def read(self, source: Source, entries: Collected, faults: Faults) -> None:
        """Read the whole stream."""
        columns: dict[str, int] | None = None
        wanted = _QUERY
        for number, row in csv_rows(source.stream, faults):
            if columns is None:
                wanted = _wanted([cell.strip().lower() for cell in row]) or _DATASET
                found = find_columns(row, wanted, wanted[:2])
                if isinstance(found, Fault):
                    faults.add(number, found)
                    return  # without knowing the columns, every further fault would be a guess
                columns = found
                continue
            try:
                take(_record(row, columns, wanted), entries)
            except FaultyRecordError as error:
                faults.add(number, error.fault)


def _wanted(names: list[str]) -> tuple[str, ...] | None:
    """The columns of the header that this is."""
    if {"signal_type", "signal_str"}.issubset(names):
        return _DATASET
    # a first column `indicator` is the exchange CSV, which reads the rest as labels
    if {"indicator", "type"}.issubset(names) and names[0] != "indicator":
        return _QUERY
    return None


def _record(row: list[str], columns: dict[str, int], wanted: tuple[str, ...]) -> Record:
    if len(row) <= max(columns[name] for name in wanted[:2]):
        raise FaultyRecordError(Fault.MISSING_COLUMN)
    cells = [
        row[columns[name]].strip() if name in columns and columns[name] < len(row) else ""
        for name in (*wanted, "", "", "")
    ]
    kind, value, submitter, category, tags, source_id, updated, added = cells[:8]
    return record_of(kind, value, submitter, category, tags.split(), source_id, updated or added)


def record_of(
    kind: str,
    value: str,
    submitter: str,
    category: str,
    tags: list[str],
    source_id: str = "",
    changed: str = "",
) -> Record:
    """A record of one signal; times are ISO 8601 or seconds since 1970."""
    signal, opaque = exchanged_signal(kind, value)
    return Record(
        (signal,) if signal else (),
        (opaque,) if opaque else (),
        category=checked_text(category),
        labels=checked_labels(tags),
        submitter=checked_text(submitter),
        source_id=checked_text(source_id),
        changed=unix_or_iso(changed),
    )


class ThreatExchangeText:
    """Lines of a type and a value."""

    name = "threatexchange-text"
    unit: Unit = "line"
    role: Role | None = None

    def recognises(self, head: bytes) -> bool:
        """Whether the first line begins with a type that the command knows."""
        word = (first_line(head) or b"").partition(b" ")
        return bool(word[2]) and word[0].decode("latin-1") in TYPE_NAMES

    def read(self, source: Source, entries: Collected, faults: Faults) -> None:
        """Read the whole stream."""
        lines = chain.from_iterable(text_lines(source.stream, faults))
        for number, line in enumerate(lines, 1):
            text = line.strip()
            if not text or text.startswith("#"):
                continue
            try:
                take(_line_record(text), entries)
            except FaultyRecordError as error:
                faults.add(number, error.fault)


def _line_record(text: str) -> Record:
    line = _LINE.fullmatch(text)
    if line is None:
        raise FaultyRecordError(Fault.MISSING_COLUMN)
    more = _MORE.fullmatch(line["more"] or "")
    if more is None:
        raise FaultyRecordError(Fault.NOT_A_RECORD)
    collab = (more["collab"] or "")[1:-1]
    tags = [tag.strip() for tag in (more["tags"] or "").split(",")]
    return record_of(line["type"], line["value"], collab, more["category"], tags)
