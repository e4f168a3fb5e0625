"""CSV whose header names the columns: one way of reading it for every format that has one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from brightline.lists.collected import Collected
from brightline.lists.formats.faults import Fault, Faults, FaultyRecordError
from brightline.lists.formats.interface import Source
from brightline.lists.formats.lines import csv_rows, find_columns
from brightline.lists.formats.values import take
from brightline.lists.records import Record

#: a row and where its columns are, to a record; raises FaultyRecordError
RecordOf = Callable[[list[str], dict[str, int]], Record]


def read_table(
    source: Source,
    entries: Collected,
    faults: Faults,
    record_of: RecordOf,
    *,
    wanted: Sequence[str],
    needed: Sequence[str],
    delimiter: str = ",",
    encoding: str = "utf-8",
) -> None:
    """Read the whole stream; `wanted` and `needed` columns are as in `find_columns`."""
    columns: dict[str, int] | None = None
    for number, row in csv_rows(source.stream, faults, delimiter, encoding):
        if columns is None:
            found = find_columns(row, wanted, needed)
            if isinstance(found, Fault):
                faults.add(number, found)
                return  # without knowing the columns, every further fault would be a guess
            columns = found
            continue
        try:
            take(record_of(row, columns), entries)
        except FaultyRecordError as error:
            faults.add(number, error.fault)
