"""Addresses: the rules of docs/urls.md, and the laws that hold for any text."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brightline.signals import url
from brightline.signals.url import normalise_url, url_digest

SAME = "https://example.org/a?b=C"

#: pieces of which odd addresses are made
PIECES = (
    *("http://", "HTTPS://", "ftp://", "x://", "//", "://", "/", "\\", "?", "&", "=", "#", "@"),
    *(":", ":80", ":443", ":8080", ".", "..", "%", "%2", "%2e", "%7E", "%41", "%ff", "%%341"),
    *("example.org", "a.b.com", "xn--bcher-kva.de", "xn--a.org", "bücher.de", "faß.de", "。"),
    *("127.1", "0x7f.1", "1.2.3.4", "[::1]", "[", "]", "a-", "-a", "_", "~", "utm_source=1"),
    *("fbclid=2", "UTM_X", "gclid", " ", "\t", "\n", "\0", "é", "\ud800", "path", "Q", "1"),
)


@pytest.mark.parametrize(
    "text",
    [
        "HTTPS://Example.ORG/a?b=C",
        " https://example.org:443/a?b=C#part ",
        "http://example.org/a?b=C",
        "http://example.org:80/a?b=C",
        "http://example.org:443/a?b=C",
        "https://user:word@example.org/a?b=C",
        "https://example.org./a?b=C",
        "https://example.org/a/?b=C",
        "https://example.org/x/../a//?b=C",
        "https://example.org/%61?b=C",
        "https://example.org\\a?b=C",
        "https://example.org/a?b=C&utm_source=mail&UTM_Medium=x&fbclid=1",
        "https://example.org/a?gclid=1&b=C&msclkid=2#utm_source",
        "htt\nps://example.org/a?b=C",
        "https://ex%61mple.org/a?b=C",
        "https://ｅｘａｍｐｌｅ.org/a?b=C",
    ],
)
def test_spellings_of_one_address_meet(text: str) -> None:
    assert normalise_url(text) == SAME
    assert url_digest(text) == hashlib.sha256(SAME.encode()).digest()


@pytest.mark.parametrize(
    "text",
    [
        "https://example.org/A?b=C",
        "https://example.org/a?b=c",
        "https://example.org/a?b=C&d",
        "https://www.example.org/a?b=C",
        "https://example.org:8443/a?b=C",
        "ftp://example.org/a?b=C",
        "https://example.org/a?B=C",
        "https://example.org/a%2Fb?b=C",
        "https://example.org/a",
        "https://example.org/a?b=C&tutm_source=1",
    ],
)
def test_other_addresses_stay_apart(text: str) -> None:
    assert normalise_url(text) not in (SAME, None)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("http://example.org", "https://example.org/"),
        ("http://example.org/?utm_source=1#x", "https://example.org/"),
        ("http://example.org/?", "https://example.org/"),
        ("http://example.org//", "https://example.org/"),
        ("http://bücher.example/Ü", "https://xn--bcher-kva.example/%C3%9C"),
        ("http://127.1/", "https://127.0.0.1/"),
        ("http://0x7f.1./", "https://127.0.0.1/"),
        ("http://[0:0::1]:80/", "https://[::1]/"),
        ("https://e.org/%c3%a9%zz%7e%2f", "https://e.org/%C3%A9%25zz~%2F"),
        ("https://e.org/a%2541", "https://e.org/a%2541"),
        ("ftp://e.org:21/a/", "ftp://e.org/a"),
        ("s3://Bucket/Key/", "s3://Bucket/Key"),
        ("https://e.org/?b=2&a=1&b=1", "https://e.org/?b=2&a=1&b=1"),
    ],
)
def test_normal_spellings(text: str, normal: str) -> None:
    assert normalise_url(text) == normal


@pytest.mark.parametrize(
    "text",
    ["", "no address", "/relative", "//example.org/a", "example.org/a", "http://", "http://a b/"]
    + ["http://[::1", "x", "http://e.org:65536/", "http://e\ud800.org/", "http://%00/", "http://./"]
    + ["data:image/png;base64,AAAA", "javascript:alert(1)", "mailto:a@example.org", "file:///x"]
    + ["blob:https://example.org/1", "https://e.org/" + "a" * 70_000],
)
def test_what_is_no_address(text: str) -> None:
    assert normalise_url(text) is None
    assert url_digest(text) is None


def _is_settled(text: str) -> bool:
    normal = normalise_url(text)
    return normal is None or (normalise_url(normal) == normal and normal.isascii())


@given(st.text())
@settings(max_examples=300, deadline=None)
def test_any_text_has_one_normal_spelling_or_none(text: str) -> None:
    assert _is_settled(text)
    assert _is_settled(f"http://{text}")
    assert _is_settled(f"https://example.org/{text}")


@given(st.lists(st.sampled_from(PIECES), max_size=9).map("".join))
@settings(max_examples=1500, deadline=None)
def test_odd_addresses_too(text: str) -> None:
    assert _is_settled(text)
    assert _is_settled(f"http://{text}")
    assert _is_settled(f"http://example.org/{text}")


@given(
    st.sampled_from(["http://e.org", "https://a.b-c.com", "https://1.2x.de", "http://xn--a.org"]),
    st.text("aZ09._~!$&()*+,;=:@/?-", max_size=12),
)
@settings(max_examples=800, deadline=None)
def test_the_short_cut_for_plain_addresses_gives_what_the_parser_gives(
    host: str, rest: str
) -> None:
    for text in (host + rest, f"{host}/{rest}"):
        if url._PLAIN.fullmatch(text):
            assert normalise_url(text) == url._parsed(text)


def test_most_addresses_are_plain() -> None:
    text = "http://cdn.example.org/images/2020/01/photo_1-300x200.jpg?w=1200&v=1.5"
    assert url._PLAIN.fullmatch(text)


def test_every_tracking_parameter_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "urls.md").read_text()
    named = set(re.findall(r"`([a-z_]+\*?)`", page))
    assert {*url.TRACKING, f"{url.TRACKING_PREFIX}*"} <= named
