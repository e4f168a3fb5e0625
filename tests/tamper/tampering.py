"""Ways to tamper with a folder: of each, what was done, and how to undo it."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.tamper.files import places


@dataclass(frozen=True, slots=True)
class Tampering:
    """One thing done to a folder. `path` is what it is done to, `how` in a few words.

    `targets` are the paths, relative to the folder, that are put back afterwards; `act` is
    given the folder.
    """

    path: str
    how: str
    act: Callable[[Path], None]
    targets: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.path or 'the whole workspace'}: {self.how}"


@dataclass(frozen=True, slots=True)
class Ages:
    """The folder, and older copies of it, oldest first."""

    now: Path
    older: tuple[Path, ...] = field(default=())


@contextlib.contextmanager
def tampered(folder: Path, tampering: Tampering, attic: Path) -> Iterator[None]:
    """The folder, tampered with; afterwards what it was. `attic` is beside it, and empty."""
    for number, target in enumerate(tampering.targets):
        path = folder / target
        if path.is_dir():
            # the act works on a copy: what is kept is the very folder
            shutil.copytree(path, attic / str(number), symlinks=True)
        elif path.exists():
            attic.mkdir(exist_ok=True)
            shutil.copy2(path, attic / str(number))
    try:
        tampering.act(folder)
        yield
    finally:
        for number, target in enumerate(tampering.targets):
            path, kept = folder / target, attic / str(number)
            if path.is_symlink() or path.is_file():
                path.unlink()
            elif path.is_dir():
                shutil.rmtree(path)
            if kept.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                kept.rename(path)
        shutil.rmtree(attic, ignore_errors=True)


def files_of(folder: Path) -> list[str]:
    """Every file, by its path."""
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )


def folders_of(folder: Path) -> list[str]:
    """Every folder below one, by its path."""
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_dir()
    )


def of_file(ages: Ages, path: str, siblings: Sequence[str], *, every: bool) -> Iterator[Tampering]:
    """What can be done to one file; `siblings` are others of its kind."""
    data = (ages.now / path).read_bytes()
    yield from _changes(path, data, every=every)
    yield Tampering(path, "removed", lambda root: (root / path).unlink(), (path,))
    yield Tampering(path, "a folder in its place", lambda root: _folder(root / path), (path,))
    if data:
        yield Tampering(path, "a link in its place", lambda root: _link(root, path), (path,))
    for other in siblings:
        if (ages.now / other).read_bytes() == data:
            continue
        yield Tampering(
            path, "another of its kind in its place", partial(_copy, source=other, target=path),
            (path,),
        )  # fmt: skip
        yield Tampering(
            path, "swapped with another", partial(_swap, one=other, other=path), (path, other)
        )
    for age in ages.older:
        old = age / path
        if old.is_file() and old.read_bytes() != data:
            yield Tampering(
                path, "put back from an older copy",
                partial(_put, path=path, data=old.read_bytes()), (path,),
            )  # fmt: skip


def _changes(path: str, data: bytes, *, every: bool) -> Iterator[Tampering]:
    changed = [("a byte added", data + b"\n"), ("a zero byte added", data + b"\0")]
    if data:
        changed += [("emptied", b""), ("cut by a byte", data[:-1])]
    if len(data) > 1:
        changed += [("cut in half", data[: len(data) // 2]), ("doubled", data + data)]
    for name, at in places(path, data, every=every):
        for bit in (0x01, 0x20) if every else (0x01,):
            flipped = data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :]
            changed.append((f"flipped: {name}", flipped))
    for how, value in changed:
        yield Tampering(path, how, partial(_put, path=path, data=value), (path,))


def of_folder(ages: Ages, path: str) -> Iterator[Tampering]:
    """What can be done to one folder: gone, older, or with something more in it."""
    yield Tampering(path, "folder removed", lambda root: shutil.rmtree(root / path), (path,))
    for age in ages.older:
        old = age / path
        if old.is_dir() and differ(old, ages.now / path):
            yield Tampering(
                path, "folder put back from an older copy",
                partial(_replace, name=path, source=old), (path,),
            )  # fmt: skip
    extra = f"{path}/extra"
    yield Tampering(path, "a file added", partial(_put, path=extra, data=b"x"), (extra,))
    hidden = f"{path}/.tmp-0123456789ab-extra"
    yield Tampering(
        path, "a temporary file added", partial(_put, path=hidden, data=b"x"), (hidden,)
    )


def differ(one: Path, other: Path) -> bool:
    """Whether two folders hold other files."""
    if one.is_file() or other.is_file():
        return not (one.is_file() and other.is_file()) or one.read_bytes() != other.read_bytes()
    names = files_of(one)
    return names != files_of(other) or any(
        (one / name).read_bytes() != (other / name).read_bytes() for name in names
    )


def replay(ages: Ages, paths: Sequence[str]) -> Iterator[Tampering]:
    """Several folders at once as they were, at each age; all of them if none is named."""
    for age in ages.older:
        names = tuple(paths) or tuple(
            sorted({p.name for p in age.iterdir()} | {p.name for p in ages.now.iterdir()})
        )
        if not any(differ(age / name, ages.now / name) for name in names):
            continue

        def act(root: Path, age: Path = age, names: tuple[str, ...] = names) -> None:
            for name in names:
                _replace(root, name, age / name)

        yield Tampering(
            " + ".join(paths), f"put back together from an older copy ({age.name})", act, names
        )


def _put(root: Path, path: str, data: bytes) -> None:
    (root / path).write_bytes(data)


def _copy(root: Path, source: str, target: str) -> None:
    (root / target).write_bytes((root / source).read_bytes())


def _swap(root: Path, one: str, other: str) -> None:
    first, second = (root / one).read_bytes(), (root / other).read_bytes()
    (root / one).write_bytes(second)
    (root / other).write_bytes(first)


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _link(root: Path, path: str) -> None:
    """A link to a copy that lies elsewhere, where it can be changed later."""
    elsewhere = root.parent / "elsewhere"
    elsewhere.write_bytes((root / path).read_bytes())
    (root / path).unlink()
    (root / path).symlink_to(elsewhere)


def _replace(root: Path, name: str, source: Path) -> None:
    target = root / name
    if target.is_dir():
        shutil.rmtree(target)
    elif target.exists():
        target.unlink()
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True)
    elif source.exists():
        shutil.copy2(source, target)
