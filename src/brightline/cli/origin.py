"""`brightline origin`."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from brightline.cli.common import JsonOption, plural, print_json, table, talk

if TYPE_CHECKING:
    from brightline.origin import Evidence, Examination

#: a file over this is not read whole into memory for its metadata
_MOST_BYTES = 1 << 30


def origin(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Pictures.")],
    watermark: Annotated[
        bool,
        typer.Option(
            "--watermark",
            help="Also look for the open watermark of the first Stable Diffusion releases; "
            "about 44 ms a megapixel.",
        ),
    ] = False,
    no_c2pa: Annotated[
        bool, typer.Option("--no-c2pa", help="Do not read signed C2PA manifests.")
    ] = False,
    c2pa_trust: Annotated[
        Path | None,
        typer.Option(
            "--c2pa-trust",
            metavar="FILE",
            help="Trust anchors (PEM) instead of the list that ships with Brightline.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Print what a picture's file says about how it was made: evidence, never a verdict.

    Marks can be forged and removed: evidence is not proof, and finding none proves nothing.
    Texts are printed as SHA-256 and length only. Status 3 if a file could not be read or is no
    picture that is known here.

    Example: brightline origin --json landscape.png
    """
    from brightline.origin import examine, summary_counts
    from brightline.sources.paths import encode_path, printable

    anchors = _anchors(c2pa_trust)
    found: list[dict[str, Any]] = []
    examined = []
    for path in files:
        name, shown = encode_path(os.fsencode(path)), printable(os.fsencode(path))
        try:
            data = _read(path)
        except OSError as error:
            why = error.strerror or "cannot be read"
            found.append({"file": name, "error": why})
            if not as_json:
                talk(f"{shown}: {why}; not examined")
            continue
        one = examine(data, watermark=watermark, c2pa=not no_c2pa, stealth=True, c2pa_trust=anchors)
        examined.append(one)
        found.append({"file": name, **one.to_json()})
        if not as_json:
            _tell(shown, one)
    if as_json:
        print_json({"files": found, "counts": summary_counts(examined)})
    gaps = [n for one in examined for n in one.checks_not_run if n.check == "metadata"]
    return 3 if gaps or len(examined) < len(files) else 0


def _read(path: Path) -> bytes:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
        raise OSError(0, "no regular file")  # a pipe or a device may have no end
    if status.st_size > _MOST_BYTES:
        raise OSError(0, f"more than {_MOST_BYTES >> 30} GiB: no picture")
    return path.read_bytes()


def _anchors(path: Path | None) -> bytes | None:
    if path is None:
        return None
    from brightline.errors import UsageError
    from brightline.origin.c2pa_trust import check

    try:
        raw = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"the trust anchors {path} cannot be read ({error.strerror}); give a PEM file"
        ) from None
    try:
        return check(raw)
    except ValueError:
        raise UsageError(
            f"{path} holds no certificate that can be read; give a PEM file of trust anchors"
        ) from None


def _tell(name: str, one: Examination) -> None:
    typer.echo(f"{name}  {one.media_type}")
    if one.evidence:
        rows = [
            (f"  {p.claim}", str(p.strength), p.rule_id, p.field, _details(p)) for p in one.evidence
        ]
        table(rows, ("  CLAIM", "STRENGTH", "RULE", "FIELD", "EXTRACTED"))
    else:
        typer.echo("  no evidence found, which proves nothing about where it comes from")
    for contradiction in one.contradictions:
        typer.echo(f"  contradiction: {contradiction.name}: {contradiction.note}")
    if one.notes:
        typer.echo(f"  notes: {', '.join(one.notes)}")
    for label, checks in (
        ("not checked", one.checks_not_run),
        ("not checkable here", one.not_checkable),
    ):
        typer.echo(f"  {label}: " + "; ".join(f"{n.check} ({n.why})" for n in checks))
    forgeable = sum(piece.forgeable for piece in one.evidence)
    if forgeable:
        typer.echo(
            f"  {plural(forgeable, 'piece')} of this can be written by anyone, onto any file"
        )


def _details(piece: Evidence) -> str:
    parts = [f"{key}={value}" for key, value in piece.extracted.items()]
    parts += [f"codes={','.join(piece.validation_codes)}"] if piece.validation_codes else []
    return " ".join([*parts, f"sha256={piece.value_sha256[:16]}… {piece.value_length} B"])
