"""The steps of a submission, each durable before the next thing happens.

`submissions/ENDPOINT/NNNNNN.json` is step N; beside it, sealed, what was sent and what came back
(`NNNNNN.sent.age`, `NNNNNN.answer.age`). In clear a step holds its kind, time, numbers of items,
the report's number, codes, and digests of whole documents. A step is on the ledger before it is
in place; one that a crash cut off between the two is completed when the journal is next written.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from brightline import storage
from brightline.errors import DamagedError
from brightline.findings import Custodian, Identity, open_sealed, seal
from brightline.ledger import JSON, Event, Ledger
from brightline.referral import times
from brightline.referral.announced import (
    Told,
    check_told,
    journal_path,
    put_in_place,
    read_told,
    settle,
    waiting,
)
from brightline.referral.states import Drafted, State, Step, follow

#: what of a step also goes on the ledger
_ON_LEDGER = (
    "kind",
    "attempt",
    "files",
    "item",
    "code",
    "sent",
    "sealed_sent",
    "sealed_answer",
    "until",
    "again",
)


class Journal:
    """The steps of one referral towards one endpoint."""

    def __init__(
        self,
        home: Path,
        name: str,
        ledger: Ledger,
        custodians: Sequence[Custodian],
        now: times.Now = times.utc_now,
        follow: Callable[[State, Step], State] = follow,
    ) -> None:
        """`home` is the referral's folder; `name` the endpoint's, as on the ledger.

        Nothing is created before the first note. `follow` gives the state after a step, and
        raises for one that cannot follow.
        """
        self.folder = home / journal_path(name)
        self.name = name
        self._home = home
        self._ledger = ledger
        self._custodians = tuple(custodians)
        self._now = now
        self._follow = follow
        self._steps: list[Step] | None = None
        self._state: State = Drafted()
        self._told: Told | None = None

    def steps(self) -> Sequence[Step]:
        """Every step, in order. DamagedError if one is missing, cannot be read, or cannot
        follow those before it."""
        if self._steps is None:
            steps = [self._read(n) for n in range(self._count())]
            self._state = functools.reduce(self._follow, steps, self._state)
            self._steps = steps
        return self._steps

    def state(self) -> State:
        """Where the submission is."""
        self.steps()
        return self._state

    def mend(self) -> None:
        """Complete what a crash cut short, and check every step; call it before the first `note`.

        Raises as `check`. The caller holds the referral's lock.
        """
        self._told = told = read_told(self._ledger)
        settle(self.folder, self._home.parent, told)
        self._steps, self._state = None, Drafted()
        self.check(told)

    def check(self, told: Told) -> None:
        """Raise DamagedError unless the steps are those that the ledger tells.

        One that is missing is an older copy of the folder, which has forgotten a report; one
        that is not on the ledger was put there by somebody else.
        """
        self._told = told
        start = self.folder.relative_to(self._home.parent).as_posix() + "/"
        known = [path for path in told if path.startswith(start) and path.endswith(".json")]
        for number in range(max(self._count(), len(known))):
            check_told(self._path(number, ".json"), self._home.parent, told)

    def note(
        self,
        kind: str,
        fields: Mapping[str, JSON] | None = None,
        *,
        sent: bytes | None = None,
        answer: bytes | None = None,
    ) -> Step:
        """Write down a step, durable on return, and put it on the ledger.

        `sent` and `answer` are kept sealed, and the step has the sealed files' SHA-256; of what
        was sent, its own as well. Not of an answer: the service's to an upload is an MD5 between
        known words, which who has the list could find again. `fields` are in clear and hold no
        locator and no hash of a match. The caller holds the referral's lock.
        """
        state = self.state()
        assert self._steps is not None
        number = len(self._steps)
        step: Step = {"n": number, "kind": kind, "at": times.stamp(self._now()), **(fields or {})}
        paths = []
        for name, body in (("sent", sent), ("answer", answer)):
            if body is not None:
                if name == "sent":
                    step[name] = _digest(body)
                line = {"body": base64.b64encode(body).decode("ascii")}
                path = self._path(number, f".{name}.age")
                seal([line], self._custodians, waiting(path))
                step[f"sealed_{name}"] = f"sha256:{storage.sha256_file(waiting(path))}"
                paths.append(path)
        after = self._follow(state, step)  # what makes no sense is a fault, and is not written
        text = json.dumps(step, sort_keys=True, separators=(",", ":")).encode("ascii")
        paths.append(self._path(number, ".json"))
        storage.write_atomic(waiting(paths[-1]), text)
        self._record(number, step, hashlib.sha256(text).hexdigest())
        put_in_place(paths)
        self._steps.append(step)
        self._state = after
        if self._told is not None:
            for path in paths:
                where = path.relative_to(self._home.parent).as_posix()
                self._told[where] = storage.sha256_file(path)
        return step

    def answer_of(self, number: int, identity: Identity) -> bytes:
        """The answer that was kept with a step, opened."""
        return self._open(number, "answer", identity)

    def sent_of(self, number: int, identity: Identity) -> bytes:
        """What was sent with a step, opened."""
        return self._open(number, "sent", identity)

    def _open(self, number: int, name: str, identity: Identity) -> bytes:
        path = self._path(number, f".{name}.age")
        if self._told is None:
            self._told = read_told(self._ledger)
        check_told(path, self._home.parent, self._told)
        return base64.b64decode(open_sealed(path, identity)[0]["body"])

    def _record(self, number: int, step: Step, digest: str) -> None:
        fields: dict[str, JSON] = {
            "referral": self._home.name,
            "endpoint": self.name,
            "step": number,
            "step_sha256": digest,
        }
        fields |= {key: step[key] for key in _ON_LEDGER if key in step}
        self._ledger.append(Event.REFERRAL_STEP, fields)

    def _count(self) -> int:
        if not self.folder.is_dir():
            return 0
        numbers = sorted(int(p.stem) for p in self.folder.glob("[0-9]*.json"))
        if numbers != list(range(len(numbers))):
            raise DamagedError(f"a step is missing in {self.folder}; restore it from a copy")
        return len(numbers)

    def _read(self, number: int) -> Step:
        path = self._path(number, ".json")
        try:
            step = json.loads(path.read_bytes())
        except (OSError, ValueError):
            step = None
        if (
            not isinstance(step, dict)
            or step.get("n") != number
            or not {"kind", "at"} <= step.keys()
        ):
            raise DamagedError(f"{path} cannot be read; restore it from a copy")
        return step

    def _path(self, number: int, ending: str) -> Path:
        return self.folder / f"{number:06}{ending}"


def _digest(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"
