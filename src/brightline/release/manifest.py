"""The manifest of a folder: which files it holds, and the SHA-256 of each.

`manifest.jsonl` is JSON Lines, one entry a line, in the order of the paths' bytes. A line is the
entry's one canonical spelling (sorted keys, no spaces, ASCII, a newline), so that two manifests
of the same files are the same bytes:

    {"path":"a/b.tar","sha256":"<64 hex digits>","size":1234}
    {"path":"a/c","symlink":"b.tar"}

A path has `/` between its parts and is relative. A name or a link's target that is not UTF-8
stands as `path_base64` or `symlink_base64` (RFC 4648, with padding). What lies below
`.brightline/` at the top is not listed: the manifest and the statement are there. Folders,
owners, modes and times are not part of it, and a link is recorded, not followed.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import stat
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, TypeAlias

from brightline import storage
from brightline.errors import SourceError, VerificationError

#: where a release keeps what is about it
ABOUT = ".brightline"
NAME = "manifest.jsonl"

_PIECE = 1 << 20
_SPARE = 1 << 12
_WORKERS = 2
#: what one thread takes at once: small files in groups, since handing one over costs as much as
#: hashing it
_GROUP_FILES, _GROUP_BYTES = 64, 1 << 22
#: groups that are hashed ahead of the one whose turn it is
_AHEAD = 8
#: a line of the longest path that Linux takes, escaped, and its digest
_LONGEST = 1 << 16
_HEX = re.compile(r"[0-9a-f]{64}")
#: folders above the file, links among names: what a manifest may not lead to
_BAD_PARTS = (b"", b".", b"..")

#: told how many files and bytes are done
Hook: TypeAlias = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class File:
    """A regular file: its path's bytes, SHA-256 in hex and size in bytes."""

    path: bytes
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link: its path's bytes and its target's, as they are."""

    path: bytes
    target: bytes


@dataclass(frozen=True, slots=True)
class Other:
    """Something on disk that no manifest can list: a device, a pipe, a closed folder."""

    path: bytes


Entry: TypeAlias = File | Link


@dataclass(frozen=True, slots=True)
class Differences:
    """Paths of a folder that are not as its manifest says, printable, in its order."""

    files: int
    bytes: int
    changed: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()

    @property
    def none(self) -> bool:
        """Whether the folder is exactly as its manifest says."""
        return not (self.changed or self.missing or self.extra)


@dataclass(frozen=True, slots=True)
class Found:
    """What lies on disk, before it is hashed. `where` is the path to open."""

    path: bytes
    where: bytes
    size: int
    link: bool = False
    other: bool = False


def write_manifest(root: Path, hook: Hook | None = None) -> str:
    """Hash everything below `root` into `root/.brightline/manifest.jsonl`; "sha256:…" of it.

    Raises SourceError if something cannot be read or is neither file, folder nor link.
    """
    target = root / ABOUT / NAME
    write_entries(target, list_entries(walk(root), hook))
    return f"sha256:{storage.sha256_file(target)}"


def write_entries(target: Path, entries: Iterable[Entry]) -> None:
    """Write a manifest from entries in order, whole or not at all."""

    def fill(temporary: Path) -> None:
        with temporary.open("xb") as out:
            for entry in entries:
                out.write(encode(entry))
        temporary.chmod(0o644)

    storage.write_atomic_with(target, fill)


def walk(root: Path, prefix: bytes = b"", *, whole: bool = False) -> Iterator[Found]:
    """Everything below `root`, in the order of the paths' bytes; `.brightline` only if `whole`.

    A `root` that is a file gives that file alone, under its own name. `prefix` comes before
    each path. Raises SourceError if `root` itself cannot be read.
    """
    top = os.fsencode(root)
    try:
        facts = root.stat()
        if not stat.S_ISDIR(facts.st_mode):
            yield _found(top, prefix + os.fsencode(root.name), facts)
            return
        yield from _below(top, prefix, skip=None if whole else ABOUT.encode())
    except OSError as error:
        raise SourceError(f"{printable(top)} cannot be read ({error.strerror})") from None


def walk_corpus(sources: Sequence[Path]) -> Iterator[Found]:
    """Everything in a corpus's sources, in the order of the paths' bytes.

    Of one source paths are relative to it; of several, each path begins with the source's number
    and a slash, from 1.
    """
    if len(sources) == 1:
        yield from walk(sources[0], whole=True)
        return
    numbered = sorted((b"%d/" % number, source) for number, source in enumerate(sources, 1))
    for prefix, source in numbered:
        yield from walk(source, prefix, whole=True)


def _below(folder: bytes, prefix: bytes, skip: bytes | None = None) -> Iterator[Found]:
    with os.scandir(folder) as found:
        # a folder sorts as its paths do: with the slash that follows its name
        entries = sorted(
            ((e.name + b"/" if e.is_dir(follow_symlinks=False) else e.name, e) for e in found),
            key=lambda pair: pair[0],
        )
    for name, entry in entries:
        if entry.name == skip and name != skip:
            continue
        if name == entry.name:
            yield _found(entry.path, prefix + name, entry.stat(follow_symlinks=False))
            continue
        try:
            yield from _below(entry.path, prefix + name)
        except OSError:
            yield Found(prefix + name, entry.path, 0, other=True)


def _found(where: bytes, path: bytes, facts: os.stat_result) -> Found:
    link = stat.S_ISLNK(facts.st_mode)
    other = not link and not stat.S_ISREG(facts.st_mode)
    return Found(path, where, facts.st_size, link, other)


def list_entries(found: Iterable[Found], hook: Hook | None = None) -> Iterator[Entry]:
    """Entries of what was found, in order. Raises SourceError for what cannot be listed."""
    for here, entry in read_entries(found, hook):
        if isinstance(entry, Other):
            raise SourceError(
                f"{printable(here.where)} cannot be read as a file or link; "
                "take it out, or make it readable"
            )
        yield entry


def read_entries(
    found: Iterable[Found], hook: Hook | None = None
) -> Iterator[tuple[Found, Entry | Other]]:
    """Hash what was found, two files at a time, in order; `Other` is what cannot be read."""
    files = total = 0
    with ThreadPoolExecutor(_WORKERS) as pool:
        waiting: deque[tuple[list[Found], Future[list[Entry | Other]]]] = deque()
        source = _groups(found)
        try:
            while True:
                while len(waiting) < _AHEAD and (group := next(source, None)) is not None:
                    waiting.append((group, pool.submit(_read_all, group)))
                if not waiting:
                    return
                group, future = waiting.popleft()
                for here, entry in zip(group, future.result(), strict=True):
                    files += 1
                    total += here.size
                    if hook is not None:
                        hook(files, total)
                    yield here, entry
        finally:
            for _, future in waiting:
                future.cancel()


def _groups(found: Iterable[Found]) -> Iterator[list[Found]]:
    group: list[Found] = []
    left = _GROUP_BYTES
    for here in found:
        group.append(here)
        left -= here.size
        if len(group) >= _GROUP_FILES or left <= 0:
            yield group
            group, left = [], _GROUP_BYTES
    if group:
        yield group


def _read_all(group: Sequence[Found]) -> list[Entry | Other]:
    return [_read(here) for here in group]


def _read(here: Found) -> Entry | Other:
    try:
        if here.link:
            return Link(here.path, os.readlink(here.where))  # noqa: PTH115 - bytes stay bytes
        if here.other:
            return Other(here.path)
        # a pipe that takes a file's place must not block the reader
        fd = os.open(here.where, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
        try:
            digest, size = sha256(), 0
            # no more room than a small file needs: a fresh MiB costs more than hashing it
            while piece := os.read(fd, min(_PIECE, here.size + _SPARE)):
                digest.update(piece)
                size += len(piece)
        finally:
            os.close(fd)
        return File(here.path, digest.hexdigest(), size)
    except OSError:
        return Other(here.path)


def encode(entry: Entry) -> bytes:
    """The entry's line."""
    document: dict[str, str | int] = {}
    _put(document, "path", entry.path)
    match entry:
        case File():
            document["sha256"] = entry.sha256
            document["size"] = entry.size
        case Link():
            _put(document, "symlink", entry.target)
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return text.encode("ascii") + b"\n"


