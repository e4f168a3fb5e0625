"""Writes the example in docs/statement.md from an audit of pictures drawn by code."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

PAGE = Path(__file__).with_name("statement.md")
MARKS = re.compile(r"(<!-- example:{} -->\n).*?(<!-- end -->)".replace("{}", r"(\w+)"), re.DOTALL)


def brightline(folder: Path, *arguments: object, statuses: tuple[int, ...] = (0,)) -> str:
    """Run a command in the example's workspace; returns what it prints."""
    done = subprocess.run(
        [Path(sys.executable).with_name("brightline"), *map(str, arguments)],
        env={**os.environ, "BRIGHTLINE_WORKSPACE": str(folder / "workspace")},
        cwd=folder,
        capture_output=True,
        text=True,
    )
    if done.returncode not in statuses:
        sys.exit(f"brightline {arguments[0]}: {done.stderr}")
    return done.stdout


def draw(corpus: Path) -> list[str]:
    """Pictures of random dots, and the lines of a list that matches two of them."""
    corpus.mkdir()
    rng = np.random.default_rng(1)
    rows = ["indicator,type,category"]
    for number in range(400):
        path = corpus / f"{number:03}.png"
        Image.fromarray(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(path)
        if number in (7, 300):
            rows.append(f"{hashlib.sha256(path.read_bytes()).hexdigest()},sha256,A1")
    return rows


def example(folder: Path) -> dict[str, str]:
    """The blocks of the page by name."""
    rows = draw(folder / "corpus")
    (folder / "list.csv").write_text("\n".join(rows) + "\n")
    brightline(folder, "init")
    recipient = brightline(folder, "custodian", "new", "anna.key").split()[-1]
    brightline(folder, "custodian", "add", recipient, "--name", "Anna")
    brightline(folder, "list", "import", "hotline", "list.csv", "--pipeline", "full")
    audit = ("audit", "corpus", "--list", "hotline", "--run", "example")
    brightline(folder, *audit, statuses=(1,))
    release = ("release", "example", "clean", "--identity", "anna.key", "--reason", "example")
    brightline(folder, *release)
    made = json.loads(brightline(folder, "attest", "example", "--release", "clean", "--json"))
    told = brightline(folder, "verify", "clean", "--key", made["key"])
    envelopes = [json.loads(line) for line in Path(made["statement"]).read_text().splitlines()]
    svr, screening = (json.loads(base64.b64decode(e["payload"])) for e in envelopes)
    return {
        "result": _json(svr),
        "screening": _json(screening),
        "verify": f"```\n$ brightline verify clean --key publisher.pub\n{told}```\n",
    }


def _json(document: Any) -> str:
    text = json.dumps(document, indent=2, ensure_ascii=False)
    return f"```json\n{text}\n```\n"


def main() -> None:
    """Write the page."""
    with tempfile.TemporaryDirectory() as folder:
        blocks = example(Path(folder))
    page = MARKS.sub(lambda m: f"{m[1]}{blocks[m[2]]}{m[3]}", PAGE.read_text())
    PAGE.write_text(page)


if __name__ == "__main__":
    main()
