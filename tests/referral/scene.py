"""An audited corpus with matches, and the command line in its workspace; nothing in clear there."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import signal
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import brightline
from brightline import cli
from brightline.findings import load_identity
from brightline.screen.opening import open_run
from tests.corpora import md5_row, pdq_row, sha256_row, write_tar
from tests.harness import Place, make_place
from tests.pictures import encode, photo
from tests.referral.cybertip import USER, Cybertip

#: credentials in the environment are ASCII
PASSWORD = "pass"
HIDDEN = "hidden-place"
REPORTER = """
jurisdictions = ["US"]
role = "hosting"
[esp]
name = "Example Datasets"
[reporting_person]
email = "a@example.org"
[dataset]
name = "pictures"
"""


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command did."""

    returncode: int
    stdout: str
    stderr: str


def run(environment: dict[str, str], *arguments: object) -> Ran:
    """A command in this process, as the program's entry point runs it."""
    handlers = [(n, signal.getsignal(n)) for n in (signal.SIGINT, signal.SIGTERM)]
    out, err = io.StringIO(), io.StringIO()
    try:
        with pytest.MonkeyPatch.context() as patch:
            for name in set(os.environ) - set(environment):
                patch.delenv(name)
            for name, value in environment.items():
                patch.setenv(name, value)
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                status = cli.run([str(argument) for argument in arguments])
    finally:
        for number, handler in handlers:
            signal.signal(number, handler)
    return Ran(status, out.getvalue(), err.getvalue())


@dataclass(frozen=True, slots=True)
class Scene:
    """A workspace with a run of three matched files, and the file of who reports."""

    place: Place
    run_name: str
    reporter: Path
    hidden: tuple[str, ...]

    def draft(self, *more: object) -> str:
        done = self.run(
            "referral", "draft", self.run_name, "--to", "cybertipline", *self.key, "--reason",
            "a test", "--reporter", self.reporter, "--again", "tests share it", *more, status=0,
        )  # fmt: skip
        return done.stdout.strip()

    def run(self, *arguments: object, status: int | None = None) -> Ran:
        done = run(self.place.environment, *arguments)
        assert status in (None, done.returncode), (done.returncode, done.stdout, done.stderr)
        return done

    def json(self, *arguments: object, status: int | None = None) -> Any:
        return json.loads(self.run(*arguments, "--json", status=status).stdout)

    @property
    def key(self) -> tuple[object, object]:
        return "--identity", self.place.key

    def submit(self, name: str, url: str, *more: object) -> Ran:
        command = ("referral", "submit", name, *self.key, "--endpoint", url, *more)
        return run(self.environment, *command)

    @property
    def environment(self) -> dict[str, str]:
        return {
            **self.place.environment,
            "BRIGHTLINE_CYBERTIP_USER": USER,
            "BRIGHTLINE_CYBERTIP_PASSWORD": PASSWORD,
        }

    def service(self, *, lenient: bool = False) -> Cybertip:
        """A service that takes the scene's credentials, which an environment can hold."""
        return Cybertip(lambda: datetime.now(UTC), lenient=lenient, password=PASSWORD)

    def in_clear(self) -> list[tuple[Path, str]]:
        """Where a place or a hash of a match lies in clear below the referrals or the ledger."""
        found = []
        for folder in (self.place.root / "referrals", self.place.root / "ledger"):
            for path in folder.rglob("*"):
                if path.is_file():
                    data = path.read_bytes()
                    found += [(path, word) for word in self.hidden if word.encode() in data]
        return found


def make_scene(folder: Path) -> Scene:
    """Audit a corpus of six pictures, of which a list knows three."""
    place = make_place(folder)
    corpus = folder / "corpus"
    corpus.mkdir()
    jpegs = [encode(photo(k, 240, 180), "JPEG", quality=85) for k in range(6)]
    for k in range(3):
        (corpus / f"{HIDDEN}-{k}.jpg").write_bytes(jpegs[k])
    write_tar(corpus / "a.tar", {f"{HIDDEN}/{k}.jpg": jpegs[k] for k in range(3, 6)})
    rows = [md5_row(jpegs[0]), sha256_row(jpegs[4]), pdq_row(5, 480, 360), md5_row(jpegs[4], "B2")]
    place.add_list("hotline", rows)
    summary = brightline.audit([corpus], ["hotline"], place.root, workers=1)
    identity = load_identity(place.key)
    findings = open_run(place.workspace, summary.run, identity, "a test")
    hidden = {HIDDEN, *(f["sha256"] for f in findings)}
    hidden |= {hashlib.md5(jpegs[k]).hexdigest() for k in (0, 4, 5)}
    hidden |= {hashlib.sha1(jpegs[k]).hexdigest() for k in (0, 4, 5)}
    reporter = folder / "reporter.toml"
    reporter.write_text(REPORTER)
    return Scene(place, summary.run, reporter, tuple(hidden))
