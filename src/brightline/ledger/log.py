"""The ledger's writer: an append-only Merkle tree in tiles, with a signed checkpoint.

An append writes entries and tiles, and the checkpoint last; what no checkpoint covers does not
count. The file `state` says what is being written, so that a crash can be told from a checkpoint
that was put back by hand (docs/adr/0013).
"""

from __future__ import annotations

import base64
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from brightline import storage
from brightline.errors import DamagedError, UsageError
from brightline.ledger.carry import JOURNAL, KEPT, journal_entries, journal_records
from brightline.ledger.hashing import EMPTY_ROOT
from brightline.ledger.keyring import PUBLIC, Keyring, rotation_fields
from brightline.ledger.keys import Signer
from brightline.ledger.note import own_checkpoint, sign_checkpoint
from brightline.ledger.records import JSON, Event, Record, decode, encode, may_be, now
from brightline.ledger.tiles import (
    ENTRIES,
    MAX_ENTRY,
    WIDTH,
    Edge,
    Tree,
    count_at,
    tile_files,
    tile_name,
)

CHECKPOINT = "checkpoint"
STATE = "state"
#: seconds that a writer waits for its turn
PATIENCE = 30.0

_WRITING, _WRITTEN = "writing", "written"
_STATE = re.compile(rb"(writing|written) ([0-9]{20})\n")


