"""The documents say what the program does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_every_command_and_option_is_on_the_command_line_page() -> None:
    page = (ROOT / "docs" / "cli.md").read_text()
    for module in sorted((ROOT / "src" / "brightline" / "cli").glob("*.py")):
        for option in re.findall(r'"(--[a-z-]+)"', module.read_text()):
            assert option in page, (module.name, option)
        for name in re.findall(r"\.(?:command|add_typer)\(.*?\"([a-z]+)\"\)", module.read_text()):
            assert name in page, (module.name, name)
    assert page.count("Example: brightline") >= 15


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


def test_records_are_listed() -> None:
    index = (ROOT / "docs" / "adr" / "README.md").read_text()
    for record in (ROOT / "docs" / "adr").glob("0*.md"):
        assert f"({record.name})" in index
