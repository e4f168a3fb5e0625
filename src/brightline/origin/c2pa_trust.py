"""The pinned C2PA trust lists: whose signatures count as `trusted`.

The files in `data/` are the C2PA conformance programme's two lists as they were published
(github.com/c2pa-org/conformance-public, folder `trust-list`, CC-BY-4.0), byte for byte. They
are data: a newer list takes their place without a change of code, and every piece of evidence
names the digest of the lists that it was judged by.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import Final

_FILES: Final = ("c2pa-trust-list.pem", "c2pa-tsa-trust-list.pem")
_MAX_BYTES: Final = 4 << 20
_BEGIN: Final = b"-----BEGIN CERTIFICATE-----"


@cache
def pinned() -> bytes:
    """The signers' list and the timestamp authorities' list, one after the other, as PEM.

    The validator has one set of anchors for both; which of them may sign claims and which
    timestamps follows from the certificates' extended key usage.
    """
    folder = files("brightline.origin") / "data"
    return b"\n".join((folder / name).read_bytes() for name in _FILES)


def check(pem: bytes) -> bytes:
    """Certificates that someone gives in place of the pinned ones.

    Raises ValueError if they hold no certificate or one that cannot be read, or are larger than
    such a list can be: the validator would take a picture's manifest for what is unreadable.
    """
    from cryptography.x509 import load_pem_x509_certificates

    if _BEGIN not in pem or len(pem) > _MAX_BYTES:
        raise ValueError("a trust list is a PEM file with at least one certificate")
    load_pem_x509_certificates(pem)
    return pem


def digest(pem: bytes) -> str:
    """`sha256:` and 64 hex digits: which list judged."""
    return f"sha256:{hashlib.sha256(pem).hexdigest()}"
