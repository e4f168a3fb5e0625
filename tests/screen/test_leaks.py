"""No locator and no hash of a match in anything that a run writes or prints."""

from __future__ import annotations

import hashlib
import os
import pty
from pathlib import Path

import pyarrow.parquet as pq

from brightline.signals.pdq import pdq
from tests.corpora import md5_row, sha256_row, write_tar
from tests.harness import BRIGHTLINE, make_place
from tests.pictures import encode, photo

NAME = "zebrafinch-orchard"


def on_a_terminal(command: list[str], environment: dict[str, str]) -> bytes:
    """What a person would see, progress bar included."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execve(command[0], command, environment)
    shown = b""
    while True:
        try:
            piece = os.read(fd, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.waitpid(pid, 0)
    return shown


def test_nothing_points_at_a_match(tmp_path: Path) -> None:
    place = make_place(tmp_path)
    corpus = tmp_path / "corpus"
    (corpus / "files").mkdir(parents=True)
    matched = [encode(photo(k, 260, 200)) for k in range(3)]
    cut = encode(photo(9, 260, 200))[:3000]
    (corpus / "files" / f"{NAME}-1.jpg").write_bytes(matched[0])
    (corpus / "files" / f"{NAME}-cut.jpg").write_bytes(cut)
    (corpus / "files" / "other.jpg").write_bytes(encode(photo(20, 260, 200)))
    write_tar(
        corpus / "shard.tar",
        {f"{NAME}-2.jpg": matched[1], "more.jpg": encode(photo(21, 260, 200))},
    )
    write_tar(corpus / "broken.tar", {f"{NAME}-3.jpg": matched[2], "z.jpg": matched[2]})
    (corpus / "broken.tar").write_bytes((corpus / "broken.tar").read_bytes()[:-9000])
    rows = [md5_row(m) for m in matched] + [sha256_row(cut)]
    rows += [f"{pdq(photo(k, 260, 200)).hash.hex()},pdq,B1" for k in range(3)]
    place.add_list("hotline", rows)

    secrets = {NAME.encode()}
    for data in (*matched, cut):
        for digest in (hashlib.md5, hashlib.sha1, hashlib.sha256):
            raw = digest(data).digest()
            secrets |= {raw, raw.hex().encode(), raw.hex().upper().encode()}
    for k in range(3):
        raw = pdq(photo(k, 260, 200)).hash
        secrets |= {raw, raw.hex().encode(), raw.hex().upper().encode()}

    command = [str(BRIGHTLINE), "audit", str(corpus), "--list", "hotline", "--run", "first"]
    printed = on_a_terminal(command, place.environment)
    assert b"items" in printed
    for arguments in (
        ["audit", str(corpus), "--list", "hotline", "--json", "--run", "second"],
        ["run", "show", "first"],
        ["run", "show", "first", "--json"],
        ["run", "ls", "--json"],
        ["findings", "count", "first", "--json"],
        ["report", "first", "-o", str(tmp_path / "report.html")],
        ["report", "first", "--format", "json", "-o", str(tmp_path / "report.json")],
        ["list", "show", "hotline"],
        ["list", "ls", "--json"],
        ["findings", "open", "first", "--identity", str(tmp_path / "none"), "--reason", "x"],
    ):
        done = place.run(*arguments)
        printed += (done.stdout + done.stderr).encode()
    assert len(place.findings("first")) >= 7

    written = [printed, (tmp_path / "report.html").read_bytes()]
    written.append((tmp_path / "report.json").read_bytes())
    searched = 0
    for path in place.root.rglob("*"):
        inside = path.relative_to(place.root).parts
        if not path.is_file() or inside[0] == "lists":
            continue  # the lists hold hashes: that is what they are
        if path.name in ("findings.age", "signals.parquet"):
            continue
        searched += 1
        data = path.read_bytes()
        written.append(data)
        if path.suffix == ".parquet":
            # the manifest names every file of a folder; nothing in it tells a match from others
            table = pq.read_table(path)
            names = [c for c in table.column_names if c != "files"]
            written.append(str(table.select(names).to_pylist()).encode())
    assert searched >= 8
    for text in written:
        for secret in secrets:
            assert secret not in text
