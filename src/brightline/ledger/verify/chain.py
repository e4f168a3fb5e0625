"""What the entries themselves must keep to: their spelling, their numbers, their keys."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from brightline.errors import VerificationError
from brightline.ledger.verify.note import ED25519, Key, decode_base64, parse_key

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")


@dataclass(frozen=True, slots=True)
class Entry:
    """A record that is well formed."""

    seq: int
    time: str
    kind: str
    fields: dict[str, Any]


def read_entry(index: int, data: bytes) -> Entry:
    """A record: canonical JSON of seq, time, kind and fields, numbered without gaps.

    Raises VerificationError otherwise.
    """
    failed = VerificationError(f"record {index} of the ledger is not a record in canonical JSON")
    try:
        document = json.loads(data)
        again = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (ValueError, RecursionError):
        raise failed from None
    if again.encode("ascii") != data or not isinstance(document, dict):
        raise failed
    if set(document) != {"seq", "time", "kind", "fields"}:
        raise failed
    seq, time, kind, fields = (document[name] for name in ("seq", "time", "kind", "fields"))
    if type(seq) is not int or not isinstance(fields, dict) or not isinstance(kind, str):
        raise failed
    if not isinstance(time, str) or not _TIME.fullmatch(time):
        raise failed
    if seq != index:
        raise VerificationError(f"record {index} of the ledger has the number {seq}")
    return Entry(seq, time, kind, fields)


@dataclass(slots=True)
class Chain:
    """The log's keys in their order: each passes on to the next by a record that it signed.

    `since[k]` is the size from which key k + 1 signs. `kinds` counts the records.
    """

    keys: list[Key] = field(default_factory=list)
    since: list[int] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)

    def add(self, entry: Entry) -> None:
        """Take the next record."""
        self.kinds[entry.kind] += 1
        if entry.kind != "key_rotated":
            return
        failed = VerificationError(f"the key rotation in record {entry.seq} does not verify")
        old, new, signature = (entry.fields.get(name) for name in ("old", "new", "signature"))
        if not (isinstance(old, str) and isinstance(new, str) and isinstance(signature, str)):
            raise failed
        passing, following, value = parse_key(old), parse_key(new), decode_base64(signature)
        if not self.keys:
            self.keys.append(passing)
        if self.keys[-1] != passing or following.name != passing.name or value is None:
            raise failed
        if (passing.algorithm, following.algorithm) != (ED25519, ED25519):
            raise failed
        text = f"brightline ledger key rotation v1\n{old}\n{new}\n".encode()
        try:
            Ed25519PublicKey.from_public_bytes(passing.public).verify(value, text)
        except (InvalidSignature, ValueError):
            raise failed from None
        self.keys.append(following)
        self.since.append(entry.seq + 1)

    def in_force(self, size: int) -> list[Key]:
        """The keys that may sign a tree of this size: where a rotation is the last record,
        both the old one and the new one."""
        place = sum(start <= size for start in self.since)
        both = place > 0 and self.since[place - 1] == size
        return self.keys[place - 1 if both else place : place + 1]
