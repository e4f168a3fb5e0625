"""Whether the referrals and the release plans of a workspace are what its ledger says."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from brightline.ledger.verify.chain import Entry
from brightline.ledger.verify.files import (
    Compared,
    check_extra,
    check_file,
    files_below,
    is_held,
    is_temporary,
)

_DIGEST = re.compile(r"(?:sha256:)?([0-9a-f]{64})")
_NUMBERED = re.compile(r"(.+)/([0-9]{6})(?:\.sent|\.answer)?\.(?:age|json)")
_LOCK = re.compile(r"(?:.*/)?\.lock[^/]*")
#: what a release that is under way writes beside its plan
_UNDER_WAY = re.compile(r".*/[0-9a-f]{12}\.(?:done|ready)")


@dataclass(frozen=True, slots=True)
class Destroyed:
    """A referral that is to be gone: since which day, and its files' digests until then."""

    day: str
    files: dict[str, str]


@dataclass(slots=True)
class Kept:
    """What the ledger says of files in `referrals/` and `releases/`: digests by path in the
    workspace, and what they were before the newest record changed them (None: not there).

    `numbered` counts, by folder, the reviews and steps on the ledger.
    """

    files: dict[str, str] = field(default_factory=dict)
    before: dict[str, str | None] = field(default_factory=dict)
    numbered: Counter[str] = field(default_factory=Counter)
    referrals: set[str] = field(default_factory=set)
    destroyed: dict[str, Destroyed] = field(default_factory=dict)

    def add(self, entry: Entry) -> None:
        """Take the next record; of fields that it does not have, nothing is expected."""
        fields = entry.fields
        home = f"referrals/{fields.get('referral')}"
        match entry.kind:
            case "referral_drafted" if "referral" in fields:
                self.referrals.add(home)
                self._file(f"{home}/case.age", fields.get("sealed"))
                self._file(f"{home}/draft.json", fields.get("draft"))
            case "referral_reviewed":
                self.numbered[f"{home}/reviews"] += 1
                self._file(
                    _name(f"{home}/reviews", fields.get("review"), ".age"), fields.get("sealed")
                )
            case "referral_step" if "step" in fields:  # a package is no file of the workspace
                endpoint = fields.get("endpoint")
                folder = f"{home}/{'holds' if endpoint == 'holds' else f'submissions/{endpoint}'}"
                self.numbered[folder] += 1
                for ending, name in (
                    (".json", "step_sha256"),
                    (".sent.age", "sealed_sent"),
                    (".answer.age", "sealed_answer"),
                ):
                    self._file(_name(folder, fields.get("step"), ending), fields.get(name))
            case "referral_destroyed":
                self._destroyed(home, entry.time[:10], fields.get("listing"))
            case "release_planned" | "findings_resealed":
                for room in ("releases", "referrals"):
                    files = fields.get(room)
                    for name, digest in (files if isinstance(files, dict) else {}).items():
                        self._file(f"{room}/{name}", digest)
            case _:
                pass

    def _destroyed(self, home: str, day: str, listing: object) -> None:
        """Expect a referral's files no longer, if the record lists just what the ledger has."""
        files = {path: d for path, d in self.files.items() if path.startswith(f"{home}/")}
        lines = "".join(f"{files[p]}  {p.removeprefix('referrals/')}\n" for p in sorted(files))
        if listing == f"sha256:{hashlib.sha256(lines.encode()).hexdigest()}":
            for path in files:
                del self.files[path]
            self.destroyed[home] = Destroyed(day, files)

    def _file(self, path: str, digest: object) -> None:
        found = _DIGEST.fullmatch(str(digest))
        if found is not None:
            self.before[path] = self.files.get(path)
            self.files[path] = found[1]


def _name(folder: str, number: object, ending: str) -> str:
    return f"{folder}/{number:06}{ending}" if isinstance(number, int) else folder


def compare_kept(root: Path, kept: Kept, done: Compared, beat: Callable[[int], None]) -> None:
    """Compare referrals and release plans with the ledger; `beat` is told the bytes read.

    Raises VerificationError naming the first thing that is missing, changed, or there without
    being on the ledger.
    """
    for path, digest in kept.files.items():
        if not _announced(root / path, digest):
            check_file(root, path, digest, done, beat)
            continue
        # announced, but not put in place: until then what was there must be there
        before = kept.before[path]
        if before is not None:
            check_file(root, path, before, done, beat)
        elif (root / path).exists():
            check_extra(done, path, pending=False)
        done.not_covered.append(f"{path}: sealing it was cut off; give the command again")
    there: Counter[str] = Counter()
    for path in files_below(root / "referrals"):
        home = f"referrals/{path.partition('/')[0]}"
        if home in kept.destroyed:
            there[home] += _still_there(root, kept.destroyed[home], f"referrals/{path}", done, beat)
        else:
            _referral(root, kept, f"referrals/{path}", done)
    for home, count in there.items():
        if count:
            done.not_covered.append(
                f"{home}: destroyed on {kept.destroyed[home].day} by the ledger, and files of it "
                f"are there ({count}), left or back; `brightline referral destroy "
                f"{home.removeprefix('referrals/')}` takes them away"
            )
    for path in files_below(root / "releases"):
        where = f"releases/{path}"
        if where not in kept.files and not _LOCK.fullmatch(path):
            check_extra(done, where, pending=is_temporary(path) or bool(_UNDER_WAY.fullmatch(path)))


def _announced(path: Path, digest: str) -> bool:
    """Whether what the ledger announces still waits beside the place that it is to take."""
    waiting = path.with_name(f".tmp-announced-{path.name}")
    try:
        return hashlib.sha256(waiting.read_bytes()).hexdigest() == digest
    except OSError:
        return False


def _still_there(
    root: Path, gone: Destroyed, path: str, done: Compared, beat: Callable[[int], None]
) -> int:
    """Whether a file is one of a destroyed referral, left by a crash or put back; any other is
    refused."""
    if _LOCK.fullmatch(path):
        return 0
    if path in gone.files:
        check_file(root, path, gone.files[path], done, beat)
    elif not is_temporary(path) and path.split("/")[2:] != ["draft.json"]:
        check_extra(done, path, pending=False)
    return 1


def _referral(root: Path, kept: Kept, path: str, done: Compared) -> None:
    """A file in a referral: on the ledger, or what its maker had no time to put there."""
    if path in kept.files or _LOCK.fullmatch(path):
        return
    home = "/".join(path.split("/")[:2])
    if home not in kept.referrals:
        # a draft is written whole, and then recorded
        pending = path in (f"{home}/draft.json", f"{home}/case.age") or is_temporary(path)
    elif path == f"{home}/draft.json":
        done.not_covered.append(f"{path}: the ledger has no digest of it")
        return
    else:
        # a review or step is written, and then recorded: of each kind at most one is not yet
        found = _NUMBERED.fullmatch(path)
        late = found is not None and int(found[2]) == kept.numbered[found[1]]
        pending = late or is_temporary(path) or is_held(root / home / ".lock")
    check_extra(done, path, pending=pending)
