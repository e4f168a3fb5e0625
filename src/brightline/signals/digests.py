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


class Digester:
    """The same over bytes that come in pieces."""

    __slots__ = ("_md5", "_sha1", "_sha256")

    def __init__(self) -> None:
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha1 = hashlib.sha1(usedforsecurity=False)
        self._sha256 = hashlib.sha256()

    def update(self, piece: bytes | memoryview) -> None:
        """Take the next piece."""
        self._md5.update(piece)
        self._sha1.update(piece)
        self._sha256.update(piece)

    def digests(self) -> Digests:
        """The digests of all pieces so far."""
        return Digests(self._md5.digest(), self._sha1.digest(), self._sha256.digest())