class Log:
    """The ledger in a folder, signed with the key in another.

    Any number of processes may append: each holds the folder's lock for the time of one append,
    and waits up to `PATIENCE` seconds for its turn. Nothing is read or created before the first
    use. What a crash left beyond the checkpoint is removed by the next append, which adds a
    record of kind `recovered`. A checkpoint that does not fit the tiles raises DamagedError:
    nothing is built upon it.
    """

    def __init__(self, folder: Path, keys: Path) -> None:
        self.folder = folder
        self.keyring = Keyring(keys)
        self._note: bytes | None = None
        self._edge = Edge()
        self._signer: Signer | None = None
        #: the largest tree that this object has seen: size and root
        self._seen = (0, EMPTY_ROOT)

    def create(self, origin: str | None = None) -> None:
        """Make an empty log with a key of its own, named `origin` or at random.

        Raises UsageError if the origin cannot be a key's name.
        """
        with self._turn():
            if not self.keyring.exists:
                self._begin(origin)
            elif origin not in (None, self.keyring.vkeys()[0].partition("+")[0]):
                raise UsageError(f"{self.folder} holds a ledger with another origin already")

    def append(self, kind: Event, fields: Mapping[str, JSON]) -> int:
        """Add a record, durable when this returns; returns its sequence number.

        `fields` must never hold a locator or a hash of a match. Raises DamagedError if the
        ledger is damaged, UsageError if the record is longer than an entry can be, WorkspaceError
        if other writers leave no turn, and OSError if it cannot be written: then it does not
        count, unless the checkpoint itself was the last thing written.
        """
        return self.append_many([(kind, fields)])

    def append_many(self, records: Iterable[tuple[Event, Mapping[str, JSON]]]) -> int:
        """Add records under one checkpoint: all of them or none; returns the first's number."""
        with self._turn():
            self._open()
            first, time = self._edge.size, now()
            self._commit(
                [
                    _entry(Record(first + place, time, str(kind), dict(fields)))
                    for place, (kind, fields) in enumerate(records)
                ]
            )
        return first

    def records(self, *kinds: Event, **fields: str) -> Iterator[Record]:
        """Every record from the first on; DamagedError names the file that is damaged.

        With `kinds`, only those of one of them; with `fields`, only those with these values.
        The others are then compared with the tree, and not read.
        """
        head = self._head()
        journal = self.folder / JOURNAL
        if head[0] == 0 and journal.exists():
            found = journal_records(journal)
        else:
            found = self._records(self._tree(*head), lambda entry: may_be(entry, kinds, fields))
        for record in found:
            if (not kinds or record.kind in kinds) and fields.items() <= record.fields.items():
                yield record

    def checkpoint(self) -> bytes:
        """The signed note over all records (c2sp.org/tlog-checkpoint)."""
        if not self.keyring.exists or (self.folder / JOURNAL).exists():
            with self._turn():
                self._open()
        self._head()
        return (self.folder / CHECKPOINT).read_bytes()

    def prove(self, index: int) -> bytes:
        """A portable proof that record `index` is on the ledger (c2sp.org/tlog-proof, v1).

        Its extra data is the record. Raises UsageError if there is no such record.
        """
        note = self.checkpoint()
        size, root = self._check(note)
        if not 0 <= index < size:
            raise UsageError(f"there is no record {index}; the ledger has {size}, from 0 on")
        tree = self._tree(size, root)
        entry = tree.entries(index // WIDTH)[index % WIDTH]
        lines = ["c2sp.org/tlog-proof@v1", f"extra {_base64(entry)}", f"index {index}"]
        lines += [_base64(hash_) for hash_ in tree.inclusion(index)]
        return "".join(f"{line}\n" for line in lines).encode() + b"\n" + note

    def prove_growth(self, old: int) -> bytes:
        """A proof that the first `old` records were the whole ledger once, with the checkpoint.

        It is the body of an add-checkpoint request (c2sp.org/tlog-witness). Raises UsageError if
        there are fewer records.
        """
        note = self.checkpoint()
        size, root = self._check(note)
        if not 0 <= old <= size:
            raise UsageError(f"the ledger has {size} records, fewer than the {old} of before")
        lines = [f"old {old}", *map(_base64, self._tree(size, root).consistency(old))]
        return "".join(f"{line}\n" for line in lines).encode() + b"\n" + note

    def signer(self) -> Signer:
        """The key that signs now; an older workspace is given one."""
        with self._turn():
            self._open()
            assert self._signer is not None
            return self._signer

    def rotate_key(self) -> Signer:
        """Replace the key by a new one, and record it under the old one; returns the new one."""
        with self._turn():
            self._open()
            assert self._signer is not None
            new = self.keyring.stage()
            fields = rotation_fields(self._signer, new.vkey)
            record = Record(self._edge.size, now(), Event.KEY_ROTATED, dict(fields))
            self._commit([_entry(record)])
            self._promote(new.vkey)
            return self._signer

    # --- under the lock ----------------------------------------------------------------------

    def _turn(self) -> AbstractContextManager[None]:
        return storage.locked(self.folder / ".lock", "the ledger", patience=PATIENCE)

    def _open(self) -> None:
        """Bring what is in memory up to what is on disk, and mend what a crash left."""
        note = _read(self.folder / CHECKPOINT)
        if self._note is not None and note == self._note:
            if self._state() == (_WRITTEN, self._edge.size):
                return
        elif not self.keyring.exists:
            self._begin(None)
        self._load()
        leftovers = self._leftovers()
        if self.keyring.unsettled:
            self._settle_key()
        self._signer = self.keyring.signer()
        found: dict[str, JSON] = {
            "files": len(leftovers),
            "bytes": sum(path.stat().st_size for path in leftovers),
        }
        for path in leftovers:
            path.unlink()
        # before any record of ours: its own come first
        if (self.folder / JOURNAL).exists():
            self._carry_over(self.folder / JOURNAL)
        if leftovers:
            self._commit([_entry(Record(self._edge.size, now(), Event.RECOVERED, found))])

    def _begin(self, origin: str | None) -> None:
        """The first checkpoint, over nothing. The public key is written last, since it says that
        there is a ledger: from then on a missing checkpoint is a loss."""
        note = _read(self.folder / CHECKPOINT)
        if note is not None and origin is None:
            origin = note.decode("utf-8", "replace").partition("\n")[0]
        signer = self.keyring.begin(origin)
        if note is None and next(tile_files(self.folder), None) is None:
            note = sign_checkpoint(signer, 0, EMPTY_ROOT)
            storage.write_atomic(self.folder / CHECKPOINT, note)
            self._note_state(_WRITTEN, 0)
        if note is None or own_checkpoint(note, signer.name, [signer.public]) != (0, EMPTY_ROOT):
            raise DamagedError(
                f"{self.keyring.folder / PUBLIC} is gone, and {self.folder} holds a ledger; "
                "restore the keys from a copy"
            )
        self.keyring.publish(signer)

    def _load(self) -> None:
        self._note = None
        note = _read(self.folder / CHECKPOINT)
        size, root = self._head()
        tree = self._tree(size, root)
        if size < self._seen[0] or tree.root(self._seen[0]) != self._seen[1]:
            raise DamagedError(
                f"{self.folder} is older than it was a moment ago; restore the newer one"
            )
        self._edge = tree.edge()
        self._seen = size, root
        self._note = note

    def _leftovers(self) -> list[Path]:
        """What a cut-off append left behind; DamagedError if it is more than that can be."""
        size = self._edge.size
        files = list(tile_files(self.folder))
        beyond = [file for file in files if file.end > count_at(file.level, size)]
        word, goal = self._state()
        if goal > size and word == _WRITTEN:
            raise self._rolled_back()
        if beyond and word != _WRITING:
            raise self._rolled_back()
        if any(file.end > count_at(file.level, goal) for file in beyond):
            raise self._rolled_back()
        full = {(file.level, file.number) for file in files if file.width == WIDTH}
        for file in files:
            if file.width < WIDTH and (file.level, file.number) in full and file not in beyond:
                file.path.unlink(missing_ok=True)
        temporary = list(self.folder.rglob(f"{storage.TEMPORARY}*"))
        return [file.path for file in beyond] + temporary

    def _settle_key(self) -> None:
        """Finish a rotation that is on the log, or forget one that is not."""
        rotated = [r for r in self._records(self._tree(*self._seen)) if r.kind == Event.KEY_ROTATED]
        if rotated:
            self._promote(str(rotated[-1].fields["new"]))
        self.keyring.abandon()

    def _promote(self, vkey: str) -> None:
        self.keyring.promote(vkey)
        self._signer = self.keyring.signer()
        self._note = sign_checkpoint(self._signer, self._edge.size, self._edge.root())
        storage.write_atomic(self.folder / CHECKPOINT, self._note)

    def _carry_over(self, journal: Path) -> None:
        """Take an earlier version's journal as the first entries, once."""
        if self._edge.size == 0:
            self._commit(journal_entries(journal))
        else:
            known = self._records(self._tree(*self._seen))
            for record in journal_records(journal):
                other = next(known, None)
                if other != record and (other is None or "too_long" not in other.fields):
                    raise DamagedError(
                        f"{journal} was written by an earlier version beside the ledger; "
                        "move it away and keep it"
                    )
        storage.rename(journal, self.folder / KEPT)

    def _commit(self, entries: list[bytes]) -> None:
        """Write entries and tiles, then the checkpoint: from then on they count."""
        assert self._signer is not None
        edge = self._edge.copy()
        start, goal = edge.size, edge.size + len(entries)
        try:
            self._note_state(_WRITING, goal)
            for entry in entries:
                for name, data in edge.add(entry):
                    storage.write_atomic(self.folder / name, data)
            for level, name, data in edge.partial():
                # the upper levels seldom grow, and each file costs two flushes
                grown = count_at(level, start) < count_at(level, goal)
                if grown or not (self.folder / name).exists():
                    storage.write_atomic(self.folder / name, data)
            root = edge.root()
            note = sign_checkpoint(self._signer, goal, root)
            storage.write_atomic(self.folder / CHECKPOINT, note)
            self._note_state(_WRITTEN, goal)
        except BaseException:
            self._note = None  # what is on disk decides
            raise
        self._note, self._edge, self._seen = note, edge, (goal, root)
        self._prune(start, goal)

    def _prune(self, start: int, goal: int) -> None:
        """Remove the partial forms of tiles that became full."""
        for level in (ENTRIES, *range(len(self._edge.rows))):
            for number in range(count_at(level, start) // WIDTH, count_at(level, goal) // WIDTH):
                path = self.folder / tile_name(level, number, WIDTH)
                shutil.rmtree(path.with_name(f"{path.name}.p"), ignore_errors=True)

    # --- reading ------------------------------------------------------------------------------

    def _head(self) -> tuple[int, bytes]:
        """Size and root by the checkpoint; (0, …) if there is no ledger yet."""
        note = _read(self.folder / CHECKPOINT)
        if not self.keyring.exists and (
            note is None or note.split(b"\n")[1:2] == [b"0"] or (self.folder / JOURNAL).exists()
        ):
            return 0, EMPTY_ROOT
        if note is None:
            raise DamagedError(f"{self.folder / CHECKPOINT} is gone; restore it from a copy")
        return self._check(note)

    def _check(self, note: bytes) -> tuple[int, bytes]:
        vkeys = self.keyring.vkeys()
        origin = vkeys[0].partition("+")[0]
        # the one before, since the record of a rotation is signed by the key that it replaces
        head = own_checkpoint(note, origin, self.keyring.publics()[:2])
        if head is None:
            raise DamagedError(
                f"{self.folder / CHECKPOINT} is not signed by the workspace's key; "
                "restore it from a copy"
            )
        return head

    def _tree(self, size: int, root: bytes) -> Tree:
        tree = Tree(self.folder, size)
        if tree.edge().root() != root:
            raise self._rolled_back()
        return tree

    def _records(
        self, tree: Tree, wanted: Callable[[bytes], bool] = lambda _: True
    ) -> Iterator[Record]:
        for number in range(-(-tree.size // WIDTH)):
            for place, entry in enumerate(tree.entries(number)):
                if not wanted(entry):
                    continue
                record = decode(entry, number * WIDTH + place)
                if record is None:
                    raise DamagedError(
                        f"record {number * WIDTH + place} of {self.folder} is damaged; "
                        "restore the ledger from a copy"
                    )
                yield record

    def _state(self) -> tuple[str, int]:
        """What the file `state` says; ("", 0) if it says nothing."""
        found = _STATE.fullmatch(_read(self.folder / STATE) or b"")
        return (found[1].decode(), int(found[2])) if found else ("", 0)

    def _note_state(self, word: str, size: int) -> None:
        # only the announcement must outlive a power cut
        data = f"{word} {size:020}\n".encode()
        storage.write_in_place(self.folder / STATE, data, durable=word == _WRITING)

    def _rolled_back(self) -> DamagedError:
        return DamagedError(
            f"the checkpoint in {self.folder} does not fit its tiles: one of them is from another "
            "time; restore the whole folder from one copy, and run `brightline ledger verify`"
        )


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _entry(record: Record) -> bytes:
    entry = encode(record)
    if len(entry) > MAX_ENTRY:
        raise UsageError(
            f"a ledger's record has at most {MAX_ENTRY:,} bytes and this one, {record.kind}, has "
            f"{len(entry):,}; shorten the text"
        )
    return entry
