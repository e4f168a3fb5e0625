"""The printed pages in a real browser: Debian's Chromium, without a network."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from PIL import Image

from brightline.law import conflicts, duties, gaps, load, matrix
from brightline.law.model import Role
from brightline.law.page import render_duties, render_matrix

pytestmark = pytest.mark.interop

NOW = date(2026, 11, 23)
#: covered, partly covered, unclear: the colours of `law.css`
COLOURS = {(26, 95, 158), (143, 189, 228), (213, 217, 222)}


def chromium(folder: Path, page: str, *options: str) -> None:
    (folder / "page.html").write_text(page, "utf-8")
    program = shutil.which("chromium")
    assert program, "tests/interop/install.sh installs chromium"
    subprocess.run(
        [
            program,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            f"--user-data-dir={folder / 'profile'}",
            *options,
            (folder / "page.html").as_uri(),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )


def matrix_page() -> str:
    held = load()
    return render_matrix(held, matrix(held, on=NOW, known=NOW), on=NOW, known=NOW)


def duty_page() -> str:
    held, codes = load(), ["US", "DK", "GB", "CA"]
    found = datetime(2026, 11, 22, 10, tzinfo=UTC)
    clocks = duties(held, codes, Role.HOSTING, found, known=NOW)
    return render_duties(
        held,
        clocks,
        conflicts(held, codes, clocks),
        gaps(held, codes, clocks),
        role=Role.HOSTING,
        codes=codes,
        found=found,
        on=NOW,
        known=NOW,
    )


def test_the_matrix_is_drawn_in_its_colours(tmp_path: Path) -> None:
    target = tmp_path / "page.png"
    chromium(tmp_path, matrix_page(), f"--screenshot={target}", "--window-size=1400,2400")
    image = Image.open(io.BytesIO(target.read_bytes())).convert("RGB")
    counts = {colour: count for count, colour in image.getcolors(1 << 24) or []}
    for colour in COLOURS:
        assert counts.get(colour, 0) > 500, colour
    # the right margin stays free: nothing runs out of the page
    edge = image.crop((image.width - 12, 0, image.width, image.height)).getcolors(1 << 16)
    assert edge is not None
    assert [colour for _, colour in edge] == [(255, 255, 255)]


@pytest.mark.parametrize(("page", "most"), [(matrix_page, 6), (duty_page, 3)])
def test_a_page_prints_on_a4_landscape(page: object, most: int, tmp_path: Path) -> None:
    target = tmp_path / "page.pdf"
    chromium(tmp_path, page(), "--no-pdf-header-footer", f"--print-to-pdf={target}")  # type: ignore[operator]
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", target.read_bytes())
    assert 1 <= len(boxes) <= most
    for width, height in boxes:
        assert float(width) == pytest.approx(842, abs=1)
        assert float(height) == pytest.approx(595, abs=1)
