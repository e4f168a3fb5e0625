"""Faults at every file system call of a command, injected from outside by strace.

The command runs in a process forked from one that has imported everything, and strace attaches
to it, so that one injection costs a tenth of a second. Afterwards another process checks what
is left, lets the command complete, and says what came of it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: calls that change files or folders, or open them
CALLS = (
    "openat,write,writev,pwrite64,pwritev,fsync,fdatasync,rename,renameat,renameat2,mkdir,mkdirat,"
    "rmdir,unlink,unlinkat,truncate,ftruncate,link,linkat,symlink,symlinkat,chmod,fchmod,fchmodat,"
    "copy_file_range,sendfile,flock,utimensat,fallocate"
)
KINDS = ("error=EIO", "error=ENOSPC", "signal=KILL")
_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Scene:
    """A command to be disturbed.

    `prepare(folder)` sets up once what the command needs; `act(folder)` is the command;
    `check(folder)` runs afterwards in a process of its own: it asserts that what is there holds
    together, completes the command, and returns what came of it, as JSON.
    """

    prepare: Callable[[Path], None]
    act: Callable[[Path], None]
    check: Callable[[Path], Any]


@dataclass(frozen=True, slots=True)
class Trouble:
    """An injection after which the check failed, or the result was another."""

    kind: str
    number: int
    what: str


@dataclass(frozen=True, slots=True)
class Swept:
    """How many injections there were, by kind, and which of them left trouble."""

    injections: dict[str, int]
    troubles: list[Trouble]


def sweep(scene: Scene, folder: Path, *, stride: int = 1, kinds: tuple[str, ...] = KINDS) -> Swept:
    """Disturb every `stride`-th call of the scene's command, once with each kind of fault."""
    start = folder / "start"
    start.mkdir()
    _in_child(lambda: scene.prepare(start), None)
    calm = folder / "calm"
    shutil.copytree(start, calm, symlinks=True)
    calls = _count(scene, calm)
    wanted = _checked(scene, calm)
    assert not isinstance(wanted, Failure), wanted.text
    injections = dict.fromkeys(kinds, 0)
    troubles = []
    for kind in kinds:
        for number in range(1, calls + 1, stride):
            place = folder / "disturbed"
            shutil.copytree(start, place, symlinks=True)
            _in_child(lambda: scene.act(place), f"{kind}:when={number}")  # noqa: B023
            injections[kind] += 1
            got = _checked(scene, place)
            if isinstance(got, Failure):
                troubles.append(Trouble(kind, number, got.text))
            elif got != wanted:
                troubles.append(Trouble(kind, number, "another result"))
            shutil.rmtree(place)
    return Swept(injections, troubles)


@dataclass(frozen=True, slots=True)
class Failure:
    """A check's traceback."""

    text: str


def _checked(scene: Scene, place: Path) -> Any:
    with tempfile.NamedTemporaryFile() as out:

        def body() -> None:
            try:
                document = {"result": scene.check(place)}
            except BaseException:  # noqa: BLE001 - what failed is told, whatever it was
                document = {"failure": traceback.format_exc()}
            Path(out.name).write_text(json.dumps(document))

        _in_child(body, None)
        document = json.loads(Path(out.name).read_text() or '{"failure": "the check died"}')
    return Failure(document["failure"]) if "failure" in document else document["result"]


def _count(scene: Scene, place: Path) -> int:
    """Calls of the busiest thread; strace counts each thread by itself."""
    with tempfile.NamedTemporaryFile() as out:
        _in_child(lambda: scene.act(place), None, trace=Path(out.name))
        threads: dict[str, int] = {}
        for line in Path(out.name).read_text().splitlines():
            thread, _, rest = line.partition(" ")
            if "(" in rest and "resumed>" not in rest:
                threads[thread] = threads.get(thread, 0) + 1
    return max(threads.values())


def _in_child(body: Callable[[], None], inject: str | None, trace: Path | None = None) -> None:
    """Run `body` in a forked process, traced if asked; its fate does not matter here."""
    receive, send = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(send)
        status = 1
        with contextlib.suppress(BaseException):
            # quiet: what the command says of the fault is tested elsewhere
            sink = os.open(os.devnull, os.O_RDWR)
            os.dup2(sink, 1)
            os.dup2(sink, 2)
            os.read(receive, 1)
            body()
            status = 0
        os._exit(status)
    os.close(receive)
    with _attached(child, inject, trace):
        os.write(send, b".")
        os.close(send)
        _reap(child)


def _reap(child: int) -> None:
    signal.signal(signal.SIGALRM, lambda *_: os.kill(child, signal.SIGKILL))
    signal.alarm(_SECONDS)
    try:
        os.waitpid(child, 0)
    finally:
        signal.alarm(0)


@contextlib.contextmanager
def _attached(child: int, inject: str | None, trace: Path | None) -> Iterator[None]:
    if inject is None and trace is None:
        yield
        return
    command = ["strace", "-f", "-p", str(child), "-e", f"trace={CALLS}", "-e", "signal=none"]
    command += ["-o", str(trace or os.devnull)]
    if inject is not None:
        command += ["-e", f"inject={CALLS}:{inject}"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    said = process.stderr.readline()
    assert "attached" in said, said
    try:
        yield
    finally:
        process.stderr.read()
        process.wait(_SECONDS)
        process.stderr.close()
