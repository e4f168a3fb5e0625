"""A column of addresses gives what its cells give one by one."""

from __future__ import annotations

import hashlib
import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brightline.signals import url, url_column
from brightline.signals._cell_kernels import sha256_cells
from brightline.signals.url import normalise_url, url_digest
from brightline.signals.url_column import url_digests
from tests.signals.test_url import PIECES

HOSTS = ("http://e.org", "https://a.b-c.com", "HTTP://e.org", "http://xn--a.org", "http://e.org:80")
#: of which paths and queries are made, every escape among them
LETTERS = [*"aZ09._~!$&()*+,;=:@/?-", *(f"%{n:02X}" for n in range(256)), "%c3", "%", "%2e"]
TEXTS = st.one_of(
    st.none(),
    st.binary(max_size=20),
    st.text(max_size=20).map(lambda t: t.encode("utf-8", "surrogatepass")),
    st.lists(st.sampled_from(PIECES), max_size=9).map(
        lambda pieces: "".join(pieces).encode("utf-8", "surrogatepass")
    ),
    st.builds(
        lambda host, rest: f"{host}{rest}".encode(),
        st.sampled_from(HOSTS),
        st.lists(st.sampled_from(LETTERS), max_size=20).map("".join),
    ),
    st.builds(
        lambda host, name: f"{host}/a?{name}=1&b=2".encode(),
        st.sampled_from(HOSTS),
        st.sampled_from([*sorted(url.TRACKING), "utm_id", "UTM_x", "FbClid", "b"]),
    ),
)


def by_cell(cells: list[bytes | None]) -> list[bytes | None]:
    return [url_digest(c.decode("utf-8", "surrogateescape")) if c else None for c in cells]


def by_column(column: pa.Array) -> list[bytes | None]:
    values, valid = url_digests(column)
    assert not values[~valid].any()
    return [v.tobytes() if ok else None for v, ok in zip(values, valid, strict=True)]


@given(st.lists(TEXTS, max_size=40))
@settings(max_examples=300, deadline=None)
def test_a_column_is_its_cells(cells: list[bytes | None]) -> None:
    column = pa.array(cells, pa.large_binary())
    assert by_column(column) == by_cell(cells)
    assert by_column(column[3:]) == by_cell(cells[3:])


@given(st.lists(st.sampled_from(LETTERS), max_size=25).map("".join), st.sampled_from(HOSTS))
@settings(max_examples=500, deadline=None)
def test_what_the_column_takes_for_plain_is_normal_but_for_the_scheme(rest: str, host: str) -> None:
    text = host + rest
    pattern = url.COLUMN_PLAIN.replace(r"\z", r"\Z")
    if re.search(pattern, text) and not re.search(url.COLUMN_UNSURE, text, re.IGNORECASE):
        assert normalise_url(text) == re.sub("^http:", "https:", text)


@pytest.mark.parametrize("lanes", [True, False])
def test_many_addresses_of_every_length(monkeypatch: pytest.MonkeyPatch, lanes: bool) -> None:
    monkeypatch.setattr(url_column, "has_lanes_for_sha", lambda: lanes)
    cells: list[bytes | None] = [
        f"{'http' if n % 3 else 'https'}://cdn.example.org/{'a' * n}".encode() for n in range(2100)
    ]
    cells[7::50] = [None] * len(cells[7::50])
    rng = np.random.default_rng(1)
    mixed = [cells[k] for k in rng.permutation(len(cells))]
    assert by_column(pa.array(mixed, pa.large_binary())) == by_cell(mixed)


@given(st.lists(st.binary(max_size=200), max_size=50))
@settings(max_examples=100, deadline=None)
def test_cells_are_digested_as_hashlib_does(cells: list[bytes]) -> None:
    data = np.frombuffer(b"".join(cells) + b"\0", np.uint8)
    starts = np.cumsum([0, *map(len, cells)]).astype(np.int64)
    out = np.empty((len(cells), 8), np.uint32)
    order = np.argsort(-np.diff(starts), kind="stable")
    head = np.frombuffer(b"head", np.uint8)
    sha256_cells(head, data, starts[:-1], starts[1:], order, out)
    made = [row.astype(">u4").tobytes() for row in out]
    assert made == [hashlib.sha256(b"head" + cell).digest() for cell in cells]


def test_every_escape_alone() -> None:
    escapes = [f"%{n:02X}" for n in range(256)]
    cells: list[bytes | None] = [f"http://e.org/{e}".encode() for e in escapes]
    cells += [f"http://e.org/a{e}?{e}".encode() for e in escapes]
    cells += [f"http://e.org/{e}{e}/b".encode() for e in escapes]
    assert by_column(pa.array(cells, pa.large_binary())) == by_cell(cells)
    for cell in cells:
        assert cell is not None and normalise_url(cell.decode()) == url._parsed(cell.decode())


def test_a_line_break_at_the_end_is_no_end() -> None:
    cells: list[bytes | None] = [b"http://e.org/a\n", b"http://e.org/a", b"http://e.org/a\nb"]
    assert by_column(pa.array(cells, pa.large_binary())) == by_cell(cells)


def test_most_addresses_are_plain() -> None:
    text = b"http://cdn.example.org/images/2020/01/photo_1-300x200.jpg?w=1200&v=1.5"
    assert url_column._plain(pa.array([text, None, b""], pa.large_binary())).tolist() == [
        True,
        False,
        False,
    ]
