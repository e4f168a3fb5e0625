"""Comparing the files of a release or a corpus with the manifest that a statement names."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence
from hashlib import file_digest
from io import BufferedReader
from pathlib import Path
from typing import Any

from brightline.errors import SourceError, UsageError, VerificationError
from brightline.release.manifest import (
    ABOUT,
    NAME,
    Differences,
    File,
    Hook,
    check,
    printable,
    read_manifest,
    walk,
    walk_corpus,
)
from brightline.release.statement import CORPUS_MANIFEST, FILE, PROOF, Subject
from brightline.release.verdict import Check, State


def check_files(
    paths: Sequence[Path],
    statement: Path,
    subjects: Sequence[Subject] | None,
    predicate: dict[str, Any],
    hook: Callable[[int], Hook | None],
) -> tuple[list[Check], Differences]:
    """The checks `manifest` and `files`, and all that is changed, missing or extra.

    `subjects` is None where the statement could not be read: then the files are compared with
    whatever manifest there is, and nothing says that it is the right one. Raises UsageError if
    the paths are not as many as the corpus's sources, or more than one for a release.
    """
    of_corpus = predicate.get("about") == "corpus"
    if of_corpus:
        _count_sources(predicate, paths)
        manifest = statement.with_name(statement.name + CORPUS_MANIFEST)
    else:
        if subjects is not None and len(paths) > 1:
            raise UsageError("the statement is about one release; give its folder alone")
        manifest = paths[0] / ABOUT / NAME
    try:
        digest = _digest(manifest)
        total = sum(entry.size for entry in read_manifest(manifest) if isinstance(entry, File))
    except OSError as error:
        problem = f"{manifest} cannot be read ({error.strerror})"
    except (SourceError, VerificationError) as error:
        problem = str(error)
    else:
        found = walk_corpus(paths) if of_corpus else walk(paths[0])
        told = check(read_manifest(manifest), found, hook(total))
        beside = _beside(statement, subjects) if of_corpus else _about(paths[0], subjects)
        told = Differences(
            told.files,
            told.bytes,
            told.changed + beside.changed,
            told.missing + beside.missing,
            told.extra + beside.extra,
        )
        return [_named(manifest, digest, subjects), _compared(told)], told
    checks = [
        Check("manifest", State.FAILED, problem),
        Check("files", State.NOT_MADE, "there is no manifest to compare them with"),
    ]
    return checks, Differences(0, 0)


def _count_sources(predicate: dict[str, Any], paths: Sequence[Path]) -> None:
    sources = predicate.get("sources")
    count = len(sources) if isinstance(sources, list) else 1
    if count != len(paths):
        raise UsageError(
            f"the statement is about {count} sources; give as many paths, in its order"
        )


def _named(manifest: Path, digest: str, subjects: Sequence[Subject] | None) -> Check:
    if subjects is None:
        return Check("manifest", State.NOT_MADE, "there is no statement that names it")
    if subjects[0].sha256 != digest:
        return Check("manifest", State.FAILED, f"{manifest} is not the one that was signed")
    return Check("manifest", State.PASSED, f"SHA-256 {digest}")


def _compared(told: Differences) -> Check:
    if told.none:
        return Check("files", State.PASSED, f"{told.files} compared, {told.bytes} bytes")
    return Check(
        "files",
        State.FAILED,
        f"{len(told.changed)} changed, {len(told.missing)} missing, {len(told.extra)} extra",
    )


def _about(root: Path, subjects: Sequence[Subject] | None) -> Differences:
    """What lies beside a release's manifest: what was signed, the statement, and nothing else."""
    signed = {s.name: s.sha256 for s in (subjects or ())[1:]}
    known = {f"{ABOUT}/{name}" for name in (NAME, FILE, FILE + PROOF)} | set(signed)
    found = sorted(f"{ABOUT}/{path.name}" for path in (root / ABOUT).iterdir())
    # without a statement nothing is known of what else should be here
    extra = [] if subjects is None else [name for name in found if name not in known]
    return _differing(root, signed, extra)


def _beside(statement: Path, subjects: Sequence[Subject] | None) -> Differences:
    """What a corpus's statement names besides the manifest lies in the statement's folder."""
    return _differing(statement.parent, {s.name: s.sha256 for s in (subjects or ())[1:]}, [])


def _differing(folder: Path, signed: dict[str, str], extra: Sequence[str]) -> Differences:
    changed, missing = [], []
    for name, digest in sorted(signed.items()):
        inside = not {"", ".", ".."} & set(name.split("/")) and "\0" not in name
        try:
            if not inside or _digest(folder / name) != digest:
                changed.append(shown(name))
        except (FileNotFoundError, NotADirectoryError):
            missing.append(shown(name))
        except OSError:
            changed.append(shown(name))
    return Differences(0, 0, tuple(changed), tuple(missing), tuple(map(shown, extra)))


def read_regular(path: Path, most: int) -> bytes:
    """At most `most` bytes of a regular file. Raises OSError, also for a pipe or a device."""
    with _opened(path) as stream:
        return stream.read(most)


def _digest(path: Path) -> str:
    with _opened(path) as stream:
        return file_digest(stream, "sha256").hexdigest()


def _opened(path: Path) -> BufferedReader:
    # who made these files is not known: a pipe must not block
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(0, "it is not a file", str(path))
    return open(fd, "rb")  # noqa: PTH123 - a descriptor, closed by the caller


def shown(name: str) -> str:
    """A name from outside as text on one line."""
    return printable(name.encode("utf-8", "surrogateescape"))
