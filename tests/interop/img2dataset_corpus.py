"""Datasets made by img2dataset itself, from pictures that a server on this machine hands out."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.pictures import encode, photo

#: made by install.sh
IMG2DATASET = Path(__file__).parents[2] / ".venv-img2dataset" / "bin" / "img2dataset"
#: every address has a row; few to a shard, so that there are several
PER_SHARD = 8
_SIZES = ((400, 300), (300, 400), (320, 320), (640, 260), (260, 640), (500, 333))
_FORMS = (("jpg", "JPEG"), ("png", "PNG"), ("webp", "WEBP"))
_GOOD = 26


def originals() -> dict[str, bytes]:
    """Pictures by their path on the server, of different shapes and formats."""
    found = {}
    for k in range(_GOOD):
        ending, form = _FORMS[k % len(_FORMS)]
        width, height = _SIZES[k % len(_SIZES)]
        found[f"/{k:02d}.{ending}"] = encode(photo(500 + k, width, height), form)
    return found


def answers() -> dict[str, tuple[int, bytes]]:
    """Status and body of every address; some go wrong as addresses in the wild do."""
    found = {path: (200, data) for path, data in originals().items()}
    found["/02-gone.jpg"] = (404, b"not found")
    found["/10-error.jpg"] = (500, b"")
    found["/11-page.jpg"] = (200, b"<html>parked domain</html>")
    found["/19-cut.jpg"] = (200, encode(photo(599, 400, 300))[:700])
    return dict(sorted(found.items()))


@contextlib.contextmanager
def serving(found: Mapping[str, tuple[int, bytes]]) -> Iterator[str]:
    """A server on a free port of this machine; gives the address of its root."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = found.get(self.path, (404, b""))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Tests are silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass(frozen=True, slots=True)
class Dataset:
    """One output of img2dataset, and what it says of itself."""

    folder: Path

    @property
    def stats(self) -> list[dict[str, Any]]:
        """The statistics of its shards, in order."""
        return [json.loads(path.read_bytes()) for path in sorted(self.folder.glob("*_stats.json"))]

    def total(self, name: str) -> int:
        """A number of the statistics summed over the shards."""
        return sum(int(stats[name]) for stats in self.stats)


def make(
    home: Path, name: str, address: str, paths: list[str], *, form: str, digest: str
) -> Dataset:
    """Run img2dataset over the paths of a server."""
    urls = home / f"{name}-urls.parquet"
    table = {"url": [address + path for path in paths], "caption": [f"no {p}" for p in paths]}
    pq.write_table(pa.table(table), urls)
    arguments = {
        "url_list": urls,
        "input_format": "parquet",
        "url_col": "url",
        "caption_col": "caption",
        "output_folder": home / name,
        "output_format": form,
        "resize_mode": "border",
        "image_size": 256,
        "compute_hash": digest,
        "number_sample_per_shard": PER_SHARD,
        "processes_count": 1,
        "thread_count": 8,
        "timeout": 30,
        "enable_wandb": False,
    }
    quiet = {"NO_ALBUMENTATIONS_UPDATE": "1", "WANDB_MODE": "disabled", "HOME": str(home)}
    # its pins are its own: nothing of this environment may leak in
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    done = subprocess.run(
        [IMG2DATASET, *(f"--{key}={value}" for key, value in arguments.items())],
        env={**inherited, **quiet},
        cwd=home,
        capture_output=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")[-2000:]
    return Dataset(home / name)
