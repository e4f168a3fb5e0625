"""Checks of a statement against the ledger's proof, its checkpoint, and one that someone holds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from brightline.errors import VerificationError
from brightline.ledger.hashing import EMPTY_ROOT, node_hash
from brightline.ledger.keys import verifier_key
from brightline.ledger.verify import CheckedProof, Checkpoint, check_proof, open_checkpoint
from brightline.ledger.verify.note import Key, parse_key
from brightline.ledger.verify.proof import parse_proof


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that the person who verifies trusts: its name, if it came with one, and 32 bytes."""

    name: str | None
    public: bytes


def log_keys(keys: Iterable[PublicKey], origin: object, vouched: object) -> list[str]:
    """Verifier keys that the log may have signed with.

    A key without a name is taken to bear the log's own, `origin`. `vouched` is the key that the
    statement names, given only if its signature was accepted, or if no key was given at all.
    """
    found = []
    for key in keys:
        name = key.name if key.name is not None else origin
        if isinstance(name, str):
            found.append(verifier_key(name, key.public))
    if isinstance(vouched, str) and vouched not in found:
        found.append(vouched)
    return found


def read_record(proof: CheckedProof) -> dict[str, Any]:
    """The fields of the proven entry; VerificationError if it records no statement."""
    try:
        document = json.loads(proof.leaf)
    except (ValueError, RecursionError):
        document = None
    match document:
        case {"kind": "attestation_signed", "fields": dict(fields)}:
            return fields
        case _:
            raise VerificationError("the proof is of another record of the ledger")


def open_head(text: object, vkeys: Sequence[str]) -> Checkpoint:
    """A checkpoint under these keys; VerificationError if it is not signed by one of them."""
    if not isinstance(text, str):
        raise VerificationError("the statement holds no checkpoint")
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError:
        raise VerificationError("the checkpoint is not text") from None
    return open_checkpoint(data, _keys(vkeys))


def _keys(vkeys: Sequence[str]) -> list[Key]:
    return [parse_key(text) for text in vkeys]


def prove(proof: bytes, vkeys: Sequence[str]) -> tuple[CheckedProof, dict[int, bytes]]:
    """Check a proof; also the roots that it shows, by size of tree.

    The proof of a tree's last entry shows the tree before it as well: its path holds the roots
    of the full subtrees of which that tree is made (RFC 6962, section 2.1).
    """
    checked = check_proof(proof, vkeys)
    roots = {checked.size: checked.root}
    if checked.index == checked.size - 1:
        before = EMPTY_ROOT
        for place, value in enumerate(parse_proof(proof).path):
            before = node_hash(value, before) if place else value
        roots[checked.index] = before
    return checked, roots


def compare(head: Checkpoint, proof: CheckedProof, roots: dict[int, bytes]) -> bool | None:
    """Whether a checkpoint is of the proof's log: True, False, or None if this cannot show it."""
    if head.origin != proof.origin:
        return False
    if head.size not in roots:
        return None
    return roots[head.size] == head.root
