"""Made-up case files, and a workspace that holds one. No real hash, no real place."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from brightline.findings import Identity, load_identity, new_identity
from brightline.referral.casefile import CaseFile, CaseItem, Observation
from brightline.referral.proposals import Ground, Proposal
from brightline.referral.reporter import Person, Reporter
from brightline.referral.store import Referral, new_name, write_draft
from brightline.workspace import Workspace

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

_NAMES = ("a.jpg", "x/y z.png", "ä/ö\u2028.webp", "row 17", "tab\tn\x00.jpg", "<&>\"'.gif", "q\r")


class Clock:
    """A time that tests move."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **delta: float) -> None:
        self.now += timedelta(**delta)


def random_reporter(rng: random.Random) -> Reporter:
    def maybe(text: str) -> str | None:
        return text if rng.random() < 0.5 else None

    def person() -> Person:
        return Person(
            maybe("Ann"),
            maybe("O'Neill & <Sons>"),
            tuple(f"a{k}@example.org" for k in range(rng.randint(1, 3))),
            tuple("+1 555 0100" for _ in range(rng.randint(0, 2))),
        )

    return Reporter(
        name="Example Datasets",
        reporting_person=person(),
        contact_person=person() if rng.random() < 0.5 else None,
        platform=maybe("example.org"),
        company_template=maybe("as agreed"),
        terms_of_service=maybe("terms"),
        legal_url=maybe("https://example.org/law?a=1&b=2"),
        jurisdictions=("US",),
        role="hosting",
        dataset=(("name", "pictures"),) if rng.random() < 0.5 else (),
    )


def random_observation(rng: random.Random) -> Observation:
    signal = rng.choice(["md5", "sha1", "sha256", "pdq", "url"])
    pdq = signal == "pdq"
    via = {"url": "url column", "pdq": "unpadded crop"}.get(signal)
    return Observation(
        signal=signal,
        distance=rng.randint(0, 31) if pdq else 0,
        threshold=31 if pdq else 0,
        list="hotline",
        list_version=str(rng.randint(1, 9)),
        entry=rng.randint(0, 10**9),
        category=rng.choice([None, "A1", "B2"]),
        via=via or rng.choice(["stored bytes", "hash column"]),
        orientation="as stored",
        pdq_quality=rng.randint(50, 100) if pdq else None,
    )


def random_item(rng: random.Random, number: int) -> CaseItem:
    read = rng.random() < 0.8
    return CaseItem(
        number=number,
        source=f"/corpus/{number % 3}",
        shard=f"{number}.tar[0:]",
        item=rng.choice(_NAMES),
        ordinal=number * 7,
        md5=rng.randbytes(16).hex() if read else None,
        sha1=rng.randbytes(20).hex() if read else None,
        sha256=rng.randbytes(32).hex() if read else None,
        size=rng.randint(1, 10**7) if read else None,
        media_type=rng.choice([None, "image/jpeg"]),
        declared=tuple(
            {"md5": rng.randbytes(16).hex(), "url": rng.randbytes(32).hex()}
            for _ in range(rng.randint(0, 2))
        ),
        observations=tuple(random_observation(rng) for _ in range(rng.randint(1, 3))),
        urls=rng.choice([(), ("https://example.org/a?b=<c>&d", "https://example.org/b")]),
        proposal=Proposal("generativeAi", (Ground("rule.a", "declared_standard"),))
        if rng.random() < 0.3
        else None,
    )


def random_case(seed: int, files: int | None = None, name: str | None = None) -> CaseFile:
    rng = random.Random(seed)
    count = rng.randint(1, 5) if files is None else files
    return CaseFile(
        referral=name or new_name(lambda: START),
        run="run-1",
        created="2026-03-01T12:00:00Z",
        incident_time="2026-03-01T10:00:00Z",
        tool="brightline 0",
        reporter=random_reporter(rng),
        lists=({"name": "hotline", "version": "1", "digest": "sha256:0", "entries": 3},),
        items=tuple(random_item(rng, n) for n in range(1, count + 1)),
    )


@dataclass(frozen=True, slots=True)
class Desk:
    """A workspace with a referral and a custodian's key."""

    workspace: Workspace
    referral: Referral
    identity: Identity
    key: Path
    clock: Clock


def make_desk(folder: Path, *, files: int = 2, seed: int = 1) -> Desk:
    """A workspace with one sealed case of so many files."""
    workspace = Workspace.create(folder / "workspace")
    key = folder / "custodian.key"
    workspace.add_custodian(new_identity(key), "Tester")
    clock = Clock()
    case = random_case(seed, files)
    referral = write_draft(workspace, case, clock)
    return Desk(workspace, referral, load_identity(key), key, clock)
