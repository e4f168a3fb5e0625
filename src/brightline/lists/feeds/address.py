"""The address of a service: HTTPS, or plain HTTP to this very machine."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from brightline.lists.feeds.errors import FeedError


def checked_address(url: str) -> str:
    """The base address without a slash at its end.

    Raises FeedError unless it is `https://host[:port][/path]`; `http` is accepted only for
    the loopback. Credentials, a query or a fragment in it are refused, and not repeated.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise FeedError("the feed's address cannot be read; write https://HOST/PATH") from None
    if parts.username is not None or parts.password is not None:
        raise FeedError(
            "the feed's address holds credentials; leave them out and give them in the "
            "environment or in a file of mode 0600"
        )
    plain = url.isascii() and url.isprintable() and " " not in url and "\\" not in url
    if not host or port == 0 or "?" in url or "#" in url or not plain:
        raise FeedError("the feed's address must be https://HOST[:PORT][/PATH] and no more")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(host)):
        raise FeedError(
            f"the feed's address does not begin with https; nothing is sent in the clear to {host}"
        )
    return url.rstrip("/")


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port; what must not change in a redirect. ValueError if unreadable."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return parts.scheme, (parts.hostname or "").lower(), port


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
