"""What the ledger costs: its share of an audit, and how an append grows with the log.

    python -m bench.ledger [--shards N] [--pictures N] [--rounds N] [--write]

An audit of WebDataset shards of web-size pictures is made with the ledger and with appends that do
nothing, in turn, in one process; each pair gives a ratio. The time that the parent spends in
appends is taken besides: while it does, workers go on with other shards.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from bench import conditions, table, write_between_markers
from bench.audit import WORKERS, write_corpus
from bench.hashing import web_pictures
from brightline.cli.common import note_import
from brightline.findings import new_identity
from brightline.ledger import JSON, Event, Log
from brightline.ledger.verify import verify_workspace
from brightline.lists import import_list, open_list
from brightline.screen.run import audit
from brightline.workspace import Workspace


def _committed(number: int) -> tuple[Event, dict[str, JSON]]:
    """A record like a shard's."""
    digest = f"{number:064x}"
    names = ("counts.json", "findings.age", "signals.parquet")
    files: dict[str, JSON] = dict.fromkeys(names, digest)
    fields: dict[str, JSON] = {"run": "bench", "task": digest[:32], "items": number, "files": files}
    # not of a kind whose files `verify` looks for
    return Event.REPORT_MADE, fields


@contextmanager
def timed(*, real: bool, spent: list[float]) -> Iterator[None]:
    """Take the time of every append; without `real`, appends do nothing."""
    append = Log.append

    def measured(log: Log, kind: Event, fields: Mapping[str, JSON]) -> int:
        begin = time.perf_counter()
        try:
            return append(log, kind, fields) if real else 0
        finally:
            spent.append(time.perf_counter() - begin)

    with mock.patch.object(Log, "append", measured):
        yield


def audited(corpus: Path, *, real: bool) -> tuple[float, float]:
    """Seconds of an audit, and of those in appends."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        workspace = Workspace.create(folder / "workspace")
        workspace.add_custodian(new_identity(folder / "key"), "bench")
        (folder / "list.csv").write_text(
            "indicator,type\n" + "".join(f"{os.urandom(32).hex()},pdq\n" for _ in range(1000))
        )
        manifest, _ = import_list(workspace.lists_dir, "bench", folder / "list.csv")
        note_import(workspace, manifest)
        opened = open_list(workspace.lists_dir, f"bench@{manifest.version}")
        spent: list[float] = []
        os.sync()
        begin = time.perf_counter()
        with timed(real=real, spent=spent):
            audit([corpus], [opened], workspace, workers=WORKERS, reuse=False)
        return time.perf_counter() - begin, sum(spent)


def grown(records: int) -> list[str]:
    """A row of the second table: a log of so many records, as the next command meets it."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name, "workspace")
        ledger = Workspace.create(root).ledger
        for start in range(0, records, 5000):
            ledger.append_many([_committed(n) for n in range(start, min(start + 5000, records))])
        opened = Workspace.open(root).ledger
        begin = time.perf_counter()
        opened.append(*_committed(0))
        first = time.perf_counter() - begin
        each = sorted(_seconds(lambda: opened.append(*_committed(0))) for _ in range(200))[100]
        found = _seconds(lambda: sum(1 for _ in opened.records(Event.RUN_FINISHED, run="x")))
        every = _seconds(lambda: sum(1 for _ in opened.records()))
        verified = _seconds(lambda: verify_workspace(root))
    return [
        f"{records:,}",
        f"{first * 1000:.0f} ms",
        f"{each * 1000:.1f} ms",
        f"{found:.2f} s",
        f"{every:.2f} s",
        f"{verified:.2f} s",
    ]


def _seconds(do: Callable[[], object]) -> float:
    begin = time.perf_counter()
    do()
    return time.perf_counter() - begin


def shares(shards: int, pictures: int, rounds: int, *, debian: bool) -> list[str]:
    """The row of the first table."""
    with tempfile.TemporaryDirectory() as name:
        corpus = Path(name, "corpus")
        write_corpus(corpus, web_pictures(48, debian=debian), shards * pictures, pictures)
        audited(corpus, real=True)  # kernels compiled, pages cached
        pairs, spent = [], []
        for turn in range(rounds):
            if turn % 2:
                without, _ = audited(corpus, real=False)
                seconds, inside = audited(corpus, real=True)
            else:
                seconds, inside = audited(corpus, real=True)
                without, _ = audited(corpus, real=False)
            pairs.append((seconds / without - 1, seconds, without))
            spent.append(inside / seconds)
    pairs.sort()
    share, seconds, without = pairs[rounds // 2]
    return [
        f"{shards} × {pictures:,}",
        f"{seconds:.2f} s",
        f"{without:.2f} s",
        f"{share:+.1%} ({pairs[0][0]:+.1%} to {pairs[-1][0]:+.1%})",
        f"{statistics.median(spent):.1%}",
    ]


def main() -> None:
    """Print the tables; with `--write`, into docs/promises.md."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--shards", type=int, default=24)
    parser.add_argument("--pictures", type=int, default=1000, help="in a shard")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-debian", action="store_true", help="only what packages ship")
    parser.add_argument("--write", action="store_true", help="into docs/promises.md")
    options = parser.parse_args()
    debian = not options.no_debian
    audits = [shares(options.shards, options.pictures, options.rounds, debian=debian)]
    if options.shards * 2 >= 40:
        few = options.pictures // 20
        audits.append(shares(options.shards * 2, few, options.rounds, debian=debian))
    text = "\n\n".join(
        (
            conditions("python -m bench.ledger", ("numpy", "numba", "cryptography")),
            table(("shards × pictures", "audit", "without", "ledger", "in appends"), audits),
            table(
                ("records", "first append", "append", "look-up", "reading all", "verify"),
                [grown(records) for records in (100, 10_000, 100_000)],
            ),
        )
    )
    print(text)
    if options.write:
        write_between_markers(Path(__file__).parents[1] / "docs" / "promises.md", text)


if __name__ == "__main__":
    main()
