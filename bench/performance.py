"""Every figure of docs/performance.md, measured in one go, with its plots.

    python -m bench.performance [--small] [--only STAGE …] [--to FOLDER]

Each stage's results are kept in FOLDER/results.json as they come, with date and machine, so that
one can be measured again by itself; page and plots are made from that file. A full run takes about
40 minutes of an idle machine and 20 GB of memory. `--small` only shows that all of it works.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench import audit, conditions, delta, exact, hashing, search
from bench.performance_page import write_page
from bench.performance_plots import write_plots
from brightline.types import SignalType

PACKAGES = (
    "brightline", "numpy", "numba", "simplejpeg", "pillow", "pyarrow", "threatexchange", "pdqhash",
    "faiss-cpu", "duckdb",
)  # fmt: skip
RESULTS = "results.json"

Stage = Callable[[bool, bool], Any]


def _hashing(small: bool, debian: bool) -> Any:
    return {name: asdict(costs) for name, costs in hashing.run(small=small, debian=debian).items()}


def _growth(small: bool, _: bool) -> Any:
    if small:
        return [asdict(one) for one in search.growth([1000, 3000], queries=100, real=300)]
    sizes = [10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000, 30_000_000]
    return [asdict(one) for one in search.growth(sizes)]


def _radii(small: bool, _: bool) -> Any:
    sizes = [2000] if small else [100_000, 1_000_000]
    radii = range(0, 64, 16) if small else range(64)
    queries = {100_000: 200, 1_000_000: 60}
    return [
        asdict(one) | {"factor": one.factor}
        for size in sizes
        for one in search.ways(size, radii, queries.get(size, 20))
    ]


def _peers(small: bool, _: bool) -> Any:
    sizes = [2000] if small else [1_000_000, 10_000_000]
    return [asdict(one) for size in sizes for one in search.peers(size)]


def _exact(small: bool, _: bool) -> Any:
    entries, look_ups = (2000, 10_000) if small else (30_000_000, 100_000_000)
    return {
        "entries": entries,
        "look_ups": look_ups,
        "ways": [asdict(one) for one in exact.compare(entries, look_ups)],
    }


def _delta(small: bool, _: bool) -> Any:
    sizes, count = ([100], 5000) if small else ([100, 1000, 10_000, 100_000], 4_000_000)
    return {
        "codes": [asdict(delta.codes(size, count)) for size in sizes],
        "values": [
            asdict(delta.values(signal, 100 if small else 10_000, 4 * count))
            for signal in (SignalType.MD5, SignalType.SHA1, SignalType.SHA256)
        ],
    }


def _audit(small: bool, debian: bool) -> Any:
    share = audit.web(small=small, debian=debian)
    return asdict(share) | {"reached": share.reached, "rate": share.audit.rate}


def _audit_growth(small: bool, _: bool) -> Any:
    audits = audit.growth((50, 100) if small else audit.GROWTH, 1000 if small else 1_000_000)
    return [asdict(one) | {"rate": one.rate} for one in audits]


STAGES: dict[str, Stage] = {
    "hashing": _hashing,
    "growth": _growth,
    "radii": _radii,
    "peers": _peers,
    "exact": _exact,
    "delta": _delta,
    "audit": _audit,
    "audit_growth": _audit_growth,
}


def main() -> None:
    """Measure what was asked for, then write the page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--small", action="store_true", help="only see that it works")
    parser.add_argument("--no-debian", action="store_true", help="only what packages ship")
    parser.add_argument("--only", nargs="*", choices=STAGES, help="stages (none: only the page)")
    parser.add_argument("--to", type=Path, default=Path("docs"), help="where the page goes")
    options = parser.parse_args()
    folder = options.to / "performance"
    folder.mkdir(parents=True, exist_ok=True)
    results = folder / RESULTS
    found: dict[str, Any] = json.loads(results.read_bytes()) if results.is_file() else {}
    for name in STAGES if options.only is None else options.only:
        print(f"measuring: {name}", file=sys.stderr)
        measured = STAGES[name](options.small, not options.no_debian)
        where = conditions(f"python -m bench.performance --only {name}", PACKAGES)
        found[name] = {"where": where, "measured": measured}
        results.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    write_plots(folder, found)
    write_page(options.to / "performance.md", found)
    print(f"wrote {options.to / 'performance.md'}")


if __name__ == "__main__":
    main()
