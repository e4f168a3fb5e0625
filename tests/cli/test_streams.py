"""Output that nobody reads, that is closed, or that cannot show a character."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.harness import BRIGHTLINE

COMMAND = [str(BRIGHTLINE), "law", "show", "FR"]


def test_a_reader_that_has_gone_is_no_match() -> None:
    """1 would say that something matched."""
    behind, ours = os.pipe()
    os.close(behind)
    done = subprocess.run(COMMAND, stdout=ours, stderr=subprocess.PIPE)
    os.close(ours)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize("change", ["closed", "ascii"])
def test_output_never_ends_a_command(change: str) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"} if change == "ascii" else None
    command = ["sh", "-c", '"$@" >&-', "sh", *COMMAND] if change == "closed" else COMMAND
    done = subprocess.run(command, env=environment, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    assert (b"Code p\\xe9nal" in done.stdout) == (change == "ascii")
