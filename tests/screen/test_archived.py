"""Archives of every shape, matched by columns, against a plain account of what must match."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brightline.lists import HashList, import_list
from brightline.lists.indexes import WORTH_PREPARING
from brightline.screen.archive import SCHEMA, Archive
from brightline.screen.archived import ArchiveReader, Hit
from brightline.signals.url import url_digest
from brightline.types import (
    Declared,
    ExactOnly,
    Failed,
    Outcome,
    Perceptual,
    Pipeline,
    Reason,
    Rows,
    Screened,
    Signals,
    SignalType,
    Skipped,
)

EXACT = (SignalType.MD5, SignalType.SHA1, SignalType.SHA256)
_RNG = np.random.default_rng(20261122)
#: values that lists and items share: few, so that they meet often
VALUES = {
    t: [_RNG.integers(0, 256, t.width, dtype=np.uint8).tobytes() for _ in range(4)] for t in EXACT
}
CODES = [_RNG.integers(0, 256, 32, dtype=np.uint8).tobytes() for _ in range(3)]
URLS = [f"https://example.org/{k}.jpg" for k in range(3)]
PIPELINES = list(Pipeline)


def flipped(code: bytes, bits: int) -> bytes:
    """The code with its first bits turned over."""
    mask = (1 << bits) - 1 << 256 - bits if bits else 0
    return (int.from_bytes(code) ^ mask).to_bytes(32)


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> list[HashList]:
    """A list for each pipeline, with other values, thresholds and qualities."""
    root = tmp_path_factory.mktemp("lists")
    opened = []
    for number, pipeline in enumerate(PIPELINES):
        rows = [
            f"{value.hex()},{signal},{'ABC'[k % 3]}"
            for signal in EXACT
            for k, value in enumerate(VALUES[signal][number % 3 :])
        ]
        rows += [f"{code.hex()},pdq,P" for code in CODES[: 1 + number % 3]]
        rows += [f"{flipped(CODES[0], 9).hex()},pdq,"]
        rows += [
            f"{digest.hex()},url-sha256,U"
            for url in URLS[:2]
            if (digest := url_digest(url)) is not None
        ]
        file = root / f"l{number}.csv"
        file.write_text("indicator,type,category\n" + "\n".join(rows) + "\n")
        options: dict[str, Any] = {"pdq_threshold": 31 - number, "pdq_min_quality": 40 + number}
        import_list(root, f"l{number}", file, pipeline=pipeline, **options)
        (version,) = (p for p in (root / f"l{number}").iterdir() if p.name.startswith("0001"))
        opened.append(HashList(version))
    return opened


values = {
    t: st.sampled_from(VALUES[t]) | st.binary(min_size=t.width, max_size=t.width) for t in EXACT
}
codes = st.builds(flipped, st.sampled_from(CODES), st.integers(0, 40)) | st.binary(
    min_size=32, max_size=32
)
declared = st.lists(
    st.builds(
        Declared,
        md5=st.none() | values[SignalType.MD5],
        sha1=st.none() | values[SignalType.SHA1],
        sha256=st.none() | values[SignalType.SHA256],
        url=st.none() | st.sampled_from([*URLS, "no address"]),
    ),
    max_size=2,
).map(tuple)


@st.composite
def views(draw: st.DrawFn, resized: bool) -> tuple[Perceptual, ...]:
    """Views as an audit makes them: `full` ones first, others only of large pictures."""
    names = ["full", "full+luma"] + (["nearest-512", "thumbnail-512+luma"] if resized else [])
    count = draw(st.integers(0, 3))
    found = []
    for place in range(count):
        turned = draw(st.lists(codes, max_size=2))
        found.append(
            Perceptual(
                "stored bytes" if place == 0 else f"view {place}",
                draw(codes),
                draw(st.sampled_from([0, 39, 40, 42, 50, 100])),
                draw(st.sampled_from(names[:2] if place == 0 else names)),
                tuple((f"turned {k}", code) for k, code in enumerate(turned)),
            )
        )
    return tuple(found)


@st.composite
def items(draw: st.DrawFn) -> tuple[Outcome, tuple[Declared, ...]]:
    """An item's outcome, and what is declared of it."""
    known = draw(declared)
    if draw(st.integers(0, 4)) == 0:
        return Skipped(Reason.NULL_BYTES), known
    width, height = draw(st.sampled_from([(100, 80), (512, 512), (513, 20), (600, 800)]))
    signals = Signals(
        draw(values[SignalType.MD5]),
        draw(values[SignalType.SHA1]),
        draw(values[SignalType.SHA256]),
        "image/jpeg",
        width,
        height,
        draw(views(max(width, height) > 512)),
    )
    match draw(st.integers(0, 2)):
        case 0:
            return ExactOnly(signals, Reason.NOT_AN_IMAGE), known
        case 1:
            return Failed(Reason.UNDECODABLE, signals), known
        case _:
            return Screened(signals), known


