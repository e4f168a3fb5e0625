"""A release against plain copying of the same shards.

    python -m bench.release [--samples N] [--times N]

WebDataset shards of pictures with captions and JSON are written to a temporary folder, audited
against a list of which some match, and released with the default cover, so that every shard is
rewritten. In turns with it the same shards are copied by `shutil.copyfile`, each file synced as a
release syncs it; and copied with the SHA-256 of each file taken, which a release needs for its
manifest. The time of a release is all of it: findings opened, plan, copy, manifest, rename.
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
from unittest import mock

import numpy as np

import brightline
from bench import conditions, table
from brightline import storage
from brightline.demo.pictures import drawn, encode
from brightline.findings import load_identity, new_identity
from brightline.lists import import_list
from brightline.release import copying
from brightline.release.releasing import release
from brightline.types import Pipeline
from brightline.workspace import Workspace

_SHARDS = 4
_COMMENT = 60_000


def picture(number: int, base: bytes, rng: np.random.Generator) -> bytes:
    """A small JPEG with comments of its own: a web picture's size without its decoding time."""
    data = base[:2]
    for _ in range(int(rng.integers(1, 4))):
        note = number.to_bytes(8, "big") + rng.bytes(_COMMENT)
        data += b"\xff\xfe" + (len(note) + 2).to_bytes(2, "big") + note
    return data + base[2:]


def write_corpus(folder: Path, samples: int) -> list[str]:
    """Shards of samples of three files; returns rows of a list that ten of them match."""
    folder.mkdir()
    base = encode(drawn(1, 64, 64), "JPEG")
    rng = np.random.default_rng(7)
    rows = []
    for shard in range(_SHARDS):
        with tarfile.open(folder / f"{shard:05}.tar", "w") as archive:
            for number in range(shard, samples, _SHARDS):
                data = picture(number, base, rng)
                if number % (samples // 10) == 0:
                    rows.append(f"{hashlib.md5(data).hexdigest()},md5,A1")
                text = f"caption {number}".encode()
                for suffix, content in (("jpg", data), ("txt", text), ("json", b"{}")):
                    member = tarfile.TarInfo(f"{number:08}.{suffix}")
                    member.size = len(content)
                    archive.addfile(member, io.BytesIO(content))
    return rows


def copied(source: Path, target: Path, *, digest: bool) -> None:
    """Plain copying, durable; two files at a time and digested, if so asked."""
    target.mkdir()

    def one(path: Path) -> None:
        if digest:
            storage.sha256_file(path)
        shutil.copyfile(path, target / path.name)
        storage.fsync_file(target / path.name)

    with ThreadPoolExecutor(2 if digest else 1) as pool:
        list(pool.map(one, sorted(source.iterdir())))


class NoDigest:
    """Stands in for SHA-256, to show what the rest of a release costs."""

    def update(self, data: object) -> None:
        """Nothing is taken."""

    def hexdigest(self) -> str:
        """No digest at all."""
        return "0" * 64


def undigested(do: Callable[[], object]) -> None:
    """What a processor with instructions for SHA-256 comes near to."""
    with mock.patch.object(copying, "sha256", NoDigest):
        do()


def seconds(do: Callable[[], object], target: Path) -> float:
    """How long something takes that makes a folder, which is removed then."""
    started = time.perf_counter()
    do()
    taken = time.perf_counter() - started
    shutil.rmtree(target)
    os.sync()
    return taken


def measure(samples: int, times: int) -> str:
    """The table of rates, as Markdown."""
    with tempfile.TemporaryDirectory(prefix="brightline-bench-") as name:
        root = Path(name)
        rows = write_corpus(root / "corpus", samples)
        size = sum(path.stat().st_size for path in (root / "corpus").iterdir())
        workspace = Workspace.create(root / "workspace")
        workspace.add_custodian(new_identity(root / "key"), "Bench")
        (root / "list.csv").write_text("indicator,type,category\n" + "\n".join(rows) + "\n")
        import_list(workspace.lists_dir, "hotline", root / "list.csv", pipeline=Pipeline.FULL)
        brightline.audit([root / "corpus"], ["hotline"], workspace, run="bench")
        identity = load_identity(root / "key")
        target = root / "target"
        ways: dict[str, Callable[[], object]] = {
            "plain copy": lambda: copied(root / "corpus", target, digest=False),
            "copy and SHA-256, two at a time": lambda: copied(root / "corpus", target, digest=True),
            "release": lambda: release(workspace, "bench", target, identity, "bench"),
            "release, digests left out": lambda: undigested(
                lambda: release(workspace, "bench", target, identity, "bench")
            ),
        }
        taken: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(times):
            for way, do in ways.items():
                taken[way].append(seconds(do, target))
        plain = statistics.median(taken["plain copy"])
        lines = [
            (way, f"{size / 1e6 / (m := statistics.median(t)):.0f} MB/s", f"{plain / m:.0%}")
            for way, t in taken.items()
        ]
    head = conditions("python -m bench.release", ["numpy", "pyarrow"])
    what = f"{samples} samples of three files in {_SHARDS} shards, {size / 1e6:.0f} MB."
    return f"{head}\n{what}\n\n{table(('', 'rate', 'of plain copying'), lines)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=8000)
    parser.add_argument("--times", type=int, default=5)
    arguments = parser.parse_args()
    print(measure(arguments.samples, arguments.times))


if __name__ == "__main__":
    main()
