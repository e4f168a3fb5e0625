"""What the ledger costs: appends a second, and its share of an audit.

    python -m bench.ledger [--shards N] [--pictures N] [--rounds N]

An audit of small WebDataset shards of web-size pictures is made with the ledger and with appends
that do nothing, in turn, in one process; the best of each is compared, and the time that the
parent spends in appends is taken besides. Prints one JSON line.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from bench.audit import WORKERS, write_corpus
from bench.hashing import web_pictures
from brightline.findings import new_identity
from brightline.ledger import JSON, Event, Log
from brightline.lists import import_list, open_list
from brightline.screen.run import audit
from brightline.workspace import Workspace


def appends(count: int) -> float:
    """Appends a second, each durable, of records like a shard's."""
    digest = os.urandom(32).hex()
    files: dict[str, JSON] = dict.fromkeys(
        ("counts.json", "findings.age", "signals.parquet"), digest
    )
    with tempfile.TemporaryDirectory() as name:
        ledger = Log(Path(name, "ledger"), Path(name, "keys"))
        ledger.create()
        begin = time.perf_counter()
        for number in range(count):
            ledger.append(
                Event.SHARD_COMMITTED,
                {"run": "bench", "task": digest[:32], "items": number, "files": files},
            )
        return count / (time.perf_counter() - begin)


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
        opened = open_list(workspace.lists_dir, f"bench@{manifest.version}")
        spent: list[float] = []
        os.sync()
        begin = time.perf_counter()
        with timed(real=real, spent=spent):
            audit([corpus], [opened], workspace, workers=WORKERS, reuse=False)
        return time.perf_counter() - begin, sum(spent)


def main() -> None:
    """Print the figures as one JSON line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--shards", type=int, default=200)
    parser.add_argument("--pictures", type=int, default=60, help="in a shard")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-debian", action="store_true", help="only what packages ship")
    options = parser.parse_args()
    rate = appends(500)
    with tempfile.TemporaryDirectory() as name:
        corpus = Path(name, "corpus")
        pictures = web_pictures(48, debian=not options.no_debian)
        write_corpus(corpus, pictures, options.shards * options.pictures, options.pictures)
        audited(corpus, real=True)  # kernels compiled, pages cached
        with_, without, spent = [], [], []
        for _ in range(options.rounds):
            seconds, inside = audited(corpus, real=True)
            with_.append(seconds)
            spent.append(inside)
            without.append(audited(corpus, real=False)[0])
    figures = {
        "bench": "ledger",
        "appends_per_second": round(rate, 1),
        "shards": options.shards,
        "pictures_per_shard": options.pictures,
        "audit_s": round(min(with_), 2),
        "audit_without_ledger_s": round(min(without), 2),
        "ledger_share": round(min(with_) / min(without) - 1, 4),
        "time_in_appends_share": round(min(spent) / min(with_), 4),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