def ways(
    outcome: Outcome, known: tuple[Declared, ...]
) -> Iterator[tuple[SignalType, bytes, tuple[Any, ...]]]:
    """Every value of an item in the order in which it is looked at."""
    signals = outcome.signals
    if signals is not None:
        for signal in EXACT:
            yield signal, getattr(signals, signal), ("stored bytes", "as stored", None, None)
        for view in signals.views:
            about = (view.quality, view.pipeline)
            yield SignalType.PDQ, view.hash, (view.via, "as stored", *about)
            for name, code in view.turned:
                yield SignalType.PDQ, code, (view.via, name, *about)
    for original in known:
        for signal in EXACT:
            if (value := getattr(original, signal)) is not None:
                yield signal, value, ("hash column", "as stored", None, None)
        if original.url is not None and (digest := url_digest(original.url)) is not None:
            yield SignalType.URL, digest, ("url column", "as stored", None, None)


def compared(pipeline: str, resized: bool, of: Pipeline) -> bool:
    """Whether a code made by this pipeline is compared with a list of that one."""
    return not resized or of is Pipeline.UNKNOWN or pipeline.split("+")[0] == of


def expected(
    made: list[tuple[Outcome, tuple[Declared, ...]]], lists: list[HashList]
) -> list[tuple[Any, ...]]:
    """Every match, by comparing everything with everything."""
    listed = []
    for of in lists:
        entries, numbers = of.entries(), of.numbers()
        listed.append(
            [
                (signal, raw.tobytes(), int(numbers[number]))
                for signal in SignalType
                for raw, number in zip(
                    entries.values[signal], entries.ids(signal).tolist(), strict=True
                )
            ]
        )
    found = []
    for ordinal, (outcome, known) in enumerate(made):
        signals = outcome.signals
        resized = signals is not None and max(signals.width or 0, signals.height or 0) > 512
        for of, rows in zip(lists, listed, strict=True):
            best: dict[tuple[str, int], tuple[Any, ...]] = {}
            for signal, value, way in ways(outcome, known):
                for kind, raw, entry in rows:
                    if kind is not signal:
                        continue
                    distance = (int.from_bytes(raw) ^ int.from_bytes(value)).bit_count()
                    if signal is SignalType.PDQ:
                        if (
                            way[2] < of.manifest.pdq_min_quality
                            or distance > of.manifest.pdq_threshold
                            or not compared(way[3], resized, of.manifest.pipeline)
                        ):
                            continue
                    elif distance:
                        continue
                    key = str(signal), entry
                    if key not in best or distance < best[key][0]:
                        best[key] = (distance, *way)
            for (signal_name, entry), (distance, *rest) in sorted(best.items()):
                category = of.category([entry])[0]
                found.append(
                    (ordinal, of.manifest.name, signal_name, entry, category, distance, *rest)
                )
    return found


def shown(hit: Hit) -> tuple[Any, ...]:
    m = hit.match
    about = (m.via, m.orientation, m.pdq_quality, m.pipeline)
    return (hit.ordinal, m.list, str(m.signal), m.entry, m.category, m.distance, *about)


def matched(path: Path, lists: list[HashList]) -> list[Hit]:
    reader = ArchiveReader(pa.py_buffer(path.read_bytes()))
    stretches = list(reader.match(lists))
    assert sum(stretch.rows for stretch in stretches) == reader.rows
    return [hit for stretch in stretches for hit in stretch.hits]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(made=st.lists(items(), max_size=12), cut=st.integers(1, 5))
def test_every_match_and_no_other(
    lists: list[HashList],
    tmp_path: Path,
    made: list[tuple[Outcome, tuple[Declared, ...]]],
    cut: int,
) -> None:
    path = tmp_path / "signals.parquet"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("brightline.screen.archive._ROWS", cut)
        with Archive(path) as archive:
            for number, (outcome, known) in enumerate(made):
                archive.add(f"item {number}", outcome, 1, known)
        hits = matched(path, lists)
    assert [shown(hit) for hit in hits] == expected(made, lists)
    for hit in hits:
        outcome = made[hit.ordinal][0]
        assert hit.locator == f"item {hit.ordinal}"
        assert hit.sha256 == (outcome.signals.sha256.hex() if outcome.signals else None)


