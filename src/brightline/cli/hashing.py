"""`brightline hash`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from brightline.cli.common import JsonOption, print_json


def hash_files(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Pictures or any files.")],
    pipelines: Annotated[
        bool,
        typer.Option("--pipelines", help="Also print the PDQ hashes that other pipelines make."),
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Print each file's signals: md5, sha1, sha256 and, of a picture, PDQ with its quality.

    Example: brightline hash --json landscape.jpg
    """
    from brightline.api import screen_file
    from brightline.sources.paths import encode_path, printable

    found = []
    status = 0
    for path in files:
        try:
            facts = screen_file(path, pipelines=pipelines)
        except OSError as error:
            facts = {"error": error.strerror or "cannot be read"}
        status = 3 if facts.get("error") else status
        found.append({"file": encode_path(os.fsencode(path)), **facts})
    if as_json:
        print_json(found)
    else:
        for path, facts in zip(files, found, strict=True):
            _tell(printable(os.fsencode(path)), facts)
    return status


def _tell(name: str, facts: dict[str, Any]) -> None:
    typer.echo(name)
    del facts["file"]
    views = facts.pop("pipelines", ())
    for key, value in facts.items():
        if value is not None:
            typer.echo(f"  {key:<13} {value}")
    for view in views:
        typer.echo(
            f"  {view['pipeline']:<18} {view['pdq']}  quality {view['pdq_quality']}, {view['via']}"
        )
