"""Making a statement: check what it is about, sign, put it on the ledger, and write it last.

The statement is written after everything that it needs: its manifest, its record on the ledger,
and the proof of that record. So a statement that exists is whole. Stopped before that, it leaves
at most a record of a statement that nobody saw, and the same command makes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from brightline import storage
from brightline._version import __version__
from brightline.errors import UsageError
from brightline.ledger import Event
from brightline.ledger.keys import Signer
from brightline.release import croissant
from brightline.release.dsse import encode, keyid, sign
from brightline.release.manifest import ABOUT, Entry, Hook, read_manifest, write_entries
from brightline.release.statement import (
    CORPUS_MANIFEST,
    FILE,
    PAYLOAD_TYPE,
    PROOF,
    Facts,
    Statement,
    Subject,
    screening_statement,
    svr_statement,
    timestamp,
)
from brightline.release.subject import (
    add_to_release,
    corpus_entries,
    corpus_sources,
    find_release,
    outside,
    release_subjects,
)
from brightline.screen.runs import summary_of
from brightline.workspace import Workspace

_DAYS_IN = {"d": 1, "w": 7}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What `attest` was asked for.

    `release` is the folder of a release, or None for the corpus as it lies. `signer` signs
    instead of the workspace's key. `croissant` is the metadata file to write; of a release that
    holds a `croissant.json` that one is written without being asked.
    """

    run: str
    expires: datetime
    release: Path | None = None
    signer: Signer | None = None
    digests_only: bool = False
    croissant: Path | None = None
    output: Path | None = None


@dataclass(frozen=True, slots=True)
class Attested:
    """What was made: the files, SHA-256 of the statement's file in hex, and its record's number."""

    statement: Path
    proof: Path
    manifest: Path
    croissant: Path | None
    sha256: str
    keyid: str
    record: int
    expires: datetime


def attest(workspace: Workspace, wanted: Wanted, hook: Hook | None = None) -> Attested:
    """Make a signed statement about a run's corpus or release.

    Raises UsageError if the run is not complete, if there is a statement already, or if the
    options do not go together, and SourceChangedError if the files are not those of the run.
    """
    summary = summary_of(workspace, wanted.run)
    if not summary.complete:
        raise UsageError(
            f"run {wanted.run} is not complete; give its audit command again, then attest"
        )
    if wanted.expires <= datetime.now(UTC):
        raise UsageError("the statement would have expired already; give a later --expires")
    signer = wanted.signer or workspace.signer()
    if wanted.release is not None:
        return _about_release(workspace, wanted, wanted.release, summary.document, signer, hook)
    return _about_corpus(workspace, wanted, summary.document, signer, hook)


def _about_release(
    workspace: Workspace,
    wanted: Wanted,
    folder: Path,
    summary: dict[str, Any],
    signer: Signer,
    hook: Hook | None,
) -> Attested:
    root = folder.absolute()
    output = _free(wanted.output or root / ABOUT / FILE)
    metadata = wanted.croissant
    if metadata is None and (root / croissant.NAME).is_file():
        metadata = root / croissant.NAME
    if metadata is not None:
        metadata = metadata.absolute()
        if not metadata.is_relative_to(root) or metadata.is_relative_to(root / ABOUT):
            raise UsageError(f"{metadata} does not lie in the release; name a file in {root}")
    added = None if metadata is None else bytes(metadata.relative_to(root))
    release = find_release(workspace, wanted.run, root, added, hook)

    facts = _facts(workspace, wanted, summary, release.counts)
    if metadata is not None:
        others = [entry for entry in release.entries() if entry.path != added]
        data = _described(metadata, root.name, others, screening_statement((), facts))
        add_to_release(release, metadata, data)
    subjects = release_subjects(release)
    manifest = root / subjects[0].name
    return _publish(workspace, wanted, signer, subjects, facts, (output, manifest, metadata))