def test_rows_of_a_table(lists: list[HashList], tmp_path: Path) -> None:
    """Declared values only, with gaps, beside items with bytes."""
    n = 50
    md5 = np.zeros((n, 16), np.uint8)
    md5[7] = np.frombuffer(VALUES[SignalType.MD5][3], np.uint8)
    md5[8] = md5[7]  # there, but not valid
    valid = np.arange(n) % 8 != 0
    bad = np.zeros(n, bool)
    bad[7] = True
    rows = Rows(100, n, {SignalType.MD5: md5}, {SignalType.MD5: valid}, bad)
    reasons = [Reason.BAD_HASH if bad[k] else Reason.METADATA_ROW for k in range(n)]
    path = tmp_path / "signals.parquet"
    with Archive(path) as archive:
        archive.add("first", Skipped(Reason.NULL_BYTES), 0, ())
        archive.add_rows(rows, reasons)
    hits = matched(path, lists)
    assert len(hits) == len(lists)
    for hit in hits:
        assert (hit.ordinal, hit.locator, str(hit.kind), hit.match.via) == (
            8,
            "row 107",
            "failed",
            "hash column",
        )


def test_archives_before_pipelines(lists: list[HashList], tmp_path: Path) -> None:
    """The first versions' `views` had no pipeline: every hash was `full`."""
    signals = Signals(
        bytes(16), bytes(20), bytes(32), "image/png", 700, 700,
        (
            Perceptual("stored bytes", bytes(32), 100, "full"),
            Perceptual("on white", CODES[0], 100, "full"),
        ),
    )  # fmt: skip
    path = tmp_path / "signals.parquet"
    with Archive(path) as archive:
        archive.add("x", Screened(signals), 1, ())
    table = pq.read_table(path)
    rows = [
        [{k: v for k, v in view.items() if k != "pipeline"} for view in cell]
        for cell in table.column("views").to_pylist()
    ]
    kept = [f for f in SCHEMA.field("views").type.value_type if f.name != "pipeline"]
    old = pa.list_(
        pa.struct(
            [(f.name, pa.string() if pa.types.is_dictionary(f.type) else f.type) for f in kept]
        )
    )
    place = table.column_names.index("views")
    pq.write_table(table.set_column(place, "views", pa.array(rows, old)), path)
    found = {(h.match.list, h.match.pipeline, h.match.via) for h in matched(path, lists)}
    wanted = {n for n, p in enumerate(PIPELINES) if p in (Pipeline.FULL, Pipeline.UNKNOWN)}
    assert found == {(f"l{n}", "full", "on white") for n in wanted}


def test_what_is_no_archive(tmp_path: Path) -> None:
    pq.write_table(pa.table({"item": ["x"]}), tmp_path / "x")
    for data in (b"", b"PAR1", (tmp_path / "x").read_bytes()):
        with pytest.raises((pa.ArrowException, ValueError)):
            ArchiveReader(pa.py_buffer(data))


def test_many_codes_change_the_way_of_searching_and_no_result(
    lists: list[HashList], tmp_path: Path
) -> None:
    """From so many on a small list is prepared (`DeltaIndex`); pairs stay the same."""
    rng = np.random.default_rng(5)
    listed = rng.integers(0, 256, (2000, 32), dtype=np.uint8)
    file = tmp_path / "big.csv"
    file.write_text("".join(f"{code.tobytes().hex()},pdq\n" for code in listed))
    manifest, _ = import_list(tmp_path, "big", file, pipeline=Pipeline.FULL)
    big = HashList(tmp_path / "big" / manifest.version)
    probe = rng.integers(0, 256, (8192, 32), dtype=np.uint8)
    probe[::64] = listed[: len(probe[::64])]
    before = big.search_pdq(probe)
    big.expect_many()
    for _ in range(WORTH_PREPARING // 8192):
        big.search_pdq(probe)
    after = big.search_pdq(probe)
    assert len(before[0]) >= len(probe[::64])
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)
    near = big.search_pdq(probe[:64], 20)
    assert near[2].max(initial=0) <= 20
