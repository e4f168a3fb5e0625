"""The tour: each step says what happens, runs the command that a user would type, and shows it.

What an audit of the demo's corpus must come to is known beforehand, and the tour holds the run
to it.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from brightline.demo.corpus import Corpus, write_corpus
from brightline.errors import BrightlineError, UsageError
from brightline.ledger import Event
from brightline.screen.runs import summary_of
from brightline.types import Kind
from brightline.workspace import Workspace

RUN = "first"
LIST = "hotline"
REASON = "trying the demo"
#: what the current folder is called in the commands' environment
_VARIABLE = "BRIGHTLINE_WORKSPACE"
_WORKSPACE = "workspace"
_CORPUS = "corpus"
_LIST_FILE = "list.csv"
_KEY = "custodian.key"
_REPORT = "report.html"
_RELEASED = "released"
_PUBLIC = "ledger.pub"

_VIEWS = {
    "stored bytes": "the file, member or cell as it lies there",
    "exif orientation": "the picture turned upright, as its EXIF data say",
    "unpadded crop": "the picture without the border that a dataset's resizing added",
    "hash column": "an original that only the dataset's table knows, by its digest",
    "url column": "an original that only the dataset's table knows, by its address",
}


class DemoError(BrightlineError):
    """The demo did not come to what it planted: a bug."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command printed to standard output, and its exit status."""

    status: int
    output: str


class Stage(Protocol):
    """Where the tour is given: it shows text, and runs commands through the command line."""

    def heading(self, text: str) -> None:
        """Begin a step."""

    def say(self, text: str) -> None:
        """A paragraph, to be wrapped."""

    def show(self, *lines: str) -> None:
        """Lines as they are, set off from the talk."""

    def run(self, *arguments: str, live: bool = False, quiet: bool = False) -> Ran:
        """Show a `brightline` command, run it, and show what it prints.

        `live` leaves standard error alone, so that progress shows while it is made; `quiet`
        does not show standard output. Errors of the command are raised as they are.
        """


