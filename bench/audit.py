"""A whole audit: throughput against what two cores could do at most, growth, and memory.

    python -m bench.audit [--items N] [--growth N N …]

A corpus of WebDataset shards is written to a temporary folder and audited with two workers by the
installed command, start and commit included, while the private memory of every process is sampled
from /proc. Each member differs from every other by a comment of its own.

- *Web-size*: the JPEGs of `bench.hashing`. The yardstick is twice the rate at which one core makes
  the signals of the same pictures, measured just before and just after.
- *Growth*: small drawn pictures, so that what an audit adds to the signals shows.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import conditions, table
from bench.hashing import BATCH, signals, web_pictures
from brightline.cli.common import note_import
from brightline.demo.pictures import drawn, encode
from brightline.findings import new_identity
from brightline.lists import import_list
from brightline.workspace import Workspace

WORKERS = 2
_LIST_ENTRIES = 1_000_000


@dataclass(frozen=True, slots=True)
class Audit:
    """One audit as measured: seconds, and peaks of private memory in bytes."""

    items: int
    seconds: float
    parent: int
    worker: int

    @property
    def rate(self) -> float:
        """Items a second, start included."""
        return self.items / self.seconds


@dataclass(frozen=True, slots=True)
class Share:
    """An audit, and signals a second of one core."""

    audit: Audit
    one_core: float

    @property
    def reached(self) -> float:
        """What the audit reaches of what its workers could at most."""
        return self.audit.rate / (WORKERS * self.one_core)


def write_corpus(folder: Path, pictures: Sequence[bytes], items: int, per_shard: int) -> None:
    """Shards of JPEGs, each with its number in a comment."""
    folder.mkdir()
    for first in range(0, items, per_shard):
        with tarfile.open(folder / f"{first // per_shard:05}.tar", "w") as archive:
            for k in range(first, min(first + per_shard, items)):
                note = f"picture {k}".encode()
                comment = b"\xff\xfe" + (len(note) + 2).to_bytes(2, "big") + note
                picture = pictures[k % len(pictures)]
                data = picture[:2] + comment + picture[2:]
                member = tarfile.TarInfo(f"{k:08}.jpg")
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))


def private_bytes(pid: int) -> int:
    """Memory that a process shares with no other (RssAnon)."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    lines = [line for line in status.splitlines() if line.startswith("RssAnon:")]
    return int(lines[0].split()[1]) << 10 if lines else 0


def processor_seconds(pid: int) -> float:
    """What a process has used so far, user and system (proc(5), fields 14 and 15 of stat)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def family(pid: int) -> list[int]:
    """A process and all that descends from it."""
    found = [pid]
    for each in found:
        for path in Path(f"/proc/{each}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                found += [int(kid) for kid in path.read_text().split()]
    return found


def watch(process: subprocess.Popen[bytes], peaks: dict[int, int], used: dict[int, float]) -> None:
    """Keep every process's peak of memory and the processor time it used, until the first ends.

    Workers are no children of the command itself, so nobody else adds up what they used.
    """
    while process.poll() is None:
        for pid in family(process.pid):
            peaks[pid] = max(peaks[pid], private_bytes(pid))
            used[pid] = max(used[pid], processor_seconds(pid))
        time.sleep(0.05)


def _list_file(path: Path, entries: int) -> None:
    """A list of random MD5 and PDQ hashes."""
    lines = [
        f"{os.urandom(16).hex()},md5\n{os.urandom(32).hex()},pdq\n" for _ in range(entries // 2)
    ]
    path.write_text("indicator,type\n" + "".join(lines))


def audit(pictures: Sequence[bytes], items: int, per_shard: int, entries: int) -> Audit:
    """Write the corpus and audit it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        workspace = Workspace.create(folder / "workspace")
        workspace.add_custodian(new_identity(folder / "key"), "bench")
        _list_file(folder / "list.csv", entries)
        note_import(workspace, import_list(workspace.lists_dir, "bench", folder / "list.csv")[0])
        write_corpus(folder / "corpus", pictures, items, per_shard)
        program = str(Path(sys.executable).with_name("brightline"))
        command = [program, "--workspace", str(workspace.root), "audit", str(folder / "corpus")]
        os.sync()  # the corpus is written before the clock starts
        started = time.monotonic()
        process = subprocess.Popen(
            [*command, "--list", "bench", "--workers", str(WORKERS)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        peaks: dict[int, int] = defaultdict(int)
        used: dict[int, float] = defaultdict(float)
        watcher = threading.Thread(target=watch, args=(process, peaks, used))
        watcher.start()
        status = process.wait()
        seconds = time.monotonic() - started
        watcher.join()
    if status != 0:
        raise RuntimeError(f"the audit ended with status {status}")
    parent = peaks.pop(process.pid)
    return Audit(items, seconds, parent, max(peaks.values()))


def _one_core(pictures: Sequence[bytes]) -> float:
    """Signals a second on one core."""
    batches = [pictures[k : k + BATCH] for k in range(0, len(pictures), BATCH)]
    signals(batches[0])
    begin = time.perf_counter()
    for batch in batches:
        signals(batch)
    return len(pictures) / (time.perf_counter() - begin)


def web(*, small: bool, debian: bool = True) -> Share:
    """Web-size pictures against the most that the workers could do."""
    pictures = web_pictures(24 if small else 480, debian=debian)
    items, per_shard = (200, 50) if small else (60_000, 1000)
    before = _one_core(pictures)
    done = audit(pictures, items, per_shard, 1000 if small else _LIST_ENTRIES)
    return Share(done, (before + _one_core(pictures)) / 2)


def growth(sizes: Sequence[int], entries: int = _LIST_ENTRIES) -> list[Audit]:
    """Small pictures, more and more of them."""
    pictures = [encode(drawn(k, 160, 120), "JPEG", quality=80) for k in range(20)]
    return [audit(pictures, items, 5000, entries) for items in sizes]


def rows(audits: Sequence[Audit]) -> list[Sequence[object]]:
    """Table rows."""
    return [
        (
            f"{one.items:,}",
            f"{one.seconds:,.1f}",
            f"{one.rate:,.0f}",
            f"{one.parent / 1e6:.0f} MB",
            f"{one.worker / 1e6:.0f} MB",
        )
        for one in audits
    ]


HEAD = ("items", "seconds", "items/s, start included", "peak of parent", "peak of a worker")
GROWTH = (1_000, 10_000, 100_000, 1_000_000)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--small", action="store_true", help="only see that it works")
    parser.add_argument("--no-debian", action="store_true", help="only what packages ship")
    parser.add_argument("--growth", type=int, nargs="*", help="sizes for the growth")
    options = parser.parse_args()
    print(conditions("python -m bench.audit", ("brightline", "pyarrow", "numba")) + "\n")
    share = web(small=options.small, debian=not options.no_debian)
    print(table(HEAD, rows([share.audit])))
    print(
        f"\none core makes the signals of {share.one_core:,.0f} pictures a second; "
        f"{WORKERS} workers reach {share.reached:.2f} of {WORKERS} times that\n"
    )
    sizes = (
        options.growth if options.growth is not None else ((50, 100) if options.small else GROWTH)
    )
    print(table(HEAD, rows(growth(sizes, 1000 if options.small else _LIST_ENTRIES))))


if __name__ == "__main__":
    main()
