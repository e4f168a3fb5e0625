"""What the law table holds: closed words and frozen rows.

One row is one jurisdiction × provision × conduct × depiction class; never one boolean for a
country. A row says what the sources were, how they were read, from when the law holds, when the
table learned it, and when it must be read again.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias


class Depiction(enum.StrEnum):
    """What is depicted, and how."""

    REAL = "real"
    REAL_MODIFIED = "real_modified"
    IDENTIFIABLE_LIKENESS = "identifiable_likeness"
    PHOTOREAL_SYNTHETIC = "photoreal_synthetic"
    NON_PHOTOREAL = "non_photoreal"
    TEXT = "text"
    MODEL_OR_TOOL = "model_or_tool"


class Conduct(enum.StrEnum):
    """What someone does with it."""

    PRODUCE = "produce"
    DISTRIBUTE = "distribute"
    POSSESS = "possess"
    ACCESS = "access"
    SUPPLY_TOOL = "supply_tool"


class Coverage(enum.StrEnum):
    """Whether the provision reaches it. `no` never means lawful."""

    YES = "yes"
    PARTIAL = "partial"
    UNCLEAR = "unclear"
    NO = "no"


class Status(enum.StrEnum):
    """How far a text has come. Only `in_force` is read as law."""

    PROPOSED = "proposed"
    ADOPTED = "adopted"  # passed; commencement not known
    IN_FORCE = "in_force"
    LAPSED = "lapsed"
    ENJOINED = "enjoined"


class SourceType(enum.StrEnum):
    """What kind of text a source is."""

    STATUTE = "statute"
    CASE = "case"
    OFFICIAL = "official"
    SECONDARY = "secondary"


class Support(enum.StrEnum):
    """How the fact was read in that source."""

    PRIMARY = "primary"  # in the primary or an official text itself
    SECONDARY = "secondary"  # in someone's account of it
    GENERAL = "general"  # general knowledge, unchecked


class Confidence(enum.StrEnum):
    """The table's own judgement of a row."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class ConductBasis(enum.StrEnum):
    """Whether the sources name the conduct, or only say that the provision covers it."""

    STATED = "stated"
    PROVISION = "provision"


class StartBasis(enum.StrEnum):
    """Why a row is taken to have been in force by a day."""

    SOURCE = "source"  # a text of that day, or earlier, applies or describes it
    CITATION = "citation"  # inferred: the end of the year after the instrument's own


class DutyType(enum.StrEnum):
    """What must be done."""

    REPORT = "report"
    PRESERVE = "preserve"
    REMOVE = "remove"
    NOTIFY = "notify"


class Role(enum.StrEnum):
    """Who asks."""

    HOSTING = "hosting"
    DATASET = "dataset"
    POLICE = "police"
    TELECOM = "telecom"


@dataclass(frozen=True, slots=True)
class Source:
    """One text. `enacted` is false of a bill or proposal: it is no law by itself. `read` is the
    day it was read where that is later than the rows' `last_checked`; `excerpt` says that a part
    of it was read, not the whole."""

    id: str
    type: SourceType
    support: Support
    citation: str
    citation_id: str | None = None
    url: str | None = None
    enacted: bool = True
    read: date | None = None
    excerpt: bool = False

    @property
    def carries(self) -> bool:
        """Whether a row that rests on it need not be a draft."""
        return (
            self.support is Support.PRIMARY
            and self.type is not SourceType.SECONDARY
            and (self.enacted)
        )


@dataclass(frozen=True, slots=True)
class Known:
    """An exact first day."""

    day: date


@dataclass(frozen=True, slots=True)
class Unknown:
    """No exact first day is known: not before `not_before`, in force by `by` at the latest.

    `by` is None where nothing but the reading itself supports it (then `last_checked` does).
    `source` names the source of `by`.
    """

    not_before: date | None = None
    by: date | None = None
    basis: StartBasis | None = None
    source: str | None = None


Start: TypeAlias = Known | Unknown


