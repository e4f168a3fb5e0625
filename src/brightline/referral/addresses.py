"""The addresses that a dataset declares for its files, read again from where they stand.

A run keeps an address as the SHA-256 of its normal spelling, so each that is read again is checked
against what was screened, and one that is not the same is left out. A table's rows are looked up
in the table; addresses that stand beside pictures need the pictures' shards read again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import pyarrow as pa

from brightline.errors import SourceChangedError
from brightline.referral.casefile import CaseItem
from brightline.referral.gather import shard_places
from brightline.referral.reread import read_again
from brightline.screen.parameters import Parameters
from brightline.screen.runs import read_run, run_folder
from brightline.signals.url import url_digest
from brightline.sources import decode_path, delimited, parquet
from brightline.sources.compression import decompressed
from brightline.sources.files import check, opened
from brightline.sources.sniff import Form
from brightline.sources.streams import BrokenStreamError, Budget, FileWindow, Stream, WindowStream
from brightline.types import Limits, NoContent, Shard, SignalType
from brightline.workspace import Workspace

_ROW = re.compile("row ([0-9]+)")


def with_addresses(
    workspace: Workspace, run: str, items: Sequence[CaseItem], *, read_sources: bool
) -> tuple[CaseItem, ...]:
    """The items with what addresses of theirs could be read again.

    Rows of a table are looked up in any case; where the table has changed or is gone they stay
    without. `read_sources` reads the shards of all others too, and then raises as `read_again`.
    """
    places = shard_places(workspace, run)
    limits = Parameters.from_json(read_run(run_folder(workspace, run))["parameters"]).limits
    asked = [item for item in items if _digests(item)]
    rows: dict[tuple[str, str], dict[int, CaseItem]] = {}
    others = []
    for item in asked:
        _, shard = places[item.source, item.shard]
        row = _ROW.fullmatch(item.item)
        if shard.kind in ("parquet", "csv") and row is not None and item.sha256 is None:
            rows.setdefault((item.source, item.shard), {})[int(row[1])] = item
        else:
            others.append(item)
    found: dict[int, tuple[str, ...]] = {}
    for place, wanted in rows.items():
        for row_number, texts in _looked_up(places[place][1], limits, sorted(wanted)):
            found[wanted[row_number].number] = _same(wanted[row_number], texts)
    if read_sources:
        for item, read in read_again(workspace, run, others):
            found[item.number] = _same(item, [said.url for said in read.declared if said.url])
    return tuple(replace(item, urls=found.get(item.number, ())) for item in items)


def unaddressed(items: Iterable[CaseItem]) -> int:
    """How many files have a declared address that could not be, or was not, read again."""
    return sum(bool(_digests(item)) and not item.urls for item in items)


def _digests(item: CaseItem) -> set[str]:
    return {said["url"] for said in item.declared if "url" in said}


def _same(item: CaseItem, texts: Iterable[str]) -> tuple[str, ...]:
    """Those of the texts that are the addresses which were screened."""
    known = _digests(item)
    pairs = ((text, url_digest(text)) for text in dict.fromkeys(texts))
    return tuple(text for text, digest in pairs if digest is not None and digest.hex() in known)


def _looked_up(
    shard: Shard, limits: Limits, rows: Sequence[int]
) -> Iterator[tuple[int, Sequence[str]]]:
    """Each of the rows, which are in ascending order, with its addresses; as many as are there."""
    stamp = shard.files[0]
    try:
        check(stamp)
        with opened(decode_path(stamp.path), stamp.size, _unwatched) as window:
            if shard.kind == "parquet":
                found = list(_parquet_rows(window, rows))
            else:
                found = list(_text_rows(window, shard, limits, rows))
        check(stamp)
    except (SourceChangedError, BrokenStreamError, OSError, pa.ArrowException):
        return
    yield from found


def _parquet_rows(window: FileWindow, rows: Sequence[int]) -> Iterator[tuple[int, Sequence[str]]]:
    table = parquet.open_table(window)
    if table is None:
        return
    numbers = [n for n, kind in table.layout.signals if kind is SignalType.URL]
    names = table.file.schema_arrow.names
    # a name that is there twice, or looks like a path, selects more than one column
    plain = len(set(names)) == len(names) and not any("." in name for name in names)
    first = 0
    for group, count in enumerate(table.group_rows):
        inside = [row for row in rows if first <= row < first + count]
        if inside:
            if plain:
                read = table.file.read_row_group(group, columns=[names[n] for n in numbers])
                columns = [read.column(names[n]) for n in numbers]
            else:
                read = table.file.read_row_group(group)
                columns = [read.column(n) for n in numbers]
            for row in inside:
                values = (column[row - first].as_py() for column in columns)
                yield row, [_text(value) for value in values if isinstance(value, str | bytes)]
        first += count


def _text_rows(
    window: FileWindow, shard: Shard, limits: Limits, rows: Sequence[int]
) -> Iterator[tuple[int, Sequence[str]]]:
    stream: Stream = WindowStream(window, shard.start, None if shard.stop < 0 else shard.stop)
    codec = shard.options.get("codec")
    if codec is not None:
        stream = decompressed(stream, Form(codec), Budget(limits, window.size, _unwatched))
    found = delimited.detect(stream.peek(delimited.SNIFFED))
    if found is None:
        return
    wanted: Mapping[str, int] = {f"row {row}": row for row in rows}
    for part in delimited.nested_parts(stream, found, ""):
        if isinstance(part, NoContent) and part.locator in wanted:
            row = wanted[part.locator]
            yield row, [said.url for said in part.declared if said.url]
            if row == rows[-1]:
                return


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("utf-8", "surrogateescape")


def _unwatched(_: int) -> None:
    """Nobody asked for progress."""
