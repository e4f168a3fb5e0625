"""Measurements behind the numbers in `docs/`. Run from the repository: `python -m bench.recall`.

Here is what each of them prints: the machine, the versions, and tables in Markdown.
"""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt


def processor() -> str:
    """The processor's name as Linux gives it, or what Python knows."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def conditions(command: str, packages: Sequence[str]) -> str:
    """Date, machine, versions and command of a measurement, as one Markdown paragraph."""
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    return (
        f"Measured on {today} with `{command}` on {processor()}, {os.cpu_count()} cores, "
        f"{platform.system()} {platform.machine()}, Python {platform.python_version()}, "
        f"{versions}."
    )


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; every column but the first is set to the right."""
    lines = ["| " + " | ".join(head) + " |", "|---" + "|---:" * (len(head) - 1) + "|"]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def percentile(values: npt.ArrayLike, q: float) -> int:
    """The smallest value that at least q per cent of the values do not exceed."""
    return int(np.percentile(np.asarray(values), q, method="inverted_cdf"))


def share(part: int, whole: int) -> str:
    """A share in per cent; 100 % and 0 % only where it is exactly that."""
    if part in (0, whole):
        return f"{100 * part // whole} %"
    return f"{min(max(100 * part / whole, 0.1), 99.9):.1f} %"


def write_between_markers(path: Path, text: str) -> None:
    """Replace what stands between `<!-- measured -->` and `<!-- /measured -->`."""
    before, start, rest = path.read_text(encoding="utf-8").partition("<!-- measured -->")
    _, end, after = rest.partition("<!-- /measured -->")
    if not start or not end:
        raise ValueError(f"{path} has no pair of markers")
    path.write_text(f"{before}{start}\n{text.strip()}\n{end}{after}", encoding="utf-8")
