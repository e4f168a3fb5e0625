"""The workspace: the folder that holds settings, keys, lists, runs and the ledger."""

from __future__ import annotations

import tomllib
from pathlib import Path

from brightline import storage
from brightline.errors import SealError, WorkspaceError
from brightline.findings.custodians import Custodian, canonical_recipient
from brightline.ledger import Event, Journal, Ledger

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
        self._journal = Journal(root / "ledger")

    @classmethod
    def create(cls, root: Path) -> Workspace:
        """Make a new workspace; the folder may exist already, with other things in it.

        Raises WorkspaceError if it is a workspace already or cannot be written.
        """
        workspace = cls(root)
        try:
            storage.make_directory(root)
            with storage.locked(workspace._lock, str(root), wait=True):
                if workspace._settings.exists():
                    raise WorkspaceError(f"{root} is a Brightline workspace already")
                for folder in (workspace.keys_dir, workspace.lists_dir, workspace.runs_dir):
                    storage.make_directory(folder)
                storage.make_directory(root / "ledger")
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
    def ledger(self) -> Ledger:
        """The workspace's ledger."""
        return self._journal

    def custodians(self) -> tuple[Custodian, ...]:
        """Who may open findings, in the order in which they were added.

        Raises WorkspaceError if brightline.toml cannot be read or understood.
        """
        return self._parse(self._read())

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
