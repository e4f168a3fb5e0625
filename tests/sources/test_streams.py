"""Forward streams: the same bytes however they are asked for."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brightline.sources.compression import decompressed
from brightline.sources.sniff import Form, sniff
from brightline.sources.streams import (
    BrokenStreamError,
    Budget,
    Limited,
    MemoryWindow,
    Stream,
    SubWindow,
    Tee,
    WindowStream,
)
from brightline.types import Limits, Reason

from .helpers import LIMITS, zstd

DATA = bytes(range(256)) * 40


def budget(limits: Limits = LIMITS) -> Budget:
    return Budget(limits, 0, lambda _: None)


def streams() -> list[Callable[[], Stream]]:
    window = MemoryWindow(b"pre" + DATA + b"post")
    return [
        lambda: WindowStream(MemoryWindow(DATA), piece=100),
        lambda: WindowStream(window, 3, 3 + len(DATA), piece=7777),
        lambda: Limited(WindowStream(window, 3, piece=50), len(DATA)),
        lambda: Tee(WindowStream(MemoryWindow(DATA), piece=100)),
        lambda: decompressed(WindowStream(MemoryWindow(gzip.compress(DATA))), Form.GZ, budget()),
    ]


steps = st.lists(
    st.tuples(st.sampled_from(("read", "peek", "skip", "some")), st.integers(1, 3000)), max_size=20
)


@settings(deadline=None)
@given(steps, st.integers(0, 4))
def test_any_mixture_of_calls_gives_the_same_bytes(
    calls: list[tuple[str, int]], which: int
) -> None:
    stream = streams()[which]()
    at = 0
    for call, n in calls:
        rest = DATA[at:]
        if call == "read":
            assert stream.read(n) == rest[:n]
            at += min(n, len(rest))
        elif call == "peek":
            assert stream.peek(n) == rest[:n]
        elif call == "skip":
            assert stream.skip(n) == min(n, len(rest))
            at += min(n, len(rest))
        else:
            got = stream.read_some(n)
            assert got == rest[: len(got)] and bool(got) == bool(rest) and len(got) <= n
            at += len(got)
        assert stream.position == at
        area = stream.region(50)
        if area is not None:
            assert area.pread(0, 100) == DATA[at : at + 50]


def test_tee_digests_what_was_skipped_too() -> None:
    tee = Tee(WindowStream(MemoryWindow(DATA), piece=100))
    tee.peek(10)
    tee.skip(5000)
    tee.drain()
    assert tee.digester.digests.md5 == hashlib.md5(DATA).digest()
    assert (tee.digester.size, tee.digester.head) == (len(DATA), DATA[:4096])


def test_limited_breaks_where_its_parent_ends() -> None:
    stream = Limited(WindowStream(MemoryWindow(b"abc")), 5)
    assert stream.peek(5) == b"abc"
    with pytest.raises(BrokenStreamError) as caught:
        stream.read(5)
    assert caught.value.reason is Reason.TRUNCATED_ARCHIVE
    assert stream.broken is Reason.TRUNCATED_ARCHIVE
    assert stream.read(3) == b"abc"
    with pytest.raises(BrokenStreamError):
        stream.read_some()


def test_window_of_a_window_is_cut() -> None:
    window = SubWindow(SubWindow(MemoryWindow(DATA), 10, 100), 50, 1000)
    assert window.size == 50
    assert window.pread(40, 1000) == DATA[100:110]


PACKED: dict[Form, Callable[[bytes], bytes]] = {
    Form.GZ: gzip.compress,
    Form.BZ2: bz2.compress,
    Form.XZ: lzma.compress,
    Form.ZST: zstd,
}


@pytest.mark.parametrize("form", PACKED)
def test_compressions(form: Form) -> None:
    pack = PACKED[form]
    data = random.Random(0).randbytes(300_000)

    def expand(raw: bytes, limits: Limits = LIMITS) -> bytes:
        stream = decompressed(WindowStream(MemoryWindow(raw)), form, budget(limits))
        return stream.read(1 << 30)

    assert sniff(pack(data)) is form
    assert expand(pack(data)) == data
    assert expand(pack(data) + pack(b"more")) == data + b"more"
    for raw, reason in (
        (pack(data)[:-1], Reason.TRUNCATED_ARCHIVE),
        (pack(data)[:30], Reason.TRUNCATED_ARCHIVE),
        (pack(data) + b"garbage, not a stream", Reason.DAMAGED_ARCHIVE),
    ):
        with pytest.raises(BrokenStreamError) as caught:
            expand(raw)
        assert caught.value.reason is reason
    with pytest.raises(BrokenStreamError) as caught:
        expand(pack(data), Limits(expansion_base=1000, expansion_factor=0))
    assert caught.value.reason is Reason.EXPANSION


@settings(deadline=None, max_examples=200)
@given(st.data(), st.sampled_from(sorted(PACKED, key=lambda f: f.value)))
def test_damaged_streams_break_and_never_raise_otherwise(data: st.DataObject, form: Form) -> None:
    raw = bytearray(PACKED[form](DATA))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(4, len(raw) - 1))] = data.draw(st.integers(0, 255))
    stream = decompressed(WindowStream(MemoryWindow(bytes(raw))), form, budget())
    try:
        while stream.read_some():
            pass
    except BrokenStreamError:
        assert stream.broken is not None


def test_heartbeat() -> None:
    beats: list[int] = []
    budget = Budget(Limits(), 0, beats.append)
    for _ in range(100):
        budget.charge(1 << 20)
    assert beats == [0] * 25
