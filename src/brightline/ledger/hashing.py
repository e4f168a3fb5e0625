"""The hashes of a Merkle tree (RFC 6962, section 2.1): all that writer and verifier share."""

from __future__ import annotations

import hashlib

#: bytes in a hash
HASH = 32

#: the root of a tree without leaves
EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """SHA-256 of 0x00 and the entry's bytes; 32 bytes."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256 of 0x01 and the two children, 32 bytes each; 32 bytes."""
    return hashlib.sha256(b"\x01" + left + right).digest()
