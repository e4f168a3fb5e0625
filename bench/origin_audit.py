"""What `audit --origin` costs: the same shards without it and with it, in one process and run.

    python -m bench.origin_audit [--items N] [--rounds N]

Web-size JPEGs (`bench.hashing`), each with a camera's EXIF and an XMP packet, in tar shards of
500. The ways take turns; of each the least processor time of the rounds counts.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from tests.origin import writers
from tests.screen.inprocess import Still, make_desk

from bench import conditions, table
from bench.audit import write_corpus
from bench.hashing import web_pictures
from brightline.lists import import_list, open_list
from brightline.screen.examining import OriginMode
from brightline.screen.task import Job, Setting, direct, run_task
from brightline.sources import discover
from brightline.types import Limits


def _headed(picture: bytes) -> bytes:
    block = writers.exif_block(
        {"make": "Canon", "model": "Canon EOS R5", "usercomment": "a harbour at dusk"}
    )
    packet = writers.xmp_packet("xmp:CreatorTool", "Adobe Photoshop 25.0")
    made = writers.jpeg(
        (0xE1, b"Exif\0\0" + block), (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet)
    )
    headers = made[2 : -len(writers.plain("JPEG")) + 2]
    return picture[:2] + headers + picture[2:]


def _seconds(setting: Setting, jobs: list[Job]) -> float:
    beat = Still()
    see = direct(setting, beat)
    start = time.process_time()
    for job in jobs:
        run_task(setting, job, beat, see)
    return time.process_time() - start


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--items", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    best: dict[OriginMode, float] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        desk = make_desk(folder)
        (folder / "list.csv").write_text(f"indicator,type\n{'00' * 16},md5\n{'f0' * 32},pdq\n")
        import_list(folder / "lists", "bench", folder / "list.csv")
        lists = (open_list(folder / "lists", "bench"),)
        pictures = [_headed(picture) for picture in web_pictures(240, debian=False)]
        write_corpus(folder / "corpus", pictures, options.items, 500)
        shards = list(discover([folder / "corpus"], Limits()))
        for turn in range(options.rounds + 1):
            for mode in (OriginMode.NONE, OriginMode.MATCHED, OriginMode.ALL):
                run = f"{mode}-{turn}"
                (desk.root / run).mkdir()
                setting = Setting(
                    run, desk.root / run, lists, (desk.custodian,), Limits(), False, mode
                )
                jobs = [Job(n, f"{n:032x}", shard) for n, shard in enumerate(shards)]
                # the first turn loads kernels and rules
                took = _seconds(setting, jobs[:1] if turn == 0 else jobs)
                if turn:
                    best[mode] = min(took, best.get(mode, took))
    print(conditions("python -m bench.origin_audit", ("brightline", "numpy", "numba")) + "\n")
    rows = [
        (
            f"`--origin {mode}`",
            f"{1e3 * took / options.items:.3f}",
            f"{took / best[OriginMode.NONE]:.3f}",
        )
        for mode, took in best.items()
    ]
    print(table((f"{options.items:,} JPEGs, none matching", "core-ms an item", "ratio"), rows))


if __name__ == "__main__":
    main()
