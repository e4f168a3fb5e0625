"""Digests over the stored bytes."""

from __future__ import annotations

import hashlib

from brightline.types import Digests


def digests(data: bytes) -> Digests:
    """MD5, SHA-1 and SHA-256 while the bytes are in the cache."""
    return Digests(
        hashlib.md5(data, usedforsecurity=False).digest(),
        hashlib.sha1(data, usedforsecurity=False).digest(),
        hashlib.sha256(data).digest(),
    )
