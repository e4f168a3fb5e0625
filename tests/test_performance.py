"""All of `make bench` runs, on sizes that say nothing about speed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

# what others use is installed for `make bench` and `make test-interop`
pytestmark = pytest.mark.interop

ROOT = Path(__file__).parents[1]


def test_the_page_is_made_of_what_was_measured(tmp_path: Path) -> None:
    for package in ("threatexchange", "faiss", "duckdb", "matplotlib"):
        pytest.importorskip(package, reason="pip install --group bench")
    command = [sys.executable, "-m", "bench.performance", "--small", "--no-debian"]
    subprocess.run([*command, "--to", str(tmp_path)], cwd=ROOT, check=True, timeout=500)
    page = (tmp_path / "performance.md").read_text(encoding="utf-8")
    folder = tmp_path / "performance"
    found = json.loads((folder / "results.json").read_bytes())
    for name in ("search.svg", "radii.svg", "audit.svg"):
        assert f"(performance/{name})" in page
        assert (folder / name).read_text(encoding="utf-8").startswith("<?xml")
    costs = found["hashing"]["measured"]["web-size"]["ms"]
    assert f"{costs['brightline']:.3f}" in page
    assert found["exact"]["measured"]["ways"][0]["found"] > 0
    for section in ("Bytes to signals", "Five billion images", "Re-screening"):
        assert f"## {section}" in page
