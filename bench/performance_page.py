"""docs/performance.md, made of what bench.performance measured. No figure is typed by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import table

_CORPUS = 5_000_000_000
_DELTA = 10_000
_HOUR = 3600.0

_INTRODUCTION = """# Performance

What Brightline costs, against what others cost and against what the machine allows; how cost grows;
and what that means for five billion images. This page is written by `python -m bench.performance`,
which measures everything in it (`make bench`). Peers are run as their own users run them, on the
same bytes or codes, in turn with ours, on one thread; figures are medians. "Ratio" is within one
run on one machine: it carries over to other machines, milliseconds do not.
"""

_BOUND = """
**What bounds it.** Decoding is libjpeg-turbo's, in the fastest of the builds that Python packages
carry (simplejpeg; Pillow, OpenCV and imagecodecs took 1.4 to 1.9 times as long for the same grey
pixels), and by a sampling profile two thirds of it is entropy decoding, one bit after another. The
digests of a batch are made sixteen at a time and hardly count. PDQ is the rest: every running sum
in the reference's order and with its rounding, so that the hash is the reference's by construction
(docs/adr/0010). An earlier version took a shortcut at about a third of that cost. It rounds
otherwise, which is right only where no bit lies close to its threshold; how close is safe could be
measured but not proven, and it was given up. What is left beyond these parts is the clock: wide
registers lower it for a while on this processor, and the next decoding pays; decoding several
pictures before hashing them takes most of that back, not all.
"""


def _verdict(reached: float, aim: float, *, least: bool) -> str:
    return "reached" if (reached >= aim if least else reached <= aim) else "**not reached**"


def _times(value: float) -> str:
    return f"{value:,.0f}×" if value >= 20 else f"{value:.1f}×" if value >= 2 else f"{value:.2f}×"


def _aims(m: dict[str, Any]) -> list[Sequence[object]]:
    """The rows of the first table, as far as they were measured."""
    rows: list[Sequence[object]] = []

    def least(what: str, against: str, value: float, aim: float) -> None:
        verdict = _verdict(value, aim, least=True)
        rows.append((what, against, f"≥ {_times(aim)}", _times(value), verdict))

    def most(what: str, against: str, value: float, aim: float, unit: str = "×") -> None:
        verdict = _verdict(value, aim, least=False)
        shown = f"{value:.2f}{unit}" if value < 10 else f"{value:.0f}{unit}"
        rows.append((what, against, f"≤ {aim:g}{unit}", shown, verdict))

    if "hashing" in m:
        web, large = m["hashing"]["web-size"]["ms"], m["hashing"]["8 to 20 megapixels"]["ms"]
        what = "MD5, SHA-1, SHA-256 and PDQ of web-size JPEGs from bytes"
        theirs = "threatexchange, PDQ alone"
        least(what, theirs, web["threatexchange"] / web["brightline"], 9)
        most("the same", "bare grey decoding", web["brightline"] / web["grey decoding"], 1.25)
        least(
            "the same of 8 to 20 megapixels", theirs, large["threatexchange"] / large["brightline"],
            6,
        )  # fmt: skip
    if "peers" in m:
        for size, flat, multi in ((1_000_000, 60, 40), (10_000_000, 300, 150)):
            some = {p["name"]: p for p in m["peers"] if p["entries"] == size}
            if not some:
                continue
            ours = some["brightline"]
            for name, aim in (("faiss flat", flat), ("faiss multi-hash", multi)):
                ratio = some[name]["query_us"] / ours["query_us"]
                least(f"PDQ search, 31 bits, {size:,} entries", name, ratio, aim)
            if size == 10_000_000:
                ratio = some["faiss multi-hash"]["build_s"] / ours["build_s"]
                least(f"index build, {size:,} entries", "faiss multi-hash", ratio, 3)
    for row in m.get("growth", []):
        if row["entries"] == 10_000_000 and row["kind"] == "random":
            most("index of 10 M on disk", "bytes an entry", row["bytes_an_entry"], 110, " B")
            most("the same", "time to open", row["open_ms"], 50, " ms")
    if "exact" in m:
        ways = {way["name"]: way for way in m["exact"]["ways"]}
        ours = ways.pop("brightline")
        fastest = min(ways.values(), key=lambda way: way["whole_s"])
        what = f"{m['exact']['look_ups']:,} look-ups in {m['exact']['entries']:,} digests"
        least(f"{what}, index built anew", fastest["name"], fastest["whole_s"] / ours["whole_s"], 2)
        least(
            f"{what}, index there already", fastest["name"], fastest["whole_s"] / ours["ask_s"], 2
        )
    if "audit" in m:
        least(
            "a whole audit of WebDataset shards, 2 workers", "2 × one core's rate of signals",
            m["audit"]["reached"], 0.85,
        )  # fmt: skip
    if "audit_growth" in m and len(m["audit_growth"]) > 1:
        audits = m["audit_growth"]
        few = next((a for a in audits if a["items"] >= 10_000), audits[0])
        ratio = audits[-1]["worker"] / few["worker"]
        what = f"a worker's peak memory, {audits[-1]['items']:,} items"
        most(what, f"{few['items']:,} items", ratio, 1.2)
    return rows


def _hashing(m: dict[str, Any]) -> str:
    rows = []
    for name, costs in m["hashing"].items():
        ms = costs["ms"]
        for way, value in ms.items():
            rows.append(
                (
                    name,
                    way,
                    f"{value:.3f}",
                    _times(ms["threatexchange"] / value),
                    f"{value / ms['grey decoding']:.2f}",
                )
            )
    kinds = "; ".join(
        f"{name}: {c['pictures']} pictures of {c['pixels_each'] / 1e6:.2f} megapixels and "
        f"{c['bytes_each'] / 1e3:,.0f} kB on average"
        for name, c in m["hashing"].items()
    )
    head = ("pictures", "way", "ms each", "faster than threatexchange", "in grey decodings")
    return f"{kinds}.\n\n{table(head, rows)}\n{_BOUND}"


def _growth(m: dict[str, Any]) -> str:
    head = (
        "list", "entries", "µs a query", "pairs a query", "B an entry", "build s", "open ms",
    )  # fmt: skip
    rows = [
        (
            r["kind"], f"{r['entries']:,}", f"{r['query_us']:.1f}", f"{r['pairs_a_query']:.2f}",
            f"{r['bytes_an_entry']:.0f}", f"{r['build_s']:.2f}", f"{r['open_ms']:.2f}",
        )
        for r in m["growth"]
    ]  # fmt: skip
    real = max((r["real"] for r in m["growth"] if r["kind"] == "photo"), default=0)
    return (
        "![search time over list size](performance/search.svg)\n\n"
        "`random`: random codes. `photo`: codes of parts and variations of harmless photographs "
        f"({real:,} of them; larger lists go on with codes 1 to 8 bits from one). `near`: a tenth "
        "of the entries within 8 bits of others. Slots, their widths and the thresholds follow "
        "from the size by the cost model of `match/_plan.py` (docs/adr/0008).\n\n"
        f"{table(head, rows)}"
    )


def _radii(m: dict[str, Any]) -> str:
    lines = []
    for size in sorted({r["entries"] for r in m["radii"]}):
        some = [r for r in m["radii"] if r["entries"] == size]
        scans = [r["radius"] for r in some if not r["index_us"] or r["index_us"] > r["scan_us"]]
        worst = max(some, key=lambda r: r["factor"])
        where = f"from {min(scans)} bits on" if scans else "at no radius up to 63"
        lines.append(
            f"- {size:,} entries: comparing with every code is the faster way {where}; what is "
            f"chosen costs at most {worst['factor']:.2f} times the better way "
            f"(at {worst['radius']} bits)."
        )
    return "![cost of every radius](performance/radii.svg)\n\n" + "\n".join(lines)


def _peers(m: dict[str, Any]) -> str:
    rows = [
        (
            p["name"], f"{p['entries']:,}", f"{p['build_s']:.1f}", f"{p['query_us']:,.1f}",
            p["pairs"],
        )
        for p in m["peers"]
    ]  # fmt: skip
    return table(("index", "entries", "build s", "µs a query", "pairs found"), rows)


def _exact(m: dict[str, Any]) -> str:
    rows = [
        (
            way["name"],
            "–" if way["prepare_s"] is None else f"{way['prepare_s']:.1f}",
            "–" if way["ask_s"] is None else f"{way['ask_s']:.1f}",
            f"{way['whole_s']:.1f}",
        )
        for way in m["exact"]["ways"]
    ]
    return (
        f"{m['exact']['look_ups']:,} MD5 look-ups in a list of {m['exact']['entries']:,}, one "
        "thread. The others prepare the list anew for every question; ours is kept in a file.\n\n"
        + table(("way", "preparing s", "asking s", "whole s"), rows)
    )


def _delta(m: dict[str, Any]) -> str:
    codes = [
        (f"{c['entries']:,}", f"{c['delta_mps']:.2f}", f"{c['index_mps']:.2f}",
         f"{c['table_mb']:.0f}")
        for c in m["delta"]["codes"]
    ]  # fmt: skip
    values = [(v["signal"], f"{v['entries']:,}", f"{v['mps']:.1f}") for v in m["delta"]["values"]]
    return (
        "A few new entries against a stream of archived codes, one core:\n\n"
        + table(("new entries", "M codes/s", "M codes/s through the index", "MB of tables"), codes)
        + "\n\n"
        + table(("digest", "new entries", "M digests/s"), values)
    )


def _audit(m: dict[str, Any]) -> str:
    a = m["audit"]
    return (
        f"{a['audit']['items']:,} web-size JPEGs in WebDataset shards, a list of a million "
        f"entries, two workers: {a['rate']:,.0f} items/s, start and commit included; one core "
        f"makes the signals of {a['one_core']:,.0f} a second, so that is {a['reached']:.2f} of "
        f"two cores' worth. A worker's own memory peaked at {a['audit']['worker'] / 1e6:.0f} MB."
    )


def _audits(m: dict[str, Any]) -> str:
    rows = [
        (
            f"{a['items']:,}", f"{a['seconds']:,.1f}", f"{a['rate']:,.0f}",
            f"{a['parent'] / 1e6:.0f} MB", f"{a['worker'] / 1e6:.0f} MB",
        )
        for a in m["audit_growth"]
    ]  # fmt: skip
    head = ("items", "seconds", "items/s", "peak of parent", "peak of a worker")
    return (
        "![audit throughput and memory over items](performance/audit.svg)\n\n"
        "Small drawn pictures (160 × 120), so that what an audit adds shows. Memory is a "
        "process's own; the list's indexes are mapped and shared by all workers.\n\n"
        f"{table(head, rows)}"
    )


def _large(m: dict[str, Any]) -> str:
    """Core-hours for a corpus, from the measured figures."""
    signal_ms = m["hashing"]["web-size"]["ms"]["brightline"]
    search_us = next(
        p["query_us"] for p in m["peers"] if p["name"] == "brightline"
        and p["entries"] == max(q["entries"] for q in m["peers"])
    )  # fmt: skip
    entries = max(q["entries"] for q in m["peers"])
    share = m["audit"]["reached"]
    signals_h = _CORPUS * signal_ms / 1e3 / _HOUR / share
    search_h = _CORPUS * search_us / 1e6 / _HOUR
    new = min(m["delta"]["codes"], key=lambda c: abs(c["entries"] - _DELTA))
    slowest = min(v["mps"] for v in m["delta"]["values"])
    delta_h = _CORPUS / (new["delta_mps"] * 1e6) / _HOUR
    digests_h = 3 * _CORPUS / (slowest * 1e6) / _HOUR
    rows = [
        ("all signals of every image, reading included", f"{signal_ms:.2f} ms ÷ {share:.2f}",
         f"{signals_h:,.0f}"),
        (f"PDQ against a list of {entries:,}", f"{search_us:.0f} µs", f"{search_h:,.0f}"),
        (f"stored PDQ codes against {new['entries']:,} new entries",
         f"{new['delta_mps']:.1f} M/s", f"{delta_h:.2f}"),
        ("three stored digests each against as many", f"{slowest:.0f} M/s", f"{digests_h:.2f}"),
    ]  # fmt: skip
    return (
        f"Derived, not measured: {_CORPUS:,} web-size images, in core-hours of this machine.\n\n"
        + table(("work", "from", "core-hours"), rows)
        + f"\n\nA first audit is {(signals_h + search_h) / 1000:,.1f} thousand core-hours: "
        f"{(signals_h + search_h) / 1000 / 24:,.1f} days on a thousand cores. When the list grows "
        f"by {new['entries']:,} entries, the stored signals of the whole corpus are screened "
        f"again in {delta_h + digests_h:.1f} core-hours beside reading them, without an image "
        "being read. (Archives store 32 bytes of PDQ and 68 of digests an item: "
        f"{_CORPUS * 100 / 1e12:.1f} TB to stream.)"
    )


_SECTIONS = (
    ("Bytes to signals", _hashing, ("hashing",), "hashing"),
    ("Search: growth", _growth, ("growth",), "growth"),
    ("Search: every radius", _radii, ("radii",), "radii"),
    ("Search: others", _peers, ("peers",), "peers"),
    ("Exact digests", _exact, ("exact",), "exact"),
    ("Re-screening", _delta, ("delta",), "delta"),
    ("A whole audit", _audit, ("audit",), "audit"),
    ("A whole audit: growth", _audits, ("audit_growth",), "audit_growth"),
    ("Five billion images", _large, ("hashing", "peers", "delta", "audit"), "hashing"),
)


def write_page(path: Path, found: dict[str, Any]) -> None:
    """Write the page from what was measured so far."""
    m = {name: stage["measured"] for name, stage in found.items()}
    head = ("what", "against", "aim", "measured", "")
    parts = [_INTRODUCTION, table(head, _aims(m)), ""]
    for title, section, needs, stage in _SECTIONS:
        if all(need in m for need in needs):
            parts += [f"## {title}", section(m), "", f"*{found[stage]['where']}*", ""]
    path.write_text("\n".join(parts).rstrip() + "\n", encoding="utf-8")
