from __future__ import annotations

import gzip
import ipaddress
import logging
import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from brightline.lists.feeds.address import checked_address
from brightline.lists.feeds.errors import BadPageError, FeedError, RefusedError, TransientError
from brightline.lists.feeds.http import Http, HttpLimits
from brightline.lists.feeds.retrying import Retry, retry_after
from tests.lists.feeds.service import Reply, Request, serve


def echo(request: Request) -> Reply:
    return Reply(body=request.query.get("q", "").encode())


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "http://10.0.0.1",
        "http://127.0.0.1.example.com",
        "ftp://127.0.0.1/",
        "https://",
        "https:///path",
        "https://user:secret-word@example.com",
        "https://example.com/?key=secret-word",
        "https://example.com/?",
        "https://example.com/#x",
        "https://example.com:99999",
        "https://exam ple.com",
        "https://ex\nample.com",
        "https://example.com\\@127.0.0.1/",
        "https://[::1",
        "",
    ],
)
def test_addresses_that_are_refused(url: str) -> None:
    with pytest.raises(FeedError) as caught:
        checked_address(url)
    assert "secret-word" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://example.com/hashsharing/", "https://example.com/hashsharing"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://[::1]:80/x", "http://[::1]:80/x"),
        ("http://localhost/", "http://localhost"),
    ],
)
def test_addresses_that_are_taken(url: str, base: str) -> None:
    assert checked_address(url) == base


def test_the_environment_is_not_looked_at(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with serve(lambda _: Reply(body=b"through the proxy")) as proxy, serve(echo) as service:
        netrc = tmp_path / ".netrc"
        netrc.write_text("machine 127.0.0.1 login somebody password something\n")
        monkeypatch.setenv("NETRC", str(netrc))
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        with Http(service.url) as http:
            assert http.get("/", "q=1") == b"1"
        assert not proxy.requests
        assert "authorization" not in service.requests[0].headers
        with Http(service.url, proxy=proxy.url) as http:
            assert http.get("/", "q=1") == b"through the proxy"
        assert len(service.requests) == 1


def test_compressed_answers_are_bounded_by_what_they_become() -> None:
    bomb = gzip.compress(b"\0" * 5_000_000)
    reply = Reply(body=bomb, headers={"Content-Encoding": "gzip"})
    with serve(lambda _: reply) as service:
        with Http(service.url) as http:
            assert len(http.get("/", "")) == 5_000_000
        with (
            Http(service.url, limits=HttpLimits(body_bytes=100_000)) as http,
            pytest.raises(FeedError, match="larger than 100000 bytes"),
        ):
            http.get("/", "")
    broken = Reply(body=b"no gzip", headers={"Content-Encoding": "gzip"})
    with (
        serve(lambda _: broken) as service,
        Http(service.url) as http,
        pytest.raises(TransientError, match="decompressed"),
    ):
        http.get("/", "")


def test_what_statuses_mean() -> None:
    with serve(lambda request: Reply(int(request.query["s"]))) as service, Http(service.url) as h:
        for status, kind in (
            (401, RefusedError),
            (403, RefusedError),
            (408, TransientError),
            (429, TransientError),
            (500, TransientError),
            (504, TransientError),
            (204, BadPageError),
            (400, FeedError),
            (404, FeedError),
            (418, FeedError),
        ):
            with pytest.raises(FeedError) as caught:
                h.get("/", f"s={status}")
            assert type(caught.value) is kind


def test_posts_are_not_redirected() -> None:
    with (
        serve(lambda _: Reply(307, headers={"Location": "/"})) as service,
        Http(service.url) as http,
        pytest.raises(FeedError, match="redirect"),
    ):
        http.post("/", b"{}", "application/json")
    assert len(service.requests) == 1


def test_nobody_there() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with (
            Http(f"http://127.0.0.1:{taken.getsockname()[1]}") as http,
            pytest.raises(TransientError, match="no connection"),
        ):
            http.get("/", "")


def certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """One for 127.0.0.1 that nobody has signed but itself."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = folder / "key.pem"
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path, private)
    return path, context


def test_certificates_are_verified(tmp_path: Path) -> None:
    path, context = certificate(tmp_path)
    with serve(echo, context) as service:
        with (
            Http(service.url, login=("u", "p")) as http,
            pytest.raises(FeedError, match=r"certificate .* cannot be verified; nothing was sent"),
        ):
            http.get("/", "q=1")
        assert not service.requests
        with Http(service.url, ca_file=path) as http:
            assert http.get("/", "q=1") == b"1"
    (tmp_path / "none.pem").write_text("no certificate")
    for bad in ("none.pem", "missing.pem"):
        with pytest.raises(FeedError, match="cannot be read"):
            Http(service.url, ca_file=tmp_path / bad)


def test_nothing_of_a_request_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with serve(echo) as service, Http(service.url, login=("u", "pass-phrase")) as http:
        assert http.get("/", "q=page-token") == b"page-token"
        service.faults = [Reply(410), Reply(429), Reply(body=b"x", cut=5)]
        for _ in range(3):
            with pytest.raises(FeedError) as caught:
                http.get("/", "q=page-token", of_cursor=True)
            assert "page-token" not in str(caught.value)
    assert "page-token" not in caplog.text and "pass-phrase" not in caplog.text


def test_back_off_grows_within_bounds() -> None:
    waits: list[float] = []
    tops: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        tops.append((low, high))
        return high

    def fail() -> None:
        raise TransientError("busy", retry_after=5.0 if len(waits) == 1 else None)

    retry = Retry(attempts=7, base=1, cap=10, sleep=waits.append, uniform=uniform)
    with pytest.raises(TransientError):
        retry.run(fail)
    assert waits == [1, 5, 4, 8, 10, 10]
    assert tops == [(high / 2, high) for high in (1, 2, 4, 8, 10, 10)]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("Sun, 22 Nov 2026 12:00:30 GMT", 30.0),
        ("Sun, 22 Nov 2026 11:00:00 GMT", 0.0),
        (None, None),
        ("-5", None),
        ("soon", None),
        ("9" * 400, None),
        ("²", None),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    noon = datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()
    assert retry_after(value, lambda: noon) == seconds
