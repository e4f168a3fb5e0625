"""Custodians: who may open findings, and which age recipient stands for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyrage

from brightline.errors import SealError

_SSH_TYPES = ("ssh-ed25519", "ssh-rsa")


@dataclass(frozen=True, slots=True)
class Custodian:
    """A person or office that may open findings.

    `recipient` is in the form that `canonical_recipient` returns: an age X25519 recipient
    (`age1…`) or the first two fields of an OpenSSH public key.
    """

    name: str
    recipient: str


def canonical_recipient(text: str) -> str:
    """The one spelling of a recipient, so that the same key is never listed twice.

    Accepts what the age specification calls an X25519 recipient and age's two kinds of SSH
    recipient (`ssh-ed25519`, `ssh-rsa`); an SSH key's trailing comment is left out.
    Raises SealError for anything else.
    """
    stripped = text.strip()
    fields = stripped.split()
    try:
        if fields and fields[0] in _SSH_TYPES and "\n" not in stripped:
            line = " ".join(fields[:2])
            pyrage.ssh.Recipient.from_str(line)
            return line
        return str(pyrage.x25519.Recipient.from_str(stripped))
    except pyrage.RecipientError:
        raise SealError(
            "this is not a recipient that findings can be sealed to; give an age X25519 "
            "recipient (age1…) or an ssh-ed25519 or ssh-rsa public key line"
        ) from None


def recipient_key(custodian: Custodian) -> Any:
    """The key object that pyrage encrypts to; SealError names a custodian whose key is bad."""
    try:
        if custodian.recipient.startswith(_SSH_TYPES):
            return pyrage.ssh.Recipient.from_str(custodian.recipient)
        return pyrage.x25519.Recipient.from_str(custodian.recipient)
    except pyrage.RecipientError:
        raise SealError(
            f"the recipient of custodian {custodian.name!r} cannot be used; "
            "correct it in brightline.toml"
        ) from None
