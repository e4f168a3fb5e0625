"""A corpus with one of every layout that a release must keep in step, audited against a list."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from brightline.findings import load_identity
from brightline.release.plan import Options
from brightline.release.releasing import release
from tests.corpora import add, md5_row, sha256_row, write_tar
from tests.harness import Place, make_place
from tests.pictures import drawn, encode


def picture(number: int) -> bytes:
    """A small PNG, another for each number."""
    return encode(drawn(number, 48, 40), "PNG")


def original(number: int) -> bytes:
    """What a picture is said to have been made from; only its digest is anywhere."""
    return b"original %d" % number


def stats_of(rows: Sequence[dict[str, Any]]) -> bytes:
    """Statistics as img2dataset 1.47.0 writes them."""
    messages: dict[str, int] = {}
    for row in rows:
        message = row["error_message"] or "success"
        messages[message] = messages.get(message, 0) + 1
    status = [row["status"] for row in rows]
    document = {
        "count": len(rows),
        "successes": status.count("success"),
        "failed_to_download": status.count("failed_to_download"),
        "failed_to_resize": status.count("failed_to_resize"),
        "duration": 1.5,
        "status_dict": messages,
    }
    return json.dumps(document, indent=4).encode()


def rows_of(first: int, count: int) -> list[dict[str, Any]]:
    """Rows of a side table: every seventh was never stored."""
    rows = []
    for number in range(first, first + count):
        lost = number % 7 == 3
        rows.append(
            {
                "key": f"{number:09}",
                "url": f"http://pictures.example/{number}.png",
                "status": "failed_to_download" if lost else "success",
                "error_message": "HTTP Error 404: Not Found" if lost else None,
                "sha256": hashlib.sha256(original(number)).hexdigest(),
            }
        )
    return rows


def sample_files(row: dict[str, Any]) -> dict[str, bytes]:
    """The files of a stored sample."""
    number = int(row["key"])
    return {
        f"{row['key']}.png": picture(number),
        f"{row['key']}.txt": f"caption {number}".encode(),
        f"{row['key']}.json": json.dumps({"key": row["key"], "sha256": row["sha256"]}).encode(),
    }


def write_webdataset(folder: Path, name: str, rows: list[dict[str, Any]]) -> None:
    """A tar with its table and statistics."""
    with tarfile.open(folder / f"{name}.tar", "w") as archive:
        for row in rows:
            if row["status"] == "success":
                for member, data in sample_files(row).items():
                    add(archive, member, data)
    write_side_files(folder, name, rows)


def write_side_files(folder: Path, name: str, rows: list[dict[str, Any]]) -> None:
    pq.write_table(pa.Table.from_pylist(rows), folder / f"{name}.parquet", compression="SNAPPY")
    (folder / f"{name}_stats.json").write_bytes(stats_of(rows))


def write_files_layout(folder: Path, name: str, rows: list[dict[str, Any]]) -> None:
    """img2dataset's `files` layout."""
    (folder / name).mkdir()
    for row in rows:
        if row["status"] == "success":
            for member, data in sample_files(row).items():
                (folder / name / member).write_bytes(data)
    write_side_files(folder, name, rows)


def write_hub_table(path: Path, numbers: Sequence[int]) -> None:
    """Pictures in a table as Hugging Face's hub has them."""
    features = {
        "image": {"_type": "Image"},
        "label": {"dtype": "int64", "_type": "Value"},
    }
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    images = [{"bytes": picture(n), "path": f"{n}.png"} for n in numbers]
    data = pa.table({"image": pa.array(images, kind), "label": pa.array(list(numbers), pa.int64())})
    meta = {"huggingface": json.dumps({"info": {"features": features}})}
    pq.write_table(data.replace_schema_metadata(meta), path, row_group_size=10)


def write_image_folder(folder: Path, numbers: Sequence[int]) -> None:
    """Hugging Face's image folder, with metadata in both text forms."""
    folder.mkdir()
    for number in numbers:
        (folder / f"{number}.png").write_bytes(picture(number))
    lines = "".join(f'{n}.png,"number, {n}"\r\n' for n in numbers)
    (folder / "metadata.csv").write_bytes(f"file_name,text\r\n{lines}".encode())


@dataclass(frozen=True, slots=True)
class Corpus:
    """An audited corpus; `gone` are numbers of pictures that match, by where they are."""

    place: Place
    folder: Path
    run: str
    gone: dict[str, set[int]] = field(default_factory=dict)

    def release(self, name: str, **options: Any) -> tuple[Path, dict[str, Any]]:
        """Release the run beside the corpus."""
        return self.release_to(self.folder.parent / name, **options)

    def release_to(self, dest: Path, **options: Any) -> tuple[Path, dict[str, Any]]:
        """Release the run."""
        identity = load_identity(self.place.key)
        made = release(self.place.workspace, self.run, dest, identity, "a test", Options(**options))
        return dest, made


def audited(root: Path, folder: Path, rows: list[str], *more: Path) -> Corpus:
    """Audit with the installed command."""
    place = make_place(root)
    place.add_list("hotline", rows)
    place.run("audit", folder, *more, "--list", "hotline", "--run", "r1", "--workers", "1")
    return Corpus(place, folder, "r1")


def everything(root: Path) -> Corpus:
    """The corpus with one of every layout."""
    folder = root / "corpus"
    folder.mkdir(parents=True)
    (folder / "README.md").write_text("about these pictures")
    write_webdataset(folder, "00000", rows_of(0, 30))
    write_files_layout(folder, "00001", rows_of(100, 20))
    write_hub_table(folder / "hub.parquet", range(200, 225))
    write_image_folder(folder / "images", range(300, 312))
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("deep/400.png", picture(400))
    write_tar(
        folder / "nested.tar",
        {"a.zip": inner.getvalue(), "a.txt": b"of a", "b.png": picture(401), "c.png": b"\x89PNG"},
    )
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for number in (410, 411):
            add(archive, f"{number}.png", picture(number))
    (folder / "packed.tar.gz").write_bytes(gzip.compress(packed.getvalue()))
    with zipfile.ZipFile(folder / "some.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = b"of the archive"
        for number in range(500, 510):
            archive.writestr(f"x/{number}.png", picture(number))
    lines = [
        f"http://a.example/{n},{hashlib.md5(original(n)).hexdigest()}" for n in range(600, 620)
    ]
    (folder / "list.csv").write_text("url,md5\n" + "\n".join(lines) + "\n")
    (folder / "broken.png").write_bytes(picture(700)[:200])
    (folder / "broken.txt").write_text("beside a broken picture")
    (folder / "good-link.png").symlink_to("images/301.png")
    (folder / "bad-link.png").symlink_to("images/300.png")
    (folder / "outside.png").symlink_to("/nonexistent/elsewhere.png")
    gone = {
        "00000": {1, 5, 10},  # by its bytes, by its original, never stored
        "00001": {102, 108, 110, 114},  # by bytes, a row never stored, by original, by bytes
        "hub": {200, 219},
        "images": {300},
        "nested": {400},
        "packed": {410},
        "zip": {503},
        "list": {617},
    }
    rows = [md5_row(picture(n)) for n in (1, 102, 114, 200, 219, 300, 400, 410, 503)]
    rows += [sha256_row(original(n)) for n in (5, 10, 108, 110)] + [md5_row(original(617))]
    corpus = audited(root, folder, rows)
    return Corpus(corpus.place, folder, corpus.run, gone)
