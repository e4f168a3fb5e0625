"""`brightline ledger`."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from brightline.cli.common import (
    JsonOption,
    WorkspaceOption,
    bytes_text,
    duration_text,
    open_workspace,
    plural,
    print_json,
    talk,
)
from brightline.cli.ledger_proofs import checkpoint, cosign, prove, vkey_of

if TYPE_CHECKING:
    from brightline.ledger.verify import Pace, Verified

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="The log of what was imported, screened, opened and released: show, verify, prove.",
)


@app.command()
def show(
    kind: Annotated[
        str | None, typer.Option(metavar="K", help="Only of this kind.", show_default=False)
    ] = None,
    run: Annotated[
        str | None,
        typer.Option(metavar="RUN", help="Only of this run.", show_default=False),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the records, oldest first.

    Example: brightline ledger show --kind findings_opened
    """
    from brightline.ledger.records import encode

    found = [
        record
        for record in open_workspace(workspace).ledger.records()
        if kind in (None, record.kind) and run in (None, record.fields.get("run"))
    ]
    if as_json:
        print_json(
            [{"seq": r.seq, "time": r.time, "kind": r.kind, "fields": r.fields} for r in found]
        )
        return
    for record in found:
        # escaped as in the log: a record's text cannot play tricks on a terminal
        sys.stdout.write(encode(record).decode("ascii") + "\n")


@app.command()
def verify(
    against: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="An older checkpoint; repeat.", show_default=False),
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY",
            help="The log's public key as you had it from elsewhere: verifier key or file; repeat.",
            show_default=False,
        ),
    ] = None,
    witness: Annotated[
        list[str] | None,
        typer.Option(
            metavar="VKEY",
            help="Who must have cosigned each --against: verifier key; repeat.",
            show_default=False,
        ),
    ] = None,
    token: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A timestamp of --against.", show_default=False),
    ] = None,
    tsa_root: Annotated[
        Path | None,
        typer.Option(
            metavar="PEM", help="The timestamp authority's root certificate.", show_default=False
        ),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Verify the log, and every run, list and file that it speaks of, from the files alone.

    Names the first thing that fails and exits with 1. What the log covers only against a
    checkpoint that someone else keeps: docs/promises.md.

    Example: brightline ledger verify --against january.checkpoint
    """
    from brightline.cli.common import workspace_path
    from brightline.errors import UsageError, VerificationError
    from brightline.ledger.verify import check_token, verify_workspace

    if (token is None) != (tsa_root is None) or (token is not None and len(against or []) != 1):
        raise UsageError("--token needs --tsa-root, and the one --against that it stamps")
    older = [(str(path), path.read_bytes()) for path in against or []]
    path = workspace_path(workspace)
    if not (path / "brightline.toml").exists() and not (path / "ledger").exists():
        raise UsageError(f"{path} is not a Brightline workspace; name it with --workspace DIR")
    try:
        found = verify_workspace(
            path,
            vkeys=[vkey_of(text, _origin(path)) for text in key or []],
            against=older,
            witnesses=witness or [],
            beat=_Beat(),
        )
        stamped = None
        if token is not None and tsa_root is not None:
            moment = check_token(token.read_bytes(), older[0][1], tsa_root.read_bytes())
            stamped = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    except VerificationError as error:
        if as_json:
            print_json({"verified": False, "fault": str(error)})
        talk(f"brightline: not verified: {error}")
        raise typer.Exit(1) from None
    document = _document(found, stamped)
    if as_json:
        print_json(document)
    else:
        _tell(found, stamped)


@app.command()
def key(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Print the public key: as verifier key, as PEM and as an SSH line. Hand it to counterparts.

    Example: brightline ledger key
    """
    from brightline.ledger.keys import public_pem, public_ssh

    opened = open_workspace(workspace)
    signer = opened.signer()
    if as_json:
        document = {
            "name": signer.name,
            "vkey": signer.vkey,
            "pem": public_pem(signer.public),
            "ssh": public_ssh(signer.public),
            "earlier": opened.ledger.keyring.vkeys()[:-1],
        }
        print_json(document)
        return
    typer.echo(signer.vkey)
    typer.echo(public_pem(signer.public), nl=False)
    typer.echo(f"{public_ssh(signer.public)} {signer.name}")


@app.command("rotate-key")
def rotate_key(workspace: WorkspaceOption = None) -> None:
    """Make a new key for the log and forget the private half of the old one.

    The old key signs the record that names the new one, so whoever knows the old one can follow.

    Example: brightline ledger rotate-key
    """
    signer = open_workspace(workspace).ledger.rotate_key()
    talk("the log has a new key; hand it to your counterparts:")
    typer.echo(signer.vkey)


class _Beat:
    """A line now and then: how far, how fast, how long still."""

    _SECONDS = 10.0

    def __init__(self) -> None:
        self._said = time.monotonic()
        self._files = 0.0

    def __call__(self, pace: Pace) -> None:
        now = time.monotonic()
        if pace.bytes and not self._files:
            self._files = now
        if now - self._said < self._SECONDS:
            return
        self._said = now
        if not pace.bytes:
            talk(f"verify: record {pace.records:,} of {pace.records_total:,}")
            return
        rate = pace.bytes / max(now - self._files, 1e-6)
        left = max(pace.bytes_total - pace.bytes, 0) / rate
        talk(
            f"verify: {bytes_text(pace.bytes)} of about {bytes_text(pace.bytes_total)} of files, "
            f"{bytes_text(rate)}/s, {duration_text(left)} to go"
        )


def _origin(path: Path) -> str:
    """The log's name as its checkpoint says, believed only together with a key."""
    from brightline.errors import VerificationError
    from brightline.ledger.verify import parse_checkpoint

    try:
        return parse_checkpoint((path / "ledger" / "checkpoint").read_bytes()).origin
    except (OSError, VerificationError):
        return "unknown"


def _document(found: Verified, stamped: str | None) -> dict[str, Any]:
    return {
        "verified": True,
        "origin": found.origin,
        "size": found.size,
        "root": found.root.hex(),
        "key": f"{found.key.name}+{found.key.id.hex()}",
        "records": found.kinds,
        "checked": {
            "tree_files": found.tiles,
            "runs": found.compared.runs,
            "shards": found.compared.shards,
            "lists": found.compared.lists,
            "files": found.compared.files,
        },
        "against": [
            {
                "checkpoint": older.name,
                "size": older.size,
                "witnesses": [{"name": w.name, "time": w.time} for w in older.witnesses],
            }
            for older in found.older
        ],
        "timestamp": stamped,
        "not_covered": found.not_covered,
    }


def _tell(found: Verified, stamped: str | None) -> None:
    done = found.compared
    typer.echo(
        f"verified: {found.origin}, {plural(found.size, 'record')}: the log, "
        f"{plural(done.runs, 'run')} with {plural(done.shards, 'shard')}, "
        f"{plural(done.lists, 'list version')}, {plural(done.files, 'file')}"
    )
    for older in found.older:
        typer.echo(f"only grown since {older.name} ({plural(older.size, 'record')})")
        for witness in older.witnesses:
            moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(min(witness.time, 1 << 40)))
            typer.echo(f"  cosigned by {witness.name} at {moment}")
    if stamped is not None:
        typer.echo(f"  timestamped at {stamped}")
    for line in found.not_covered:
        typer.echo(f"not covered: {line}")
    if not found.older:
        talk(
            "no older checkpoint was given (--against): this shows that the files fit together, "
            "not that the log was never rewritten"
        )


app.command("checkpoint")(checkpoint)
app.command("cosign")(cosign)
app.command("prove")(prove)
