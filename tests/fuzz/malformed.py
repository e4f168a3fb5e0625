"""The corpus of malformed files: made by code, the same each time."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

from tests.fuzz.malformed_archives import archives
from tests.fuzz.malformed_pictures import pictures
from tests.fuzz.malformed_tables import tables
from tests.fuzz.plants import SCREENED, Plant, picture, plant

_NAMES = (
    b"with\nnewline.jpg",
    b"with\ttab\x1b[2J and \x07.jpg",
    b"not-utf-8-\xff\xfe\x80.jpg",
    b"-starts-with-a-dash.jpg",
    b" ",
    b"...",
    b"%s%n{0}$HOME`id`.jpg",
    b"bytes:%FF.jpg",
    b"a!" + b"b.jpg",
    "sur\u0301\u202egpj.jpg".encode(),
    b"n" * 251 + b".jpg",
)


def plants() -> Iterator[Plant]:
    """All regular files."""
    yield from pictures()
    yield from archives()
    yield from tables()
    for k, name in enumerate(_NAMES):
        yield plant(os.fsdecode(b"names/" + name), picture(90 + k), SCREENED)
    deep = "/".join("d" * 100 for _ in range(12))
    yield plant(f"names/{deep}/deep.jpg", picture(101), SCREENED)


def specials(folder: Path) -> dict[str, str]:
    """Make what is no regular file; returns the reason of each by its name in the folder."""
    folder.mkdir(parents=True)
    links = {
        "itself": "itself",
        "to-b": "to-a",
        "to-a": "to-b",
        "up": "..",
        "nowhere": "no/such/file",
        "outside.jpg": "/etc/hostname",
        "zero": "/dev/zero",
    }
    for name, target in links.items():
        (folder / name).symlink_to(target)
    os.mkfifo(folder / "pipe.jpg")
    # a socket's path has 107 bytes at most (unix(7)); a test's folder may have more
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(f"/proc/self/fd/{directory}/socket.jpg")
    os.close(directory)
    found = dict.fromkeys(links, "link")
    found |= {"pipe.jpg": "special", "socket.jpg": "special"}
    if os.geteuid() != 0:
        closed = folder / "closed.jpg"
        closed.write_bytes(picture(99))
        closed.chmod(0)
        (folder / "closed-folder").mkdir(mode=0)
        found |= {"closed.jpg": "unreadable", "closed-folder": "unreadable"}
    return found
