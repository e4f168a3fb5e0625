"""A release against plain copying of the same shards.

    python -m bench.release [--samples N] [--times N] [--write]

WebDataset shards of pictures with captions and JSON are written to a temporary folder, audited
against a list that one in a hundred matches, and released: so that every shard is rewritten.
In turns with that the same shards are copied one after the other by `shutil.copyfile` (which the
kernel does by itself), and each is synced, as a release syncs it; and copied with the SHA-256 of
each by hashlib, which a release needs for its manifest. The time of a release is all of it:
findings opened, plan, copying, digests, manifest, rename. A release writes less than a copy where
much leaves; so rates are those of the bytes written.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import shutil
import statistics
import tarfile
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

import brightline
from bench import conditions, table, write_between_markers
from brightline import storage
from brightline.cli.common import note_import
from brightline.demo.pictures import drawn, encode
from brightline.findings import load_identity, new_identity
from brightline.lists import import_list
from brightline.release.plan import Options
from brightline.release.releasing import release
from brightline.types import Pipeline
from brightline.workspace import Workspace

_SHARDS = 24
_COMMENT = 60_000
#: one sample in so many of each shard matches
_EVERY = 100
_PAGE = Path(__file__).parent.parent / "docs" / "release.md"


def picture(number: int, base: bytes, rng: np.random.Generator) -> bytes:
    """A small JPEG with comments of its own: a web picture's size without its decoding time."""
    data = base[:2]
    for _ in range(int(rng.integers(1, 4))):
        note = number.to_bytes(8, "big") + rng.bytes(_COMMENT)
        data += b"\xff\xfe" + (len(note) + 2).to_bytes(2, "big") + note
    return data + base[2:]


def write_corpus(folder: Path, samples: int) -> list[str]:
    """Shards of samples of three files; returns rows of a list that some of them match."""
    folder.mkdir()
    base = encode(drawn(1, 64, 64), "JPEG")
    rng = np.random.default_rng(7)
    rows = []
    for shard in range(_SHARDS):
        with tarfile.open(folder / f"{shard:05}.tar", "w") as archive:
            for number in range(shard, samples, _SHARDS):
                data = picture(number, base, rng)
                if number // _SHARDS % _EVERY == 7:
                    rows.append(f"{hashlib.md5(data).hexdigest()},md5,A1")
                text = f"caption {number}".encode()
                for suffix, content in (("jpg", data), ("txt", text), ("json", b"{}")):
                    member = tarfile.TarInfo(f"{number:08}.{suffix}")
                    member.size = len(content)
                    archive.addfile(member, io.BytesIO(content))
    return rows


def copied(source: Path, target: Path, *, digest: bool) -> None:
    """Plain copying, durable; two files at a time and digested by hashlib, if so asked."""
    target.mkdir()

    def one(path: Path) -> None:
        shutil.copyfile(path, target / path.name)
        if digest:
            storage.sha256_file(target / path.name)
        storage.fsync_file(target / path.name)

    with ThreadPoolExecutor(2 if digest else 1) as pool:
        list(pool.map(one, sorted(source.iterdir())))


def weight(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def timed(do: Callable[[], object], target: Path) -> tuple[float, float, float]:
    """Seconds for something that makes a folder, of processors, and bytes a second; the folder
    is removed."""
    started, busy = time.perf_counter(), time.process_time()
    do()
    taken, busy = time.perf_counter() - started, time.process_time() - busy
    rate = weight(target) / taken
    shutil.rmtree(target)
    os.sync()
    return taken, busy, rate


def measure(samples: int, times: int) -> str:
    """The table of rates, as Markdown."""
    with tempfile.TemporaryDirectory(prefix="brightline-bench-") as name:
        root = Path(name)
        rows = write_corpus(root / "corpus", samples)
        size = weight(root / "corpus")
        workspace = Workspace.create(root / "workspace")
        workspace.add_custodian(new_identity(root / "key"), "Bench")
        (root / "list.csv").write_text("indicator,type,category\n" + "\n".join(rows) + "\n")
        made, _ = import_list(
            workspace.lists_dir, "hotline", root / "list.csv", pipeline=Pipeline.FULL
        )
        note_import(workspace, made)
        brightline.audit([root / "corpus"], ["hotline"], workspace, run="bench")
        identity = load_identity(root / "key")
        target = root / "target"

        def released(cover: float) -> None:
            # without the plan of the time before
            shutil.rmtree(workspace.root / "releases" / "bench", ignore_errors=True)
            release(workspace, "bench", target, identity, "bench", Options(cover))

        ways: dict[str, Callable[[], object]] = {
            "plain copy": lambda: copied(root / "corpus", target, digest=False),
            "copy and SHA-256 by hashlib": lambda: copied(root / "corpus", target, digest=True),
            "release, 1 % matched": lambda: released(0),
            "release, 1 % matched and cover": lambda: released(0.01),
        }
        taken: dict[str, list[tuple[float, float, float]]] = {way: [] for way in ways}
        for _ in range(times):
            for way, do in ways.items():
                taken[way].append(timed(do, target))
        rates = {way: statistics.median(rate for *_, rate in t) for way, t in taken.items()}
        plain = rates["plain copy"]
        lines = [
            (
                way,
                f"{statistics.median(seconds for seconds, *_ in t):.2f} s",
                f"{statistics.median(busy for _, busy, _ in t):.2f} s",
                f"{rates[way] / 1e6:.0f} MB/s",
                f"{rates[way] / plain:.0%}",
            )
            for way, t in taken.items()
        ]
    head = conditions("python -m bench.release", ["numpy", "numba", "pyarrow"])
    what = (
        f"{samples} samples of three files in {_SHARDS} shards, {size / 1e6:.0f} MB; medians of "
        f"{times}, in turns. The machine's load was {os.getloadavg()[0]:.1f}; 1 to 2 are its own."
    )
    columns = ("", "time", "of processors", "written", "of plain copying")
    return f"{head}\n{what}\n\n{table(columns, lines)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=5000)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="into docs/release.md")
    arguments = parser.parse_args()
    text = measure(arguments.samples, arguments.times)
    print(text)
    if arguments.write:
        write_between_markers(_PAGE, text)


if __name__ == "__main__":
    main()
