"""The tamperings of a whole workspace and of a release, made one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.tamper.files import KINDS, kind_of
from tests.tamper.tampering import (
    Ages,
    Tampering,
    files_of,
    folders_of,
    of_file,
    of_folder,
    replay,
)

#: folders and files that one could think of putting back together
TOGETHER = (
    ("ledger",),
    ("ledger", "keys"),
    ("ledger", "runs"),
    ("ledger", "lists"),
    ("ledger", "brightline.toml", "keys"),
    ("runs", "lists"),
    ("brightline.toml", "keys"),
    ("referrals", "releases"),
    (),
)


def of_everything(
    ages: Ages, kinds: Sequence[tuple[str, str]] = KINDS, *, every: bool
) -> Iterator[tuple[str, Tampering]]:
    """Every tampering with every file and folder, with the kind of what it is done to.

    Without `every`, one place of each class of bytes, and one sibling; with it, every instance,
    with two bits, and all the siblings.
    """
    by_kind: dict[str, list[str]] = {}
    names = files_of(ages.now)
    for name in names:
        by_kind.setdefault(kind_of(name, tuple(kinds)), []).append(name)
    for kind, paths in by_kind.items():
        for path in paths:
            others = [other for other in paths if other != path]
            for made in of_file(ages, path, others if every else others[-1:], every=every):
                yield kind, made
    for folder in folders_of(ages.now):
        for made in of_folder(ages, folder):
            yield "folder", made


def together(ages: Ages) -> Iterator[tuple[str, Tampering]]:
    """Several things put back at once, up to the whole workspace."""
    for paths in TOGETHER:
        for made in replay(ages, paths):
            yield "several at once" if paths else "everything", made


def ages_of(now: Path, older: tuple[Path, ...]) -> Ages:
    """The copies without those that hold nothing else."""
    return Ages(now, older)
