"""Write docs/tampering.md: python -m tests.tamper.page"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.tamper.scene import make_scene
from tests.tamper.sweeping import Swept, sweep_release, sweep_workspace
from tests.tamper.verdicts import ROWS, Unnoticed

PAGE = Path(__file__).parents[2] / "docs" / "tampering.md"

_HEAD = """\
# What is noticed when a workspace is tampered with

Made by `python -m tests.tamper.page`, which makes a small workspace with one of everything, does
to each of its files and folders what somebody could do, one thing at a time, and verifies it
each time from the files alone. `make test` does so with a sample, `make test-long` with all.

Somebody here can write to the workspace and knows all its formats, but does not have the key in
`keys/ledger.pem`. Who has the key can write another ledger:
[what the ledger promises](promises.md) says what helps then.

A file is flipped (first, middle and last byte of each class of bytes that its form has, two bits
of each; every hash of a tile, every entry of a bundle), emptied, cut in half and by a byte,
doubled, made longer, removed, made a link or a folder, replaced by another of its kind, swapped
with it, and put back from each of three older copies of the workspace. A folder is removed, put
back from an older copy, and added to. Several are put back together, up to the whole workspace.
Forgeries fit together in all but the ledger: findings sealed empty with counts to match, a list's
entry removed with its manifest to match, a plan of a release sealed by a stranger.
"""


def page(workspace: Swept, release: Swept) -> str:
    """The page, of what an exhaustive sweep came to."""
    refused = "refused by `ledger verify`"
    return "\n".join(
        [
            _HEAD,
            f"## The workspace: {workspace.made.total():,} tamperings\n",
            *_table(workspace, refused, "what notices it"),
            "\n## What `ledger verify` alone does not refuse\n",
            "Each row has a proof in `tests/tamper/verdicts.py`, made for every one of its "
            "tamperings. A row that none needs fails the tests.\n",
            *_rows(workspace),
            f"\n## A release: {release.made.total():,} tamperings\n",
            "`brightline verify` has the release, its statement and the publisher's public key.\n",
            *_table(release, "refused by `verify`", "the first check that fails"),
            "\nWhat is not refused is a link in the place of a file in `.brightline/`: the bytes "
            "behind it are read and verified.",
            "\n## Not in the sweep\n",
            "- The state of `list sync`, in the folder of a list: where it is in a feed. It is no "
            "evidence and not on the ledger; every version that is made of it is.",
            "- The steps of a submission and of legal holds. They are compared with the ledger as "
            "reviews are.",
            "- Corpora. A run has the size and time of every file frozen; `audit`, `rescreen` and "
            "`release` refuse one that changed.",
            "",
        ]
    )


def _table(swept: Swept, refused: str, check: str) -> list[str]:
    lines = [
        f"| what | tamperings | {refused} | not refused | {check} |",
        "|---|--:|--:|--:|---|",
    ]
    for kind, made in sorted(swept.made.items()):
        checks = Counter({name: n for (of, name), n in swept.noticed.items() if of == kind})
        let_pass = sum(n for (of, _), n in swept.excused.items() if of == kind)
        names = "; ".join(f"{name} ({n:,})" for name, n in sorted(checks.items()))
        lines.append(f"| {kind} | {made:,} | {checks.total():,} | {let_pass:,} | {names} |")
    let_pass = swept.excused.total()
    total = swept.noticed.total()
    lines.append(f"| **all** | {swept.made.total():,} | {total:,} | {let_pass:,} | |")
    return lines


def _rows(swept: Swept) -> list[str]:
    lines = ["| what | how many | verdict | why |", "|---|--:|---|---|"]
    for verdict in Unnoticed:
        for row in ROWS:
            if row.verdict is verdict:
                count = sum(n for (_, of), n in swept.excused.items() if of is row)
                lines.append(f"| {row.what} | {count:,} | {verdict} | {row.why} |")
    return lines


def main() -> None:
    """Sweep all, and write the page, or say what is wrong."""
    with tempfile.TemporaryDirectory() as folder:
        scene = make_scene(Path(folder) / "scene")
        swept = []
        for number, sweep in enumerate((sweep_workspace, sweep_release)):
            work = Path(folder) / str(number)
            work.mkdir()
            swept.append(sweep(scene, work, every=True))
    faults = [fault for each in swept for fault in each.faults]
    if faults:
        sys.exit("\n".join(faults[:20]))
    PAGE.write_text(page(*swept), encoding="utf-8")
    sys.stdout.write(f"wrote {PAGE}: {sum(each.made.total() for each in swept):,} tamperings\n")


if __name__ == "__main__":
    main()
