"""Writes docs/cli.md from the commands' own help. Run by `make docs`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

COMMANDS = (
    "",
    "init",
    "custodian new",
    "custodian add",
    "custodian ls",
    "list import",
    "list ls",
    "list show",
    "list diff",
    "list sync",
    "list export",
    "list conflicts",
    "list open-conflicts",
    "audit",
    "run ls",
    "run show",
    "findings count",
    "findings open",
    "report",
    "hash",
    "demo",
)

HEAD = """\
# Command line

What the commands say of themselves, written by `make docs`.

Exit status: 0 all screened and nothing matched · 1 something matched · 2 usage · 3 nothing
matched but not everything could be screened · 70 internal error · 130 and 143 stopped by Ctrl-C
or TERM. Progress and talk go to stderr, results to stdout; `--json` prints one JSON document.
"""


def help_of(command: str) -> str:
    """A command's help, 90 columns wide."""
    program = Path(sys.executable).with_name("brightline")
    done = subprocess.run(
        [program, *command.split(), "--help"],
        env={**os.environ, "COLUMNS": "90", "TERMINAL_WIDTH": "90"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip("\n")


def main() -> None:
    """Write the page."""
    parts = [HEAD, *(f"## brightline {c}\n\n```\n{help_of(c)}\n```\n" for c in COMMANDS)]
    Path(__file__).with_name("cli.md").write_text(
        "\n".join(parts).replace(" \n", "\n"), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
