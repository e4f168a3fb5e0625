"""Referrals on disk: `WORKSPACE/referrals/ID/`, readable by their owner, sealed to custodians.

draft.json                 what nobody could find material by: run, times, counts, digest
case.age                   the case file
reviews/NNNNNN.age         review records, each sealed when it is made
submissions/ENDPOINT/      steps of a submission, see `journal`
holds/                     legal holds, see `holds`

Each of them is what the ledger says, or is not opened (`announced`).
"""

from __future__ import annotations

import contextlib
import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from brightline import storage
from brightline.errors import DamagedError
from brightline.findings import Identity, open_sealed, seal
from brightline.ledger import Event
from brightline.referral import times
from brightline.referral.announced import (
    Destroyed,
    Told,
    check_told,
    put_in_place,
    read_all,
    read_told,
    settle,
    waiting,
)
from brightline.referral.casefile import CaseFile
from brightline.referral.errors import ReferralError
from brightline.referral.journal import Journal
from brightline.referral.reviews import Review
from brightline.workspace import Workspace

REFERRALS = "referrals"
DRAFT = "draft.json"
CASE = "case.age"
LOCK = ".lock"
REVIEWS = "reviews"
SUBMISSIONS = "submissions"
_NAME = re.compile(r"ref-[0-9]{8}-[0-9]{6}-[0-9a-f]{6}")
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Draft:
    """What is in clear about a referral. `incident_time` and `created` are UTC stamps; `again` is
    why files are in it that other referrals have, if that was said."""

    referral: str
    run: str
    created: str
    incident_time: str
    files: int
    jurisdictions: tuple[str, ...]
    role: str
    case_sha256: str
    again: str | None = None


