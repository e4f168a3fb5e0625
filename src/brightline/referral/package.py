"""A bundle for a hotline or an agency without an interface for programs.

Findings, custody (what the ledger tells of them, with proofs), the statement if there is one,
and a sheet of what the law table says. Signed by the workspace, sealed to its custodians and to
whom it is for.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from brightline import storage
from brightline.errors import UsageError
from brightline.findings import Custodian, Identity, canonical_recipient
from brightline.law import load
from brightline.law.words import CAVEATS
from brightline.ledger import Event, Record
from brightline.referral import times
from brightline.referral.bundle import PAYLOAD_TYPE, read_bundle, write_bundle
from brightline.referral.casefile import CaseFile
from brightline.referral.clocks import Kept, clocks_of
from brightline.referral.documents import observation_lines
from brightline.referral.errors import ReferralError
from brightline.referral.reviews import Review, latest
from brightline.referral.store import Referral
from brightline.screen.runs import RUN, SUMMARY, run_folder

#: files of a run's folder that tell how it was made
_RUN_FILES = (RUN, SUMMARY)
#: records of which a proof is put in; the others are told, and the checkpoint covers them
_PROVEN = frozenset(
    {
        Event.RUN_STARTED,
        Event.RUN_FINISHED,
        Event.FINDINGS_OPENED,
        Event.REFERRAL_DRAFTED,
        Event.REFERRAL_REVIEWED,
        Event.ATTESTATION_SIGNED,
    }
)


@dataclass(frozen=True, slots=True)
class Packed:
    """What was written: the file's SHA-256 in hex, and how many files and recipients it has."""

    path: Path
    sha256: str
    files: int
    recipients: int


def make_package(
    referral: Referral,
    identity: Identity,
    path: Path,
    *,
    recipients: Sequence[str] = (),
    statement: Path | None = None,
) -> Packed:
    """Write a package of a referral to `path`; it must not exist.

    `recipients` are age recipients besides the custodians. That it was made is on the ledger
    before it is there. Raises UsageError, SealError or DamagedError; then there is no file.
    """
    if path.exists():
        raise ReferralError(f"{path} exists already; choose another name for the package")
    workspace = referral.workspace
    sealed_to = _recipients(workspace.sealers(), recipients)
    case = referral.case(identity)
    reviews = referral.reviews(identity)
    with referral.locked():
        workspace.ledger.append(
            Event.REFERRAL_STEP,
            {
                "referral": referral.name,
                "endpoint": "package",
                "kind": "package",
                "files": len(case.items),
                "recipients": len(sealed_to),
            },
        )
        files = _files(referral, case, reviews, statement)
        about = {
            "referral": referral.name,
            "run": referral.draft.run,
            "made": times.stamp(referral.now()),
            "tool": case.tool,
            "reporter": case.reporter.name,
            "signed_with": workspace.signer().vkey,
        }
        digest = write_bundle(path, about, files, sealed_to, workspace.signer())
        workspace.ledger.append(
            Event.REFERRAL_STEP,
            {
                "referral": referral.name,
                "endpoint": "package",
                "kind": "packed",
                "sealed_sent": f"sha256:{digest}",
            },
        )
    return Packed(path, digest, len(files), len(sealed_to))


def open_package(
    path: Path, identity: Identity, publics: Sequence[bytes], target: Path
) -> dict[str, Any]:
    """Check a package and write its files into a new folder, whole or not at all.

    Returns its manifest. Raises as `bundle.read_bundle`, and ReferralError if the folder
    exists.
    """
    if target.exists():
        raise ReferralError(f"{target} exists already; choose another folder")
    manifest, files = read_bundle(path, identity, publics)

    def fill(folder: Path) -> None:
        for name, data in files.items():
            storage.write_atomic(folder / name, data)

    storage.commit_directory(target, fill)
    return manifest


def _recipients(
    custodians: Sequence[Custodian], recipients: Sequence[str]
) -> tuple[Custodian, ...]:
    known = {custodian.recipient for custodian in custodians}
    added = []
    for number, text in enumerate(recipients, 1):
        key = canonical_recipient(text)
        if key not in known:
            known.add(key)
            added.append(Custodian(f"recipient {number}", key))
    return (*custodians, *added)


def _files(
    referral: Referral, case: CaseFile, reviews: Sequence[Review], statement: Path | None
) -> dict[str, bytes]:
    files = {
        "README.txt": _readme(referral, case),
        "case/case.jsonl": _lines(case.lines()),
        "case/reviews.jsonl": _lines(review.to_json() for review in reviews),
        "case/observations.txt": _observations(case, reviews),
    }
    folder = run_folder(referral.workspace, case.run)
    for name in _RUN_FILES:
        if (folder / name).is_file():
            files[f"run/{name}"] = (folder / name).read_bytes()
    files |= _custody(referral)
    if statement is not None:
        try:
            files[f"statement/{statement.name}"] = statement.read_bytes()
        except OSError as error:
            raise ReferralError(f"cannot read {statement}: {error.strerror}") from None
    return files | _law(referral)


