"""The workspace's signing key in `keys/`, and the public keys that it had before.

`ledger.pem` is the private key; `ledger.vkeys` holds the verifier key of every key there was, a
line each, the present one last. All have the same name, which is the log's origin. While a key is
being replaced, the new one waits in `ledger-next.pem`.
"""

from __future__ import annotations

import base64
import secrets
from pathlib import Path

from brightline import storage
from brightline.errors import DamagedError, UsageError
from brightline.ledger.keys import Signer, check_name, generate, load_signer, parse_vkey

PRIVATE = "ledger.pem"
NEXT = "ledger-next.pem"
PUBLIC = "ledger.vkeys"


def rotation_text(old: str, new: str) -> bytes:
    """What the old key signs to pass on to the new one; both are verifier keys."""
    return f"brightline ledger key rotation v1\n{old}\n{new}\n".encode()


class Keyring:
    """The keys of one ledger. Whoever writes holds the ledger's lock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def begin(self, origin: str | None = None) -> Signer:
        """The first key, on disk but not in use before `publish`; one that a crash left is taken.

        `origin` names the log; without it, a random name is made. Raises UsageError if it cannot
        be a name.
        """
        name = check_name(origin or f"brightline.invalid/{secrets.token_hex(8)}")
        path = self.folder / PRIVATE
        if not path.exists():
            storage.write_atomic(path, generate(name).private_pem())
        return load_signer(path, name)

    def publish(self, signer: Signer) -> None:
        """Put the first key to use."""
        self._write([signer.vkey])

    @property
    def exists(self) -> bool:
        """Whether the ledger has a key in use."""
        return (self.folder / PUBLIC).exists()

    def vkeys(self) -> list[str]:
        """Every verifier key, the present one last; DamagedError if the file is not that."""
        path = self.folder / PUBLIC
        lines: list[str] = []
        try:
            lines = path.read_bytes().decode("utf-8").splitlines()
            names = {parse_vkey(line)[0] for line in lines}
        except (OSError, UnicodeDecodeError, UsageError):
            names = set()
        if len(names) != 1:
            raise DamagedError(f"{path} is damaged or gone; restore it from a copy")
        return lines

    def publics(self) -> list[bytes]:
        """The 32 bytes of every public key, the present one first."""
        return [parse_vkey(line)[1] for line in reversed(self.vkeys())]

    def signer(self) -> Signer:
        """The present key.

        Raises DamagedError if `ledger.pem` is gone or not the last of `ledger.vkeys`, and
        UsageError if others can read it.
        """
        vkeys = self.vkeys()
        path = self.folder / PRIVATE
        if not path.exists():
            raise DamagedError(f"{path} is gone; restore it from a copy")
        signer = load_signer(path, parse_vkey(vkeys[-1])[0])
        if signer.vkey != vkeys[-1]:
            raise DamagedError(f"{path} is not the last key of {PUBLIC}; restore both from a copy")
        return signer

    def stage(self) -> Signer:
        """Make the key that is to follow; it waits until `promote`."""
        signer = generate(self.signer().name)
        storage.write_atomic(self.folder / NEXT, signer.private_pem())
        return signer

    def promote(self, vkey: str) -> None:
        """Put the waiting key in the place of the present one, whose private half is lost."""
        vkeys = self.vkeys()
        path = self.folder / NEXT
        if path.exists() and load_signer(path, parse_vkey(vkey)[0]).vkey == vkey:
            storage.rename(path, self.folder / PRIVATE)
        if vkey not in vkeys:
            self._write([*vkeys, vkey])

    @property
    def unsettled(self) -> bool:
        """Whether a rotation was begun and perhaps not finished."""
        if (self.folder / NEXT).exists():
            return True
        path, vkeys = self.folder / PRIVATE, self.vkeys()
        return path.exists() and load_signer(path, parse_vkey(vkeys[-1])[0]).vkey != vkeys[-1]

    def abandon(self) -> None:
        """Forget a key that was staged and never announced."""
        (self.folder / NEXT).unlink(missing_ok=True)

    def _write(self, vkeys: list[str]) -> None:
        text = "".join(f"{vkey}\n" for vkey in vkeys)
        storage.write_atomic(self.folder / PUBLIC, text.encode())


def rotation_fields(old: Signer, new: str) -> dict[str, str]:
    """A `key_rotated` record's fields, signed by the key that passes on."""
    signature = base64.b64encode(old.sign(rotation_text(old.vkey, new))).decode("ascii")
    return {"old": old.vkey, "new": new, "signature": signature}
