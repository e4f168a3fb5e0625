"""The writer's tiles (c2sp.org/tlog-tiles): where they lie, and the tree that they hold.

A tile has up to 256 hashes of 32 bytes; an entry bundle up to 256 entries, each after its length
in two bytes, big-endian. Level 0 holds the hashes of entries, level l + 1 the roots of the full
tiles of level l.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

from brightline.errors import DamagedError
from brightline.ledger.hashing import EMPTY_ROOT, HASH, leaf_hash, node_hash

#: hashes in a full tile
WIDTH = 256
#: bytes in the longest entry
MAX_ENTRY = 65_535

#: a level of the tree, or `entries`
Level: TypeAlias = "int | str"
ENTRIES = "entries"

_NAME = re.compile(
    r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?"
)


@dataclass(frozen=True, slots=True)
class TileFile:
    """A file of the tree: tile `number` of a level, with so many hashes or entries in it."""

    level: Level
    number: int
    width: int
    path: Path

    @property
    def end(self) -> int:
        """Hashes of the level up to and with this file's last."""
        return self.number * WIDTH + self.width


def tile_name(level: Level, number: int, width: int) -> str:
    """The path below the ledger's folder."""
    groups = [f"{number % 1000:03}"]
    while number >= 1000:
        number //= 1000
        groups.append(f"x{number % 1000:03}")
    suffix = "" if width == WIDTH else f".p/{width}"
    return f"tile/{level}/{'/'.join(reversed(groups))}{suffix}"


def tile_files(folder: Path) -> Iterator[TileFile]:
    """Every file with a tile's name; other files are left aside."""
    for path in (folder / "tile").rglob("*"):
        found = _NAME.fullmatch(path.relative_to(folder).as_posix())
        if found is None or not path.is_file():
            continue
        level: Level = found[1] if found[1] == ENTRIES else int(found[1])
        number = int(found[2].replace("x", "").replace("/", ""))
        width = int(found[3]) if found[3] else WIDTH
        if tile_name(level, number, width) == found[0]:
            yield TileFile(level, number, width, path)


def count_at(level: Level, size: int) -> int:
    """Hashes (or entries) of a level in a tree of `size` leaves."""
    return size if level == ENTRIES else size >> 8 * int(level)


def level_count(size: int) -> int:
    """Levels of tiles that a tree of `size` leaves has."""
    return (size.bit_length() + 7) // 8


def perfect_root(hashes: Sequence[bytes]) -> bytes:
    """The root over 2^k hashes."""
    row = list(hashes)
    while len(row) > 1:
        row = [node_hash(row[k], row[k + 1]) for k in range(0, len(row), 2)]
    return row[0]


def fold(roots: Sequence[bytes]) -> bytes:
    """The root over perfect trees, left to right and each smaller than the one before."""
    if not roots:
        return EMPTY_ROOT
    root = roots[-1]
    for left in reversed(roots[:-1]):
        root = node_hash(left, root)
    return root


