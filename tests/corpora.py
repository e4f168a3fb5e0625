"""Small corpora on disk, with what a list should find in them."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

from brightline.signals.pdq import pdq
from tests.pictures import encode, photo


def add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    archive.addfile(member, io.BytesIO(data))


def write_tar(path: Path, members: dict[str, bytes]) -> None:
    with tarfile.open(path, "w") as archive:
        for name, data in members.items():
            add(archive, name, data)


def md5_row(data: bytes, category: str = "A1") -> str:
    return f"{hashlib.md5(data).hexdigest()},md5,{category}"


def sha256_row(data: bytes, category: str = "A1") -> str:
    return f"{hashlib.sha256(data).hexdigest().upper()},SHA256,{category}"


def pdq_row(number: int, width: int, height: int, category: str = "B1") -> str:
    """PDQ of a photograph's original, of which the corpus may hold a copy."""
    return f"{pdq(photo(number, width, height)).hash.hex()},pdq,{category}"


def mixed(folder: Path) -> list[str]:
    """A folder with a bit of everything; returns rows of a list that matches five items."""
    folder.mkdir(parents=True)
    inner = folder / "plain" / "deep.er"
    inner.mkdir(parents=True)
    jpegs = [encode(photo(k, 240, 180), "JPEG", quality=85) for k in range(60)]
    for k in range(20):
        (inner / f"{k:03}.jpg").write_bytes(jpegs[k])
    (inner / "notes.txt").write_text("a text beside the pictures")
    (inner / "empty.jpg").touch()
    (inner / "cut.jpg").write_bytes(jpegs[1][:2000])
    (inner / "link.jpg").symlink_to("000.jpg")
    write_tar(folder / "a.tar", {f"{k}.jpg": jpegs[k] for k in range(20, 40)})
    with zipfile.ZipFile(folder / "b.zip", "w") as archive:
        for k in range(40, 60):
            archive.writestr(f"sub/{k}.jpg", jpegs[k])
    return [
        md5_row(jpegs[3]),
        sha256_row(jpegs[25]),
        pdq_row(30, 480, 360),
        pdq_row(45, 240, 180),
        md5_row(jpegs[50], ""),
        f"{'00' * 16},md5,none",
    ]
