"""Writes docs/cli.md from the commands' own help. Run by `make docs`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from brightline.cli.app import app

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


def commands(group: Any, path: str = "") -> Iterator[str]:
    """Every command below a group, in the order in which its help shows them."""
    for name, command in group.commands.items():
        # by what it has: the library carries its base classes along under names of its own
        if hasattr(command, "commands"):
            yield from commands(command, f"{path}{name} ")
        else:
            yield f"{path}{name}"


def main() -> None:
    """Write the page."""
    every = ["", *commands(typer.main.get_command(app))]
    parts = [HEAD, *(f"## brightline {c}\n\n```\n{help_of(c)}\n```\n" for c in every)]
    Path(__file__).with_name("cli.md").write_text(
        "\n".join(parts).replace(" \n", "\n"), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
