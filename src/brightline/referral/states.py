"""Where a report is: a closed sum, and how it follows from the steps that were written down.

Before every request a step is durable that says what is about to be asked, and after it one
that says what came of it. So the state after a crash is that of the last step, and each state
says what may follow:

    Drafted                    nothing was asked yet: an opening may be asked
    Opening                    an opening was written down; whether it was asked is not known
    Unknown                    an opening was asked and its answer is not known
    Opened                     the report is open, k of n files are filed
    Uploading                  an upload was written down; whether it arrived is not known
    Filing                     details of a file were written down: asking again changes nothing
    Finishing                  the end was written down: asking again cannot end it twice
    Finished                   the report is with the hotline
    Retracting                 a retraction was written down: asking again changes nothing
    Retracted                  it was taken back; another may be opened
    Expired                    the service deleted it unfinished; another may be opened
    Vanished                   the service does not know it after an end that may have been heard

Opening, Unknown and Vanished are never left without a person: opening is the one request that
makes something new each time it is asked, and a finished report cannot be undone.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeAlias, assert_never

from brightline.errors import DamagedError
from brightline.referral import times
from brightline.referral.errors import ReferralError

#: an unfinished report is deleted this long after it was opened, or after its last change,
#: whichever is later
AFTER_OPENING = timedelta(hours=24)
AFTER_CHANGE = timedelta(hours=1)

#: a step: its number `n` from 0, its `kind`, `at` (UTC) and what belongs to the kind
Step: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Report:
    """An open report as the steps tell it.

    `report_id` is the service's number; `reviews` how many review records it was made with;
    `uploaded` has the step that answered each item's upload; `filed` are item numbers; `details`
    turns false when the service takes no details of files that were not uploaded.
    """

    attempt: int
    report_id: str
    opened: datetime
    changed: datetime
    files: int
    reviews: int
    upload: bool
    endpoint: str
    uploaded: Mapping[int, int] = field(default_factory=dict)
    filed: frozenset[int] = field(default=frozenset())
    details: bool = True

    @property
    def deleted_at(self) -> datetime:
        """When the service deletes it if it is not finished."""
        return max(self.opened + AFTER_OPENING, self.changed + AFTER_CHANGE)


@dataclass(frozen=True, slots=True)
class Drafted:
    """Nothing is open; `attempts` openings were refused or ended."""

    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Opening:
    """An opening was written down, and no more."""

    attempt: int
    since: datetime
    intent: Step


@dataclass(frozen=True, slots=True)
class Unknown:
    """An opening was asked; no answer, or none that can be understood."""

    attempt: int
    since: datetime
    intent: Step


@dataclass(frozen=True, slots=True)
class Opened:
    """The report is open and nothing is under way."""

    report: Report


@dataclass(frozen=True, slots=True)
class Uploading:
    """A file was on its way."""

    report: Report
    item: int


@dataclass(frozen=True, slots=True)
class Filing:
    """A file's details were on their way."""

    report: Report
    item: int


@dataclass(frozen=True, slots=True)
class Finishing:
    """The end was on its way."""

    report: Report


@dataclass(frozen=True, slots=True)
class Finished:
    """The hotline has it, with so many files by its own account (None: it did not say)."""

    report: Report
    at: datetime
    files: int | None = None

    @property
    def short(self) -> bool:
        """Whether less is there than was to be: ended by others, or files that got lost."""
        report = self.report
        unfiled = report.details and len(report.filed) < report.files
        return unfiled or (report.upload and self.files not in (None, report.files))


@dataclass(frozen=True, slots=True)
class Retracting:
    """The retraction was on its way."""

    report: Report


@dataclass(frozen=True, slots=True)
class Retracted:
    """It was taken back."""

    report: Report


@dataclass(frozen=True, slots=True)
class Expired:
    """The service deleted it."""

    report: Report


@dataclass(frozen=True, slots=True)
class Vanished:
    """The service does not know it, though it may have been finished."""

    report: Report


