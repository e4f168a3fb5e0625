"""`brightline verify`."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from brightline.cli.common import (
    JsonOption,
    bytes_text,
    duration_text,
    plural,
    print_json,
    table,
    talk,
)

if TYPE_CHECKING:
    from brightline.release.evidence import PublicKey
    from brightline.release.verdict import Verdict

#: names printed of each kind; `--json` has them all
_NAMED = 100


def verify(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH", help="A release; or a corpus's sources, in their order."),
    ],
    keys: Annotated[
        list[str] | None,
        typer.Option(
            "--key",
            metavar="KEY",
            help="The publisher's public key: verifier key, PEM or SSH, as text or in a file; "
            "may be repeated.",
        ),
    ] = None,
    statement: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The statement; else PATH/.brightline/statement…"),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A checkpoint of the publisher's ledger that you kept."),
    ] = None,
    on: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="The day on which it must hold; else now."),
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Check files against their signed statement: no workspace and no list is needed.

    Status 0: every check was made and passed; 1: one failed or could not be made. A changed,
    missing or extra file is named.

    Example: brightline verify clean/ --key publisher.pub
    """
    from brightline.release.verify import Question, verify

    question = Question(
        paths=tuple(path.absolute() for path in paths),
        keys=tuple(_key(text) for text in keys or ()),
        on=_moment(on) if on else datetime.now(UTC),
        statement=None if statement is None else statement.absolute(),
        against=against,
    )
    meter = FileMeter("comparing")
    try:
        verdict = verify(question, meter.of)
    finally:
        meter.clear()
    if as_json:
        print_json(verdict.to_json())
    else:
        _tell(verdict)
    return 0 if verdict.verified else 1


def _key(text: str) -> PublicKey:
    from brightline.ledger.keys import read_public
    from brightline.release.evidence import PublicKey

    return PublicKey(*read_public(text))


def _moment(text: str) -> datetime:
    from brightline.errors import UsageError

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError("--on takes a date, for example 2031-01-31") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _tell(verdict: Verdict) -> None:
    rows = [(str(check.state), check.name, _line(check.detail)) for check in verdict.checks]
    table(rows, ("RESULT", "CHECK", "DETAIL"))
    for what in ("changed", "missing", "extra"):
        names = getattr(verdict.differences, what)
        for name in names[:_NAMED]:
            typer.echo(f"{what}: {name}")
        if len(names) > _NAMED:
            typer.echo(f"{what}: {len(names) - _NAMED} more; --json names them all")
    if verdict.verified:
        _tell_claims(verdict.claims)
    else:
        typer.echo("not verified")
    for text in verdict.to_json()["not_verified"]:
        typer.echo(f"not checked here: {text}")


def _tell_claims(claims: dict[str, Any]) -> None:
    counts, matches = claims["accounting"], claims["matches"]
    deltas = sum(bool(entry.get("delta")) for entry in claims["lists"])
    part = f" (of {deltas} only what a version adds to an earlier one)" if deltas else ""
    typer.echo(
        f"verified: the signer states that {plural(counts['items'], 'item')} "
        f"({counts['screened']} screened, {counts['exact_only']} exact only, "
        f"{counts['skipped']} skipped, {counts['failed']} failed) were compared with "
        f"{plural(len(claims['lists']), 'list')}{part}, and {matches['items']} matched"
    )


def _line(text: str) -> str:
    """Text that may come from outside, without anything that moves a terminal's cursor."""
    return "".join(c if c.isprintable() else "?" for c in text)


class FileMeter:
    """Progress over files, on stderr: bytes, rate and remaining time."""

    _TERMINAL_SECONDS, _LINE_SECONDS = 0.2, 15.0

    def __init__(self, stage: str) -> None:
        self._stage = stage
        self._terminal = sys.stderr.isatty()
        self._total = 0
        self._started = self._said = time.monotonic()
        self._shown = False

    def of(self, total: int) -> FileMeter:
        """Begin to count towards so many bytes."""
        self._total = total
        self._started = self._said = time.monotonic()
        return self

    def __call__(self, files: int, done: int) -> None:
        """So many files and bytes are done."""
        now = time.monotonic()
        if now - self._said < (self._TERMINAL_SECONDS if self._terminal else self._LINE_SECONDS):
            return
        self._said = now
        rate = done / max(now - self._started, 1e-9)
        text = f"{self._stage}: {plural(files, 'file')}, {bytes_text(done)}"
        if self._total:
            text += f" of {bytes_text(self._total)}"
        text += f", {bytes_text(rate)}/s"
        if self._total > done and rate:
            text += f", {duration_text((self._total - done) / rate)} left"
        if self._terminal:
            self._shown = True
            sys.stderr.write(f"\r\x1b[K{text}")
            sys.stderr.flush()
        else:
            talk(text)

    def clear(self) -> None:
        """Take the line away."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
