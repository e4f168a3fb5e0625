"""A small workspace with one of everything, made once, with copies from three times of its life."""

from __future__ import annotations

import contextlib
import hashlib
import io
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path

import pytest

from brightline import cli
from brightline.cli.common import note_import
from brightline.findings import new_identity
from brightline.ledger import Event
from brightline.lists import Added, Change, Removed, apply_changes
from brightline.lists.records import Record
from brightline.screen import perform
from brightline.screen.warm import warm
from brightline.signals.pdq import pdq
from brightline.types import SignalType
from brightline.workspace import Workspace
from tests.corpora import md5_row, sha256_row, write_tar
from tests.interop.inline import InlinePool
from tests.lists.helpers import value
from tests.pictures import drawn, encode

LIST = "hotline"
RUN = "first"
AGAIN = "again"
_REASON = ("--reason", "a test")
#: enough for a full tile, one that is not full, and one of the next level
_RECORDS = 300
_REPORTER = """
jurisdictions = ["US"]
role = "hosting"
[esp]
name = "Example Datasets"
[reporting_person]
email = "a@example.org"
"""


@dataclass(frozen=True, slots=True)
class Done:
    """What a command did."""

    status: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Scene:
    """The workspace as it is, older copies of it, a release of it, and what may not be printed.

    `ages` are whole copies, oldest first, `kept` checkpoints that someone else keeps, by the
    age at which they were taken. `secret` are hashes and locators of what matches.
    """

    root: Path
    release: Path
    key: Path
    recipient: str
    ages: tuple[Path, ...]
    kept: dict[str, Path]
    vkey: str
    referral: str
    secret: tuple[str, ...]


def run(*arguments: object) -> Done:
    """A command in this process, as the program's entry point runs it."""
    handlers = [(n, signal.getsignal(n)) for n in (signal.SIGINT, signal.SIGTERM)]
    out, err = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = cli.run([str(argument) for argument in arguments])
    finally:
        for number, handler in handlers:
            signal.signal(number, handler)
    return Done(status, out.getvalue(), err.getvalue())


def make_scene(folder: Path) -> Scene:
    """Audit, open, seal anew, re-screen, release, attest and refer, all in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(perform, "Pool", InlinePool)
        return _make(folder)


def _make(folder: Path) -> Scene:
    root, key, second = folder / "workspace", folder / "a.key", folder / "b.key"
    release, corpus = folder / "release", folder / "corpus"
    ages: list[Path] = []
    kept: dict[str, Path] = {}
    fine = {0}

    def do(*arguments: object, status: set[int] = fine) -> str:
        done = run("--workspace", root, *arguments)
        assert done.status in status, (arguments, done)
        return done.out.strip()

    def keep(name: str) -> None:
        kept[name] = folder / f"{name}.checkpoint"
        do("ledger", "checkpoint", "-o", kept[name])

    def age(name: str) -> None:
        keep(name)
        ages.append(folder / f"aged-{name}")
        shutil.copytree(root, ages[-1], symlinks=True)

    warm(lambda _: None)
    rows, secret = _corpus(corpus)
    do("init", "--origin", "example.org/tamper")
    recipient = new_identity(key)
    do("custodian", "add", recipient, "--name", "Anna")
    do("custodian", "add", new_identity(second), "--name", "Bert")
    listed = folder / "list.csv"
    listed.write_text("indicator,type,category\n" + "".join(f"{row}\n" for row in rows))
    do("list", "import", LIST, listed, "--pipeline", "full")
    age("imported")
    do("audit", corpus, "--list", LIST, "--run", RUN, status={1})
    age("audited")
    # the second version is a segment on the first, with something removed
    changes: list[Change] = [
        Removed((SignalType.MD5, value(SignalType.MD5, 3))),
        Added(Record(((SignalType.MD5, value(SignalType.MD5, 99)),), category="A2")),
    ]
    newer, _ = apply_changes(root / "lists", LIST, changes)
    note_import(Workspace.open(root), newer)
    do("findings", "open", RUN, "--identity", key, *_REASON)
    do("custodian", "rm", "Bert")
    do("findings", "reseal", RUN, "--identity", key, *_REASON)
    do("rescreen", RUN, "--run", AGAIN, status={1})
    do("ledger", "rotate-key")
    do("release", RUN, release, "--identity", key, *_REASON, "--cover", "0")
    do("attest", RUN, "--release", release)
    opened = ("--identity", key)
    reporter = folder / "reporter.toml"
    reporter.write_text(_REPORTER)
    referral = do(
        *("referral", "draft", RUN, "--to", "cybertipline", *opened, *_REASON),
        *("--reporter", reporter),
    )  # fmt: skip
    do("referral", "review", referral, "--item", "1", "--viewed", "no", "--by", "Anna", *opened)
    ledger = Workspace.open(root).ledger
    ledger.append_many((Event.REPORT_MADE, {"run": RUN, "n": n}) for n in range(_RECORDS))
    age("reported")
    do("findings", "open", RUN, "--identity", key, *_REASON)
    keep("now")
    vkey = Workspace.open(root).signer().vkey
    return Scene(root, release, key, recipient, tuple(ages), kept, vkey, referral, secret)


def _corpus(folder: Path) -> tuple[list[str], tuple[str, ...]]:
    """Two archives of drawn pictures; rows of a list that matches some, and what is secret."""
    folder.mkdir(parents=True)
    pictures = [encode(drawn(number, 64, 48), "PNG") for number in range(8)]
    names = [f"hidden-{number}.png" for number in range(8)]
    for archive, numbers in (("a.tar", range(4)), ("b.tar", range(4, 8))):
        write_tar(folder / archive, {names[n]: pictures[n] for n in numbers})
    # enough more that a later version is a segment on this one
    rows = [f"{value(SignalType.MD5, n).hex()},md5,A1" for n in range(20)]
    rows += [md5_row(pictures[1]), md5_row(pictures[6]), sha256_row(pictures[2])]
    rows.append(f"{pdq(drawn(5, 64, 48)).hash.hex()},pdq,B1")
    secret = [row.split(",")[0].lower() for row in rows]
    secret += [hashlib.sha256(data).hexdigest() for data in pictures]
    return rows, (*secret, "hidden-")
