"""The workspace: the folder that holds settings, keys, lists, runs and the ledger."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from brightline import storage
from brightline.errors import SealError, WorkspaceError
from brightline.findings.custodians import Custodian, canonical_recipient
from brightline.findings.identity import Identity
from brightline.ledger import JSON, Event, Log, Signer
from brightline.ledger.keys import check_name

__all__ = ["Custodian", "Workspace", "toml_string"]

_SETTINGS = "brightline.toml"
_FORMAT = 1
_HEAD = f"""\
# Settings of a Brightline workspace. `brightline custodian add` appends to this file.
format = {_FORMAT}
"""


class Workspace:
    """A folder as `brightline init` makes it. Only the owner can read it."""

    def __init__(self, root: Path) -> None:
        """Use `create` or `open`, which check what is there."""
        self.root = root
        self._log = Log(root / "ledger", self.keys_dir)

    @classmethod
    def create(cls, root: Path, origin: str | None = None) -> Workspace:
        """Make a new workspace; the folder may exist already, with other things in it.

        `origin` names its ledger and the key that signs it; without it, a random name is made.
        Raises WorkspaceError if it is a workspace already or cannot be written, UsageError if
        the origin cannot be a name.
        """
        workspace = cls(root)
        if origin is not None:
            check_name(origin)
        try:
            storage.make_directory(root)
            with storage.locked(workspace._lock, str(root), wait=True):
                if workspace._settings.exists():
                    raise WorkspaceError(f"{root} is a Brightline workspace already")
                for folder in (workspace.keys_dir, workspace.lists_dir, workspace.runs_dir):
                    storage.make_directory(folder)
                workspace.ledger.create(origin)
                # last, because it is what makes the folder a workspace
                storage.write_atomic(workspace._settings, _HEAD.encode())
        except OSError as error:
            raise WorkspaceError(f"cannot make a workspace in {root}: {error.strerror}") from None
        return workspace

    @classmethod
    def open(cls, root: Path) -> Workspace:
        """The workspace in this folder; WorkspaceError if there is none or it is unreadable."""
        workspace = cls(root)
        workspace.custodians()
        return workspace

    @property
    def lists_dir(self) -> Path:
        """Snapshots, `NAME/VERSION/`."""
        return self.root / "lists"

    @property
    def runs_dir(self) -> Path:
        """Runs, `RUN/`."""
        return self.root / "runs"

    @property
    def keys_dir(self) -> Path:
        """Keys that belong to the workspace."""
        return self.root / "keys"

    @property
    def ledger(self) -> Log:
        """The workspace's ledger."""
        return self._log

    def signer(self) -> Signer:
        """The key that signs the ledger's checkpoints, `keys/ledger.pem`.

        A workspace of an earlier version is given one now. Raises DamagedError if it is gone,
        and UsageError if others than its owner can read it.
        """
        return self.ledger.signer()

    def custodians(self) -> tuple[Custodian, ...]:
        """Who may open findings, in the order in which they were added.

        Raises WorkspaceError if brightline.toml cannot be read or understood.
        """
        return self._parse(self._read())

    def sealers(self) -> tuple[Custodian, ...]:
        """Who findings are sealed to: the custodians, each of whom the ledger must have.

        Raises WorkspaceError for one that was written into brightline.toml without it, since
        they could open everything, and be taken out again, off the record.
        """
        custodians = self.custodians()
        known: dict[str, bool] = {}
        for record in self.ledger.records(Event.CUSTODIAN_ADDED, Event.CUSTODIAN_REMOVED):
            known[str(record.fields.get("recipient"))] = record.kind == Event.CUSTODIAN_ADDED
        for custodian in custodians:
            if not known.get(custodian.recipient):
                raise WorkspaceError(
                    f"custodian {custodian.name!r} is in {self._settings} and not on the ledger; "
                    "take it out with `brightline custodian rm`, and add it again if it belongs"
                )
        return custodians

    def opened_by(self, identity: Identity) -> dict[str, JSON]:
        """`custodian` (the name here, if any) and `recipient` of an identity, for the ledger."""
        names = [c.name for c in self.custodians() if c.recipient in identity.recipients]
        return {
            "custodian": names[0] if names else None,
            "recipient": identity.recipients[0] if identity.recipients else None,
        }

    def remove_custodian(self, name: str) -> Custodian:
        """Seal the findings of later runs to this custodian no longer.

        What was sealed already stays open to them until it is sealed anew. Everything else in
        brightline.toml stays as it is. Raises WorkspaceError if there is no such custodian, if
        it is the only one, or if the file is written in a way that cannot be cut.
        """
        with storage.locked(self._lock, str(self.root), wait=True):
            text = self._read()
            present = self._parse(text)
            gone = next((custodian for custodian in present if custodian.name == name), None)
            if gone is None:
                known = ", ".join(custodian.name for custodian in present) or "none yet"
                raise WorkspaceError(f"there is no custodian named {name!r}; there are: {known}")
            if len(present) == 1:
                raise WorkspaceError(
                    f"{name!r} is the only custodian; add another one first, "
                    "or findings could be sealed to nobody"
                )
            rest = tuple(custodian for custodian in present if custodian != gone)
            parts = re.split(r"(?m)^(?=[ \t]*\[)", text)
            for number, part in enumerate(parts):
                kept = "".join(parts[:number] + parts[number + 1 :])
                if part.lstrip().startswith("[[custodian]]") and self._reads_as(kept, rest):
                    break
            else:
                raise WorkspaceError(f"{self._settings} cannot be cut; edit it by hand")
            # before the file: giving the command again then completes it
            fields: dict[str, JSON] = {"name": gone.name, "recipient": gone.recipient}
            self.ledger.append(Event.CUSTODIAN_REMOVED, fields)
            storage.write_atomic(self._settings, kept.encode())
        return gone

    def _reads_as(self, text: str, custodians: tuple[Custodian, ...]) -> bool:
        try:
            return self._parse(text) == custodians
        except WorkspaceError:
            return False

    def add_custodian(self, recipient: str, name: str) -> None:
        """Seal the findings of later runs to this recipient too.

        The addition is appended to brightline.toml, so that everything else in it stays as it
        is, and goes on the ledger. Raises SealError if the recipient cannot be used, and
        WorkspaceError if the name is empty or more than one line, or if the name or the
        recipient is there already.
        """
        key = canonical_recipient(recipient)
        name = name.strip()
        if not name or not name.isprintable():
            raise WorkspaceError("a custodian's name must be one line of text, and not empty")
        with storage.locked(self._lock, str(self.root), wait=True):
            text = self._read()
            present = self._parse(text)
            if any(custodian.name == name for custodian in present):
                raise WorkspaceError(f"there is a custodian named {name!r} already")
            if any(custodian.recipient == key for custodian in present):
                raise WorkspaceError("this recipient is a custodian already")
            added = Custodian(name, key)
            text = (
                text
                + ("" if text.endswith("\n") or not text else "\n")
                + "\n[[custodian]]\n"
                + f"name = {toml_string(name)}\n"
                + f"recipient = {toml_string(key)}\n"
            )
            if self._parse(text) != (*present, added):
                raise WorkspaceError(f"{self._settings} cannot be added to; edit it by hand")
            # before the file: nobody may ever be able to open findings off the record
            self.ledger.append(Event.CUSTODIAN_ADDED, {"name": name, "recipient": key})
            storage.write_atomic(self._settings, text.encode())

    @property
    def _settings(self) -> Path:
        return self.root / _SETTINGS

    @property
    def _lock(self) -> Path:
        return self.root / ".lock"

    def _read(self) -> str:
        try:
            return self._settings.read_bytes().decode("utf-8")
        except (FileNotFoundError, NotADirectoryError):
            raise WorkspaceError(
                f"{self.root} is not a Brightline workspace; "
                f"make one with: brightline init {self.root}"
            ) from None
        except OSError as error:
            raise WorkspaceError(f"cannot read {self._settings}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise WorkspaceError(f"{self._settings} is not UTF-8 text") from None

    def _parse(self, text: str) -> tuple[Custodian, ...]:
        try:
            document = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise WorkspaceError(f"{self._settings} is not TOML: {error}") from None
        if document.get("format") != _FORMAT:
            raise WorkspaceError(
                f"{self._settings} has a format that this version does not know; "
                f"it knows format = {_FORMAT}"
            )
        tables = document.get("custodian", [])
        if not isinstance(tables, list):
            raise WorkspaceError(f"{self._settings}: write custodians as [[custodian]] tables")
        found = []
        for number, table in enumerate(tables, 1):
            match table:
                case {"name": str(name), "recipient": str(recipient)}:
                    pass
                case _:
                    raise WorkspaceError(
                        f"{self._settings}: custodian {number} needs a name and a recipient"
                    )
            try:
                found.append(Custodian(name, canonical_recipient(recipient)))
            except SealError as error:
                raise WorkspaceError(f"{self._settings}: custodian {number}: {error}") from None
        return tuple(found)


def toml_string(text: str) -> str:
    """A TOML basic string (toml.io v1.0, section String) that reads back as `text`.

    Raises ValueError for lone surrogates, which TOML cannot hold.
    """
    out = []
    for character in text:
        code = ord(character)
        if 0xD800 <= code <= 0xDFFF:
            raise ValueError("TOML text cannot hold a lone surrogate")
        if character in '"\\':
            out.append(f"\\{character}")
        elif code < 0x20 or code == 0x7F:
            out.append(f"\\u{code:04X}")
        else:
            out.append(character)
    return f'"{"".join(out)}"'
