"""Hash columns: any Arrow type, any spelling, many at once."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brightline.sources.columns import is_digest_name, layout, parse
from brightline.types import SignalType

cells = st.one_of(
    st.none(),
    st.just(""),
    st.binary(min_size=16, max_size=16).map(lambda b: b.hex()),
    st.binary(min_size=16, max_size=16).map(lambda b: f" {b.hex().upper()}\n"),
    st.text(max_size=40),
    st.text("0123456789abcdefg", min_size=32, max_size=32),
)


def expected(cell: str | None) -> tuple[bytes | None, bool]:
    text = (cell or "").encode().strip(b" \t\r\n\v\f").decode()
    if not text:
        return None, False
    digits = set("0123456789abcdefABCDEF")
    if len(text) == 32 and set(text) <= digits:
        return bytes.fromhex(text), False
    return None, True


@settings(deadline=None)
@given(
    st.lists(cells),
    st.sampled_from((pa.string(), pa.large_string(), pa.string_view())),
    st.integers(0, 3),
)
def test_text_cell_by_cell(made: list[str | None], kind: pa.DataType, offset: int) -> None:
    column = pa.array([*([None] * offset), *made], kind)[offset:]
    got = parse(column, SignalType.MD5)
    for k, cell in enumerate(made):
        value, bad = expected(cell)
        assert bool(got.bad[k]) == bad
        assert bool(got.valid[k]) == (value is not None)
        assert got.values[k].tobytes() == (value or bytes(16))


@pytest.mark.parametrize(
    "kind",
    (
        pa.binary(),
        pa.large_binary(),
        pa.binary_view(),
        pa.binary(20),
        pa.dictionary(pa.int8(), pa.binary()),
    ),
)
def test_raw_digests(kind: pa.DataType) -> None:
    made = [bytes([k]) * 20 for k in range(5)]
    column = pa.array([*made, None], pa.binary()).cast(
        pa.binary() if pa.types.is_dictionary(kind) else kind
    )
    if pa.types.is_dictionary(kind):
        column = column.dictionary_encode()
    got = parse(column[1:], SignalType.SHA1)
    assert got.valid.tolist() == [True] * 4 + [False]
    assert got.values[:4].tobytes() == b"".join(made[1:])
    assert not got.bad.any()


def test_wrong_types_are_bad() -> None:
    got = parse(pa.array([1, None, 3]), SignalType.SHA256)
    assert got.bad.tolist() == [True, False, True]
    got = parse(pa.nulls(3), SignalType.SHA256)
    assert not got.bad.any() and not got.valid.any()
    assert len(parse(pa.array([], pa.string()), SignalType.MD5).valid) == 0


def test_names() -> None:
    found = layout(
        ["Hash", "MD5", " sha256_hash", "image_url", "WIDTH", "original_width", "status"]
    )
    assert found.signals == ((1, SignalType.MD5), (2, SignalType.SHA256), (3, SignalType.URL))
    assert (found.width, found.height, found.status) == (5, None, 6)
    assert found.one_each
    assert not layout(["url", "image_url"]).one_each
    assert not layout(["hash", "phash", "uid", "text"]).signals
    assert is_digest_name("SHA1") and not is_digest_name("url") and not is_digest_name("image")


def test_many_rows_are_quick_enough() -> None:
    values = np.random.default_rng(0).integers(0, 256, (100_000, 32), np.uint8)
    got = parse(pa.array([v.tobytes().hex() for v in values]), SignalType.SHA256)
    assert (got.values == values).all()