class Referral:
    """One referral of a workspace."""

    def __init__(self, workspace: Workspace, draft: Draft, now: times.Now = times.utc_now) -> None:
        """Use `open_referral` or `write_draft`."""
        self.workspace = workspace
        self.draft = draft
        self.name = draft.referral
        self.folder = referrals_dir(workspace) / draft.referral
        self.now = now

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the referral: one process at a time changes or sends it.

        What a crash cut short after it was announced is completed first.
        """
        with storage.locked(self.folder / LOCK, f"referral {self.name}"):
            told, destroyed = read_all(self.workspace.ledger)
            if self.name in destroyed:
                raise ReferralError(destroyed_words(destroyed[self.name]))
            settle(self.folder, self.root, told)
            yield

    @property
    def root(self) -> Path:
        """The folder of all referrals."""
        return self.folder.parent

    def check(self, told: Told) -> None:
        """Raise DamagedError unless the draft is what the ledger says; opens nothing."""
        if f"{self.name}/{CASE}" not in told:
            check_not_destroyed(self.workspace, self.name)
            raise DamagedError(
                f"referral {self.name} is not on the ledger, since drafting it was cut short or "
                "somebody put it there; draft it anew"
            )
        if f"{self.name}/{DRAFT}" in told:  # early versions did not write its digest
            check_told(self.folder / DRAFT, self.root, told)
        check_told(self.folder / CASE, self.root, told)

    def case(self, identity: Identity, told: Told | None = None) -> CaseFile:
        """The case file, opened; nothing of it is kept. `told` saves reading the ledger."""
        self.check(read_told(self.workspace.ledger) if told is None else told)
        return CaseFile.from_lines(open_sealed(self.folder / CASE, identity))

    def review_count(self) -> int:
        """How many review records there are."""
        return len(self._review_files())

    def reviews(self, identity: Identity, count: int | None = None) -> list[Review]:
        """The first `count` review records, or all, in the order in which they were made."""
        files = self._review_files()[:count]
        told = read_told(self.workspace.ledger)
        if count is None:
            start = f"{self.name}/{REVIEWS}/"
            known = sum(path.startswith(start) for path in told)
            if known > len(files):
                raise DamagedError(
                    f"the ledger knows reviews that are missing in {self.folder / REVIEWS}; "
                    "restore it from a copy"
                )
        for path in files:
            check_told(path, self.root, told)
        return [Review.from_json(open_sealed(path, identity)[0]) for path in files]

    def add_review(self, review: Review) -> None:
        """Seal a review record, put on the ledger that there is one, and then in its place."""
        with self.locked():
            number = self.review_count()
            path = self.folder / REVIEWS / f"{number:06}.age"
            seal([review.to_json()], self.workspace.sealers(), waiting(path))
            # not which file: numbers of files and who viewed what are for those who may open it
            self.workspace.ledger.append(
                Event.REFERRAL_REVIEWED,
                {
                    "referral": self.name,
                    "review": number,
                    "sealed": f"sha256:{storage.sha256_file(waiting(path))}",
                },
            )
            put_in_place([path])

    def endpoints(self) -> list[str]:
        """The endpoints towards which something was begun."""
        folder = self.folder / SUBMISSIONS
        return sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []

    def journal(self, endpoint: str) -> Journal:
        """The steps towards an endpoint, by its name."""
        return Journal(
            self.folder,
            endpoint,
            self.workspace.ledger,
            self.workspace.sealers(),
            self.now,
        )

    def _review_files(self) -> list[Path]:
        files = sorted((self.folder / REVIEWS).glob("[0-9]*.age"))
        if [int(path.stem) for path in files] != list(range(len(files))):
            raise DamagedError(f"a review record of referral {self.name} is missing")
        return files


def referrals_dir(workspace: Workspace) -> Path:
    """Where a workspace keeps its referrals."""
    return workspace.root / REFERRALS


def new_name(now: times.Now = times.utc_now) -> str:
    """A name that no other referral has."""
    return f"ref-{now().strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"


def write_draft(workspace: Workspace, case: CaseFile, now: times.Now = times.utc_now) -> Referral:
    """Seal a case file as a new referral, whole or not at all, and put it on the ledger."""
    folder = referrals_dir(workspace) / case.referral
    draft = Draft(
        referral=case.referral,
        run=case.run,
        created=case.created,
        incident_time=case.incident_time,
        files=len(case.items),
        jurisdictions=case.reporter.jurisdictions,
        role=case.reporter.role,
        case_sha256="",
        again=case.again,
    )
    digests: list[str] = []

    def fill(temporary: Path) -> None:
        seal(case.lines(), workspace.sealers(), temporary / CASE)
        digests.append(storage.sha256_file(temporary / CASE))
        document = {**_to_json(draft), "case_sha256": digests[0]}
        storage.write_atomic(temporary / DRAFT, json.dumps(document, sort_keys=True).encode())

    if not storage.commit_directory(folder, fill):
        raise ReferralError(f"there is a referral {case.referral} already; draft again")
    draft = replace(draft, case_sha256=digests[0])
    record_draft(workspace, draft)
    return Referral(workspace, draft, now)


def record_draft(workspace: Workspace, draft: Draft) -> None:
    """Put a draft on the ledger."""
    draft_file = referrals_dir(workspace) / draft.referral / DRAFT
    workspace.ledger.append(
        Event.REFERRAL_DRAFTED,
        {
            "referral": draft.referral,
            "run": draft.run,
            "files": draft.files,
            "incident_time": draft.incident_time,
            "sealed": f"sha256:{draft.case_sha256}",
            "draft": f"sha256:{storage.sha256_file(draft_file)}",
            **({} if draft.again is None else {"again": draft.again}),
        },
    )


def referral_names(workspace: Workspace) -> list[str]:
    """Every referral, oldest first."""
    folder = referrals_dir(workspace)
    if not folder.is_dir():
        return []
    return sorted(p.name for p in folder.iterdir() if (p / DRAFT).is_file())


def open_referral(workspace: Workspace, name: str, now: times.Now = times.utc_now) -> Referral:
    """A referral by its name; ReferralError naming the latest if there is none such."""
    path = referrals_dir(workspace) / name / DRAFT
    if not _NAME.fullmatch(name) or not path.is_file():
        check_not_destroyed(workspace, name)
        known = ", ".join(referral_names(workspace)[-5:]) or "none yet"
        raise ReferralError(f"there is no referral of that name; the latest are: {known}")
    try:
        document = json.loads(path.read_bytes())
        if document.pop("format") != _FORMAT:
            raise ReferralError(f"{path} is of a later version; use that version")
        document["jurisdictions"] = tuple(document["jurisdictions"])
        draft = Draft(**document)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        raise DamagedError(f"{path} cannot be read; restore it from a copy") from None
    return Referral(workspace, draft, now)


def check_not_destroyed(workspace: Workspace, name: str) -> None:
    """Raise ReferralError, telling when, if the ledger has a referral as destroyed."""
    destroyed = read_all(workspace.ledger)[1]
    if name in destroyed:
        raise ReferralError(destroyed_words(destroyed[name]))


def destroyed_words(destroyed: Destroyed) -> str:
    """Why nothing can be done with a destroyed referral any more, and what if it is there."""
    name = destroyed.referral
    return (
        f"referral {name} was destroyed on {destroyed.day}, says the ledger; if files of it are "
        f"there, `brightline referral destroy {name}` takes them away"
    )


def _to_json(draft: Draft) -> dict[str, Any]:
    return {
        "format": _FORMAT,
        "referral": draft.referral,
        "run": draft.run,
        "created": draft.created,
        "incident_time": draft.incident_time,
        "files": draft.files,
        "jurisdictions": list(draft.jurisdictions),
        "role": draft.role,
        "again": draft.again,
    }