def _custody(referral: Referral) -> dict[str, bytes]:
    """The ledger's records of the run and of this referral, a checkpoint, and proofs."""
    ledger = referral.workspace.ledger
    told = [record for record in ledger.records() if _concerns(record, referral)]
    files = {
        "custody/ledger.jsonl": _lines(asdict(record) for record in told),
        "custody/checkpoint": ledger.checkpoint(),
    }
    for record in told:
        if record.kind in _PROVEN:
            files[f"custody/proof-{record.seq}.tlog-proof"] = ledger.prove(record.seq)
    return files


def _concerns(record: Record, referral: Referral) -> bool:
    other = record.fields.get("referral", referral.name) != referral.name
    return not other and (
        record.fields.get("run") == referral.draft.run
        or record.fields.get("referral") == referral.name
        or record.kind in (Event.CUSTODIAN_ADDED, Event.CUSTODIAN_REMOVED, Event.KEY_ROTATED)
    )


def _law(referral: Referral) -> dict[str, bytes]:
    """The law sheet. What an agency has to get does not wait for a table that is refused."""
    try:
        table = load()
    except UsageError as error:
        text = f"{error}\nSo this sheet says nothing, which is no proof of no duty.\n"
        return {"law/duties.txt": text.encode()}
    return _law_sheet(clocks_of(referral, table))


def _law_sheet(kept: Kept) -> dict[str, bytes]:
    document = {
        "caveats": list(CAVEATS),
        "found": times.stamp(kept.found),
        "reported": None if kept.reported is None else times.stamp(kept.reported),
        "clocks": [asdict(clock) for clock in kept.clocks],
        "conflicts": [asdict(conflict) for conflict in kept.conflicts],
        "nothing_known_for": list(kept.gaps),
    }
    lines = ["What the law table says. Not legal advice.", "", *CAVEATS, ""]
    for clock in kept.clocks:
        mark = " (draft: not read in a primary source)" if clock.draft else ""
        moments = (
            ("due", clock.due),
            ("keep until", clock.keep_until),
            ("gone by", clock.destroy_by),
        )
        when = [f"; {word} {times.stamp(moment)}" for word, moment in moments if moment is not None]
        lines.append(
            f"{clock.jurisdiction}: {clock.type} to {clock.addressee}, {clock.law}{mark}: "
            f"{clock.due_text}{''.join(when)}"
        )
    lines += [f"Conflict: {conflict.text}" for conflict in kept.conflicts]
    lines += [f"{code}: nothing known, which is no proof of no duty" for code in kept.gaps]
    return {
        "law/duties.json": json.dumps(document, indent=2, default=str).encode(),
        "law/duties.txt": "\n".join([*lines, ""]).encode(),
    }


def _observations(case: CaseFile, reviews: Sequence[Review]) -> bytes:
    newest = latest(reviews)
    lines = []
    for item in case.items:
        lines += [f"File {item.number}", *observation_lines(item, newest.get(item.number)), ""]
    return "\n".join(lines).encode("utf-8", "backslashreplace")


def _readme(referral: Referral, case: CaseFile) -> bytes:
    return f"""\
Referral {referral.name}, from {case.reporter.name}, made with {case.tool}.

{len(case.items)} files of a corpus matched entries of known-material hash lists. A match is an
observation by a program about a hash. Nobody has determined what the files show. No file is in
this package, and no picture.

manifest.dsse.json         names every file here with its SHA-256; signed by the reporter
case/observations.txt      for reading: every file, where it is, what was observed
case/case.jsonl            the same for programs: a head, then a line a file
case/reviews.jsonl         what people stated that they did with a file
run/                       how the corpus was audited, and its counts
custody/ledger.jsonl       the ledger's records of the run and of this referral
custody/checkpoint         the ledger's signed head (c2sp.org/tlog-checkpoint)
custody/proof-N…           a proof for record N (c2sp.org/tlog-proof, v1)
statement/                 the signed statement on the corpus, if there is one
law/                       what the law table says is due, with its caveats

Check it before you read it, with `openssl`, `jq` and the sender's public key as PEM in sender.pem,
which you had from them by another way than this package. In the folder with the files, for all of
which there is a line OK at the end:

  jq -r .payload manifest.dsse.json | base64 -d > ../manifest.json
  jq -r '.signatures[0].sig' manifest.dsse.json | base64 -d > ../signature
  {{ printf 'DSSEv1 {len(PAYLOAD_TYPE)} {PAYLOAD_TYPE} %d ' $(wc -c < ../manifest.json)
    cat ../manifest.json; }} > ../signed
  openssl pkeyutl -verify -rawin -pubin -inkey ../sender.pem -in ../signed -sigfile ../signature
  jq -r '.files[] | .sha256 + "  " + .path' ../manifest.json | sha256sum -c
  jq -r '.files[].path' ../manifest.json | sort > ../listed
  find . -type f ! -name manifest.dsse.json | cut -c3- | sort | diff - ../listed

What the custody records prove, and what they do not, without a witness: that nothing was changed
after a checkpoint that somebody else holds. This package is such a copy.
""".encode()


def _lines(documents: Any) -> bytes:
    return b"".join(
        json.dumps(document, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"
        for document in documents
    )
