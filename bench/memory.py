"""Peak memory of an audit's processes as the corpus grows: it should not.

    python -m bench.memory [--items 10000 100000]

For each size a corpus of WebDataset shards is made from a few small drawn pictures (each made
different by a comment of its own) in a temporary folder, and audited with two workers while the
private memory of every process is sampled from /proc.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path

from bench import conditions, table
from brightline.demo.pictures import drawn, encode
from brightline.findings import new_identity
from brightline.lists import import_list
from brightline.workspace import Workspace

PER_SHARD = 5000


def write_corpus(folder: Path, items: int) -> None:
    """Shards of 5,000 pictures."""
    folder.mkdir()
    pictures = [encode(drawn(k, 160, 120), "JPEG", quality=80) for k in range(20)]
    for first in range(0, items, PER_SHARD):
        with tarfile.open(folder / f"{first // PER_SHARD:05}.tar", "w") as archive:
            for k in range(first, min(first + PER_SHARD, items)):
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


def children(pid: int) -> list[int]:
    """Direct children of a process."""
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(kid) for kid in path.read_text().split()]
        except OSError:
            continue
    return found


def watch(process: subprocess.Popen[bytes], peaks: dict[int, int]) -> None:
    """Keep the peak of every process of a family until it ends."""
    while process.poll() is None:
        for pid in [process.pid, *children(process.pid)]:
            peaks[pid] = max(peaks[pid], private_bytes(pid))
        time.sleep(0.1)


def measure(items: int, folder: Path) -> tuple[float, int, int]:
    """Seconds, peak of the parent and of the largest child."""
    workspace = Workspace.create(folder / "workspace")
    workspace.add_custodian(new_identity(folder / "key"), "bench")
    (folder / "list.csv").write_text(f"indicator,type\n{'ab' * 16},md5\n{'cd' * 32},pdq\n")
    import_list(workspace.lists_dir, "bench", folder / "list.csv")
    write_corpus(folder / "corpus", items)
    program = Path(sys.executable).with_name("brightline")
    command = [str(program), "--workspace", str(workspace.root), "audit", str(folder / "corpus")]
    started = time.monotonic()
    process = subprocess.Popen(
        [*command, "--list", "bench", "--workers", "2"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    peaks: dict[int, int] = defaultdict(int)
    watcher = threading.Thread(target=watch, args=(process, peaks))
    watcher.start()
    process.wait()
    watcher.join()
    parent = peaks.pop(process.pid)
    return time.monotonic() - started, parent, max(peaks.values())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, nargs="+", default=[10_000, 100_000])
    options = parser.parse_args()
    rows = []
    for items in options.items:
        with tempfile.TemporaryDirectory() as folder:
            seconds, parent, worker = measure(items, Path(folder))
        rows.append(
            [
                f"{items:,}",
                f"{items / seconds:,.0f}",
                f"{parent / 1e6:.0f} MB",
                f"{worker / 1e6:.0f} MB",
            ]
        )
    print(conditions("python -m bench.memory", ("pyarrow", "numba")))
    print(table(["items", "items/s, start included", "peak of parent", "peak of a worker"], rows))


if __name__ == "__main__":
    main()
