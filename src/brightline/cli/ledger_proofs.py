"""`brightline ledger` for counterparts: checkpoints to keep, cosignatures, proofs."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from brightline.cli.common import WorkspaceOption, open_workspace, plural, talk

OutputOption = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="FILE", help="Write to FILE.", show_default=False),
]


def checkpoint(
    output: OutputOption = None,
    timestamp: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Have an RFC 3161 service timestamp it; the token goes to FILE.tsr.",
            show_default=False,
        ),
    ] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Print the signed note over all records, for a counterpart to keep.

    Example: brightline ledger checkpoint -o january.checkpoint
    """
    from brightline import storage
    from brightline.errors import UsageError

    if timestamp is not None and output is None:
        raise UsageError("--timestamp needs -o FILE: the token is of that file")
    note = open_workspace(workspace).ledger.checkpoint()
    if timestamp is not None and output is not None:
        from brightline.ledger.timestamp import request_token

        token = request_token(timestamp, note)
        storage.write_atomic(output, note)
        storage.write_atomic(output.with_name(f"{output.name}.tsr"), token)
        talk(f"wrote {output} and its timestamp {output.name}.tsr; keep both")
        return
    _write(note, output)


def cosign(
    checkpoint: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="The checkpoint, or what `ledger prove --since` wrote.",
            show_default=False,
        ),
    ],
    identity: Annotated[
        Path,
        typer.Option(
            metavar="KEYFILE",
            help="Your Ed25519 key, PEM or OpenSSH, 0600. Use it for nothing else.",
            show_default=False,
        ),
    ],
    name: Annotated[
        str,
        typer.Option(metavar="NAME", help="Your name, a URL without scheme.", show_default=False),
    ],
    since: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Your last checkpoint of this log; refuse unless FILE proves growth from it.",
            show_default=False,
        ),
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY", help="The log's public key, checked first; repeat.", show_default=False
        ),
    ] = None,
    output: OutputOption = None,
) -> None:
    """Witness someone's checkpoint: add a cosignature with the time. Needs no workspace.

    It says that this is the longest log of that name that you know, and that it only grew.

    Example: brightline ledger cosign --checkpoint c --identity hotline.pem --name hotline.example
    """
    from brightline.errors import UsageError, VerificationError
    from brightline.ledger.keys import COSIGNATURE, key_id, load_signer, verifier_key
    from brightline.ledger.note import cosign as add_cosignature
    from brightline.ledger.verify import open_checkpoint, parse_checkpoint
    from brightline.ledger.verify.note import parse_key

    signer = load_signer(identity, name)
    note = checkpoint.read_bytes()
    try:
        note = _grown(note, None if since is None else since.read_bytes())
        head = parse_checkpoint(note)
        if key:
            open_checkpoint(note, [parse_key(vkey_of(text, head.origin)) for text in key])
    except VerificationError as error:
        talk(f"brightline: not cosigned: {checkpoint}: {error}")
        raise typer.Exit(1) from None
    identifier = key_id(name, signer.public, COSIGNATURE)
    if any((line.name, line.id) == (name, identifier) for line in head.note.signatures):
        raise UsageError(f"{checkpoint} is cosigned by {name} already")
    if not key:
        talk("warning: the log's own signature was not checked; give its public key with --key")
    _write(add_cosignature(note, signer, int(time.time())), output)
    talk(f"cosigned {head.origin} at {plural(head.size, 'record')}; others check it with:")
    talk(f"  --witness '{verifier_key(name, signer.public, COSIGNATURE)}'")


def _grown(data: bytes, since: bytes | None) -> bytes:
    """The checkpoint in what a witness was handed, after its growth was checked."""
    from brightline.errors import VerificationError
    from brightline.ledger.verify import check_consistency, parse_checkpoint, parse_growth

    growth = parse_growth(data) if data.startswith(b"old ") else None
    note = data if growth is None else growth.checkpoint
    if since is None:
        return note
    old, new = parse_checkpoint(since), parse_checkpoint(note)
    if old.origin != new.origin:
        raise VerificationError("it is of another log than your last checkpoint")
    if growth is None or growth.old != old.size:
        raise VerificationError(
            "it does not prove growth from your last checkpoint; "
            "ask for `brightline ledger prove --since` that one"
        )
    check_consistency(old.size, old.root, new.size, new.root, growth.path)
    return note


def prove(
    number: Annotated[
        int | None, typer.Argument(metavar="[N]", help="The record's `seq`.", min=0)
    ] = None,
    since: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Prove instead that the log only grew since this checkpoint, for a witness.",
            show_default=False,
        ),
    ] = None,
    output: OutputOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Write a portable proof that record N is on the log, the record in it (tlog-proof).

    Example: brightline ledger prove 12 -o opening.tlog-proof
    """
    from brightline.errors import UsageError, VerificationError
    from brightline.ledger.verify import parse_checkpoint

    if (number is None) == (since is None):
        raise UsageError("give the number of a record, or --since CHECKPOINT")
    ledger = open_workspace(workspace).ledger
    if number is not None:
        _write(ledger.prove(number), output)
    elif since is not None:
        try:
            old = parse_checkpoint(since.read_bytes()).size
        except VerificationError as error:
            raise UsageError(f"{since}: {error}") from None
        _write(ledger.prove_growth(old), output)


def vkey_of(text: str, origin: str) -> str:
    """A verifier key from what the user gave; a key without a name is taken for the log's."""
    from brightline.ledger.keys import read_public, verifier_key

    name, public = read_public(text)
    return verifier_key(name or origin, public)


def _write(data: bytes, output: Path | None) -> None:
    from brightline import storage

    if output is None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    else:
        storage.write_atomic(output, data)
