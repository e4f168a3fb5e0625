"""Re-screening a large corpus's archives against a delta, and against a whole list.

    python -m bench.rescreen [--items 10000000 100000000] [--list-entries 10000000] [--write]

A run is written to a temporary folder as an audit leaves it: manifest, counts, sealed findings and
archives of the real schema with random signals, one item in a million near an entry of the delta.
Then the installed command re-screens it with two workers, start, verification of every archive and
commit included, while the private memory of every process is sampled from /proc. 10 million items
take 1 GB of disk, 100 million 10 GB. `--list-entries` also asks a whole list, `--list-items` items.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bench import conditions, table, write_between_markers
from bench.audit import watch
from brightline._version import __version__
from brightline.cli.common import note_import
from brightline.findings import Custodian, new_identity, seal
from brightline.lists import import_list, list_versions
from brightline.screen.archive import SCHEMA, Archive
from brightline.screen.manifest import freeze
from brightline.screen.parameters import ListReference, Parameters, task_id
from brightline.screen.runs import MANIFEST, RUN, SHARDS, SUMMARY, now
from brightline.screen.tally import Tally
from brightline.screen.task import COUNTS, FINDINGS, SIGNALS
from brightline.signals.pipelines import SIGNALS_VERSION
from brightline.types import FileStamp, Kind, Limits, Pipeline, Shard
from brightline.workspace import Workspace

WORKERS = 2
PAGE = Path(__file__).parents[1] / "docs" / "rescreen.md"
_WIDTHS = {"md5": 16, "sha1": 20, "sha256": 32, "pdq": 32}
#: one item in so many is near an entry of the delta
_PLANTED = 1_000_000
_BITS = 12

Values = dict[str, npt.NDArray[np.uint8]]


@dataclass(frozen=True, slots=True)
class Rescreening:
    """One re-screening as measured: seconds, core-seconds, peaks of private memory in bytes."""

    what: str
    items: int
    seconds: float
    cpu: float
    parent: int
    worker: int
    matches: int

    @property
    def rate(self) -> float:
        """Items a second, start included."""
        return self.items / self.seconds


def entries(seed: int, counts: dict[str, int]) -> Values:
    """Random values of each type."""
    rng = np.random.default_rng(seed)
    return {t: rng.integers(0, 256, (counts.get(t, 0), w), np.uint8) for t, w in _WIDTHS.items()}


def list_file(path: Path, parts: Sequence[Values]) -> None:
    """A list as CSV."""
    with path.open("w", encoding="ascii") as out:
        out.write("indicator,type\n")
        for part in parts:
            for name, values in part.items():
                out.writelines(f"{value.tobytes().hex()},{name}\n" for value in values)


def _fixed(values: npt.NDArray[np.uint8]) -> pa.Array:
    kind = pa.binary(values.shape[1])
    return pa.FixedSizeBinaryArray.from_buffers(kind, len(values), [None, pa.py_buffer(values)])


def write_archive(path: Path, number: int, items: int, delta: Values) -> int:
    """One shard's archive of random signals; returns how many of them the delta will match."""
    rng = np.random.default_rng((7, number))
    columns: dict[str, pa.Array] = {}
    first = number * items
    planted = [k for k in range(-first % _PLANTED, items, _PLANTED) if len(delta["pdq"])]
    for name, width in _WIDTHS.items():
        values = np.frombuffer(rng.bytes(items * width), np.uint8).reshape(items, width)
        if name == "pdq" and planted:
            values = values.copy()
            for k in planted:
                values[k] = delta["pdq"][(first + k) % len(delta["pdq"])]
                values[k, : _BITS // 8] ^= 255
        columns[name] = _fixed(values)
    labels = {"outcome": "screened", "media_type": "image/jpeg", "pdq_pipeline": "full+luma"}
    for name, label in labels.items():
        columns[name] = pa.array([label] * items).dictionary_encode()
    columns["item"] = pa.array([f"{first + k:012}.jpg" for k in range(items)])
    columns["size"] = pa.array(rng.integers(5_000, 60_000, items))
    columns["width"] = columns["height"] = pa.array(np.full(items, 384))
    columns["pdq_quality"] = pa.array(np.full(items, 100, np.uint8))
    none = pa.array(np.zeros(items + 1, np.int32))
    arrays = []
    for field in SCHEMA:
        if field.name in columns:
            arrays.append(columns[field.name].cast(field.type))
        elif pa.types.is_list(field.type):
            empty = pa.array([], field.type.value_type)
            arrays.append(pa.ListArray.from_arrays(none, empty, type=field.type))
        else:
            arrays.append(pa.nulls(items, field.type))
    whole = pa.Table.from_arrays(arrays, schema=SCHEMA)
    with Archive(path) as archive:
        archive.add_table(whole)
    return len(planted)


def write_task(
    folder: Path, number: int, task: str, items: int, delta: Values, custodian: Custodian
) -> int:
    """One shard as an audit commits it."""
    home = folder / SHARDS / task
    home.mkdir(parents=True)
    planted = write_archive(home / SIGNALS, number, items, delta)
    seal([], [custodian], home / FINDINGS)
    tally = Tally()
    tally.items = items
    tally.counters["kinds"][Kind.SCREENED] = items
    document = {
        "task": task,
        "number": number,
        "tally": tally.to_json(),
        "content_digest": f"sha256:{hashlib.sha256(task.encode()).hexdigest()}",
        "reconciliation": None,
        "seconds": 0.0,
        "files": {
            name: hashlib.sha256((home / name).read_bytes()).hexdigest()
            for name in (FINDINGS, SIGNALS)
        },
    }
    (home / COUNTS).write_text(json.dumps(document))
    return planted


def write_run(
    workspace: Workspace, items: int, per_shard: int, delta: Values, custodian: Custodian
) -> int:
    """A complete run named `corpus`; returns how many items the delta matches."""
    folder = workspace.runs_dir / "corpus"
    folder.mkdir()
    old = list_versions(workspace.lists_dir, "hotline")[0]
    reference = ListReference(old.name, old.version, old.digest)
    parameters = Parameters(("/nowhere",), (reference,), Limits())
    shards = [
        Shard("/nowhere", f"{k:05}.tar", "tar", (FileStamp(f"/nowhere/{k:05}.tar", 4 << 30, 1),))
        for k in range(items // per_shard)
    ]
    frozen = freeze(shards, folder / MANIFEST)
    totals = frozen.sources["/nowhere"]
    document: dict[str, Any] = {
        "run": "corpus",
        "tool": {"name": "brightline", "version": __version__},
        "signals_version": SIGNALS_VERSION,
        "started": now(),
        "parameters": parameters.to_json(),
        "manifest": {
            "digest": frozen.digest,
            "shards": frozen.shards,
            "bytes": frozen.bytes,
            "sources": {
                "/nowhere": {
                    "kinds": totals.kinds,
                    "shards": totals.shards,
                    "bytes": totals.bytes,
                    "digest": totals.digest,
                }
            },
        },
    }
    (folder / RUN).write_text(json.dumps(document))
    with ProcessPoolExecutor(WORKERS) as pool:
        jobs = [
            pool.submit(
                write_task, folder, k, task_id(shard, parameters), per_shard, delta, custodian
            )
            for k, shard in enumerate(shards)
        ]
        planted = sum(job.result() for job in jobs)
    (folder / SUMMARY).write_text(json.dumps({"state": "complete"}))
    return planted


def rescreen(workspace: Workspace, what: str, items: int, arguments: Sequence[str]) -> Rescreening:
    """Time the installed command."""
    program = str(Path(sys.executable).with_name("brightline"))
    command = [program, "--workspace", str(workspace.root), "rescreen", "corpus", *arguments]
    started = time.monotonic()
    process = subprocess.Popen(
        [*command, "--workers", str(WORKERS), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    peaks: dict[int, int] = defaultdict(int)
    used: dict[int, float] = defaultdict(float)
    watcher = threading.Thread(target=watch, args=(process, peaks, used))
    watcher.start()
    printed, _ = process.communicate()
    seconds = time.monotonic() - started
    watcher.join()
    cpu = sum(used.values())
    if process.returncode not in (0, 1):
        raise RuntimeError(f"the command ended with status {process.returncode}")
    summary = json.loads(printed)
    if summary["items"] != items:
        raise RuntimeError("items are missing")
    parent = peaks.pop(process.pid)
    worker = max(peaks.values(), default=0)
    return Rescreening(what, items, seconds, cpu, parent, worker, summary["matches"]["total"])


@contextlib.contextmanager
def corpus(
    items: int, per_shard: int, delta: Values, parent: Path | None = None
) -> Iterator[tuple[Workspace, str, int]]:
    """A workspace with the run and a list of two versions; the delta's name; planted matches."""
    with tempfile.TemporaryDirectory(dir=parent) as name:
        folder = Path(name)
        workspace = Workspace.create(folder / "workspace")
        custodian = Custodian("bench", new_identity(folder / "key"))
        workspace.add_custodian(custodian.recipient, custodian.name)
        old = entries(1, {"md5": 400, "sha1": 300, "pdq": 300})
        versions = []
        for parts in ([old], [old, delta]):
            list_file(folder / "list.csv", parts)
            options: Any = {"pipeline": Pipeline.FULL}
            manifest, _ = import_list(
                workspace.lists_dir, "hotline", folder / "list.csv", **options
            )
            note_import(workspace, manifest)
            versions.append(manifest.version)
        planted = write_run(workspace, items, per_shard, delta, custodian)
        os.sync()
        yield workspace, "hotline@" + "..".join(versions), planted


def against_delta(items: int, per_shard: int, delta: Values, parent: Path | None) -> Rescreening:
    """A delta's entries against so many items. Raises RuntimeError if a planted one is missed."""
    size = sum(len(values) for values in delta.values())
    with corpus(items, per_shard, delta, parent) as (workspace, name, planted):
        done = rescreen(workspace, f"delta of {size:,}", items, ["--delta", name])
    if done.matches != planted:
        raise RuntimeError(f"{done.matches} matches where {planted} were planted")
    return done


def against_list(items: int, per_shard: int, size: int, parent: Path | None) -> Rescreening:
    """A whole list, half of it PDQ and half MD5."""
    none = entries(2, {})
    with corpus(items, per_shard, none, parent) as (workspace, _, _):
        file = workspace.root.parent / "whole.csv"
        list_file(file, [entries(3, {"pdq": size // 2, "md5": size - size // 2})])
        options: Any = {"pipeline": Pipeline.FULL}
        note_import(workspace, import_list(workspace.lists_dir, "whole", file, **options)[0])
        file.unlink()
        return rescreen(workspace, f"list of {size:,}", items, ["--list", "whole"])


HEAD = (
    *("against", "items", "seconds", "M items/s", "core-seconds", "M items a core-second"),
    *("peak of parent", "peak of a worker", "matches"),
)


def rows(found: Sequence[Rescreening]) -> list[Sequence[object]]:
    """Table rows."""
    return [
        (
            one.what,
            f"{one.items:,}",
            f"{one.seconds:.1f}",
            f"{one.rate / 1e6:.2f}",
            f"{one.cpu:.1f}",
            f"{one.items / one.cpu / 1e6:.2f}",
            f"{one.parent / 1e6:.0f} MB",
            f"{one.worker / 1e6:.0f} MB",
            f"{one.matches:,}",
        )
        for one in found
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--items", type=int, nargs="*", default=[10_000_000])
    parser.add_argument("--shard", type=int, default=100_000, help="items of a shard")
    parser.add_argument("--entries", type=int, default=10_000, help="entries of the delta")
    parser.add_argument("--list-entries", type=int, default=0, help="also a list of that size")
    parser.add_argument("--list-items", type=int, default=2_000_000, help="items against it")
    parser.add_argument("--folder", type=Path, help="where the corpus is put for the time")
    parser.add_argument("--write", action="store_true", help="put the result into the page")
    arguments = parser.parse_args()
    before = os.getloadavg()[0]
    quarter = arguments.entries // 4
    delta = entries(2, dict.fromkeys(_WIDTHS, quarter))
    found = [
        against_delta(items, arguments.shard, delta, arguments.folder) for items in arguments.items
    ]
    if arguments.list_entries:
        found.append(
            against_list(
                arguments.list_items, arguments.shard, arguments.list_entries, arguments.folder
            )
        )
    text = (
        f"{table(HEAD, rows(found))}\n\n"
        f"{conditions('python -m bench.rescreen', ['brightline', 'numpy', 'numba', 'pyarrow'])} "
        f"Load average before {before:.1f}, after {os.getloadavg()[0]:.1f}."
    )
    print(text)
    if arguments.write:
        write_between_markers(PAGE, text)


if __name__ == "__main__":
    main()
