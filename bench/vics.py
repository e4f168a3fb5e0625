"""Importing a VICS file of millions of Media: time, and how much memory it takes.

    python -m bench.vics [--entries N …] [--write]

The files are made up and streamed to disk: random digests, a PDQ and two tags for every other
Media, a MediaFile or three with long paths, as data model 2.0 nests them. Each is imported in a
process of its own. Its greatest anonymous memory (`RssAnon` of proc_pid_status(5), looked at
every 20 ms) is what it needs; its greatest resident memory (`VmHWM`) also counts pages of mapped
files, which the system takes back as it likes. `--write` makes docs/lists.md.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from bench import conditions, table
from brightline.lists import import_list
from brightline.screen.warm import warm

SEED = 11
PAGE = Path("docs/lists.md")
_PACKAGES = ("brightline", "ijson", "numpy", "pyarrow")

_TEXT = """\
# Importing large lists

A list file of whatever size is read as a stream, and its entries go to temporary files in the \
workspace while it is read, sorted and compiled: files without a name, that only their owner can \
read and of which nothing is left afterwards. They take room on the disk beside the \
snapshot's own; if the disk has not so much, the import says so in a line and nothing is \
imported. This is measured with a made-up Project VIC file of data model 2.0 \
(`bench/vics.py`, which writes this page), where every Media has an MD5 and a SHA-1, every other \
one a PDQ hash and two tags, and one to three MediaFiles, of which nothing is kept but a hash that \
the Media has not. *Memory* is the greatest anonymous memory of the process, with Python, its \
libraries and the kernels; *resident* adds the pages of mapped files, which the system takes back \
as it likes. Time and processor time include compiling the indexes and writing the snapshot.
"""


def _media(number: int, rng: random.Random) -> str:
    md5 = rng.randbytes(16).hex().upper()
    files = ",".join(
        f'{{"MD5":"{md5}","FileName":"IMG_{number + k:08d}.jpg",'
        f'"FilePath":"Volume1\\\\Users\\\\user\\\\Pictures\\\\{number % 997}\\\\{k}",'
        f'"Created":"2020-01-01T00:00:00Z","Unallocated":"False"}}'
        for k in range(1 + number % 3)
    )
    more = ""
    if number % 2:
        pdq = rng.randbytes(32).hex()
        more = f'"Tags":"one;two","AlternativeHashes":[{{"HashName":"PDQ","HashValue":"{pdq}"}}],'
    return (
        f'{{"MediaID":{number + 1},"Category":{number % 4},{more}'
        f'"MD5":"{md5}","SHA1":"{rng.randbytes(20).hex().upper()}",'
        f'"MediaSize":"{number % 10_000_000}","MimeType":"image/jpeg","MediaFiles":[{files}]}}'
    )


def write_vics(path: Path, entries: int) -> None:
    """A `#Media` file of so many Media, and no two digests alike."""
    rng = random.Random(SEED)
    with path.open("w", encoding="utf-8", buffering=1 << 20) as out:
        out.write('{"@odata.context":"http://example.org/vics/2.0/$metadata#Media","value":[\n')
        for number in range(entries):
            out.write(("," if number else "") + _media(number, rng) + "\n")
        out.write("]}\n")


@dataclass(frozen=True, slots=True)
class Measured:
    """One import: bytes of the file, seconds, of processor time too, entries kept, and the most
    bytes of anonymous and of resident memory.
    """

    size: int
    seconds: float
    processor: float
    entries: int
    anonymous: int
    resident: int


def _status(name: str) -> int:
    """Bytes of memory as proc_pid_status(5) has them under a name."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"this system does not tell {name}")


class _Watch:
    """The most anonymous memory of this process, while in its context."""

    def __init__(self) -> None:
        self.most = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> _Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._done.wait(0.02):
            self.most = max(self.most, _status("RssAnon"))


def _import(folder: str, file: str) -> tuple[float, float, int, int, int]:
    start, used = time.perf_counter(), time.process_time()
    with _Watch() as watch:
        manifest, _ = import_list(Path(folder), "bench", Path(file))
    seconds, processor = time.perf_counter() - start, time.process_time() - used
    return seconds, processor, manifest.entries, watch.most, _status("VmHWM")


def measure(entries: int, *, folder: Path | None = None) -> Measured:
    """Make a file, import it in a fresh process, and take both away again."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        file = Path(name, "media.json")
        write_vics(file, entries)
        size = file.stat().st_size
        lists = Path(name, "lists")
        lists.mkdir(mode=0o700)
        context = multiprocessing.get_context("spawn")
        with context.Pool(1) as pool:
            found = pool.apply(_import, (os.fspath(lists), os.fspath(file)))
    return Measured(size, *found)


def report(counts: list[int]) -> str:
    """The table, and what an entry costs between the least and the most."""
    warm(print)  # compiling is not importing
    seen = [(count, measure(count)) for count in sorted(counts)]
    rows = [
        (
            f"{count:,}",
            f"{m.size / 1e6:,.0f} MB",
            f"{m.seconds:.0f} s",
            f"{m.processor:.0f} s",
            f"{m.entries:,}",
            f"{m.anonymous / 1e6:,.0f} MB",
            f"{m.resident / 1e6:,.0f} MB",
        )
        for count, m in seen
    ]
    head = ("Media", "file", "time", "processor", "entries", "memory", "resident")
    made = table(head, rows)
    if len(seen) > 1:
        (few, least), (many, most) = seen[0], seen[-1]
        each = (most.anonymous - least.anonymous) / (most.entries - least.entries)
        grown = (most.size - least.size) / (many - few)
        made += (
            f"\n\nFrom the least to the most, memory grew by {each:,.1f} bytes an entry, and the "
            f"file by {grown:,.0f} a Media."
        )
    numbers = " ".join(map(str, sorted(counts)))
    command = f"python -m bench.vics --entries {numbers} --write"
    return f"{made}\n\n{conditions(command, _PACKAGES)}"


def main() -> None:
    """Measure, and print or write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--entries", type=int, nargs="+", default=[1_000_000, 3_000_000])
    parser.add_argument("--write", action="store_true", help="into docs/lists.md")
    asked = parser.parse_args()
    made = report(asked.entries)
    if asked.write:
        PAGE.write_text(f"{_TEXT}\n{made}\n", encoding="utf-8")
    else:
        print(made)


if __name__ == "__main__":
    main()