def tour(folder: Path, stage: Stage) -> None:
    """Make the demo in a new folder and go through it.

    Changes the current folder and $BRIGHTLINE_WORKSPACE while it runs. Raises UsageError if
    there is something in the folder, DemoError if what was found is not what was planted.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is there already and not empty; name a new folder")
    stage.heading("Brightline demo")
    stage.say(
        "This makes a small corpus of harmless pictures, and a hash list that some of them are "
        "on. Then it takes you through an audit, from the list to the report. All of it stays in "
        f"{folder}; nothing uses the network. It takes less than a minute, and the first time on "
        "a machine about another one, in which numeric kernels are compiled."
    )
    stage.say("Lines that begin with $ are commands, just as you would type them.")
    folder.mkdir(parents=True, exist_ok=True)
    corpus = _prepare(folder, stage)
    with contextlib.chdir(folder), _workspace_variable():
        _workspace(folder, stage)
        _custodian(stage)
        _list(corpus, stage)
        _audit(corpus, stage)
        _findings(corpus, stage)
        _report(stage)
        _evidence(stage)
        _again(stage)
    _statuses(stage)
    _end(folder, stage)


@contextlib.contextmanager
def _workspace_variable() -> Iterator[None]:
    before = os.environ.get(_VARIABLE)
    os.environ[_VARIABLE] = _WORKSPACE
    try:
        yield
    finally:
        if before is None:
            del os.environ[_VARIABLE]
        else:
            os.environ[_VARIABLE] = before


def _prepare(folder: Path, stage: Stage) -> Corpus:
    corpus = write_corpus(folder / _CORPUS)
    text = corpus.planted.to_csv()
    (folder / _LIST_FILE).write_text(text, encoding="ascii")
    stage.heading("A corpus and a list")
    if corpus.photographs:
        stage.say(
            "Most pictures are drawn by code. Some are photographs of things and landscapes that "
            "scikit-image and scikit-learn ship."
        )
    else:
        stage.say(
            "All pictures are drawn by code. With scikit-image and scikit-learn there would be "
            'photographs too: pip install "brightline[demo]".'
        )
    if corpus.left_out:
        stage.say(f"This machine cannot write {' or '.join(corpus.left_out)}: left out.")
    width = max(len(part.place) for part in corpus.parts)
    stage.show(f"{_CORPUS}/")
    for part in corpus.parts:
        stage.show(f"  {part.place:<{width}}  {part.items:>3} items  {part.what}")
    planted = len(corpus.planted.entries)
    fillers = len(text.splitlines()) - 1 - planted
    stage.show(f"{_LIST_FILE:<{width + 2}}  {planted + fillers:>3} entries")
    stage.say(
        f"{fillers} entries of the list are random numbers. The other {planted} are of these "
        "pictures: some of files as they are, some of originals that only a dataset's table "
        "knows, and some of copies that were recompressed, resized or brightened first. An audit "
        f"must find {_planted(corpus)} matches."
    )
    return corpus


def _planted(corpus: Corpus) -> int:
    return sum(corpus.planted.by_signal().values())


def _workspace(folder: Path, stage: Stage) -> None:
    stage.heading("A workspace")
    stage.say("It holds lists, runs, settings and the ledger. Only its owner can read it.")
    stage.show(f"$ cd {folder}", f"$ export {_VARIABLE}={_WORKSPACE}")
    _expect(stage.run("init", _WORKSPACE), 0)


def _custodian(stage: Stage) -> None:
    stage.heading("A custodian")
    stage.say(
        "Findings are a map to the material. They are sealed to custodians, and only who holds a "
        "custodian's private key can open them. Without a custodian there is no audit."
    )
    made = _expect(stage.run("custodian", "new", _KEY), 0)
    _expect(stage.run("custodian", "add", made.output.strip(), "--name", "demo"), 0)
    stage.say(
        "Here the key stays beside the corpus. In earnest it belongs on another machine, with "
        "the person who answers for it."
    )


def _list(corpus: Corpus, stage: Stage) -> None:
    stage.heading("A list")
    stage.say(
        "An import makes a version of the list that never changes. If one line cannot be read, "
        "nothing is imported."
    )
    _expect(stage.run("list", "import", LIST, _LIST_FILE), 0)
    if "url" in corpus.planted.by_signal():
        stage.say("Of an address the list keeps only its SHA-256.")


def _audit_command() -> tuple[str, ...]:
    return "audit", _CORPUS, "--list", LIST, "--run", RUN


def _audit(corpus: Corpus, stage: Stage) -> None:
    stage.heading("The audit")
    stage.say(
        "Each file, archive member and table row is an item. Its digests are looked up; of a "
        "picture also PDQ, a perceptual hash, which changes little when the picture is saved "
        "again. Logs and progress show counts, never a name or a hash of what matched."
    )
    ran = _expect(stage.run(*_audit_command(), live=True), 1)
    stage.show("$ echo $?", str(ran.status))
    document = summary_of(Workspace.open(Path(_WORKSPACE)), RUN).document
    check(document, corpus)
    matches = document["matches"]
    stage.say(
        f"Every item is accounted for: {document['items']} = {document['screened']} screened "
        f"+ {document['exact_only']} exact only + {document['skipped']} skipped "
        f"+ {document['failed']} failed. Exact only are text and table rows without a picture: "
        "their digests were matched. The one that failed is a JPEG that the demo cut off; what "
        "is left of it was matched, and the report counts it as a gap."
    )
    stage.say(
        f"{_planted(corpus)} matches were planted and {matches['total']} were found, on "
        f"{matches['items']} items. What matched was:"
    )
    for via, count in sorted(matches["by_via"].items(), key=lambda pair: -pair[1]):
        stage.show(f"{count:>3}  {_VIEWS.get(via, via)}")


def check(document: dict[str, Any], corpus: Corpus) -> None:
    """Hold a run's summary to what was planted. Raises DemoError, which tells counts only."""
    counted = {
        "items": (document["items"], corpus.items),
        "the sum of outcomes": (sum(document[kind] for kind in Kind), corpus.items),
        "failed items": (document["failed"], 1),
        "matches": (document["matches"]["total"], _planted(corpus)),
    }
    by_signal = document["matches"]["by_signal"]
    for signal, planted in corpus.planted.by_signal().items():
        counted[f"matches by {signal}"] = by_signal.get(signal, 0), planted
    wrong = [f"{what} {got}, not {due}" for what, (got, due) in counted.items() if got != due]
    if wrong:
        raise _bug("; ".join(wrong))


def _bug(text: str) -> DemoError:
    return DemoError(f"the demo did not come out as planned, which is a bug to report: {text}")


def _expect(ran: Ran, status: int) -> Ran:
    if ran.status != status:
        raise _bug(f"a command ended with status {ran.status}, not {status}")
    return ran


