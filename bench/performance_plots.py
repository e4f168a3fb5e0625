"""The plots of docs/performance.md."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

#: ours, then other people's, then reference lines
_COLOURS = ("#0b5fa5", "#c2410c", "#15803d", "#7c3aed", "#6b7280")
_LISTS = {"random": "random codes", "photo": "codes of photographs", "near": "a tenth near copies"}


def _axes(title: str, x: str, y: str) -> Any:
    import matplotlib as mpl

    mpl.use("svg")
    # text stays text and names do not change from run to run
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "brightline", "font.size": 10})
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7.2, 4.2), layout="constrained")
    axes.set_title(title, loc="left", fontsize=11)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(visible=True, which="major", color="#e5e7eb")
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _save(figure: Any, path: Path) -> None:
    from matplotlib import pyplot

    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def _growth(path: Path, rows: Sequence[dict[str, Any]], peers: Sequence[dict[str, Any]]) -> None:
    figure, axes = _axes(
        "PDQ search within 31 bits, exact, one core", "entries", "microseconds a query"
    )
    for colour, (kind, name) in zip(_COLOURS, _LISTS.items(), strict=False):
        some = [row for row in rows if row["kind"] == kind]
        if some:
            x, y = [r["entries"] for r in some], [r["query_us"] for r in some]
            axes.loglog(x, y, "o-", color=colour, label=f"Brightline, {name}", markersize=4)
    for mark, name in (("s", "faiss flat"), ("^", "faiss multi-hash")):
        some = [row for row in peers if row["name"] == name]
        x, y = [r["entries"] for r in some], [r["query_us"] for r in some]
        axes.loglog(x, y, mark, color=_COLOURS[4], label=f"{name}, random codes")
    axes.legend(frameon=False, fontsize=9)
    _save(figure, path)


def _radii(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    figure, axes = _axes(
        "Every radius: the slots, comparing with all, and what is chosen", "radius in bits",
        "microseconds a query",
    )  # fmt: skip
    for colour, size in zip(_COLOURS, sorted({r["entries"] for r in rows}), strict=False):
        some = [r for r in rows if r["entries"] == size]
        probed = [r for r in some if r["index_us"]]
        axes.semilogy(
            [r["radius"] for r in probed], [r["index_us"] for r in probed], ":", color=colour,
            label=f"{size:,} entries: slots",
        )  # fmt: skip
        axes.semilogy(
            [r["radius"] for r in some], [r["scan_us"] for r in some], "--", color=colour,
            label="comparing with all",
        )  # fmt: skip
        axes.semilogy(
            [r["radius"] for r in some], [r["chosen_us"] for r in some], "-", color=colour,
            linewidth=2.2, alpha=0.5, label="chosen",
        )  # fmt: skip
    axes.legend(frameon=False, fontsize=9, ncols=2)
    _save(figure, path)


def _audits(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    figure, axes = _axes(
        "A whole audit of small pictures, two workers, start included", "items", "items a second"
    )
    sizes = [r["items"] for r in rows]
    axes.loglog(sizes, [r["rate"] for r in rows], "o-", color=_COLOURS[0], label="items a second")
    axes.legend(frameon=False, fontsize=9, loc="upper left")
    memory = axes.twinx()
    memory.spines[["top"]].set_visible(False)
    memory.set_ylabel("MB of a worker's own memory, at the peak")
    peaks = [r["worker"] / 1e6 for r in rows]
    memory.plot(sizes, peaks, "s--", color=_COLOURS[1], label="memory of a worker")
    memory.set_ylim(0, 2 * max(peaks))
    memory.legend(frameon=False, fontsize=9, loc="lower right")
    _save(figure, path)


def write_plots(folder: Path, found: dict[str, Any]) -> None:
    """Plot what was measured so far as SVG."""
    measured = {name: stage["measured"] for name, stage in found.items()}
    if "growth" in measured:
        _growth(folder / "search.svg", measured["growth"], measured.get("peers", []))
    if "radii" in measured:
        _radii(folder / "radii.svg", measured["radii"])
    if "audit_growth" in measured:
        _audits(folder / "audit.svg", measured["audit_growth"])