def _put(document: dict[str, str | int], key: str, value: bytes) -> None:
    try:
        document[key] = value.decode("utf-8")
    except UnicodeDecodeError:
        document[f"{key}_base64"] = base64.b64encode(value).decode("ascii")


def read_manifest(path: Path) -> Iterator[Entry]:
    """The entries of a manifest, strictly: canonical lines, ordered paths, none twice.

    A path that is absolute or leads upwards is refused. Raises VerificationError, which names the
    line, and SourceError if the file cannot be read.
    """
    try:
        with path.open("rb") as stream:
            yield from _lines(stream, path)
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror})") from None


def _lines(stream: BinaryIO, path: Path) -> Iterator[Entry]:
    last = b""
    number = 0
    while line := stream.readline(_LONGEST):
        number += 1
        entry = _decode(line)
        if entry is None or not entry.path > last:
            raise VerificationError(f"{path} is not a manifest: line {number} cannot be read")
        last = entry.path
        yield entry


def _decode(line: bytes) -> Entry | None:
    try:
        document = json.loads(line)
        if not isinstance(document, dict):
            return None
        path = _take(document, "path")
        entry: Entry
        if "sha256" in document:
            digest, size = document["sha256"], document["size"]
            if not (isinstance(digest, str) and _HEX.fullmatch(digest) and type(size) is int):
                return None
            entry = File(path, digest, size)
        else:
            entry = Link(path, _take(document, "symlink"))
        parts = path.split(b"/")
        if any(part in _BAD_PARTS for part in parts) or b"\0" in path:
            return None
        # comparing the spelling catches all else: further keys, doubled keys, spaces
        return entry if encode(entry) == line else None
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error):
        return None


def _take(document: dict[str, object], key: str) -> bytes:
    value = document.get(key)
    if isinstance(value, str):
        return value.encode("utf-8")
    coded = document[f"{key}_base64"]
    if not isinstance(coded, str):
        raise ValueError(key)
    return base64.b64decode(coded, validate=True)


def check(
    manifest: Iterable[Entry], found: Iterable[Found], hook: Hook | None = None
) -> Differences:
    """Compare what a manifest lists with what lies on disk; both in the order of paths.

    Reads every file. What is on disk and cannot be read counts as changed, or as extra.
    """
    changed: list[str] = []
    missing: list[str] = []
    extra: list[str] = []
    files = total = 0
    listed = iter(manifest)
    expected = next(listed, None)
    for here, entry in read_entries(found, hook):
        files += 1
        total += here.size
        while expected is not None and expected.path < here.path:
            missing.append(printable(expected.path))
            expected = next(listed, None)
        if expected is None or expected.path != here.path:
            extra.append(printable(here.path))
            continue
        if entry != expected:
            changed.append(printable(here.path))
        expected = next(listed, None)
    while expected is not None:
        missing.append(printable(expected.path))
        expected = next(listed, None)
    return Differences(files, total, tuple(changed), tuple(missing), tuple(extra))


def printable(path: bytes) -> str:
    """A path as text on one line; what is not UTF-8 or not printable shows as escapes."""
    # the rule of `sources.paths`, which would bring Parquet into a command that must start fast
    text = path.decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