@dataclass(slots=True)
class Edge:
    """The tree's right edge: all that appending needs.

    `rows[l]` holds the hashes of level l that do not fill a tile yet, `bundle` the entries of
    that stretch as their file holds them.
    """

    size: int = 0
    rows: list[list[bytes]] = field(default_factory=lambda: [[]])
    bundle: bytearray = field(default_factory=bytearray)

    def copy(self) -> Edge:
        """One that can be thrown away if writing fails."""
        return Edge(self.size, [row[:] for row in self.rows], bytearray(self.bundle))

    def root(self) -> bytes:
        """The root over all leaves; 32 bytes."""
        roots = []
        for row in reversed(self.rows):
            start = 0
            for bit in range(7, -1, -1):
                if len(row) >> bit & 1:
                    roots.append(perfect_root(row[start : start + (1 << bit)]))
                    start += 1 << bit
        return fold(roots)

    def add(self, entry: bytes) -> Iterator[tuple[str, bytes]]:
        """Add a leaf; yields the name and content of every tile and bundle that became full."""
        self.bundle += len(entry).to_bytes(2, "big") + entry
        self.rows[0].append(leaf_hash(entry))
        self.size += 1
        if self.size % WIDTH:
            return
        yield tile_name(ENTRIES, self.size // WIDTH - 1, WIDTH), bytes(self.bundle)
        self.bundle.clear()
        for level, row in enumerate(self.rows):
            if len(row) < WIDTH:
                break
            number = (self.size >> 8 * (level + 1)) - 1
            yield tile_name(level, number, WIDTH), b"".join(row)
            if level + 1 == len(self.rows):
                self.rows.append([])
            self.rows[level + 1].append(perfect_root(row))
            row.clear()

    def partial(self) -> Iterator[tuple[Level, str, bytes]]:
        """Level, name and content of every tile and bundle that is not full, entries first."""
        if self.bundle:
            name = tile_name(ENTRIES, self.size // WIDTH, self.size % WIDTH)
            yield ENTRIES, name, bytes(self.bundle)
        for level, row in enumerate(self.rows):
            if row:
                number = (self.size >> 8 * level) // WIDTH
                yield level, tile_name(level, number, len(row)), b"".join(row)


class Tree:
    """The tiles of a tree of `size` leaves, read as they are asked for.

    Raises DamagedError for a tile that is missing or of a wrong length.
    """

    def __init__(self, folder: Path, size: int) -> None:
        self.size = size
        self._folder = folder
        # a proof or a pass over the log reads each tile many times
        self.row = lru_cache(maxsize=4096)(self._row)

    def entries(self, number: int) -> list[bytes]:
        """The entries of bundle `number`, checked against their hashes."""
        data = self._read(ENTRIES, number)
        found: list[bytes] = []
        start = 0
        for hash_ in self.row(0, number):
            end = start + 2 + int.from_bytes(data[start : start + 2], "big")
            entry = data[start + 2 : end]
            if leaf_hash(entry) != hash_:
                raise self._damaged(tile_name(ENTRIES, number, WIDTH))
            found.append(entry)
            start = end
        return found

    def edge(self) -> Edge:
        """The right edge, with its entries checked."""
        edge = Edge(self.size, [])
        for level in range(max(1, level_count(self.size))):
            count = count_at(level, self.size)
            edge.rows.append(list(self.row(level, count // WIDTH)) if count % WIDTH else [])
        if self.size % WIDTH:
            for entry in self.entries(self.size // WIDTH):
                edge.bundle += len(entry).to_bytes(2, "big") + entry
        return edge

    def root(self, size: int) -> bytes:
        """The root over the first `size` leaves."""
        return self._range(0, size)

    def inclusion(self, index: int) -> list[bytes]:
        """The audit path of a leaf, from its sibling to the root's child (RFC 6962, 2.1.1)."""
        low, high, path = 0, self.size, []
        while high - low > 1:
            middle = low + (1 << (high - low - 1).bit_length() - 1)
            if index < middle:
                path.append(self._range(middle, high))
                high = middle
            else:
                path.append(self._range(low, middle))
                low = middle
        return path[::-1]

    def consistency(self, old: int) -> list[bytes]:
        """The proof that the first `old` leaves were the whole tree once (RFC 6962, 2.1.2)."""
        low, high, path = 0, self.size, []
        if old in (0, high):
            return []
        while old not in (low, high):
            middle = low + (1 << (high - low - 1).bit_length() - 1)
            if old <= middle:
                path.append(self._range(middle, high))
                high = middle
            else:
                path.append(self._range(low, middle))
                low = middle
        # the old tree is one whole part of the new: whoever checks has its root already
        if low:
            path.append(self._range(low, high))
        return path[::-1]

    def _range(self, low: int, high: int) -> bytes:
        """The root over leaves low to high - 1; low is a multiple of the largest power of two
        that the range holds."""
        roots = []
        while low < high:
            height = (high - low).bit_length() - 1
            roots.append(self._perfect(height, low >> height))
            low += 1 << height
        return fold(roots)

    def _perfect(self, height: int, index: int) -> bytes:
        level, within = divmod(height, 8)
        first = index << within
        row = self.row(level, first // WIDTH)
        start = first % WIDTH
        return perfect_root(row[start : start + (1 << within)])

    def _row(self, level: int, number: int) -> tuple[bytes, ...]:
        data = self._read(level, number)
        width = min(WIDTH, count_at(level, self.size) - number * WIDTH)
        return tuple(data[k : k + HASH] for k in range(0, width * HASH, HASH))

    def _read(self, level: Level, number: int) -> bytes:
        width = min(WIDTH, count_at(level, self.size) - number * WIDTH)
        names = [tile_name(level, number, width)]
        if width < WIDTH:
            # another writer may have filled the tile since, and removed what it made needless
            names.append(tile_name(level, number, WIDTH))
        for name in names:
            try:
                data = (self._folder / name).read_bytes()
            except FileNotFoundError:
                continue
            if level != ENTRIES and (len(data) < width * HASH or len(data) % HASH):
                raise self._damaged(name)
            return data
        raise DamagedError(f"{self._folder / names[0]} is missing; restore the ledger from a copy")

    def _damaged(self, name: str) -> DamagedError:
        return DamagedError(
            f"{self._folder / name} is not what the ledger's tree says; "
            "restore the ledger from a copy"
        )
