"""Addresses as signals: one spelling for each, kept as its digest.

The rules, on purpose few: surrounding white space goes; scheme and host in lower case, the
host in its ASCII (IDNA) form; a default port and the fragment go; an empty path becomes `/`.
Path and query stay as they are, since servers may tell them apart.
"""

from __future__ import annotations

import hashlib
from urllib.parse import urlsplit, urlunsplit

_DEFAULT_PORT = {"http": 80, "https": 443, "ftp": 21}


def normalise_url(text: str) -> str | None:
    """The normal spelling, or None where the text is no absolute address."""
    text = text.strip()
    if not text or any(c.isspace() or ord(c) < 32 for c in text):
        return None
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").lower()
        port = parts.port
    except ValueError:
        return None
    scheme = parts.scheme.lower()
    if not scheme or not host:
        return None
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            return None
    if ":" in host:
        host = f"[{host}]"
    if port is not None and port != _DEFAULT_PORT.get(scheme):
        host = f"{host}:{port}"
    if parts.username is not None:
        user = parts.username + (f":{parts.password}" if parts.password is not None else "")
        host = f"{user}@{host}"
    return urlunsplit((scheme, host, parts.path or "/", parts.query, ""))


def url_digest(text: str) -> bytes | None:
    """SHA-256 of the normal spelling, or None where the text is no absolute address."""
    normal = normalise_url(text)
    if normal is None:
        return None
    return hashlib.sha256(normal.encode("utf-8", "surrogateescape")).digest()
