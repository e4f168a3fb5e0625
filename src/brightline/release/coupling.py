"""Tables that speak of files beside them, so that a row and its files leave together.

Two conventions are known:

- img2dataset's `files` layout: `D/X.parquet` with a column `key`, and the files `D/X/KEY.*`;
- Hugging Face's image folders: `D/metadata.csv`, `.jsonl` or `.parquet` with a column
  `file_name`, relative to `D`.

A row of such a table belongs to the sample of its files. One that names none is a unit of its own.
"""

from __future__ import annotations

import csv
import io
import json
import posixpath
from collections.abc import Iterator, Set
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

_KEY, _FILE_NAME = "key", "file_name"
_METADATA = ("metadata.csv", "metadata.jsonl", "metadata.parquet")


@dataclass(frozen=True, slots=True)
class Coupling:
    """The sample of each row in the source's plain files, or None; by row number.

    `counted`: the rows are the samples, and files in `folder` are counted with them. Else the
    rows follow files that are counted where they lie.
    """

    rows: tuple[str | None, ...]
    counted: bool
    folder: str = ""


def couplings(layout: Layout) -> dict[str, Coupling]:
    """The tables of a run, by space, that speak of files beside them."""
    folders: set[tuple[str, str]] = set()
    tables: list[Piece] = []
    for piece in layout.pieces():
        if piece.kind == "folder":
            folders |= {
                (piece.source.space, locator.rpartition("/")[0])
                for locator in locators(piece.shard)
            }
        elif piece.kind in ("parquet", "csv") and not piece.shard.options.get("codec"):
            tables.append(piece)
    found = {}
    for piece in tables:
        coupling = _coupling(piece, folders)
        if coupling is not None:
            found[piece.space] = coupling
    return found


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
        names = _values(piece, _FILE_NAME)
        if names is not None:
            return Coupling(tuple(sample_named(folder, name) for name in names), counted=False)
    if piece.kind == "parquet" and (space, stem) in folders:
        keys = _values(piece, _KEY)
        if keys is not None:
            rows = tuple(
                None if key is None else f"{stem}/{printable_text(str(key))}" for key in keys
            )
            return Coupling(rows, counted=True, folder=stem)
    return None


def _values(piece: Piece, column: str) -> list[Any] | None:
    try:
        with opened(piece.path, piece.shard.files[0].size, _ignore) as window:
            if piece.kind == "parquet":
                found = column_values(window, [column])
                return None if found is None else found[0]
            data = window.pread(0, window.size)
            return [row.get(column) for row in read_csv(data)] or None
    except OSError as error:
        raise SourceError(
            f"{printable(piece.path)} cannot be read ({error.strerror}); start a new run"
        ) from None


def _ignore(_: int) -> None:
    """Looking around is no progress."""


def sample_named(folder: str, name: object) -> str | None:
    """The sample of the file that a metadata row names, relative to the table's folder."""
    if not isinstance(name, str) or not name:
        return None
    return key_of(printable_text(posixpath.normpath(posixpath.join(folder, name))))


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
        kept = [line for line in lines if sample_named(folder, _name_in(line)) not in leaving]
    else:
        lines, kept = _csv_lines(folder, data, leaving)
    return b"".join(kept) if len(kept) < len(lines) else None


def _name_in(line: bytes) -> object:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found.get(_FILE_NAME) if isinstance(found, dict) else None


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
        place = names.index(_FILE_NAME) if names and _FILE_NAME in names else len(row)
        name = row[place] if place < len(row) else None
        if sample_named(folder, name) not in leaving:
            kept.append(raw)
