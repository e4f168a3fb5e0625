"""`brightline demo`."""

from __future__ import annotations

import contextlib
import io
import os
import shlex
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from brightline.cli.common import talk

if TYPE_CHECKING:
    from brightline.demo.tour import Ran

_FOLDER = "brightline-demo"
_WIDTH = 80
#: of what commands print, which is shown as it is where it fits
_SHOWN = 84
_INDENT = "    "
_BUG = 70
_STOPPED = 130


def demo(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="[DIR]",
            help=f"A new or empty folder; else ./{_FOLDER}.",
            show_default=False,
        ),
    ] = None,
) -> int:
    """Go through an audit of a small corpus of harmless pictures, step by step.

    Needs no list and no data. Ends with status 0 if all went as planned.

    Example: brightline demo /tmp/brightline-demo
    """
    from brightline.demo.tour import DemoError, tour

    place = folder or Path(_FOLDER)
    try:
        tour(place, Terminal())
    except DemoError as error:
        talk(f"brightline: {error}")
        return _BUG
    except KeyboardInterrupt:
        talk(f"brightline: stopped; delete {place} and start again")
        return _STOPPED
    return 0


class Terminal:
    """The tour on a terminal: talk wrapped, commands and what they print indented."""

    def __init__(self) -> None:
        self._bold = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        self._steps = 0
        self._set_off = False

    def heading(self, text: str) -> None:
        """The tour's title first; then steps, numbered."""
        line = f"{self._steps}. {text}" if self._steps else text
        self._steps += 1
        self._write("" if self._steps == 1 else "\n\n", self._strong(line))
        self._set_off = False

    def say(self, text: str) -> None:
        """A paragraph."""
        self._write("\n", textwrap.fill(text, _WIDTH, break_on_hyphens=False))
        self._set_off = False

    def show(self, *lines: str) -> None:
        """Indented lines; those of several calls stay together."""
        for line in lines:
            for text in _folded(line) if len(line) > _SHOWN else [line]:
                self._display(self._strong(text) if line.startswith("$ ") else text)

    def _display(self, text: str) -> None:
        self._write("" if self._set_off else "\n", f"{_INDENT}{text}")
        self._set_off = True

    def run(self, *arguments: str, live: bool = False, quiet: bool = False) -> Ran:
        """Run a command in this process, just as the shell would have it parsed."""
        from brightline.cli.app import app
        from brightline.demo.tour import Ran

        for text in _command(arguments):
            self._display(self._strong(text))
        out, talked = io.StringIO(), io.StringIO()
        with contextlib.ExitStack() as stack:
            stack.enter_context(contextlib.redirect_stdout(out))
            if not live:
                stack.enter_context(contextlib.redirect_stderr(talked))
            status = app(args=list(arguments), prog_name="brightline", standalone_mode=False)
        if status == _STOPPED:
            # the command-line library makes a status of Ctrl-C
            raise KeyboardInterrupt
        self.show(*talked.getvalue().splitlines())
        if not quiet:
            self.show(*out.getvalue().splitlines())
        return Ran(status if isinstance(status, int) else 0, out.getvalue())

    def _strong(self, text: str) -> str:
        return typer.style(text, bold=True) if self._bold else text

    @staticmethod
    def _write(before: str, text: str) -> None:
        sys.stdout.write(f"{before}{text}\n")
        sys.stdout.flush()


def _folded(line: str) -> list[str]:
    """A line of output in pieces that fit, those after the first indented further."""
    return textwrap.wrap(line, _SHOWN, subsequent_indent="  ", break_on_hyphens=False)


def _command(arguments: Sequence[str]) -> list[str]:
    """A command as it is typed, over several lines where it is long."""
    words: list[str] = []
    before = ""
    for argument in arguments:
        if before.startswith("-"):
            words[-1] += f" {shlex.quote(argument)}"  # an option stays with its value
        else:
            words.append(shlex.quote(argument))
        before = argument
    lines = ["$ brightline"]
    for word in words:
        if len(lines[-1]) + 1 + len(word) + len(" \\") > _SHOWN:
            lines[-1] += " \\"
            lines.append(f"{_INDENT}{word}")
        else:
            lines[-1] += f" {word}"
    return lines
