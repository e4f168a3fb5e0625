"""Tables that speak of files beside them, so that a row and its files leave together.

Two conventions are known:

- img2dataset's `files` layout: `D/X.parquet` with a column `key`, and the files `D/X/KEY.*`;
- Hugging Face's image folders: `D/metadata.csv`, `.jsonl` or `.parquet` with a column
  `file_name`, `*_file_name`, `file_names` or `*_file_names`, relative to `D`.

A row of such a table belongs to the samples of its files, and leaves with any of them. One that
names none is a unit of its own.
"""

from __future__ import annotations

import csv
import io
import json
import posixpath
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from typing import Any

from brightline.errors import SourceError
from brightline.release.layout import Layout, Piece
from brightline.release.tables import column_values
from brightline.sources.files import opened
from brightline.sources.folder import locator_of
from brightline.sources.paths import decode_path, printable, printable_text
from brightline.sources.sidecar import key_of
from brightline.types import Shard

_KEY = "key"
_METADATA = ("metadata.csv", "metadata.jsonl", "metadata.parquet")


@dataclass(frozen=True, slots=True)
class Coupling:
    """The samples of each row in the source's plain files; by row number.

    `counted`: the rows are the samples, and files in `folder` are counted with them. Else the
    rows follow files that are counted where they lie.
    """

    rows: tuple[tuple[str, ...], ...]
    counted: bool
    folder: str = ""


def couplings(layout: Layout) -> dict[str, Coupling]:
    """The tables of a run, by space, that speak of files beside them."""
    folders: set[tuple[str, str]] = set()
    tables: list[Piece] = []
    for piece in layout.pieces():
        if piece.kind == "folder":
            for folder in {locator.rpartition("/")[0] for locator in locators(piece.shard)}:
                # metadata may speak of files further down alone
                folders |= {(piece.source.space, above) for above in _and_above(folder)}
        elif piece.kind in ("parquet", "csv") and not piece.shard.options.get("codec"):
            tables.append(piece)
    found = {}
    for piece in tables:
        coupling = _coupling(piece, folders)
        if coupling is not None:
            found[piece.space] = coupling
    return found


def _and_above(folder: str) -> Iterator[str]:
    yield folder
    while folder:
        folder = folder.rpartition("/")[0]
        yield folder


def locators(shard: Shard) -> Iterator[str]:
    """The locators of a folder shard's files."""
    source = decode_path(shard.source)
    for stamp in shard.files:
        yield locator_of(decode_path(stamp.path), source)


def _coupling(piece: Piece, folders: set[tuple[str, str]]) -> Coupling | None:
    locator = printable(piece.source.within(piece.path))
    folder, _, base = locator.rpartition("/")
    stem = locator.rpartition(".")[0]
    space = piece.source.space
    if base.lower() in _METADATA and (space, folder) in folders:
        names = _values(piece, names_files)
        if names is not None:
            return Coupling(tuple(samples_named(folder, row) for row in names), counted=False)
    if piece.kind == "parquet" and (space, stem) in folders:
        keys = _values(piece, _KEY.__eq__)
        if keys is not None:
            rows = tuple(
                tuple(f"{stem}/{printable_text(str(key))}" for key in row if key is not None)
                for row in keys
            )
            return Coupling(rows, counted=True, folder=stem)
    return None


def _values(piece: Piece, wanted: Callable[[str], bool]) -> list[tuple[Any, ...]] | None:
    """What each row has in the columns of wanted names; None if there are none."""
    try:
        with opened(piece.path, piece.shard.files[0].size, _ignore) as window:
            if piece.kind == "parquet":
                return _rows(column_values(window, wanted))
            rows = list(read_csv(window.pread(0, window.size)))
            names = [name for name in (rows[0] if rows else ()) if name and wanted(name)]
            return [tuple(row.get(name) for name in names) for row in rows] if names else None
    except OSError as error:
        raise SourceError(
            f"{printable(piece.path)} cannot be read ({error.strerror}); start a new run"
        ) from None


def _rows(columns: list[list[Any]] | None) -> list[tuple[Any, ...]] | None:
    return list(zip(*columns, strict=True)) if columns else None


def _ignore(_: int) -> None:
    """Looking around is no progress."""


def names_files(column: str) -> bool:
    """Whether an image folder's metadata names files in a column of this name."""
    return f"_{column}".endswith(("_file_name", "_file_names"))


def samples_named(folder: str, names: object) -> tuple[str, ...]:
    """The samples of the files that a metadata row names, relative to the table's folder.

    `names` is a name, or names in lists and structures of lists.
    """
    match names:
        case str(name) if name:
            return (key_of(printable_text(posixpath.normpath(posixpath.join(folder, name)))),)
        case list() | tuple():
            return tuple(sample for name in names for sample in samples_named(folder, name))
        case _:
            return ()


def read_csv(data: bytes) -> Iterator[dict[str, str]]:
    """The rows of a CSV with a header, blank lines left out."""
    text = io.StringIO(data.decode("utf-8-sig", "surrogateescape"), newline="")
    yield from csv.DictReader(text)


def is_plain_metadata(locator: str) -> bool:
    """Whether a plain file may be an image folder's metadata."""
    return locator.rpartition("/")[2].lower() in _METADATA[:2]


def without_rows(locator: str, data: bytes, leaving: Set[object]) -> bytes | None:
    """An image folder's metadata without the rows whose samples leave; None if there are none.

    The lines that stay are as they were.
    """
    folder = locator.rpartition("/")[0]
    if locator.lower().endswith(".jsonl"):
        lines = data.splitlines(keepends=True)
        kept = [line for line in lines if leaving.isdisjoint(samples_named(folder, _names(line)))]
    else:
        lines, kept = _csv_lines(folder, data, leaving)
    return b"".join(kept) if len(kept) < len(lines) else None


def _names(line: bytes) -> list[object]:
    try:
        found = json.loads(line)
        return list(_named_in(found))
    except (ValueError, RecursionError):
        return []


def _named_in(value: object) -> Iterator[object]:
    match value:
        case dict():
            for key, inner in value.items():
                if names_files(str(key)):
                    yield inner
                else:
                    yield from _named_in(inner)
        case list():
            for inner in value:
                yield from _named_in(inner)
        case _:
            pass


def _csv_lines(folder: str, data: bytes, leaving: Set[object]) -> tuple[list[bytes], list[bytes]]:
    text = data.decode("utf-8", "surrogateescape")
    consumed: list[str] = []

    def lines() -> Iterator[str]:
        for line in io.StringIO(text, newline=""):
            consumed.append(line)
            yield line

    reader = csv.reader(lines())
    names: list[str] | None = None
    every: list[bytes] = []
    kept: list[bytes] = []
    while True:
        try:
            row = next(reader, None)
        except csv.Error:
            row = []
        raw = "".join(consumed).encode("utf-8", "surrogateescape")
        consumed.clear()
        if raw:
            every.append(raw)
        if row is None:
            kept += [raw] if raw else []
            return every, kept
        if row and names is None:
            names = [name.lstrip("\ufeff") for name in row]
            kept.append(raw)
            continue
        # a row may be shorter than the header, or longer
        named = [cell for name, cell in zip(names or (), row, strict=False) if names_files(name)]
        if leaving.isdisjoint(samples_named(folder, named)):
            kept.append(raw)
