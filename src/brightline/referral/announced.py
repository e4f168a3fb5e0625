"""Files of referrals: in place only after the ledger has their digest, and read only if it has.

Anyone can seal a file to the custodians, since their recipients are no secret. A review, a step
or a hold that somebody put there would speak in a person's name. So each is written beside its
place, announced on the ledger, and then renamed; what the ledger does not know is not believed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from brightline import storage
from brightline.errors import DamagedError
from brightline.ledger import Event, Ledger, Record
from brightline.referral.errors import ReferralError

_WAITING = f"{storage.TEMPORARY}announced-"
_DIGEST = re.compile(r"(?:sha256:)?([0-9a-f]{64})")

#: the newest SHA-256, in hex, of every file below `referrals/`, by its path there
Told: TypeAlias = dict[str, str]


@dataclass(frozen=True, slots=True)
class Destroyed:
    """A referral that somebody decided to destroy, as the ledger tells it.

    `at` is the record's time; `files` how many files it was about; `sealed` what the ledger had of
    its own files; `finished` the services that have its report.
    """

    referral: str
    run: str
    at: str
    files: int
    sealed: Told
    finished: tuple[str, ...]
    despite_floor: str | None

    @property
    def day(self) -> str:
        """The day of the decision, UTC."""
        return self.at[:10]


def read_told(ledger: Ledger) -> Told:
    """What the ledger says of the files of all referrals; of those destroyed, nothing."""
    return read_all(ledger)[0]


def read_all(ledger: Ledger) -> tuple[Told, dict[str, Destroyed]]:
    """What the ledger says of the files of all referrals, and those destroyed, by name."""
    found: dict[str, str] = {}
    gone: dict[str, Destroyed] = {}

    def said(path: str, digest: object) -> None:
        match = _DIGEST.fullmatch(str(digest))
        if match is not None:
            found[path] = match[1]

    for record in ledger.records():
        fields = record.fields
        home = fields.get("referral")
        match record.kind:
            case Event.REFERRAL_DRAFTED:
                said(f"{home}/case.age", fields.get("sealed"))
                said(f"{home}/draft.json", fields.get("draft"))
            case Event.REFERRAL_REVIEWED:
                said(f"{home}/{numbered('reviews', fields.get('review'))}.age", fields["sealed"])
            case Event.REFERRAL_STEP if "step" in fields:
                where = f"{home}/{numbered(journal_path(fields['endpoint']), fields['step'])}"
                said(f"{where}.json", fields.get("step_sha256"))
                said(f"{where}.sent.age", fields.get("sealed_sent"))
                said(f"{where}.answer.age", fields.get("sealed_answer"))
            case Event.FINDINGS_RESEALED:
                files = fields.get("referrals")
                for path, digest in (files if isinstance(files, dict) else {}).items():
                    said(path, digest)
            case Event.REFERRAL_DESTROYED:
                sealed = {path: d for path, d in found.items() if path.startswith(f"{home}/")}
                for path in sealed:
                    del found[path]
                gone[str(home)] = _destroyed(record, sealed)
            case _:
                pass
    return found, gone


def listing_digest(files: Mapping[str, str]) -> str:
    """The SHA-256 over a line `DIGEST  PATH` for each file, sorted by path, as `sha256sum`
    prints them."""
    lines = "".join(f"{files[path]}  {path}\n" for path in sorted(files))
    return f"sha256:{hashlib.sha256(lines.encode('ascii')).hexdigest()}"


def _destroyed(record: Record, sealed: Told) -> Destroyed:
    fields = record.fields
    finished = fields.get("finished")
    despite = fields.get("despite_floor")
    return Destroyed(
        referral=str(fields.get("referral")),
        run=str(fields.get("run")),
        at=record.time,
        files=int(str(fields.get("files", 0))),
        sealed=sealed,
        finished=tuple(map(str, finished)) if isinstance(finished, list) else (),
        despite_floor=None if despite is None else str(despite),
    )


def journal_path(endpoint: object) -> str:
    """The folder of a journal in its referral, by its name on the ledger."""
    return "holds" if endpoint == "holds" else f"submissions/{endpoint}"


def numbered(folder: str, number: object) -> str:
    """Where the file of that number is, without its ending."""
    return f"{folder}/{int(str(number)):06}"


def waiting(path: Path) -> Path:
    """Where a file lies until it is on the ledger."""
    return path.with_name(f"{_WAITING}{path.name}")


def put_in_place(paths: Iterable[Path]) -> None:
    """Give files their names, after they were announced."""
    for path in paths:
        storage.rename(waiting(path), path)


def settle(folder: Path, root: Path, told: Told) -> None:
    """Complete below a folder what was announced and cut short; throw away what was not.

    `root` is what the paths of `told` are relative to. The caller holds the referral's lock.
    """
    for path in sorted(folder.rglob(f"{_WAITING}*")):
        target = path.with_name(path.name.removeprefix(_WAITING))
        if told.get(target.relative_to(root).as_posix()) == storage.sha256_file(path):
            storage.rename(path, target)
        else:
            path.unlink()


def check_told(path: Path, root: Path, told: Told) -> None:
    """Raise DamagedError unless a file is what the ledger says of it.

    ReferralError where what the ledger says was cut short before it was in place.
    """
    said = told.get(path.relative_to(root).as_posix())
    if said is None:
        raise DamagedError(f"{path} is not on the ledger; remove it, or restore the ledger")
    try:
        if storage.sha256_file(path) == said:
            return
        state = "is not what the ledger says"
    except FileNotFoundError:
        state = "is on the ledger and missing"
    except OSError as error:
        raise DamagedError(f"cannot read {path}: {error.strerror}") from None
    next_one = waiting(path)
    if next_one.is_file() and storage.sha256_file(next_one) == said:
        raise ReferralError(
            f"the last change of {path} was cut short; give its command again, or "
            "`brightline findings reseal`"
        )
    raise DamagedError(f"{path} {state}; restore it from a copy")
