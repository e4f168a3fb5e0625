"""The whole tree, computed again from the entries and compared with every file of the ledger.

Files are those of c2sp.org/tlog-tiles. Nothing is believed but the entries' own bytes: each tile
must be what they hash to, each partial form the start of the whole one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from brightline.errors import VerificationError
from brightline.ledger.hashing import EMPTY_ROOT, leaf_hash, node_hash

_FULL = 256
_TILE = re.compile(
    r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/)*[0-9]{3})(\.p/([1-9][0-9]{0,2}))?"
)
_STATE = re.compile(rb"(writing|written) ([0-9]{20})\n")
#: what else may lie in the folder: it is not part of the tree
_BESIDE = re.compile(r"checkpoint|state|\.lock|journal\.jsonl\.carried-over")
_TEMPORARY = re.compile(r"(?:.*/)?\.tmp-[^/]*")


@dataclass(slots=True)
class Found:
    """A ledger's files by tile, `tiles[level, number][width]`, and what is not covered."""

    tiles: dict[tuple[str, int], dict[int, Path]] = field(default_factory=dict)
    temporary: list[str] = field(default_factory=list)


def find_files(folder: Path) -> Found:
    """Sort the files of a ledger; VerificationError names one that does not belong there."""
    found = Found()
    for path in sorted(folder.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            continue
        name = path.relative_to(folder).as_posix()
        match = _TILE.fullmatch(name)
        if match is not None and path.is_file() and not path.is_symlink():
            width = int(match[4]) if match[4] else _FULL
            number = int(re.sub("[x/]", "", match[2]))
            if name == _name(match[1], number, width):
                found.tiles.setdefault((match[1], number), {})[width] = path
                continue
        if _TEMPORARY.fullmatch(name):
            found.temporary.append(f"ledger/{name}: left by a crash")
        elif not _BESIDE.fullmatch(name):
            raise VerificationError(f"ledger/{name} does not belong to a ledger")
    return found


@dataclass(frozen=True, slots=True)
class Walked:
    """What the tree's files hold: the root at the checkpoint's size and at the sizes asked for,
    how many files were compared, and what a cut-off append left."""

    root: bytes
    roots: dict[int, bytes]
    files: int
    left: list[str]


def walk(
    folder: Path,
    size: int,
    sizes: Iterable[int],
    each: Callable[[int, bytes], None],
    beat: Callable[[int], None],
) -> Walked:
    """Read every file of a tree of `size` leaves; `each(index, entry)` sees every entry.

    `beat(index)` is told how far it is. Raises VerificationError naming the first file that is
    missing, damaged, or from another time than the checkpoint.
    """
    found = find_files(folder)
    walker = _Walker(folder, size, found)
    wanted = {wish for wish in sizes if 0 <= wish <= size}
    peaks = _Peaks()
    roots = {0: EMPTY_ROOT} if 0 in wanted else {}
    for index, entry in walker.entries():
        each(index, entry)
        peaks.push(leaf_hash(entry))
        if index + 1 in wanted:
            roots[index + 1] = peaks.root()
        if index % _FULL == 0:
            beat(index)
    left = walker.beyond() + found.temporary
    return Walked(peaks.root(), roots, walker.files, left)


class _Peaks:
    """The roots of the perfect trees that the leaves so far make, largest first."""

    def __init__(self) -> None:
        self._peaks: list[tuple[int, bytes]] = []

    def push(self, leaf: bytes) -> None:
        height, root = 0, leaf
        while self._peaks and self._peaks[-1][0] == height:
            root = node_hash(self._peaks.pop()[1], root)
            height += 1
        self._peaks.append((height, root))

    def root(self) -> bytes:
        if not self._peaks:
            return EMPTY_ROOT
        root = self._peaks[-1][1]
        for _, left in self._peaks[-2::-1]:
            root = node_hash(left, root)
        return root


class _Walker:
    """Compares files with the tiles that the entries make, in the order of the log."""

    def __init__(self, folder: Path, size: int, found: Found) -> None:
        self.files = 0
        self._folder = folder
        self._size = size
        self._tiles = found.tiles
        self._rows: list[list[bytes]] = [[]]

    def entries(self) -> Iterator[tuple[int, bytes]]:
        """Every entry with its index; the tiles over them are compared on the way."""
        for number in range(-(-self._size // _FULL)):
            width = min(_FULL, self._size - number * _FULL)
            bundle = self._bundle(number, width)
            for place, entry in enumerate(bundle):
                yield number * _FULL + place, entry
            self._rows[0] = [leaf_hash(entry) for entry in bundle]
            self._full(0, number)
        for level, row in enumerate(self._rows):
            if 0 < len(row) < _FULL:
                self._compare(str(level), (self._size >> 8 * level) // _FULL, len(row), row)

    def beyond(self) -> list[str]:
        """Files of a larger tree, which only a cut-off append may leave."""
        names = [
            self._shown(path) for forms in self._tiles.values() for _, path in sorted(forms.items())
        ]
        state = _STATE.fullmatch(_read(self._folder / "state") or b"")
        if state is None:
            raise VerificationError("ledger/state is missing or damaged")
        goal = int(state[2])
        if goal < self._size or (state[1] == b"written" and goal > self._size):
            raise VerificationError(
                f"the checkpoint covers {self._size} records and {goal} were written: "
                "one of ledger/checkpoint and ledger/state is from another time"
            )
        for (level, number), forms in self._tiles.items():
            for width in forms:
                end = number * _FULL + width
                most = goal if level == "entries" else goal >> 8 * int(level)
                if state[1] == b"written" or end > most:
                    raise VerificationError(
                        f"{_name(level, number, width)} lies beyond the checkpoint: "
                        "the checkpoint is from another time"
                    )
        return [f"{name}: an append that was cut off" for name in names]

    def _full(self, level: int, number: int) -> None:
        """Compare a tile that is full, and take its root one level up."""
        row = self._rows[level]
        if len(row) < _FULL:
            return
        self._compare(str(level), number, _FULL, row)
        root = _root(row)
        row.clear()
        if level + 1 == len(self._rows):
            self._rows.append([])
        self._rows[level + 1].append(root)
        self._full(level + 1, number // _FULL)

    def _compare(self, level: str, number: int, width: int, row: list[bytes]) -> None:
        data = b"".join(row)
        for other, path in self._forms(level, number, width):
            if _read(path) != data[: 32 * other]:
                raise self._damaged(path)

    def _bundle(self, number: int, width: int) -> list[bytes]:
        """The entries of one bundle, with every form of it compared."""
        forms = self._forms("entries", number, width)
        path = dict(forms)[width]
        data = _read(path) or b""
        entries: list[bytes] = []
        ends, start = [0], 0
        while start + 2 <= len(data) and len(entries) < width:
            end = start + 2 + int.from_bytes(data[start : start + 2], "big")
            entries.append(data[start + 2 : end])
            ends.append(end)
            start = end
        if start != len(data) or len(entries) != width:
            raise self._damaged(path)
        for other, form in forms:
            if _read(form) != data[: ends[other]]:
                raise self._damaged(form)
        return entries

    def _forms(self, level: str, number: int, width: int) -> list[tuple[int, Path]]:
        """The files of a tile up to the width that it must have; these are then done with."""
        forms = self._tiles.get((level, number), {})
        if width not in forms:
            raise VerificationError(f"ledger/{_name(level, number, width)} is missing")
        known = [(other, forms.pop(other)) for other in sorted(forms) if other <= width]
        self.files += len(known)
        return known

    def _damaged(self, path: Path) -> VerificationError:
        return VerificationError(f"{self._shown(path)} is not what the tree's entries make")

    def _shown(self, path: Path) -> str:
        return f"ledger/{path.relative_to(self._folder).as_posix()}"


def _root(row: list[bytes]) -> bytes:
    while len(row) > 1:
        row = [node_hash(row[k], row[k + 1]) for k in range(0, len(row), 2)]
    return row[0]


def _name(level: str, number: int, width: int) -> str:
    digits = f"{number:03}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[k : k + 3] for k in range(0, len(digits), 3)]
    path = "".join(f"x{group}/" for group in groups[:-1]) + groups[-1]
    return f"tile/{level}/{path}" + ("" if width == _FULL else f".p/{width}")


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