@dataclass(frozen=True, slots=True)
class Standing:
    """What every row has, whatever it says. Days are inclusive; `end` None is open."""

    status: Status
    start: Start
    end: date | None
    sources: tuple[str, ...]
    confidence: Confidence
    draft: bool
    recorded: date
    last_checked: date
    review_due: date
    supersedes: tuple[str, ...] = ()

    @property
    def cited(self) -> tuple[str, ...]:
        """Every source that it rests on: of what it says, and of its first day."""
        start = self.start
        if isinstance(start, Unknown) and start.source and start.source not in self.sources:
            return (*self.sources, start.source)
        return self.sources


@dataclass(frozen=True, slots=True)
class Provision:
    """A section of an instrument."""

    id: str
    instrument: str
    section: str
    citation_id: str | None = None

    @property
    def title(self) -> str:
        """As it is cited."""
        return f"{self.instrument} {self.section}".strip()


@dataclass(frozen=True, slots=True)
class Row:
    """Whether one provision covers one conduct with one class of depiction."""

    block: str
    jurisdiction: str
    provision: Provision
    conduct: Conduct
    depiction: Depiction
    coverage: Coverage
    conduct_basis: ConductBasis
    standing: Standing
    test: str = ""
    exceptions: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str, Conduct, Depiction]:
        """What no two rows may hold for the same day."""
        return self.jurisdiction, self.provision.id, self.conduct, self.depiction


@dataclass(frozen=True, slots=True)
class Duty:
    """What someone in a role must do. `deadline` is a period (ISO 8601) or words; None where the
    sources give none. Retention counts from the report where one is asked for."""

    block: str
    jurisdiction: str
    provision: Provision
    type: DutyType
    roles: tuple[Role, ...]
    addressee: str
    trigger: str
    standing: Standing
    channel: str = ""
    deadline: str | None = None
    retention_min: str | None = None
    retention_max: str | None = None
    satisfied_by: str = ""
    note: str = ""

    @property
    def key(self) -> tuple[str, str, DutyType, str]:
        """What no two duties may hold for the same day."""
        return self.jurisdiction, self.provision.id, self.type, self.addressee


@dataclass(frozen=True, slots=True)
class Context:
    """A text that bears on the work and is neither an offence nor a duty: a basis to scan private
    messages, a reform under way."""

    block: str
    jurisdiction: str
    provision: Provision
    text: str
    standing: Standing

    @property
    def key(self) -> tuple[str, str]:
        """What no two entries may hold for the same day."""
        return self.jurisdiction, self.provision.id


@dataclass(frozen=True, slots=True)
class Jurisdiction:
    """One file of the table."""

    code: str
    name: str
    inherits: tuple[str, ...]
    sources: dict[str, Source]
    rows: tuple[Row, ...]
    duties: tuple[Duty, ...]
    contexts: tuple[Context, ...]

    @property
    def entries(self) -> tuple[Row | Duty | Context, ...]:
        """Everything that has a standing."""
        return (*self.rows, *self.duties, *self.contexts)


@dataclass(frozen=True, slots=True)
class Operation:
    """A police operation whose countries the operation view can be asked for."""

    id: str
    name: str
    day: date
    day_note: str
    jurisdictions: tuple[str, ...]
    figures: str
    source: str
    support: Support


@dataclass(frozen=True, slots=True)
class Table:
    """Every file, by code; and the operations."""

    jurisdictions: dict[str, Jurisdiction]
    operations: dict[str, Operation]


class Why(enum.StrEnum):
    """Why a reading is not simply what its row says."""

    AS_STATED = "as_stated"
    NO_ROW = "no_row"
    NOT_RECORDED = "not_recorded"
    PAST_REVIEW = "past_review"
    NOT_YET = "not_yet"
    START_UNKNOWN = "start_unknown"
    ENDED = "ended"
    NOT_COMMENCED = "not_commenced"
    PROPOSED = "proposed"
    ENJOINED = "enjoined"
