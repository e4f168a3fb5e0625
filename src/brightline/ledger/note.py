"""The writer's notes: checkpoints (c2sp.org/tlog-checkpoint) and cosignatures, signed.

`own_checkpoint` reads back only what this writer wrote, byte for byte; whoever reads notes of
others takes `ledger.verify`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from brightline.ledger.keys import COSIGNATURE, Signer, key_id


def checkpoint_text(origin: str, size: int, root: bytes) -> str:
    """What a checkpoint's signatures cover: origin, size and root, a line each."""
    return f"{origin}\n{size}\n{base64.b64encode(root).decode('ascii')}\n"


def sign_checkpoint(signer: Signer, size: int, root: bytes) -> bytes:
    """The signed note for a tree of `size` leaves; the signer's name is the log's origin."""
    text = checkpoint_text(signer.name, size, root)
    return _note(text, signer.name, signer.public, signer.sign(text.encode()))


def cosign(note: bytes, signer: Signer, time: int) -> bytes:
    """The note with one more line: a cosignature/v1 (c2sp.org/tlog-cosignature).

    `note` is a checkpoint with at least one signature, `time` POSIX seconds.
    """
    text, _, _ = note.rpartition(b"\n\n")
    signature = signer.sign(f"cosignature/v1\ntime {time}\n".encode() + text + b"\n")
    identifier = key_id(signer.name, signer.public, COSIGNATURE)
    value = identifier + time.to_bytes(8, "big") + signature
    return note + _line(signer.name, value)


def own_checkpoint(data: bytes, name: str, publics: Iterable[bytes]) -> tuple[int, bytes] | None:
    """Size and root of a checkpoint that one of these keys signed under this name, or None."""
    try:
        origin, size, root, blank, line, end = data.decode("utf-8").split("\n")
        head = int(size), base64.b64decode(root, validate=True)
        signature = base64.b64decode(line.rpartition(" ")[2], validate=True)[4:]
    except (ValueError, binascii.Error):
        return None
    text = checkpoint_text(name, *head)
    for public in publics:
        # only the very bytes that this writer would write for it will do
        if data == _note(text, name, public, signature) and (origin, blank, end) == (name, "", ""):
            try:
                Ed25519PublicKey.from_public_bytes(public).verify(signature, text.encode())
            except InvalidSignature:
                continue
            return head
    return None


def _note(text: str, name: str, public: bytes, signature: bytes) -> bytes:
    return text.encode() + b"\n" + _line(name, key_id(name, public) + signature)


def _line(name: str, value: bytes) -> bytes:
    return f"\u2014 {name} {base64.b64encode(value).decode('ascii')}\n".encode()
