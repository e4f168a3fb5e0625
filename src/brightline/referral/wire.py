"""One request to the service, and what is known of it afterwards.

TLS is verified, the environment is not looked at for proxies or `.netrc`, redirects are not
followed. Nothing of what httpx knows (addresses, headers with credentials) gets into a message.
"""

from __future__ import annotations

import logging
import secrets
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Protocol, TypeAlias
from urllib.parse import urlencode

from brightline.lists.feeds.address import checked_address
from brightline.lists.feeds.errors import FeedError
from brightline.referral.errors import ReferralError

XML = "text/xml; charset=utf-8"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent: path below the base address, body, content type."""

    path: str
    body: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; `request_id` is the service's own number of the exchange."""

    status: int
    body: bytes
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class NotSent:
    """No byte of the request left this machine."""

    why: str


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """The request left, or may have, and no whole answer came."""

    why: str


Outcome: TypeAlias = Answer | NotSent | NoAnswer


class Wire(Protocol):
    """Whatever carries requests."""

    def post(self, request: Request) -> Outcome:
        """Ask once; never raises for troubles on the way."""
        ...


@dataclass(frozen=True, slots=True)
class WireLimits:
    """Seconds to connect, between pieces, and for the whole answer; bytes of its body."""

    connect: float = 15.0
    read: float = 60.0
    total: float = 180.0
    body_bytes: int = 1 << 20


class HttpWire:
    """Requests over HTTP with Basic authentication (RFC 7617). Use as a context manager."""

    def __init__(
        self,
        base: str,
        login: tuple[str, str],
        *,
        limits: WireLimits | None = None,
        ca_file: Path | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises ReferralError if the address cannot be used, the certificates cannot be read,
        or httpx is not installed."""
        self._base = checked_endpoint(base)
        self._limits = limits or WireLimits()
        self._monotonic = monotonic
        self._httpx = _httpx()
        for name in ("httpx", "httpcore"):
            logging.getLogger(name).setLevel(logging.WARNING)
        try:
            verify = True if ca_file is None else ssl.create_default_context(cafile=str(ca_file))
        except OSError:
            raise ReferralError(f"the certificates in {ca_file} cannot be read") from None
        user, password = (text.encode("utf-8") for text in login)
        self._client = self._httpx.Client(
            auth=(user, password),
            headers={"User-Agent": "brightline", "Accept": "text/xml, application/xml"},
            verify=verify,
            trust_env=False,
            follow_redirects=False,
            timeout=self._httpx.Timeout(self._limits.read, connect=self._limits.connect),
        )

    def __enter__(self) -> HttpWire:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def post(self, request: Request) -> Outcome:
        """Ask once."""
        httpx = self._httpx
        end = self._monotonic() + self._limits.total
        try:
            with self._client.stream(
                "POST",
                self._base + request.path,
                content=request.body,
                headers={"Content-Type": request.content_type},
            ) as response:
                body = bytearray()
                for piece in response.iter_bytes():
                    body += piece
                    if len(body) > self._limits.body_bytes:
                        return NoAnswer("its answer is too large")
                    if self._monotonic() > end:
                        return NoAnswer("no whole answer in time")
                return Answer(response.status_code, bytes(body), _request_id(response.headers))
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol) as error:
            if _is_certificate(error):
                return NotSent("its certificate is not accepted; see --ca-file")
            return NotSent("no connection")
        except httpx.TimeoutException:
            return NoAnswer("no answer in time")
        except (httpx.HTTPError, httpx.InvalidURL):
            return NoAnswer("the connection broke")


def checked_endpoint(base: str) -> str:
    """The service's base address: HTTPS, or plain HTTP to this machine; ReferralError else."""
    try:
        return checked_address(base)
    except FeedError as error:
        raise ReferralError(str(error).replace("the feed's", "the endpoint's")) from None


def form(**fields: str) -> tuple[bytes, str]:
    """A form's body and content type."""
    return urlencode(fields).encode("ascii"), FORM


def multipart(report_id: str, name: str, data: bytes) -> tuple[bytes, str]:
    """An upload's body and content type (RFC 7578): `id`, then `file` under a neutral name."""
    boundary = secrets.token_hex(24)
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="id"\r\n\r\n{report_id}\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    body = head.encode("ascii") + data + f"\r\n--{boundary}--\r\n".encode("ascii")
    return body, f"multipart/form-data; boundary={boundary}"


def _is_certificate(error: BaseException | None) -> bool:
    """Whether a certificate that could not be verified is behind an error."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _request_id(headers: object) -> str | None:
    get = getattr(headers, "get")  # noqa: B009 - httpx is imported late and has no types here
    value = get("request-id")
    if not isinstance(value, str):
        return None
    return "".join(c for c in value if c.isascii() and c.isprintable())[:128] or None


def _httpx() -> ModuleType:
    try:
        import httpx
    except ImportError:
        raise ReferralError(
            "submitting needs httpx, which is not installed; pip install 'brightline[referral]'"
        ) from None
    return httpx
