"""Which samples leave as cover: how many, how evenly, and the same ones again."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from brightline.release.cover import EACH, MOST, Draw, new_seed, wanted


@given(st.floats(0, 1), st.integers(0, 10**9), st.integers(0, 10**6))
def test_how_many(fraction: float, unmatched: int, matched: int) -> None:
    count = wanted(fraction, unmatched, matched)
    assert 0 <= count <= unmatched
    if fraction == 0:
        assert count == 0
        return
    share = math.ceil(fraction * unmatched)
    assert count >= min(share, unmatched)
    assert count >= min(EACH * matched, math.floor(MOST * unmatched))
    if share + EACH * (matched + 1) <= MOST * unmatched:
        assert wanted(fraction, unmatched, matched + 1) == count + EACH


def drawn(seed: str, count: int, total: int = 1000, most: int = 500) -> list[tuple[str, str | int]]:
    draw = Draw(seed, most)
    for k in range(total):
        draw.offer("a.tar" if k % 3 else "/", f"{k}", b"content %d" % k)
    return draw.smallest(count, [])


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 300), st.integers(0, 200))
def test_a_larger_draw_holds_the_smaller(small: int, more: int) -> None:
    seed = "11" * 32
    one, two = drawn(seed, small), drawn(seed, small + more)
    assert len(one) == len(set(one)) == small
    assert two[:small] == one
    assert drawn(seed, small, most=small) == one


def test_another_seed_draws_others() -> None:
    one, two = new_seed(), new_seed()
    assert one != two and len(bytes.fromhex(one)) == 32
    assert set(drawn(one, 100)) != set(drawn(two, 100))


def test_each_sample_is_drawn_as_often_as_any_other() -> None:
    total, count, times = 200, 20, 400
    often = [0] * total
    for k in range(times):
        for _, unit in drawn(f"{k:064x}", count, total):
            often[int(unit)] += 1
    mean = times * count / total
    spread = math.sqrt(times * count / total * (1 - count / total))
    assert sum(often) == times * count
    # six standard deviations: by chance once in a billion
    assert all(abs(n - mean) < 6 * spread for n in often)


def test_barred_samples_are_not_drawn() -> None:
    seed = "22" * 32
    first = drawn(seed, 10)
    draw = Draw(seed, 500)
    for k in range(1000):
        draw.offer("a.tar" if k % 3 else "/", f"{k}", b"content %d" % k)
    again = draw.smallest(10, first)
    assert len(again) == 10 and not set(again) & set(first)
    assert first + again == drawn(seed, 20)


def test_exact_copies_leave_together() -> None:
    draw = Draw("33" * 32, 100)
    for k in range(300):
        draw.offer("a.tar", k, b"content %d" % (k % 100))
    chosen = {int(unit) for _, unit in draw.smallest(30, [])}
    assert len(chosen) == 30
    assert all(k % 100 + other in chosen for k in chosen for other in (0, 100, 200))


def test_copies_fill_up_where_nothing_else_is_left() -> None:
    draw = Draw("44" * 32, 100)
    for k in range(50):
        draw.offer("a.tar", k, b"the same")
    assert len(draw.smallest(7, [])) == 7
