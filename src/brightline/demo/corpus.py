"""A small corpus with every kind of source, and a list of which some of its items are on.

No picture is in it twice, but for one that is on purpose; so what a screening must find is
known while the corpus is written.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from brightline.demo.pictures import (
    drawn,
    encode,
    gradient,
    padded,
    photographs,
    writable,
)
from brightline.demo.planting import Planting
from brightline.types import U8, SignalType

_LOOSE = 60
_ZIPPED = 30
_NESTED = 10
_PACKED = 15
_SAMPLES = 20
_ROWS = 24
_SIDE = 256
_CAPTION = "drawn by code"
_EXIF_ORIENTATION = 0x0112


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the corpus: where it lies, what it is, how many items it must yield."""

    place: str
    what: str
    items: int


@dataclass(frozen=True, slots=True)
class Corpus:
    """What was written, and what a screening of it must come to."""

    parts: tuple[Part, ...]
    planted: Planting
    photographs: int
    left_out: tuple[str, ...]

    @property
    def items(self) -> int:
        """Items in all parts."""
        return sum(part.items for part in self.parts)


def write_corpus(folder: Path) -> Corpus:
    """Write the corpus into a new folder. Raises OSError as the file system does."""
    folder.mkdir(parents=True)
    return _Writing(folder).write()