def _findings(corpus: Corpus, stage: Stage) -> None:
    stage.heading("The findings")
    stage.say("Whoever can read the workspace can ask how many there are.")
    counted = _expect(stage.run("findings", "count", RUN), 0).output.strip()
    stage.say("To open them takes a custodian's key and a reason. Each is a line of JSON.")
    how = "--identity", _KEY, "--reason", REASON
    opened = _expect(stage.run("findings", "open", RUN, *how, quiet=True), 0)
    findings = [json.loads(line) for line in opened.output.splitlines()]
    if len(findings) != _planted(corpus) or counted != str(len(findings)):
        raise _bug(f"findings: {len(findings)} opened, {counted} counted")
    example = next((f for f in findings if f["via"] == "unpadded crop"), findings[0])
    stage.say(f"One of the {len(findings)}, spread out:")
    stage.show(*_spread(example))
    stage.say(
        "These are demo pictures, so one can be shown. This command is the only one that prints "
        "where a match lies. A match is an observation: a signal lies within a list's threshold. "
        "It says nothing about a person."
    )
    records = list(Workspace.open(Path(_WORKSPACE)).ledger.records())
    record = next((r for r in reversed(records) if r.kind == Event.FINDINGS_OPENED), None)
    if record is None:
        raise _bug("the opening is not on the ledger")
    stage.say("Before the first line was printed, the opening went on the ledger:")
    named = {name: record.fields[name] for name in ("custodian", "reason", "findings")}
    stage.show(*_spread({"time": record.time, "kind": record.kind} | named))


def _spread(finding: dict[str, Any], width: int = 64) -> Iterator[str]:
    for name, value in finding.items():
        text = "-" if value is None else str(value)
        # of a path, the end tells more
        text = text if len(text) <= width else f"…{text[1 - width :]}"
        yield f"{name:<13} {text}"


def _report(stage: Stage) -> None:
    stage.heading("The report")
    stage.say("One page of HTML with counts, lists, gaps and limits. It points at no item.")
    _expect(stage.run("report", RUN, "-o", _REPORT), 0)


def _evidence(stage: Stage) -> None:
    stage.heading("A release, and what a stranger can check")
    stage.say(
        "The corpus again, without what matched and what could not be screened. A random sample "
        "leaves as well, so that the difference with the original does not point at the matches."
    )
    how = "--identity", _KEY, "--reason", REASON
    _expect(stage.run("release", RUN, _RELEASED, *how), 0)
    _expect(stage.run("attest", RUN, "--release", _RELEASED), 0)
    key = _expect(stage.run("ledger", "key", "--json", quiet=True), 0)
    public = str(json.loads(key.output)["vkey"])
    Path(_PUBLIC).write_text(f"{public}\n", encoding="ascii")
    stage.say(
        "The statement says what the release was screened against. Whoever has the public key "
        "can check it and every file: no workspace, no list."
    )
    _expect(stage.run("verify", _RELEASED, "--key", _PUBLIC), 0)
    stage.say("The ledger holds every step, and the workspace is checked against it:")
    _expect(stage.run("ledger", "verify"), 0)


def _again(stage: Stage) -> None:
    stage.heading("The same audit once more")
    stage.say("Given again, the command finds the run complete and reads nothing.")
    ledger = Workspace.open(Path(_WORKSPACE)).ledger
    before = sum(1 for _ in ledger.records())
    _expect(stage.run(*_audit_command(), quiet=True), 1)
    if sum(1 for _ in ledger.records()) != before:
        raise _bug("a complete run was done again")
    stage.say(
        "An audit that was stopped goes on the same way: what was committed is not read again. "
        "Each shard is committed as a whole or not at all."
    )


def _statuses(stage: Stage) -> None:
    stage.heading("What the exit status of an audit means")
    stage.show(
        " 0  everything was screened, and nothing matched",
        " 1  something matched (as here)",
        " 2  the command could not be carried out as given",
        " 3  nothing matched, but not everything could be screened",
        "70  an internal error",
    )
    stage.say(
        "Status 0 does not mean that a corpus is clean. A list knows what is on it and nothing "
        "else."
    )


def _end(folder: Path, stage: Stage) -> None:
    stage.heading("Where everything lies")
    stage.show(
        f"{folder / _CORPUS}/",
        f"{folder / _LIST_FILE}",
        f"{folder / _KEY}",
        f"{folder / _WORKSPACE}/",
        f"{folder / _REPORT}",
        f"{folder / _RELEASED}/",
    )
    stage.say("Some commands to go on with, or delete the folder when you are done:")
    stage.show(
        f"$ cd {folder} && export {_VARIABLE}={_WORKSPACE}",
        "$ brightline run ls",
        f"$ brightline run show {RUN} --json",
        f"$ brightline list show {LIST}",
        f"$ brightline hash {_CORPUS}/loose/album/0000.jpg",
        "$ brightline audit --help",
    )