State: TypeAlias = (
    Drafted
    | Opening
    | Unknown
    | Opened
    | Uploading
    | Filing
    | Finishing
    | Finished
    | Retracting
    | Retracted
    | Expired
    | Vanished
)


def report_of(state: State) -> Report | None:
    """The report that a state is about, if it has one."""
    match state:
        case Drafted() | Opening() | Unknown():
            return None
        case (
            Opened()
            | Uploading()
            | Filing()
            | Finishing()
            | Finished()
            | Retracting()
            | Retracted()
            | Expired()
            | Vanished()
        ):
            return state.report
        case _:
            assert_never(state)


def may_open(state: State) -> bool:
    """Whether asking for a new report can not make a second one."""
    return isinstance(state, (Drafted, Retracted, Expired))


def fold(steps: Sequence[Step]) -> State:
    """The state after these steps. DamagedError if they cannot follow one another."""
    start: State = Drafted()
    return functools.reduce(follow, steps, start)


def follow(state: State, step: Step) -> State:
    """The state after one more step. DamagedError if it cannot follow."""
    try:
        after = _after(state, step)
    except (LookupError, TypeError, ValueError, AttributeError, ReferralError):
        after = None
    if after is None:
        raise DamagedError(
            f"a step of the submission ({step.get('kind')}) cannot follow "
            f"{type(state).__name__}; restore the referral's folder from a copy"
        )
    return after


def _after(state: State, step: Step) -> State | None:
    """The state after one step, or None where the step makes no sense."""
    at = times.parse(step["at"])
    kind = step["kind"]
    report = report_of(state)
    match kind:
        case "opening" if may_open(state):
            return Opening(step["attempt"], at, step)
        case "not_opened" if isinstance(state, (Opening, Unknown)):
            return Drafted(state.attempt)
        case "unknown" if isinstance(state, Opening):
            return Unknown(state.attempt, state.since, state.intent)
        case "opened" if isinstance(state, (Opening, Unknown)):
            intent = state.intent
            return Opened(
                Report(
                    attempt=state.attempt,
                    report_id=step["report_id"],
                    # counted from when it was asked: the service cannot have begun earlier
                    opened=state.since,
                    changed=state.since,
                    files=intent["files"],
                    reviews=intent["reviews"],
                    upload=intent["upload"],
                    endpoint=intent["endpoint"],
                )
            )
        case _ if report is None:
            return None
        case _:
            return _with_report(state, report, step, at)


def _with_report(state: State, report: Report, step: Step, at: datetime) -> State | None:
    open_now = isinstance(state, (Opened, Filing))
    match step["kind"]:
        case "uploading" if isinstance(state, Opened):
            return Uploading(report, step["item"])
        case "uploaded" if isinstance(state, Uploading):
            there = {**report.uploaded, state.item: step["n"]}
            return Opened(replace(report, uploaded=there, changed=at))
        case "not_uploaded" if isinstance(state, Uploading):
            return Opened(report)
        case "filing" if open_now:
            return Filing(report, step["item"])
        case "filed" if isinstance(state, Filing):
            done = report.filed | {state.item}
            return Opened(replace(report, filed=done, changed=at))
        case "not_filed" if isinstance(state, Filing):
            return Opened(report)
        case "no_details" if isinstance(state, Filing):
            return Opened(replace(report, details=False))
        case "finishing" if open_now or isinstance(state, Finishing):
            return Finishing(report)
        case "not_finished" if isinstance(state, Finishing):
            return Opened(report)
        case "finished" if isinstance(state, (Finishing, Filing, Uploading, Retracting, Vanished)):
            return Finished(report, at, step.get("service_files"))
        case "retracting" if isinstance(state, (Opened, Uploading, Filing, Retracting)):
            return Retracting(report)
        case "not_retracted" if isinstance(state, Retracting):
            return Retracting(report)
        case "retracted" if isinstance(state, (Retracting, Uploading, Filing, Finishing)):
            return Retracted(report)
        case "expired" if isinstance(state, (Uploading, Filing, Finishing, Retracting, Vanished)):
            return Expired(report)
        case "vanished" if isinstance(state, Finishing):
            return Vanished(report)
        case _:
            return None