class _Writing:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._planted = Planting()
        self._photographs = photographs()
        self._numbers = iter(range(1_000_000))
        self._left_out: list[str] = []

    def write(self) -> Corpus:
        parts = (
            self._loose(self._folder / "loose"),
            self._zip(self._folder / "scans.zip"),
            self._tar_gz(self._folder / "backup.tar.gz"),
            self._webdataset(self._folder / "shards"),
            self._table_of_pictures(self._folder / "pictures.parquet"),
            self._csv(self._folder / "index.csv"),
            self._metadata(self._folder / "metadata.parquet"),
        )
        return Corpus(parts, self._planted, len(self._photographs), tuple(self._left_out))

    def _drawn(self, width: int = 0, height: int = 0) -> U8:
        """A picture that was not there before."""
        number = next(self._numbers)
        return drawn(number, width or 320 + number * 37 % 160, height or 240 + number * 53 % 120)

    def _photograph(self, number: int) -> U8:
        """A photograph, or a drawn picture where they are not installed."""
        return self._photographs[number] if number < len(self._photographs) else self._drawn()

    def _loose(self, folder: Path) -> Part:
        """Single files, sound and otherwise."""
        plant = self._planted
        album = folder / "album"
        album.mkdir(parents=True)
        for k, (suffix, form, options) in zip(range(_LOOSE), _formats(), strict=False):
            pixels = self._photograph(k // 12) if k % 12 == 0 else self._drawn()
            data = encode(pixels, form, **options)
            (album / f"{k:04d}.{suffix}").write_bytes(data)
            if k == 0:  # the coffee cup, which the table of pictures holds once more
                plant.altered("recompressed", pixels, matches=2)
            elif k == 7:
                plant.digest(SignalType.MD5, data)
            elif k == 12:
                plant.altered("brightened", pixels)
            elif k == 20:
                plant.digest(SignalType.SHA256, data)
                plant.altered("resized", pixels)
            elif k == 41:
                plant.altered("resized", pixels)
        odd = self._odd(folder)
        return Part("loose/", "files in many formats, a broken one, a link", _LOOSE + odd)

    def _odd(self, folder: Path) -> int:
        """One file of each rarer kind; returns how many."""
        plant = self._planted
        files: dict[str, bytes] = {
            "empty.jpg": b"",
            "notes.txt": b"Brightline demo: every picture here is harmless.\n",
            "plain.png": encode(gradient(1, 320, 240), "PNG"),
            "bitmap.bmp": encode(self._drawn(160, 120), "BMP"),
        }
        frames = [Image.fromarray(self._drawn(200, 150)) for _ in range(3)]
        files["moving.gif"] = encode(
            np.array(frames[0]), "GIF", save_all=True, append_images=frames[1:], duration=200
        )
        plant.digest(SignalType.MD5, files["moving.gif"])
        deep = self._drawn()[..., 1].astype(np.uint16) << 8
        files["sixteen-bit.tif"] = encode(deep, "TIFF")
        upright = self._photograph(5)
        exif = Image.Exif()
        exif[_EXIF_ORIENTATION] = 6
        turned = np.ascontiguousarray(np.rot90(upright))
        files["turned.jpg"] = encode(turned, "JPEG", quality=90, exif=exif)
        plant.altered("recompressed", upright)
        whole = encode(self._drawn(), "JPEG", quality=90)
        files["broken.jpg"] = whole[: len(whole) * 2 // 3]
        plant.digest(SignalType.SHA1, files["broken.jpg"])
        for form, name in (("AVIF", "new.avif"), ("HEIF", "phone.heic")):
            if writable(form):
                pixels = self._drawn()
                files[name] = encode(pixels, form, quality=80)
                plant.altered("brightened", pixels)
            else:
                self._left_out.append(form)
        for name, data in files.items():
            (folder / name).write_bytes(data)
        (folder / "link.jpg").symlink_to("album/0000.jpg")
        return len(files) + 1

    def _zip(self, path: Path) -> Part:
        """Pictures, a folder's entry, and a tar within."""
        plant = self._planted
        inner = io.BytesIO()
        with tarfile.open(fileobj=inner, mode="w") as tar:
            for k in range(_NESTED):
                data = encode(self._drawn(), "JPEG", quality=88)
                _add(tar, f"older/{k}.jpg", data)
                if k == 4:
                    plant.digest(SignalType.SHA256, data)
        with zipfile.ZipFile(path, "w") as archive:
            archive.mkdir("scans")
            for k in range(_ZIPPED):
                pixels = self._drawn()
                data = encode(pixels, "JPEG", quality=88)
                archive.writestr(f"scans/{k:03d}.jpg", data)
                if k == 3:
                    plant.digest(SignalType.SHA1, data)
                elif k in (9, 21):
                    plant.altered("brightened" if k == 9 else "recompressed", pixels)
            archive.writestr("scans/older.tar", inner.getvalue())
        return Part(path.name, "pictures, and a tar inside the zip", 1 + _ZIPPED + 1 + _NESTED)

    def _tar_gz(self, path: Path) -> Part:
        plant = self._planted
        with gzip.open(path, "wb", 1) as packed, tarfile.open(fileobj=packed, mode="w") as tar:
            _add(tar, "backup/README", b"Pictures that were drawn by code.\n")
            for k in range(_PACKED):
                pixels = self._drawn()
                data = encode(pixels, "PNG", compress_level=1)
                _add(tar, f"backup/{k}.png", data)
                if k == 5:
                    plant.digest(SignalType.MD5, data)
                elif k == 11:
                    plant.altered("resized", pixels)
        return Part(path.name, "a compressed tar", 1 + _PACKED)

    def _webdataset(self, folder: Path) -> Part:
        """A shard as img2dataset writes it: squares with a white border, originals elsewhere."""
        plant = self._planted
        folder.mkdir()
        rows = []
        with tarfile.open(folder / "00000.tar", "w") as tar:
            for k in range(_SAMPLES):
                width, height = (480, 168) if k % 2 else (360 + 8 * k, 300)
                pixels = self._drawn(width, height)
                original = encode(pixels, "PNG", compress_level=1)
                row = _sample(k, hashlib.sha256(original).hexdigest(), width, height)
                square = encode(padded(pixels, _SIDE), "JPEG", quality=95)
                _add(tar, f"{k:09d}.jpg", square)
                _add(tar, f"{k:09d}.json", json.dumps(row).encode())
                _add(tar, f"{k:09d}.txt", _CAPTION.encode())
                rows.append(row)
                if k in (2, 8):
                    plant.digest(SignalType.SHA256, original)
                elif k in (5, 13):
                    plant.altered("recompressed", pixels)
        failed = _sample(_SAMPLES, None, None, None)
        rows.append(failed | {"status": "failed_to_download", "error_message": "HTTP Error 404"})
        pq.write_table(pa.Table.from_pylist(rows), folder / "00000.parquet")
        stats = {
            "count": len(rows),
            "successes": _SAMPLES,
            "failed_to_download": 1,
            "failed_to_resize": 0,
            "status_dict": {"success": _SAMPLES, "HTTP Error 404": 1},
        }
        (folder / "00000_stats.json").write_text(json.dumps(stats), encoding="ascii")
        return Part("shards/00000.tar", "a WebDataset shard with its table", 3 * _SAMPLES + 1)

    def _table_of_pictures(self, path: Path) -> Part:
        """Pictures in a Parquet column, as Hugging Face's datasets keep them."""
        plant = self._planted
        cells: list[dict[str, bytes | str] | None] = []
        for k in range(_ROWS):
            pixels = self._copy_of_first() if k == 3 else self._drawn()
            data = encode(pixels, "WEBP", quality=85, method=2)
            cells.append({"bytes": data, "path": f"{k}.webp"})
            if k == 10:
                plant.digest(SignalType.MD5, data)
            elif k == 16:
                plant.altered("recompressed", pixels)
        cells.append(None)
        kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
        labels = pa.array(range(len(cells)), pa.int64())
        pq.write_table(pa.table({"image": pa.array(cells, kind), "label": labels}), path)
        return Part(path.name, "pictures in a table's column, one cell null", len(cells))

    def _copy_of_first(self) -> U8:
        return self._photographs[0] if self._photographs else drawn(0, 320, 240)

    def _csv(self, path: Path) -> Part:
        """Addresses and MD5 only: the pictures are not there."""
        lines = ["url,md5,width,height"]
        for k in range(_ROWS):
            data = encode(self._drawn(96, 64), "PNG")
            md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
            lines.append(f"https://pictures.example/index/{k}.png,{md5},96,64")
            if k == 6:
                self._planted.digest(SignalType.MD5, data)
            elif k == 15:
                # the same address to a server, spelled otherwise
                self._planted.address(f"HTTPS://Pictures.Example:443/index/{k}.png")
        path.write_text("\n".join(lines) + "\n", encoding="ascii")
        return Part(path.name, "addresses and MD5, no pictures", _ROWS)

    def _metadata(self, path: Path) -> Part:
        """Metadata like LAION's, whose `hash` is of address and text and no image hash."""
        rows = []
        for k in range(_ROWS):
            data = encode(self._drawn(96, 64), "PNG")
            rows.append(
                {
                    "URL": f"https://pictures.example/metadata/{k}.png",
                    "TEXT": _CAPTION,
                    "WIDTH": 96,
                    "HEIGHT": 64,
                    "similarity": 0.3,
                    "hash": k - 12,
                    "md5": hashlib.md5(data, usedforsecurity=False).hexdigest(),
                }
            )
            if k in (1, 19):
                self._planted.digest(SignalType.MD5, data)
        pq.write_table(pa.Table.from_pylist(rows), path)
        return Part(path.name, "metadata like LAION's, no pictures", _ROWS)


def _formats() -> Iterator[tuple[str, str, dict[str, int]]]:
    while True:
        yield "jpg", "JPEG", {"quality": 90}
        yield "png", "PNG", {"compress_level": 1}
        yield "jpg", "JPEG", {"quality": 82}
        yield "webp", "WEBP", {"quality": 85, "method": 2}


def _sample(
    number: int, sha256: str | None, width: int | None, height: int | None
) -> dict[str, str | int | None]:
    """A row as img2dataset 1.47 writes it, and the sidecar of its picture."""
    return {
        "url": f"https://pictures.example/shards/{number}.png",
        "caption": _CAPTION,
        "key": f"{number:09d}",
        "status": "success",
        "error_message": None,
        "width": None if width is None else _SIDE,
        "height": None if height is None else _SIDE,
        "original_width": width,
        "original_height": height,
        "exif": "{}",
        "sha256": sha256,
    }


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))
