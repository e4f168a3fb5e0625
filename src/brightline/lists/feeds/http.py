"""One attempt at one request, within limits, and what its status means.

TLS is verified. The environment is not looked at for proxies, certificates or .netrc. Only
redirects to the same scheme, host and port are followed, and only for GET. Bodies are read up
to a size and within a time. Nothing that httpx knows (addresses with tokens, headers with
credentials) gets into an exception or a log line of ours.
"""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from brightline.lists.feeds.address import checked_address, origin
from brightline.lists.feeds.errors import (
    BadPageError,
    CursorExpiredError,
    FeedError,
    RefusedError,
    TransientError,
)
from brightline.lists.feeds.retrying import retry_after

if TYPE_CHECKING:
    import httpx

_MAX_REDIRECTS = 3
_TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
#: what servers answer to a page that they have forgotten
_EXPIRED = frozenset({400, 404, 410})


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """What one request may take: seconds to connect, between two pieces of the answer and in
    all, and bytes of the answer's body once it is decompressed."""

    connect: float = 10.0
    read: float = 60.0
    total: float = 600.0
    body_bytes: int = 64 << 20


class Http:
    """A connection to one service. Use as a context manager."""

    def __init__(
        self,
        base: str,
        *,
        login: tuple[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        limits: HttpLimits | None = None,
        ca_file: Path | None = None,
        proxy: str | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`login` is for HTTP Basic; `ca_file` replaces the public authorities (PEM); `proxy`
        is the address of an HTTP proxy. Raises FeedError if an address cannot be used, the
        file cannot be read, or httpx is not installed."""
        self.base = checked_address(base)
        self._limits = limits or HttpLimits()
        self._monotonic = monotonic
        httpx = _httpx()
        # httpx would log every address, and those of pages hold tokens
        for name in ("httpx", "httpcore"):
            logging.getLogger(name).setLevel(logging.WARNING)
        try:
            verify = True if ca_file is None else ssl.create_default_context(cafile=str(ca_file))
        except OSError:
            raise FeedError(f"the certificates in {ca_file} cannot be read") from None
        self._client = httpx.Client(
            auth=login,
            headers={"User-Agent": "brightline", "Accept-Encoding": "gzip", **(headers or {})},
            verify=verify,
            trust_env=False,
            proxy=proxy,
            follow_redirects=False,
            timeout=httpx.Timeout(self._limits.read, connect=self._limits.connect),
        )

    def __enter__(self) -> Http:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def get(self, path: str, query: str, *, of_cursor: bool = False) -> bytes:
        """The body of `base + path?query`.

        `of_cursor` says that the query came from an earlier page: then a server that does not
        know it raises CursorExpiredError. Otherwise as the errors' own descriptions say.
        """
        url = f"{self.base}{path}" + (f"?{query}" if query else "")
        home = origin(self.base)
        for _ in range(_MAX_REDIRECTS + 1):
            status, headers, body = self._send("GET", url, None)
            if not 300 <= status < 400:
                self._check(status, headers, of_cursor)
                return body
            try:
                url = urljoin(url, headers.get("location", ""))
                same = origin(url) == home
            except ValueError:
                same = False
            if not same or "location" not in headers:
                raise FeedError(
                    f"{self.base} answers with a redirect to another place, which was not "
                    "followed; check the address, or ask the hotline for the new one"
                )
        raise FeedError(f"{self.base} redirects in circles; check the address")

    def post(self, path: str, body: bytes, content_type: str) -> bytes:
        """The answer's body; redirects are not followed."""
        status, headers, answer = self._send("POST", f"{self.base}{path}", (body, content_type))
        if 300 <= status < 400:
            raise FeedError(f"{self.base} answers with a redirect, which was not followed")
        self._check(status, headers, of_cursor=False)
        return answer

    def _send(
        self, method: str, url: str, content: tuple[bytes, str] | None
    ) -> tuple[int, Mapping[str, str], bytes]:
        httpx = _httpx()
        body, headers = (
            (None, {}) if content is None else (content[0], {"Content-Type": content[1]})
        )
        end = self._monotonic() + self._limits.total
        trouble = "the connection broke"
        try:
            with self._client.stream(method, url, content=body, headers=headers) as response:
                return response.status_code, response.headers, self._body(response, end)
        except httpx.TimeoutException:
            trouble = "no answer in time"
        except httpx.ConnectError as error:
            if _is_certificate_trouble(error):
                raise FeedError(
                    f"the certificate of {self.base} cannot be verified; nothing was sent"
                ) from None
            trouble = "no connection"
        except httpx.RemoteProtocolError:
            trouble = "the answer was cut short"
        except httpx.DecodingError:
            trouble = "the answer cannot be decompressed"
        except (httpx.HTTPError, httpx.InvalidURL):
            pass
        raise TransientError(f"{self.base} cannot be read: {trouble}; try again later") from None

    def _body(self, response: httpx.Response, end: float) -> bytes:
        """The whole body; its size and time are looked at while it comes."""
        pieces = bytearray()
        for piece in response.iter_bytes():
            pieces += piece
            if len(pieces) > self._limits.body_bytes:
                raise FeedError(
                    f"an answer of {self.base} is larger than {self._limits.body_bytes} bytes and "
                    "nothing of it was taken; if that is right, raise max_response_bytes in "
                    "feed.toml"
                )
            if self._monotonic() > end:
                raise TransientError(
                    f"{self.base} cannot be read: no whole answer within "
                    f"{self._limits.total:.0f} s; try again later"
                )
        return bytes(pieces)

    def _check(self, status: int, headers: Mapping[str, str], of_cursor: bool) -> None:
        if status == 200:
            return
        if status in (401, 403):
            raise RefusedError(
                f"{self.base} does not accept the credentials (status {status}); check them, "
                "and whether this machine's address is one that the hotline knows"
            )
        if of_cursor and status == 500:
            # servers fail so at a record that they cannot write, each time anew
            raise BadPageError(f"{self.base} fails at a page (status {status})")
        if status in _TRY_AGAIN:
            wait = retry_after(headers.get("retry-after"))
            asked = "" if wait is None else f" and asks to wait {wait:.0f} s"
            raise TransientError(
                f"{self.base} is busy or failing (status {status}){asked}; try again later", wait
            )
        if of_cursor and status in _EXPIRED:
            raise CursorExpiredError(f"{self.base} no longer knows a page (status {status})")
        if 200 < status < 300:
            raise BadPageError(f"{self.base} answered without a page (status {status})")
        raise FeedError(
            f"{self.base} refuses the request (status {status}); check the address and the kind "
            "of the feed"
        )


def _is_certificate_trouble(error: BaseException) -> bool:
    here: BaseException | None = error
    while here is not None:
        if isinstance(here, ssl.SSLCertVerificationError):
            return True
        here = here.__cause__ or here.__context__
    return False


def _httpx() -> ModuleType:
    """The library, which only those who have feeds need."""
    try:
        import httpx
    except ImportError:
        raise FeedError(
            "feeds need httpx, which is not installed; pip install 'brightline[feeds]'"
        ) from None
    return httpx
