"""`brightline list provenance`."""

from __future__ import annotations

from typing import Annotated

import typer

from brightline.cli.common import (
    JsonOption,
    WorkspaceOption,
    open_workspace,
    print_json,
    table,
)


def provenance(
    name: Annotated[str, typer.Argument(metavar="NAME[@VERSION]")],
    entries: Annotated[
        list[int], typer.Argument(metavar="ENTRY…", min=0, help="As findings name it.")
    ],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Who submitted entries of a list, as which record, and when; never their values.

    Example: brightline list provenance hotline@3 17 204
    """
    import numpy as np

    from brightline.errors import ListError
    from brightline.lists import open_list

    found = open_list(open_workspace(workspace).lists_dir, name)
    known = np.isin(np.array(entries, np.int64), found.numbers())
    if not np.all(known):
        raise ListError(
            f"{int(np.count_nonzero(~known))} of these entries are not in {found.manifest.name}@"
            f"{found.manifest.version}; take numbers and version from a finding"
        )
    rows = [
        {
            "entry": entry,
            "category": category,
            "submitter": origin.submitter,
            "record": origin.source_id,
            "changed": origin.changed,
        }
        for entry, category, origin in zip(
            entries, found.category(entries), found.provenance(entries), strict=True
        )
    ]
    if as_json:
        print_json(
            {"list": found.manifest.name, "version": found.manifest.version, "entries": rows}
        )
    else:
        heads = tuple(rows[0])
        table(
            [
                tuple("-" if row[head] in ("", None) else str(row[head]) for head in heads)
                for row in rows
            ],
            heads,
        )