def _about_corpus(
    workspace: Workspace,
    wanted: Wanted,
    summary: dict[str, Any],
    signer: Signer,
    hook: Hook | None,
) -> Attested:
    if wanted.output is None:
        raise UsageError("say where to write the statement with -o FILE, or give --release DEST")
    sources = corpus_sources(workspace, wanted.run)
    output = _free(outside(wanted.output, sources))
    manifest = output.with_name(output.name + CORPUS_MANIFEST)
    metadata = None if wanted.croissant is None else outside(wanted.croissant, sources)
    write_entries(manifest, corpus_entries(workspace, wanted.run, hook))
    subjects = [Subject(manifest.name, storage.sha256_file(manifest))]
    facts = _facts(workspace, wanted, summary, None)
    if metadata is not None:
        entries = list(read_manifest(manifest))
        data = _described(metadata, wanted.run, entries, screening_statement((), facts))
        storage.write_atomic(metadata, data, mode=0o644)
        subjects.append(Subject(metadata.name, sha256(data).hexdigest()))
    return _publish(workspace, wanted, signer, tuple(subjects), facts, (output, manifest, metadata))


def _free(path: Path) -> Path:
    """The path, absolute; UsageError if there is a statement already."""
    if path.exists():
        raise UsageError(
            f"{path} exists already; move it away with its {PROOF} file, or give another name"
        )
    return path.absolute()


def _facts(
    workspace: Workspace, wanted: Wanted, summary: dict[str, Any], release: dict[str, Any] | None
) -> Facts:
    checkpoint = workspace.ledger.checkpoint().decode("utf-8")
    return Facts(
        summary=summary,
        release=release,
        ledger={
            "origin": checkpoint.partition("\n")[0],
            "key": workspace.signer().vkey,
            "checkpoint": checkpoint,
        },
        created=datetime.now(UTC).replace(microsecond=0),
        expires=wanted.expires,
        tool={"name": "brightline", "version": __version__},
        digests_only=wanted.digests_only,
    )


def _described(metadata: Path, name: str, entries: Sequence[Entry], screening: Statement) -> bytes:
    document = croissant.read_document(metadata) if metadata.exists() else None
    return croissant.describe(document, name, entries, screening)


def _publish(
    workspace: Workspace,
    wanted: Wanted,
    signer: Signer,
    subjects: tuple[Subject, ...],
    facts: Facts,
    paths: tuple[Path, Path, Path | None],
) -> Attested:
    """Sign, record, prove, and write the proof and then the statement."""
    output, manifest, metadata = paths
    screening = screening_statement(subjects, facts)
    statements = (svr_statement(screening, facts), screening)
    data = b"".join(encode(sign(PAYLOAD_TYPE, s.encode(), [signer])) for s in statements)
    digest = sha256(data).hexdigest()
    record = workspace.ledger.append(
        Event.ATTESTATION_SIGNED,
        {
            "run": wanted.run,
            "statement": f"sha256:{digest}",
            "subject": f"sha256:{subjects[0].sha256}",
            "about": "corpus" if facts.release is None else "release",
            "keyid": keyid(signer.public),
            "expires": timestamp(wanted.expires),
        },
    )
    proof = output.with_name(output.name + PROOF)
    storage.write_atomic(proof, workspace.ledger.prove(record), mode=0o644)
    storage.write_atomic(output, data, mode=0o644)
    return Attested(
        output, proof, manifest, metadata, digest, keyid(signer.public), record, wanted.expires
    )


def parse_expiry(text: str, start: datetime) -> datetime:
    """`180d`, `26w` or a date in UTC, of which the whole day counts; UsageError otherwise."""
    number, unit = text[:-1], text[-1:]
    try:
        if unit in _DAYS_IN and number.isdecimal():
            return start.replace(microsecond=0) + timedelta(days=int(number) * _DAYS_IN[unit])
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
        return day + timedelta(days=1) - timedelta(seconds=1)
    except (ValueError, OverflowError):
        raise UsageError("--expires takes days, weeks or a date: 180d, 26w or 2031-01-31") from None
