"""A whole ledger verified from its files alone, and the workspace against it."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from brightline.errors import VerificationError
from brightline.ledger.verify.chain import Chain, read_entry
from brightline.ledger.verify.checkpoint import Checkpoint, open_checkpoint
from brightline.ledger.verify.disk import Expected, compare
from brightline.ledger.verify.files import Compared
from brightline.ledger.verify.kept import Kept, compare_kept
from brightline.ledger.verify.note import Key, Witnessed, check_witnesses, parse_key
from brightline.ledger.verify.tree import walk


@dataclass(frozen=True, slots=True)
class Pace:
    """How far a verification is: records of the log, then bytes of the files it speaks of."""

    records: int
    records_total: int
    bytes: int = 0
    bytes_total: int = 0


Beat: TypeAlias = Callable[[Pace], None]


@dataclass(frozen=True, slots=True)
class Older:
    """A checkpoint that the ledger was compared with: it has only grown since.

    `name` is what the caller calls it, `witnesses` those who cosigned it.
    """

    name: str
    size: int
    root: bytes
    witnesses: tuple[Witnessed, ...]


@dataclass(frozen=True, slots=True)
class Verified:
    """What was verified. `key` is the verifier key that signs now; `kinds` counts records."""

    origin: str
    size: int
    root: bytes
    key: Key
    kinds: dict[str, int]
    tiles: int
    older: tuple[Older, ...]
    compared: Compared
    not_covered: list[str] = field(default_factory=list)


def verify_workspace(
    root: Path,
    *,
    vkeys: Sequence[str] = (),
    against: Sequence[tuple[str, bytes]] = (),
    witnesses: Sequence[str] = (),
    beat: Beat = lambda _: None,
) -> Verified:
    """Verify the ledger of a workspace, and every file that it speaks of.

    Appends wait while the log itself is read, and not while the files are.

    `vkeys` are verifier keys that the caller has from elsewhere: each must be one of the log's,
    present or past. `against` are older checkpoints, each with a name for errors; each must be
    signed by the log's key of its time, and cosigned by all `witnesses`. Raises
    VerificationError naming the first thing that fails.
    """
    folder = root / "ledger"
    if (folder / "journal.jsonl").exists():
        raise VerificationError(
            "the ledger is in the form of an earlier version, which nobody can verify; "
            "run `brightline ledger checkpoint` once to carry it over"
        )
    pinned = [parse_key(text) for text in vkeys]
    checkers = [parse_key(text) for text in witnesses]
    chain, expected, kept = Chain(), Expected(), Kept()

    def each(index: int, data: bytes) -> None:
        entry = read_entry(index, data)
        chain.add(entry)
        expected.add(entry)
        kept.add(entry)

    with _quiet(folder):
        stored = _stored_keys(root)
        known = [*stored, *pinned]
        if not known:
            raise VerificationError("keys/ledger.vkeys is missing, and no key was given")
        head = _open(folder / "checkpoint", known, "ledger/checkpoint")
        sizes = [_named(name, data, known).size for name, data in against]
        walked = walk(folder, head.size, sizes, each, lambda index: beat(Pace(index, head.size)))
    if walked.root != head.root:
        raise VerificationError("the entries do not make the checkpoint's root")
    if not chain.keys:
        chain.keys.append(stored[0] if stored else head.keys[0])
    _check_keys(chain, stored, pinned, head)
    older = tuple(
        _check_older(name, data, chain, head, walked.roots, checkers) for name, data in against
    )
    rooms = ("runs", "lists", "referrals", "releases")
    read, total = 0, sum(_bytes_below(root / room) for room in rooms)

    def tell(count: int) -> None:
        nonlocal read
        read += count
        beat(Pace(head.size, head.size, read, total))

    compared = compare(root, expected, tell)
    compare_kept(root, kept, compared, tell)
    not_covered = walked.left + compared.not_covered
    if len(stored) < len(chain.keys):
        not_covered.append("keys/ledger.vkeys: a rotation of the key that was cut off")
    return Verified(
        head.origin,
        head.size,
        head.root,
        chain.keys[-1],
        dict(sorted(chain.kinds.items())),
        walked.files,
        older,
        compared,
        not_covered,
    )


def _stored_keys(root: Path) -> list[Key]:
    path = root / "keys" / "ledger.vkeys"
    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError):
        raise VerificationError("keys/ledger.vkeys cannot be read") from None
    if not text.endswith("\n"):
        raise VerificationError("keys/ledger.vkeys is damaged")
    try:
        return [parse_key(line) for line in text[:-1].split("\n")]
    except VerificationError:
        raise VerificationError("keys/ledger.vkeys is damaged") from None


def _open(path: Path, keys: Sequence[Key], name: str) -> Checkpoint:
    try:
        data = path.read_bytes()
    except OSError:
        raise VerificationError(f"{name} is missing") from None
    return _named(name, data, keys)


def _named(name: str, data: bytes, keys: Sequence[Key]) -> Checkpoint:
    try:
        return open_checkpoint(data, keys)
    except VerificationError as error:
        raise VerificationError(f"{name}: {error}") from None


@contextlib.contextmanager
def _quiet(folder: Path) -> Iterator[None]:
    """Keep writers waiting, so that checkpoint and tiles are of one time; on a read-only copy
    there are none."""
    try:
        fd = os.open(folder / ".lock", os.O_RDONLY)
    except OSError:
        yield
        return
    try:
        fcntl.flock(fd, fcntl.LOCK_SH)
        yield
    finally:
        os.close(fd)


def _bytes_below(folder: Path) -> int:
    total = 0
    for here, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(here, name)).st_size  # noqa: PTH118 - many files
    return total


def _check_keys(
    chain: Chain, stored: Sequence[Key], pinned: Sequence[Key], head: Checkpoint
) -> None:
    """The keys that are stored and pinned must be those that the log speaks of."""
    if stored and list(stored) != chain.keys[: len(stored)]:
        raise VerificationError("keys/ledger.vkeys does not hold the keys that the ledger had")
    if stored and len(stored) < len(chain.keys):
        # a crash between the record and the file; more than one it cannot be
        late = len(stored) + 1 < len(chain.keys) or chain.since[-1] != head.size
        if late:
            raise VerificationError("keys/ledger.vkeys lacks a key that the ledger had")
    for key in pinned:
        if key not in chain.keys:
            raise VerificationError(f"the ledger never had the key {key.name}+{key.id.hex()} given")
    if not set(head.keys) & set(chain.in_force(head.size)):
        raise VerificationError("ledger/checkpoint is signed by a key that was replaced")


def _check_older(
    name: str,
    data: bytes,
    chain: Chain,
    head: Checkpoint,
    roots: dict[int, bytes],
    witnesses: Sequence[Key],
) -> Older:
    older = _named(name, data, chain.keys)
    if older.size > head.size:
        raise VerificationError(
            f"{name} covers {older.size} records and the ledger has {head.size}: "
            "records were taken away"
        )
    if not set(older.keys) & set(chain.in_force(older.size)):
        raise VerificationError(f"{name} is signed by a key of another time")
    if roots[older.size] != older.root:
        raise VerificationError(
            f"{name} covers other records than the ledger has: its past was rewritten"
        )
    try:
        found = check_witnesses(older.note, witnesses)
    except VerificationError as error:
        raise VerificationError(f"{name}: {error}") from None
    return Older(name, older.size, older.root, found)
